"""A language model's own yes or no: is everything that a sentence says stated in an excerpt?

Words and meaning leave some sentences in doubt, of which a small model, asked, knows more than they do. Its log-odds
are weighed with the support; docs/checking.md has what both are worth together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lecta.check.evidence import Match, Passages
from lecta.check.words import without_citations
from lecta.types import Message

MODEL = "qwen2.5-coder-1.5b"
"""The model whose log-odds the weights below are of."""
YES, NO = "Yes", "No"
_SYSTEM = "You check claims against an excerpt."
_ASKED = "Is everything in exactly this claim stated in the excerpt? Answer Yes or No."
_ENOUGH, _ROOM, _LONGEST = 650, 900, 1400  # characters of an excerpt: when it is full, more where windows are long
_CLAIM = 600  # characters of a claim that are asked about

DOUBT = 0.16
"""Distance from 0.5 of a claim's support up to which a model is asked about it."""
WEIGHTS, OFFSET = (0.773, 0.616), -0.584
"""Of the support's and the model's log-odds; fitted to 400 claims by `benchmarks.opinion`."""


def conversation(sentence: str, excerpt: str) -> list[Message]:
    """Return what the model is asked, to reply with `YES` or `NO`. Its seam stands before the sentence."""
    before = f"Excerpt:\n{excerpt[:_LONGEST]}"
    asked = f"{before}\n\nClaim: {without_citations(sentence)[:_CLAIM]}\n{_ASKED}"
    return [Message("system", _SYSTEM), Message("user", asked, (len(before),))]


def probability(support: float, leaning: float) -> float:
    """Return the probability (0..1) that the excerpt bears a sentence: logistic regression on the log-odds of both.

    `support` is the one by words and meaning, `leaning` the model's log-odds of `YES` against `NO`.
    """
    odds = WEIGHTS[0] * log_odds(support) + WEIGHTS[1] * leaning + OFFSET
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


def log_odds(support: float) -> float:
    """Return the log-odds of a probability, those of none and of all made finite."""
    sure = min(max(support, 1e-6), 1 - 1e-6)
    return math.log(sure / (1 - sure))


def excerpt(texts: Sequence[str], passages: Passages, found: Match) -> str:
    """Return the sentences of texts that come nearest to a claim, in their order; `passages` are the texts, read."""
    chosen: set[int] = set()
    size = 0
    for window in (-found.scores).argsort(kind="stable"):
        first, stop = passages.windows[window]
        new = [piece for piece in range(first, stop) if piece not in chosen]
        length = sum(passages.pieces[piece][2] - passages.pieces[piece][1] for piece in new)
        if chosen and size + length > _ROOM:
            continue
        chosen.update(new)
        size += length
        if size > _ENOUGH:
            break
    parts, last = list[str](), -2
    for piece in sorted(chosen):
        place, start, end = passages.pieces[piece]
        parts.append(("" if not parts or piece == last + 1 else "[...] ") + texts[place][start:end].strip())
        last = piece
    return " ".join(parts)
