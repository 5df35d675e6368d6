"""Rolling captions: YouTube and live captions show each line again while the next one grows under it.

Each word is kept once, with the time at which it first appears.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from lecta.read.cues import Cue

_SHARE = 0.3
"""Of cues that repeat the one before: YouTube's files have 0.9, the lecture files we measured under 0.01."""
_GAP = 0.5
"""Seconds between two cues that may still belong together."""
_LONGEST = 84
"""Characters to which pieces of a growing line are joined: two lines of captions."""


def unroll(cues: Sequence[Cue]) -> list[Cue]:
    """Return cues with repeats removed where the file is of rolling captions, else the cues as they are."""
    follows = list(pairwise(cues))
    repeats = sum(_rolls(before, after) for before, after in follows)
    if not follows or repeats < min(2, len(follows)) or repeats < _SHARE * len(follows):
        return list(cues)
    rolled: list[Cue] = []
    shown: tuple[str, ...] = ()
    shown_until = float("-inf")
    for cue in cues:
        apart = cue.start > shown_until + _GAP
        new, grows = (cue.lines, False) if apart else _new_lines(shown, cue.lines)
        if new and grows and rolled and len(rolled[-1].text) + len(new[0]) < _LONGEST:
            rolled[-1] = replace(rolled[-1], end=max(rolled[-1].end, cue.end), lines=(*rolled[-1].lines, *new))
        elif new:
            rolled.append(replace(cue, lines=new))
        shown, shown_until = cue.lines, max(shown_until, cue.end)
    return rolled


def _rolls(before: Cue, after: Cue) -> bool:
    """Tell whether a cue shows the one before again and more, or shows it again for a moment only.

    The same words said twice ("No." "No.") are no evidence: both stand for as long as they take to say.
    """
    if after.start > before.end + _GAP:
        return False
    if after.lines == before.lines:
        return min(after.end - after.start, before.end - before.start) <= 0.1
    new, _ = _new_lines(before.lines, after.lines)
    return new != after.lines


def _new_lines(shown: tuple[str, ...], lines: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Return the part of `lines` that `shown` did not show, and whether it continues a line that grows."""
    for count in range(min(len(shown), len(lines)), 0, -1):
        if shown[-count:] == lines[:count]:
            return lines[count:], False
    old, new = " ".join(shown).split(), " ".join(lines).split()
    if old and new[: len(old)] == old:
        return (" ".join(new[len(old) :]),), True
    for count in range(min(len(old), len(new)), 2, -1):  # a shorter overlap may be chance: "of the | of the"
        if old[-count:] == new[:count]:
            rest = " ".join(new[count:])
            return ((rest,) if rest else ()), True
    return lines, False
