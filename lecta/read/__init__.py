"""path -> Document. One module for each family of files; this page knows only which suffix goes where.

A reader is a module that satisfies `lecta.protocols.Reader`. It is imported when a file needs it, so that a library
of subtitles never pays for PDFium. Formats whose readers can hang, crash or eat memory on a damaged file are read in
another process, which can be stopped (`lecta.read.limits`).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from lecta.errors import ReadError
from lecta.protocols import Reader
from lecta.read.limits import Worker
from lecta.types import Document

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

RISKY = frozenset({"pdf", "pptx", "docx", "epub", "html", "latex", "markdown", "notebook"})
"""Readers on C libraries, archives or deep grammars, kept in a process of their own that can be stopped."""

SELDOM_LECTURES = frozenset({".json", ".tsv"})
"""Suffixes that mostly hold something else: what is no transcript among them is skipped, not failed."""

RECIPE = "2"
"""Changes when what readers make of the same file changes; the store refuses to mix."""


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
    return cast(Reader, importlib.import_module(f"lecta.read.{module}"))


def read(path: Path, *, ocr: bool = True) -> Document:
    """Read one file in this process. Raises `ReadError` with a reason for the user, whatever the file holds."""
    try:
        reader = reader_for(path)
        if path.stat().st_size == 0:
            raise ReadError("the file is empty")
        if READERS[path.suffix.lower()] == "pdf" and not ocr:
            from lecta.read import pdf

            return pdf.read(path, ocr=False)
        return reader.read(path)
    except OSError as error:
        raise ReadError(f"cannot be opened: {error.strerror or error}") from error


class Reading:
    """Reads many files one after the other; use as a context manager, so that its process ends."""

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or Options()
        self._worker = Worker(ocr=self._options.ocr)
        self._listener: Any = None

    def read(self, path: Path, heard: Heard | None = None) -> Document:
        """Read one file. Raises `ReadError`, also when its reader hangs, crashes or needs too much memory."""
        module = READERS.get(path.suffix.lower())
        if module == "recording":
            return self._transcribe(path, heard)
        if module in RISKY:
            return self._worker.read(path, heard)
        return read(path)

    def _transcribe(self, path: Path, heard: Heard | None) -> Document:
        from lecta.read import recording
        from lecta.read.listen import FasterWhisper
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
        if self._listener is None:
            self._listener = FasterWhisper(options.speech_model())
        return recording.read(
            path,
            model=self._listener,
            transcripts=options.transcripts,
            language=options.language,
            progress=progress,
        )

    def __enter__(self) -> Self:
        """Return the reading; its process starts with the first file that wants it."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop the process."""
        self._worker.close()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
