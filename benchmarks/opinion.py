"""What is a language model's own yes or no worth, beside words and meaning, for claims in doubt?

usage: python -m benchmarks.opinion ATTRIBUTIONBENCH.jsonl LEANINGS.jsonl [--claims 400]

The claims are AttributionBench's, with references from the web and a person's verdict. Those whose support, by
calibrators trained without their questions' folds, is nearest to 0.5 are shown to the default model with the sentences
that come nearest. Its log-odds of "Yes" against "No" are kept in LEANINGS.jsonl by what was asked, so that a run
that was stopped goes on. A logistic regression weighs them with the support's log-odds; five folds, no question in two,
drawn anew for each draw of the trees. What is gained is told with its interval by bootstrap over questions. Weights
fitted so stand in lecta/check/opinion.py. Writes benchmarks/results/opinion.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.support import ALL, Data, _calibrated, _data, _platt, _report, left_out
from lecta import models
from lecta.check import opinion
from lecta.check.support import Checker
from lecta.embed.minilm import MiniLM
from lecta.evaluate.rows import read_jsonl
from lecta.evaluate.support import Claim, measures, read_claims
from lecta.library import Library
from lecta.protocols import Array, Leaning
from lecta.settings import load

_PULL = 1.0  # of the regression's ridge


def main(claims_file: Path, kept: Path, count: int) -> None:
    """Ask, fit, measure and write."""
    settings = load(states_mb=0, model="default")
    embedder = MiniLM(models.fetch(models.EMBEDDER, settings.models), settings.thread_count)
    claims = read_claims(claims_file)
    data = _data(claims, [row.get("question", "") for row in read_jsonl(claims_file, ())], embedder)
    apart = left_out(data, ALL)
    draws = _calibrated(apart, _platt(apart, data.labels))
    order = np.argsort(abs(draws.mean(axis=0) - 0.5), kind="stable")[:count].tolist()
    with TemporaryDirectory() as folder:
        leanings, seconds = _asked(claims, order, embedder, Library(Path(folder), settings=settings), kept)
    machine.write("opinion", _result(data, draws, np.array(order), np.array([leanings[i] for i in order]), seconds))


def _asked(
    claims: list[Claim], order: list[int], embedder: MiniLM, library: Library, kept: Path
) -> tuple[dict[int, float], list[float]]:
    """Return the model's log-odds by the claim's number, asking for those that are not kept, and what these took."""
    rows = read_jsonl(kept, ("asked", "leaning", "seconds")) if kept.exists() else []
    known = {row["asked"]: (row["leaning"], row["seconds"]) for row in rows}
    chat, found = library.chat, dict[int, tuple[float, float]]()
    assert isinstance(chat, Leaning)
    with kept.open("a", encoding="utf-8") as file:
        for number, i in enumerate(order):
            shown = Checker(claims[i].references, embedder).excerpt(claims[i].text)
            messages = opinion.conversation(claims[i].text, shown)
            key = hashlib.sha256(f"{chat.name}\n{messages}".encode()).hexdigest()
            if key not in known:
                started = time.perf_counter()
                leaning = chat.leaning(messages, opinion.YES, opinion.NO)
                assert leaning is not None
                known[key] = leaning, round(time.perf_counter() - started, 2)
                row = {"asked": key, "leaning": leaning, "seconds": known[key][1]}
                file.write(json.dumps(row) + "\n")
                file.flush()
                print(f"{number} of {len(order)} claims asked", flush=True)
            found[i] = known[key]
    return {i: leaning for i, (leaning, _) in found.items()}, [seconds for _, seconds in found.values()]


def _result(data: Data, draws: Array, asked: Array, leanings: Array, seconds: list[float]) -> dict[str, Any]:
    combined = draws.copy()
    for seed, draw in enumerate(combined):
        draw[asked] = _by_folds(draw[asked], leanings, data.labels[asked], data.groups[asked], seed)
    alone = 1 / (1 + np.exp(-(leanings - np.median(leanings))))
    mean = draws.mean(axis=0)[asked]
    model = _fit(_evidence(mean, leanings), data.labels[asked])
    return {
        "claims": len(data.labels),
        "asked": len(asked),
        "support of those asked": [round(float(mean.min()), 3), round(float(mean.max()), 3)],
        "words and meaning": _report(draws, data.labels),
        "the model asked as well": _report(combined, data.labels),
        "of those asked": {
            "words and meaning": _report(draws[:, asked], data.labels[asked])["measures"],
            "model alone, its median taken as even": _report(alone[None], data.labels[asked])["measures"],
            "both": _report(combined[:, asked], data.labels[asked])["measures"],
        },
        "gained, 95 %": _interval(draws.mean(axis=0), combined.mean(axis=0), data),
        "weights": {
            "support": round(float(model.coef_[0, 0]), 3),
            "model": round(float(model.coef_[0, 1]), 3),
            "offset": round(float(model.intercept_[0]), 3),
        },
        "seconds a claim": round(float(np.median(seconds)), 2),
    }


def _interval(before: Array, after: Array, data: Data) -> dict[str, list[float]]:
    """Return between what the measures' gains lie, by questions drawn with replacement (paired bootstrap)."""
    random = np.random.default_rng(0)
    of_group = [np.flatnonzero(data.groups == group) for group in np.unique(data.groups)]
    gains: dict[str, list[float]] = {"balanced accuracy": [], "AUROC": []}
    for _ in range(1000):
        rows = np.concatenate([of_group[i] for i in random.integers(len(of_group), size=len(of_group))])
        told = [
            measures(list(zip(one[rows].tolist(), data.labels[rows].tolist(), strict=True))) for one in (before, after)
        ]
        for name, found in gains.items():
            found.append(told[1][name] - told[0][name])
    return {name: [round(float(np.quantile(found, q)), 4) for q in (0.025, 0.975)] for name, found in gains.items()}


def _by_folds(support: Array, leanings: Array, labels: Any, groups: Any, seed: int) -> Array:
    """Return the probabilities by what was fitted without a claim's fold."""
    from sklearn.model_selection import StratifiedGroupKFold

    evidence, found = _evidence(support, leanings), np.zeros(len(labels))
    for seen, unseen in StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(evidence, labels, groups):
        found[unseen] = _fit(evidence[seen], labels[seen]).predict_proba(evidence[unseen])[:, 1]
    return found


def _evidence(support: Array, leanings: Array) -> Array:
    return np.stack([[opinion.log_odds(float(one)) for one in support], leanings], axis=1)


def _fit(evidence: Array, labels: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1 / _PULL).fit(evidence, labels)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="what a model's own yes or no is worth for claims in doubt")
    parser.add_argument("claims", type=Path, metavar="ATTRIBUTIONBENCH.jsonl")
    parser.add_argument("kept", type=Path, metavar="LEANINGS.jsonl")
    parser.add_argument("--claims", type=int, default=400, dest="count")
    given = parser.parse_args()
    main(given.claims, given.kept, given.count)
