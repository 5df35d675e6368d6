"""path -> Document. One module for each family of files; this page knows only which suffix goes where.

A reader is a module that satisfies `lecta.protocols.Reader`. It is imported when a file needs it, so that a library
of subtitles never pays for PDFium. Files are read in other processes, which are stopped when they hang or need too much
memory (`lecta.read.limits`); recordings, which take long by nature, in this one.
"""

from __future__ import annotations

import importlib
import itertools
import queue
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from lecta.errors import ModelError, ReadError
from lecta.read.limits import Worker
from lecta.types import Document

if TYPE_CHECKING:  # it imports NumPy, which most readers do without: 0.06 s for each process
    from lecta.protocols import Reader

READERS: dict[str, str] = {
    ".pdf": "pdf",
    **dict.fromkeys((".pptx", ".pptm", ".ppsx", ".ppsm", ".potx"), "pptx"),
    **dict.fromkeys((".srt", ".vtt", ".sbv"), "subtitles"),
    **dict.fromkeys((".json", ".tsv"), "whisper"),
    **dict.fromkeys((".mp4", ".m4v", ".mov", ".mkv", ".webm"), "recording"),
    **dict.fromkeys((".mp3", ".m4a", ".aac", ".ogg", ".opus", ".wav", ".flac"), "recording"),
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd", ".qmd", ".rmd"), "markdown"),
    **dict.fromkeys((".tex", ".ltx", ".latex"), "latex"),
    **dict.fromkeys((".html", ".htm", ".xhtml", ".mhtml", ".mht"), "html"),
    **dict.fromkeys((".docx", ".docm", ".dotx"), "docx"),
    ".ipynb": "notebook",
    ".epub": "epub",
    **dict.fromkeys((".txt", ".text"), "text"),
}
"""Suffix (lower case) to the module of this package that reads it."""

PROCESSES = 2
"""In which files are read."""

_AHEAD = 4  # files read before the one that is being embedded

SELDOM_LECTURES = frozenset({".json", ".tsv"})
"""Suffixes that mostly hold something else: what is no transcript among them is skipped, not failed."""

RECIPE = "2"
"""Changes when what readers make of the same file changes; the store refuses to mix."""


@dataclass(frozen=True, slots=True)
class After:
    """What is done with a document in the process that read it, as the room of readers knows no other."""

    function: str
    """"module:name" of a function of the document that returns what JSON can hold."""
    receive: Callable[[Document, Any], Document]
    """Returns the document with what came of it, in this process."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to read. A recording needs `speech_model` and `transcripts`."""

    ocr: bool = True
    """Read pages that are pictures."""
    speech_model: Callable[[], Path] | None = None
    """Returns the folder of a Whisper model; called when the first recording comes."""
    transcripts: Path | None = None
    """Folder that keeps what was heard."""
    language: str = ""
    """Of recordings, as "en"; empty: detected."""
    every_page: bool = False
    """Give the steps of a build and pages without words sections of their own, as `lecta align` wants them."""
    after: After | None = None
    """Not done with recordings, which are read in this process."""
    begun: tuple[Worker, ...] = ()
    """Processes with these very options, which may have been started already; then no others are."""


Heard = Callable[[str], None]
"""Told where in a long file a reader is: "page 12", "12:00 of 60:00, 3:10 left"."""


def can_read(path: Path) -> bool:
    """Tell whether some reader takes files with this suffix."""
    return path.suffix.lower() in READERS


def reader_for(path: Path) -> Reader:
    """Return the reader for a file by its suffix. Raises `ReadError` when there is none."""
    module = READERS.get(path.suffix.lower())
    if module is None:
        raise ReadError(f"lecta does not read {path.suffix or 'files without a suffix'}")
    return cast("Reader", importlib.import_module(f"lecta.read.{module}"))


def read(path: Path, *, ocr: bool = True, every_page: bool = False) -> Document:
    """Read one file in this process. Raises `ReadError` with a reason for the user, whatever the file holds."""
    try:
        reader = reader_for(path)
        if path.stat().st_size == 0:
            raise ReadError("the file is empty")
        if READERS[path.suffix.lower()] == "pdf" and (every_page or not ocr):
            from lecta.read import pdf

            return pdf.read(path, ocr=ocr, every_page=every_page)
        return reader.read(path)
    except OSError as error:
        raise ReadError(f"cannot be opened: {error.strerror or error}") from error


class Reading:
    """Reads many files, each in one of a few processes that can be stopped; use as a context manager."""

    def __init__(self, options: Options | None = None, processes: int = PROCESSES) -> None:
        self._options = options or Options()
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        chosen = self._options
        after = chosen.after.function if chosen.after else ""
        self._workers = chosen.begun or tuple(
            Worker(ocr=chosen.ocr, every_page=chosen.every_page, after=after) for _ in range(processes)
        )
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(len(self._workers), thread_name_prefix="lecta-read")
        self._listener: Any = None
        self._no_listener: ModelError | None = None

    def read(self, path: Path, heard: Heard | None = None) -> Document:
        """Read one file. Raises `ReadError`, also when its reader hangs, crashes or needs too much memory.

        A recording raises `ModelError` where no speech model can be had.
        """
        if READERS.get(path.suffix.lower()) == "recording":
            return printable(self._transcribe(path, heard))
        worker = self._idle.get()
        try:
            document, made = worker.read_and_after(path, heard)
        finally:
            self._idle.put(worker)
        return self._options.after.receive(document, made) if self._options.after else document

    def read_all(
        self, paths: Sequence[Path], heard: Callable[[Path, str], None] | None = None
    ) -> Iterator[Document | ReadError | ModelError]:
        """Yield for each path its document or why there is none, in order, reading a few files ahead."""
        futures: deque[tuple[Path, Future[Document] | None]] = deque()
        waiting = iter(paths)
        for path in itertools.chain(itertools.islice(waiting, _AHEAD), itertools.repeat(None)):
            if path is not None:
                futures.append((path, self._started(path, heard)))
                continue
            if not futures:
                return
            following = next(waiting, None)
            if following is not None:
                futures.append((following, self._started(following, heard)))
            yield self._outcome(*futures.popleft(), heard)

    def _started(self, path: Path, heard: Callable[[Path, str], None] | None) -> Future[Document] | None:
        if READERS.get(path.suffix.lower()) == "recording":
            return None  # it takes every core by itself, and is heard when its turn comes
        return self._threads.submit(self.read, path, _hearing(path, heard))

    def _outcome(
        self, path: Path, future: Future[Document] | None, heard: Callable[[Path, str], None] | None
    ) -> Document | ReadError | ModelError:
        try:
            return self.read(path, _hearing(path, heard)) if future is None else future.result()
        except (ReadError, ModelError) as error:
            return error
        except OSError as error:
            return ReadError(f"cannot be read: {error.strerror or error}")

    def _transcribe(self, path: Path, heard: Heard | None) -> Document:
        from lecta.read import recording
        from lecta.read.transcribe import Progress

        def progress(at: Progress) -> None:
            if heard:
                total = f" of {_clock(at.total)}" if at.total else ""
                left = f", {_clock(at.left)} left" if at.left is not None else ""
                heard(f"{_clock(at.done)}{total}{left}")

        options = self._options
        if options.speech_model is None or options.transcripts is None:
            return recording.read(path)  # says what is wrong with the file, or that there is no model
        if path.stat().st_size == 0:
            raise ReadError("the file is empty")
        recording.check(path)  # before a model is fetched for it
        return recording.read(
            path,
            model=self._opened_listener(options.speech_model),
            transcripts=options.transcripts,
            language=options.language,
            progress=progress,
        )

    def _opened_listener(self, speech_model: Callable[[], Path]) -> Any:
        """Return the speech model, fetched and opened once; what failed once is not tried for every recording."""
        from lecta.read.listen import FasterWhisper

        if self._no_listener is not None:
            raise self._no_listener
        if self._listener is None:
            try:
                self._listener = FasterWhisper(speech_model())
            except ModelError as error:
                self._no_listener = error
                raise
        return self._listener

    def __enter__(self) -> Self:
        """Return the reading; processes that do not run yet start with the first files."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop the processes."""
        for worker in self._workers:
            worker.close()
        self._threads.shutdown(wait=True, cancel_futures=True)


def _hearing(path: Path, heard: Callable[[Path, str], None] | None) -> Heard | None:
    return None if heard is None else lambda where: heard(path, where)


def printable(document: Document) -> Document:
    """Return a document without lone surrogates, which JSON may hold and nothing can store; offsets stay."""
    text = document.text.encode("utf-8", "replace").decode()
    return document if text == document.text else replace(document, text=text)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
