"""The resident process: opens everything once, answers questions from its socket, and knows when to go."""

from __future__ import annotations

import _thread
import contextlib
import json
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from lecta import resident
from lecta.errors import LectaError, first_line
from lecta.settings import Settings
from lecta.types import Hit

if TYPE_CHECKING:
    from lecta.library import Library

_LOOK_SECONDS = 0.5  # between two looks at the library's folder, the socket and the clock
_REQUEST_SECONDS = 5.0  # a client that says nothing for so long is dropped
_REQUEST_BYTES = 1 << 20
_CANNOT_SEND_SECONDS = 60.0  # a client that reads nothing for so long, its terminal stopped, is dropped
_WARM = "derivative"


def main() -> None:
    """Serve until it is time to go. One process for a library: another that is started meanwhile ends at once."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what runs in the background without
    settings = resident.started_with(sys.stdin.read())
    path = resident.address(settings)
    if path is None:
        return
    try:
        with FileLock(path.with_suffix(".lock"), timeout=0):
            Server(settings, path).run()
    except Timeout:
        return


class _GoneError(Exception):
    """The client is no longer there."""


class _Job:
    """A question and who asked it."""

    def __init__(self, connection: socket.socket, request: dict[str, Any]) -> None:
        self.connection, self.request = connection, request
        self.is_over = threading.Event()

    def say(self, event: str, **fields: Any) -> None:
        try:
            self.connection.sendall(json.dumps({"event": event, **fields}).encode() + b"\n")
        except OSError as error:
            raise _GoneError from error


class Server:
    """Answers one question at a time, on the main thread, where Ctrl-C is heard: a client that goes is like it."""

    def __init__(self, settings: Settings, path: Path) -> None:
        self._settings, self._path = settings, path
        self._jobs: queue.Queue[_Job] = queue.Queue()
        self._guard = threading.Lock()  # over the three below
        self._job: _Job | None = None
        self._is_ending = False
        self._used = time.monotonic()
        self._identity = resident.identity(settings)  # before anything is read
        self._library = _opened(settings)

    def run(self) -> None:
        """Open everything, listen, answer; return when the time is over or there is nothing left to answer from."""
        if not self._open():
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            self._path.unlink(missing_ok=True)  # of one that was killed: the lock is ours
            mask = os.umask(0o177)
            listening.bind(str(self._path))
            os.umask(mask)
            listening.listen(8)
            mine = self._path.stat().st_ino
            self._used = time.monotonic()  # opening has taken some of its time
            threading.Thread(target=self._accept, args=(listening,), daemon=True).start()
            while not self._is_over(mine):
                with contextlib.suppress(KeyboardInterrupt):  # a client that went just as it was served
                    self._next()
            with self._guard:
                self._is_ending = True
            with contextlib.suppress(OSError):
                if self._path.stat().st_ino == mine:
                    self._path.unlink()

    def _open(self) -> bool:
        """Load what a question needs. Nothing is kept where files changed meanwhile, or there is nothing to load."""
        try:
            if not self._library.store.count():
                return False
            self._library.coverage(_WARM)
            self._library.chat  # noqa: B018  opens it
        except LectaError:
            return False
        return resident.identity(self._settings) == self._identity

    def _is_over(self, mine: int) -> bool:
        idle = time.monotonic() - self._used
        if self._is_ending or idle > 60 * self._settings.resident_minutes:
            return True
        try:
            return self._path.stat().st_ino != mine or not self._settings.library.is_dir()
        except OSError:
            return True

    # --- who asks -----------------------------------------------------------------------------------------------------

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:  # it ends
                return
            threading.Thread(target=self._greet, args=(connection,), daemon=True).start()

    def _greet(self, connection: socket.socket) -> None:
        """Read what is wanted; hand a question over and stay, to notice when who asked it goes."""
        with connection:
            connection.settimeout(_REQUEST_SECONDS)
            try:
                request = json.loads(_line(connection))
                job = _Job(connection, request)
                connection.settimeout(_CANNOT_SEND_SECONDS)
                self._receive(job, request["do"])
            except (OSError, ValueError, KeyError, TypeError, _GoneError):
                return

    def _receive(self, job: _Job, wanted: str) -> None:
        if wanted == "status":
            job.say("status", **self._status())
        elif wanted == "stop":
            self._stop()
            job.say("stopping")
        elif wanted == "ask":
            refusal = self._take(job)
            if refusal:
                job.say(refusal)
                return
            self._watch(job)

    def _take(self, job: _Job) -> str:
        """Accept a question, or say why not."""
        is_mine = job.request.get("identity") == self._identity
        with self._guard:
            if not is_mine:
                self._is_ending = True  # whoever asks starts another after it
            if self._is_ending:
                return "stale"
            if self._job is not None:
                return "busy"
            self._job, self._used = job, time.monotonic()
        try:
            job.say("accepted")
        except _GoneError:
            with self._guard:
                self._job = None
            raise
        self._jobs.put(job)
        return ""

    def _watch(self, job: _Job) -> None:
        """Wait until the question is answered; stop answering it when the client is gone."""
        job.connection.settimeout(None)
        while not job.is_over.is_set():
            with contextlib.suppress(OSError):
                if job.connection.recv(4096):
                    continue  # there is nothing more to say for a client
            with self._guard:
                if self._job is job and not job.is_over.is_set():
                    _thread.interrupt_main()
            return

    def _stop(self) -> None:
        with self._guard:
            self._is_ending = True
            if self._job is not None:
                _thread.interrupt_main()

    def _status(self) -> dict[str, Any]:
        with self._guard:
            left = 60 * self._settings.resident_minutes - (time.monotonic() - self._used)
            return {
                "pid": os.getpid(),
                "model": self._library.model_name,
                "is_answering": self._job is not None,
                "seconds_left": round(max(left, 0)),
            }

    # --- what is answered ---------------------------------------------------------------------------------------------

    def _next(self) -> None:
        try:
            job = self._jobs.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            return
        try:
            self._answer(job)
        except (KeyboardInterrupt, _GoneError):
            pass
        finally:
            with self._guard:
                self._job, self._used = None, time.monotonic()
                job.is_over.set()
            with contextlib.suppress(OSError):
                job.connection.shutdown(socket.SHUT_RDWR)

    def _answer(self, job: _Job) -> None:
        from lecta.resident import wire

        def on_passages(hits: Sequence[Hit]) -> None:
            job.say("passages", hits=wire.dump_hits(tuple(hits)))

        try:
            if not self._library.store.count():
                job.say("empty")
            answer = self._library.ask(
                job.request["question"],
                **job.request["options"],
                on_passages=on_passages,
                on_text=lambda piece: job.say("text", piece=piece),
                on_thought=lambda piece: job.say("thought", piece=piece),
                on_recall=lambda: job.say("recall"),
                on_draft=lambda sentence: job.say("draft", sentence=sentence),
            )
            job.say("answer", answer=wire.dump_answer(answer))
        except LectaError as error:
            job.say("error", text=str(error), status=error.exit_status)
        except (_GoneError, KeyboardInterrupt):
            raise
        except Exception as error:  # a mistake of ours: the client answers by itself, or says this
            job.say("failed", text=f"{type(error).__name__}: {first_line(error)}")


def _opened(settings: Settings) -> Library:
    from lecta.library import Library  # once it is known that this process is the one

    return Library(settings=settings)


def _line(connection: socket.socket) -> bytes:
    """Return the first line. Raises `ValueError` for one without end."""
    read = b""
    while not read.endswith(b"\n"):
        part = connection.recv(65536)
        read += part
        if not part or len(read) > _REQUEST_BYTES:
            raise ValueError("no request")
    return read
