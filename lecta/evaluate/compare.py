"""Is one run better than another, or is it chance? By the questions that both have.

The test is Fisher's randomisation test on paired differences, which Smucker, Allan and Carterette 2007 ("A Comparison
of Statistical Significance Tests for Information Retrieval Evaluation", CIKM) recommend over Wilcoxon's and the sign
test: if the runs were alike, each difference could as well have had the other sign. The interval is the percentile
bootstrap of the mean difference (Efron 1979). Both are seeded: the same files give the same figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lecta.errors import UsageError
from lecta.evaluate.runs import Judged, Run

Values = npt.NDArray[np.float64]
"""Shape (questions,)."""

FLIPS = 100_000
RESAMPLES = 10_000
_EXACT = 16
"""Up to so many differences every pattern of signs is tried."""
_ALIKE = 1e-9
"""Differences below are rounding."""


@dataclass(frozen=True, slots=True)
class Change:
    """One question in both runs; ranks are of its first relevant thing."""

    id: str
    text: str
    before: float
    after: float
    rank_before: int | None
    rank_after: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The second run against the first."""

    measure: str
    queries: int
    """Questions in both."""
    only_before: int
    """Questions only the first run has."""
    only_after: int
    before: float
    """Mean of the first run over the shared questions."""
    after: float
    difference: float
    """after - before."""
    interval: tuple[float, float]
    """95 % of the difference."""
    p: float
    """Of the two-sided randomisation test."""
    better: int
    worse: int
    equal: int
    worst: tuple[Change, ...]
    """The questions that lost most, worst first."""
    best: tuple[Change, ...]


def compare(before: Run, after: Run, measure: str = "nDCG@10", *, shown: int = 5) -> Comparison:
    """Compare two runs. Raises `UsageError` when they share no question or have no such measure."""
    olds, news = _by_question(before), _by_question(after)
    shared = [key for key in olds if key in news]
    if not shared:
        raise UsageError(f"the runs share no question: one is of {before.name}, the other of {after.name}")
    pairs = [(olds[key], news[key]) for key in shared]
    known = [name for name in pairs[0][0].measures if all(name in a.measures and name in b.measures for a, b in pairs)]
    if measure not in known:
        raise UsageError(f"the runs have no measure {measure!r} in common: choose {', '.join(known) or 'other runs'}")
    old = np.array([pair[0].measures[measure] for pair in pairs])
    new = np.array([pair[1].measures[measure] for pair in pairs])
    difference = new - old
    order = np.argsort(difference, kind="stable").tolist()
    changes = [_change(pairs[place][0], pairs[place][1], measure) for place in order]
    better, worse = int((difference > _ALIKE).sum()), int((difference < -_ALIKE).sum())
    return Comparison(
        measure,
        len(pairs),
        len(olds) - len(pairs),
        len(news) - len(pairs),
        float(old.mean()),
        float(new.mean()),
        float(difference.mean()),
        bootstrap(difference),
        randomisation(difference),
        better,
        worse,
        len(pairs) - better - worse,
        tuple(changes[: min(shown, worse)]),
        tuple(changes[::-1][: min(shown, better)]),
    )


def randomisation(differences: Values, *, seed: int = 0) -> float:
    """Return how likely a mean at least as far from 0 is when every difference may have either sign.

    Exact for up to 16 differences other than 0, from `FLIPS` random patterns beyond; then the observed pattern counts
    as one of them, so that p is never 0.
    """
    moved = differences[np.abs(differences) > _ALIKE]
    if not len(moved):
        return 1.0
    least = abs(moved.sum()) - _ALIKE
    if len(moved) <= _EXACT:
        signs = 1 - 2 * ((np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved))) & 1)
        return float((np.abs(signs @ moved) >= least).mean())
    random = np.random.default_rng(seed)
    extreme = sum(
        int((np.abs((1 - 2 * random.integers(0, 2, (1000, len(moved)), np.int8)) @ moved) >= least).sum())
        for _ in range(FLIPS // 1000)
    )
    return (1 + extreme) / (1 + FLIPS)


def bootstrap(differences: Values, *, seed: int = 0) -> tuple[float, float]:
    """Return the middle 95 % of the mean over `RESAMPLES` samples drawn with replacement."""
    random = np.random.default_rng(seed)
    size = len(differences)
    draws = [differences[random.integers(0, size, (1000, size))].mean(axis=1) for _ in range(RESAMPLES // 1000)]
    low, high = np.percentile(np.concatenate(draws), [2.5, 97.5])
    return float(low), float(high)


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as `lecta eval compare --json` prints it."""
    return asdict(comparison)


def _by_question(run: Run) -> Mapping[tuple[str, str], Judged]:
    """Return results by id and text: other sets may have the same ids."""
    return {(result.id, result.text): result for result in run.results}


def _change(old: Judged, new: Judged, measure: str) -> Change:
    return Change(old.id, old.text, old.measures[measure], new.measures[measure], old.rank, new.rank)
