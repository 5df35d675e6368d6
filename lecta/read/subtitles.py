"""Subtitles: SubRip (.srt), WebVTT (.vtt) and YouTube's .sbv; one section for each cue, with its times.

One tolerant parse serves the three. webvtt-py, srt and pysubs2 were tried over files that break readers: each
either gives up the whole file for one bad cue or drops cues without a count, none guesses an encoding, and a reader
must say how many cues it could not read. They are the referees in the tests instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lecta.errors import ReadError
from lecta.read.cues import Cue, document, in_order, unreadable
from lecta.read.markup import clean, name_speakers
from lecta.read.rolling import unroll
from lecta.read.text import decode
from lecta.types import Document

NAME = "subtitles/1"
SUFFIXES = frozenset({".srt", ".vtt", ".sbv"})

_TIME = r"(-?)\s?(?:(\d{1,9})\s?:\s?)?(\d{1,4})\s?:\s?(\d{1,3})(?:\s?[.,]\s?(\d{1,9})|:\d{1,3})?"
_TIMING = re.compile(rf"\s*{_TIME}\s*(?:(?:-{{1,3}}|[–—=]{{1,2}})>|→|--&gt;)\s*(?:{_TIME})?")
_SBV_TIMING = re.compile(rf"{_TIME}\s?,\s?{_TIME}\s*$")
_LOST_TIMING = re.compile(r"[\d?-].*-->|.*-->.*\d\s*$|(?:\d{1,2}:)?\d{1,2}:\d\d[.,]\d{3}[\d:.,;\s-]*$")
_COMMENT = re.compile(r"(?:WEBVTT|NOTE|STYLE|REGION)(?:\s|$)")
_NUMBER = re.compile(r"\s*\d{1,9}\s*$")
_WIDE = str.maketrans("：，．＞－", ":,.>-")
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r"))
_LONGEST_TIMING = 300
"""Characters; real ones have under 100 with every setting, and the patterns need not be tried on a megabyte."""

Times = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file of subtitles holds: the cues in the order of the file, and how many could not be read."""

    cues: tuple[Cue, ...]
    lost: int


def read(path: Path) -> Document:
    """Read a file of subtitles. Raises `ReadError` when it has no cue with a time and words."""
    parsed = parse(_decoded(path.read_bytes()))
    cues = name_speakers(unroll(in_order(parsed.cues)))
    if cues:
        return document(cues, NAME, unreadable(parsed.lost, len(parsed.cues) + parsed.lost, "cues"))
    if parsed.cues:
        raise ReadError("the subtitles have times but no words")
    if parsed.lost:
        raise ReadError(f"none of its {parsed.lost} cues has a time that can be read")
    raise ReadError("no subtitles in it: no line holds the times of a cue")


def cues(path: Path) -> tuple[Cue, ...]:
    """Return every cue with a time in the order of the file, as it stands there: repeated lines and all.

    `read` tells what was said, and once; this tells the file's own cues, whose numbers other programs count by.
    """
    return parse(_decoded(path.read_bytes())).cues


def _decoded(data: bytes) -> str:
    """Return the text of a file that may be damaged: UTF-16 without its mark, zero bytes, a broken letter of UTF-8.

    Everything else is as for any text.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return decode(data[: len(data) // 2 * 2])
    even, odd = data[:4000:2].count(0), data[1:4000:2].count(0)
    if max(even, odd) * 3 > min(len(data), 4000) / 2 and min(even, odd) * 10 < max(even, odd):
        mark = b"\xff\xfe" if odd > even else b"\xfe\xff"
        return decode(mark + data[: len(data) // 2 * 2])
    data = data.replace(b"\0", b"")  # a disk that lost a block gives zeros
    without = data.translate(None, _CONTROLS)
    data = without if (len(data) - len(without)) * 10 < len(data) else data
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    if broken and sum(1 for letter in text if letter > "\x7f") > 4 * broken:
        return decode(text.encode())
    return decode(data)


def parse(text: str) -> Parsed:
    """Return the cues of SRT, WebVTT or SBV text, whichever it is: suffixes lie."""
    text = text.lstrip("\ufeff \t\n")
    draft = _Draft(is_web=text.startswith("WEBVTT"), is_sbv=any(map(_SBV_TIMING.match, text.split("\n", 50)[:50])))
    for block in _blocks(text, draft.is_web):
        draft.add(block)
    cues = (Cue(start, end, *clean("\n".join(lines))) for (start, end), lines in draft.cues)
    return Parsed(tuple(cues), draft.lost)


def _blocks(text: str, is_web: bool) -> Iterator[list[str]]:
    """Yield the stretches between blank lines. In WebVTT a line of spaces is not blank: YouTube writes such cues."""
    block: list[str] = []
    for line in text.split("\n"):
        if line if is_web else line.strip():
            block.append(line)
        elif block:
            yield block
            block = []
    if block:
        yield block


@dataclass(slots=True)
class _Draft:
    """The cues found so far."""

    is_web: bool
    is_sbv: bool
    cues: list[tuple[Times, list[str]]] = field(default_factory=list)
    lost: int = 0
    open: list[str] | None = None
    """The lines of the cue that text would continue; None after something unreadable."""

    def add(self, block: list[str]) -> None:
        times = [_times_of(line) for line in block]
        first = next((at for at, found in enumerate(times) if found), len(block))
        if not (self.is_web and _COMMENT.match(block[0])):
            self._add_untimed(block[:first], is_whole=first == len(block))
        for at in range(first, len(block)):
            found, line = times[at], block[at]
            if found or _looks_lost(line):
                self._drop_number()
                self._start(found)
            elif self.open is not None:
                self.open.append(line)

    def _add_untimed(self, lines: list[str], is_whole: bool) -> None:
        """Take what stands before the first time of a block: a cue's name, or words whose cue is broken or above."""
        if not is_whole:
            lines = lines[:-1]  # the number or name of the cue that follows
        is_number = all(map(_NUMBER.match, lines))
        is_numbered = len(lines) > 1 and _NUMBER.match(lines[0]) is not None
        # Only in SubRip does a cue reach over a blank line. In the others a cue that is still empty may: editors
        # strip the line of a single space with which YouTube's cues begin.
        goes_on = not (self.is_sbv or self.is_web) or self.open == []
        if is_numbered or any(map(_looks_lost, lines)) or (lines and not goes_on and not is_number):
            self._start(None)
        elif self.open is not None and not is_number:
            self.open.extend(lines)

    def _start(self, times: Times | None) -> None:
        self.open = None
        if times is None:
            self.lost += 1
        else:
            self.open = []
            self.cues.append((times, self.open))

    def _drop_number(self) -> None:
        """Where no blank line stands between cues, the next one's number is the last line of this one."""
        if self.open and _NUMBER.match(self.open[-1]):
            self.open.pop()


def _times_of(line: str) -> Times | None:
    """Return start and end in seconds where the line holds them; an end that is missing or broken is the start."""
    if len(line) > _LONGEST_TIMING or not (":" in line or "：" in line):
        return None
    plain = line.translate(_WIDE)
    match = _TIMING.match(plain) or _SBV_TIMING.match(plain)
    start = match and _seconds(match.groups()[:5])
    if match is None or start is None:
        return None
    end = _seconds(match.groups()[5:])
    return start, start if end is None else end


def _seconds(groups: tuple[str | None, ...]) -> float | None:
    """Return seconds (counted in whole milliseconds), or None where minutes or seconds are out of range."""
    sign, hours, minutes, seconds, fraction = groups
    if minutes is None or seconds is None or int(seconds) > 60 or (hours and int(minutes) > 60):
        return None
    milliseconds = int((fraction or "").ljust(3, "0")[:3])
    total = (int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)) * 1000 + milliseconds
    return 0.0 if sign else total / 1000


def _looks_lost(line: str) -> bool:
    """Tell whether a line must have been a cue's times before it was damaged."""
    may_be = len(line) <= _LONGEST_TIMING and (":" in line or "-->" in line)
    return may_be and _LOST_TIMING.match(line.strip()) is not None and _times_of(line) is None
