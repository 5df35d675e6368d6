"""Which slide is spoken about when: cues of speech and pages of slides -> a page and a confidence for each cue.

    words, meaning, place -> evidence (cues x pages) -> all paths through the slides -> the likeliest page of each cue

`evidence` says how much a cue speaks for a page, `chain` sums over paths, `parameters` holds the few learned numbers,
`stretches` turns cues into stretches of time. docs/alignment.md has the method and its figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lecta.align.chain import Array, sums
from lecta.align.evidence import Cue, Page, evidence, fit, vectors
from lecta.align.parameters import Parameters, shipped
from lecta.protocols import Embedder

__all__ = ["MOST_PAGES", "Alignment", "Cue", "Moment", "Page", "align", "align_vectors", "named"]

MOST_PAGES = 1500
"""The work grows with the square of it: at 1,500 pages a cue takes 5 ms, at 60 a fiftieth of one."""
LEAST_CONFIDENCE = 0.25
"""Below it no page is named. It cost 0.0004 of accuracy on the development lectures; 0.35 would cost 0.013."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A cue and the page it is over."""

    cue: int
    """1-based, in the order given."""
    start_time: float | None
    end_time: float | None
    page: int | None
    """None where no page is likely enough to be named."""
    confidence: float
    """0..1: how often a page named so surely is the one shown."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """A moment for each cue, and whether speech and slides are of one lecture."""

    moments: list[Moment]
    places: list[int]
    """The index of each cue's likeliest page, named or not."""
    nats: Array
    """Of each cue, by how much all its words speak for that page rather than for any, weighed by confidence."""
    words: Array
    """How many words each cue has."""

    def fit(self, first: int, last: int) -> tuple[float, float]:
        """Return the mean nats of a word over the pages from `first` up to `last`, and the share of words there.

        0.085 and more where slides and speech are of one lecture, 0.07 and less where they are not: docs/alignment.md.
        """
        there = np.array([first <= place < last for place in self.places])
        words = self.words[there].sum()
        return float(self.nats[there].sum() / max(words, 1)), float(words / max(self.words.sum(), 1))


def align(
    cues: Sequence[Cue], pages: Sequence[Page], embedder: Embedder, parameters: Parameters | None = None
) -> list[Moment]:
    """Return a moment for each cue. Cues are in the order they are said, pages in the order of the slides.

    Raises `ValueError` where there are no cues, no pages or more than `MOST_PAGES`.
    """
    _check(cues, pages)
    return align_vectors(cues, pages, *vectors(cues, pages, embedder), parameters).moments


def _check(cues: Sequence[Cue], pages: Sequence[Page]) -> None:
    if not cues or not 0 < len(pages) <= MOST_PAGES:
        raise ValueError(f"{len(cues)} cues and {len(pages)} pages cannot be aligned")


def align_vectors(
    cues: Sequence[Cue],
    pages: Sequence[Page],
    cue_vectors: Array,
    page_vectors: Array,
    parameters: Parameters | None = None,
) -> Alignment:
    """Align where vectors of cues and pages are known, (cues, d) and (pages, d), of unit length or nought.

    Raises `ValueError` as `align` does.
    """
    _check(cues, pages)
    parameters = parameters or shipped()
    features, moments = evidence(cues, pages, cue_vectors, page_vectors)
    found = sums(parameters.evidence_of(features), parameters.jump(len(pages)), parameters.leave_at(moments))
    places, confidence = named(found.posterior, parameters)
    likeliest = found.posterior.argmax(axis=1)
    nats, words = fit(cues, pages, likeliest)
    return Alignment(
        [
            Moment(number, cue.start_time, cue.end_time, None if place is None else pages[place].number, float(sure))
            for number, (cue, place, sure) in enumerate(zip(cues, places, confidence, strict=True), 1)
        ],
        [int(place) for place in likeliest],
        confidence * nats,
        words,
    )


def named(posterior: Array, parameters: Parameters) -> tuple[list[int | None], Array]:
    """Return for each cue the index of its likeliest page, None where that is too unsure, and the confidence."""
    confidence = parameters.confidence(posterior.max(axis=1))
    likeliest = posterior.argmax(axis=1)
    places = [int(p) if sure >= LEAST_CONFIDENCE else None for p, sure in zip(likeliest, confidence, strict=True)]
    return places, confidence
