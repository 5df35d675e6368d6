"""Neighbouring hits are one place: passages that follow each other in a file are shown as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lecta.types import Hit, Passage

LONGEST = 1200
"""Characters of what is joined, some 250 words: still a place and not a chapter."""
_GAP = 3  # characters of space between passages that follow each other

Slice = Callable[[str, int, int], str]
"""Returns a document's text from one index to another, by its source."""


def join_neighbours(ranked: Sequence[Hit], k: int, text_of: Slice) -> list[Hit]:
    """Return the `k` best places: a hit that goes on where a better one stops, or stops where it begins, joins it.

    `ranked` is best first. A joined passage has the score of its better part, and its text is exactly the document's
    from its start to its end. Passages of different pages, headings or slides are never joined.
    """
    places: list[Hit] = []
    for hit in ranked:
        for number, place in enumerate(places):
            if joined := _joined(place.passage, hit.passage, text_of):
                also = tuple(dict.fromkeys([*place.also, *hit.also]))
                places[number] = replace(place, passage=joined, also=also)
                break
        else:
            if len(places) < k:
                places.append(hit)
    return places


def _joined(one: Passage, other: Passage, text_of: Slice) -> Passage | None:
    first, last = sorted((one, other), key=lambda passage: passage.start_index)
    if not _goes_on(first, last):
        return None
    text = text_of(first.source, first.start_index, last.end_index)
    end_time = last.end_time if last.end_time is not None else first.end_time
    return replace(first, text=text, end_index=last.end_index, end_time=end_time)


def _goes_on(first: Passage, last: Passage) -> bool:
    beside = [(place.source, place.page) if place else None for place in (first.beside, last.beside)]
    return (
        first.source == last.source
        and 0 <= last.start_index - first.end_index <= _GAP
        and last.end_index - first.start_index <= LONGEST
        and (first.page, first.title, first.speaker) == (last.page, last.title, last.speaker)
        and (first.kind != "speech" or beside[0] == beside[1])
    )
