"""Headings and paragraphs, put together to a document of notes. The readers of notes and books share it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lecta.errors import ReadError
from lecta.read.text import decode
from lecta.types import Document, Section

MAX_CHARACTERS = 20_000_000
"""A book is 1-3 million; what is larger is a log or an attack."""


@dataclass
class Outline:
    """Collects blocks in reading order; a section is a heading with the blocks up to the next one."""

    characters: int = 0
    _blocks: list[str] = field(default_factory=list)
    _headings: list[tuple[int, int, str]] = field(default_factory=list)
    _paragraphs: list[int] = field(default_factory=list)

    def heading(self, level: int, text: str) -> None:
        """Begin a section. Level 1 is the highest; a heading without words is none."""
        text = " ".join(text.split())
        if text:
            self._headings.append((self.characters, level, text))
            self._append(text)

    def paragraph(self, text: str) -> None:
        """Add a block as it stands: a paragraph, a list, a table, a formula, lines of code."""
        text = text.strip("\n").rstrip()
        if text.strip():
            self._paragraphs.append(self.characters)
            self._append(text)

    @property
    def first_heading(self) -> str:
        """The first of the highest headings, or nothing."""
        return min(self._headings, key=lambda heading: heading[1])[2] if self._headings else ""

    def document(self, reader: str, title: str = "", warnings: tuple[str, ...] = ()) -> Document:
        """Return what was collected. Raises `ReadError` when that is nothing."""
        text = "".join(self._blocks)
        if not text.strip():
            raise ReadError("the file has no text")
        title = " ".join(title.split()) or self.first_heading
        sections = tuple(self._sections(len(text), title))
        return Document(text, sections, kind="notes", reader=reader, title=title, warnings=warnings)

    def _append(self, block: str) -> None:
        # A zip bomb's chapters or a page of tags without end stop here.
        if self.characters + len(block) > MAX_CHARACTERS:
            raise ReadError(f"more than {MAX_CHARACTERS:,} characters of text: split the file")
        self._blocks.append(block + "\n\n")
        self.characters += len(block) + 2

    def _sections(self, length: int, title: str) -> list[Section]:
        """A heading with nothing under it goes with the next, so that no section is a heading alone."""
        sections: list[Section] = []
        path: list[tuple[int, str]] = []
        if not self._headings:
            return [Section(0, length)]
        first = self._headings[0][0]
        if first:
            sections.append(Section(0, first))
        start = None
        ends = [*(at for at, _, _ in self._headings[1:]), length]
        bodies = iter([*self._paragraphs, length])
        body = next(bodies)
        for (at, level, text), end in zip(self._headings, ends, strict=True):
            path = [(above, words) for above, words in path if above < level] + [(level, text)]
            start = at if start is None else start
            while body < at:
                body = next(bodies)
            if body < end or end == length:
                sections.append(Section(start, end, title=_path_title(path, title)))
                start = None
        return sections


def _path_title(path: list[tuple[int, str]], document_title: str) -> str:
    """Return "Entropy > Cross-entropy"; the document's own title is left out above others."""
    words = [text for _, text in path]
    if len(words) > 1 and words[0] == document_title:
        words = words[1:]
    return " > ".join(words)


def text_of_file(path: Path, limit: int = MAX_CHARACTERS) -> str:
    """Return a text file's words. Raises `ReadError` when it is too large or no text."""
    size = path.stat().st_size
    if size > limit:
        raise ReadError(f"larger than {limit // 1_000_000} MB ({size // 1_000_000} MB): split the file")
    text = decode(path.read_bytes())
    if not text.strip():
        raise ReadError("the file has no text")
    return text
