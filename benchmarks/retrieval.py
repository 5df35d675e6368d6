"""What each step of retrieval earns: every set of questions with every step of the pipeline switched on in turn.

usage: python -m benchmarks.retrieval [--beir DIR SPLIT]... [--exam QUESTIONS COURSE]... [--also EMBEDDER]... [--runs D]

DIR is a collection in BEIR's format, COURSE the folder of the lectures that the questions are on; an exam is measured
on all material and on speech alone. Both are indexed once, into the cache folder. Each is measured with the default
embedder, and with each named by `--also`. A step is compared with the one
before it on each question, by the randomisation test. Latency is that of `Library.search` as a user calls it, for the
passages that an answer is given, on up to 100 of the questions, each through all steps in turn.

Writes benchmarks/results/retrieval.json and retrieval.md; `--runs` keeps each run for `lecta eval compare`.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from benchmarks import machine
from lecta.evaluate import beir, exam, runs
from lecta.evaluate.compare import compare
from lecta.library import Library
from lecta.protocols import Embedder
from lecta.settings import Settings, load
from lecta.types import Kind

_PLAIN = {"title_weight": 0.0, "variety": False, "join": False}
STEPS: list[tuple[str, dict[str, Any]]] = [
    ("BM25 alone", {"dense_weight": 0.0} | _PLAIN),
    ("vectors alone", {"dense_weight": 1.0} | _PLAIN),
    ("fused", _PLAIN),
    ("+ title", {"variety": False, "join": False}),
    ("+ variety", {"join": False}),
    ("+ neighbours joined", {}),
]
"""Names and the settings that differ from the defaults; the last is the pipeline as it is shipped."""
MEASURE = "nDCG@10"
"""Steps are compared by it."""
SHOWN = {True: ("nDCG@10", "MAP@100", "MRR@10", "recall@100"), False: ("hit@1", "hit@5", "MRR@10", "nDCG@10")}
"""Columns of the table, for collections and for exams."""
LATENCY_QUESTIONS = 100


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """One set of questions, and how it is measured under some settings."""

    name: str
    is_collection: bool
    kind: Kind | None
    open: Callable[[Settings], Library]
    measure: Callable[[Library], runs.Run]


def main(sets: Sequence[QuestionSet], kept: Path | None) -> None:
    """Measure every set and write the results."""
    results = [_measured(questions, kept) for questions in sets]
    path = machine.write("retrieval", {"compared_by": MEASURE, "sets": results})
    path.with_suffix(".md").write_text(markdown(results, [one.is_collection for one in sets]), encoding="utf-8")


def _measured(questions: QuestionSet, kept: Path | None) -> dict[str, Any]:
    libraries = [questions.open(load(**overrides)) for _, overrides in STEPS]
    rows: list[dict[str, Any]] = []
    before: runs.Run | None = None
    for (name, overrides), library in zip(STEPS, libraries, strict=True):
        run = questions.measure(library)
        rows.append(_row(name, overrides, run, before))
        print(f"{questions.name}: {name}: {MEASURE} {run.measures[MEASURE]:.4f}", flush=True)
        if kept is not None:
            runs.save(run, kept / (re.sub(r"\W+", "-", f"{questions.name} {name}") + ".json"))
        before = run
    texts = [result.text for result in run.results[:LATENCY_QUESTIONS]]
    for row, figures in zip(rows, latencies(libraries, texts, questions.kind), strict=True):
        row["latency"] = figures
    return {"set": questions.name, "queries": run.queries, "steps": rows}


def _row(name: str, overrides: dict[str, Any], run: runs.Run, before: runs.Run | None) -> dict[str, Any]:
    row = {"step": name, "settings": overrides, "measures": {key: round(v, 4) for key, v in run.measures.items()}}
    if before is None:
        return row
    change = compare(before, run, MEASURE)
    return row | {
        "difference": {
            "mean": round(change.difference, 4),
            "interval": [round(bound, 4) for bound in change.interval],
            "p": round(change.p, 5),
            "better": change.better,
            "worse": change.worse,
        }
    }


def latencies(libraries: Sequence[Library], texts: Sequence[str], kind: Kind | None) -> list[dict[str, float]]:
    """Return for each step the median and the 95th percentile of a search in milliseconds, warm.

    Every question goes through all steps before the next, so that what else the machine does falls on all alike.
    """
    times = np.array([[library.search(text, kind=kind).timings["total_ms"] for library in libraries] for text in texts])
    middle, slow = np.percentile(times, [50, 95], axis=0)
    return [{"median_ms": round(float(m), 1), "p95_ms": round(float(s), 1)} for m, s in zip(middle, slow, strict=True)]


def markdown(results: Sequence[dict[str, Any]], are_collections: Sequence[bool]) -> str:
    """Return a table for each set."""
    parts = []
    for result, is_collection in zip(results, are_collections, strict=True):
        columns = SHOWN[is_collection]
        head = ["step", *columns, f"{MEASURE} against the step before (95 %)", "p", "median ms", "95th percentile ms"]
        lines = [f"## {result['set']} ({result['queries']} questions)", "", _line(head), _line(["---"] * len(head))]
        for row in result["steps"]:
            change = row.get("difference")
            low, high = change["interval"] if change else (0, 0)
            moved = f"{change['mean']:+.3f} ({low:+.3f} to {high:+.3f})" if change else ""
            chance = "" if not change else f"{change['p']:.3f}" if change["p"] >= 0.001 else "< 0.001"
            figures = [f"{row['measures'][name]:.3f}" for name in columns]
            times = [f"{row['latency'][name]:.0f}" for name in ("median_ms", "p95_ms")]
            lines.append(_line([row["step"], *figures, moved, chance, *times]))
        parts.append("\n".join(lines))
    return "# What each step of retrieval earns\n\n" + "\n\n".join(parts) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


# --- sets of questions ------------------------------------------------------------------------------------------------


def collection(folder: Path, split: str, embedder: Embedder, name: str) -> QuestionSet:
    """Return a collection in BEIR's format."""
    read = beir.read(folder, split)
    return QuestionSet(
        read.name + name,
        True,
        None,
        lambda settings: beir.indexed(read, settings, embedder=embedder),
        lambda library: beir.evaluate(library, read),
    )


def exams(questions: Path, course: Path, embedder: Embedder, name: str) -> list[QuestionSet]:
    """Return an exam on all material and on speech alone; the course is indexed if it is not in the cache."""
    kinds: list[Kind | None] = [None, "speech"]
    key = hashlib.sha256(str(course.resolve()).encode() + repr(Library(embedder=embedder).recipe).encode()).hexdigest()
    folder = platformdirs.user_cache_path("lecta", appauthor=False) / "eval" / key[:16]
    Library(folder, embedder=embedder).add([course])
    return [
        QuestionSet(
            f"{questions.resolve().parent.name}/{questions.stem}, {f'{kind} alone' if kind else 'all material'}{name}",
            False,
            kind,
            lambda settings: Library(folder, settings=settings, embedder=embedder),
            lambda library, kind=kind: exam.evaluate(library, questions, kind=kind),  # type: ignore[misc]
        )
        for kind in kinds
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=str(__doc__).split("usage: ")[1].split("\n", maxsplit=1)[0])
    parser.add_argument("--beir", nargs=2, action="append", default=[])
    parser.add_argument("--exam", nargs=2, action="append", default=[])
    parser.add_argument("--also", action="append", default=[], metavar="EMBEDDER")
    parser.add_argument("--runs", type=Path)
    given = parser.parse_args()
    if not given.beir and not given.exam:
        parser.error("name at least one --beir or --exam")
    if given.runs is not None:
        given.runs.mkdir(parents=True, exist_ok=True)
    chosen: list[QuestionSet] = []
    for name in ("", *given.also):
        library = Library(settings=load(embedder=name))
        shown = f", {name}" if name else ""
        chosen += [collection(Path(row[0]), row[1], library.embedder, shown) for row in given.beir]
        for row in given.exam:
            chosen += exams(Path(row[0]), Path(row[1]), library.embedder, shown)
    main(chosen, given.runs)
