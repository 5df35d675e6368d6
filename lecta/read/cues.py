"""Cues: what is said from one second to another, and the document they make together.

Subtitles, Whisper's files and our own transcripts all become cues first, so times are made true in one place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lecta.types import Document, Section


@dataclass(frozen=True, slots=True)
class Cue:
    """Words on the screen together. Times are seconds from the start of the recording."""

    start: float
    end: float
    lines: tuple[str, ...]
    """As shown, cleaned of markup; rolling captions repeat whole lines, so they stay apart until those are removed."""
    speaker: str = ""

    @property
    def text(self) -> str:
        """The words on one line."""
        return " ".join(self.lines)


@dataclass(frozen=True, slots=True)
class Word:
    """One word as a recogniser hears it; `text` keeps its leading space, since not every language puts one."""

    start: float
    end: float
    text: str


def in_order(cues: Iterable[Cue]) -> list[Cue]:
    """Return cues with 0 <= start <= end, by start; equal starts keep the order of the file, cues without words go."""
    true = []
    for cue in cues:
        start = max(0.0, cue.start)
        true.append(Cue(start, max(start, cue.end), cue.lines, cue.speaker))
    return sorted((cue for cue in true if cue.text.strip()), key=lambda cue: cue.start)


def document(cues: Sequence[Cue], reader: str, warnings: Sequence[str] = ()) -> Document:
    """Return the document of cues in order: one line and one section for each."""
    sections = []
    position = 0
    for cue in cues:
        end = position + len(cue.text)
        sections.append(Section(position, end, start_time=cue.start, end_time=cue.end, speaker=cue.speaker))
        position = end + 1
    text = "\n".join(cue.text for cue in cues)
    return Document(text, tuple(sections), kind="speech", reader=reader, warnings=tuple(warnings))


def unreadable(count: int, total: int, what: str) -> list[str]:
    """Return the warning line for `count` cues of `total` that were left out, or nothing."""
    return [f"{count} of {total} {what} could not be read and were left out"] if count else []


def finite(value: object) -> float | None:
    """Return a time from a file as seconds, or None where it is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


_SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")
_PAUSE = 0.8
_LONGEST = 160


def cut_words(words: Sequence[Word]) -> list[tuple[Word, ...]]:
    """Cut words into cues: after a sentence, at a pause of 0.8 s, or before a cue has more than 160 characters.

    A cue of that length takes some ten seconds to say, so a citation points at the sentence and not at the minute.
    """
    cues: list[tuple[Word, ...]] = []
    current: list[Word] = []
    for word in words:
        if current and (
            current[-1].text.rstrip("\"'”’)").endswith(_SENTENCE_ENDS)
            or word.start - current[-1].end >= _PAUSE
            or sum(len(said.text) for said in current) + len(word.text) > _LONGEST
        ):
            cues.append(tuple(current))
            current = []
        current.append(word)
    return [*cues, tuple(current)] if current else cues
