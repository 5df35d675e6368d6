"""A command run to its end: seconds, processor seconds and the most memory that it and its children held at once."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY = 0.05  # seconds; a look at /proc takes a fraction of a millisecond
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a command took."""

    seconds: float
    processor_seconds: float
    """Of the command and of every child it waited for."""
    peak_mb: float
    """Resident memory, summed over the processes of the tree; pages they share count in each."""
    output: str


def run(words: Sequence[str], environment: Mapping[str, str], on_look: Callable[[float], None] | None = None) -> Run:
    """Run a command; `on_look` is called with the seconds since its start, some twenty times a second.

    Raises `RuntimeError` with what it printed when it fails.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        before = os.times()
        started = time.perf_counter()
        process = subprocess.Popen(words, env=dict(environment), stdout=out, stderr=err)
        peak = 0
        while process.poll() is None:
            peak = max(peak, _resident(process.pid))
            if on_look:
                on_look(time.perf_counter() - started)
            time.sleep(_EVERY)
        seconds = time.perf_counter() - started
        after = os.times()
        out.seek(0)
        err.seek(0)
        printed, complaint = out.read().decode("utf-8", "replace"), err.read().decode("utf-8", "replace")
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}: {complaint[-2000:]}")
    used = after.children_user - before.children_user + after.children_system - before.children_system
    return Run(seconds, used, peak / 1e6, printed)


def _resident(root: int) -> int:
    """Return the bytes that a process and its descendants hold, 0 where /proc does not tell."""
    if not Path(f"/proc/self/task/{os.getpid()}/children").exists():  # another system, or a kernel built without
        return 0
    tree, total = [root], 0
    while tree:
        process = Path(f"/proc/{tree.pop()}")
        try:
            total += int((process / "statm").read_text().split()[1]) * _PAGE
            tasks = list((process / "task").iterdir())
        except (OSError, IndexError):  # it has just ended
            continue
        for task in tasks:  # a child is its thread's, and listed there alone
            with contextlib.suppress(OSError):
                tree += map(int, (task / "children").read_text().split())
    return total
