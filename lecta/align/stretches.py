"""Moments joined to stretches: from when to when a page is spoken about, and what page a piece of speech is over."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from lecta.align import Moment


@dataclass(frozen=True, slots=True)
class Stretch:
    """Cues one after the other that are over the same page."""

    page: int | None
    first_cue: int
    last_cue: int
    start_time: float | None
    end_time: float | None
    confidence: float
    """The mean of its cues'."""


def stretches(moments: Iterable[Moment]) -> list[Stretch]:
    """Join moments, in the order they are said, to stretches over one page each."""
    joined = []
    for page, run in groupby(moments, key=lambda moment: moment.page):
        group = list(run)
        sure = sum(moment.confidence for moment in group) / len(group)
        first, last = group[0], group[-1]
        joined.append(Stretch(page, first.cue, last.cue, first.start_time, last.end_time, sure))
    return joined


def spoken_about(moments: Iterable[Moment], told_by: Mapping[int, int] | None = None) -> dict[int, list[Stretch]]:
    """Return for each page the stretches that are about it, longest first where there are times.

    `told_by` maps the earlier steps of a build to the page that tells it all; the stretches of one build become one.
    """
    renamed = [
        Moment(m.cue, m.start_time, m.end_time, (told_by or {}).get(m.page, m.page) if m.page else None, m.confidence)
        for m in moments
    ]
    found: dict[int, list[Stretch]] = defaultdict(list)
    for stretch in stretches(renamed):
        if stretch.page is not None:
            found[stretch.page].append(stretch)
    return {page: sorted(about, key=_length, reverse=True) for page, about in found.items()}


def over(
    moments: Sequence[Moment], spans: Sequence[tuple[float, float]], start: float, end: float
) -> tuple[int | None, float]:
    """Return the page that most between `start` and `end` is over, and how sure that is; (None, 0) where none is named.

    `spans` say where each moment's cue starts and ends, in order, in seconds or characters as `start` and `end` do.
    """
    weights: dict[int, float] = defaultdict(float)
    total = 0.0
    for number in range(bisect_right(spans, start, key=lambda span: span[1]), len(spans)):
        moment, (first, last) = moments[number], spans[number]
        if first >= end:
            break
        common = min(end, last) - max(start, first)
        total += common
        if moment.page is not None:
            weights[moment.page] += common * moment.confidence
    if not weights:
        return None, 0.0
    page = max(weights, key=weights.__getitem__)
    return page, weights[page] / total


def _length(stretch: Stretch) -> float:
    if stretch.start_time is None or stretch.end_time is None:
        return float(stretch.last_cue - stretch.first_cue + 1)
    return stretch.end_time - stretch.start_time
