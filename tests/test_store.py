"""The store: atomic, repeatable, of one recipe."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lecta.errors import LibraryError
from lecta.store import Entry, Recipe, Store, document_id
from lecta.types import Document, Filters, Passage, Section
from tests.conftest import LetterEmbedder

RECIPE = Recipe(reader="1", chunker="test/1", embedder="letters/1", dimension=26)
NONE = Filters()


def _entry(path: Path, *texts: str, **place: object) -> Entry:
    whole = "\n".join(texts)
    document = Document(whole, (Section(0, len(whole), page=1, title="T"),), "notes", "test/1", source=path.name)
    document = dataclasses.replace(document, **place)  # type: ignore[arg-type]
    passages, start = [], 0
    for text in texts:
        passage = Passage(text, start, start + len(text), path.name, document.kind)
        passages.append(dataclasses.replace(passage, course=document.course, lecture=document.lecture))
        start += len(text) + 1
    return Entry(path, document, passages, list(texts), LetterEmbedder().embed_documents(texts))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "library", RECIPE)


def _texts(store: Store, question: str, filters: Filters = NONE) -> list[str]:
    return [hit.passage.text for hit in store.search_words(question, 10, filters)]


def test_an_empty_library_finds_nothing(store: Store) -> None:
    assert store.documents() == []
    assert store.search_words("anything", 5, NONE) == []
    assert store.search_vector(LetterEmbedder().embed_queries(["a"])[0], 5, NONE) == []


def test_words_are_found_before_and_after_settling_and_by_their_stem(store: Store, tmp_path: Path) -> None:
    store.put([_entry(tmp_path / "a", "multiplying the derivatives", "cats and dogs")])
    assert _texts(store, "derivative") in ([], ["multiplying the derivatives"])  # no index yet: whole words only
    store.settle()
    assert _texts(store, "multiplied derivative") == ["multiplying the derivatives"]
    store.put([_entry(tmp_path / "b", "derivative of the loss")])  # not in the index yet
    assert sorted(_texts(store, "derivative")) == ["derivative of the loss", "multiplying the derivatives"]


def test_vectors_are_ranked_by_cosine(store: Store, tmp_path: Path) -> None:
    store.put([_entry(tmp_path / "a", "aaa", "aab", "zzz")])
    hits = store.search_vector(LetterEmbedder().embed_queries(["aaaa"])[0], 2, NONE)
    assert [hit.passage.text for hit in hits] == ["aaa", "aab"]
    assert hits[0].score == pytest.approx(1.0, abs=1e-5)
    assert hits[1].score == pytest.approx(2 / np.sqrt(5), abs=1e-5)


def test_a_question_with_marks_of_a_query_language_is_plain_words(store: Store, tmp_path: Path) -> None:
    store.put([_entry(tmp_path / "a", "the chain rule")])
    store.settle()
    for question in ('chain" AND (', "+chain -rule*", "$\\frac{chain}{x}$", "chain:rule^2~", "'; DROP"):
        assert isinstance(_texts(store, question), list)
    assert _texts(store, 'what is "chain"?') == ["the chain rule"]


def test_filters(store: Store, tmp_path: Path) -> None:
    store.put([
        _entry(tmp_path / "a", "chain one", course="o'hara", lecture=1, kind="slides"),
        _entry(tmp_path / "b", "chain two", course="o'hara", lecture=2, kind="speech"),
        _entry(tmp_path / "c", "chain three", course="other", lecture=2, kind="slides"),
    ])  # fmt: skip
    store.settle()
    assert _texts(store, "chain", Filters(course="o'hara", lecture=2)) == ["chain two"]
    assert sorted(_texts(store, "chain", Filters(kind="slides"))) == ["chain one", "chain three"]
    vector = LetterEmbedder().embed_queries(["chain"])[0]
    assert {hit.passage.course for hit in store.search_vector(vector, 5, Filters(course="other"))} == {"other"}


def test_replacing_a_document_leaves_nothing_of_the_old_one(store: Store, tmp_path: Path) -> None:
    store.put([_entry(tmp_path / "a", "old one", "old two", "old three"), _entry(tmp_path / "b", "other")])
    store.settle()
    store.put([_entry(tmp_path / "a", "new one")])
    assert store.count() == 2
    assert _texts(store, "old") == []
    assert _texts(store, "new") == ["new one"]
    assert [record.passages for record in store.documents()] == [1, 1]


def test_removing(store: Store, tmp_path: Path) -> None:
    store.put([_entry(tmp_path / "a", "one"), _entry(tmp_path / "b", "two")])
    store.remove([document_id(tmp_path / "a")])
    assert [record.source for record in store.documents()] == ["b"]
    assert _texts(store, "one") == []


def test_a_document_comes_back_as_it_was(store: Store, tmp_path: Path) -> None:
    entry = _entry(tmp_path / "a", "one", "two", course="c", lecture=3, warnings=("page 2 cannot be read",))
    store.put([entry])
    assert store.document("a") == entry.document
    assert store.document("nothing") is None


def test_an_interrupted_change_is_undone(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put([_entry(tmp_path / "a", "whole")])
    write = Store._write

    def killed(self: Store, name: str, *rest: object) -> None:
        if name == "documents":
            raise KeyboardInterrupt
        write(self, name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        store.put([_entry(tmp_path / "b", "half")])
    monkeypatch.undo()
    assert [record.source for record in store.documents()] == ["a"]
    store.put([_entry(tmp_path / "b", "half")])
    assert store.count() == 2


def test_a_library_of_another_recipe_is_refused(store: Store, tmp_path: Path) -> None:
    store.put([_entry(tmp_path / "a", "one")])
    Store(store.folder, RECIPE)
    with pytest.raises(LibraryError, match=r"embedder 'letters/1'.*embedder 'other'.*--library"):
        Store(store.folder, dataclasses.replace(RECIPE, embedder="other"))


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(LibraryError, match="--library"):
        Store(tmp_path / "file", RECIPE).put([_entry(tmp_path / "a", "one")])


def test_two_processes_adding_at_once_both_succeed(store: Store, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.test_store import *; from tests.test_store import _entry\n"
        "store = Store(Path(sys.argv[1]), RECIPE)\n"
        "for i in range(5): store.put([_entry(Path(f'/x/{sys.argv[2]}{i}'), 'alpha beta', 'gamma')])\n"
        "store.settle()"
    )
    root = Path(__file__).parents[1]
    runs = [subprocess.Popen([sys.executable, "-c", code, str(store.folder), name], cwd=root) for name in "ab"]
    assert [run.wait(120) for run in runs] == [0, 0]
    assert len(store.documents()) == 10
    assert store.count() == 20


def test_above_a_size_vectors_are_found_by_an_index(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lecta.store.writing.EXACT_BELOW", 400)
    random = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    texts = ["".join(random.choice(letters, 12)) for _ in range(600)]
    store.put([_entry(tmp_path / "a", *texts)])
    store.settle()
    table = store._table("passages")
    assert table is not None
    assert "vector_idx" in {index.name for index in table.describe_indices()}
    found = [
        store.search_vector(LetterEmbedder().embed_queries([text])[0], 1, NONE)[0].passage.text for text in texts[:20]
    ]
    assert sum(sorted(a) == sorted(b) for a, b in zip(found, texts, strict=False)) >= 19


def test_in_a_large_table_other_forms_and_formulas_count_as_in_a_small_one(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(1)
    words = np.array(["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "theta", "kappa", "lambda", "sigma"])
    texts = [" ".join(random.choice(words, random.integers(3, 9))) for _ in range(300)]
    entry = _entry(tmp_path / "a", *texts)
    store.put([dataclasses.replace(entry, mathematics=[" ".join(random.choice(words, 2)) for _ in texts])])
    store.settle()
    whole = store.search_words("alpha beta", 200, NONE, also="gamma delta")
    monkeypatch.setattr("lecta.store.queries.EXACT_BELOW", 0)
    parted = store.search_words("alpha beta", 40, NONE, also="gamma delta")
    assert [hit.score for hit in parted[:10]] == pytest.approx([hit.score for hit in whole[:10]])
    known = {hit.passage.start_index: hit.score for hit in whole}
    assert all(hit.score == pytest.approx(known[hit.passage.start_index]) for hit in parted), "each by all parts"


@pytest.mark.parametrize(
    ("phrase", "held"),
    [
        ("chain rule", 3),
        ("The Chain-Rule", 1),
        ("is not", 1),  # no word of which is in the index
        ("gradient", 1),
        ("rule of the chain", 0),
        ("nowhere", 0),
    ],
)
def test_a_phrase_is_found_however_it_is_broken(store: Store, tmp_path: Path, phrase: str, held: int) -> None:
    texts = ["By the chain rule, it ends.", "a chain-\nrule of thumb", "the gra-\ndient is not here", "ChainRule"]
    store.put([_entry(tmp_path / "a", *texts)])
    filters = Filters(phrases=(phrase,))
    assert store.holds(filters) is bool(held)
    vector = LetterEmbedder().embed_queries(["a"])[0]
    assert len(store.search_vector(vector, 10, filters)) == held
    store.put([_entry(tmp_path / "b", "another chain rule")])
    assert len(store.search_vector(vector, 10, filters)) == held + (phrase == "chain rule"), "before it is indexed"
