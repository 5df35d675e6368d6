"""The table is the specification: what a person would say of each name."""

from __future__ import annotations

import datetime
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lecta.lectures.naming import lecture_date, lecture_number, lecture_title, number_in_heading, title_in_heading

NAMES: list[tuple[str, int | None, str]] = [
    # a word before the number
    ("lecture04.srt", 4, "Lecture 4"),
    ("Lecture 12.pdf", 12, "Lecture 12"),
    ("Lecture-7-slides.pptx", 7, "Lecture 7"),
    ("lec3.md", 3, "Lecture 3"),
    ("lec02b.pdf", 2, "Lecture 2"),
    ("L3_slides.pdf", 3, "Lecture 3"),
    ("l07-dynamic-programming.pdf", 7, "Dynamic programming"),
    ("week_10/notes.md", 10, "Week 10"),
    ("Week 3/Reading/chapter.html", 3, "Week 3"),
    ("W10_transcript.vtt", 10, "W10"),
    ("Chapter 7.docx", 7, "Chapter 7"),
    ("ch05_entropy.tex", 5, "Entropy"),
    ("Lecture 5 - Convolutional Networks.mp4", 5, "Convolutional Networks"),
    ("CS231n Lecture 4 - Backpropagation.pdf", 4, "Backpropagation"),
    ("lecture_notes_3.pdf", 3, "Lecture 3"),
    ("Lecture Notes 11 Markov chains.pdf", 11, "Markov chains"),
    ("Lecture #6.txt", 6, "Lecture 6"),
    ("lecture no. 8.txt", 8, "Lecture 8"),
    ("Lecture IV.pdf", 4, "Lecture 4"),
    ("lecture two.txt", 2, "Lecture 2"),
    ("2nd lecture.txt", 2, "Lecture 2"),
    ("12. Vorlesung.pdf", 12, "Lecture 12"),
    ("Přednáška 3 – řetězové pravidlo.pdf", 3, "Řetězové pravidlo"),
    ("cours-5-algebre.pdf", 5, "Algebre"),
    ("第3讲 反向传播.pdf", 3, "反向传播"),
    ("第十二讲.pdf", 12, "Lecture 12"),
    ("lecture04.en.vtt", 4, "Lecture 4"),
    ("Lecture 9 part 2.mp4", 9, "Lecture 9"),
    ("lecture-2024-03-12.pdf", None, "2024-03-12"),
    ("18.06_lec23.pdf", 23, "Lecture 23"),
    ("6.S191 Lecture 2.pdf", 2, "Lecture 2"),
    ("Lecture 3 - Loss functions [h7iBpEHGVNc].mp4", 3, "Loss functions"),
    # a number that leads
    ("02-chain-rule/slides.pdf", 2, "Chain rule"),
    ("02-chain-rule/01-intro.pdf", 2, "Chain rule"),
    ("03_optimization.md", 3, "Optimization"),
    ("3. Bayes' rule.md", 3, "Bayes' rule"),
    ("07b-recurrent-nets.pdf", 7, "Recurrent nets"),
    ("04 - Graph search.ipynb", 4, "Graph search"),
    ("01 Slides/05-backprop.pdf", 5, "Backprop"),
    ("05/slides.pdf", 5, "Lecture 5"),
    ("12.pdf", 12, "Lecture 12"),
    ("week 2/03-demo.mp4", 2, "Week 2"),
    ("lecture 5/homework2.pdf", 5, "Lecture 5"),
    # all that is left
    ("npfl138-2324-02-english.txt", 2, "Lecture 2"),
    ("npfl138-2324-14-english.txt", 14, "Lecture 14"),
    ("npfl138-03.md", 3, "Lecture 3"),
    ("slides-md/npfl138-14.md", 14, "Lecture 14"),
    ("slides5.pdf", 5, "Lecture 5"),
    ("slides-11.pdf", 11, "Lecture 11"),
    ("backprop_07.pdf", 7, "Backprop"),
    ("cs229-notes-3.pdf", 3, "Lecture 3"),
    ("fall2019-notes-04.pdf", 4, "Lecture 4"),
    ("dl05.pdf", 5, "Dl"),
    # no lecture's number
    ("2024-03-12-attention.pdf", None, "Attention"),
    ("12.3.2024 Hash tables.pdf", None, "Hash tables"),
    ("20240312_queues.mp4", None, "Queues"),
    ("GMT20240312-140005_Recording_1920x1080.mp4", None, "2024-03-12"),
    ("ML_for_health/slides.pdf", None, "ML for health"),
    ("npfl138.pdf", None, "Npfl138"),
    ("gpt-4.pdf", None, "Gpt 4"),
    ("resnet50.pdf", None, "Resnet50"),
    ("word2vec.md", None, "Word2vec"),
    ("3d-vision.pdf", None, "3d vision"),
    ("l10n.md", None, "L10n"),
    ("homework 2.pdf", None, "Homework 2"),
    ("hw02.pdf", None, "Hw02"),
    ("notes (1).pdf", None, "Notes (1)"),
    ("draft v2.md", None, "Draft v2"),
    ("figure-3.html", None, "Figure 3"),
    ("2023-24 syllabus.pdf", None, "Syllabus"),
    ("What is it.md", None, "What is it"),
    ("MATH101 Linear maps.pdf", None, "Linear maps"),
    ("C++ templates.md", None, "C++ templates"),
    ("README.md", None, "README"),
]


@pytest.mark.parametrize(("name", "number", "title"), NAMES, ids=[row[0] for row in NAMES])
def test_each_name_as_a_person_reads_it(name: str, number: int | None, title: str) -> None:
    root = PurePosixPath("/home/ada/course")
    assert (lecture_number(root / name, root), lecture_title(root / name, root, "")) == (number, title)


def test_the_table_is_large_enough() -> None:
    assert len(NAMES) >= 60


def test_names_in_folders_above_the_root_do_not_count() -> None:
    root = PurePosixPath("/lecture 9/course")
    assert lecture_number(root / "slides.pdf", root) is None
    assert lecture_number(PurePosixPath("/lecture 9/course/slides.pdf"), None) is None


def test_the_root_itself_counts_only_with_a_word() -> None:
    assert lecture_number(PurePosixPath("/x/Week 3/slides.pdf"), PurePosixPath("/x/Week 3")) == 3
    assert lecture_number(PurePosixPath("/x/07 teaching/slides.pdf"), PurePosixPath("/x/07 teaching")) is None


def test_without_a_root_the_nearest_folder_counts() -> None:
    assert lecture_number(PurePosixPath("week_10/notes.md"), None) == 10


@pytest.mark.parametrize(
    ("heading", "number", "title"),
    [
        ("NPFL138, Lecture 2", 2, ""),
        ("Lecture 2: The chain rule", 2, "The chain rule"),
        ("Chapter 7. Entropy", None, "Entropy"),
        ("2. Entropy and information", None, "Entropy and information"),
        ("Training Neural Networks II", None, "Training Neural Networks II"),
        ("Lecture 4: Backpropagation - April 13, 2017", 4, "Backpropagation"),
        ("What GPT-4 learned", None, "What GPT-4 learned"),
        ("", None, ""),
    ],
)
def test_headings(heading: str, number: int | None, title: str) -> None:
    assert (number_in_heading(heading), title_in_heading(heading)) == (number, title)


def test_a_heading_gives_the_title_where_the_name_has_none() -> None:
    path = PurePosixPath("lecture04.srt")
    assert lecture_title(path, None, "Lecture 4: Backpropagation") == "Backpropagation"
    assert lecture_title(PurePosixPath("04-attention.pdf"), None, "Lecture 4: Contents") == "Attention"


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("2024-03-12-attention.pdf", datetime.date(2024, 3, 12)),
        ("20240312.mp4", datetime.date(2024, 3, 12)),
        ("12.3.2024 queues.pdf", datetime.date(2024, 3, 12)),
        ("09-30-2025.txt", datetime.date(2025, 9, 30)),
        ("12 March 2024.md", datetime.date(2024, 3, 12)),
        ("Mar 12, 2024.md", datetime.date(2024, 3, 12)),
        ("2024-Mar-12.md", datetime.date(2024, 3, 12)),
        ("2024_03_12/slides.pdf", datetime.date(2024, 3, 12)),
        ("03-04-2024.md", None),
        ("2024-02-31.md", None),
        ("lecture 3.md", None),
    ],
)
def test_dates(name: str, day: datetime.date | None) -> None:
    assert lecture_date(PurePosixPath(name), None) == day


@given(st.text(min_size=1, max_size=40).filter(lambda name: "/" not in name and "\0" not in name))
def test_no_name_is_too_strange(name: str) -> None:
    path = PurePosixPath(name)
    number = lecture_number(path, None)
    assert number is None or 0 <= number <= 999
    assert isinstance(lecture_title(path, None, name), str)
    lecture_date(path, None)
