"""The sample course teaches what its sources say, and its questions point at places that exist."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lecta import read
from tests.conftest import COURSE, ROOT

ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in (COURSE / "questions.jsonl").read_text(encoding="utf-8").splitlines()
]


def test_there_are_thirty_questions_and_ten_on_nothing_in_it() -> None:
    assert sum(row["lecture"] is not None for row in ROWS) == 30
    assert [row["places"] for row in ROWS if row["lecture"] is None] == [[]] * 10
    assert len({row["id"] for row in ROWS}) == 40


@pytest.mark.parametrize("row", [row for row in ROWS if row["places"]], ids=lambda row: row["id"])
def test_every_place_of_an_answer_exists(row: dict[str, Any]) -> None:
    assert any(f"lecture-{row['lecture']:02d}" in place["source"] for place in row["places"])
    for place in row["places"]:
        path = COURSE / place["source"]
        if "page" in place:
            assert place["page"] in {section.page for section in read.read(path).sections}
        elif "heading" in place:
            assert re.search(rf"^#+ {re.escape(place['heading'])}$", path.read_text(encoding="utf-8"), re.MULTILINE)
        else:
            assert 0 <= place["start_time"] < place["end_time"]


def test_the_slides_and_recordings_are_those_of_the_sources(tmp_path: Path) -> None:
    pytest.importorskip("reportlab")
    subprocess.run([sys.executable, ROOT / "examples" / "make_course.py", tmp_path], check=True)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.*") if path.is_file())
    assert len(made) == 11
    for path in made:
        if path.suffix == ".pdf":  # bytes differ between versions of reportlab; words do not
            assert read.read(tmp_path / path).text == read.read(COURSE / path).text
        else:
            assert (tmp_path / path).read_text(encoding="utf-8") == (COURSE / path).read_text(encoding="utf-8")
