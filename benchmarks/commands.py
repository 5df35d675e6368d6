"""Wall time of whole commands on the sample course, cold processes, medians of several runs.

usage: python -m benchmarks.commands [RUNS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import machine

COURSE = Path(__file__).parents[1] / "examples" / "course"
COMMANDS = {
    "bare python": ["-c", "pass"],
    "lecta --help": ["-m", "lecta", "--help"],
    "lecta search": ["-m", "lecta", "search", "What is the chain rule in backpropagation?"],
    "lecta add, unchanged": ["-m", "lecta", "add", str(COURSE)],
    "lecta add, from nothing": ["-m", "lecta", "add", str(COURSE)],
}


def main(runs: int) -> None:
    """Measure every command and write benchmarks/results/commands.json."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"LECTA_LIBRARY": f"{folder}/library"}
        subprocess.run(
            [sys.executable, "-m", "lecta", "add", str(COURSE)], env=environment, check=True, capture_output=True
        )
        for name, words in COMMANDS.items():
            times = []
            for run in range(runs + 1):
                fresh = environment | ({"LECTA_LIBRARY": f"{folder}/{run}"} if "nothing" in name else {})
                started = time.perf_counter()
                subprocess.run([sys.executable, *words], env=fresh, check=True, capture_output=True)
                times.append(time.perf_counter() - started)
            results[name] = {
                "median_s": round(statistics.median(times[1:]), 3),
                "min_s": round(min(times[1:]), 3),
                "max_s": round(max(times[1:]), 3),
            }
    machine.write("commands", {"runs": runs, "commands": results})


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
