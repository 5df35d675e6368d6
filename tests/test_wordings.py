"""A sentence that no passage bears is said otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lecta.answer.citations import without_headings
from lecta.answer.llama import LlamaChat
from lecta.answer.wordings import LEFT, best_wordings, until_circle
from lecta.library import Library
from lecta.settings import load
from lecta.types import Answer, Message, Sentence
from tests.conftest import COURSE

BORNE = ("It rises.", "It falls slowly.", "It falls very slowly down.", "It rests.")


def _judge(text: str) -> Sentence:
    return Sentence(text, supported=None if text.endswith(":") else text in BORNE)


def _answer(said: dict[tuple[str, int], str], tries: int = 2) -> tuple[list[str], list[tuple[str, int]]]:
    """Return the sentences that come of what a model says, and what it was asked for."""
    asked = []

    def write(begun: str, number: int) -> Iterator[str]:
        asked.append((begun, number))
        return iter([said.get((begun, number), "")])

    return list(best_wordings(write, _judge, lambda: tries)), asked


def test_what_is_borne_stays_and_nothing_is_asked_again() -> None:
    assert _answer({("", 0): "It is so:\n\nIt rises. It rests."})[1] == [("", 0)]


def test_the_first_wording_that_is_borne_is_taken_and_the_answer_goes_on_from_it() -> None:
    said = {("", 0): "It sings. And more.", ("", 1): "It swims.", ("", 2): "It rises.", ("It rises.", 0): " It rests."}
    assert _answer(said)[0] == ["It rises.", " It rests."]


def test_where_no_wording_is_borne_the_first_stays() -> None:
    said = {("", 0): "It sings. It rises.", ("", 1): "It swims.", ("", 2): "It flies.", ("It sings.", 0): " It rises."}
    assert _answer(said)[0] == ["It sings.", " It rises."]


def test_what_was_said_is_no_other_wording() -> None:
    said = {
        ("", 0): "It falls slowly. It sings.",
        ("It falls slowly.", 1): " It falls slowly.",
        ("It falls slowly.", 2): " It rises.",
    }
    assert _answer(said)[0] == ["It falls slowly.", " It rises."]


def test_an_answer_may_end_instead_but_not_before_anything_is_borne() -> None:
    assert _answer({("", 0): "It rises. It sings."})[0] == ["It rises."]
    assert _answer({("", 0): "It sings."})[0] == ["It sings."]


def test_an_answer_that_leaves_the_lectures_ends_and_says_so_if_it_would_go_on() -> None:
    said = {("", 0): "It rises. It sings. It swims. It falls slowly."}
    for number in range(3):  # no other wording is borne, and the model goes on
        said |= {("It rises.", number): " It sings. It swims.", ("It rises. It sings.", number): " It swims. It flies."}
    for goes_on, after in ((False, ""), (True, " It flies.")):
        said["It rises. It sings. It swims.", 0] = after
        left = list[bool]()
        told = best_wordings(
            lambda begun, number: iter([said.get((begun, number), "")]),
            _judge,
            lambda: 2,
            on_left=lambda left=left: left.append(True),  # type: ignore[misc]
        )
        assert list(told) == ["It rises.", " It sings.", " It swims."]
        assert bool(left) == goes_on
    assert _answer(said, tries=0)[0][-1] == " It falls slowly."


def test_an_answer_without_anything_borne_ends_after_four_sentences() -> None:
    flights = "It sings. It swims. It flies. It dives. It hops."
    told = best_wordings(lambda begun, number: iter([flights[len(begun) :]]), _judge, lambda: 1)
    assert "".join(told) == "It sings. It swims. It flies. It dives."


CIRCLE = "It falls very slowly down. It rises. It falls very slowly down."


def test_prose_that_was_said_is_left_out_and_twice_in_a_row_ends_the_answer() -> None:
    assert _answer({("", 0): f"{CIRCLE} It rests."})[0] == ["It falls very slowly down.", " It rises.", " It rests."]
    assert _answer({("", 0): f"{CIRCLE} {CIRCLE} It rests."})[0] == ["It falls very slowly down.", " It rises."]
    assert "".join(_answer({("", 0): f"{CIRCLE} {CIRCLE}"}, tries=0)[0]) == f"{CIRCLE} {CIRCLE}"


@pytest.mark.parametrize(
    "steps",
    [
        "It is so:\n\n- $a = 0$\n- $b = 1$\n\nWith that:\n\n- $a = 0$\n- $b = 1$",
        "So:\n- Conv 3x3 and then a ReLU\n- Conv 3x3 and then a ReLU\n- Max pooling of all that",
        "So:\n\n| 0 | 1 |\n| 0 | 1 |\n| 1 | 1 |",
        "So:\n$$\\frac{\\partial L}{\\partial w} = \\hat{y}$$\nAnd:\n$$\\frac{\\partial L}{\\partial w} = \\hat{y}$$",
    ],
)
def test_lines_that_are_the_same_with_reason_stay(steps: str) -> None:
    told = best_wordings(lambda begun, number: iter([steps]), lambda text: Sentence(text, supported=True), lambda: 2)
    assert "".join(told) == steps


def test_lines_that_never_end_do() -> None:
    steps = "So:" + "\n- Conv 3x3\n- ReLU" * 40
    told = best_wordings(lambda begun, number: iter([steps]), lambda text: Sentence(text, supported=True), lambda: 2)
    assert "".join(told).count("Conv") == 3


def test_a_formula_that_never_ends_is_said_otherwise_or_ends_the_answer() -> None:
    endless = r"It rises. $$a" + r"\quad" * 200
    assert _answer({("", 0): endless})[0] == ["It rises."]
    assert _answer({("", 0): endless, ("It rises.", 2): " It rests."})[0] == ["It rises.", " It rests."]


@pytest.mark.parametrize(
    "text",
    ["|" + " --- |" * 30, "[" + "0, " * 40 + "1]", "$0." + "3" * 60 + "$", "=" * 79, "It is so, and so, and so."],
)
def test_rows_and_digits_are_no_circle(text: str) -> None:
    assert "".join(until_circle(text)) == text


@pytest.mark.parametrize("unit", [r"\quad", "and so on, ", "!"])
def test_a_circle_is_soon_noticed(unit: str) -> None:
    assert len("".join(until_circle(["It is so: ", *[unit] * 2000]))) < 400


def test_the_heading_of_an_excerpt_is_no_sentence() -> None:
    heading = "(Lecture 2, notes: 3. What is Adam? (A recap))"
    said = f"{heading} It rises.\n\n{heading}\nSo."
    words = [f" {word}" if i else word for i, word in enumerate(said.split(" "))]
    assert "".join(without_headings(words, {heading})) == f"{heading} It rises.\nSo."


SURE = {
    "The sun rises every day.": 0.9,
    "A bee hums in June.": 0.7,
    "The cat rests all night.": 0.8,
    "Some rain falls in spring.": 0.65,
}


@pytest.mark.parametrize(
    ("drawn", "quoted", "told"),
    [
        (
            "",
            "The sun rises every day.",
            ["The sun rises every day.", " So:"],
        ),  # the lecture's words, and it goes on from them
        ("The cat rests all night.", "", ["The cat rests all night.", " So:"]),
        (
            "A bee hums in June.",
            "",
            ["Some rain falls in spring.", " So:"],
        ),  # of several wordings the check takes the one that deceives it best
        (
            "The cat rests all night.",
            "A bee hums in June.",
            ["The cat rests all night.", " So:"],
        ),  # words the check is not sure of are no better quoted
    ],
)
def test_what_is_borne_but_in_doubt_is_quoted_or_said_otherwise_or_stays(
    drawn: str, quoted: str, told: list[str]
) -> None:
    def write(begun: str, number: int) -> Iterator[str]:
        return iter(
            [
                drawn
                if number
                else "Some rain falls in spring. So:"[len(begun) :]
                if begun in ("", "Some rain falls in spring.")
                else " So:"
            ]
        )

    def judge(text: str) -> Sentence:
        return Sentence(text, support=SURE.get(text), supported=None if text.endswith(":") else text in SURE)

    asked: list[str] = []

    def quote(sentence: str) -> str:
        asked.append(sentence)
        return quoted

    assert list(best_wordings(write, judge, lambda: 1, quote=quote)) == told
    assert asked == ["Some rain falls in spring."]


def test_what_was_told_is_not_quoted_again() -> None:
    def write(begun: str, number: int) -> Iterator[str]:
        return iter(["" if number else "The sun rises every day. Some rain falls in spring."[len(begun) :]])

    def judge(text: str) -> Sentence:
        return Sentence(text, support=SURE.get(text), supported=text in SURE)

    told = best_wordings(write, judge, lambda: 1, quote=lambda sentence: "The sun rises every day.")
    assert list(told) == ["The sun rises every day.", " Some rain falls in spring."]


def test_without_tries_nothing_is_asked_again() -> None:
    assert _answer({("", 0): "It sings. It swims."}, tries=0) == (["It sings.", " It swims."], [("", 0)])


class Scripted:
    """A model that can go back, and says what it is told to."""

    name, rewinds = "scripted", True

    def __init__(self, said: str, drawn: str) -> None:
        self._said, self._drawn = said, drawn
        self.asked: list[tuple[str, int]] = []

    def stream(self, messages: Sequence[Message], max_tokens: int, *, begun: str = "", seed: int = 0) -> Iterator[str]:
        self.asked.append((begun, seed))
        assert self._said.startswith(begun)
        yield from re.findall(r"\s*\S+", self._drawn if seed else self._said[len(begun) :])


QUESTION = "Why does Adam correct its bias?"
FROM_LECTURE = "Both means start at zero, so in the first steps they are pulled towards zero."


def _asked(library: Library, chat: Scripted, *, strict: bool = False) -> Answer:
    return Library(library.path, settings=load(wordings=1), embedder=library.embedder, chat=chat).ask(
        QUESTION, strict=strict
    )


@pytest.mark.parametrize("strict", [False, True])
def test_what_left_the_lectures_is_told_and_going_back_keeps_the_models_own_numbers(
    course_library: Library, strict: bool
) -> None:
    invented = "Whales sing in the northern sea. [2] Submarines dive below the winter ice. [3] Trains leave at noon."
    chat = Scripted(f"{FROM_LECTURE} [1] {invented}", " Penguins march over a frozen continent.")
    answer = _asked(course_library, chat, strict=strict)
    assert answer.text.startswith(FROM_LECTURE)
    assert answer.text.endswith(LEFT)
    assert LEFT not in answer.said
    assert ("Whales" in answer.text) != strict
    assert "Trains" not in answer.said
    assert (f"{FROM_LECTURE} [1]", 1) in chat.asked


def test_a_reply_of_headings_alone_is_drawn_again(course_library: Library) -> None:
    chat = Scripted("<excerpt>\n</excerpt>", FROM_LECTURE)
    assert _asked(course_library, chat).said == FROM_LECTURE
    assert chat.asked == [("", 0), ("", 1)]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "At every node one multiplies the incoming gradient by its own derivative and hands the product on.",
            "At each node, multiply the gradient that arrives from behind by the local derivative, and pass the result "
            "on.",
        ),
        ("At each node, multiply the gradient that arrives from behind by the local derivative.", ""),  # sure already
    ],
)
def test_the_notes_own_words_stand_for_a_sentence_in_doubt(course_library: Library, said: str, shown: str) -> None:
    class Paraphrasing:
        name, rewinds = "paraphrasing", True

        def stream(
            self, messages: Sequence[Message], max_tokens: int, *, begun: str = "", seed: int = 0
        ) -> Iterator[str]:
            yield from [] if begun or seed else re.findall(r"\s*\S+", said)

    library = Library(
        course_library.path, settings=load(wordings=1), embedder=course_library.embedder, chat=Paraphrasing()
    )
    answer = library.ask("What is backpropagation?")
    (sentence,) = answer.sentences
    assert sentence.text == answer.said == (shown or said)
    assert sentence.supported
    (span, *_) = sentence.spans
    place = answer.passages[span.passage - 1].passage
    assert place.kind == "notes"
    if shown:
        assert place.text[span.start_index - place.start_index : span.end_index - place.start_index] == shown


def test_behind_a_quote_the_model_goes_on_from_its_own_numbers(course_library: Library) -> None:
    first = "Backpropagation is the chain rule, organised so that nothing is computed twice."
    asked = list[str]()

    class Numbering:
        name, rewinds = "numbering", True

        def stream(
            self, messages: Sequence[Message], max_tokens: int, *, begun: str = "", seed: int = 0
        ) -> Iterator[str]:
            asked.append(begun)
            said = (
                f"{first} [1] At every node one multiplies the incoming gradient by its own derivative, and that is it."
            )
            yield from [] if begun or seed else re.findall(r"\s*\S+", said)

    library = Library(
        course_library.path, settings=load(wordings=1), embedder=course_library.embedder, chat=Numbering()
    )
    library.ask("What is backpropagation?")
    assert [begun[: len(first) + len(" [1] At each node")] for begun in asked] == ["", f"{first} [1] At each node"]


@pytest.mark.slow
def test_a_real_model_says_otherwise_what_no_passage_bears(
    small_model: Path, models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the small model, which invents much; none of its sentences is said twice."""
    chat = LlamaChat(small_model)
    library = Library(tmp_path / "library", settings=load(answerable=0, wordings=2, max_tokens=150), chat=chat)
    library.add([COURSE / "lecture-03-optimisers"])
    seeds, stream = list[int](), chat.stream

    def listened(messages: Sequence[Message], max_tokens: int, *, begun: str = "", seed: int = 0) -> Iterator[str]:
        seeds.append(seed)
        return stream(messages, max_tokens, begun=begun, seed=seed)

    monkeypatch.setattr(chat, "stream", listened)
    question, drafts = "How are transformers trained?", list[str]()
    greedy = Library(library.path, settings=load(answerable=0, wordings=0, max_tokens=150), chat=chat).ask(question)
    assert seeds == [0]
    assert any(sentence.supported is False for sentence in greedy.sentences)
    answer = library.ask(question, on_draft=drafts.append)
    assert 1 in seeds  # it went back
    assert not answer.abstained
    texts = [sentence.text for sentence in answer.sentences]
    assert len(set(texts)) == len(texts)
    assert all(text in answer.said for text in texts)
    assert any(texts[0] in draft for draft in drafts)  # it was seen while it grew
