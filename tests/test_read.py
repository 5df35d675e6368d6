"""Reading text and PDFs: what stands where, and one clear reason when nothing can be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lecta import read
from lecta.errors import ReadError
from lecta.read.text import decode
from lecta.types import Document
from tests.conftest import COURSE


def _read(path: Path, content: bytes | str) -> Document:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read.read(path)


def test_a_pdf_is_read_page_by_page() -> None:
    document = read.read(COURSE / "lecture-02-chain-rule" / "slides.pdf")
    assert document.kind == "slides"
    assert [section.page for section in document.sections] == list(range(1, 14))
    pages = {section.page: document.text_of(section) for section in document.sections}
    assert "∂L/∂w₁" in "".join(pages.values())


def test_line_ends_and_marks_of_a_text_file(tmp_path: Path) -> None:
    document = _read(tmp_path / "a.txt", b"\xef\xbb\xbfone\r\ntwo\rthree\n")
    assert document.text == "one\ntwo\nthree\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1250"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    text = "Řetízkové pravidlo násobí místní derivace podél cesty a součet jde přes všechny cesty.\n" * 3
    assert _read(tmp_path / "a.txt", text.encode(encoding)).text == text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_utf8_text_is_decoded_as_it_is(text: str) -> None:
    assert decode(text.encode()) == text.removeprefix("\ufeff")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "empty"),
        ("a.txt", b" \n\t\n", "no text"),
        ("a.txt", bytes(range(256)) * 40, "not a text file"),
        ("a.txt", b"\x7fELF\x02\x01\x01" + b"\0" * 500, "not a text file"),
        ("a.pdf", b"", "empty"),
        ("a.pdf", b"hello, I am no PDF at all", "not a PDF"),
        ("a.pdf", b"%PDF-1.4\n1 0 obj\n<</Type/Catalog", "damaged"),
        ("a.xyz", b"something", "does not read .xyz"),
    ],
)
def test_what_cannot_be_read_has_one_clear_reason(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(ReadError, match=reason) as caught:
        _read(tmp_path / name, content)
    assert "\n" not in caught.value.reason


def test_a_cut_pdf_gives_the_pages_that_are_left_or_a_reason(tmp_path: Path) -> None:
    whole = (COURSE / "lecture-01-two-layer-network" / "slides.pdf").read_bytes()
    for share in (0.3, 0.6, 0.9):
        try:
            assert _read(tmp_path / "a.pdf", whole[: int(len(whole) * share)]).text.strip()
        except ReadError as error:
            assert error.reason


def test_a_file_that_is_gone_or_a_folder_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="cannot be opened"):
        read.read(tmp_path / "nothing.txt")
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(ReadError):
        read.read(tmp_path / "folder.txt")


def test_markdown_decks_have_slides_and_notes_have_headings(tmp_path: Path) -> None:
    deck = _read(tmp_path / "a.md", "# One\ntext\n---\n# Two\nmore\n---\n# Three\n---\nno heading")
    assert [(s.page, s.title) for s in deck.sections] == [(1, "One"), (2, "Two"), (3, "Three"), (4, "no heading")]
    assert deck.kind == "slides"
    notes = _read(tmp_path / "b.md", "before\n# One\ntext\n## Two\nmore\n")
    assert [(s.page, s.title) for s in notes.sections] == [(None, ""), (None, "One"), (None, "Two")]
    assert (notes.kind, notes.title) == ("notes", "One")


def test_a_transcript_is_speech_by_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "week-2"
    folder.mkdir()
    assert _read(folder / "lecture-2-transcript.txt", "so hello everybody").kind == "speech"
    assert _read(folder / "summary.txt", "In short.").kind == "notes"
