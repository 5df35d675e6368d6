"""Subtitles: every cue that can be read is there once, with its own words at its own time."""

from __future__ import annotations

import html
from pathlib import Path

import pysubs2
import pytest
import srt
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st

from lecta.errors import ReadError
from lecta.read import subtitles
from lecta.read.cues import Cue
from lecta.read.rolling import unroll
from lecta.types import Document

SHARED = Path(__file__).parents[1].parent / "shared"


def read(tmp_path: Path, content: str | bytes, name: str = "talk.srt") -> Document:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    document = subtitles.read(path)
    check(document)
    return document


def check(document: Document) -> None:
    """The invariants of speech: sections in order inside the text, times true and rising."""
    position, time = 0, 0.0
    for section in document.sections:
        assert position <= section.start_index < section.end_index <= len(document.text)
        assert section.start_time is not None
        assert section.end_time is not None
        assert time <= section.start_time <= section.end_time
        said = document.text_of(section)
        assert said == said.strip()
        assert "\n" not in said
        position, time = section.end_index, section.start_time
    assert document.kind == "speech"


def said(document: Document) -> list[tuple[float | None, float | None, str]]:
    return [(s.start_time, s.end_time, document.text_of(s)) for s in document.sections]


SRT = (
    "1\n00:00:01,500 --> 00:00:03,000\nA gradient is\na row of slopes.\n\n2\n01:02:03,004 --> 01:02:05,000\nThe end.\n"
)


def test_each_cue_is_a_section_with_its_times(tmp_path: Path) -> None:
    document = read(tmp_path, SRT)
    assert said(document) == [(1.5, 3.0, "A gradient is a row of slopes."), (3723.004, 3725.0, "The end.")]
    assert document.warnings == ()
    assert document.reader == subtitles.NAME


@pytest.mark.parametrize(
    "content",
    [
        SRT.replace("\n", "\r\n").encode(),
        SRT.replace("\n", "\r").encode(),
        b"\xef\xbb\xbf" + SRT.encode(),
        SRT.encode("utf-16"),
        ("WEBVTT - a title\n\n" + SRT.replace(",", ".")).encode(),
        SRT.replace(" --> ", "-->").encode(),
        SRT.replace(" --> ", " -> ").encode(),
        SRT.replace(" --> ", " --&gt; ").encode(),
        SRT.replace("\n\n", "\n \t\n").encode(),
        SRT.replace("\n\n", "\n").encode(),
        SRT.replace("1\n00", "00").replace("2\n01", "01").encode(),
        SRT.replace(":", "：").encode(),
        SRT.replace("00:00:01,500 --> 00:00:03,000", "0:01.5 --> 00:03,000  X1:1 X2:2").encode(),
        SRT.replace("A gradient", "{\\an8}<i>A</i> <font color='#fff'>gradient</font>").encode(),
    ],
)
def test_the_same_cues_however_they_are_written(tmp_path: Path, content: bytes) -> None:
    expected = [(1.5, 3.0, "A gradient is a row of slopes."), (3723.004, 3725.0, "The end.")]
    assert said(read(tmp_path, content)) == expected


def test_old_encodings(tmp_path: Path) -> None:
    words = "Производная функции равна нулю в точке минимума, и это мы сейчас докажем."
    document = read(tmp_path, f"1\n00:00:01,000 --> 00:00:02,000\n{words}\n".encode("cp1251"))
    assert said(document) == [(1.0, 2.0, words)]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark(tmp_path: Path, codec: str) -> None:
    assert said(read(tmp_path, SRT.encode(codec))) == said(read(tmp_path, SRT))


def test_damaged_bytes_do_not_lose_the_file(tmp_path: Path) -> None:
    words = "Übergänge für größere Räume"
    data = f"1\n00:00:01,000 --> 00:00:02,000\n{words}\n".encode()
    document = read(tmp_path, data[:-1].replace(b" f", b"\x02\x03 f") + b"\xff\n" + b"\0" * 500)
    assert said(document) == [(1.0, 2.0, f"{words}\ufffd")]


def test_sbv(tmp_path: Path) -> None:
    text = "0:00:01.100,0:00:02.200\nOne.\n\nno time above me\n\n0:00:03.000,0:00:02.000\nThree,\nand four.\n"
    document = read(tmp_path, text, "talk.sbv")
    assert said(document) == [(1.1, 2.2, "One."), (3.0, 3.0, "Three, and four.")]
    assert document.warnings == ("1 of 3 cues could not be read and were left out",)


def test_web_vtt_blocks_and_markup(tmp_path: Path) -> None:
    text = """WEBVTT
Kind: captions

STYLE
::cue { color: lime }

NOTE
00:00 is not a cue here

intro
00:01.000 --> 00:02.000 align:start position:0%
<v.loud Ada Byron>The <b>x &lt; y</b> &amp; <00:00:01.500><c.red>z</c></v>

00:03.000 --> 00:04.000
<v Ada>Hello.</v>
<v Bob>Hi.</v>

00:05.000 --> 00:06.000
<ruby>漢<rt>kan</rt></ruby> if a < b and c > d, the <div> element
"""
    document = read(tmp_path, text, "talk.vtt")
    assert said(document) == [
        (1.0, 2.0, "The x < y & z"),
        (3.0, 4.0, "Hello. Hi."),
        (5.0, 6.0, "漢(kan) if a < b and c > d, the <div> element"),
    ]
    assert [section.speaker for section in document.sections] == ["Ada Byron", "Ada, Bob", ""]
    assert document.warnings == ()


def test_broken_cues_are_counted_and_the_others_read(tmp_path: Path) -> None:
    text = (
        "1\n00:00:01,000 --> 00:00:02,000\nOne.\n\n"
        "2\n00:00:xx,000 --> 00:00:04,000\nTwo.\n\nstill two\n\n"
        "3\nThree has no times.\n\n"
        "4\n00:00:07,000 --> 00:00:0\n12:30\n\nFour goes on.\n\n"
        "5\n00:99:99,000 --> 00:99:99,900\nFive.\n\n"
        "6\n-00:00:01,000 --> 00:00:08,000\nSix.\n\n"
        "7\n00:00:09,000 --> 00:00:10,000\n<i></i>\n"
    )
    document = read(tmp_path, text)
    assert said(document) == [(0.0, 8.0, "Six."), (1.0, 2.0, "One."), (7.0, 7.0, "12:30 Four goes on.")]
    assert document.warnings == ("3 of 7 cues could not be read and were left out",)


def test_words_without_a_time_are_not_given_one(tmp_path: Path) -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nOne.\n\nTwo.\n\n3\n00:03.000 --> 00:04.000\nThree.\n"
    document = read(tmp_path, text, "talk.vtt")
    assert said(document) == [(1.0, 2.0, "One."), (3.0, 4.0, "Three.")]
    assert document.warnings == ("1 of 3 cues could not be read and were left out",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("WEBVTT\n", "no subtitles in it"),
        ("Just a letter to a friend.\n", "no subtitles in it"),
        ("1\nsome text", "none of its 1 cues"),
        ("1\n00:00:01,000 --> 00:00:02,000\n\n", "times but no words"),
        (b"\0\1\2\3" * 100, "not a text file"),
    ],
)
def test_reasons(tmp_path: Path, text: str | bytes, reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        read(tmp_path, text)


def cue(start: float, end: float, text: str) -> str:
    clock = [f"{int(t // 3600):02}:{int(t // 60 % 60):02}:{t % 60:06.3f}" for t in (start, end)]
    return f"{clock[0]} --> {clock[1]}\n{text}\n\n"


@pytest.mark.parametrize("space", [" ", ""])  # editors strip the spaces YouTube writes
def test_rolling_captions_keep_each_word_once_at_its_time(tmp_path: Path, space: str) -> None:
    text = (
        "WEBVTT\n\n"
        + cue(0, 2, f"{space}\nwelcome<00:00:00.400><c> to</c><00:00:01.000><c> the</c>")
        + cue(2, 2.01, f"welcome to the\n{space}")
        + cue(2.01, 4, "welcome to the\ncourse<00:00:02.500><c> on</c><00:00:03.000><c> graphs</c>")
        + cue(4, 4.01, f"course on graphs\n{space}")
        + cue(4.01, 6, "course on graphs\nand<00:00:05.000><c> trees</c>")
        + cue(6, 6.01, f"and trees\n{space}")
        + cue(9, 11, f"{space}\nand trees again")
    )
    assert said(read(tmp_path, text, "talk.vtt")) == [
        (0.0, 2.0, "welcome to the"),
        (2.01, 4.0, "course on graphs"),
        (4.01, 6.0, "and trees"),
        (9.0, 11.0, "and trees again"),
    ]


def test_captions_that_grow_word_by_word(tmp_path: Path) -> None:
    text = "WEBVTT\n\n" + cue(0, 1, "so the") + cue(1, 2, "so the loss") + cue(2, 3, "so the loss\nis")
    text += cue(3, 4, "so the loss\nis small")
    assert said(read(tmp_path, text, "live.vtt")) == [(0.0, 2.0, "so the loss"), (2.0, 4.0, "is small")]


def test_two_cues_are_enough_to_see_that_they_roll() -> None:
    assert unroll([Cue(0, 2, ("One.",)), Cue(2, 4, ("One.", "Two."))]) == [Cue(0, 2, ("One.",)), Cue(2, 4, ("Two.",))]


def test_words_said_twice_are_not_rolling() -> None:
    cues = [Cue(n, n + 1, (text,)) for n, text in enumerate(["No.", "No.", "No.", "Why?", "Why?", "No."])]
    assert unroll(cues) == cues


def test_speakers_by_capitals_and_marks(tmp_path: Path) -> None:
    lines = ["PROFESSOR: Who knows?", "Anyone?", "AUDIENCE: Me.", ">> Not me.", ">> Ann: Nor I.", "NOTE: cin >> x"]
    text = "".join(f"{n}\n" + cue(n, n + 1, line) for n, line in enumerate(lines, 1))
    document = read(tmp_path, text)
    assert [(s.speaker, document.text_of(s)) for s in document.sections] == [
        ("PROFESSOR", "Who knows?"),
        ("PROFESSOR", "Anyone?"),
        ("AUDIENCE", "Me."),
        ("", "Not me."),
        ("Ann", "Nor I."),
        ("NOTE", "cin >> x"),  # three prefixes in capitals: indistinguishable from a name
    ]


def test_a_change_of_speaker_inside_a_cue(tmp_path: Path) -> None:
    lines = ["ADA: A norm?", "Yes. >> BOB: No.\n>> Why?", "Because."]
    text = "".join(f"{n}\n" + cue(n, n + 1, line) for n, line in enumerate([*lines, "ADA: So."], 1))
    document = read(tmp_path, text)
    assert [(s.speaker, document.text_of(s)) for s in document.sections] == [
        ("ADA", "A norm?"),
        ("ADA", "Yes. BOB: No. Why?"),
        ("", "Because."),
        ("ADA", "So."),
    ]


def test_a_word_and_a_colon_is_no_speaker(tmp_path: Path) -> None:
    lines = ["Question: what is a norm?", "A length.", "Remember: it is never negative.", "Question: why?", "Think."]
    document = read(tmp_path, "".join(f"{n}\n" + cue(n, n + 1, line) for n, line in enumerate(lines, 1)))
    assert [document.text_of(section) for section in document.sections] == lines


WORDS = st.text(st.characters(categories=["L", "P", "S", "N"], exclude_characters="{}<>&"), min_size=1, max_size=8)
LINE = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)
SPAN = st.tuples(st.integers(0, 20_000_000), st.integers(0, 100_000))
CUES = st.lists(st.tuples(SPAN, st.lists(LINE, min_size=1, max_size=3)), min_size=1, max_size=12)


@settings(max_examples=200, deadline=None)
@given(cues=CUES, web=st.booleans(), crlf=st.booleans())
def test_written_cues_read_back(
    tmp_path_factory: pytest.TempPathFactory, cues: list[tuple[tuple[int, int], list[str]]], web: bool, crlf: bool
) -> None:
    comma = "." if web else ","
    text = "WEBVTT\n\n" if web else ""
    expected = []
    for number, ((start, length), lines) in enumerate(cues, 1):
        # A token of its own keeps a cue from looking like a rolling caption, a number or a name.
        words = [f"n{number} {lines[0]}", *(f"m{line}" for line in lines[1:])]
        times = [f"{t // 3_600_000:02}:{t // 60_000 % 60:02}:{t // 1000 % 60:02}{comma}{t % 1000:03}"
                 for t in (start, start + length)]  # fmt: skip
        payload = "\n".join(html.escape(line) for line in words)
        text += f"{number}\n{times[0]} --> {times[1]}\n{payload}\n\n"
        expected.append((start / 1000, (start + length) / 1000, " ".join(words)))
    content = text.replace("\n", "\r\n") if crlf else text
    document = read(tmp_path_factory.mktemp("cues"), content, "talk.vtt" if web else "talk.srt")
    assert said(document) == sorted(expected, key=lambda row: row[0])
    assert document.warnings == ()


@settings(max_examples=200, deadline=None)
@given(
    cuts=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 20), st.binary(max_size=8)), max_size=8),
    web=st.booleans(),
)
def test_damaged_files_never_do_worse_than_a_reason(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[tuple[int, int, bytes]], web: bool
) -> None:
    data = ("WEBVTT\n\n" + SRT.replace(",", ".") if web else SRT * 3).encode()
    for at, length, other in cuts:
        data = data[:at] + other + data[at + length :]
    try:
        read(tmp_path_factory.mktemp("damaged"), data)
    except ReadError as error:
        assert "\n" not in error.reason


def test_a_huge_line_costs_no_more_than_its_length(tmp_path: Path) -> None:
    for piece in ("<", "<rt>", "{\\", "&", " ", "1:", "<v ", "-->", ">> "):
        text = "1\n00:00:01,000 --> 00:00:02,000\nx" + piece * (1_000_000 // len(piece))
        assert len(read(tmp_path, text).sections) == 1


def referees() -> list[Path]:
    return [*SHARED.glob("course-cs231n/*.srt"), *SHARED.glob("eval/mavils/*/transcript.srt")]


@pytest.mark.shared
@pytest.mark.skipif(not referees(), reason="no course data beside the checkout (../shared)")
@pytest.mark.parametrize("path", referees(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_cue_of_real_courses_survives(path: Path) -> None:
    document = subtitles.read(path)
    check(document)
    expected = []
    for item in srt.parse(path.read_text(encoding="utf-8-sig"), ignore_errors=True):
        start, end = item.start.total_seconds(), item.end.total_seconds()
        words = " ".join(item.content.split())
        if words:
            expected.append((start, max(start, end), words))
    assert said(document) == sorted(expected, key=lambda row: row[0])
    assert document.warnings == ()


def breakers() -> list[Path]:
    return sorted(p for p in SHARED.glob("eval/breakers/*") if p.suffix in subtitles.SUFFIXES)


@pytest.mark.shared
@pytest.mark.skipif(not breakers(), reason="no files that break readers beside the checkout (../shared)")
@pytest.mark.parametrize("path", breakers(), ids=lambda path: path.name)
def test_files_that_break_readers(path: Path) -> None:
    try:
        document = subtitles.read(path)
    except ReadError as error:
        assert "\n" not in error.reason
        assert referee_count(path) == 0, "a referee finds cues with words here"
        return
    check(document)
    assert len(document.sections) >= referee_count(path)


def referee_count(path: Path) -> int:
    """How many cues with words the well-kept libraries find, where they open the file at all."""
    readers = {".srt": webvtt.from_srt, ".vtt": webvtt.read, ".sbv": webvtt.from_sbv}
    try:
        by_webvtt = sum(1 for caption in readers[path.suffix](str(path)).captions if caption.text.strip())
        by_pysubs2 = sum(1 for event in pysubs2.load(str(path)).events if event.plaintext.strip())
    except (webvtt.errors.MalformedFileError, pysubs2.exceptions.Pysubs2Error, UnicodeDecodeError):
        return 0
    return min(by_webvtt, by_pysubs2)
