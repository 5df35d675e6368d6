"""Whisper's transcripts with times: JSON as openai-whisper, faster-whisper, whisper.cpp and WhisperX write it, and TSV.

OpenAI's API (verbose_json) and the transformers pipeline ("chunks") write relatives of these, read here as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lecta.errors import ReadError, first_line
from lecta.read.cues import Cue, Word, cut_words, document, finite, in_order, unreadable
from lecta.read.text import decode
from lecta.types import Document

NAME = "whisper/1"
SUFFIXES = frozenset({".json", ".tsv"})

_LONG = 10.0
"""Seconds; a longer segment with word times is cut at its sentences, so that its times say more than "about then"."""


def read(path: Path) -> Document:
    """Read a Whisper transcript. Raises `ReadError` when the file is something else or holds no words."""
    text = decode(path.read_bytes())
    segments = _rows(text) if path.suffix.lower() == ".tsv" else _segments(text)
    cues: list[Cue] = []
    lost = 0
    for segment in segments:
        found = _cues_of(segment)
        lost += found is None
        cues += found or []
    cues = in_order(cues)
    if not cues:
        raise ReadError(f"none of its {lost} segments has times and words" if lost else "the transcript has no words")
    return document(cues, NAME, unreadable(lost, len(segments), "segments"))


def _segments(text: str) -> list[Any]:
    """Return the segments of a JSON transcript. Raises `ReadError` naming what the file is instead."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"not a transcript: not JSON that can be parsed ({first_line(error, 80)})") from error
    if isinstance(data, Mapping):
        for key in ("segments", "transcription", "chunks"):  # Whisper and WhisperX, whisper.cpp, transformers
            if isinstance(data.get(key), list):
                return _checked(data[key])
        keys = ", ".join(str(key)[:20] for key in list(data)[:4])
        raise ReadError(f"not a transcript: JSON with {keys or 'nothing'} where Whisper writes segments")
    if isinstance(data, list):
        return _checked(data)
    raise ReadError("not a transcript: JSON without segments")


def _checked(segments: list[Any]) -> list[Any]:
    if segments and not any(isinstance(segment, Mapping) and "text" in segment for segment in segments):
        raise ReadError("not a transcript: a JSON list whose items have no text")
    if not segments:
        raise ReadError("the transcript has no segments")
    return segments


def _rows(text: str) -> list[Any]:
    """Return the segments of a TSV transcript, whose times are whole milliseconds."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines or lines[0].lower().split("\t")[:3] != ["start", "end", "text"]:
        raise ReadError('not a transcript: the first line is not "start", "end", "text" between tabs')
    rows = [line.split("\t", 2) for line in lines[1:]]
    return [
        {"offsets": {"from": row[0], "to": row[1]}, "text": row[2]} if len(row) == 3 and row[2].strip() else None
        for row in rows
        if len(row) != 3 or row[2].strip()
    ]


def _cues_of(segment: object) -> list[Cue] | None:
    """Return the cues of one segment, or None when it has no times or is no segment."""
    if not isinstance(segment, Mapping) or not isinstance(segment.get("text"), str):
        return None
    start, end = _times_of(segment)
    if start is None:
        return None
    text = " ".join(segment["text"].split())
    speaker = segment.get("speaker")
    named = speaker if isinstance(speaker, str) else ""
    until = start if end is None else end
    words = _words_of(segment.get("words"), start, spaced=" " in text)
    if until - start > _LONG and "".join("".join(word.text for word in words).split()) == text.replace(" ", ""):
        return [Cue(said[0].start, said[-1].end, _line(said), named) for said in cut_words(words)]
    return [Cue(start, until, (text,), named)]


def _line(words: Sequence[Word]) -> tuple[str, ...]:
    return (" ".join("".join(word.text for word in words).split()),)


def _times_of(segment: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return start and end in seconds, from whichever of the three ways of writing them the segment has."""
    offsets, timestamp = segment.get("offsets"), segment.get("timestamp")
    if isinstance(offsets, Mapping):
        start, end = finite(offsets.get("from")), finite(offsets.get("to"))
        return None if start is None else start / 1000, None if end is None else end / 1000
    if isinstance(timestamp, list) and len(timestamp) == 2:
        return finite(timestamp[0]), finite(timestamp[1])
    return finite(segment.get("start")), finite(segment.get("end"))


def _words_of(words: object, since: float, spaced: bool) -> list[Word]:
    """Return words with their times, or nothing where the list is something else.

    A word without times (WhisperX leaves numbers so) fills the space between its neighbours. WhisperX writes words
    bare, the others with their leading space where the language has one.
    """
    items: Sequence[Any] = words if isinstance(words, list) else ()
    if not all(isinstance(item, Mapping) and isinstance(item.get("word"), str) for item in items):
        return []
    space = " " if spaced and not any(item["word"].startswith(" ") for item in items) else ""
    starts = [finite(item.get("start")) for item in items]
    heard: list[Word] = []
    for at, item in enumerate(items):
        before = heard[-1].end if heard else since
        start = max(before, starts[at] or before)
        end = finite(item.get("end"))
        if end is None:
            end = next((later for later in starts[at + 1 : at + 20] if later is not None), start)
        heard.append(Word(start, max(start, end), space + item["word"]))
    return heard
