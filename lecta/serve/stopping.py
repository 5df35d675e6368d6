"""Work in a thread of its own that can be stopped as Ctrl-C stops it on the command line."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")

_AGAIN_SECONDS = 30.0  # an exception can get lost in a destructor; it is raised again while the work goes on


class StoppedError(Exception):
    """The work was stopped and left nothing."""


class Work(Generic[Result]):
    """Something that takes long, in a thread. To be used from one event loop.

    `stop` raises `KeyboardInterrupt` in the thread, at the next line of Python that it comes to: a model hears it after
    each token, and while it reads its prompt after each few. That is what Ctrl-C does in a terminal, so what is right
    there is right here.
    """

    def __init__(self, work: Callable[[], Result], *, niceness: int = 0) -> None:
        """With `niceness` the thread, and those it starts, leave the processor to others first (Linux only)."""
        self._work = work
        self._niceness = niceness
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[Result] = self._loop.create_future()
        self._lock = threading.Lock()
        self._is_working = True
        self._thread = threading.Thread(target=self._run, name="lecta-work", daemon=True)

    async def result(self) -> Result:
        """Start and wait for the end. Raises what the work raises, and `StoppedError`."""
        self._thread.start()
        return await asyncio.shield(self._future)

    def stop(self) -> None:
        """Stop the work, soon; does nothing once it has ended."""
        with self._lock:
            if not self._is_working or not self._thread.is_alive():
                return
            if self._thread.ident is not None:
                thread = ctypes.c_ulong(self._thread.ident)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(KeyboardInterrupt))
        self._loop.call_later(_AGAIN_SECONDS, self.stop)

    def _run(self) -> None:
        if self._niceness and sys.platform == "linux":
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._niceness)
        try:
            try:
                result = self._work()
            finally:
                self._ended()
        except KeyboardInterrupt:
            self._tell(lambda: self._future.set_exception(StoppedError()))
        except BaseException as error:
            _let_go(error)
            self._tell(lambda error=error: self._future.set_exception(error))  # type: ignore[misc]
        else:
            self._tell(lambda: self._future.set_result(result))

    def _ended(self) -> None:
        """From here on nothing stops the thread."""
        with self._lock:
            self._is_working = False

    def _tell(self, outcome: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(lambda: None if self._future.done() else outcome())


def _let_go(error: BaseException) -> None:
    """Let go of what the frames of an error hold: a reply of the model that is still open would keep out the next."""
    seen: BaseException | None = error
    while seen is not None:
        traceback.clear_frames(seen.__traceback__)
        seen = seen.__cause__ or seen.__context__
