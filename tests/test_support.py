"""Support: what bears a sentence, which words of it, and what is no claim."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lecta.check.calibrator import Calibrator, from_json, shipped, to_json
from lecta.check.evidence import KINDS, Passages, features, match
from lecta.check.support import Checker, is_claim
from lecta.check.words import cut, key, read
from lecta.cli import app
from lecta.embed.minilm import MiniLM
from lecta.errors import UsageError
from lecta.evaluate.support import auroc, calibration_error, evaluate, measures, read_claims, reliability

SLIDE = (
    "The chain rule\nTo differentiate a composition, multiply the local derivatives along the path.\nSum over paths."
)
SPEECH = (
    "so a larger batch gives a less noisy gradient. With four times as many examples the noise is halved. and in "
    "training we use batches of 64 examples. The learning rate must stay below 2 over the curvature."
)


@pytest.fixture(scope="module")
def minilm(minilm_folder: Path) -> MiniLM:
    return MiniLM(minilm_folder)


@pytest.fixture(scope="module")
def checker(minilm: MiniLM) -> Checker:
    return Checker([SLIDE, SPEECH], minilm)


def test_the_passage_and_the_very_words_are_found_whatever_number_was_written(checker: Checker) -> None:
    verdict = checker.check("By the chain rule, one multiplies the local derivatives along the path [2].")
    assert verdict.supported
    assert verdict.citations[0] == 1
    assert "multiply the local derivatives" in SLIDE[verdict.spans[0].start : verdict.spans[0].end]
    verdict = checker.check("With four times as many examples the noise is halved.")
    assert verdict.citations == (2,)
    assert "noise is halved" in SPEECH[verdict.spans[0].start : verdict.spans[0].end]


def test_what_is_not_there_is_not_supported(checker: Checker) -> None:
    verdict = checker.check("Adam was proposed by Diederik Kingma and Jimmy Ba in 2014.")
    assert (verdict.supported, verdict.citations, verdict.spans) == (False, (), ())
    assert verdict.support is not None
    assert verdict.support < 0.3


def test_a_wrong_number_and_a_foreign_name_lower_the_support(checker: Checker) -> None:
    true = checker.support("In training we use batches of 64 examples.")
    assert checker.support("In training we use batches of 4096 examples.") < true - 0.1
    assert checker.support("At Stanford, Karpathy uses batches of 64 examples in training.") < true - 0.1


def test_a_sentence_on_two_passages_cites_both(checker: Checker) -> None:
    verdict = checker.check(
        "Multiply the local derivatives along the path, and in training use batches of 64 examples."
    )
    assert set(verdict.citations) == {1, 2}


@pytest.mark.parametrize(
    "sentence",
    ["Here is the idea:", "## The chain rule", "**Step 1: Forward pass**", "In summary,", "Steps:", "Let's see.", "1."],
)
def test_headings_and_transitions_claim_nothing(sentence: str, checker: Checker) -> None:
    assert checker.check(sentence).supported is None


@pytest.mark.parametrize(
    "sentence",
    ["Gradients point uphill.", "$a = b$", "First, the loss is differentiated by $w$.", "1. The output: $y = f(Wx)$"],
)
def test_claims_are_claims(sentence: str) -> None:
    assert is_claim(sentence)


def test_no_passages_and_no_words_support_nothing(minilm: MiniLM) -> None:
    assert Checker([], minilm).check("The gradient points uphill.").supported is False
    assert Checker(["", "\n"], minilm).check("The gradient points uphill.").supported is False
    assert Checker([SLIDE], minilm).support("...") == 0.0


def test_a_passage_longer_than_the_model_reads_is_read_whole(minilm: MiniLM) -> None:
    text = "We speak of other things here. " * 120 + "The forget gate keeps the gradient alive."
    verdict = Checker([text], minilm).check("The forget gate keeps the gradient alive.")
    assert verdict.supported
    assert "forget gate" in text[verdict.spans[0].start : verdict.spans[0].end]


def test_pieces_are_sentences_and_lines_and_hold_their_place() -> None:
    text = "See Fig. 2 here. Then it rises.Next\n- one item\n" + "word " * 200
    pieces = [text[start:end] for start, end in cut(text)]
    assert pieces[:4] == ["See Fig. 2 here.", "Then it rises.", "Next", "one item"]
    assert all(len(piece) <= 400 for piece in pieces)
    assert " ".join(pieces[4:]) == ("word " * 200).strip()


def test_words_are_compared_by_their_stems_and_symbols_by_their_names() -> None:
    assert key("Derivatives") == key("derivative")
    assert key("multiplies") == key("multiply") == key("multiplied")
    assert key("batches") == key("batch")
    assert (key("𝛼"), key("4,162"), key("seven")) == ("alpha", "4162", "7")


def test_all_evidence_is_named_and_finite(minilm: MiniLM) -> None:
    claim, *texts = read(["Noise is not halved in 2014 by Kingma.", SLIDE, SPEECH], minilm)
    passages = Passages(texts)
    evidence = features(match(claim, passages), passages)
    assert set(evidence) == {name for kind in KINDS.values() for name in kind}
    assert all(abs(value) < 100 for value in evidence.values())
    assert set(shipped()["references"].features) == set(evidence)
    assert set(shipped()["answers"].features) < set(evidence)
    assert shipped()["references"].usual == {}
    assert set(shipped()["answers"].usual) == {"text length", "passages"}


def test_a_calibrator_by_hand_and_through_its_file() -> None:
    tree = ((0, 0.5, 1, 2), (-1, -1.0, 0, 0), (-1, 1.0, 0, 0))
    calibrator = Calibrator(("words",), (tree, tree), 0.5, {"length": 3.0}, (2.0, 0.1))
    assert calibrator.probability({"words": 0.5}) == pytest.approx(0.0522, abs=1e-4)  # 1 / (1 + e^2.9)
    assert calibrator.probability({"words": 0.6}) == pytest.approx(0.9939, abs=1e-4)  # 1 / (1 + e^-5.1)
    assert from_json(to_json({"one": calibrator, "other": calibrator})) == {"one": calibrator, "other": calibrator}


def test_measures_by_hand() -> None:
    judged = [(0.9, 1), (0.6, 0), (0.4, 1), (0.1, 0), (0.2, 0)]
    found = measures(judged)
    assert found["balanced accuracy"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found["AUROC"] == pytest.approx(5 / 6)
    assert auroc([0.5], [0.5]) == 0.5
    curve = reliability([(0.95, 1), (0.95, 0), (0.05, 0)])
    assert [(row["claims"], row["supported"]) for row in curve] == [(1, 0.0), (2, 0.5)]
    assert calibration_error(curve) == pytest.approx((0.05 + 2 * 0.45) / 3)


def test_claims_of_both_forms(tmp_path: Path, minilm: MiniLM) -> None:
    path = tmp_path / "claims.jsonl"
    rows: list[dict[str, Any]] = [
        {"claim": "With four times the examples the noise is halved.", "references": [SPEECH], "label": 1},
        {"claim": "Kingma proposed Adam.", "references": [SPEECH], "attribution_label": "not attributable"},
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    result = evaluate(path, minilm)
    assert result["measures"]["AUROC"] == 1.0
    assert result["queries"] == 2
    assert result["milliseconds"]["sentence"] > 0
    path.write_text(json.dumps(rows[0] | {"label": "yes"}), encoding="utf-8")
    with pytest.raises(UsageError, match="row 1: the label is 'yes'"):
        read_claims(path)
    path.write_text(json.dumps(rows[0] | {"references": "text"}), encoding="utf-8")
    with pytest.raises(UsageError, match="list of texts"):
        read_claims(path)


def test_the_command_prints_one_document(tmp_path: Path) -> None:
    path = tmp_path / "claims.jsonl"
    rows = [{"claim": "Noise is halved.", "references": [SPEECH], "label": n} for n in (0, 1)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    ran = CliRunner().invoke(app, ["eval", "support", str(path), "--json"])
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["measures"]["AUROC"] == 0.5


@pytest.mark.slow
@pytest.mark.parametrize("sentence", ["In the chain rule the local derivatives are multiplied along the path."])
def test_support_is_the_same_for_marks_and_order_of_passages(minilm: MiniLM, sentence: str) -> None:
    one, other = Checker([SLIDE, SPEECH], minilm), Checker([SPEECH, SLIDE], minilm)
    assert one.check(sentence + " [2]").support == pytest.approx(other.check(sentence).support, abs=1e-6)
    assert one.check(sentence).citations[0] == 1
    assert other.check(sentence).citations[0] == 2


DIFFUSION = (
    "The forward process\nThe joint distribution of the forward process is the product of the transition kernels:\n"
    r"$q(x_{1:T} | x_0) = \prod_{t=1}^T q(x_t | x_{t-1})$, for all $t$ from 1 to $T$."
)


@pytest.mark.parametrize(
    ("formula", "is_borne"),
    [
        (r"q(x_{1:T} | x_0) = \prod_{t=1}^T q(x_t | x_{t-1})", True),
        (r"q(\mathbf x_{1:T}|\mathbf x_0) = \prod_{t=1}^T q(\mathbf x_t|\mathbf x_{t-1})", True),  # spelt otherwise
        (r"q(x_T | x_0) = \prod_{t=1}^T q(x_t | x_{t-1})", False),
        (r"q(x_{1:T} | x_0) = \sum_{t=1}^T q(x_t | x_{t-1})", False),
        ("t", True),  # a symbol is no statement
    ],
)
def test_words_do_not_bear_a_formula_that_is_nowhere(minilm: MiniLM, formula: str, is_borne: bool) -> None:
    sentence = f"The joint distribution of the forward process is the product of the transition kernels, ${formula}$."
    verdict = Checker([DIFFUSION, SLIDE], minilm).check(sentence)
    assert verdict.supported is is_borne
    assert (verdict.citations != ()) is is_borne
    unmarked = DIFFUSION.replace("$", "")  # as the text of a PDF: what is lost there is not held against a sentence
    assert Checker([unmarked], minilm).check(sentence).supported


def test_a_formula_that_mathematics_bears_is_not_made_up(minilm: MiniLM) -> None:
    text = "The derivative of a square follows from the power rule: $\\frac{d}{dx} x^n = n x^{n-1}$."
    for right, is_borne in (("2 x", True), ("3 x", False)):
        sentence = f"The derivative of a square follows from the power rule: $\\frac{{d}}{{dx}} x^2 = {right}$."
        assert Checker([text], minilm).check(sentence).supported is is_borne
