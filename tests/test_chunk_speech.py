"""Passages of speech end at sentences, pauses and changes of speaker."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from lecta.chunk.speech import cut_points
from lecta.read import subtitles
from lecta.read.cues import Cue, document
from lecta.types import Document

SHARED = Path(__file__).parents[1].parent / "shared"


def passages(source: Document, target: int) -> list[str]:
    starts = cut_points(source, source.sections, target)
    return [source.text[a:b].rstrip("\n") for a, b in pairwise([*starts, len(source.text)])]


def _cuts(source: Document) -> list[int]:
    return cut_points(source, source.sections, 512)


def spoken(*lines: str, pause_after: str = "", speakers: str = "") -> Document:
    cues, time = [], 0.0
    for n, line in enumerate(lines):
        cues.append(Cue(time, time + 1, (line,), speakers[n : n + 1]))
        time += 3 if line == pause_after else 1
    return document(cues, "test")


def test_a_sentence_is_not_cut_in_two() -> None:
    talk = spoken("aaaa bbbb.", "cccc dddd", "eeee.", "ffff gggg.")
    assert passages(talk, 20) == ["aaaa bbbb.", "cccc dddd\neeee.\nffff gggg."]


def test_a_pause_where_there_are_no_full_stops() -> None:
    lines = [f"word word {n}" for n in range(6)]
    assert passages(spoken(*lines, pause_after=lines[1]), 36)[0] == "\n".join(lines[:2])
    assert passages(spoken(*lines, pause_after=lines[3]), 36)[0] == "\n".join(lines[:4])


def test_a_change_of_speaker() -> None:
    lines = [f"word word {n}." for n in range(6)]
    assert passages(spoken(*lines, speakers="AABBBB"), 36)[0] == "\n".join(lines[:2])


def test_ends_of_the_range() -> None:
    assert _cuts(spoken()) == []
    assert _cuts(spoken("One.")) == [0]
    assert _cuts(spoken("x" * 5000, "y.")) == [0, 5001]


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "course-cs231n").is_dir(), reason="no course data beside the checkout (../shared)")
def test_real_lectures_are_cut_at_sentences() -> None:
    for path in SHARED.glob("course-cs231n/*.srt"):
        talk = subtitles.read(path)
        cut = passages(talk, 512)
        assert max(map(len, cut)) <= 768
        assert sum(text.endswith((".", "?", "!")) for text in cut) / len(cut) > 0.98  # first come: 0.22 to 0.79
        assert 450 < sum(map(len, cut)) / len(cut) < 560
