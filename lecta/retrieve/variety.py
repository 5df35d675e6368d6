"""A ranking that keeps what each kind of material says best, and shows where else a thing is treated.

Slides name a thing, speech explains it in other words: a passage of speech that never says "chain rule" has no BM25
score and sinks below the slides that do, though by meaning it is the nearest. So the passage nearest in meaning of
each kind keeps a place among the first `k`, at the foot of the list if its score is low.

A question that only names a thing ("What is attention?") is often treated in several lectures, and the one that says
its name most would fill the list. So each further passage of a lecture counts less: a greedy choice as in maximal
marginal relevance (Carbonell and Goldstein 1998), where passages are alike when they are of one lecture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from lecta.types import Hit, Kind

NEAR = 0.8
"""A kind's nearest passage counts if its cosine is at least this share of the best of all kinds."""

AGAIN = 0.95
"""What a passage counts, for each better one of its lecture; `benchmarks.variety` has what it earns."""
_MOST = 4  # better ones that count


def spread_lectures(ranked: Sequence[Hit]) -> list[Hit]:
    """Return hits in the order of their scores where each further one of a lecture counts less; scores stay.

    `ranked` is best first. The best passages of each lecture keep their order, and so do those within one. A file that
    is of no lecture counts as one.
    """
    seen: Counter[Hashable] = Counter()
    worth = []
    for hit in ranked:
        passage = hit.passage
        lecture = passage.source if passage.lecture is None else (passage.course, passage.lecture)
        worth.append(hit.score * AGAIN ** min(seen[lecture], _MOST))
        seen[lecture] += 1
    return [ranked[i] for i in sorted(range(len(ranked)), key=lambda i: -worth[i])]


def keep_kinds(ranked: Sequence[Hit], dense: Sequence[Hit], k: int) -> list[Hit]:
    """Return the `k` best of `ranked`, the nearest of each kind in `dense` among them, in the order of `ranked`.

    `dense` are hits by cosine, best first. The first of `ranked` always stays first, and fewer than 3 results are
    left alone.
    """
    first = list(ranked[:k])
    if k < 3 or not dense:
        return first
    nearest: dict[Kind, Hit] = {}
    for hit in dense:
        if hit.score >= NEAR * dense[0].score:
            nearest.setdefault(hit.passage.kind, hit)
    wanted = {(hit.passage.source, hit.passage.start_index) for hit in nearest.values()}
    kept = [hit for hit in first if _key(hit) in wanted or hit is first[0]]
    missing = [hit for hit in ranked[k:] if _key(hit) in wanted][: k - 1]
    others = [hit for hit in first if hit not in kept]
    chosen = {_key(hit) for hit in [*kept, *missing, *others[: max(k - len(kept) - len(missing), 0)]]}
    return [hit for hit in ranked if _key(hit) in chosen][:k]


def _key(hit: Hit) -> tuple[str, int]:
    return hit.passage.source, hit.passage.start_index
