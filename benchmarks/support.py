"""Is a sentence supported? Trains the calibrator and measures what it is worth on claims unseen.

usage: python -m benchmarks.support ATTRIBUTIONBENCH.jsonl WICE.jsonl [--ship] [--ablate]

The first file has claims with references and a person's verdict (AttributionBench, Li et al. 2024: claims written by
search engines and chat models, references from the web), the second WiCE's claims from Wikipedia with the sentences of
a cited page (Kamoi et al. 2023; only "supported" counts as such). Measured are: five folds of the first, no question
in two folds ("grouped"), the same with folds by chance ("by chance"), each as the mean and spread of single draws, and
as probabilities averaged over the draws; the second set by what was trained on the whole first, and five folds of the
second. `--ship` trains on the first and writes lecta/check/parameters.json. `--ablate` leaves out each kind of evidence
in turn as well.

Two calibrators are trained: "references" for references as they were cut on the web, and "answers" for the passages of
lectures, which are all cut alike: without what only helped on the web (`OF_THE_WEB`), and with lengths (`CUT`) taken as
usual.

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

ROUNDS = 3
"""Of five folds each, drawn anew."""
CUT = ("text length", "passages")
"""What tells of a reference how it was cut: annotators of search engines' answers often kept the evidence alone."""
OF_THE_WEB = ("lines", "links", *KINDS["standing out"], *KINDS["window to sentence"])
"""Evidence that earned something on references of the web and did not on WiCE's pages; "answers" does without."""
DIRECTIONS = {name: direction for kind in KINDS.values() for name, direction in kind.items()}
ALL = list(DIRECTIONS)
FOR_ANSWERS = [name for name in ALL if name not in OF_THE_WEB]


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
    rows = read_jsonl(first, ())
    web = _data(read_claims(first), [row.get("question", "") for row in rows], embedder)
    wiki = _data(*_wice(second), embedder)
    grouped = left_out(web, ALL)
    of_answers = left_out(web, FOR_ANSWERS, cut_as_usual=True)
    trained = {
        "references": replace(train(web, ALL), usual={}, calibration=_platt(grouped, web.labels)),
        "answers": replace(train(web, FOR_ANSWERS), calibration=_platt(left_out(web, FOR_ANSWERS), web.labels)),
    }
    if ship:
        FILE.write_text(to_json(trained), encoding="utf-8")
    slope_and_offset = trained["references"].calibration
    by_chance = left_out(replace(web, groups=np.arange(len(web.labels))), ALL)
    recut = _usual_cut(wiki.evidence, web.evidence)
    result: dict[str, Any] = {
        "claims": {"attributionbench": len(web.labels), "wice": len(wiki.labels)},
        "attributionbench, grouped": _report(_calibrated(grouped, slope_and_offset), web.labels),
        "attributionbench, by chance": _report(_calibrated(by_chance, slope_and_offset), web.labels),
        "attributionbench, grouped, as answers are checked": _report(of_answers, web.labels),
        "attributionbench, grouped, by source": _by_source(grouped, web.labels, [row["src_dataset"] for row in rows]),
        "wice, references": _report(_probabilities(trained["references"], wiki.evidence)[None], wiki.labels),
        "wice, as answers are checked": _report(_probabilities(trained["answers"], recut)[None], wiki.labels),
        "wice, grouped": _report(left_out(wiki, ALL), wiki.labels),
        "milliseconds": {"attributionbench": round(web.milliseconds, 2), "wice": round(wiki.milliseconds, 2)},
        "bytes": len(to_json(trained)),
    }
    if ablate:
        result["attributionbench, grouped, without"] = {
            kind: _report(left_out(web, [name for name in ALL if name not in names], 1), web.labels)["measures"]
            for kind, names in KINDS.items()
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


def train(data: Data, names: Sequence[str]) -> Calibrator:
    """Grow the trees on the named evidence: few, shallow, each feature in its direction only."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_depth=3, max_iter=150, learning_rate=0.05, max_features=0.2, min_samples_leaf=20, l2_regularization=5,
        monotonic_cst=[DIRECTIONS[name] for name in names], early_stopping=False, random_state=0,
    )  # fmt: skip
    model.fit(data.evidence[:, [ALL.index(name) for name in names]], data.labels)
    trees = tuple(_nodes(stage[0].nodes) for stage in model._predictors)
    usual = {name: float(np.median(data.evidence[:, ALL.index(name)])) for name in CUT}
    return Calibrator(tuple(names), trees, float(model._baseline_prediction[0, 0]), usual)


def _usual_cut(evidence: Array, seen: Array) -> Array:
    """Return evidence with what tells of the cut as it usually is among claims seen."""
    result = evidence.copy()
    for name in CUT:
        result[:, ALL.index(name)] = np.median(seen[:, ALL.index(name)])
    return result


def _nodes(nodes: Any) -> tuple[Node, ...]:
    return tuple(
        (-1, float(node["value"]), 0, 0)
        if node["is_leaf"]
        else (int(node["feature_idx"]), float(node["num_threshold"]), int(node["left"]), int(node["right"]))
        for node in nodes
    )


def left_out(data: Data, names: Sequence[str], rounds: int = ROUNDS, *, cut_as_usual: bool = False) -> Array:
    """Return (rounds, claims) the probabilities by calibrators trained without a claim's fold."""
    from sklearn.model_selection import StratifiedGroupKFold

    found = np.zeros((rounds, len(data.labels)))
    for number in range(rounds):
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=number)
        for seen, unseen in folds.split(data.evidence, data.labels, data.groups):
            part = replace(data, evidence=data.evidence[seen], labels=data.labels[seen])
            evidence = data.evidence[unseen]
            if cut_as_usual:
                evidence = _usual_cut(evidence, part.evidence)
            found[number, unseen] = _probabilities(train(part, names), evidence)
    return found


def _probabilities(calibrator: Calibrator, evidence: Array) -> Array:
    return np.array([calibrator.probability(dict(zip(ALL, row, strict=True))) for row in evidence.tolist()])


def _platt(probabilities: Array, labels: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[float, float]:
    """Return slope and offset on the log-odds that fit claims left out, in every draw (Platt 1999)."""
    from sklearn.linear_model import LogisticRegression

    fit = LogisticRegression(C=1e6).fit(_odds(probabilities).reshape(-1, 1), np.tile(labels, len(probabilities)))
    return float(fit.coef_[0, 0]), float(fit.intercept_[0])


def _calibrated(probabilities: Array, fitted: tuple[float, float]) -> Array:
    result: Array = 1 / (1 + np.exp(-(fitted[0] * _odds(probabilities) + fitted[1])))
    return result


def _odds(probabilities: Array) -> Array:
    sure = np.clip(probabilities, 1e-6, 1 - 1e-6)
    result: Array = np.log(sure / (1 - sure))
    return result


def _report(draws: Array, labels: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, Any]:
    """Return the mean and the spread of single draws, the measures of their mean, and the first draw's reliability."""
    each = [measures(list(zip(draw.tolist(), labels.tolist(), strict=True))) for draw in draws]
    mean = measures(list(zip(draws.mean(axis=0).tolist(), labels.tolist(), strict=True)))
    return {
        "measures": {name: round(float(np.mean([one[name] for one in each])), 4) for name in mean},
        "spread": {name: round(float(np.std([one[name] for one in each])), 4) for name in mean},
        "averaged": {name: round(value, 4) for name, value in mean.items()},
        "reliability": reliability(list(zip(draws[0].tolist(), labels.tolist(), strict=True))),
    }


def _by_source(draws: Array, labels: np.ndarray[Any, np.dtype[np.int64]], sources: Sequence[str]) -> dict[str, Any]:
    kinds = np.array(sources)
    return {
        kind: {
            "claims": int((kinds == kind).sum()),
            "AUROC": _report(draws[:, kinds == kind], labels[kinds == kind])["measures"]["AUROC"],
        }
        for kind in dict.fromkeys(sources)
    }


if __name__ == "__main__":
    files = [Path(name) for name in sys.argv[1:] if not name.startswith("--")]
    if len(files) != 2:
        sys.exit(__doc__)
    main(*files, ship="--ship" in sys.argv, ablate="--ablate" in sys.argv)
