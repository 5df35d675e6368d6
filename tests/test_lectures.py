"""Files become lectures, and course.toml says it outright or is told exactly what is wrong with it."""

from __future__ import annotations

import datetime
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lecta.errors import UsageError
from lecta.lectures import group, load_course, parse_course
from lecta.types import DocumentRecord, Kind


def _row(source: str, kind: Kind = "slides", title: str = "", lecture: int | None = None) -> DocumentRecord:
    return DocumentRecord(source, source, f"/x/{source}", kind, "dl", lecture, title, "", "text/1", "", 10, 100)


def test_files_of_one_number_are_one_lecture_titled_by_its_slides() -> None:
    rows = [
        _row("transcripts/dl-2324-02-english.txt", "speech"),
        _row("slides/dl-02.md", "slides", "Training neural networks"),
        _row("slides/dl-01.md", "slides", "Introduction"),
        _row("slides/dl-10.md", "slides", "Transformers"),
    ]
    lectures = group(rows)
    assert [(lecture.order, lecture.number, lecture.title) for lecture in lectures] == [
        (1, 1, "Introduction"),
        (2, 2, "Training neural networks"),
        (3, 10, "Transformers"),
    ]
    assert lectures[1].kinds == {"speech": 1, "slides": 1}
    assert lectures[1].passages == 20


def test_a_series_numbers_the_one_whose_name_alone_says_nothing() -> None:
    rows = [_row(f"ai-{number:02}.pdf", title=f"Topic {chr(64 + number)}") for number in range(1, 13)]
    assert [lecture.number for lecture in group(rows)] == list(range(1, 13))
    assert group([_row("gpt-4.pdf")])[0].number is None


def test_dated_lectures_come_in_the_order_of_their_days() -> None:
    rows = [_row("2024-03-19-attention.pdf"), _row("2024-03-12-rnn.pdf"), _row("2024-03-12-rnn.vtt", "speech")]
    assert [(lecture.title, len(lecture.sources)) for lecture in group(rows)] == [("Rnn", 2), ("Attention", 1)]


def test_a_folder_holds_one_unnumbered_lecture() -> None:
    rows = [
        _row("ML_for_health/slides.pdf"),
        _row("ML_for_health/transcript.srt", "speech"),
        _row("numerics/slides.pdf"),
    ]
    assert [(lecture.title, len(lecture.sources)) for lecture in group(rows)] == [("ML for health", 2), ("Numerics", 1)]


def test_the_first_heading_may_say_the_number() -> None:
    assert group([_row("training.md", title="NPFL138, Lecture 3")])[0].number == 3


def test_course_toml_has_the_last_word() -> None:
    course = parse_course(
        """
        title = "Deep Learning"
        [[lecture]]
        number = 7
        title = "Attention"
        date = 2024-03-19
        files = ["odd names/*.pdf", "talk.md"]
        [[kind]]
        kind = "speech"
        files = ["**/*.txt"]
        """
    )
    root = PurePosixPath("dl")
    rows = [_row("dl/odd names/lecture 3.pdf"), _row("dl/talk.md", "notes"), _row("dl/lecture 3.md", "notes")]
    lectures = group(rows, root, course)
    assert [(lecture.number, lecture.title, len(lecture.sources)) for lecture in lectures] == [
        (3, "Lecture 3", 1),
        (7, "Attention", 2),
    ]
    assert lectures[1].date == datetime.date(2024, 3, 19)
    assert course.kind(PurePosixPath("a/b/words.txt")) == "speech"
    assert course.kind(PurePosixPath("words.txt")) == "speech"
    assert course.kind(PurePosixPath("words.md")) is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("titel = 'x'", 'unknown key "titel"'),
        ("[[lecture]]\nnumber = 1\nfile = ['a']\nfiles = ['a']", 'unknown key "lecture[1].file"'),
        ("[[lecture]]\nnumber = 1", "lecture[1].files is missing"),
        ("[[lecture]]\nnumber = '1'\nfiles = ['a']", "lecture[1].number is '1'"),
        ("[[lecture]]\nnumber = 1\nfiles = ['../a']", "lecture[1].files holds '../a', which leaves the folder"),
        ("[[lecture]]\nnumber = 1\nfiles = ['/etc/a']", "leaves the folder"),
        ("[[lecture]]\nnumber = 1\nfiles = ['C:\\a']", "leaves the folder"),
        ("[[lecture]]\nnumber = 1\nfiles = ['a[b']", "unclosed bracket"),
        ("[[lecture]]\nnumber = 1\nfiles = [3]", "not a path or a pattern"),
        ("[[lecture]]\nfiles = ['a']", "needs a number or a title"),
        ("[[lecture]]\nnumber = 1\ndate = 'May'\nfiles = ['a']", "lecture[1].date is 'May'"),
        ("[[kind]]\nkind = 'film'\nfiles = ['a']", 'kind[1].kind is "film"'),
        ("[[lecture]]\nnumber = 1\nfiles = ['a']\n[[lecture]]\nnumber = 1\nfiles = ['b']", "given twice"),
        ("lecture = 3", "lecture is 3"),
        ("title = ", "is no TOML"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_key(text: str, names: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_course(text, "dl/course.toml")
    assert "dl/course.toml" in str(caught.value)
    assert names in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_the_page_has_none(tmp_path: Path) -> None:
    assert load_course(tmp_path) is None
    (tmp_path / "course.toml").write_bytes(b"\xef\xbb\xbftitle = 'DL'")
    loaded = load_course(tmp_path)
    assert loaded is not None
    assert loaded.title == "DL"


_NAMES = st.sampled_from(["slides", "02-rnn", "lecture 3", "2024-03-12", "gpt-4", "notes", "ai-07", "a b", "第3讲"])


@given(st.lists(st.tuples(_NAMES, _NAMES), unique=True, max_size=12))
def test_each_file_is_in_exactly_one_lecture(names: list[tuple[str, str]]) -> None:
    rows = [_row(f"{folder}/{name}.pdf") for folder, name in names]
    lectures = group(rows)
    assert sorted(source for lecture in lectures for source in lecture.sources) == sorted(row.source for row in rows)
    assert [lecture.order for lecture in lectures] == list(range(1, len(lectures) + 1))
