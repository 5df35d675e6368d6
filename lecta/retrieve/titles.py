"""The title a passage stands under: it says what a place is about, where its words may only mention a thing.

Speech has the title of the slide it is spoken over; that of its lecture would say the same of every minute.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from lecta.types import Hit, Passage

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


def by_title(ranked: Sequence[Hit], question: str, weight: float) -> list[Hit]:
    """Return hits in the order of their score and title; `weight` is the title's share of the new score, 0..1.

    `ranked` is best first, with scores 0..1. What stands below `DEPTH` keeps its order behind the others.
    """
    wanted = _stems(question)
    scored = [
        replace(
            hit, score=(1 - weight) * hit.score + weight * (title_share(wanted, title_of(hit.passage)) if near else 0)
        )
        for hit, near in zip(ranked, (place < DEPTH for place in range(len(ranked))), strict=True)
    ]
    return sorted(scored[:DEPTH], key=lambda hit: -hit.score) + scored[DEPTH:]


def title_of(passage: Passage) -> str:
    """Return the title of the place a passage stands at, or nothing."""
    if passage.kind == "speech":
        return passage.beside.title if passage.beside else ""
    return passage.title


def title_share(wanted: frozenset[str], title: str) -> float:
    """Return which share of a title's words a question has (0..1), less where it has only one of them."""
    has = _stems(title)
    shared = len(has & wanted)
    return shared / len(has) * min(1.0, shared / _FEW) if has else 0.0


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:_STEM] for word in _WORD.findall(text.lower()) if word not in _ASKING)
