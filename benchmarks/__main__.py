"""Runs every benchmark that needs no data but lecta's own, one after the other.

usage: python -m benchmarks [--list] [NAME ...]
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ALONE = ("commands", "limits", "vectors", "reading", "kills", "derive")
FOLDER = Path(__file__).parent


def main() -> int:
    """Run those named, or all; return 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ALONE)}")
    parser.add_argument("--list", action="store_true", help="show what there is")
    given = parser.parse_args()
    if given.list:
        print("run by `python -m benchmarks`:", *_lines(ALONE), sep="\n")
        print("\nwith data of one's own, each by `python -m benchmarks.NAME`:", *_lines(with_data()), sep="\n")
        return 0
    if unknown := [name for name in given.names if name not in ALONE]:
        parser.error(f"no benchmark {unknown[0]!r} runs without data; there are {', '.join(ALONE)}")
    failed = [name for name in given.names or ALONE if not _succeeds(name)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def with_data() -> list[str]:
    """Return the benchmarks that are told what to measure on: those whose description says how they are called."""
    return sorted(
        path.stem
        for path in FOLDER.glob("*.py")
        if path.stem not in ("__main__", *ALONE) and f"python -m benchmarks.{path.stem}" in _about(path.stem)
    )


def _lines(names: Iterable[str]) -> list[str]:
    return [f"  {name:<12}{_about(name).partition(chr(10))[0]}" for name in names]


def _about(name: str) -> str:
    return ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))) or ""


def _succeeds(name: str) -> bool:
    print(f"--- {name}", file=sys.stderr, flush=True)
    return subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
