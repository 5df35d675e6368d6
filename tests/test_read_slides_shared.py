"""The readers of slides on real courses and on files made to break readers; skipped where those are absent."""

from __future__ import annotations

import re
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest

from lecta.errors import ReadError
from lecta.read import deck, pdf
from lecta.read.limits import Worker

SHARED = Path(__file__).parents[1].parent / "shared"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason=f"no course data at {SHARED}"),
]

PDFS = sorted([*SHARED.glob("course-*/**/*.pdf"), *SHARED.glob("eval/mavils/*/slides.pdf")])
BREAKERS = sorted([*SHARED.glob("eval/breakers/*.pdf"), *SHARED.glob("eval/breakers/*.fuzz")])


def letters(text: str) -> Counter[str]:
    """Return the characters of a text in one spelling: no spaces, hyphens, ligatures or control characters."""
    return Counter(re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text)))


def texts_of_pages(path: Path) -> list[str]:
    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


@pytest.mark.parametrize("path", PDFS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_section_is_on_its_page_and_nothing_is_lost(path: Path) -> None:
    document = pdf.read(path, ocr=False)
    pages = texts_of_pages(path)
    end = 0
    for section in document.sections:
        assert section.page is not None and end <= section.start_index < section.end_index
        end = section.end_index
        words = letters(document.text_of(section))
        assert not words - letters(pages[section.page - 1]), f"page {section.page}"
        # Each of its words too, not only its letters.
        known = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", pages[section.page - 1]))
        told_words = re.findall(r"[^\W_]{4,}", unicodedata.normalize("NFKC", document.text_of(section)))
        strange = [word for word in told_words if word not in known]
        assert len(strange) <= 0.02 * len(told_words), strange
    told = letters(document.text)
    lost = letters("".join(pages)) - told
    assert lost.total() <= 0.001 * told.total(), "every character is in the document, indexed or not"


def some_pdfs(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yield every fifth breaker under the name of a PDF, and whether PDFium itself finds text in it."""
    for path in BREAKERS[::5]:
        copy = folder / f"{path.stem}.pdf"
        copy.write_bytes(path.read_bytes())
        try:
            yield copy, any(text.strip() for text in texts_of_pages(copy))
        except pypdfium2.PdfiumError:
            yield copy, False


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_breakers_are_read_or_refused_with_a_reason(tmp_path: Path) -> None:
    if not BREAKERS:
        pytest.skip(f"no breakers in {SHARED}")
    with_text = read = 0
    with Worker(seconds=10) as worker:
        for path, has_text in some_pdfs(tmp_path):
            started = time.monotonic()
            with_text += has_text
            try:
                document = worker.read(path)
                read += has_text
                assert document.sections
            except ReadError as error:
                assert error.reason and "\n" not in error.reason and "reader failed" not in error.reason, path.name
                assert has_text is False or "hung" in error.reason or "crashed" in error.reason, (
                    path.name,
                    error.reason,
                )
            assert time.monotonic() - started < 30, path.name
    assert read >= 0.98 * with_text, f"{read} of {with_text}"


@pytest.mark.slow
def test_pages_that_are_pictures_are_found_by_ocr() -> None:
    pytest.importorskip("rapidocr")
    path = SHARED / "eval/mavils/solar_resource/slides.pdf"
    if not path.exists():
        pytest.skip(f"no {path.name}")
    without = {section.page for section in pdf.read(path, ocr=False).sections}
    found = [section for section in pdf.read(path).sections if section.page not in without]
    assert found and all(section.confidence and section.confidence > 0.5 for section in found)


@pytest.mark.parametrize("path", sorted(SHARED.glob("course-*/slides-md/*.md")), ids=lambda path: path.stem)
def test_markdown_decks_keep_their_words_and_lose_their_layout(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert deck.is_deck(source)
    document = deck.document(source)
    for section in document.sections:
        words = document.text_of(section)
        assert not re.search(r"^~~~|!\[|^(?:class|section|style): ", words, re.MULTILINE), section.page
    formulas = [formula for formula in re.findall(r"\$\$.+?\$\$", source, re.DOTALL) if "~~~" not in formula]
    kept = sum(formula in document.text for formula in formulas)
    assert kept == len(formulas), "displayed mathematics is untouched"
