"""Calls that last: run in a thread, told of while they go on, stopped when the client cancels them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import anyio
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

from lecta.errors import LectaError, UsageError
from lecta.serve.stopping import Work
from lecta.types import Hit

T = TypeVar("T")
_SHOWN = 80  # characters of what was written last, in a message of progress


class Telling:
    """What a call is doing, written by its thread and read by the loop."""

    def __init__(self) -> None:
        self.message = "searching"
        self._written = ""
        self._loop = asyncio.get_running_loop()
        self._is_news = asyncio.Event()

    async def news(self, seconds: float) -> None:
        """Wait until it does something else, or so many seconds."""
        with anyio.move_on_after(seconds):
            await self._is_news.wait()
        self._is_news.clear()

    def _tell_at_once(self) -> None:
        self._loop.call_soon_threadsafe(self._is_news.set)

    def on_passages(self, hits: Sequence[Hit]) -> None:
        """Tell that the model reads what was found."""
        self.message = f"reading {len(hits)} passage{'s' * (len(hits) != 1)}"
        self._tell_at_once()

    def on_text(self, piece: str) -> None:
        """Tell the end of what is written so far."""
        is_first = not self._written
        self._written += piece
        self.message = "writing: " + " ".join(self._written.split())[-_SHOWN:]
        if is_first:
            self._tell_at_once()

    def on_thought(self, piece: str) -> None:
        """Tell that the model thinks."""
        self.message = "thinking"

    def on_recall(self) -> None:
        """Forget what turned out to be thought."""
        self._written, self.message = "", "thinking"


async def stoppable(work: Callable[[], T]) -> T:
    """Run work in a thread; cancelled, it is stopped and waited for, so that the model is free for the next."""
    running = Work(work)
    outcome = asyncio.ensure_future(running.result())
    try:
        return await asyncio.shield(outcome)
    except asyncio.CancelledError:
        with anyio.CancelScope(shield=True):
            await asyncio.sleep(0)  # it may not have begun
            running.stop()
            await asyncio.wait([outcome])
            outcome.exception()
        raise


async def resource(work: Callable[[], str]) -> str:
    """Return what work makes in a thread; what is raised becomes what the protocol has for it."""
    try:
        return await anyio.to_thread.run_sync(work)
    except UsageError as error:
        raise ResourceNotFoundError(str(error)) from error
    except LectaError as error:
        raise ResourceError(str(error)) from error
