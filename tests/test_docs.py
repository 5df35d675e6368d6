"""The documentation says what the code does."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import lecta
from docs.generate import commands
from tests.conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.md")])


def test_help_text_and_settings_in_the_docs_are_true() -> None:
    files = [str(path) for path in (ROOT / "docs").glob("*.md")]
    command = [sys.executable, "-m", "cogapp", "--check", *files]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"run `make docs`\n{run.stdout}{run.stderr}"


def test_commands_named_in_the_docs_exist() -> None:
    known = {words[0] for words in commands()}
    for page in PAGES:
        for name in re.findall(r"(?:`|bin/|\$ )lecta ([a-z-]+)", page.read_text(encoding="utf-8")):
            assert name in known, f"{page.name} names lecta {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: object) -> None:
    assert hasattr(page, "read_text")
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page} links to {target}"  # type: ignore[attr-defined]


def test_the_public_door_is_what_is_exported() -> None:
    assert sorted(lecta.__all__) == lecta.__all__
    for name in lecta.__all__:
        assert getattr(lecta, name) is not None
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"from lecta import (.+)", readme):
        assert name in lecta.__all__


def test_make_targets_named_in_the_docs_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        for name in re.findall(r"(?:`|^)make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
            assert name in targets, f"{page.name} names make {name}"


def test_no_page_names_a_machines_path() -> None:
    for page in PAGES:
        assert not re.search(r"/(?:work|tmp|root|home)/", page.read_text(encoding="utf-8")), page.name
