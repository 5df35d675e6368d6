"""Recordings: what is said in them, through Whisper, kept as WebVTT and read as subtitles are."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lecta.errors import ReadError
from lecta.read import subtitles
from lecta.read.audio import Recording
from lecta.read.listen import FasterWhisper, Listener
from lecta.read.transcribe import Progress, transcribe
from lecta.types import Document

NAME = "recording/1"
SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".wav", ".flac"}
)

_WARNING = re.compile(r"^NOTE warning: (.+)$", re.MULTILINE)


def read(
    path: Path,
    *,
    model: Path | Listener | None = None,
    transcripts: Path | None = None,
    language: str = "",
    progress: Callable[[Progress], None] | None = None,
) -> Document:
    """Transcribe a recording, or read the transcript made before.

    `model` is the folder of a Whisper model, `transcripts` the folder that keeps the results; the transcript of a
    recording is found by its content, so a renamed file is not transcribed again. Raises `ReadError` when the file is
    no recording or nobody speaks in it, `ModelError` when the folder holds no model.
    """
    if model is None or transcripts is None:
        check(path)  # what is wrong with the file itself comes first
        raise ReadError("a recording is transcribed by a speech model, and none was given")
    listener = FasterWhisper(model) if isinstance(model, Path) else model
    output = transcript_path(path, transcripts, listener.name, language)
    transcribe(path, output, listener, language=language, progress=progress)
    warnings = tuple(_WARNING.findall(output.read_text(encoding="utf-8")))
    try:
        document = subtitles.read(output)
    except ReadError:
        raise ReadError(". ".join(("no speech was heard in the recording", *warnings))) from None
    return replace(document, reader=NAME, warnings=(*warnings, *document.warnings))


def check(path: Path) -> None:
    """Raise `ReadError` when a file is no recording or has no sound."""
    Recording(path)


def transcript_path(path: Path, transcripts: Path, model: str, language: str = "") -> Path:
    """Return where the transcript of a recording stands: named by the file's content, the model and the language."""
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    made_by = hashlib.sha256(f"{model}\n{language}".encode()).hexdigest()
    return transcripts / f"{content[:16]}-{made_by[:8]}.vtt"
