"""The left of the page: what the library holds, and which part of it is asked."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nicegui.element import Element

from lecta.types import DocumentRecord, Kind
from lecta.web import labels, parts
from lecta.web.scope import Scope

if TYPE_CHECKING:
    from lecta.lectures import Lecture

OnScope = Callable[[Scope], None]
OnOpen = Callable[[DocumentRecord], Awaitable[None]]


class Shelf:
    """Lists courses, lectures and files; a lecture that is picked is the scope of what is asked."""

    def __init__(self, on_scope: OnScope, on_open: OnOpen, on_remove: OnOpen) -> None:
        self._on_scope, self._on_open, self._on_remove = on_scope, on_open, on_remove
        self._scope = Scope()
        self._picks: list[tuple[Element, str, int | None]] = []
        self._kinds: list[tuple[Element, Kind | None]] = []
        self._opened: set[tuple[str, int]] = set()
        with parts.box("section", aria_labelledby="lectures-heading") as self._section:
            parts.words("h2", "Lectures", id="lectures-heading")
            with parts.box("div", "kinds", role="group", aria_label="Kind of material"):
                self._kind("All", None)
                for kind, name in labels.KINDS.items():
                    self._kind(name, kind)  # type: ignore[arg-type]
            self._courses = parts.box("div")
        self.mark(self._scope)

    def show(self, lectures: Sequence[Lecture], records: Sequence[DocumentRecord]) -> None:
        """List what there is now."""
        parts.show(self._section, bool(records))
        by_source = {record.source: record for record in records}
        self._picks = []
        self._courses.clear()
        with self._courses:
            for course, of_course in itertools.groupby(lectures, lambda lecture: lecture.course):
                with parts.box("div", "course"):
                    parts.words("h3", course or "Without a course")
                    with parts.box("ul", "lectures plain"):
                        for lecture in of_course:
                            self._lecture(lecture, [by_source[s] for s in lecture.sources if s in by_source])
        self.mark(self._scope)

    def mark(self, scope: Scope) -> None:
        """Show what is picked."""
        self._scope = scope
        for pick, course, lecture in self._picks:
            is_picked = lecture is not None and (scope.course, scope.lecture) == (course, lecture)
            parts.set_attribute(pick, "aria-pressed", "true" if is_picked else "false")
        for button, kind in self._kinds:
            parts.set_attribute(button, "aria-pressed", "true" if kind == scope.kind else "false")

    def _kind(self, name: str, kind: Kind | None) -> None:
        button = parts.button(name, lambda: self._on_scope(replace(self._scope, kind=kind)), "")
        self._kinds.append((button, kind))

    def _lecture(self, lecture: Lecture, records: Sequence[DocumentRecord]) -> None:
        key = (lecture.course, lecture.order)
        number, title = lecture.number, lecture.title or labels.name(lecture.sources[0])
        with parts.box("li", "lecture"):
            with parts.box("button" if number is not None else "div", "pick") as pick:
                parts.words("span", "" if number is None else str(number), "number")
                parts.words("span", title, "title")
                parts.words("span", _held(lecture), "held")
            if number is not None:
                parts.set_attribute(pick, "type", "button")
                pick.on("click", lambda: self._on_scope(self._scope.toggled(lecture.course, number)), args=[])
                self._picks.append((pick, lecture.course, number))
            unfold = parts.icon_button("expand_more", f"Files of {title}")
            with parts.box("ul", "files plain") as files:
                for record in records:
                    self._file(record)
            parts.set_attribute(unfold, "aria-controls", files.html_id)
            self._fold(unfold, files, is_open=key in self._opened)
            unfold.on("click", lambda: self._unfold(key, unfold, files), args=[])

    def _unfold(self, key: tuple[str, int], unfold: Element, files: Element) -> None:
        self._opened ^= {key}
        self._fold(unfold, files, is_open=key in self._opened)

    @staticmethod
    def _fold(unfold: Element, files: Element, *, is_open: bool) -> None:
        parts.set_attribute(unfold, "aria-expanded", "true" if is_open else "false")
        parts.show(files, is_open)

    def _file(self, record: DocumentRecord) -> None:
        shown = labels.name(record.source)
        with parts.box("li", "file"):
            parts.button(shown, lambda: self._on_open(record), "open", title=record.source)
            parts.careful_button("Remove", "Really remove?", lambda: self._on_remove(record), "remove")


def _held(lecture: Lecture) -> str:
    """Return what there is of a lecture: "slides, speech, notes"."""
    held = ", ".join(kind for kind in labels.KINDS if lecture.kinds.get(kind))
    return f"{held} · {lecture.date.day} {lecture.date:%b}" if lecture.date else held
