"""Fusion of rankings: a convex sum of normalised scores, and reciprocal rank fusion to compare it with.

The sum follows Bruch, Gai and Ingber 2023, "An Analysis of Fusion Functions for Hybrid Retrieval" (ACM TOIS 42:1,
arXiv 2210.11934): scores are divided by the best of their list (their "theoretical minimum" of 0 and the observed
maximum), so that a list's weak tail does not look as good as its best, and weighted.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def convex_sum(words: Mapping[Key, float], dense: Mapping[Key, float], dense_weight: float) -> dict[Key, float]:
    """Return the fused score, 0..1, of everything in either list, best first.

    `words` are BM25 scores (>= 0), `dense` cosines (negative ones count as 0). What the word list lacks scores 0 there;
    what the dense list lacks scores as its last: a cosine is nowhere near 0 just beyond the end of the list.
    Equal scores keep the order in which they came, so a search gives the same list every time.
    """
    best_words = max(words.values(), default=0.0)
    best_dense = max(dense.values(), default=0.0)
    last_dense = max(min(dense.values(), default=0.0), 0.0)
    fused: dict[Key, float] = {}
    for key in [*words, *(key for key in dense if key not in words)]:
        score = 0.0
        if best_words > 0:
            score += (1 - dense_weight) * words.get(key, 0.0) / best_words
        if best_dense > 0:
            score += dense_weight * max(dense.get(key, last_dense), 0.0) / best_dense
        fused[key] = score
    return dict(sorted(fused.items(), key=lambda item: -item[1]))


def reciprocal_rank(rankings: Sequence[Sequence[Key]], k: int = 60) -> dict[Key, float]:
    """Return the sum over rankings of 1 / (k + rank), best first.

    Cormack, Clarke and Büttcher 2009, "Reciprocal Rank Fusion outperforms Condorcet" (SIGIR).
    """
    fused: dict[Key, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, 1):
            fused[key] = fused.get(key, 0.0) + 1 / (k + rank)
    return dict(sorted(fused.items(), key=lambda item: -item[1]))
