"""Every passage is a slice of its document, every word is in one, and none crosses a page."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from lecta.chunk import chunk
from lecta.types import Document, Section

_ALPHABET = st.sampled_from("abc é∂🙂.!?,\n\n \t-#$\\{}")
_PAGES = st.lists(st.text(_ALPHABET, max_size=400), min_size=1, max_size=5)


def _document(pages: list[str]) -> Document:
    sections, position = [], 0
    for number, page in enumerate(pages, 1):
        sections.append(Section(position, position + len(page), page=number, title=f"Slide {number}"))
        position += len(page) + 2
    return Document("\n\n".join(pages), tuple(sections), kind="slides", reader="test/1")


@given(_PAGES, st.integers(64, 200))
def test_passages_are_slices_and_hold_every_word_once(pages: list[str], size: int) -> None:
    document = _document(pages)
    passages = chunk(document, size)
    for passage in passages:
        assert passage.text == document.text[passage.start_index : passage.end_index]
        assert passage.text == passage.text.strip() != ""
        assert len(passage.text) <= size + size / 8
    assert [p.start_index for p in passages] == sorted(p.start_index for p in passages)
    assert all(left.end_index <= right.start_index for left, right in itertools.pairwise(passages))
    assert "".join("".join(p.text for p in passages).split()) == "".join("".join(pages).split())


@given(_PAGES)
def test_no_passage_crosses_a_page(pages: list[str]) -> None:
    document = _document(pages)
    for passage in chunk(document, 128):
        section = document.sections[(passage.page or 0) - 1]
        assert section.start_index <= passage.start_index < passage.end_index <= section.end_index


def test_lines_are_kept_whole_and_a_long_line_ends_at_sentences() -> None:
    text = "A first line.\n" + "This is a sentence of the long line. " * 6
    passages = chunk(Document(text, (Section(0, len(text)),), kind="notes", reader="test/1"), 100)
    assert passages[0].text.startswith("A first line.\n")
    assert all(passage.text.endswith(".") for passage in passages)


def test_cues_share_a_passage_and_keep_their_times() -> None:
    text = "so we multiply\nthe local derivatives\nalong the path"
    cues = (Section(0, 14, start_time=1.0, end_time=2.5), Section(15, 36, start_time=2.5, end_time=4.0),
            Section(37, 51, start_time=4.0, end_time=5.5))  # fmt: skip
    (passage,) = chunk(Document(text, cues, kind="speech", reader="test/1"))
    assert (passage.text, passage.start_time, passage.end_time) == (text, 1.0, 5.5)


def test_excluded_sections_and_text_outside_sections_are_left_out() -> None:
    text = "kept\nfooter\nan advertisement\nkept too"
    sections = (Section(0, 4), Section(12, 28, excluded="advertisement"), Section(29, 37))
    passages = chunk(Document(text, sections, kind="notes", reader="test/1"))
    assert [passage.text for passage in passages] == ["kept", "kept too"]


def test_a_crumb_at_the_end_joins_the_passage_before_it() -> None:
    text = "x" * 100 + "\n" + "y" * 5
    assert len(chunk(Document(text, (Section(0, len(text)),), kind="notes", reader="test/1"), 100)) == 1
