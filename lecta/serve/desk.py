"""What the doors of the server share: one library, one model, and everybody's questions.

Searches run at once in a few threads and never wait for the model. Questions for the model stand in line; each gets a
thread of its own when its turn comes. Files are added one after the other in the background. Everything here is called
from the server's event loop.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from lecta.errors import LectaError, LibraryError, ReadError, UsageError, first_line
from lecta.library import Library
from lecta.serve import events
from lecta.serve.events import Event
from lecta.serve.line import Line, LineFullError, Ticket
from lecta.serve.stopping import StoppedError, Work
from lecta.serve.uploads import Limits, Uploads
from lecta.types import Answer, Conversation, Document, DocumentRecord, Kind, Message, SearchResult

if TYPE_CHECKING:
    from lecta.lectures import Lecture
    from lecta.read.picture import Picture
    from lecta.settings import Settings

T = TypeVar("T")

_SEARCHES = 4  # threads: a search is processor work between short waits for files
_WAITING = 32  # questions in line; an answer takes some 30 s on two cores, so the last waits a quarter of an hour
_FULL = f"{_WAITING} questions wait already: ask again in a few minutes"
_IDS_SECONDS = 10.0  # a document that is added or removed elsewhere is known as late as this
_TELL_SECONDS = 0.5  # between two notes of how far a model is fetched
_NICENESS = 5  # of the model's threads: a search gets three times their share of a core


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and where the answer is looked for."""

    text: str
    k: int | None = None
    course: str | None = None
    lecture: int | None = None
    kind: Kind | None = None
    strict: bool = False
    """Leave out what no passage bears."""
    history: tuple[Message, ...] = ()
    """The conversation before it, where no kept one is named."""
    conversation: str = ""
    """The id of a kept conversation that it goes on with."""
    keep: bool = False
    """Keep the answer: in that conversation, or in a new one."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody thought of an answer."""

    question: str
    answer: str
    verdict: Literal["good", "bad"]
    comment: str = ""
    conversation: str = ""


MEDIA_TYPES = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".mkv": "video/x-matroska",
    ".webm": "video/webm", ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".aac": "audio/aac", ".ogg": "audio/ogg",
    ".opus": "audio/ogg", ".wav": "audio/wav", ".flac": "audio/flac",
}  # fmt: skip
"""Of recordings, by their suffix."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that can be played."""

    record: DocumentRecord
    path: Path
    media_type: str
    """As "video/mp4" or "audio/mpeg"."""


class BusyError(LectaError):
    """Too many questions wait."""


class MissingError(LectaError):
    """There is no such document, page or conversation."""


class Asking:
    """A question that was asked: iterate over its events. Left before its end, the model stops."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._work: Work[Answer] | None = None
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Stop the answer where it is: `Done` follows with what was written, or `Failed` if there is nothing."""
        self._stopped.set()
        if self._work is not None:
            self._work.stop()

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Yield the events until the answer is done or has failed."""
        try:
            while (event := await self._events.get()) is not None:
                yield event
        finally:
            self.stop()


class Desk:
    """The one object behind every door of the server. To be used from one event loop, once `start` was called."""

    def __init__(self, library: Library, limits: Limits | None = None) -> None:
        """`limits` are of uploads. See `opened` for a desk that tells how far models are fetched."""
        self.library = library
        self.uploads = Uploads(library, limits or Limits(), self._forget_ids)
        self.fetching: events.Loading | None = None
        """The model that is being fetched now."""
        self._told_at = 0.0
        self._line = Line(_WAITING)
        self._searches = ThreadPoolExecutor(_SEARCHES, thread_name_prefix="lecta-search")
        self._ids = float("-inf"), dict[str, str]()
        self._running: dict[asyncio.Task[None], Asking] = {}

    @classmethod
    def opened(cls, settings: Settings, limits: Limits | None = None) -> Desk:
        """Open the library that the settings name."""
        found: list[Desk] = []

        def on_fetch(name: str, done: int, total: int) -> None:
            found[0]._fetched(events.Loading(name, done, total))

        found.append(cls(Library(settings=settings, on_fetch=on_fetch), limits))
        return found[0]

    def _fetched(self, loading: events.Loading) -> None:
        """Tell those who wait for an answer how far a model is; called from the thread that fetches it."""
        now, is_done = time.monotonic(), loading.done >= loading.total
        if is_done or self.fetching is None or now - self._told_at > _TELL_SECONDS:
            self.fetching, self._told_at = None if is_done else loading, now
            for asking in list(self._running.values()):
                asking._loop.call_soon_threadsafe(asking._events.put_nowait, loading)

    async def start(self) -> None:
        """Get ready: open the embedder and clear up what a killed server left. What fails is told when it is needed."""

        def warm() -> None:
            self.uploads.clear_left_over()
            if self.library.documents():
                self.library.search("warm up", 1)

        self._warming = asyncio.get_running_loop().run_in_executor(self._searches, _quietly(warm))

    async def stop(self) -> None:
        """Stop what is running; the library stays whole."""
        for asking in self._running.values():
            asking.stop()
        await self.uploads.stop()
        if self._running:
            await asyncio.wait(self._running, timeout=5)
        self._searches.shutdown(wait=False, cancel_futures=True)

    # --- searching and asking -----------------------------------------------------------------------------------------

    async def search(
        self,
        question: str,
        k: int | None = None,
        *,
        course: str | None = None,
        lecture: int | None = None,
        kind: Kind | None = None,
        history: Sequence[Message] = (),
    ) -> SearchResult:
        """Return passages as `Library.search` does, whatever the model is doing."""
        return await self._in_thread(
            lambda: self.library.search(question, k, course=course, lecture=lecture, kind=kind, history=history)
        )

    def ask(self, question: Question) -> Asking:
        """Ask; the answer begins when the questions before it are answered. Nothing is raised: see `Failed`."""
        asking = Asking()
        tell = asking._events.put_nowait
        try:
            ticket = self._line.join(lambda place: tell(events.Queued(place)))
        except LineFullError:
            tell(events.Failed(_FULL, 503))
            tell(None)
            return asking
        task = asyncio.get_running_loop().create_task(self._answer(question, asking, ticket))
        self._running[task] = asking
        task.add_done_callback(lambda done: self._running.pop(done, None))
        return asking

    def check_line(self) -> None:
        """Raise `BusyError` where so many questions wait that one more is not taken."""
        if self._line.is_full:
            raise BusyError(_FULL)

    async def _answer(self, question: Question, asking: Asking, ticket: Ticket) -> None:
        """Wait for the turn, let the model write, keep the answer; every way ends with `Done` or `Failed`."""
        tell = asking._events.put_nowait
        try:
            conversation = await self._conversation_of(question)
            history = conversation.history if conversation else question.history
            if not ticket.is_first.is_set():
                await self._show_while_waiting(question, history, tell)
            await _first_of(ticket.is_first, asking._stopped)
            if asking._stopped.is_set():
                raise StoppedError
            answer = await self._write(question, history, asking)
            tell(await self._kept(question, conversation, answer))
        except StoppedError:
            tell(events.Failed("stopped before anything was written", 499))
        except UsageError as error:
            tell(events.Failed(str(error), 400))
        except MissingError as error:
            tell(events.Failed(str(error), 404))
        except LectaError as error:
            tell(events.Failed(str(error), 500))
        except Exception as error:  # a mistake of ours: one question fails, the server goes on
            tell(events.Failed(f"lecta failed ({type(error).__name__}: {first_line(error)})", 500))
        finally:
            self._line.leave(ticket)
            tell(None)

    async def _show_while_waiting(
        self, question: Question, history: Sequence[Message], tell: Callable[[Event], None]
    ) -> None:
        found = await self.search(
            question.text,
            question.k,
            course=question.course,
            lecture=question.lecture,
            kind=question.kind,
            history=history,
        )
        tell(events.Passages(found.hits))

    async def _write(self, question: Question, history: Sequence[Message], asking: Asking) -> Answer:
        loop = asyncio.get_running_loop()
        numbers = iter(range(1_000_000))

        def tell(event: Event) -> None:
            loop.call_soon_threadsafe(asking._events.put_nowait, event)

        def on_recall() -> None:
            nonlocal numbers
            numbers = iter(range(1_000_000))
            tell(events.Recall())

        def work() -> Answer:
            return self.library.ask(
                question.text,
                question.k,
                course=question.course,
                lecture=question.lecture,
                kind=question.kind,
                history=history,
                strict=question.strict,
                on_passages=lambda hits: tell(events.Passages(tuple(hits))),
                on_text=lambda piece: tell(events.Text(piece)),
                on_draft=lambda sentence: tell(events.Draft(sentence)),
                on_thought=lambda piece: tell(events.Thought(piece)),
                on_recall=on_recall,
                on_sentence=lambda sentence: tell(events.Judged(next(numbers), sentence)),
                keep_stopped=True,
            )

        asking._work = Work(work, niceness=_NICENESS)
        answer = await asking._work.result()
        if answer.formulas:
            asking._events.put_nowait(events.Formulas(answer.formulas))
        return answer

    async def _kept(self, question: Question, conversation: Conversation | None, answer: Answer) -> events.Done:
        if not question.keep:
            return events.Done(answer)
        try:
            kept = await asyncio.to_thread(self.library.conversations.append, conversation, answer)
        except LibraryError as error:
            return events.Done(answer, warning=str(error))
        return events.Done(answer, kept.id)

    async def _conversation_of(self, question: Question) -> Conversation | None:
        return await self.conversation(question.conversation) if question.conversation else None

    @property
    def waiting(self) -> int:
        """How many questions are being answered or wait."""
        return len(self._line)

    # --- what there is ------------------------------------------------------------------------------------------------

    async def documents(self) -> list[DocumentRecord]:
        """Return what the library holds, ordered by course, lecture and source."""
        return await self._in_thread(self.library.documents)

    async def lectures(self) -> list[Lecture]:
        """Return the lectures that the documents make."""
        return await self._in_thread(self.library.lectures)

    async def ids(self) -> dict[str, str]:
        """Return the ids of all documents by their sources, at most 10 seconds old."""
        if time.monotonic() - self._ids[0] > _IDS_SECONDS:
            self._ids = time.monotonic(), {record.source: record.id for record in await self.documents()}
        return self._ids[1]

    async def record(self, key: str) -> DocumentRecord:
        """Return a document's record by its id. Raises `MissingError`."""
        for record in await self.documents():
            if record.id == key:
                return record
        raise MissingError(f"no document has the id {key!r}")

    async def document(self, key: str) -> Document:
        """Return a document with its text and sections by its id. Raises `MissingError`."""
        record = await self.record(key)
        document = await self._in_thread(lambda: self.library.document(record.source))
        if document is None:
            raise MissingError(f"{record.source} was removed just now")
        return document

    async def picture(self, key: str, page: int, width: int = 1280) -> Picture:
        """Draw a page of a document, from 1, and tell where its words stand; `Picture.marked` finds a quote in them.

        Raises `MissingError` where there is no such document or page, or its pages cannot be drawn.
        """
        record = await self.record(key)
        try:
            return await asyncio.to_thread(self.library.picture, record, page, width)
        except ReadError as error:
            raise MissingError(f"no picture of page {page} of {record.source}: {error}") from error

    async def recording(self, key: str) -> Recording:
        """Return the recording that a document is, or the one of its lecture. Raises `MissingError`."""
        record = await self.record(key)
        lecture = next((one for one in await self.lectures() if record.source in one.sources), None)
        sources = (record.source, *(lecture.sources if lecture else ()))
        for one in await self.documents():
            path = Path(one.path)
            if one.source in sources and path.suffix.lower() in MEDIA_TYPES and path.is_file():
                return Recording(one, path, MEDIA_TYPES[path.suffix.lower()])
        raise MissingError(f"no recording belongs to {record.source}")

    async def remove(self, key: str) -> DocumentRecord:
        """Take a document out of the library by its id; its file goes if it was uploaded. Raises `MissingError`."""
        record = await self.record(key)
        await asyncio.to_thread(self.library.remove, record.source)
        self._forget_ids()
        if self.uploads.owns(record.path):
            Path(record.path).unlink(missing_ok=True)
        return record

    def _forget_ids(self) -> None:
        self._ids = float("-inf"), {}

    # --- conversations and feedback -----------------------------------------------------------------------------------

    async def conversations(self) -> list[Conversation]:
        """Return the conversations that are kept, the last one first."""
        return await asyncio.to_thread(self.library.conversations.all)

    async def conversation(self, key: str) -> Conversation:
        """Return one of them. Raises `MissingError`."""
        return await _found(self.library.conversations.find, key)

    async def rename_conversation(self, key: str, title: str) -> Conversation:
        """Give one another title. Raises `MissingError`."""
        return await _found(self.library.conversations.rename, key, title)

    async def delete_conversation(self, key: str) -> str:
        """Delete one and return its id. Raises `MissingError`."""
        return await _found(self.library.conversations.delete, key)

    async def keep_feedback(self, feedback: Feedback) -> None:
        """Keep what somebody thought of an answer, a line of `feedback.jsonl` in the library's folder."""
        row = {"when": datetime.now(UTC).isoformat(timespec="seconds")} | asdict(feedback)

        def write() -> None:
            self.library.path.mkdir(parents=True, exist_ok=True)
            with (self.library.path / "feedback.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

        try:
            await asyncio.to_thread(write)
        except OSError as error:
            raise LibraryError(f"feedback cannot be kept in {self.library.path}: {first_line(error)}") from error

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._searches, work)


async def _found(find: Callable[..., T], key: str, *rest: str) -> T:
    """Look a conversation up by an id that came from outside."""
    if not key:
        raise MissingError("no conversation has an empty id")
    try:
        return await asyncio.to_thread(find, key, *rest)
    except UsageError as error:
        raise MissingError(f"no conversation has the id {key!r}") from error


async def _first_of(one: asyncio.Event, other: asyncio.Event) -> None:
    """Wait until one of two has happened."""
    waits = [asyncio.ensure_future(event.wait()) for event in (one, other)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def _quietly(work: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        except Exception:  # told when it is needed
            return

    return run
