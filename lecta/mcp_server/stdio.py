"""The server on stdin and stdout."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from lecta.console.screen import print_note
from lecta.library import Library
from lecta.mcp_server.server import LectureServer
from lecta.settings import Settings


def run(settings: Settings, course: str | None = None) -> None:
    """Serve until stdin is closed or Ctrl-C. Raises `UsageError` when there is no such course."""
    server = LectureServer(lambda on_fetch: Library(settings=settings, on_fetch=on_fetch), course)
    if sys.stdin.isatty():
        print_note("speaking MCP on stdin and stdout, for a client to start (docs/mcp.md); stop with Ctrl-C")
    signal.signal(signal.SIGINT, _leave)
    try:
        server.run("stdio")
    except* OSError:  # the client is gone
        pass


def _leave(number: int, frame: FrameType | None) -> None:
    """End at once: nothing is being written to the library, and the thread that reads stdin cannot be woken."""
    os.write(2, b"lecta: stopped\n")
    os._exit(130)
