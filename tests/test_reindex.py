"""A library made anew: killed at every step, read and added to meanwhile."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from lecta import Library, LibraryError
from lecta.protocols import Vectors
from lecta.settings import load
from lecta.store import Store
from lecta.types import DocumentRecord, Passage
from tests.conftest import ROOT, LetterEmbedder


class PairEmbedder(LetterEmbedder):
    """The letters twice over: other vectors, of another length, in which the same passages are near."""

    name = "pairs/1"
    dimension = 52

    def __init__(self) -> None:
        self.embedded: list[str] = []
        self.on_batch: Callable[[], object] = lambda: None

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        self.on_batch()
        return self.embed_queries(texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        single = LetterEmbedder().embed_documents(texts)
        twice: Vectors = (np.concatenate([single, single], axis=1) / np.sqrt(2)).astype(np.float32)
        return twice


@pytest.fixture
def pairs() -> PairEmbedder:
    return PairEmbedder()


@pytest.fixture
def path(library: Library, lectures: Path) -> Path:
    """A library by the letter embedder."""
    library.add([lectures])
    return library.path


def _open(path: Path, embedder: LetterEmbedder, **given: int) -> Library:
    return Library(path, settings=load(**given), embedder=embedder)


def _held(library: Library) -> tuple[list[DocumentRecord], list[Passage], set[tuple[str, int, str]]]:
    marks = {(mark.source, mark.ordinal, mark.copy_of) for mark in library.store.signatures()}
    return library.documents(), library.store.passages(), marks


def test_everything_stays_but_the_vectors(path: Path, letters: LetterEmbedder, pairs: PairEmbedder) -> None:
    before = _held(_open(path, letters))
    with pytest.raises(LibraryError, match=r"'letters/1'.*'pairs/1'.*`lecta reindex`"):
        _open(path, pairs).documents()
    steps: list[tuple[int, int]] = []
    report = _open(path, pairs).reindex(on_document=lambda done, total: steps.append((done, total)))
    assert (report.was["embedder"], report.now["embedder"], report.now["dimension"]) == ("letters/1", "pairs/1", 52)
    assert (report.documents, report.passages, report.read_again) == (3, 3, ())
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert _held(_open(path, pairs)) == before
    hit = _open(path, pairs).search("multiply the local derivatives along the path").hits[0]
    assert hit.passage.lecture == 2
    with pytest.raises(LibraryError, match="'pairs/1'"):
        _open(path, letters).search("anything")


def test_the_same_recipe_is_nothing_to_do(path: Path, letters: LetterEmbedder) -> None:
    before = (path / "state.json").read_bytes()
    assert _open(path, letters).reindex().was["embedder"] == "letters/1"
    assert (path / "state.json").read_bytes() == before


def test_an_empty_library_says_so(tmp_path: Path, letters: LetterEmbedder) -> None:
    with pytest.raises(LibraryError, match="empty"):
        _open(tmp_path / "none", letters).reindex()


def test_afterwards_it_is_a_library_like_any(path: Path, lectures: Path, pairs: PairEmbedder) -> None:
    library = _open(path, pairs)
    library.reindex()
    assert {file.status for file in library.add([lectures]).files} == {"unchanged"}
    (lectures / "lecture-04-pooling.md").write_text("# Pooling\n\nThe maximum of a window.\n", encoding="utf-8")
    library.add([lectures])
    assert library.search("maximum of a window", 1).hits[0].passage.lecture == 4
    library.remove(lectures / "lecture-01-gradients.md")
    assert [record.lecture for record in library.documents()] == [2, 3, 4]


def test_there_and_back_leaves_one_copy_of_the_tables(
    path: Path, lectures: Path, letters: LetterEmbedder, pairs: PairEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _held(_open(path, letters))
    _open(path, pairs).reindex()
    library = _open(path, letters)
    library.reindex()
    assert _held(library) == before
    hour_later = time.time() + 3601
    monkeypatch.setattr("lecta.store.upkeep.time.time", lambda: hour_later)
    (lectures / "lecture-04-pooling.md").write_text("# Pooling\n\nThe maximum of a window.\n", encoding="utf-8")
    library.add([lectures])
    assert sorted(found.name for found in path.iterdir() if found.is_dir()) == ["tables-2"]
    assert len(library.documents()) == 4


def test_interrupted_it_goes_on_where_it_stopped_and_the_old_serves(
    path: Path, letters: LetterEmbedder, pairs: PairEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lecta.reindexing._COMMIT_PASSAGES", 1)

    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _open(path, pairs).reindex(on_document=interrupt)
    assert len(_open(path, letters).search("the gradient", 9).hits) == 3
    assert len(pairs.embedded) == 2
    _open(path, pairs).reindex()
    assert len(pairs.embedded) == 3
    assert len(_open(path, pairs).search("the gradient", 9).hits) == 3


def test_what_another_embedder_began_is_not_mixed_in(
    path: Path, letters: LetterEmbedder, pairs: PairEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Third(PairEmbedder):
        name = "third/1"

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lecta.reindexing._COMMIT_PASSAGES", 1)
    with pytest.raises(KeyboardInterrupt):
        _open(path, pairs).reindex(on_document=interrupt)
    third = Third()
    _open(path, third).reindex()
    assert len(third.embedded) == 3


def test_what_is_added_changed_and_removed_meanwhile_is_taken_along(
    path: Path, lectures: Path, letters: LetterEmbedder, pairs: PairEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lecta.reindexing._COMMIT_PASSAGES", 1)
    other = _open(path, letters)
    changes: Iterator[Callable[[], object]] = iter([
        lambda: (lectures / "lecture-04-pooling.md").write_text("# Pooling\n\nThe maximum of a window.\n"),
        lambda: (lectures / "lecture-01-gradients.md").write_text("# Gradients\n\nIt points to the summit.\n"),
        lambda: (lectures / "lecture-03-transcript.txt").rename(lectures / "lecture-05-transcript.txt"),
    ])  # fmt: skip

    def meanwhile() -> None:
        change = next(changes, None)
        if change:
            change()
            other.add([lectures], prune=True)

    pairs.on_batch = meanwhile
    _open(path, pairs).reindex()
    library = _open(path, pairs)
    fresh = _open(path.parent / "fresh", pairs)
    fresh.add([lectures])
    assert {record.source for record in library.documents()} == {record.source for record in fresh.documents()}
    assert sorted(map(repr, library.store.passages())) == sorted(map(repr, fresh.store.passages()))
    (lectures / "lecture-06-late.md").write_text("# Late\n\nToo late.\n")
    with pytest.raises(LibraryError):  # it embeds as the library did when it was opened
        other.add([lectures])


def test_a_reader_that_is_open_finds_all_along_and_then_says_what_happened(
    path: Path, letters: LetterEmbedder, pairs: PairEmbedder
) -> None:
    reader = _open(path, letters)
    found: list[int] = []
    pairs.on_batch = lambda: found.append(len(reader.search("the gradient", 9).hits))
    held = reader.store
    _open(path, pairs).reindex()
    assert set(found) == {3}
    with pytest.raises(LibraryError, match="reindexed by another process"):
        held.passages()


def test_two_at_once_are_refused(path: Path, pairs: PairEmbedder) -> None:
    refused: list[str] = []

    def second() -> None:
        with pytest.raises(LibraryError) as caught:
            _open(path, PairEmbedder()).reindex()
        refused.append(str(caught.value))

    pairs.on_batch = second
    _open(path, pairs).reindex()
    assert refused
    assert "being reindexed by another process" in refused[0]


def test_another_passage_size_cuts_the_stored_text_again(tmp_path: Path, letters: LetterEmbedder) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    words = "The gradient points uphill and the step goes down. A smaller step takes longer but does not overshoot. "
    (folder / "one.md").write_text("# One\n\n" + "".join(f"Point {i}. {words}" for i in range(9)), encoding="utf-8")
    (folder / "two.md").write_text("# Two\n\nMultiply the local derivatives along the path.\n", encoding="utf-8")
    library = _open(tmp_path / "library", letters)
    library.add([folder])
    shutil.move(folder, tmp_path / "elsewhere")  # no file is read again
    smaller = _open(tmp_path / "library", letters, passage_size=128)
    assert str(smaller.reindex().now["chunker"]).startswith("places-1/128/")
    shutil.move(tmp_path / "elsewhere", folder)
    fresh = _open(tmp_path / "fresh", letters, passage_size=128)
    fresh.add([folder])
    assert smaller.store.passages() == fresh.store.passages()
    assert [record.sha256 for record in smaller.documents()] == [record.sha256 for record in fresh.documents()]
    assert {file.status for file in smaller.add([folder]).files} == {"unchanged"}


def test_another_reader_keeps_the_text_until_the_files_are_added_again(
    path: Path, lectures: Path, letters: LetterEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lecta.read.RECIPE", "next")
    library = _open(path, letters)
    with pytest.raises(LibraryError, match=r"reader '.+' and now reader 'next'.*`lecta reindex`"):
        library.documents()
    report = library.reindex()
    assert len(report.read_again) == 3
    assert len(library.search("the gradient", 9).hits) == 3
    assert {file.status for file in library.add([lectures]).files} == {"updated"}
    assert {file.status for file in library.add([lectures]).files} == {"unchanged"}


def test_a_library_deleted_and_made_anew_is_not_mistaken_for_the_old(
    path: Path, lectures: Path, letters: LetterEmbedder
) -> None:
    reader = _open(path, letters)
    assert len(reader.search("the gradient", 9).hits) == 3
    before = (path / "state.json").read_text(encoding="utf-8")
    shutil.rmtree(path)
    for file in lectures.iterdir():
        file.write_text(f"Quick brown foxes jump over {file.stem}\n", encoding="utf-8")
    _open(path, letters).add([lectures])
    assert (path / "state.json").read_text(encoding="utf-8") == before  # the same versions
    assert all("foxes" in hit.passage.text for hit in reader.search("the gradient", 9).hits)


# --- killed between steps ---------------------------------------------------------------------------------------------

KILLED = """
import os, sys
from lecta import Library
from lecta.settings import load
from lecta.store import Store
from tests.test_reindex import PairEmbedder

left = int(sys.argv[2])

def counted(method):
    def wrapper(*args):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return method(*args)
    return wrapper

for name in ("_write", "_publish", "_roll_back", "_replace_file", "_clear_old", "_index", "fingerprints"):
    setattr(Store, name, counted(getattr(Store, name)))
Library(sys.argv[1], settings=load(), embedder=PairEmbedder()).reindex()
"""


@pytest.mark.slow
def test_killed_before_a_step_it_is_the_old_or_the_new_and_completes(
    path: Path, tmp_path: Path, letters: LetterEmbedder, pairs: PairEmbedder
) -> None:
    expected = _held(_open(path, letters))
    seen = set()
    for steps in itertools.count(1, 2):  # the step that publishes is odd
        copy = tmp_path / f"copy-{steps}"
        shutil.copytree(path, copy)
        command = [sys.executable, "-c", KILLED, str(copy), str(steps)]
        status = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False).returncode
        assert status in (0, 9)
        place = json.loads((copy / "state.json").read_text(encoding="utf-8"))["folder"]
        seen.add(place)
        library = _open(copy, pairs if place else letters)
        assert _held(library) == expected, f"killed before step {steps}"
        assert library.search("multiply the local derivatives along the path").hits[0].passage.lecture == 2
        _open(copy, pairs).reindex()
        assert _held(_open(copy, pairs)) == expected, f"killed before step {steps}"
        shutil.rmtree(copy)
        if status == 0:
            break
    assert steps > 10
    assert seen == {"", "tables-1"}


def test_stores_that_hold_nothing_are_reindexed_too(
    path: Path, lectures: Path, letters: LetterEmbedder, pairs: PairEmbedder
) -> None:
    _open(path, letters).remove(lectures)
    assert _open(path, pairs).reindex().documents == 0
    library = _open(path, pairs)
    library.add([lectures])
    assert len(library.documents()) == 3
    assert isinstance(library.store, Store)
