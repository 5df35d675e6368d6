"""A sign of life from a reader in the middle of a long file: it is at page 12, and has not hung.

Readers call `beat`; whoever watches them (`lecta.read.limits`) listens. Nobody listening is the usual case.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

listener: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)
"""Called with where the reader is, at most once a page."""


def beat(where: str) -> None:
    """Say that a file's reading has come to `where`."""
    hear = listener.get()
    if hear is not None:
        hear(where)
