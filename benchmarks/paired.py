"""lecta beside the pipeline it grew from, in alternation on one machine: build, cold search, memory.

usage: python -m benchmarks.paired COURSE [--rounds 5] [--searches 3] [--environment FOLDER] [--ask]

COURSE is a folder with transcripts (.txt) and PDFs; other files are left out, for the original read none. Each round
builds both indexes from nothing and asks both in new processes, the one first that was second before. `--ask` lets
both answer once a round too, with the same model file. Writes benchmarks/results/paired.json and
docs/speed-paired.svg, which docs/speed.md shows.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lance

from benchmarks import drawing, machine, watching
from benchmarks.baseline import environment
from lecta import models
from lecta.settings import load

QUESTION = "What is the chain rule in backpropagation?"
PLOT = Path(__file__).parents[1] / "docs" / "speed-paired.svg"
MEASURES = ("seconds", "processor_seconds", "peak_mb")
Rows = list[dict[str, float]]


def main() -> None:
    """Measure, write, draw."""
    parser = argparse.ArgumentParser(description="lecta beside the pipeline it grew from")
    parser.add_argument("course", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--searches", type=int, default=3, help="of each in a round")
    parser.add_argument("--environment", type=Path, help="folder of the baseline's libraries")
    parser.add_argument("--ask", action="store_true", help="let both answer, once a round")
    given = parser.parse_args()
    python = environment.python(given.environment)
    with tempfile.TemporaryDirectory() as folder:
        course = both_read(given.course, Path(folder) / given.course.name)
        pair = Pair(course, Path(folder), python, given.ask)
        result = measure(pair, given.rounds, given.searches)
    result = {"course": given.course.name, "files": pair.files, "rounds": given.rounds, "question": QUESTION} | result
    machine.write("paired", result)
    draw(result)


def both_read(course: Path, copy: Path) -> Path:
    """Return a folder with copies of the files that both pipelines read."""
    for path in sorted(course.rglob("*")):
        if path.suffix in (".txt", ".pdf"):
            place = copy / path.relative_to(course)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    if not copy.exists():
        sys.exit(f"no .txt or .pdf in {course}")
    return copy


class Pair:
    """Both pipelines on one course."""

    def __init__(self, course: Path, folder: Path, python: Path, asks: bool) -> None:
        self.course, self._folder, self._python, self.asks = course, folder, str(python), asks
        self.files = sum(path.is_file() for path in course.rglob("*"))
        model = models.find("default")
        self._gguf = load().models / model.name / model.files[0].name
        self._passages: dict[str, int] = {}

    def build(self, who: str) -> dict[str, float]:
        """Build an index from nothing."""
        shutil.rmtree(self._folder / who, ignore_errors=True)
        if who == "baseline":
            run = self._run_baseline("build", str(self.course))
            facts = json.loads(run.output.splitlines()[-1])
            return _figures(run) | {"passages": facts["passages"]}
        seen: dict[int, float] = {}
        run = self._run_lecta("add", str(self.course), on_look=lambda seconds: self._look(seen, seconds))
        passages = _passages(self._folder / "lecta", max(seen))
        whole = min(
            seconds for version, seconds in seen.items() if _passages(self._folder / "lecta", version) == passages
        )
        return _figures(run) | {"passages": passages, "by_words_seconds": whole}

    def search(self, who: str) -> dict[str, float]:
        """Ask for passages in a new process."""
        if who == "baseline":
            return _figures(self._run_baseline("query", QUESTION, after=["--top-k", "5"]))
        return _figures(self._run_lecta("search", QUESTION))

    def ask(self, who: str) -> dict[str, float]:
        """Ask for an answer in a new process."""
        if who == "baseline":
            run = self._run_baseline("query", QUESTION, after=["--gguf", str(self._gguf)])
            facts = json.loads(run.output.splitlines()[-1])
            return _figures(run) | {"first_token_seconds": facts["first_token_s"]}
        run = self._run_lecta("ask", QUESTION, "--json")
        timings = json.loads(run.output)["timings"]
        before = run.seconds - timings["total_ms"] / 1000
        return _figures(run) | {"first_token_seconds": before + timings["first_token_ms"] / 1000}

    def _run_baseline(self, command: str, what: str, after: Sequence[str] = ()) -> watching.Run:
        words = [self._python, str(environment.PIPELINE), command, what, str(self._folder / "baseline"), *after]
        return watching.run(words, environment.offline())

    def _run_lecta(self, *words: str, on_look: Callable[[float], None] | None = None) -> watching.Run:
        alone = os.environ | {"LECTA_LIBRARY": str(self._folder / "lecta"), "LECTA_RESIDENT_MINUTES": "0"}
        return watching.run([sys.executable, "-m", "lecta", *words], alone, on_look)

    def _look(self, seen: dict[int, float], seconds: float) -> None:
        """Note when a version of the passages was published first."""
        try:
            state = json.loads((self._folder / "lecta" / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        if (version := state["versions"].get("passages")) is not None:
            seen.setdefault(version, seconds)


def _passages(library: Path, version: int) -> int:
    """Return how many passages a published version holds: each is found by its words."""
    return int(lance.dataset(str(library / "passages"), version=version).count_rows())


def _figures(run: watching.Run) -> dict[str, float]:
    return {name: getattr(run, name) for name in MEASURES}


def measure(pair: Pair, rounds: int, searches: int) -> dict[str, Any]:
    """Return medians of every measure for both, and of their ratios within a round."""
    steps: dict[str, tuple[Callable[[str], dict[str, float]], int]] = {
        "build": (pair.build, 1),
        "cold search": (pair.search, searches),
    }
    if pair.asks:
        steps["ask"] = (pair.ask, 1)
    taken: dict[str, dict[str, Rows]] = {name: {"baseline": [], "lecta": []} for name in steps}
    for number in range(rounds):
        order = ("baseline", "lecta") if number % 2 == 0 else ("lecta", "baseline")
        for name, (step, times) in steps.items():
            for _ in range(times):
                for who in order:
                    taken[name][who].append(step(who))
                    print(f"round {number + 1}, {name}, {who}: {taken[name][who][-1]}", file=sys.stderr, flush=True)
    return {name: summary(rows["baseline"], rows["lecta"]) for name, rows in taken.items()}


def summary(baseline: Rows, lecta: Rows) -> dict[str, Any]:
    """Return each measure's median for both and the median of the paired ratios, baseline to lecta.

    >>> rows = summary([{"seconds": 8.0}, {"seconds": 9.0}], [{"seconds": 1.0}, {"seconds": 3.0}])
    >>> rows["times_less"]
    {'seconds': 5.5}
    """
    return {
        "baseline": _medians(baseline),
        "lecta": _medians(lecta),
        "times_less": {
            name: round(statistics.median(a[name] / b[name] for a, b in zip(baseline, lecta, strict=True)), 2)
            for name in baseline[0]
            if all(row.get(name) for row in lecta) and name != "passages"
        },
    }


def _medians(rows: Rows) -> dict[str, float]:
    return {name: round(statistics.median(row[name] for row in rows), 3) for name in rows[0]}


def draw(result: dict[str, Any]) -> None:
    """Draw seconds and memory of both."""
    panels = []
    for name, measure_, title in (
        ("build", "seconds", "Build, seconds"),
        ("cold search", "seconds", "Cold search, seconds"),
        ("build", "peak_mb", "Build, memory in MB"),
        ("cold search", "peak_mb", "Cold search, memory in MB"),
    ):
        rows = [(who, result[name][who][measure_]) for who in ("baseline", "lecta")]
        if measure_ == "seconds" and name == "build":
            rows.append(("lecta, by words", result[name]["lecta"]["by_words_seconds"]))
        panels.append(drawing.Panel(title, rows))
    PLOT.write_text(drawing.bars(panels), encoding="utf-8")


if __name__ == "__main__":
    main()
