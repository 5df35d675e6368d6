"""An answer on its way to a client: frames of server-sent events; a client that leaves stops the model."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import StreamingResponse

from lecta.serve import events
from lecta.serve.desk import Asking
from lecta.serve.events import Event

_PING_SECONDS = 15.0  # between signs of life while a prompt is read: proxies cut what is silent for a minute

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "One server-sent event.",
    "properties": {"event": {"type": "string"}, "data": {"type": "string", "description": "JSON."}},
    "required": ["data"],
}
"""Of what a stream is made of."""


def frame(data: dict[str, Any] | str, event: str = "") -> str:
    """Return one server-sent event; JSON has no line ends, so it is one line."""
    said = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return (f"event: {event}\n" if event else "") + f"data: {said}\n\n"


async def frames(asking: Asking, request: Request, write: Callable[[Event], Iterator[str]]) -> AsyncIterator[str]:
    """Yield what `write` makes of each event, and a comment where nothing happens for long."""
    waiting: asyncio.Task[Event] | None = None
    async with _stopped_when_left(request, asking):
        happening = aiter(asking)
        try:
            while True:
                waiting = waiting or asyncio.ensure_future(anext(happening))
                done, _ = await asyncio.wait([waiting], timeout=_PING_SECONDS)
                if not done:
                    yield ": still at it\n\n"
                    continue
                event, waiting = waiting.result(), None
                for said in write(event):
                    yield said
        except StopAsyncIteration:
            return
        finally:
            asking.stop()
            if waiting is not None:
                waiting.cancel()


def response(asking: Asking, request: Request, write: Callable[[Event], Iterator[str]]) -> StreamingResponse:
    """Return a response of those frames."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(frames(asking, request, write), media_type="text/event-stream", headers=headers)


async def outcome(asking: Asking, request: Request) -> events.Done | events.Failed:
    """Return how it ended."""
    async with _stopped_when_left(request, asking):
        async for event in asking:
            if isinstance(event, events.Done | events.Failed):
                return event
    return events.Failed("the server is stopping", 503)


@contextlib.asynccontextmanager
async def _stopped_when_left(request: Request, asking: Asking) -> AsyncIterator[None]:
    async def listen() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        asking.stop()

    listening = asyncio.ensure_future(listen())
    try:
        yield
    finally:
        listening.cancel()
