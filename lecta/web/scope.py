"""Where a question is asked: all lectures, a course, a lecture, a kind of material."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lecta.types import Kind
from lecta.web.labels import KINDS


@dataclass(frozen=True, slots=True)
class Scope:
    """What is left of the library when it is asked; None is all of it."""

    course: str | None = None
    lecture: int | None = None
    kind: Kind | None = None

    def toggled(self, course: str | None, lecture: int | None) -> Scope:
        """Return the scope with a lecture (or a whole course), or without it where it was chosen already."""
        if (self.course, self.lecture) == (course, lecture):
            return replace(self, course=None, lecture=None)
        return replace(self, course=course, lecture=lecture)

    @property
    def pills(self) -> list[tuple[str, Scope]]:
        """What is chosen, in words, each with the scope that is left without it."""
        pills = []
        if self.lecture is not None:
            pills.append((f"Lecture {self.lecture}", replace(self, lecture=None, course=None)))
        elif self.course is not None:
            pills.append((self.course or "Without a course", replace(self, course=None)))
        if self.kind is not None:
            pills.append((KINDS[self.kind], replace(self, kind=None)))
        return pills
