"""Ten questions of each special form, on the sample course with the real embedder; and what is no special form."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from lecta.as_json import understood_json
from lecta.errors import ChatError, LibraryError
from lecta.in_words import understood_parts
from lecta.library import Library
from lecta.question import followup, lexicon, mathematics, scope, spelling
from lecta.settings import load
from lecta.types import Filters, Hit, Message
from tests.conftest import LetterEmbedder

ROWS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
]


def is_wanted(hit: Hit, want: dict[str, Any]) -> bool:
    """Tell whether a passage is of the lectures, under one of the titles and with the words that a row wants."""
    passage = hit.passage
    lectures = want.get("lecture", passage.lecture)
    return (
        passage.lecture in (lectures if isinstance(lectures, list) else [lectures])
        and (passage.title in want.get("titles", [passage.title]) or want.get("or_holds", "\0") in passage.text)
        and want.get("holds", "").lower() in passage.text.lower()
    )


def _history(row: dict[str, Any]) -> list[Message]:
    return [Message(role, content) for role, content in row.get("history", [])]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['form']}: {row['question']}")
def test_questions_of_a_special_form_are_found(course_library: Library, row: dict[str, Any]) -> None:
    found = course_library.search(row["question"], 5, history=_history(row))
    assert any(is_wanted(hit, row["want"]) for hit in found.hits[: row["first"]]), found.understood


def test_there_are_ten_of_each_form() -> None:
    forms = [row["form"] for row in ROWS]
    assert all(forms.count(form) >= 10 for form in forms)
    assert len(set(forms)) == 9


# --- filters ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "rest", "spans"),
    [
        ("what is dropout in lecture 3?", "what is dropout?", [(3, 3)]),
        ("dropout in lecture three", "dropout", [(3, 3)]),
        ("in the third lecture, dropout", "dropout", [(3, 3)]),
        ("dropout in the 12th lecture", "dropout", [(12, 12)]),
        ("dropout in lectures 2 to 4", "dropout", [(2, 4)]),
        ("dropout in lectures 2-4", "dropout", [(2, 4)]),
        ("dropout before lecture 5", "dropout", [(None, 4)]),
        ("dropout up to lecture five", "dropout", [(None, 5)]),
        ("dropout after the second lecture", "dropout", [(3, None)]),
        ("dropout from lecture 2 on", "dropout", [(2, None)]),
        ("dropout between lectures 2 and 4", "dropout", [(2, 4)]),
        ("dropout in the last lecture", "dropout", [(scope.LAST, scope.LAST)]),
        ("momentum after lecture 1 and before lecture 4", "momentum and", [(2, None), (None, 3)]),
    ],
)
def test_words_that_make_a_filter_are_taken_out_and_no_others(question: str, rest: str, spans: list[Any]) -> None:
    found = scope.take(question)
    assert found.rest == rest
    assert [span for span, _ in found.spans] == spans


@pytest.mark.parametrize(
    "question",
    [
        "What is the first and second moment in Adam?",
        "What comes before the last layer?",
        "What happens after the first epoch?",
        "Between 2 and 4 neurons in layer 3",
        "What was first introduced by AlexNet?",
        "What did He propose for ReLU?",
        "after training, what are the final embeddings?",
        "Why is lecture 3.5 missing?",
        "the slides of a trombone",
        "before the exam question on Adam",
    ],
)
def test_what_may_mean_something_else_is_no_filter(question: str) -> None:
    found = scope.take(question)
    assert (found.rest, found.spans, found.events, found.kind, found.order) == (question, [], [], None, "")


def test_exam_questions_have_no_filter(shared: Callable[[str], Path]) -> None:
    lines = shared("eval/npfl138-exam/questions-dev.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines
    for question in (json.loads(line)["question"] for line in lines):
        assert scope.take(question) == scope.Scope(question)


def test_a_filter_nothing_passes_is_left_out_and_said(course_library: Library) -> None:
    found = course_library.search("padding in lecture 40", 3)
    assert found.hits
    assert found.understood is not None
    assert found.understood.filters == Filters()
    assert found.understood.notes == ('"in lecture 40" is not used: no such lecture is in the library',)
    assert found.understood.words == "padding"


def test_the_filters_of_the_call_hold_whatever_the_question_says(course_library: Library) -> None:
    found = course_library.search("the sigmoid in lecture 2, on the slides", 3, lecture=5, kind="speech")
    assert {(hit.passage.lecture, hit.passage.kind) for hit in found.hits} == {(5, "speech")}
    assert found.understood is not None
    assert len(found.understood.notes) == 2
    assert course_library.search("padding", 3, lecture=40).hits == ()


def test_material_asked_for_is_all_that_is_searched(course_library: Library) -> None:
    for question, kind in (("sigmoid on the slides", "slides"), ("what did he say about the sigmoid", "speech")):
        found = course_library.search(question, 5)
        assert {hit.passage.kind for hit in found.hits} == {kind}


def test_a_midterm_nobody_knows_of_is_said(library: Library, lectures: Path) -> None:
    library.add([lectures])
    found = library.search("gradient before the midterm")
    assert found.understood is not None
    assert found.understood.notes == (
        '"before the midterm" is not used: nothing in the library says where the midterm is',
    )


def test_a_heading_says_where_the_midterm_is(library: Library, lectures: Path) -> None:
    (lectures / "lecture-02-chain-rule.md").write_text("# Chain rule\n\nMultiply.\n\n# Midterm next week\n\nLearn!\n")
    library.add([lectures])
    before, after = (library.search(f"attention {side} the midterm").understood for side in ("before", "after"))
    assert before is not None
    assert after is not None
    assert before.filters.lectures == (1, 2)
    assert after.filters.lecture == 3


# --- phrases ----------------------------------------------------------------------------------------------------------


def test_every_passage_holds_a_quoted_phrase(course_library: Library) -> None:
    found = course_library.search('how large is the "Learning  rate"?', 10)
    assert len(found.hits) > 3
    for hit in found.hits:
        assert "learning rate" in " ".join(hit.passage.text.lower().replace("-", " ").split())
    joined = course_library.search('"back propagation"', 5)
    assert all("backpropagation" in hit.passage.text.lower().replace("\n", " ") for hit in joined.hits)


def test_a_phrase_that_stands_nowhere_is_said(course_library: Library) -> None:
    found = course_library.search('"bias correlation" in Adam', 3)
    assert found.hits
    assert found.understood is not None
    assert 'no passage there holds "bias correlation"; its words are searched' in found.understood.notes


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("We use stochastic gradient descent (SGD) here.", ("SGD", "stochastic gradient descent")),
        ("_**s**tochastic **g**radient **d**escent_ (SGD)", ("SGD", "stochastic gradient descent")),
        ("An LSTM (long short-term memory) has gates.", ("LSTM", "long short term memory")),
        ("Recurrent neural networks (RNNs)", ("RNN", "recurrent neural networks")),
        ("- GAN: generative adversarial network", ("GAN", "generative adversarial network")),
        ("SGD, stochastic gradient descent, is noisy", ("SGD", "stochastic gradient descent")),
        ("generative adversarial networks, or GANs, play", ("GAN", "generative adversarial networks")),
        ("BPTT: backpropagation through time", ("BPTT", "backpropagation through time")),
    ],
)
def test_abbreviations_are_found_where_they_are_defined(text: str, pair: tuple[str, str]) -> None:
    assert list(lexicon.definitions(text)) == [pair] * len(list(lexicon.definitions(text)))
    assert pair in lexicon.definitions(text)


@pytest.mark.parametrize(
    "text", ["the gradient (see below)", "With Adam, shrink w directly instead (AdamW)", "CNN, we say", "f(X, Y)"]
)
def test_other_brackets_define_nothing(text: str) -> None:
    assert list(lexicon.definitions(text)) == []


def test_a_word_the_library_holds_is_never_corrected(course_library: Library) -> None:
    found = course_library.search("what do gears and softmaxes have to do with years of gradeints")
    assert found.understood is not None
    assert found.understood.corrections == (("gradeints", "gradients"),)
    assert "gradeints" in found.understood.words


def test_of_two_as_near_the_more_frequent_is_the_correction() -> None:
    held = lexicon.Lexicon({"gradient": 9, "gradiant": 1, "model": 3})
    assert spelling.correction("gradieent", held) == "gradient"
    assert spelling.correction("modern", held) == ""
    assert spelling.correction("radient", held) == ""


def test_compounds_meet_however_they_are_joined() -> None:
    held = lexicon.mine(["Backpropagation and cross-entropy of the mini-batch. The minibatch overfits."])

    def pairs(text: str) -> list[tuple[str, str]]:
        words = [word.lower() for word in text.replace("-", " ").split()]
        return list(spelling.compounds(words, text, held, lambda word: word == "overfit"))

    assert pairs("back propagation") == [("back propagation", "backpropagation")]
    assert pairs("crossentropy") == [("crossentropy", "cross entropy")]
    assert pairs("over-fit") == [("over fit", "overfit")]
    assert pairs("minibatch") == [("minibatch", "mini batch")]
    assert pairs("over there") == []


# --- mathematics ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ways",
    [
        (r"$\frac{\partial L}{\partial W}$", r"\frac{dL}{dW}", "∂L/∂W", "dL/dW", "d L d W", "partial L by partial W",
         "derivative of the loss with respect to W", "d L over d W", "the derivative of L w.r.t. the weights"),
        (r"\hat{\theta}", "θ̂", "theta hat", r"\hat\theta"),
        (r"x^{2}", "x²", "x squared", "x^2"),
        (r"W^\top", "Wᵀ", "W transpose", "W^T", "the transpose of W"),
        (r"\operatorname{softmax}(\boldsymbol z)", "softmax(z)", "softmax of z"),
        (r"\sqrt{n}", "√n", "the square root of n"),
        (r"\sum_{i=1}^n", "∑_i", "sum over i", "sum over all i"),
        (r"\lVert w \rVert", "‖w‖", "the norm of w", r"\|w\|"),
        (r"\arg\max", "arg max", "argmax"),
        ("x_i", "x_{i}", "xᵢ", "x sub i"),
        (r"\sigma'(h)", "σ′(h)", "sigma prime of h"),
        (r"\nabla L", "∇L", "nabla L", "the gradient of the loss"),
    ],
)  # fmt: skip
def test_mathematics_is_one_however_it_is_written(ways: Sequence[str]) -> None:
    shared_terms = set.intersection(*(set(mathematics.terms(way)) for way in ways))
    assert shared_terms, [(way, mathematics.terms(way)) for way in ways]


FRAGMENTS = (
    r"\frac{\partial L}{\partial w_1}",
    "∂L/∂W",
    "dL/dW",
    "d L d W",
    r"\hat y_1^2",
    r"\sqrt{x_i}",
    r"\sum_{i=1}^N",
    "∑_i",
    r"\nabla_W L",
    "∇L",
    r"\lVert w\rVert",
    "‖w‖",
    r"\arg\max",
    "argmin",
    r"W^\top",
    r"\sigma'(h)",
    "σ′(h)",
    "ŷ₁²",
    "→w",
    r"\overline{x}",
    r"\boldsymbol{w}",
    r"\left( x \right)",
    r"\varphi(x)",
    "Σ_i",
    "w sub 1",
    "x one",
    "y hat",
    "w squared",
    "w cubed",
    "w transposed",
    "transpose of the matrix w",
    "w inverse",
    "w to the t",
    "f prime of x",
    "square root of x",
    "sum over all i",
    "norm of w",
    "gradient of l with respect to w",
    "derivative of the loss w.r.t. the weights",
    "{a {b}}",
    "softmax of x",
    "exp ( x )",
    "partial of l by w",
    "Fig. 3",
    "the weights of a network",
    "\n",
)


def test_patterns_are_left_out_only_where_they_cannot_match(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(7)
    texts = [*FRAGMENTS, *(" ".join(draw.choices(FRAGMENTS, k=draw.randint(2, 5))) for _ in range(2000))]
    quick = [(mathematics.terms(text), mathematics.spoken(text)) for text in texts]
    monkeypatch.setattr(mathematics._Pattern, "_may_match", lambda pattern, text: True)
    assert quick == [(mathematics.terms(text), mathematics.spoken(text)) for text in texts]


@pytest.mark.parametrize("text", ["what is that", "a chat about bars", "add it to the list", "a one-sided test"])
def test_words_are_no_mathematics(text: str) -> None:
    assert mathematics.terms(text) == []


# --- the conversation -------------------------------------------------------------------------------------------------

MOMENTUM = [Message("user", "What is momentum?"), Message("assistant", "A running sum of gradients, the velocity.")]


@pytest.mark.parametrize(
    "question", ["why?", "and for Nesterov?", "what about its velocity?", "How is it updated?", "Why does that help?"]
)
def test_follow_ups_are_seen(question: str) -> None:
    assert followup.is_followup(question, MOMENTUM)
    assert "momentum" in followup.by_rule(question, MOMENTUM)
    assert not followup.is_followup(question, [])


@pytest.mark.parametrize(
    "question", ["What is the chain rule?", "Is it possible to train without a bias?", "Show that softmax is invariant"]
)
def test_questions_that_stand_alone_are_left_alone(question: str) -> None:
    assert not followup.is_followup(question, MOMENTUM)


@pytest.mark.parametrize(
    ("rewritten", "is_good"),
    [
        ("How is momentum updated?", True),
        ("How is it updated?", False),
        ("How is the momentum of a car updated?", False),
        ("What is momentum?", False),
        ("", False),
    ],
)
def test_a_rewriting_is_checked(rewritten: str, is_good: bool) -> None:
    assert followup.is_faithful(rewritten, "How is it updated?", MOMENTUM) is is_good


class _Chat:
    """Says what it is told to, and keeps what it was asked."""

    name = "parrot"

    def __init__(self, *says: str) -> None:
        self.says = list(says)
        self.asked: list[Sequence[Message]] = []

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
        self.asked.append(messages)
        if not self.says:
            raise ChatError("the parrot is dead")
        yield self.says.pop(0)


def _library(folder: Path, lectures: Path, chat: _Chat) -> Library:
    made = Library(folder / "chat", settings=load(), embedder=LetterEmbedder(), chat=chat)
    made.add([lectures])
    return made


HISTORY = [Message("user", "What are the local derivatives?"), Message("assistant", "They stand along the path.")]


def test_a_follow_up_is_answered_as_the_model_rewrote_it(tmp_path: Path, lectures: Path) -> None:
    chat = _Chat("Why multiply the local derivatives?", "Because rates multiply.")
    answer = _library(tmp_path, lectures, chat).ask("why multiply them?", history=HISTORY)
    assert answer.question == "why multiply them?"
    assert answer.understood is not None
    assert answer.understood.standalone == "Why multiply the local derivatives?"
    assert answer.understood.standalone in chat.asked[1][-1].content


def test_the_rule_stands_in_for_a_model_that_makes_something_up(tmp_path: Path, lectures: Path) -> None:
    chat = _Chat("Why multiply bananas?", "Because rates multiply.")
    answer = _library(tmp_path, lectures, chat).ask("why multiply them?", history=HISTORY)
    assert answer.understood is not None
    assert answer.understood.standalone == "why multiply them? (local derivatives)"


def test_search_never_asks_the_model(tmp_path: Path, lectures: Path) -> None:
    chat = _Chat()
    found = _library(tmp_path, lectures, chat).search("why multiply them?", history=HISTORY)
    assert found.understood is not None
    assert found.understood.standalone == "why multiply them? (local derivatives)"
    assert chat.asked == []


# --- what is kept and shown -------------------------------------------------------------------------------------------


def test_the_lexicon_follows_the_library(library: Library, lectures: Path) -> None:
    (lectures / "lecture-04.md").write_text("# Noise\n\nstochastic gradient descent (SGD) is noisy\n", encoding="utf-8")
    library.add([lectures])
    found = library.search("SGD").understood
    assert found is not None
    assert found.expansions == (("SGD", "stochastic gradient descent"),)
    library.remove(lectures / "lecture-04.md")
    found = library.search("SGD").understood
    assert found is not None
    assert found.expansions == ()


def test_a_library_without_formulas_indexed_is_refused(library: Library, lectures: Path) -> None:
    library.add([lectures])
    recipe = library.path / "library.json"
    recipe.write_text(recipe.read_text().replace(f"/{mathematics.RECIPE}", ""))
    with pytest.raises(LibraryError, match="add your lectures to another folder"):
        Library(library.path, settings=load(), embedder=LetterEmbedder()).search("x")


def test_how_a_question_was_read_is_shown(course_library: Library) -> None:
    found = course_library.search('"running mean" and momentem in lecture 3', 2)
    assert understood_json(found.understood) == {
        "question": '"running mean" and momentem in lecture 3',
        "filters": {"lecture": 3, "phrases": ("running mean",)},
        "order": "",
        "expansions": [],
        "corrections": [["momentem", "momentum"]],
        "notes": ['"momentem" is nowhere in the library; "momentum" is searched as well'],
    }
    assert understood_parts(found.understood, found.question)[:2] == ["lecture 3", 'with "running mean"']
    assert understood_parts(course_library.search("momentum", 1).understood, "momentum") == []
