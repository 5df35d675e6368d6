"""A real server in a process of its own, and the system's Chromium to visit it with."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
NO_BROWSER = f"no browser to test with: apt-get install chromium (looked for {', '.join(BROWSERS)})"
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def browser_path() -> str | None:
    """Return the system's Chromium, or None."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@contextlib.contextmanager
def served(library: Path, *options: str, **settings: str) -> Iterator[str]:
    """Run `lecta serve` on a free port of loopback and yield its address; `settings` are environment variables."""
    command = [sys.executable, "-m", "lecta", "serve", "--port", "0", "--no-open", "--library", str(library), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=_environment(settings)) as server:
        try:
            assert server.stdout is not None
            yield _address(server.stdout.readline())
        finally:
            server.terminate()
            server.wait(30)


def _environment(settings: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **settings}


def _address(line: str) -> str:
    found = re.search(r"http://\S+", line)
    assert found, f"lecta serve said {line!r}"
    return found.group()
