"""How much each cue speaks for each page: one (cues, pages) matrix a feature, and one of moments to move on.

Words: under page p a term w is said with probability (1 - s) b(w) + s t_p(w), where b is its share of all that is said
in the lecture and t_p its share of the page; the evidence of a cue is the sum of log(1 + s t_p(w) / b(w)) over its
words. So a term counts by how much rarer it is in speech than on the page, and what is said often says little.

Meaning: the cosine between a page and what is said in the quarter of a minute around a cue.

Place: a lecture goes through its slides at an even pace, roughly. Blank: a page without words can only be found by
what stands before and after it, so how much it should be expected is learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lecta.align.chain import Array
from lecta.align.words import counts, terms
from lecta.protocols import Embedder

_WORDS_A_SECOND = 2.5
"""Of a lecture, where the transcript has no times."""
_SHARE = 0.5
_AROUND = 8.0
"""Seconds: the deviation of the bell by which neighbouring cues weigh."""
_FEW_TERMS = 3
_EMBEDDED = 1200
"""Characters of a page that are embedded: about as much as the model reads."""


@dataclass(frozen=True, slots=True)
class Cue:
    """What is said at a time; the times of a transcript without are None."""

    text: str
    start_time: float | None = None
    end_time: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What is shown. `text` holds the title too."""

    number: int
    title: str
    text: str


def clock(cues: Sequence[Cue]) -> tuple[Array, Array]:
    """Return the middle and the length of each cue in seconds; by the words said where there are no times."""
    if all(cue.start_time is not None and cue.end_time is not None for cue in cues):
        starts = np.array([cue.start_time for cue in cues], float)
        ends = np.array([cue.end_time for cue in cues], float)
    else:
        ends = np.cumsum([max(len(cue.text.split()), 1) / _WORDS_A_SECOND for cue in cues])
        starts = np.concatenate([[0.0], ends[:-1]])
    return (starts + ends) / 2, np.maximum(ends - starts, 0.5)


FEATURES = ("words", "meaning", "place", "blank")
"""Of evidence, in the order of the last axis of `evidence`."""


def evidence(
    cues: Sequence[Cue], pages: Sequence[Page], cue_vectors: Array, page_vectors: Array
) -> tuple[Array, Array]:
    """Return the evidence of cues for pages, (cues, pages, features), and the moments to move on, (cues - 1,).

    The vectors are unit vectors of the texts, (cues, d) and (pages, d).
    """
    middle, length = clock(cues)
    said, written = _counts(cues, pages)
    whole = middle[-1] + length[-1] / 2
    features = (
        _contrasted(_words(said, written)),
        _contrasted(_smoothed(cue_vectors, middle, length) @ page_vectors.T),
        -25 * ((np.arange(len(pages)) + 0.5) / len(pages) - middle[:, None] / whole) ** 2,
        (length / length.mean())[:, None] * (written.sum(axis=1) < _FEW_TERMS),
    )
    return np.stack(features, axis=-1), np.log(length[1:] * len(pages) / whole)


def fit(
    cues: Sequence[Cue], pages: Sequence[Page], places: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
) -> tuple[Array, Array]:
    """Return the evidence of each cue's words for the page at its place, in nats, and how many words it has.

    What is like every page, and pages that are like everything, do not count.
    """
    said, written = _counts(cues, pages)
    return _centred(_words(said, written))[np.arange(len(cues)), places], said.sum(axis=1)


def vectors(cues: Sequence[Cue], pages: Sequence[Page], embedder: Embedder) -> tuple[Array, Array]:
    """Return unit vectors of what each cue says and each page shows."""
    said = embedder.embed_documents([cue.text.strip() or "-" for cue in cues])
    shown = embedder.embed_documents([page.text.strip()[:_EMBEDDED] or "-" for page in pages])
    return said.astype(np.float64), shown.astype(np.float64)


def _counts(cues: Sequence[Cue], pages: Sequence[Page]) -> tuple[Array, Array]:
    """Return how often each term is said in each cue and stands on each page."""
    spoken, shown = [terms(cue.text) for cue in cues], [terms(page.text) for page in pages]
    vocabulary = {
        term: place for place, term in enumerate(dict.fromkeys(t for text in (*spoken, *shown) for t in text))
    }
    return counts(spoken, vocabulary), counts(shown, vocabulary)


def _words(said: Array, written: Array) -> Array:
    """Return the evidence of words, (cues, pages), in nats; counts on a page are damped by the square root."""
    common = (said.sum(axis=0) + 0.5) / (said.sum() + 0.5 * said.shape[1])
    damped = np.sqrt(written)
    share = damped / np.maximum(damped.sum(axis=1, keepdims=True), 1)
    result: Array = said @ np.log1p(_SHARE * share / common).T
    return result


def _smoothed(vectors: Array, middle: Array, length: Array) -> Array:
    """Return unit vectors of what is said around each cue: neighbours weigh by time between and length."""
    apart = (middle[:, None] - middle) / _AROUND
    weights = np.exp(-0.5 * apart**2) * length
    mixed = weights @ vectors
    result: Array = mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-9)
    return result


def _contrasted(matrix: Array) -> Array:
    """Take from each cue its mean over pages and from each page its mean over cues, and scale to deviation 1.

    So neither a talkative cue nor a page of common words stands out, and lectures compare.
    """
    matrix = _centred(matrix)
    result: Array = matrix / (matrix.std() + 1e-9)
    return result


def _centred(matrix: Array) -> Array:
    matrix = matrix - matrix.mean(axis=1, keepdims=True)
    result: Array = matrix - matrix.mean(axis=0, keepdims=True)
    return result
