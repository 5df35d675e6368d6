"""A recording to a WebVTT file beside the library, window by window, so that nothing done is ever done again.

Each finished window is one line of `<output>.partial.jsonl`, on the disk before the next begins. Whoever comes after
a crash reads those lines, skips their windows and goes on; the VTT appears whole, by a rename, at the end.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lecta.errors import ReadError
from lecta.read.audio import Recording, Window
from lecta.read.cues import Word, cut_words
from lecta.read.listen import Heard, Listener

RECIPE = "transcript/1"
"""Changes when the same sound and model would give other words; work saved under another recipe is begun anew."""

_SURE = 0.5
"""Probability from which a detected language is kept for the rest of the recording."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transcription is, in seconds of the recording; `left` is in seconds of the clock."""

    done: float
    total: float | None
    left: float | None


def transcribe(
    media: Path,
    output: Path,
    listener: Listener,
    *,
    language: str = "",
    progress: Callable[[Progress], None] | None = None,
) -> Path:
    """Write what is said in `media` to the WebVTT file `output`, going on where an earlier run was interrupted.

    Returns `output`. Raises `ReadError` when the file is no recording, has no sound, or another process is at it.
    """
    if output.exists():
        return output
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{output}.lock", timeout=0):
            if not output.exists():
                _transcribe(media, output, listener, language, progress or (lambda _: None))
    except Timeout:
        raise ReadError("another process is transcribing this recording") from None
    with suppress(OSError):
        Path(f"{output}.lock").unlink()
    return output


def _transcribe(
    media: Path, output: Path, listener: Listener, language: str, progress: Callable[[Progress], None]
) -> None:
    recording = Recording(media)
    journal = Journal(
        output.with_name(f"{output.name}.partial.jsonl"),
        {"recipe": RECIPE, "sha256": _sha256(media), "model": listener.name, "language": language},
    )
    words: list[Word] = []
    with closing(journal):
        for window, heard in _hear_all(recording, journal, listener, language, progress):
            language = language or (heard.language if heard.confidence >= _SURE else "")
            words += [Word(window.start + word.start, window.start + word.end, word.text) for word in heard.words]
    write_whole(output, web_vtt(words, notes=[f"language: {language}", *_warned(recording.warnings)]))
    journal.remove()


def _hear_all(
    recording: Recording, journal: Journal, listener: Listener, language: str, progress: Callable[[Progress], None]
) -> Iterator[tuple[Window, Heard]]:
    """Yield each window with its words, from the journal where an earlier run heard it.

    A language that was detected is kept: Whisper guesses anew in each window, and a noisy one would switch it.
    """
    saved = journal.open()
    began, skipped = time.monotonic(), 0.0
    for window in recording.windows():
        if window.index < len(saved):
            heard, skipped = saved[window.index], window.end
        else:
            heard = listener.hear(window.samples, language)
            journal.append(window, heard)
        language = language or (heard.language if heard.confidence >= _SURE else "")
        yield window, heard
        progress(_progress(window.end, recording.duration, window.end - skipped, time.monotonic() - began))


def _progress(done: float, total: float | None, worked: float, seconds: float) -> Progress:
    """Return the progress; what an earlier run did says nothing about how fast this one is."""
    total = None if total is None else max(total, done)
    left = seconds / worked * (total - done) if total is not None and worked > 0 else None
    return Progress(done, total, left)


class Journal:
    """The finished windows of one transcription: a line that says what it is of, then one line for each."""

    def __init__(self, path: Path, header: dict[str, str]) -> None:
        self._path = path
        self._header = header
        self._file: Any = None

    def open(self) -> list[Heard]:
        """Return the windows saved by an earlier run of the same work, and make ready to append."""
        lines = self._path.read_bytes().splitlines(keepends=True) if self._path.exists() else []
        saved: list[Heard] = []
        kept = 0
        if lines and _line(lines[0]) == self._header:
            kept = len(lines[0])
            for line in lines[1:]:
                heard = _heard(_line(line), index=len(saved))
                if heard is None:  # the line that was being written when the process was killed
                    break
                saved.append(heard)
                kept += len(line)
        if kept:
            self._file = self._path.open("r+b")
            self._file.truncate(kept)
            self._file.seek(kept)
        return saved

    def append(self, window: Window, heard: Heard) -> None:
        """Save one window; it is on the disk when this returns. The file begins with the first one."""
        if self._file is None:
            self._file = self._path.open("wb")
            self._write(self._header)
        self._write(
            {
                "index": window.index,
                "start": window.start,
                "end": window.end,
                "language": heard.language,
                "confidence": heard.confidence,
                "words": [[word.start, word.end, word.text] for word in heard.words],
            }
        )

    def remove(self) -> None:
        """Forget the work: its result is written."""
        self._path.unlink(missing_ok=True)

    def _write(self, row: dict[str, Any]) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; the work stays for the next run."""
        if self._file is not None:
            self._file.close()


def _line(line: bytes) -> Any:
    """Return a line's JSON, or None for one that was not written to its end."""
    if not line.endswith(b"\n"):
        return None
    try:
        return json.loads(line)
    except ValueError:
        return None


def _heard(row: Any, index: int) -> Heard | None:
    if not isinstance(row, dict) or row.get("index") != index:
        return None
    try:
        words = tuple(Word(float(start), float(end), str(text)) for start, end, text in row["words"])
        return Heard(words, str(row["language"]), float(row["confidence"]))
    except (KeyError, TypeError, ValueError):
        return None


def web_vtt(words: Sequence[Word], notes: Iterable[str] = ()) -> str:
    """Return WebVTT of words: a cue a sentence, with the time of each word inside it, as karaoke files have them."""
    parts = ["WEBVTT"]
    parts += [f"NOTE {' '.join(note.replace('-->', '->').split())}" for note in notes]
    for said in cut_words(words):
        start, end = round(said[0].start * 1000), round(said[-1].end * 1000)
        line, last = "", start
        for word in said:
            at = round(word.start * 1000)
            spoken = html.escape(word.text if line else word.text.lstrip(), quote=False)
            if line and last < at < end:  # times inside a cue must rise
                blank = spoken[: len(spoken) - len(spoken.lstrip())]
                line, last = f"{line}{blank}<{_clock(at)}>{spoken.lstrip()}", at
            else:
                line += spoken
        if line.strip():
            parts.append(f"{_clock(start)} --> {_clock(end)}\n{' '.join(line.split())}")
    return "\n\n".join(parts) + "\n"


def _clock(milliseconds: int) -> str:
    seconds, thousandths = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{thousandths:03}"


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all, whatever interrupts."""
    draft = path.with_name(f"{path.name}.new")
    with draft.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _warned(warnings: Iterable[str]) -> list[str]:
    return [f"warning: {warning}" for warning in warnings]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
