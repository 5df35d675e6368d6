"""A language model's own yes or no: does a passage state the answer to exactly this question?

A small model says yes too readily, but how much more readily tells a near miss from an answer. Its log-odds are weighed
with the near-miss calibrator's; docs/answers.md has what both are worth together.
"""

from __future__ import annotations

from collections.abc import Sequence

from lecta.check import answerable
from lecta.check.opinion import log_odds
from lecta.types import Message

CALIBRATOR = "near miss, asked"
YES, NO = "Yes", "No"
_SYSTEM = "You answer from the excerpt alone."
_ASKED = "Is the answer to exactly this question stated in the excerpt? Answer Yes or No."


def conversation(question: str, passages: Sequence[str]) -> list[Message]:
    """Return what the model is asked, to reply with `YES` or `NO`. Its seam stands before the question."""
    excerpt = "Excerpt:\n" + "\n\n".join(passages)
    asked = f"{excerpt}\n\nQuestion: {question}\n{_ASKED}"
    return [Message("system", _SYSTEM), Message("user", asked, (len(excerpt),))]


def probability(near_miss: float, leaning: float) -> float:
    """Return the probability that passages say what is asked.

    `near_miss` is the one by words and meaning, `leaning` the model's log-odds of `YES` against `NO`.
    """
    return answerable.shipped()[CALIBRATOR].probability(evidence(near_miss, leaning))


def evidence(near_miss: float, leaning: float) -> dict[str, float]:
    """Return what the calibrator weighs: log-odds both."""
    return {"near miss": log_odds(near_miss), "model": leaning}
