"""Files that break readers, all in one `add`: none stops the rest, and each is told of truly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest

from lecta import Library
from lecta.settings import load
from lecta.types import FileReport
from tests.conftest import LetterEmbedder

pytestmark = [pytest.mark.shared, pytest.mark.slow]


@pytest.fixture(scope="module")
def reports(shared: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[FileReport, ...]:
    library = Library(tmp_path_factory.mktemp("breakers"), settings=load(ocr=False), embedder=LetterEmbedder())
    files = library.add([shared("eval/breakers")]).files
    for passage in library.store.passages():
        document = library.document(passage.source)
        assert document is not None
        assert document.text[passage.start_index : passage.end_index] == passage.text
    return files


def test_every_file_has_a_status_and_a_reason_in_one_line(
    shared: Callable[[str], Path], reports: tuple[FileReport, ...]
) -> None:
    assert len(reports) == sum(path.is_file() for path in shared("eval/breakers").iterdir())
    for report in reports:
        assert report.status == "added" or report.reason, report
        assert "\n" not in report.reason
        assert "reader failed" not in report.reason, report
        assert "hung" not in report.reason, report
        assert "crashed" not in report.reason, report


def test_every_reason_is_true_and_where_there_are_words_they_are_added(reports: tuple[FileReport, ...]) -> None:
    with_words, without = 0, []
    for report in reports:
        if Path(report.path).suffix != ".pdf":
            continue
        try:
            with pypdfium2.PdfDocument(report.path) as document:
                words = "".join(page.get_textpage().get_text_bounded() for page in document)
        except pypdfium2.PdfiumError as error:
            assert report.status == "failed", (report, error)
            assert ("password" in report.reason) == ("password" in str(error).lower()), (report, error)
            continue
        if any(character.isalnum() for character in words):
            with_words += 1
            without += [report] if report.status not in {"added", "duplicate"} else []
    assert with_words > 100
    assert len(without) <= 0.02 * with_words, without
