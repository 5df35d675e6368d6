"""Transcripts with times in front of the lines."""

from __future__ import annotations

import pytest

from lecta.read.cues import Cue
from lecta.read.stamped import stamped_cues

EXPECTED = [Cue(0, 4, ("so today we look",)), Cue(4, 9.5, ("at gradients and norms",)), Cue(9.5, 9.5, ("done",))]


@pytest.mark.parametrize(
    "text",
    [
        "Transcript\nSearch\n0:00\nso today we look\n0:04\n4 seconds\nat gradients\nand norms\n0:09.5\ndone\n",
        "0:00 so today we look\n0:04 at gradients\nand norms\n\n0:09.5 done",
        "[00:00] so today we look\n[00:04] at gradients and norms\n[00:09,5] done",
        "(0:00:00) - so today we look\n(0:00:04) - at gradients and norms\n(0:00:09.500) - done",
    ],
)
def test_times_in_front(text: str) -> None:
    assert stamped_cues(text) == EXPECTED


def test_what_whisper_prints() -> None:
    text = "[00:00.000 --> 00:02.500]  One.\n[00:02.500 --> 00:04.000]  Two.\n[01:00:04.000 --> 01:00:06.000]  Three.\n"
    assert stamped_cues(text) == [Cue(0, 2.5, ("One.",)), Cue(2.5, 4, ("Two.",)), Cue(3604, 3606, ("Three.",))]


@pytest.mark.parametrize(
    "text",
    [
        "9:00 Welcome\n10:30 Coffee\n11:00 Graphs\n12:00 Lunch",  # a timetable
        "0:01 one\n0:02 two",  # too few to be sure
        "0:05 a\n0:01 b\n0:03 c",  # not in order
        "A text.\n" * 30 + "0:00 a\n0:01 b\n0:02 c\n",
        "Ratios: 1:10, 1:20.\nNo times here.\n",
        "",
    ],
)
def test_other_texts(text: str) -> None:
    assert stamped_cues(text) is None
