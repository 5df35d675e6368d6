"""Runs every benchmark that needs no third-party data, one after the other.

usage: python -m benchmarks [--list] [NAME ...]
"""

from __future__ import annotations

import argparse
import subprocess
import sys

ALONE = {
    "commands": "whole commands on the sample course, cold",
    "limits": "each stage beside this machine's bandwidth and arithmetic",
    "vectors": "exact vector search by size of the library",
    "reading": "each kind of file read and added",
    "kills": "kill -9 while a course is added, and what is left",
    "derive": "derivations, correct and checked",
}
WITH_DATA = {
    "paired": "beside the pipeline lecta grew from: COURSE",
    "retrieval": "what each step of retrieval earns: exam questions or BEIR collections",
    "answers": "answers to exam questions beside the original's: QUESTIONS.jsonl LIBRARY KEPT.jsonl",
    "alignment": "which slide is spoken about when: a folder of labelled lectures",
    "support": "is a sentence supported: AttributionBench and WiCE",
    "answerable": "do the lectures answer a question: SQuAD 2 and an exam",
    "formulas": "derivatives stated in answers: ROWS.jsonl",
    "injection": "orders planted in a passage: INJECTIONS.jsonl",
    "million": "a library of a million passages: COURSE QUESTIONS.jsonl",
}


def main() -> int:
    """Run those named, or all; return 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ALONE)}")
    parser.add_argument("--list", action="store_true", help="show what there is")
    given = parser.parse_args()
    if given.list:
        print("run by `python -m benchmarks`:", *_lines(ALONE), sep="\n")
        print("\nwith data of one's own, each by `python -m benchmarks.NAME`:", *_lines(WITH_DATA), sep="\n")
        return 0
    if unknown := [name for name in given.names if name not in ALONE]:
        parser.error(f"no benchmark {unknown[0]!r} runs without data; there are {', '.join(ALONE)}")
    failed = [name for name in given.names or ALONE if not _succeeds(name)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _lines(which: dict[str, str]) -> list[str]:
    return [f"  {name:<12}{what}" for name, what in which.items()]


def _succeeds(name: str) -> bool:
    print(f"--- {name}", file=sys.stderr, flush=True)
    return subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
