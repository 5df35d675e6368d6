"""Is each cue put on the slide that was shown? On folders with transcript.srt, slides.pdf and labels.jsonl.

A label says the PDF page shown during a cue, -1 where none is; only cues whose slide is shown are measured. F1 of a
lecture is that published with MaViLS (Anderer, Reich, Wölfel 2024): micro-averaged over the pages that occur in its
labels, which is accuracy but for pages never shown, whose cues count as missed and not as wrong as well. A cue for
which no page is named counts as wrong. Accuracy and the means over pages of F1, weighted by their cues and not, are
beside it; all are means over lectures.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lecta.errors import UsageError
from lecta.evaluate.rows import read_jsonl
from lecta.protocols import Embedder
from lecta.timeline import align_files

BINS = 10

Answer = tuple[int, int | None, float]
"""Of a cue whose slide is shown: the page, the page named, the confidence."""


def evaluate(
    folders: Sequence[Path], embedder: Embedder, *, on_step: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, Any]:
    """Align every lecture and return {"measures", "queries", "seconds", "lectures", "reliability"}.

    Raises `UsageError` when a folder lacks a file or its labels do not fit.
    """
    started = time.perf_counter()
    lectures: list[dict[str, Any]] = []
    everything: list[list[Answer]] = []
    unshown: list[int | None] = []
    for number, folder in enumerate(folders, 1):
        begun = time.perf_counter()
        answers, hidden = _answers(folder, embedder)
        seconds = round(time.perf_counter() - begun, 3)
        lectures.append({"lecture": folder.name, "seconds": seconds, "cues": len(answers)} | measures(answers))
        everything.append(answers)
        unshown += hidden
        on_step(number, len(folders))
    means = {name: sum(row[name] for row in lectures) / len(lectures) for name in measures(everything[0])}
    return {
        "measures": means | {"calibration error": calibration_error(reliability(everything))},
        "queries": sum(map(len, everything)),
        "seconds": round(time.perf_counter() - started, 3),
        "lectures": lectures,
        "reliability": reliability(everything),
        "not_shown": {"cues": len(unshown), "no_page_named": sum(page is None for page in unshown)},
    }


def _answers(folder: Path, embedder: Embedder) -> tuple[list[Answer], list[int | None]]:
    """Return the answers for the cues whose slide is shown, and the pages named for the others."""
    for name in ("transcript.srt", "slides.pdf"):
        if not (folder / name).is_file():
            raise UsageError(f"{folder} has no {name}")
    labels = {row["cue"]: row["slide"] for row in read_jsonl(folder / "labels.jsonl", ("cue", "slide"))}
    moments = {m.cue: m for m in align_files(folder / "transcript.srt", folder / "slides.pdf", embedder).moments}
    if missing := labels.keys() - moments.keys():
        raise UsageError(f"{folder / 'labels.jsonl'} labels cue {min(missing)}, which transcript.srt does not have")
    shown = [(page, moments[cue].page, moments[cue].confidence) for cue, page in labels.items() if page > 0]
    if not shown:
        raise UsageError(f"{folder / 'labels.jsonl'} has no cue whose slide is shown")
    return shown, [moments[cue].page for cue, page in labels.items() if page <= 0]


def measures(answers: Sequence[Answer]) -> dict[str, float]:
    """Return a lecture's measures, each 0..1."""
    true, named = Counter(page for page, _, _ in answers), Counter(page for _, page, _ in answers)
    right = Counter(page for page, guess, _ in answers if page == guess)
    counted = sum(count for page, count in named.items() if page is None or page in true)
    by_page = {page: 2 * right[page] / (true[page] + named[page]) for page in true}
    return {
        "F1": 2 * right.total() / (counted + true.total()),
        "accuracy": right.total() / len(answers),
        "weighted F1": sum(by_page[page] * count for page, count in true.items()) / len(answers),
        "macro F1": sum(by_page.values()) / len(by_page),
    }


def reliability(lectures: Sequence[Sequence[Answer]]) -> list[dict[str, float]]:
    """Return the reliability curve over all cues: for each tenth of confidence its cues and how many are right."""
    bins: list[list[Answer]] = [[] for _ in range(BINS)]
    for answer in (answer for lecture in lectures for answer in lecture):
        bins[min(int(answer[2] * BINS), BINS - 1)].append(answer)
    return [
        {
            "from": number / BINS,
            "to": (number + 1) / BINS,
            "cues": len(group),
            "confidence": sum(answer[2] for answer in group) / len(group),
            "right": sum(answer[0] == answer[1] for answer in group) / len(group),
        }
        for number, group in enumerate(bins)
        if group
    ]


def calibration_error(curve: Sequence[dict[str, float]]) -> float:
    """Return the mean distance between confidence and truth over the bins, by their cues (ECE, Guo et al. 2017)."""
    return sum(row["cues"] * abs(row["confidence"] - row["right"]) for row in curve) / sum(row["cues"] for row in curve)
