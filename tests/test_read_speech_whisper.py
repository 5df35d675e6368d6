"""Whisper's files in the shapes that its relatives write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lecta.errors import ReadError
from lecta.read import whisper
from lecta.types import Document


def read(tmp_path: Path, content: object, name: str = "talk.json") -> Document:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return whisper.read(path)


def said(document: Document) -> list[tuple[float | None, float | None, str, str]]:
    return [(s.start_time, s.end_time, document.text_of(s), s.speaker) for s in document.sections]


EXPECTED = [(0.5, 2.0, "A norm is a length.", ""), (2.0, 3.25, "It is never negative.", "")]
SEGMENTS: list[dict[str, Any]] = [
    {"id": 0, "start": 0.5, "end": 2.0, "text": " A norm is a length."},
    {"id": 1, "start": 2.0, "end": 3.25, "text": " It is never\nnegative. "},
]
CPP = [
    {"timestamps": {"from": "x"}, "offsets": {"from": int(s["start"] * 1000), "to": int(s["end"] * 1000)},
     "text": s["text"]} for s in SEGMENTS
]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        {"text": "...", "segments": SEGMENTS, "language": "en"},  # openai-whisper, and its API's verbose_json
        SEGMENTS,  # a script's dump of faster-whisper's segments
        {"systeminfo": "AVX2", "result": {"language": "en"}, "transcription": CPP},  # whisper.cpp
        {"text": "...", "chunks": [{"timestamp": [s["start"], s["end"]], "text": s["text"]} for s in SEGMENTS]},
        {"segments": SEGMENTS[::-1]},
        "\ufeff" + json.dumps({"segments": SEGMENTS}),
    ],
)
def test_shapes(tmp_path: Path, content: object) -> None:
    document = read(tmp_path, content)
    assert said(document) == EXPECTED
    assert document.warnings == ()
    assert document.kind == "speech"


def test_tsv_is_in_milliseconds(tmp_path: Path) -> None:
    rows = (
        "start\tend\ttext\n500\t2000\tA norm is a length.\n2000\t3250\tIt is never negative.\n3300\t3400\t\nbad row\n"
    )
    document = read(tmp_path, rows, "talk.tsv")
    assert said(document) == EXPECTED
    assert document.warnings == ("1 of 3 segments could not be read and were left out",)


def test_speakers_of_whisperx(tmp_path: Path) -> None:
    document = read(tmp_path, {"segments": [{**SEGMENTS[0], "speaker": "SPEAKER_01"}], "word_segments": []})
    assert said(document) == [(0.5, 2.0, "A norm is a length.", "SPEAKER_01")]


@pytest.mark.parametrize("space", [" ", ""])
def test_a_long_segment_with_word_times_is_cut_at_its_sentences(tmp_path: Path, space: str) -> None:
    text = "One is odd. Two is even. 3 is odd."
    words: list[dict[str, Any]] = [
        {"word": space + word, "start": 2.0 * n, "end": 2.0 * n + 1.5} for n, word in enumerate(text.split())
    ]
    del words[6]["start"], words[6]["end"]  # WhisperX aligns no digits
    document = read(tmp_path, {"segments": [{"start": 0, "end": 18, "text": text, "words": words}]})
    assert said(document) == [
        (0.0, 5.5, "One is odd.", ""),
        (6.0, 11.5, "Two is even.", ""),
        (11.5, 17.5, "3 is odd.", ""),
    ]


def test_bad_segments_are_counted(tmp_path: Path) -> None:
    bad: list[object] = [
        {"text": "when?"},
        {"start": "NaN", "text": "x"},
        7,
        {"start": 1},
        {"start": True, "text": "y"},
    ]
    document = read(tmp_path, {"segments": [*SEGMENTS, *bad, {"start": "4.5", "end": 1, "text": "Open."}]})
    assert said(document) == [*EXPECTED, (4.5, 4.5, "Open.", "")]
    assert document.warnings == ("5 of 8 segments could not be read and were left out",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not a transcript: not JSON"),
        ("[" * 100_000, "not a transcript: not JSON"),
        ('{"cells": [], "metadata": {}}', "not a transcript: JSON with cells, metadata"),
        ("[1, 2]", "not a transcript: a JSON list"),
        ("3", "not a transcript: JSON without segments"),
        ('{"segments": []}', "no segments"),
        ('{"segments": [{"text": "no time"}]}', "none of its 1 segments"),
        ('{"segments": [{"start": 0, "end": 1, "text": " "}]}', "no words"),
    ],
)
def test_reasons(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        read(tmp_path, content)


def test_other_tables_are_no_transcripts(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="not a transcript"):
        read(tmp_path, "name\tgrade\nAda\t1\n", "grades.tsv")
