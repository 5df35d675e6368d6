"""Transcripts as text with times in front: pasted from YouTube, or what Whisper prints while it works.

0:04                      [00:00.000 --> 00:04.000]  so today we look
so today we look          [00:04.000 --> 00:09.000]  at gradients
"""

from __future__ import annotations

import re
from itertools import pairwise

from lecta.read.cues import Cue, in_order

_TIME = r"(?:(\d{1,3}):)?(\d{1,3}):([0-5]\d)(?:[.,](\d{1,3}))?"
_STAMPED = re.compile(rf"[\[(]?{_TIME}(?:\s*--?>\s*{_TIME})?[\])]?(?:\s*-)?(?:\s+(\S.{{0,20000}}))?$")
_SPELLED = re.compile(r"\d+ (?:hour|minute|second)s?(?:, \d+ (?:minute|second)s?)*$")
_BEGINNING = 120.0
"""Seconds by which a recording has begun; a timetable begins at eight or nine (o'clock)."""


def stamped_cues(text: str) -> list[Cue] | None:
    """Return the cues of a transcript whose lines begin with times, or None where the text is something else.

    Where no end is given, words last until the next time. What stands before the first time is no speech.
    """
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    stamps = [_STAMPED.match(line) for line in lines]
    starts = [_seconds(*stamp.groups()[:4]) for stamp in stamps if stamp]
    if len(starts) < 3 or starts[0] > _BEGINNING or any(later < earlier for earlier, later in pairwise(starts)):
        return None
    first = next(at for at, stamp in enumerate(stamps) if stamp)
    if first > 10 or len(starts) * 20 < len(lines):
        return None
    drafts: list[tuple[float, float | None, list[str]]] = []
    for line, stamp in list(zip(lines, stamps, strict=True))[first:]:
        if stamp:
            end = _seconds(*stamp.groups()[4:8]) if stamp[6] else None
            drafts.append((_seconds(*stamp.groups()[:4]), end, [stamp[9]] if stamp[9] else []))
        elif not _SPELLED.match(line):  # YouTube's pages say "4 seconds" to those who cannot see "0:04"
            drafts[-1][2].append(line)
    ends = [*starts[1:], starts[-1]]
    cues = [
        Cue(start, later if end is None else end, (" ".join(" ".join(said).split()),))
        for (start, end, said), later in zip(drafts, ends, strict=True)
    ]
    return in_order(cues) or None


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> float:
    milliseconds = int((fraction or "").ljust(3, "0"))
    return ((int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)) * 1000 + milliseconds) / 1000
