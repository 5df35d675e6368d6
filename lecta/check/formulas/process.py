"""The process that does the mathematics: started while the model writes, kept warm, ended when it takes too long."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

SECONDS = 6.0
"""For one question, after which the process is ended. Where it can it stops by itself after two seconds of work; a
busy machine may take longer over them."""
START_SECONDS = 30.0
"""For Python and SymPy to load, 0.5 s on an idle machine."""
NO_ANSWER: dict[str, Any] = {
    "verdict": "undecided",
    "how": "it takes too long",
    "latex": "",
    "unknown": [],
    "independent": False,
}


class Mathematician:
    """Answers questions of `mathematics`, in a process of its own. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._ready = False
        self._known: dict[str, dict[str, Any]] = {}
        atexit.register(self.close)

    def start(self) -> None:
        """Let it load, without waiting for it."""
        with self._lock:
            self._start()

    def ask(self, question: dict[str, Any], seconds: float = SECONDS) -> dict[str, Any]:
        """Return the answer, "undecided" where there is none in time. The same question is answered once."""
        line = json.dumps(question)
        with self._lock:
            if line not in self._known:
                if len(self._known) > 2000:
                    self._known.clear()
                self._known[line] = self._ask(line, seconds) or dict(NO_ANSWER)
            return self._known[line]

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _ask(self, line: str, seconds: float) -> dict[str, Any] | None:
        self._start()
        process = self._process
        if process is None or process.stdin is None:
            return None
        try:
            if not self._ready:
                self._ready = self._lines.get(timeout=START_SECONDS) is not None
            process.stdin.write(line + "\n")
            process.stdin.flush()
            answer = self._lines.get(timeout=seconds)
        except (queue.Empty, OSError, ValueError):
            answer = None
        if answer is None:
            self.close()
            return None
        found: dict[str, Any] = json.loads(answer)
        return found

    def _start(self) -> None:
        if self._process and self._process.poll() is None:
            return
        root = str(Path(__file__).parents[3])
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._ready, self._lines = False, queue.Queue()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lecta.check.formulas.mathematics"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            )  # fmt: skip
        except OSError:
            self._process = None
            return
        threading.Thread(target=_pass_on, args=(self._process, self._lines), daemon=True).start()


def _pass_on(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    """Put what a process says into a queue, and None at its end: reading with a time limit works so everywhere."""
    with contextlib.suppress(OSError, ValueError):
        for line in process.stdout or ():
            lines.put(line)
    lines.put(None)


MATHEMATICIAN = Mathematician()
"""One for all answers of this process."""
