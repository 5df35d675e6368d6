"""What a person would call one paragraph of a document, whatever the reader's sections are.

Notes come in paragraphs between blank lines or one a line; speech comes in cues that end in mid-sentence, so it is
taken by sentences across cues. Only text that lies in a section counts. Part of the ground floor: it knows the nouns
and nothing else.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lecta.types import Document, Section

_BLANK = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+")
_TERMINAL = re.compile(r"[.!?…:;。！？][\"'”’)\]*_]*$")
_LONG = 1500
"""Characters: a block longer than this without blank lines is running text, and is taken by sentences."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, or a sentence of running text. `start` and `end` index `Document.text`."""

    start: int
    end: int
    text: str
    """Its words, where cue edges are line ends; what stands between sections is not in it."""
    is_sentence: bool
    """It was cut from running text, so it means little alone."""


@dataclass(frozen=True, slots=True)
class _View:
    """Text of sections joined by line ends, and where each stands in the document."""

    text: str
    starts: tuple[int, ...]
    origins: tuple[int, ...]

    def origin(self, position: int) -> int:
        """Return the document's index of a character of the view."""
        i = bisect_right(self.starts, position) - 1
        return self.origins[i] + position - self.starts[i]


def paragraphs(document: Document, whole: bool = False) -> list[Paragraph]:
    """Return the paragraphs of a document's sections that are not excluded, in order.

    With `whole` each section is one, as a slide is.
    """
    kept = [section for section in document.sections if not section.excluded]
    if whole:
        return [
            Paragraph(section.start_index, section.end_index, document.text_of(section), is_sentence=False)
            for section in kept
        ]
    groups: Iterable[Sequence[Section]] = [kept] if document.kind == "speech" else ([section] for section in kept)
    found = []
    for group in groups:
        view = _view(document.text, group)
        for start, end, is_sentence in _blocks(view.text):
            text = view.text[start:end]
            found.append(Paragraph(view.origin(start), view.origin(end - 1) + 1, text, is_sentence))
    return found


def exclude(document: Document, spans: Sequence[tuple[int, int, str]]) -> Document:
    """Return the document with each span (start, end, reason; in order, apart) cut from its sections and marked.

    A section that is partly in a span is split; the pieces keep its place. White space left alone is dropped.
    """
    if not spans:
        return document
    sections: list[Section] = []
    starts = [start for start, _, _ in spans]
    for section in document.sections:
        at = section.start_index
        first = max(0, bisect_right(starts, at) - 1)
        for start, end, reason in spans[first:]:
            if section.excluded or start >= section.end_index:
                break
            if end <= at:
                continue
            sections += _piece(document, section, at, max(at, start), "")
            at, begin = min(end, section.end_index), max(at, start)
            sections += _piece(document, section, begin, at, reason)
        sections += _piece(document, section, at, section.end_index, section.excluded)
    return replace(document, sections=tuple(sections))


def _piece(document: Document, section: Section, start: int, end: int, excluded: str) -> list[Section]:
    whole = (start, end) == (section.start_index, section.end_index)
    if not whole and not document.text[start:end].strip():
        return []
    return [replace(section, start_index=start, end_index=end, excluded=excluded)]


def _view(text: str, sections: Sequence[Section]) -> _View:
    parts, starts, origins, length = [], [], [], 0
    for section in sections:
        part = text[section.start_index : section.end_index] + "\n"
        parts.append(part)
        starts.append(length)
        origins.append(section.start_index)
        length += len(part)
    return _View("".join(parts), tuple(starts), tuple(origins))


def _blocks(text: str) -> list[tuple[int, int, bool]]:
    found = []
    for start, end in _cut(text, 0, len(text), _BLANK):
        lines = [match.span() for match in re.finditer(r"[^\n]*\S[^\n]*", text[start:end])]
        if _one_a_line(text[start:end]):
            found += [(*_strip(text, start + a, start + b), False) for a, b in lines]
        elif end - start > _LONG:
            found += [(a, b, True) for a, b in _sentences(text, start, end)]
        else:
            found.append((start, end, False))
    return found


def _one_a_line(block: str) -> bool:
    """Tell paragraphs of one line each from hard-wrapped text, by how many lines end where a sentence does."""
    lines = [line.strip() for line in block.split("\n") if line.strip()]
    if len(lines) < 2 or sum(map(len, lines)) / len(lines) < 40:
        return False
    return sum(1 for line in lines if _TERMINAL.search(line)) >= 0.8 * len(lines)


def _sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found = []
    for a, b in _cut(text, start, end, _SENTENCE):
        found += [(a, b)] if b - a <= 400 else _cut(text, a, b, re.compile(r"\s*\n\s*"))  # captions without full stops
    return found


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the spans of a paragraph's sentences, by their full stops; enough to weigh them one by one."""
    return _cut(text, 0, len(text), _SENTENCE)


def _cut(text: str, start: int, end: int, edge: re.Pattern[str]) -> list[tuple[int, int]]:
    """Return the stretches between matches of `edge`, without white space around them."""
    at, found = start, []
    for match in edge.finditer(text, start, end):
        found.append((at, match.start() if edge is not _SENTENCE else match.end()))
        at = match.end()
    found.append((at, end))
    return [(a, b) for a, b in (_strip(text, a, b) for a, b in found) if a < b]


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    stretch = text[start:end]
    return start + len(stretch) - len(stretch.lstrip()), end - (len(stretch) - len(stretch.rstrip()))
