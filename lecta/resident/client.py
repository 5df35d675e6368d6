"""What asks the resident process. It imports nothing heavy: that is what it saves."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from lecta import resident
from lecta.errors import ChatError, LectaError, UsageError
from lecta.settings import Settings
from lecta.types import Answer, Hit

_CONNECT_SECONDS = 1.0  # one that is there accepts within a millisecond; one that is overloaded is no help


class Listener(Protocol):
    """What is told while an answer is written."""

    def on_passages(self, hits: tuple[Hit, ...]) -> None: ...  # noqa: D102
    def on_text(self, piece: str) -> None: ...  # noqa: D102
    def on_thought(self, piece: str) -> None: ...  # noqa: D102
    def on_recall(self) -> None: ...  # noqa: D102
    def on_draft(self, sentence: str) -> None: ...  # noqa: D102


def ask(
    settings: Settings, question: str, options: dict[str, Any], listener: Listener, on_empty: Callable[[], None]
) -> Answer | None:
    """Return the resident's answer, or None where there is none that could give it and the caller must.

    `options` go to `Library.ask`; `on_empty` is called where the library holds nothing. Raises what `Library.ask`
    raises, as the class of its exit status, and `ChatError` when the resident is gone after it had shown a part.
    """
    path = resident.address(settings) if settings.resident_minutes else None
    if path is None or not path.exists():  # the usual first question: nothing more is looked at
        return None
    request = {"do": "ask", "identity": resident.identity(settings), "question": question, "options": options}
    is_shown = False
    with _connected(path, request) as events:
        try:
            for event in events:
                if event["event"] == "answer":
                    from lecta.resident import wire

                    return wire.load_answer(event["answer"])
                if event["event"] in ("stale", "busy", "failed"):
                    break
                is_shown |= event["event"] in ("passages", "text", "thought")
                _tell(event, listener, on_empty)
        except (OSError, ValueError, KeyError, TypeError):
            pass
    if is_shown:
        raise ChatError("the process that was answering has ended: ask again")
    return None


def status(settings: Settings) -> dict[str, Any] | None:
    """Return what the library's resident says of itself, or None where there is none."""
    return _asked_once(settings, "status")


def stop(settings: Settings) -> bool:
    """Let the library's resident end, and tell whether there was one."""
    return _asked_once(settings, "stop") is not None


def _asked_once(settings: Settings, wanted: str) -> dict[str, Any] | None:
    path = resident.address(settings)
    if path is None or not path.exists():
        return None
    with _connected(path, {"do": wanted}) as events, contextlib.suppress(OSError, ValueError):
        for event in events:
            return event
    return None


def _tell(event: dict[str, Any], listener: Listener, on_empty: Callable[[], None]) -> None:
    """Hand an event on. Raises what it says went wrong."""
    kind = event["event"]
    if kind == "text":
        listener.on_text(event["piece"])
    elif kind == "thought":
        listener.on_thought(event["piece"])
    elif kind == "recall":
        listener.on_recall()
    elif kind == "draft":
        listener.on_draft(event["sentence"])
    elif kind == "passages":
        from lecta.resident import wire

        listener.on_passages(wire.load_hits(event["hits"]))
    elif kind == "empty":
        on_empty()
    elif kind == "error":
        raise (UsageError if event["status"] == UsageError.exit_status else LectaError)(event["text"])


@contextlib.contextmanager
def _connected(path: Path, request: dict[str, Any]) -> Iterator[Iterator[dict[str, Any]]]:
    """Yield what is answered to a request, event by event, and nothing where nobody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_CONNECT_SECONDS)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            yield iter(())
            return
        with connection.makefile("rb") as stream:
            yield _events(connection, stream)


def _events(connection: socket.socket, stream: Any) -> Iterator[dict[str, Any]]:
    for line in stream:
        connection.settimeout(None)  # it has accepted; a prompt may take a minute to read
        event: dict[str, Any] = json.loads(line)
        yield event
