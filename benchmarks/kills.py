"""`kill -9` at random moments while lecta adds a course, then one clean add: is it the library of one clean add?

After every kill each listed file must be whole, and what is found must lie in a listed file. A run that ends before it
is killed is compared as well, and the next one begins from nothing.

usage: python -m benchmarks.kills [PATH] [--kills 50] [--seconds 8] [--seed 1] [--name kills]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import lance

from benchmarks import machine
from lecta.library import Library
from lecta.settings import load

COURSE = Path(__file__).parents[1] / "examples" / "course"
Rows = list[dict[str, Any]]


def main() -> None:
    """Kill, mend, compare; write benchmarks/results/NAME.json. Exit status 1 when something was lost or left over."""
    parser = argparse.ArgumentParser(description="kill -9 at random moments while lecta adds a course")
    parser.add_argument("path", nargs="?", type=Path, default=COURSE)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=8.0, help="longest time until a kill")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", default="kills", help="of the result")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(given.path, Path(folder), given.kills, given.seconds, given.seed)
    machine.write(given.name, result)
    sys.exit(0 if result["same_passages"] and not result["faults"] else 1)


def measure(course: Path, folder: Path, kills: int, longest: float, seed: int) -> dict[str, Any]:
    """Return what came of it."""
    chance = random.Random(seed)
    started = time.perf_counter()
    _adding(course, folder / "clean").wait()
    clean_seconds = time.perf_counter() - started
    clean = _everything(folder / "clean")

    longest = max(0.6, min(longest, clean_seconds))
    library, rounds, faults = folder / "killed-1", 1, []
    files_after: list[int] = []
    with_debris = 0
    while len(files_after) < kills:
        process = _adding(course, library)
        try:
            process.wait(chance.uniform(0.4, longest))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            listed, passages = _rows(library, "documents"), _rows(library, "passages")
            files_after.append(len(listed))
            with_debris += bool(_debris(listed, passages))
            faults += [f"after kill {len(files_after)}: {fault}" for fault in _faults(library, listed)]
        else:
            faults += [f"round {rounds}: {fault}" for fault in _differences(clean, _everything(library))]
            rounds += 1
            library = folder / f"killed-{rounds}"
    status = _adding(course, library).wait()
    if status:
        faults.append(f"the clean add ended with {status}")
    mended = _everything(library)
    faults += _differences(clean, mended)
    return {
        "course": course.name,
        "files": len(clean["documents"]),
        "passages": len(clean["passages"]),
        "clean_add_s": round(clean_seconds, 1),
        "kills": len(files_after),
        "kill_after_s": [0.4, round(longest, 1)],
        "libraries_begun": rounds,
        "files_whole_after_each_kill": files_after,
        "kills_that_left_rows_for_the_next_writer": with_debris,
        "same_passages": mended["passages"] == clean["passages"],
        "folder_mb": {"clean": _megabytes(folder / "clean"), "killed": _megabytes(library)},
        "faults": faults,
    }


def _adding(course: Path, library: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "lecta", "add", str(course), "--library", str(library)]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)


def _rows(library: Path, table: str) -> Rows:
    """Return a table's rows in the version that is published."""
    state = library / "state.json"
    version = json.loads(state.read_text(encoding="utf-8"))["versions"].get(table) if state.exists() else None
    if version is None:
        return []
    rows: Rows = lance.dataset(str(library / table), version=version).to_table().to_pylist()
    return rows


def _everything(library: Path) -> dict[str, Counter[tuple[Any, ...]]]:
    documents, passages = _rows(library, "documents"), _rows(library, "passages")
    signatures = _rows(library, "signatures")
    return {
        "documents": Counter((row["source"], row["sha256"], row["passages"], row["text"]) for row in documents),
        "passages": Counter((row["source"], row["start_index"], row["end_index"], row["text"]) for row in passages),
        "vectors": Counter((row["source"], row["start_index"], row["vector"] is None) for row in passages),
        "paragraphs": Counter((row["source"], row["ordinal"], row["exact"], row["copy_of"]) for row in signatures),
        "debris": Counter((table, row["source"]) for table, rows in (("passages", passages), ("signatures", signatures))
                          for row in _debris(documents, rows)),
    }  # fmt: skip


def _debris(documents: Rows, rows: Rows) -> Rows:
    listed = {row["id"] for row in documents}
    return [row for row in rows if row["document_id"] not in listed]


def _differences(clean: dict[str, Counter[tuple[Any, ...]]], mended: dict[str, Counter[tuple[Any, ...]]]) -> list[str]:
    found = []
    for name, rows in clean.items():
        lost, strange = rows - mended[name], mended[name] - rows
        if lost or strange:
            example = str(next(iter(lost or strange)))[:120]
            found.append(f"{name}: {lost.total()} lost, {strange.total()} too many, such as {example}")
    return found


def _faults(library: Path, listed: Rows) -> list[str]:
    """Say what a reader of the library would see wrong now, before anything mends it."""
    opened = Library(library, settings=load())
    found = []
    texts = {row["source"]: row["text"] for row in listed}
    held: Counter[str] = Counter()
    for passage in opened.store.passages():
        held[passage.source] += 1
        text = texts.get(passage.source)
        if text is None:
            found.append(f"a passage of {Path(passage.source).name} is found, which is not listed")
        elif text[passage.start_index : passage.end_index] != passage.text:
            found.append(f"a passage of {Path(passage.source).name} is not in its text")
    found += [
        f"{Path(row['source']).name} has {held[row['source']]} of {row['passages']} passages"
        for row in listed
        if held[row["source"]] != row["passages"]
    ]
    return sorted(set(found))


def _megabytes(folder: Path) -> float:
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6, 1)


if __name__ == "__main__":
    main()
