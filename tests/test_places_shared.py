"""Every place is true: a property of every stored passage of eleven real lectures."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pypdfium2
import pytest

from lecta import Library, read
from lecta.settings import load
from tests.conftest import LetterEmbedder

pytestmark = [pytest.mark.shared, pytest.mark.slow]


@pytest.fixture(scope="module")
def real(shared: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Three lectures of one course and eight of as many fields, with the letter embedder and without OCR."""
    library = Library(tmp_path_factory.mktemp("real"), settings=load(ocr=False), embedder=LetterEmbedder())
    report = library.add([shared("course-cs231n"), *sorted(shared("eval/mavils").iterdir())])
    lectures = [file for file in report.files if Path(file.path).suffix in {".pdf", ".srt"}]
    assert {file.status for file in lectures} == {"added"}
    assert {Path(file.path).name: file.status for file in report.files if file not in lectures} in (
        {}, {"labels.jsonl": "skipped"},
    )  # fmt: skip
    return library


@cache
def pages_of(path: str) -> list[str]:
    """Return the text of each page, as PDFium gives it."""
    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def spelled(text: str) -> str:
    """Return the letters and digits in one spelling: without ligatures, hyphens and spaces."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text))


def test_every_passage_is_a_slice_of_its_document(real: Library) -> None:
    texts = {record.source: real.find(record.path).text for record in real.documents()}
    passages = real.store.passages()
    assert len(passages) > 1500
    for passage in passages:
        assert passage.text == texts[passage.source][passage.start_index : passage.end_index]
        assert passage.text.strip()


def test_every_passage_of_speech_has_times_inside_its_file(real: Library) -> None:
    ends, starts = {}, {}
    for record in real.documents():
        if record.kind == "speech":
            cues = read.read(Path(record.path)).sections
            ends[record.source] = max(cue.end_time for cue in cues if cue.end_time is not None)
            starts[record.source] = min(cue.start_time for cue in cues if cue.start_time is not None)
    assert len(ends) == 11
    speech = [passage for passage in real.store.passages() if passage.kind == "speech"]
    for passage in speech:
        assert passage.start_time is not None
        assert passage.end_time is not None
        assert 0 <= starts[passage.source] <= passage.start_time <= passage.end_time <= ends[passage.source]
    assert {passage.source for passage in speech} == set(ends)


def test_every_passage_of_slides_is_on_its_page(real: Library) -> None:
    paths = {record.source: record.path for record in real.documents()}
    slides = [passage for passage in real.store.passages() if passage.kind == "slides"]
    assert len({passage.source for passage in slides}) == 11
    strange, told = 0, 0
    for passage in slides:
        assert passage.page is not None
        page = spelled(pages_of(paths[passage.source])[passage.page - 1])
        assert not Counter(spelled(passage.text)) - Counter(page), (passage.source, passage.page)
        words = re.findall(r"[^\W_]{4,}", unicodedata.normalize("NFKC", passage.text))
        told += len(words)
        strange += sum(word not in page for word in words)
    assert strange <= 0.002 * told, "words that PDFium's order of letters splits"
