"""A model's own yes or no, where words and meaning leave a sentence in doubt."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lecta import models
from lecta.answer.engines import ik_llama
from lecta.answering import Answering, Listeners
from lecta.check import opinion
from lecta.check.evidence import Passages, Span, match
from lecta.check.support import SURE, Checker
from lecta.check.words import read
from lecta.cli import app
from lecta.embed.minilm import MiniLM
from lecta.errors import ChatError, PromptTooLongError, UsageError
from lecta.types import Answer, Hit, Message, Passage

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
        self.asked: list[tuple[str, list[int]]] = []

    def __call__(self, sentence: str, spans: Sequence[Span]) -> float | None:
        self.asked.append((sentence, [span.passage for span in spans]))
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
    assert checker.by_words(IN_DOUBT) == alone
    assert yes.asked == [(IN_DOUBT, [1])]


def test_weights_go_the_way_they_must() -> None:
    assert opinion.probability(0.5, 2.0) > opinion.probability(0.5, 0.0) > opinion.probability(0.5, -2.0)
    assert opinion.probability(0.7, 0.0) > opinion.probability(0.3, 0.0)
    assert 0 < opinion.probability(0.0, -50.0) < opinion.probability(1.0, 50.0) < 1
    assert models.CHAT["default"] == opinion.MODEL


def test_what_bears_a_sentence_is_shown_however_long_its_passages_are() -> None:
    passages = [("Noise", SPEECH), ("", "x " * 2000 + CLEAR + " y" * 2000), ("", "z " * 500 + ELSEWHERE)]
    assert opinion.cited(passages, [Span(1, 0, 10)]) == f"Noise\n{SPEECH}"
    start = passages[1][1].index(CLEAR)
    spans = [Span(2, start, start + len(CLEAR)), Span(3, 1000, 1000 + len(ELSEWHERE)), Span(1, 3, 46)]
    shown = opinion.cited(passages, spans)
    assert all(words in shown for words in (CLEAR, ELSEWHERE, "a larger batch gives a less noisy gradient", "[...]"))
    assert len(shown) < 1500
    assert opinion.cited(passages, [Span(2, 0, 4500)]).startswith(passages[1][1][:4500].strip())


def test_an_excerpt_has_the_nearest_sentences_in_their_order(minilm: MiniLM) -> None:
    texts = [f"{SPEECH} " + "Nothing of this is about it. " * 60, "The noise of a gradient is halved by four batches."]
    passages = Passages(read(texts, minilm))
    found = match(read([CLEAR], minilm)[0], passages)
    shown = opinion.excerpt(texts, passages, found)
    assert shown.index("the noise is halved") < shown.index("[...] The noise of a gradient is halved by four batches")
    assert len(shown) < 1200
    asked = opinion.conversation(f"{CLEAR} [1]", shown)[-1].content
    assert f"Claim: {CLEAR}\n" in asked


# --- in an answer -----------------------------------------------------------------------------------------------------


class Leaner:
    """A chat model that writes one answer and leans as it is told."""

    def __init__(self, answer: str, leaning: float | Exception, name: str = opinion.MODEL) -> None:
        self.name = name
        self._answer = answer
        self._leaning = leaning
        self.asked: list[str] = []

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
        yield self._answer

    def leaning(self, messages: Sequence[Message], one: str, other: str) -> float | None:
        assert (one, other) == ("Yes", "No")
        self.asked.append(messages[-1].content)
        if isinstance(self._leaning, Exception):
            raise self._leaning
        return self._leaning


def answered(chat: Leaner, minilm: MiniLM) -> Answer:
    passages = [
        Passage(
            text=text, source="a.txt", kind="speech", course="c", lecture=1, title=title, start_index=start,
            end_index=start + len(text),
        )
        for title, text, start in (("Adam", "Adam keeps a mean of squares.", 0), ("Batches", SPEECH, 100))
    ]  # fmt: skip
    hits = tuple(Hit(passage, 1.0) for passage in passages)
    return Answering(chat, minilm, 100, Listeners()).answer("What is noise?", hits, time.perf_counter())


def test_an_answer_asks_the_model_it_was_calibrated_for_about_the_passage_cited(minilm: MiniLM) -> None:
    yes, no, other = (
        Leaner(IN_DOUBT, 8.0),
        Leaner(IN_DOUBT, -8.0),
        Leaner(IN_DOUBT, -8.0, "another"),
    )
    assert answered(yes, minilm).sentences[0].citations == (2,)
    assert f"Excerpt:\nBatches\n{SPEECH}\n\nClaim: {IN_DOUBT}\n" in yes.asked[0]
    assert len(yes.asked) == 1
    assert answered(no, minilm).sentences[0].supported is False
    assert answered(other, minilm).sentences[0].citations == (2,)
    assert not other.asked


def test_a_model_that_fails_costs_no_answer_and_is_not_asked_again(minilm: MiniLM) -> None:
    two = f"{IN_DOUBT} The learning rate must be smaller than the curvature allows."
    failing, long = Leaner(two, ChatError("no memory")), Leaner(two, PromptTooLongError(9, 5))
    for chat, times in ((failing, 1), (long, 2)):
        assert [sentence.supported for sentence in answered(chat, minilm).sentences] == [True, True]
        assert len(chat.asked) == times


# --- lecta eval support -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_claims_in_doubt_are_put_to_the_model(
    tmp_path: Path, small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not ik_llama.is_installed():
        pytest.skip("no wheel of ik_llama.cpp here")
    path = tmp_path / "claims.jsonl"
    rows = [{"claim": text, "references": [SPEECH], "label": int(text != ELSEWHERE)} for text in (IN_DOUBT, ELSEWHERE)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    monkeypatch.setenv("LECTA_MODELS", str(small_model.parent.parent))
    command = ["eval", "support", str(path), "--model", "small", "--json"]
    ran = CliRunner().invoke(app, command)
    assert isinstance(ran.exception, UsageError)
    assert "cannot be asked" in str(ran.exception)
    monkeypatch.setattr(opinion, "MODEL", "qwen2.5-coder-0.5b")  # its weights are another's, which is no matter here
    ran = CliRunner().invoke(app, command)
    assert ran.exit_code == 0, ran.output
    result = json.loads(ran.stdout)
    assert (result["model"], result["asked"]) == ("qwen2.5-coder-0.5b", 1)
    assert result["milliseconds"]["model"] > 0
