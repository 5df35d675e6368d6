"""Is a sentence supported? Trains the calibrator and measures what it is worth on claims unseen.

usage: python -m benchmarks.support ATTRIBUTIONBENCH.jsonl WICE.jsonl [--ship] [--ablate]

The first file has claims with references and a person's verdict (AttributionBench, Li et al. 2024: claims written by
search engines and chat models, references from the web), the second WiCE's claims from Wikipedia with the sentences of
a cited page (Kamoi et al. 2023; only "supported" counts as such). Measured are: five folds of the first, no question
in two folds ("grouped"), the same with folds by chance ("by chance"), the second by what was trained on the whole
first, and five folds of the second. `--ship` trains on the first and writes lecta/check/parameters.json. `--ablate`
leaves out each kind of evidence in turn as well.

Trees are grown with scikit-learn, which is needed here only.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from lecta import models
from lecta.check.calibrator import FILE, Calibrator, Node, to_json
from lecta.check.evidence import KINDS, Passages, features, match
from lecta.check.words import read, without_citations
from lecta.embed.minilm import MiniLM
from lecta.evaluate.rows import read_jsonl
from lecta.evaluate.support import Claim, measures, read_claims, reliability
from lecta.protocols import Array
from lecta.settings import load

ROUNDS = 2
"""Of five folds each, drawn anew; probabilities of a claim are averaged."""
CUT = ("text length", "passages")
"""What tells of a reference how it was cut: annotators of search engines' answers often kept the evidence alone."""
DIRECTIONS = {name: direction for kind in KINDS.values() for name, direction in kind.items()}


@dataclass(frozen=True)
class Data:
    """Evidence (claims, features), labels, and what must not stand in two folds."""

    evidence: Array
    labels: np.ndarray[Any, np.dtype[np.int64]]
    groups: np.ndarray[Any, np.dtype[np.int64]]
    milliseconds: float
    """For a claim, its references read."""


def main(first: Path, second: Path, *, ship: bool, ablate: bool) -> None:
    """Measure, after training anew with `ship`, and write benchmarks/results/support.json."""
    embedder = MiniLM(models.fetch(models.EMBEDDER, load().models), load().thread_count)
    web = _data(read_claims(first), [row.get("question", "") for row in read_jsonl(first, ())], embedder)
    wiki = _data(*_wice(second), embedder)
    chance = replace(web, groups=np.arange(len(web.labels)))
    grouped = left_out(web)
    fitted = _platt(grouped, web.labels)
    trained = replace(train(web), calibration=fitted)
    if ship:
        FILE.write_text(to_json(trained), encoding="utf-8")
    result: dict[str, Any] = {
        "claims": {"attributionbench": len(web.labels), "wice": len(wiki.labels)},
        "attributionbench, grouped": _report(_calibrated(grouped, fitted), web.labels),
        "attributionbench, grouped, length of references unknown": _report(
            _calibrated(left_out(_without(web, dict.fromkeys(CUT, 0))), fitted), web.labels
        ),
        "attributionbench, by chance": _report(_calibrated(left_out(chance), fitted), web.labels),
        "wice, trained on attributionbench": _report(_probabilities(trained, wiki.evidence), wiki.labels),
        "wice, grouped": _report(left_out(wiki), wiki.labels),
        "milliseconds": {"attributionbench": round(web.milliseconds, 2), "wice": round(wiki.milliseconds, 2)},
        "bytes": len(to_json(trained)),
    }
    if ablate:
        result["attributionbench, grouped, without"] = {
            kind: _report(left_out(_without(web, names)), web.labels)["measures"] for kind, names in KINDS.items()
        }
    machine.write("support", result)


def _data(claims: Sequence[Claim], groups: Sequence[str], embedder: MiniLM) -> Data:
    rows, seconds = [], 0.0
    for claim in claims:
        passages = Passages(read(claim.references, embedder))
        started = time.perf_counter()
        found = match(read([without_citations(claim.text)], embedder)[0], passages)
        evidence = features(found, passages)
        seconds += time.perf_counter() - started
        rows.append([evidence[name] for name in DIRECTIONS])
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    return Data(
        np.array(rows),
        np.array([claim.label for claim in claims]),
        np.array([numbers[group] for group in groups]),
        1000 * seconds / len(claims),
    )


def _wice(path: Path) -> tuple[list[Claim], list[str]]:
    rows = read_jsonl(path, ("claim", "evidence", "label"))
    claims = [Claim(row["claim"], ("\n".join(row["evidence"]),), int(row["label"] == "supported")) for row in rows]
    return claims, [json.dumps(row["evidence"]) for row in rows]


# --- training ---------------------------------------------------------------------------------------------------------


def train(data: Data) -> Calibrator:
    """Grow the trees: few, shallow, each feature in its direction only."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_depth=3, max_iter=150, learning_rate=0.05, max_features=0.2, min_samples_leaf=20, l2_regularization=5,
        monotonic_cst=list(DIRECTIONS.values()), early_stopping=False, random_state=0,
    )  # fmt: skip
    model.fit(data.evidence, data.labels)
    trees = tuple(_nodes(stage[0].nodes) for stage in model._predictors)
    return Calibrator(tuple(DIRECTIONS), trees, float(model._baseline_prediction[0, 0]), _usual(data.evidence))


def _usual(evidence: Array) -> dict[str, float]:
    return {name: float(np.median(evidence[:, list(DIRECTIONS).index(name)])) for name in CUT}


def _nodes(nodes: Any) -> tuple[Node, ...]:
    return tuple(
        (-1, float(node["value"]), 0, 0)
        if node["is_leaf"]
        else (int(node["feature_idx"]), float(node["num_threshold"]), int(node["left"]), int(node["right"]))
        for node in nodes
    )


def left_out(data: Data) -> Array:
    """Return each claim's probability by calibrators trained without its fold."""
    from sklearn.model_selection import StratifiedGroupKFold

    total = np.zeros(len(data.labels))
    for number in range(ROUNDS):
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=number)
        for seen, unseen in folds.split(data.evidence, data.labels, data.groups):
            total[unseen] += _probabilities(
                train(replace(data, evidence=data.evidence[seen], labels=data.labels[seen])), data.evidence[unseen]
            )
    return total / ROUNDS


def _probabilities(calibrator: Calibrator, evidence: Array) -> Array:
    return np.array([calibrator.probability(dict(zip(DIRECTIONS, row, strict=True))) for row in evidence.tolist()])


def _platt(probabilities: Array, labels: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[float, float]:
    """Return slope and offset on the log-odds that fit claims left out (Platt 1999)."""
    from sklearn.linear_model import LogisticRegression

    fit = LogisticRegression(C=1e6).fit(_odds(probabilities)[:, None], labels)
    return float(fit.coef_[0, 0]), float(fit.intercept_[0])


def _calibrated(probabilities: Array, fitted: tuple[float, float]) -> Array:
    result: Array = 1 / (1 + np.exp(-(fitted[0] * _odds(probabilities) + fitted[1])))
    return result


def _odds(probabilities: Array) -> Array:
    sure = np.clip(probabilities, 1e-6, 1 - 1e-6)
    result: Array = np.log(sure / (1 - sure))
    return result


def _without(data: Data, names: dict[str, int]) -> Data:
    kept = np.array([name not in names for name in DIRECTIONS], float)
    return replace(data, evidence=data.evidence * kept)


def _report(probabilities: Array, labels: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, Any]:
    judged = list(zip(probabilities.tolist(), labels.tolist(), strict=True))
    return {"measures": {k: round(v, 4) for k, v in measures(judged).items()}, "reliability": reliability(judged)}


if __name__ == "__main__":
    files = [Path(name) for name in sys.argv[1:] if not name.startswith("--")]
    if len(files) != 2:
        sys.exit(__doc__)
    main(*files, ship="--ship" in sys.argv, ablate="--ablate" in sys.argv)
