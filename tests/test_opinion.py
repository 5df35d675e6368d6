"""A model's own yes or no, where words and meaning leave a sentence in doubt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lecta import models
from lecta.check import opinion
from lecta.check.evidence import Passages, match
from lecta.check.support import SURE, Checker
from lecta.check.words import read
from lecta.cli import app
from lecta.embed.minilm import MiniLM

SPEECH = (
    "so a larger batch gives a less noisy gradient. With four times as many examples the noise is halved. and in "
    "training we use batches of 64 examples. The learning rate must stay below 2 over the curvature."
)
IN_DOUBT = "With more examples the noise of a gradient goes down."
CLEAR = "With four times as many examples the noise is halved."
ELSEWHERE = "Adam was proposed by Diederik Kingma and Jimmy Ba in 2014."


@pytest.fixture(scope="module")
def minilm(minilm_folder: Path) -> MiniLM:
    return MiniLM(minilm_folder)


class Asked:
    """Leans as it is told, and remembers what it was asked."""

    def __init__(self, leaning: float | None) -> None:
        self.leaning = leaning
        self.sentences: list[str] = []

    def __call__(self, sentence: str, numbers: Sequence[int]) -> float | None:
        assert list(numbers) == [1]
        self.sentences.append(sentence)
        return self.leaning


def test_the_model_is_asked_where_it_counts_and_nowhere_else(minilm: MiniLM) -> None:
    alone = Checker([SPEECH], minilm).check(IN_DOUBT)
    assert alone.supported
    yes, no, silent = Asked(8.0), Asked(-8.0), Asked(None)
    up, down, same = (Checker([SPEECH], minilm, ask=one).check(IN_DOUBT) for one in (yes, no, silent))
    assert up.support is not None and down.support is not None and alone.support is not None
    assert up.support > alone.support > down.support
    assert (up.supported, up.citations, up.spans) == (True, alone.citations, alone.spans)
    assert (down.supported, down.citations, down.spans) == (False, (), ())
    assert down.support < SURE
    assert same == alone
    checker = Checker([SPEECH], minilm, ask=yes)
    assert checker.check(CLEAR).supported
    assert checker.check(ELSEWHERE).supported is False  # no yes makes up for what is not there
    assert yes.sentences == [IN_DOUBT]


def test_weights_go_the_way_they_must() -> None:
    assert opinion.probability(0.5, 2.0) > opinion.probability(0.5, 0.0) > opinion.probability(0.5, -2.0)
    assert opinion.probability(0.7, 0.0) > opinion.probability(0.3, 0.0)
    assert 0 < opinion.probability(0.0, -50.0) < opinion.probability(1.0, 50.0) < 1
    assert models.CHAT["default"] == opinion.MODEL


def test_an_excerpt_has_the_nearest_sentences_in_their_order(minilm: MiniLM) -> None:
    texts = [f"{SPEECH} " + "Nothing of this is about it. " * 60, "The noise of a gradient is halved by four batches."]
    passages = Passages(read(texts, minilm))
    found = match(read([CLEAR], minilm)[0], passages)
    shown = opinion.excerpt(texts, passages, found)
    assert shown.index("the noise is halved") < shown.index("halved by four batches")
    assert "[...]" in shown
    assert len(shown) < 1200
    asked = opinion.conversation(f"{CLEAR} [1]", shown)[-1].content
    assert f"Claim: {CLEAR}\n" in asked


@pytest.mark.slow
def test_claims_in_doubt_are_put_to_a_model(tmp_path: Path, small_model: Path) -> None:
    path = tmp_path / "claims.jsonl"
    rows = [{"claim": text, "references": [SPEECH], "label": int(text != ELSEWHERE)} for text in (IN_DOUBT, ELSEWHERE)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    environment = {"LECTA_MODELS": str(small_model.parent.parent)}
    ran = CliRunner().invoke(app, ["eval", "support", str(path), "--model", "small"], env=environment)
    assert ran.exit_code == 0, ran.output
    assert "qwen2.5-coder-0.5b was asked about 1, " in ran.output
