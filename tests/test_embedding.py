"""Words first, vectors after: what was stored is found at once, and nothing is embedded twice or left without."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from lecta.embedding import give_vectors
from lecta.errors import LibraryError, ModelError
from lecta.intake import words_of
from lecta.library import Library
from lecta.protocols import Vectors
from lecta.settings import load
from lecta.store import Bare
from lecta.types import Filters
from tests.conftest import LetterEmbedder

NONE = Filters()


class Counting(LetterEmbedder):
    """Remembers what it was given; fails at the first text that holds `stumbling`."""

    def __init__(self, stumbling: str = "", error: BaseException | None = None) -> None:
        self.texts: list[str] = []
        self._stumbling, self._error = stumbling, error

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        if self._error and any(self._stumbling in text for text in texts):
            raise self._error
        self.texts += texts
        return super().embed_documents(texts)


def _library(folder: Path, embedder: LetterEmbedder) -> Library:
    return Library(folder, settings=load(), embedder=embedder)


def _vectors(library: Library) -> dict[str, tuple[float, ...]]:
    found = library.store._rows("passages", columns=["text", "vector"])
    return {row["text"]: tuple(row["vector"] or ()) for row in found}


def test_words_are_found_before_there_are_vectors(tmp_path: Path, lectures: Path) -> None:
    told: list[tuple[int, list[str]]] = []

    class Looking(LetterEmbedder):
        def embed_documents(self, texts: Sequence[str]) -> Vectors:
            other = _library(tmp_path / "library", LetterEmbedder())  # as another process sees it
            told.append((other.store.bare_count(), [h.passage.text for h in other.search("local derivatives").hits]))
            return super().embed_documents(texts)

    library = _library(tmp_path / "library", Looking())
    steps: list[tuple[int, int]] = []
    library.add([lectures], on_embedded=lambda done, total: steps.append((done, total)))
    assert told[0] == (3, ["The chain rule\n\nMultiply the local derivatives along the path."])
    assert steps == [(3, 3)]
    assert library.store.bare_count() == 0


def test_an_embedder_that_fails_leaves_words_and_the_next_add_makes_the_rest(tmp_path: Path, lectures: Path) -> None:
    with pytest.raises(ModelError):
        _library(tmp_path / "library", Counting("", ModelError("no server"))).add([lectures])
    library = _library(tmp_path / "library", counting := Counting())
    assert library.store.bare_count() == len(library.documents()) == 3
    report = library.add([lectures])
    assert {file.status for file in report.files} == {"unchanged"}
    assert len(counting.texts) == 3
    assert library.store.bare_count() == 0
    clean = _library(tmp_path / "clean", LetterEmbedder())
    clean.add([lectures])
    assert _vectors(library) == _vectors(clean)


def test_stopped_between_two_parts_the_first_is_kept(
    tmp_path: Path, lectures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lecta.embedding._AT_ONCE", 1)
    monkeypatch.setattr("lecta.embedding._COMMIT_SECONDS", -1.0)
    first = Counting("Multiply", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        _library(tmp_path / "library", first).add([lectures])
    library = _library(tmp_path / "library", second := Counting())
    assert first.texts
    assert library.store.bare_count() == 3 - len(first.texts)
    library.add([lectures])
    assert len(second.texts) == 3 - len(first.texts)
    assert not set(first.texts) & set(second.texts)


def test_equal_passages_are_embedded_once_and_what_stays_not_again(tmp_path: Path) -> None:
    folder = tmp_path / "lectures"
    folder.mkdir()
    same = "# Title\n\nA short line.\n"  # too short for a repeated paragraph, so it is indexed in both
    (folder / "a.md").write_text(same, encoding="utf-8")
    (folder / "b.md").write_text(f"{same}\n# More\n\nOnly in the other one.\n", encoding="utf-8")
    library = _library(tmp_path / "library", counting := Counting())
    library.add([folder])
    assert library.store.count() == 3
    assert len(counting.texts) == len(set(counting.texts)) == 2
    (folder / "b.md").write_text(f"{same}\n# More\n\nNow it says something new.\n", encoding="utf-8")
    library.add([folder])
    assert len(counting.texts) == 3
    assert "something new" in counting.texts[-1]
    assert all(_vectors(library).values())


def test_a_passage_that_changed_meanwhile_does_not_get_the_old_vector(tmp_path: Path, lectures: Path) -> None:
    with pytest.raises(ModelError):
        _library(tmp_path / "library", Counting("", ModelError("no server"))).add([lectures])
    library = _library(tmp_path / "library", LetterEmbedder())
    old = library.store.bare(10)
    path = lectures / "lecture-03-transcript.txt"
    path.write_text("so today we speak about something else\n", encoding="utf-8")
    with pytest.raises(ModelError):
        _library(tmp_path / "library", Counting("", ModelError("no server"))).add([lectures])
    library.store.give_vectors(old, LetterEmbedder().embed_documents([one.text for one in old]))
    assert [one.text for one in library.store.bare(10)] == ["so today we speak about something else"]


def test_vectors_of_another_length_are_refused(tmp_path: Path, lectures: Path) -> None:
    with pytest.raises(ModelError):
        _library(tmp_path / "library", Counting("", ModelError("no server"))).add([lectures])
    store = _library(tmp_path / "library", LetterEmbedder()).store
    with pytest.raises(LibraryError, match="reindex"):
        store.give_vectors(store.bare(1), np.ones((1, 7), np.float32))
    assert store.bare_count() == 3


def test_one_process_embeds_and_another_waits_or_leaves_it(tmp_path: Path, lectures: Path) -> None:
    with pytest.raises(ModelError):
        _library(tmp_path / "library", Counting("", ModelError("no server"))).add([lectures])
    library = _library(tmp_path / "library", counting := Counting())
    keys = [record.id for record in library.documents()]
    with FileLock(tmp_path / "library" / ".vectors.lock"):
        give_vectors(library.store, lambda: counting, ids=keys)
        assert not counting.texts
        waiting = threading.Thread(target=give_vectors, args=(library.store, lambda: counting))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join(30)
    assert len(counting.texts) == 3
    assert library.store.bare_count() == 0


def test_slides_are_laid_beside_speech_only_once_both_have_vectors(tmp_path: Path, lectures: Path) -> None:
    with pytest.raises(ModelError):
        _library(tmp_path / "library", Counting("", ModelError("no server"))).add([lectures])
    library = _library(tmp_path / "library", LetterEmbedder())
    keys = [record.id for record in library.documents()]
    library.store.lay_beside(keys, "mark", lambda stored: pytest.fail("asked without vectors"))
    assert {record.aligned for record in library.documents()} == {""}


def test_removing_does_not_wait_for_vectors(tmp_path: Path, lectures: Path) -> None:
    with pytest.raises(ModelError):
        _library(tmp_path / "library", Counting("", ModelError("no server"))).add([lectures])
    library = _library(tmp_path / "library", counting := Counting())
    library.remove(lectures / "lecture-01-gradients.md")
    assert not counting.texts
    assert library.store.bare_count() == 2
    assert library.store.search_words("local derivatives", 5, NONE)
    library.add([lectures])
    assert library.store.bare_count() == 0


def test_nothing_is_asked_of_a_library_that_has_all(library: Library, lectures: Path) -> None:
    assert library.store.bare(5) == []
    library.add([lectures])
    assert library.store.bare(5) == []
    library.store.give_vectors([], np.empty((0, 26), np.float32))
    assert Bare("", "", "") not in library.store.bare(5)


def test_what_cannot_be_stored_is_said(library: Library, lectures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(bare: Sequence[Bare], vectors: Vectors) -> None:
        raise LibraryError("the disk is full")

    monkeypatch.setattr(library.store, "give_vectors", full)
    with pytest.raises(LibraryError, match="the disk is full"):
        library.add([lectures])
    assert library.store.bare_count() == 3
    monkeypatch.undo()
    library.add([lectures])
    assert library.store.bare_count() == 0


def test_all_of_many_parts_get_their_vectors(library: Library, lectures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lecta.embedding._AT_ONCE", 1)
    monkeypatch.setattr("lecta.embedding._COMMIT_SECONDS", -1.0)
    steps: list[tuple[int, int]] = []
    library.add([lectures], on_embedded=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    letters = LetterEmbedder()
    for one in library.store._rows("passages", columns=["title", "text", "vector"]):
        expected = letters.embed_documents([words_of(Bare("", one["title"], one["text"]))])[0]
        assert one["vector"] == pytest.approx(expected, abs=1e-6)
