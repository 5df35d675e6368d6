"""path -> Document. One module for each family of files; this page knows only which suffix goes where.

A reader is a module that satisfies `lecta.protocols.Reader`. It is imported when a file needs it, so that a library
of subtitles never pays for PDFium.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import cast

from lecta.errors import ReadError
from lecta.protocols import Reader
from lecta.types import Document

READERS: dict[str, str] = {
    ".pdf": "pdf",
    ".txt": "text",
    ".text": "text",
    ".md": "text",
    ".markdown": "text",
    ".srt": "subtitles",
    ".vtt": "subtitles",
    ".sbv": "subtitles",
    ".json": "whisper",
    ".tsv": "whisper",
    **dict.fromkeys((".mp4", ".m4v", ".mov", ".mkv", ".webm"), "recording"),
    **dict.fromkeys((".mp3", ".m4a", ".aac", ".ogg", ".opus", ".wav", ".flac"), "recording"),
}
"""Suffix (lower case) to the module of this package that reads it."""

RECIPE = "1"
"""Changes when what readers make of the same file changes; the store refuses to mix."""


def can_read(path: Path) -> bool:
    """Tell whether some reader takes files with this suffix."""
    return path.suffix.lower() in READERS


def reader_for(path: Path) -> Reader:
    """Return the reader for a file by its suffix. Raises `ReadError` when there is none."""
    module = READERS.get(path.suffix.lower())
    if module is None:
        raise ReadError(f"lecta does not read {path.suffix or 'files without a suffix'} yet")
    return cast(Reader, importlib.import_module(f"lecta.read.{module}"))


def read(path: Path) -> Document:
    """Read one file. Raises `ReadError` with a reason for the user; never anything else for a bad file."""
    reader = reader_for(path)
    try:
        if path.stat().st_size == 0:
            raise ReadError("the file is empty")
        return reader.read(path)
    except OSError as error:
        raise ReadError(f"cannot be opened: {error.strerror or error}") from error
