"""Document -> Passages that know their true place.

Lines are packed into passages of about `size` characters; a line longer than that is cut at its sentences, a sentence
at its words. Speech with times is cut between cues, where a sentence, a pause or a speaker ends (`lecta.chunk.speech`).
A passage never crosses a page or a heading, and its text is a slice of the document's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lecta.chunk.speech import LONGEST, cut_points
from lecta.types import Document, Passage, Section

RECIPE = "places-1"
"""Changes when the same document is cut differently; the store records it with the size and refuses to mix."""

_LINE = re.compile(r"[^\n]+")
_WORD = re.compile(r"\S+\s*")
_SHORT_TAIL = 8  # a last passage under 1/8 of the size joins the one before it: a crumb of text is never an answer

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Unit:
    """The least that is cut: a span of the document and the section it stands in."""

    start: int
    end: int
    section: Section


def chunk(document: Document, size: int = 512) -> list[Passage]:
    """Cut a document into passages of about `size` characters: at most 1/8 more, of timed speech at most half more.

    Every word of every section that is not excluded is in exactly one passage, in order.
    """
    passages = []
    for group in _groups(document):
        for run in _runs(document, group, size):
            units = [unit for section in run for unit in _units(document.text, section, size)]
            fits = run is not group and units and units[-1].end - units[0].start <= LONGEST * size
            packs = [units] if fits else _pack(units, size)
            passages += [_passage(document, packed) for packed in packs]
    return passages


def _groups(document: Document) -> Iterator[list[Section]]:
    """Yield runs of sections that may share a passage: same page and heading, with nothing but space between."""
    group: list[Section] = []
    for section in document.sections:
        if section.excluded:
            continue
        if group and not _may_join(document.text, group[-1], section):
            yield group
            group = []
        group.append(section)
    if group:
        yield group


def _runs(document: Document, group: list[Section], size: int) -> Iterator[list[Section]]:
    """Yield the cues of each passage of timed speech; anything else as it is."""
    if group[0].start_time is None:
        yield group
        return
    starts = set(cut_points(document, group, size))
    run: list[Section] = []
    for cue in group:
        if run and cue.start_index in starts:
            yield run
            run = []
        run.append(cue)
    yield run


def _may_join(text: str, left: Section, right: Section) -> bool:
    timed = (left.start_time is None) == (right.start_time is None)
    between = text[left.end_index : right.start_index]
    return timed and (left.page, left.title) == (right.page, right.title) and not between.strip()


def _units(text: str, section: Section, size: int) -> Iterator[_Unit]:
    """Yield the lines of a section without the space around them; long ones in pieces."""
    for line in _LINE.finditer(text, section.start_index, section.end_index):
        for start, end in _pieces(text, line.start(), line.end(), size):
            stripped = text[start:end].strip()
            if stripped:
                left = start + text[start:end].index(stripped[0])
                yield _Unit(left, left + len(stripped), section)


def _pieces(text: str, start: int, end: int, size: int) -> Iterator[Span]:
    """Yield a line whole if it fits, else its sentences, else runs of words, else bare stretches of `size`."""
    if end - start <= size:
        yield start, end
        return
    for left, right in _sentences(text, start, end):
        if right - left <= size:
            yield left, right
            continue
        words = [(left + word.start(), left + word.end()) for word in _WORD.finditer(text[left:right])]
        for first, last in _joined(words, size):
            yield from ((i, min(i + size, last)) for i in range(first, last, size))


def _sentences(text: str, start: int, end: int) -> Iterator[Span]:
    from sentencex import segment

    position = start
    for sentence in segment("en", text[start:end]):  # the pieces joined are the text
        yield position, position + len(sentence)
        position += len(sentence)
    if position < end:
        yield position, end


def _joined(spans: Sequence[Span], size: int) -> Iterator[Span]:
    first: int | None = None
    last = 0
    for start, end in spans:
        if first is not None and end - first > size:
            yield first, last
            first = None
        first = start if first is None else first
        last = end
    if first is not None:
        yield first, last


def _pack(units: Sequence[_Unit], size: int) -> Iterator[list[_Unit]]:
    """Yield units filled up to `size`; a short tail goes to the passage before it."""
    packs: list[list[_Unit]] = []
    for unit in units:
        if packs and unit.end - packs[-1][0].start <= size:
            packs[-1].append(unit)
        else:
            packs.append([unit])
    if len(packs) > 1:
        tail = packs[-1]
        short = tail[-1].end - tail[0].start < size / _SHORT_TAIL
        if short and tail[-1].end - packs[-2][0].start <= size + size / _SHORT_TAIL:
            packs.pop()
            packs[-1] += tail
    yield from packs


def _passage(document: Document, units: Sequence[_Unit]) -> Passage:
    start, end = units[0].start, units[-1].end
    first, last = units[0].section, units[-1].section
    return Passage(
        text=document.text[start:end],
        start_index=start,
        end_index=end,
        source=document.source,
        kind=document.kind,
        course=document.course,
        lecture=document.lecture,
        title=first.title or document.title,
        page=first.page,
        start_time=first.start_time,
        end_time=last.end_time,
        label=first.label,
        speaker=first.speaker if all(unit.section.speaker == first.speaker for unit in units) else "",
    )
