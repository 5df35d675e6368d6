"""BM25 and vectors, fused; then titles and variety."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lecta.protocols import PassageIndex, Vectors
from lecta.retrieve.fusion import convex_sum
from lecta.retrieve.titles import by_title
from lecta.retrieve.variety import keep_kinds, spread_lectures
from lecta.types import Filters, Hit, Passage


def hybrid_search(
    index: PassageIndex,
    question: str,
    vector: Vectors,
    k: int,
    *,
    filters: Filters,
    dense_weight: float,
    candidates: int,
    title_weight: float = 0.0,
    variety: bool = True,
    spread: bool = False,
    keep: Callable[[Passage], bool] = lambda passage: True,
    also: str = "",
    more: int = 0,
    unrelated: float = 0.0,
) -> list[Hit]:
    """Return the `k` best passages for a question, best first, and up to `more` that come after them.

    `vector` is the question's, shape (dimension,); cosines count from `unrelated` on. Each of the two searches proposes
    `candidates` passages; one of them is skipped when the weight gives it no say. The title they stand under has
    `title_weight` of the score. Passages that `keep` turns down are left out. `also` is matched with the question's
    words and counts less. With `variety` the nearest passage of each kind keeps a place; with `spread` lectures take
    turns where scores are near.
    """
    asked, looked = question if dense_weight < 1 else "", vector if dense_weight > 0 else None
    words, dense = index.search(asked, looked, candidates, filters, also)
    found = {_key(hit.passage): hit for hit in [*words, *dense]}
    fused = convex_sum(
        {_key(hit.passage): hit.score for hit in words},
        {_key(hit.passage): hit.score - unrelated for hit in dense},
        dense_weight,
    )
    ranked = [replace(found[key], score=score) for key, score in fused.items() if keep(found[key].passage)]
    ranked = by_title(ranked, question, title_weight)
    ranked = spread_lectures(ranked) if spread else ranked
    best = keep_kinds(ranked, [hit for hit in dense if keep(hit.passage)], k) if variety else ranked[:k]
    chosen = {_key(hit.passage) for hit in best}
    return best + [hit for hit in ranked if _key(hit.passage) not in chosen][:more]


def _key(passage: Passage) -> tuple[str, int]:
    return passage.source, passage.start_index
