"""Speech and slides put side by side: trains the parameters and measures what they are worth on lectures unseen.

usage: python -m benchmarks.alignment DIR [--ship] [--ablate]

DIR holds a folder for each lecture, with transcript.srt, slides.pdf and labels.jsonl. Each lecture is aligned with
parameters trained on all the others, calibration included ("left out"); then once more with the parameters that come
with lecta ("shipped"), which have seen these lectures, so that figure is what they fit and not what to expect.
`--ship` trains on all lectures and writes lecta/align/parameters.json before. `--ablate` leaves out each feature in
turn as well, and trains anew without it.

Training maximises the log-likelihood of the labels under the chain, where a cue without a shown slide may be over any
page: log sum of paths through the labels - log sum of all paths, lectures weighing alike, with a pull to zero.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from lecta import models
from lecta.align import named
from lecta.align.chain import Array, sums
from lecta.align.evidence import FEATURES, evidence, vectors
from lecta.align.parameters import FILE, MOVES, Parameters, kinds_of_moves, shipped, to_json
from lecta.embed.minilm import MiniLM
from lecta.evaluate.align import Answer, calibration_error, measures, reliability
from lecta.evaluate.rows import read_jsonl
from lecta.settings import load
from lecta.timeline import read_slides, read_speech

STEPS = 40
"""Of L-BFGS: later ones change the third decimal of the objective."""
PULL = np.concatenate([np.full(len(FEATURES), 3.0), np.full(len(MOVES) + 1, 0.3), np.full(3, 3.0)])
"""Precision of the Gaussian around `START`: features are in like units, moves differ by orders of magnitude."""
START = np.concatenate([np.full(len(FEATURES), 0.05), [-3, -6, -7, -9, -6, -7, -9, -1], [0.0, 0.5, 0.5]])
CENTRE = np.concatenate([np.zeros(len(FEATURES)), START[len(FEATURES) :]])


@dataclass(frozen=True)
class Lecture:
    """What training needs of a lecture."""

    name: str
    features: Array
    moments: Array
    labels: np.ndarray[Any, np.dtype[np.int64]]
    read_seconds: float
    """OCR of pages without words included."""
    seconds: float
    """For embedding and evidence."""

    @property
    def shown(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The places of cues whose slide is shown."""
        return np.flatnonzero(self.labels > 0)


def main(folder: Path, *, ship: bool, ablate: bool) -> None:
    """Measure all lectures, after training anew with `ship`, and write benchmarks/results/alignment.json."""
    embedder = MiniLM(models.fetch(models.EMBEDDER, load().models), load().thread_count)
    paths = sorted(path for path in folder.iterdir() if (path / "labels.jsonl").is_file())
    lectures = [_lecture(path, embedder) for path in paths]
    started = time.perf_counter()
    left_out = _left_out(lectures)
    trained = time.perf_counter() - started
    if ship:
        calibrated = replace(train(lectures), calibration=calibrate(left_out, lectures))
        FILE.write_text(to_json(calibrated), encoding="utf-8")
    parameters = shipped()
    result = {
        "cues": int(sum(len(lecture.shown) for lecture in lectures)),
        "left out": _report(lectures, [_unseen(lectures, left_out, place) for place in range(len(lectures))]),
        "shipped": _report(
            lectures, [_answers(lecture, posterior(lecture, parameters), parameters) for lecture in lectures]
        ),
        "training_seconds": round(trained, 1),
        "seconds": {
            lecture.name: {"read": lecture.read_seconds, "align": round(lecture.seconds + _seconds(lecture), 2)}
            for lecture in lectures
        },
    }
    if ablate:
        result["left out, without"] = {name: _ablated(lectures, name) for name in (*FEATURES, "leave")}
    machine.write("alignment", result)


def _ablated(lectures: Sequence[Lecture], name: str) -> dict[str, float]:
    """Return the mean measures of lectures left out where one feature is nought for all."""
    kept = np.array([feature != name for feature in FEATURES], float)
    less = [
        replace(lecture, features=lecture.features * kept, moments=lecture.moments * (name != "leave"))
        for lecture in lectures
    ]
    posteriors = _left_out(less)
    means: dict[str, float] = _report(less, [_unseen(less, posteriors, p) for p in range(len(less))])["mean"]
    return means


def _left_out(lectures: Sequence[Lecture]) -> list[Array]:
    with ProcessPoolExecutor() as pool:
        return list(pool.map(partial(_without, lectures), range(len(lectures))))


def _lecture(folder: Path, embedder: MiniLM) -> Lecture:
    started = time.perf_counter()
    cues, pages = read_speech(folder / "transcript.srt"), read_slides(folder / "slides.pdf")
    read = time.perf_counter()
    features, moments = evidence(cues, pages, *vectors(cues, pages, embedder))
    ended = time.perf_counter()
    known = {row["cue"]: row["slide"] for row in read_jsonl(folder / "labels.jsonl", ("cue", "slide"))}
    labels = np.array([known.get(cue + 1, -1) for cue in range(len(cues))])
    return Lecture(folder.name, features, moments, labels, round(read - started, 2), ended - read)


def _seconds(lecture: Lecture) -> float:
    started = time.perf_counter()
    posterior(lecture, shipped())
    return time.perf_counter() - started


# --- training ---------------------------------------------------------------------------------------------------------


def parameters_of(numbers: Array) -> Parameters:
    """Name the numbers that are trained."""
    values = [float(number) for number in numbers]
    moves = len(FEATURES) + len(MOVES)
    distance, leave, start, end = values[moves:]
    return Parameters(
        dict(zip(FEATURES, values, strict=False)),
        dict(zip(MOVES, values[len(FEATURES) : moves], strict=True)),
        distance,
        leave,
        start,
        end,
    )


def train(lectures: Sequence[Lecture]) -> Parameters:
    """Return the parameters under which the labels are likeliest."""
    from scipy.optimize import minimize

    def objective(numbers: Array) -> tuple[float, Array]:
        total = 0.5 * float(PULL @ (numbers - CENTRE) ** 2)
        gradient = PULL * (numbers - CENTRE)
        for lecture in lectures:
            weight = 600 / max(len(lecture.shown), 100)
            through, counts_through = _expected(lecture, numbers, labelled=True)
            every, counts_every = _expected(lecture, numbers, labelled=False)
            total -= weight * (through - every)
            gradient -= weight * (counts_through - counts_every)
        return total / len(lectures), gradient / len(lectures)

    found = minimize(objective, START, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return parameters_of(found.x)


def _expected(lecture: Lecture, numbers: Array, *, labelled: bool) -> tuple[float, Array]:
    """Return the logarithm of the sum of paths (those through the labels) and its gradient."""
    parameters = parameters_of(numbers)
    weighed = parameters.evidence_of(lecture.features)
    pages = weighed.shape[1]
    if labelled:
        allowed = np.zeros_like(weighed)
        allowed[lecture.shown] = -np.inf
        allowed[lecture.shown, lecture.labels[lecture.shown] - 1] = 0
        weighed = weighed + allowed
    found = sums(weighed, parameters.jump(pages), parameters.leave_at(lecture.moments))
    kinds, distances = kinds_of_moves(pages)
    before = 10 * np.arange(pages) / pages
    gradient = np.concatenate(
        [
            np.einsum("cp,cpf->f", found.posterior, lecture.features),
            [found.jumps[kinds == kind].sum() for kind in range(len(MOVES))],
            [(found.jumps * distances).sum()],
            [lecture.moments @ (1 - found.stays)],
            [-found.posterior[0] @ before, -found.posterior[-1] @ (10 - before)],
        ]
    )
    return found.log_total, gradient


def calibrate(posteriors: Sequence[Array], lectures: Sequence[Lecture]) -> tuple[float, float]:
    """Fit slope and offset on the log-odds of posteriors (Platt 1999), lectures weighing alike."""
    from scipy.optimize import minimize

    odds, right, weight = [], [], []
    for found, lecture in zip(posteriors, lectures, strict=True):
        top = np.clip(found.max(axis=1)[lecture.shown], 1e-6, 1 - 1e-6)
        odds.append(np.log(top / (1 - top)))
        right.append(found.argmax(axis=1)[lecture.shown] + 1 == lecture.labels[lecture.shown])
        weight.append(np.full(len(top), 1 / len(top)))
    x, y, w = np.concatenate(odds), np.concatenate(right) * 2.0 - 1, np.concatenate(weight)
    fitted = minimize(lambda line: float(w @ np.logaddexp(0, -y * (line[0] * x + line[1]))), np.array([1.0, 0.0])).x
    return float(fitted[0]), float(fitted[1])


# --- measuring --------------------------------------------------------------------------------------------------------


def posterior(lecture: Lecture, parameters: Parameters) -> Array:
    """Return the probability of each page at each cue."""
    jump = parameters.jump(lecture.features.shape[1])
    return sums(parameters.evidence_of(lecture.features), jump, parameters.leave_at(lecture.moments)).posterior


def _without(lectures: Sequence[Lecture], place: int) -> Array:
    """Return the posterior of one lecture by parameters that were trained on the others."""
    os.nice(5)
    return posterior(lectures[place], train([*lectures[:place], *lectures[place + 1 :]]))


def _unseen(lectures: Sequence[Lecture], posteriors: Sequence[Array], place: int) -> list[Answer]:
    """Return the answers for one lecture, its calibration fitted to the posteriors of the others, left out as well."""
    others = [number for number in range(len(lectures)) if number != place]
    fitted = calibrate([posteriors[number] for number in others], [lectures[number] for number in others])
    return _answers(lectures[place], posteriors[place], replace(parameters_of(START), calibration=fitted))


def _answers(lecture: Lecture, found: Array, parameters: Parameters) -> list[Answer]:
    """Name pages as `lecta align` does."""
    pages, confidence = named(found, parameters)
    shown = lecture.shown
    guesses = [None if page is None else page + 1 for page in pages]
    return [(int(lecture.labels[cue]), guesses[cue], float(confidence[cue])) for cue in shown]


def _report(lectures: Sequence[Lecture], answers: Sequence[list[Answer]]) -> dict[str, Any]:
    rows = {lecture.name: measures(given) for lecture, given in zip(lectures, answers, strict=True)}
    curve = reliability(answers)
    names = next(iter(rows.values()))
    return {
        "mean": _rounded({name: sum(row[name] for row in rows.values()) / len(rows) for name in names}),
        "calibration error": round(calibration_error(curve), 4),
        "lectures": {name: _rounded(row) for name, row in rows.items()},
        "reliability": [_rounded(row) for row in curve],
    }


def _rounded(row: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in row.items()}


if __name__ == "__main__":
    folders = [word for word in sys.argv[1:] if not word.startswith("--")]
    if len(folders) != 1:
        sys.exit(str(__doc__).split("\n\n")[1])
    main(Path(folders[0]), ship="--ship" in sys.argv, ablate="--ablate" in sys.argv)
