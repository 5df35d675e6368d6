"""A limit on the time that computer algebra may take: simplification can run for hours on a short formula."""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

_STACK = 64 * 1024 * 1024  # threads of macOS have 512 kB, and nested formulas recurse deeply


class _Stopped(BaseException):
    """Raised inside the worker; no `except Exception` of the library catches it."""


class _Worker(threading.Thread):
    """A thread that may be stopped at any place, even while it handles being stopped."""

    def run(self) -> None:
        """Run the work."""
        with contextlib.suppress(_Stopped):
            super().run()


def within(seconds: float, work: Callable[[], Result]) -> Result | None:
    """Return the work's result, or None where it took longer or went too deep; other errors are passed on.

    Seconds are of processor time, so that a busy machine gives the same answers, and at most twenty times as long by
    the clock. The work runs in a thread that is then stopped by an exception raised in it, which the interpreter
    delivers between two instructions of Python; SymPy is Python throughout. (Signals reach only the main thread, and
    Windows has none.)
    """
    results: list[Result] = []
    errors: list[Exception] = []

    def worker() -> None:
        try:
            results.append(work())
        except (_Stopped, RecursionError, MemoryError):
            return
        except Exception as error:  # handed to the caller below
            errors.append(error)

    before = threading.stack_size(_STACK)
    thread = _Worker(target=worker, daemon=True, name="lecta-derive")
    thread.start()
    threading.stack_size(before)
    clock, processor = time.monotonic() + 20 * seconds, time.process_time() + seconds
    while thread.is_alive() and time.monotonic() < clock and time.process_time() < processor:
        thread.join(0.02)
    _stop(thread)
    if errors:
        raise errors[0]
    return results[0] if results else None


def _stop(thread: threading.Thread) -> None:
    """Raise the exception until the thread has ended; one inside a long instruction is left, and holds nothing up."""
    for _ in range(20):
        if not thread.is_alive():
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Stopped))
        thread.join(0.05)
