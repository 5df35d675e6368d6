"""A second look at the best passages: late interaction over token vectors, and the title a passage stands under.

Late interaction (Khattab and Zaharia 2020, "ColBERT", arXiv 2004.12832): for each token of the question the most
similar token of the passage, and their mean. It is used here with the tokens of an embedder that was trained for whole
texts; what that earns is in docs/retrieval.md.

The title says what a place is about, where its words may only mention a thing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lecta.protocols import TokenStates, Vectors
from lecta.types import Hit

DEPTH = 60
"""Passages that are looked at again."""

_WORD = re.compile(r"[^\W\d_]{3,}")
_STEM = 6  # letters compared, so that "derivatives" meets "derivative"
_FEW = 2  # words of a title that a question must share for the title to count in full
_ASKING = frozenset(
    re.findall(
        r"\w+",
        "and are can define describe does explain for from give how into its not show that the their this use used "
        "using was were what when which who why with write you your",
    )
)

FetchTokens = Callable[[Sequence[Hit], int], Sequence[TokenStates]]
"""Returns the token states, of the dimension given, of hits in their order; an empty array where there are none."""


def rerank(
    ranked: Sequence[Hit],
    question: str,
    tokens: Vectors | None,
    fetch: FetchTokens,
    *,
    late_weight: float,
    title_weight: float,
) -> list[Hit]:
    """Return hits in the order of a sum of three: their score, late interaction and title.

    `ranked` is best first, with scores 0..1; `tokens` are the question's, shape (tokens, d), unit rows, or None where
    the embedder gives none. The weights are shares of 1; the score so far has what they leave. What stands below
    `DEPTH` keeps its order behind the others.
    """
    late_weight = 0.0 if tokens is None else late_weight
    if not ranked or late_weight + title_weight == 0:
        return list(ranked)
    top = ranked[:DEPTH]
    scores = max(1 - late_weight - title_weight, 0.0) * np.array([hit.score for hit in ranked])
    if tokens is not None and late_weight:
        similar = max_similarity(tokens, fetch(top, tokens.shape[1]))
        best, least = similar.max(), similar.min()
        if best > 0:
            similar = np.concatenate([similar, np.full(len(ranked) - len(top), least)]) / best
            scores += late_weight * similar
    if title_weight:
        wanted = _stems(question)
        scores[: len(top)] += title_weight * np.array([title_share(wanted, hit.passage.title) for hit in top])
    order = np.argsort(-scores[: len(top)], kind="stable").tolist()
    return [replace(ranked[i], score=float(scores[i])) for i in [*order, *range(len(top), len(ranked))]]


def max_similarity(question: Vectors, passages: Sequence[TokenStates]) -> npt.NDArray[np.float32]:
    """Return for each passage the mean, over the question's tokens, of the highest cosine with a token of its own.

    `question` has shape (q, d), each of `passages` (n, d) in 127ths. Passages without tokens get the lowest of all.
    """
    found = np.full(len(passages), np.nan, np.float32)
    places = [place for place, states in enumerate(passages) if len(states)]
    if places and len(question):
        states = np.concatenate([passages[place] for place in places]).astype(np.float32)
        starts = np.cumsum([0, *(len(passages[place]) for place in places[:-1])])
        found[places] = np.maximum.reduceat(states @ question.T, starts, axis=0).mean(axis=1) / 127
    lowest = float(np.nanmin(found)) if np.isfinite(found).any() else 0.0
    return np.nan_to_num(found, nan=lowest)


def title_share(wanted: frozenset[str], title: str) -> float:
    """Return which share of a title's words a question has (0..1), less where it has only one of them."""
    has = _stems(title)
    shared = len(has & wanted)
    return shared / len(has) * min(1.0, shared / _FEW) if has else 0.0


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:_STEM] for word in _WORD.findall(text.lower()) if word not in _ASKING)
