"""Is a question answered by what was found? By the real embedder on small texts, and through the library."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from lecta.answer.llama import LlamaChat
from lecta.check import answerable, second_look
from lecta.check.answerable import FEATURES, Asked, Calibrator, features, parts, shipped
from lecta.errors import UsageError
from lecta.evaluate.answerable import evaluate, leaning, measures, read, sampled
from lecta.library import Library
from lecta.question.words import topic
from lecta.settings import load
from lecta.types import Message
from tests.conftest import COURSE, LetterEmbedder


def _features(question: str, *passages: str) -> dict[str, float]:
    return features(Asked(question, tuple(topic(question)), {}), passages, LetterEmbedder())


def test_a_probability_is_the_logistic_of_the_weighed_features() -> None:
    calibrator = Calibrator({"phrase": 2.0}, -1.0)
    assert calibrator.probability({"phrase": 0.5}) == 0.5
    assert calibrator.probability({"phrase": 1.0}) == pytest.approx(0.7311, abs=1e-4)


def test_the_calibrators_that_come_with_lecta_weigh_features_there_are() -> None:
    asked = shipped()[second_look.CALIBRATOR]
    assert set(asked.weights) == set(second_look.evidence(0.5, 0.0))
    assert set(shipped()) == {"topic", "near miss", second_look.CALIBRATOR}
    for name in ("topic", "near miss"):
        assert set(shipped()[name].weights) <= set(FEATURES)


def test_a_model_that_leans_to_yes_and_words_that_agree_raise_the_probability() -> None:
    assert second_look.probability(0.5, 2.0) > second_look.probability(0.5, -2.0)
    assert second_look.probability(0.9, 0.0) > second_look.probability(0.1, 0.0)
    assert 0 < second_look.probability(0.0, -50.0) < second_look.probability(1.0, 50.0) <= 1


@pytest.mark.slow
def test_a_model_is_asked_whether_a_passage_answers(small_model: Path, letters: LetterEmbedder, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"question": "When was Rollo born?", "passages": ["Rollo was born in 846."], "label": 1},
        {"question": "When was Rollo born?", "passages": ["Bread is baked from flour."], "label": 0},
    ]
    chat = LlamaChat(small_model, threads=1, context_tokens=1024)
    library = Library(tmp_path / "none", embedder=letters, chat=chat)
    if chat.leaning(second_look.conversation("Why?", ["So."]), "Yes", "No") is None:
        pytest.skip("this engine shows no logits")
    result = evaluate(rows, library, ask_model=True)
    assert result["calibrator"] == second_look.CALIBRATOR
    yes, no = (row["probability"] for row in result["questions"])
    assert yes > no
    leans = [chat.leaning(second_look.conversation(row["question"], row["passages"]), "Yes", "No") for row in rows]
    assert leans == [leaning(chat, row["question"], row["passages"]) for row in rows]  # asked again it says the same
    with pytest.raises(UsageError, match="rows with passages"):
        evaluate([{"question": "When?", "label": 1}], library, ask_model=True)


def test_a_model_that_shows_nothing_is_refused_in_one_line(letters: LetterEmbedder, tmp_path: Path) -> None:
    rows = [{"question": "When?", "passages": ["In May."], "label": 1}]
    with pytest.raises(UsageError, match="does not show how likely its words are"):
        evaluate(rows, Library(tmp_path / "none", embedder=letters, chat=_Writing()), ask_model=True)


def test_features_tell_what_of_the_question_stands_in_the_passage() -> None:
    text = "The Normans came to France in the 10th century. Their leader was Rollo."
    held = _features("When did the Normans come to France?", text)
    swapped = _features("When did the Danes come to Sicily?", text)
    assert set(held) == set(FEATURES)
    assert held["names missing"] == 0
    assert swapped["names missing"] == 2
    assert held["words in all"] > swapped["words in all"]
    assert held["kind beside"] == 1.0  # a date stands beside


def test_a_number_asked_for_is_looked_for_beside_and_one_named_must_be_there() -> None:
    assert (
        _features("How many layers are there?", "The network has layers of neurons and weights.")["kind beside"] == 0.0
    )
    assert _features("What happened in 1066?", "It happened in 1067.")["numbers missing"] == 1.0


def test_other_forms_of_a_word_serve() -> None:
    asked = Asked("What is SGD?", ("sgd",), {"sgd": ("stochastic gradient descent",)})
    found = features(asked, ["Stochastic gradient descent takes one example."], LetterEmbedder())
    assert found["words in all"] == 1.0


def test_a_question_is_taken_apart_where_it_asks_two_things() -> None:
    assert parts("What is dropout, and how is a souffle baked?") == ["What is dropout", "how is a souffle baked?"]
    assert parts("What is the chain rule?") == ["What is the chain rule?"]


def test_measures_by_hand() -> None:
    judged = [(1, 0.9), (1, 0.4), (0, 0.6), (0, 0.1)]
    assert measures(judged, 0.5) == {"balanced accuracy": 0.5, "AUROC": 0.75}
    assert measures([(0, 0.1), (0, 0.9)], 0.5) == {"accuracy": 0.5}


def test_reading_both_formats_and_what_is_wrong_in_them(tmp_path: Path) -> None:
    squad = tmp_path / "squad.json"
    asked = [{"question": "Who?", "is_impossible": True}, {"question": "When?", "is_impossible": False}]
    squad.write_text(json.dumps({"data": [{"paragraphs": [{"context": "Text.", "qas": asked}]}]}), encoding="utf-8")
    rows = read(squad)
    assert [row["label"] for row in rows] == [0, 1]
    assert rows[0]["passages"] == ["Text."]
    assert len(sampled(rows, 2)) == 2
    with pytest.raises(UsageError, match="2 questions of each label"):
        sampled(rows, 4)
    lines = tmp_path / "rows.jsonl"
    lines.write_text('{"question": "Who?", "label": 2}\n', encoding="utf-8")
    with pytest.raises(UsageError, match="row 1: the label"):
        read(lines)


class _Writing:
    name = "writing"

    def __init__(self) -> None:
        self.shown: list[str] = []

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
        self.shown.append(messages[-1].content)
        yield "Momentum averages the gradients of the steps before [1]."


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Library:
    library = Library(tmp_path_factory.mktemp("answerable") / "library", settings=load(), chat=_Writing())
    library.add(sorted(COURSE.glob("lecture-*/notes.md")))
    return library


def test_what_the_lectures_do_not_treat_is_refused_without_the_model(course: Library) -> None:
    answer = course.ask("Who signed the Magna Carta and in which year?")
    assert answer.abstained
    assert answer.text == "Your lectures do not cover this."
    assert answer.coverage is not None
    assert answer.coverage.verdict == "not covered"
    assert answer.passages  # the nearest
    assert answer.sentences == ()
    assert course.chat.shown == []  # type: ignore[attr-defined]


def test_what_they_treat_is_answered(course: Library) -> None:
    answer = course.ask("What does momentum do to the gradient steps?")
    assert answer.coverage is not None
    assert answer.coverage.verdict == "covered"
    assert answer.coverage.probability > 0.5
    assert not answer.abstained


def test_a_part_that_nothing_treats_is_named(course: Library) -> None:
    answer = course.ask("How does momentum change a gradient step, and who conquered the Byzantine empire?")
    assert answer.coverage is not None
    assert answer.coverage.verdict == "partly"
    assert answer.coverage.missing == ("who conquered the Byzantine empire",)
    assert answer.text.endswith("Your lectures do not cover this part: who conquered the Byzantine empire.")
    assert "say nothing on: who conquered" in course.chat.shown[-1]  # type: ignore[attr-defined]
    assert all("Byzantine" not in sentence.text for sentence in answer.sentences)


def test_it_can_be_switched_off(course: Library) -> None:
    other = Library(course.path, settings=load(answerable=0), chat=_Writing())
    answer = other.ask("Who signed the Magna Carta and in which year?")
    assert answer.coverage is None
    assert not answer.abstained


def test_windows_are_never_none() -> None:
    assert answerable.features(Asked("Why?", (), {}), [""], LetterEmbedder())["words in all"] == 0.0
