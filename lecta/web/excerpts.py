"""A document's own words as HTML, with those that are cited marked."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from lecta.in_words import clock
from lecta.types import Document, Passage, Section, Span
from lecta.web import markup
from lecta.web.markup import Stretch

AROUND = 40
"""Cues shown before and after those of a passage."""

_NEAR = 4000  # characters of notes shown before and after a passage, as far as its section goes
_MARKDOWN = (".md", ".markdown", ".ipynb")


def marked(text: str, start_index: int, spans: Sequence[Span]) -> str:
    """Return escaped text whose first character is `start_index` of its document, with the spans marked.

    >>> marked("a < b", 10, [Span(1, 12, 13)])
    'a <mark>&lt;</mark> b'
    """
    parts, at = [], 0
    for start, end in _within(start_index, start_index + len(text), spans):
        parts += [escape(text[at : start - start_index]), "<mark>"]
        at = end - start_index
        parts += [escape(text[start - start_index : at]), "</mark>"]
    return "".join([*parts, escape(text[at:])])


def page(document: Document, number: int, spans: Sequence[Span]) -> str:
    """Return the words of a page or slide."""
    sections = [section for section in document.sections if section.page == number]
    return "\n".join(marked(document.text_of(section), section.start_index, spans) for section in sections)


def quotes(document: Document, number: int, spans: Sequence[Span]) -> list[str]:
    """Return the cited words of a page, as its text has them."""
    sections = [section for section in document.sections if section.page == number]
    return [
        document.text[start:end]
        for section in sections
        for start, end in _within(section.start_index, section.end_index, spans)
    ]


def notes(document: Document, passage: Passage, spans: Sequence[Span]) -> str:
    """Return the part of written notes in which a passage stands, with its heading."""
    start, end = passage.start_index, min(passage.end_index, len(document.text))
    for section in document.sections:
        if section.start_index < end and section.end_index > start:
            start = min(start, max(section.start_index, passage.start_index - _NEAR))
            end = max(end, min(section.end_index, passage.end_index + _NEAR))
    text = document.text[start:end]
    spans = [span for span in spans if (span.start_index, span.end_index) != (start, end)]  # all of it is nothing
    if not document.source.lower().endswith(_MARKDOWN):
        return f'<p class="quote">{marked(text, start, spans)}</p>'
    stretches = [Stretch(one - start, other - start) for one, other in _within(start, end, spans)]
    return "".join(markup.blocks(text, (), stretches))


def cues(document: Document, start_time: float, end_time: float, spans: Sequence[Span], *, can_play: bool) -> str:
    """Return the cues around a stretch of speech as items of a list; its own are marked as `now`.

    With `can_play` the time of each is a button with `data-seconds`.
    """
    timed = [section for section in document.sections if section.start_time is not None]
    now = [i for i, section in enumerate(timed) if _overlaps(section, start_time, end_time)]
    first, last = (max(now[0] - AROUND, 0), now[-1] + AROUND + 1) if now else (0, 2 * AROUND)
    shown = range(first, min(last, len(timed)))
    return "".join(_cue(document, timed[i], spans, is_now=i in now, can_play=can_play) for i in shown)


def _cue(document: Document, section: Section, spans: Sequence[Span], *, is_now: bool, can_play: bool) -> str:
    start = section.start_time or 0.0
    at = clock(start)
    if can_play:
        time = f'<button type="button" class="at" data-seconds="{start:.3f}" aria-label="Play from {at}">{at}</button>'
    else:
        time = f'<span class="at">{at}</span>'
    said = marked(document.text_of(section), section.start_index, spans)
    speaker = f"<b>{escape(section.speaker)}</b> " if section.speaker else ""
    return f'<li class="cue{" now" if is_now else ""}">{time}<span>{speaker}{said}</span></li>'


def _overlaps(section: Section, start_time: float, end_time: float) -> bool:
    start = section.start_time or 0.0
    return start < max(end_time, start_time + 0.001) and (section.end_time or start + 0.001) > start_time


def _within(start: int, end: int, spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Return where spans lie within a stretch, in order and joined where they overlap."""
    found: list[tuple[int, int]] = []
    for one in sorted((max(span.start_index, start), min(span.end_index, end)) for span in spans):
        if one[0] >= one[1]:
            continue
        if found and one[0] <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], one[1]))
        else:
            found.append(one)
    return found
