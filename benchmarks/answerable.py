"""Trains and measures the calibrators that tell whether passages answer a question.

usage: python -m benchmarks.answerable SQUAD.json EXAM.jsonl EXAM_LIBRARY SAMPLE_LIBRARY [--asked N] [--ship]

The near-miss calibrator is trained on the questions of SQUAD.json (SQuAD 2's format), each with its paragraph, and
measured by leaving out each article in turn. With `--asked` the default language model is asked about N of them as well
(in whole paragraphs, both labels alike), and what weighs its yes or no beside the near-miss calibrator's probabilities
of articles left out is trained and measured in the same way; without it those numbers stay as they are. The topic
calibrator is trained on the exam questions and those of examples/course asked of their libraries, and on questions that
these do not treat: benchmarks/data/other-subjects.jsonl (those marked "train") and a sample of SQUAD.json's.
Cross-validation leaves out a fifth of the questions; the other subjects marked "test" are never trained on. `--ship`
writes lecta/check/answerable.json.

Training is a logistic regression with an L2 pull on standardised features, labels weighing alike (SciPy's L-BFGS).
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import machine
from lecta.check import answerable, second_look
from lecta.check.answerable import FEATURES, Asked, Calibrator
from lecta.evaluate.answerable import leaning, measures, read
from lecta.evaluate.rows import read_jsonl
from lecta.library import Library
from lecta.question.words import topic
from lecta.settings import load

Array = npt.NDArray[np.float64]
OTHERS = Path(__file__).parent / "data" / "other-subjects.jsonl"
COURSE = Path(__file__).parents[1] / "examples" / "course" / "questions.jsonl"
PULL = {"topic": 3.0, "near miss": 10.0, second_look.CALIBRATOR: 1.0}
"""L2 on standardised weights; the measures hardly change between 1 and 10."""
USED = {
    "topic": (
        "passage cosine", "mean cosine", "sentence cosine", "words in passage", "words in all", "words in library",
    ),
    "near miss": tuple(name for name in FEATURES if name not in ("mean cosine", "words in library")),
    second_look.CALIBRATOR: ("near miss", "model"),
}  # fmt: skip
"""What each sees: a single paragraph has no mean over passages and no library; more do not help the topic."""


@dataclass(frozen=True)
class Row:
    """A question with what is known of it."""

    question: str
    passages: tuple[str, ...]
    label: int
    group: str
    features: dict[str, float]


def main(arguments: argparse.Namespace) -> None:
    """Train, measure, and with `--ship` keep the numbers."""
    libraries = [Library(path, settings=load()) for path in (arguments.exam_library, arguments.sample_library)]
    near = _squad(arguments.squad, libraries[0])
    topics = _topics(arguments, libraries)
    kept = [row for row in topics if row.group != "other, test"]
    trained = {**answerable.shipped(), "topic": fit(kept, "topic"), "near miss": fit(near, "near miss")}
    apart = _by_group(near, "near miss")
    asked = _asked(near, apart, arguments.asked, libraries[0]) if arguments.asked else []
    if asked:
        trained[second_look.CALIBRATOR] = fit(asked, second_look.CALIBRATOR)
    if arguments.ship:
        answerable.FILE.write_text(_json(trained), encoding="utf-8")
    left_out = _folded(topics, 5)
    result = {
        "near miss, each article left out": _measured(near, apart),
        "the model asked as well": {
            "questions": len(asked),
            "each article left out": _measured(asked, _by_group(asked, second_look.CALIBRATOR)) if asked else {},
            "near miss alone": _measured(asked, [_chance(row.features["near miss"]) for row in asked]) if asked else {},
            "model alone": _measured(asked, [_chance(row.features["model"]) for row in asked]) if asked else {},
        },
        "topic, a fifth left out": {group: _refused(topics, left_out, group) for group in _groups(topics)}
        | measures([(row.label, p) for row, p in zip(topics, left_out, strict=True)], 0.5),
    }
    machine.write("answerable", result)


def _squad(path: Path, library: Library) -> list[Row]:
    rows = []
    for row in read(path):
        asked = Asked(row["question"], tuple(topic(row["question"])), {})
        found = answerable.features(asked, row["passages"], library.embedder)
        rows.append(Row(row["question"], tuple(row["passages"]), row["label"], row["article"], found))
    return rows


def _asked(rows: Sequence[Row], near: Sequence[float], count: int, library: Library) -> list[Row]:
    """Return some `count` rows with what the model leans to; questions on one paragraph stand together."""
    chance = random.Random(2)
    paragraphs: dict[tuple[str, ...], list[tuple[Row, float]]] = {}
    for row, probability in zip(rows, near, strict=True):
        paragraphs.setdefault(row.passages, []).append((row, probability))
    order = list(paragraphs.values())
    chance.shuffle(order)
    found: list[Row] = []
    for of_one in order:
        groups = [[one for one in of_one if one[0].label == label] for label in (1, 0)]
        for row, probability in [one for group in groups for one in chance.sample(group, min(3, *map(len, groups)))]:
            leans = leaning(library.chat, row.question, row.passages)
            found.append(replace(row, features=second_look.evidence(probability, leans)))
        print(f"{len(found)} of {count} questions asked", flush=True)
        if len(found) >= count:
            break
    return found


def _chance(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _topics(arguments: argparse.Namespace, libraries: Sequence[Library]) -> list[Row]:
    squad = random.Random(1).sample([row["question"] for row in read(arguments.squad)], 60)
    others = [(row["question"], 0, f"other, {row['part']}") for row in read_jsonl(OTHERS, ("question", "part"))]
    others += [(question, 0, "encyclopedia") for question in squad]
    exam = [(row["question"], 1, "exam") for row in read_jsonl(arguments.exam, ("question",))]
    sample = [
        (row["question"], int(row["lecture"] is not None), "sample course" if row["lecture"] else "sample, not treated")
        for row in read_jsonl(COURSE, ("question", "lecture"))
    ]
    asked = zip(libraries, (exam + others, sample + others), strict=True)
    return [Row(q, (), label, group, one.coverage_features(q)) for one, rows in asked for q, label, group in rows]


def fit(rows: Sequence[Row], name: str) -> Calibrator:
    """Return the calibrator under which the labels are likeliest, both labels weighing alike."""
    from scipy.optimize import minimize

    used = USED[name]
    x = np.array([[row.features[one] for one in used] for row in rows])
    sign = np.array([2.0 * row.label - 1 for row in rows])
    weight = np.where(sign > 0, 0.5 / (sign > 0).sum(), 0.5 / (sign < 0).sum()) * len(rows)
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = np.hstack([(x - mean) / spread, np.ones((len(x), 1))])
    pull = np.append(np.full(len(used), PULL[name]), 0.0)

    def objective(w: Array) -> tuple[float, Array]:
        margin = sign * (z @ w)
        loss = weight @ np.logaddexp(0, -margin) + 0.5 * float(pull @ w**2)
        return float(loss), pull * w - z.T @ (weight * sign / (1 + np.exp(np.clip(margin, -50, 50))))

    w = minimize(objective, np.zeros(z.shape[1]), jac=True, method="L-BFGS-B").x
    slopes = w[:-1] / spread
    return Calibrator(dict(zip(used, map(float, slopes), strict=True)), float(w[-1] - slopes @ mean))


def _by_group(rows: Sequence[Row], name: str) -> list[float]:
    found = [0.0] * len(rows)
    for group in _groups(rows):
        model = fit([row for row in rows if row.group != group], name)
        for place, row in enumerate(rows):
            if row.group == group:
                found[place] = model.probability(row.features)
    return found


def _folded(rows: Sequence[Row], folds: int) -> list[float]:
    """Return probabilities of questions that were left out in both libraries; test rows are never trained on."""
    fold = {question: place % folds for place, question in enumerate(dict.fromkeys(row.question for row in rows))}
    models = [
        fit([row for row in rows if fold[row.question] != one and row.group != "other, test"], "topic")
        for one in range(folds)
    ]
    return [models[fold[row.question]].probability(row.features) for row in rows]


def _groups(rows: Sequence[Row]) -> list[str]:
    return sorted({row.group for row in rows})


def _measured(rows: Sequence[Row], found: Sequence[float]) -> dict[str, float]:
    return measures([(row.label, p) for row, p in zip(rows, found, strict=True)], 0.5)


def _refused(rows: Sequence[Row], found: Sequence[float], group: str) -> str:
    inside = [p for row, p in zip(rows, found, strict=True) if row.group == group]
    return f"{sum(p < 0.5 for p in inside)} of {len(inside)} refused"


def _json(trained: dict[str, Calibrator]) -> str:
    shown: dict[str, Any] = {
        name: {"weights": {k: round(v, 4) for k, v in one.weights.items()}, "offset": round(one.offset, 4)}
        for name, one in trained.items()
    }
    return json.dumps(shown, indent=1) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("squad", "exam", "exam_library", "sample_library"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--asked", type=int, default=0, metavar="N")
    parser.add_argument("--ship", action="store_true")
    main(parser.parse_args())
