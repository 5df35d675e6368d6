"""MiniLM in int8 against vectors of the published float32 model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lecta import embed
from lecta.embed.minilm import MiniLM
from lecta.errors import ModelError

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


def test_no_texts_give_no_vectors(minilm: MiniLM) -> None:
    assert minilm.embed_documents([]).shape == (0, 384)


def test_the_library_names_the_embedder_it_loads(minilm: MiniLM) -> None:
    assert (minilm.name, minilm.dimension) == (embed.MINILM, embed.MINILM_DIMENSION)


def test_a_damaged_model_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="lecta models verify"):
        MiniLM(tmp_path)
