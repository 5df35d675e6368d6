"""What a reader's process does of cleaning is what the adding one would do itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lecta import read
from lecta.clean import boilerplate
from lecta.clean.alone import cleaned, prepared, received
from lecta.clean.dedupe import signatures_of
from lecta.intake import AFTER_READING, File, Intake
from lecta.store import Entry
from lecta.types import Document, Kind, Section

ADVERTISEMENT = (
    "This video is sponsored by NordVault. Check out NordVault at nordvault.com, get 20% off with our code LECTURE, "
    "no subscription needed, and thank you to NordVault for sponsoring us."
)
TEXT = (
    "The gradient of the loss points uphill, so we go the other way.\n\n"
    f"{ADVERTISEMENT}\n\n"
    "The chain rule multiplies the local derivatives along the path from the loss to the weights.\n"
)


def _document(kind: Kind = "notes") -> Document:
    return Document(TEXT, (Section(0, len(TEXT), page=3, title="Gradients"),), kind, "text/2", source="a.txt")


def test_it_comes_through_json_as_it_is() -> None:
    document = _document()
    made = received(document, json.loads(json.dumps(prepared(document))))
    marked, flags = boilerplate.mark(document)
    assert flags
    assert made.sections == marked.sections
    assert made.signatures() == signatures_of(marked)
    assert made.undone() == document
    assert made == cleaned(document)


def _entry(folder: Path, document: Document, kind: Kind | None, monkeypatch: pytest.MonkeyPatch) -> Entry:
    monkeypatch.setattr(File, "said", lambda file: (None, kind))
    path = folder / "a.txt"
    return Intake(26, 512, []).entry(File(path, path, folder, None, "c"), document, "a.txt", "c", "0" * 64, "")


@pytest.mark.parametrize("kind", [None, "notes", "speech", "slides"])
def test_another_kind_is_cleaned_anew(kind: Kind | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = _document()
    ahead = _entry(tmp_path, cleaned(plain), kind, monkeypatch)
    after = _entry(tmp_path, plain, kind, monkeypatch)
    assert ahead.signatures == after.signatures
    assert ahead.passages == after.passages
    assert ahead.document.kind == (kind or "notes")


def test_the_process_that_reads_does_it(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(TEXT, encoding="utf-8")
    with read.Reading(read.Options(after=AFTER_READING)) as reading:
        assert reading.read(path) == cleaned(read.read(path))
