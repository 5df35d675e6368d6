"""Is support told from its lack? On rows of a claim, the texts it is said to rest on, and a person's verdict.

Rows are {"claim", "references": [text, ...], "label": 0 | 1} or AttributionBench's own, with "attribution_label":
"attributable" | "not attributable" (Li et al. 2024). Balanced accuracy is the mean of both classes' recall at the
threshold answers are checked with; AUROC needs no threshold; the calibration error compares what the check says with
what is true.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lecta.check import opinion
from lecta.check.support import THRESHOLD, Checker
from lecta.errors import PromptTooLongError, UsageError
from lecta.evaluate.rows import read_jsonl
from lecta.protocols import ChatModel, Leaning, TokenEmbedder

BINS = 10
_LABELS = {"attributable": 1, "not attributable": 0}

Judged = tuple[float, int]
"""Probability and label of one claim."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim, what it is said to rest on, and whether it does (1) or not (0)."""

    text: str
    references: tuple[str, ...]
    label: int


def evaluate(
    path: Path,
    embedder: TokenEmbedder,
    model: ChatModel | None = None,
    *,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Check every claim and return {"measures", "queries", "seconds", "milliseconds", "model", "asked", "reliability"}.

    With a `model` it is asked about the claims in doubt; "asked" counts those it had an opinion of. Raises `UsageError`
    when the file cannot be used, or the model is none whose opinion is known to be worth something.
    """
    if model is not None:
        _check_model(model)
    claims = read_claims(path)
    started = time.perf_counter()
    judged: list[Judged] = []
    checking, asking, asked = 0.0, 0.0, 0
    for number, claim in enumerate(claims, 1):
        checker = Checker(claim.references, embedder)
        begun = time.perf_counter()
        support = checker.support(claim.text)
        checking += time.perf_counter() - begun
        if model is not None and abs(support - 0.5) <= opinion.DOUBT:
            begun = time.perf_counter()
            with suppress(PromptTooLongError):  # by words and meaning alone
                support = _asked(model, checker, claim.text, support)
                asked += 1
            asking += time.perf_counter() - begun
        judged.append((support, claim.label))
        on_step(number, len(claims))
    seconds = time.perf_counter() - started
    return {
        "measures": measures(judged),
        "queries": len(claims),
        "seconds": round(seconds, 3),
        "model": model.name if model else None,
        "asked": asked,
        "milliseconds": {
            "sentence": round(1000 * checking / len(claims), 2),
            "references": round(1000 * (seconds - checking - asking) / len(claims), 2),
            "model": round(1000 * asking / asked, 2) if asked else None,
        },
        "reliability": reliability(judged),
    }


def _check_model(model: ChatModel) -> None:
    if model.name != opinion.MODEL:
        raise UsageError(
            f"model {model.name} cannot be asked: what its yes and no are worth is known of `default` alone"
        )
    if _leaning(model, "It rains.", "It rains.") is None:
        raise UsageError(f"model {model.name} does not show how likely its words are here: use engine `ik`")


def _asked(model: ChatModel, checker: Checker, claim: str, support: float) -> float:
    """Return the support with a model's opinion weighed in. Raises `PromptTooLongError`."""
    leaning = _leaning(model, claim, checker.excerpt(claim))
    return support if leaning is None else opinion.probability(support, leaning)


def _leaning(model: ChatModel, claim: str, excerpt: str) -> float | None:
    messages = opinion.conversation(claim, excerpt)
    return model.leaning(messages, opinion.YES, opinion.NO) if isinstance(model, Leaning) else None


def read_claims(path: Path) -> list[Claim]:
    """Return the rows of a file. Raises `UsageError` for a row that is neither of the two forms."""
    return [_claim(path, number, row) for number, row in enumerate(read_jsonl(path, ("claim", "references")), 1)]


def _claim(path: Path, number: int, row: dict[str, Any]) -> Claim:
    label = row["label"] if "label" in row else _LABELS.get(row.get("attribution_label", ""))
    if label not in (0, 1):
        raise UsageError(f"{path}, row {number}: the label is {label!r}; it must be 0 or 1")
    texts = row["references"]
    if not isinstance(row["claim"], str) or not isinstance(texts, list) or not all(isinstance(t, str) for t in texts):
        raise UsageError(f"{path}, row {number}: the claim must be a text and the references a list of texts")
    return Claim(row["claim"], tuple(texts), int(label))


def measures(judged: Sequence[Judged]) -> dict[str, float]:
    """Return balanced accuracy, AUROC and calibration error, each 0..1; nan where a class is missing."""
    support = np.array([probability for probability, _ in judged])
    label = np.array([label for _, label in judged], bool)
    right = (support >= THRESHOLD) == label
    both = label.any() and not label.all()
    return {
        "balanced accuracy": float((right[label].mean() + right[~label].mean()) / 2) if both else float("nan"),
        "AUROC": auroc(support[label], support[~label]) if both else float("nan"),
        "accuracy": float(right.mean()),
        "calibration error": calibration_error(reliability(judged)),
    }


def auroc(positive: Sequence[float] | np.ndarray[Any, Any], negative: Sequence[float] | np.ndarray[Any, Any]) -> float:
    """Return how often a positive scores above a negative, ties counting half (Hanley and McNeil 1982).

    >>> auroc([0.9, 0.5], [0.5, 0.1])
    0.875
    """
    above = np.subtract.outer(np.asarray(positive, float), np.asarray(negative, float))
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def reliability(judged: Sequence[Judged]) -> list[dict[str, float]]:
    """Return for each tenth of probability its claims, their mean probability and the share that is supported."""
    bins: list[list[Judged]] = [[] for _ in range(BINS)]
    for one in judged:
        bins[min(int(one[0] * BINS), BINS - 1)].append(one)
    return [
        {
            "from": number / BINS,
            "to": (number + 1) / BINS,
            "claims": len(group),
            "support": round(sum(probability for probability, _ in group) / len(group), 4),
            "supported": round(sum(label for _, label in group) / len(group), 4),
        }
        for number, group in enumerate(bins)
        if group
    ]


def calibration_error(curve: Sequence[dict[str, float]]) -> float:
    """Return the mean distance between probability and truth over the bins, by their claims (ECE, Guo et al. 2017)."""
    total = sum(row["claims"] for row in curve)
    return sum(row["claims"] * abs(row["support"] - row["supported"]) for row in curve) / total
