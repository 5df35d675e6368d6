"""MiniLM in int8 against vectors of the published float32 model."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from lecta import Library, embed, models
from lecta.embed.bge import BgeSmall
from lecta.embed.minilm import MiniLM, _make_quick
from lecta.errors import ModelError
from lecta.settings import load

REFERENCE = Path(__file__).parent / "data" / "minilm-reference.json"


@pytest.fixture(scope="module")
def minilm(minilm_folder: Path) -> MiniLM:
    return MiniLM(minilm_folder)


def test_vectors_are_those_of_the_float32_model(minilm: MiniLM) -> None:
    rows = json.loads(REFERENCE.read_text(encoding="utf-8"))
    vectors = minilm.embed_documents([row["text"] for row in rows])
    cosines = [float(vector @ np.array(row["vector"])) for vector, row in zip(vectors, rows, strict=True)]
    assert min(cosines) >= 0.99, cosines


def test_vectors_have_unit_length_and_do_not_depend_on_their_neighbours(minilm: MiniLM) -> None:
    texts = ["a", "the chain rule " * 30, "word " * 600, "∂L/∂w"]
    together = minilm.embed_documents(texts)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1.0, abs=1e-5)
    for text, vector in zip(texts, together, strict=True):
        assert float(minilm.embed_queries([text])[0] @ vector) > 0.999


def test_each_of_many_texts_gets_its_own_vector(minilm: MiniLM, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"lecture {i} treats {'gradients and ' * (i * 7 % 19)}momentum" for i in range(40)]
    alone = np.concatenate([minilm.embed_documents([text]) for text in texts])
    monkeypatch.setattr("lecta.embed.minilm._BATCH_TOKENS", 64)  # more batches than are begun ahead
    for threads in (1, 3):
        monkeypatch.setattr(minilm, "_threads", threads)
        assert min((minilm.embed_documents(texts) * alone).sum(axis=1)) > 0.999


def test_the_kernels_that_a_user_chose_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CT2_FORCE_CPU_ISA", "GENERIC")
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "131072")
    _make_quick.__wrapped__()
    assert os.environ["CT2_FORCE_CPU_ISA"] == "GENERIC"


@pytest.mark.parametrize(
    ("features", "chosen"), [({"AVX512_ICL": True}, "AVX512"), ({"AVX512_ICL": False}, None), ({}, None)]
)
def test_avx512_is_taken_only_where_it_is_quick(
    features: dict[str, bool], chosen: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CT2_FORCE_CPU_ISA", "")  # put back afterwards
    monkeypatch.delenv("CT2_FORCE_CPU_ISA")
    monkeypatch.setattr(np._core._multiarray_umath, "__cpu_features__", features)  # type: ignore[attr-defined]
    _make_quick.__wrapped__()
    assert os.environ.get("CT2_FORCE_CPU_ISA") == chosen


def test_no_texts_give_no_vectors(minilm: MiniLM) -> None:
    assert minilm.embed_documents([]).shape == (0, 384)


def test_the_library_names_the_embedder_it_loads(minilm: MiniLM) -> None:
    assert (minilm.name, minilm.dimension) == (embed.MINILM, embed.OWN_DIMENSION)


def test_a_damaged_model_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="lecta models verify"):
        MiniLM(tmp_path)


# --- sentence-transformers, an extra ----------------------------------------------------------------------------------


def test_a_missing_extra_says_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ModelError, match=r"pip install 'lecta\[sentence-transformers\]'"):
        Library(tmp_path, settings=load(embedder="st:some/model")).embedder  # noqa: B018


@pytest.mark.slow
def test_a_model_of_sentence_transformers(minilm: MiniLM, minilm_folder: Path, lectures: Path, tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="needs pip install 'lecta[sentence-transformers]'")
    library = Library(tmp_path / "library", settings=load(embedder=f"st:{minilm_folder}"))
    texts = ["The chain rule multiplies local derivatives.", "∂L/∂w", "attention " * 40]
    ours = library.embedder.embed_documents(texts)
    assert np.linalg.norm(ours, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert min((ours * minilm.embed_documents(texts)).sum(axis=1)) > 0.99
    library.add([lectures])
    assert (
        Library(library.path, settings=load()).search("differentiate a composed function").hits[0].passage.lecture == 2
    )
    with pytest.raises(ModelError, match="cannot be loaded"):
        Library(tmp_path / "other", settings=load(embedder=f"st:{lectures}")).embedder  # noqa: B018


# --- BGE --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bge(models_folder: Path) -> BgeSmall:
    return BgeSmall(models.fetch(models.BGE, models_folder))


def test_bge_knows_what_is_meant_and_what_is_unrelated(bge: BgeSmall) -> None:
    question = bge.embed_queries(["How do errors flow backward through a network?"])[0]
    near, far = bge.embed_documents(
        ["Backpropagation multiplies local derivatives from the loss to the weights.", "Bake the cake for an hour."]
    )
    assert question @ near > question @ far + 0.05
    assert question @ far < embed.unrelated(bge.name) < question @ near


def test_bge_vectors_have_unit_length_and_do_not_depend_on_their_neighbours(bge: BgeSmall) -> None:
    texts = ["a", "the chain rule " * 30, "word " * 900, "∂L/∂w"]
    together = bge.embed_documents(texts)
    assert together.shape == (4, bge.dimension)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1.0, abs=1e-5)
    for text, vector in zip(texts, together, strict=True):
        assert float(bge.embed_queries([text])[0] @ vector) > 0.97  # activations are quantised by the batch
    assert bge.embed_documents([]).shape == (0, bge.dimension)


def test_bge_is_opened_by_its_setting_and_remembered(tmp_path: Path, lectures: Path, bge: BgeSmall) -> None:
    made = Library(tmp_path / "library", settings=load(embedder="bge-small"))
    assert made.recipe.dimension == bge.dimension == embed.OWN_DIMENSION  # known before anything is opened
    made.add([lectures])
    again = Library(tmp_path / "library", settings=load())
    assert again.recipe.embedder == bge.name == embed.recorded_name("bge-small")
    hits = again.search("multiply derivatives along a path").hits
    assert hits[0].passage.source.endswith("lecture-02-chain-rule.md")
    assert 0 < hits[0].score <= 1


def test_a_damaged_bge_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="lecta models verify"):
        BgeSmall(tmp_path)
