"""Conversations: kept turn by turn, resumed, exported; and the commands of `lecta chat`."""

from __future__ import annotations

import io
import json
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lecta import Library, LibraryError, UsageError
from lecta.chatting import Chat, Options
from lecta.conversations import Conversations
from lecta.export import export, markdown
from lecta.settings import load
from lecta.types import Answer, Conversation, Formula, Hit, Message, Passage, Place, Sentence, Thought, Understanding
from tests.conftest import LetterEmbedder

PASSAGE = Passage("The *slope* is 2.", 3, 20, "l2_slides.pdf", "slides", lecture=2, title="On $x_1*2$ and *y*", page=12)
ANSWER = Answer(
    "What is the slope?",
    "It is $\\frac{dy}{dx} = 2$ [1].",
    (Sentence("It is $\\frac{dy}{dx} = 2$.", (1,)),),
    (Hit(PASSAGE, 0.5, (Place("other.pdf", 3),)), Hit(replace(PASSAGE, page=13), 0.25)),
    "scripted",
    thinking="hm",
    timings={"total_ms": 1.5},
    understood=Understanding("slope", "slope", standalone="What is the slope of y?"),
    formulas=(Formula("\\frac{dy}{dx} = 2", 6, 25, "checked"),),
)


@pytest.fixture
def kept(tmp_path: Path) -> Conversations:
    return Conversations(tmp_path / "conversations")


class Teller:
    """A chat model with a reply for each question in turn; it presses Ctrl-C where a reply says so."""

    name = "teller"

    def __init__(self, *replies: Sequence[str]) -> None:
        self.replies = list(replies)
        self.asked: list[Sequence[Message]] = []

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
        self.asked.append(messages)
        for piece in self.replies.pop(0):
            if piece == "^C":
                raise KeyboardInterrupt
            yield piece


Talk = Callable[..., tuple[Library, str, str]]


@pytest.fixture
def talk(
    tmp_path: Path,
    lectures: Path,
    letters: LetterEmbedder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Talk:
    """Return a function that pipes lines into a chat and returns its library and what it printed."""

    def talked(
        chat: Teller,
        *lines: str,
        options: Options | None = None,
        resumed: str | None = None,
    ) -> tuple[Library, str, str]:
        library = Library(tmp_path / "library", settings=load(), embedder=letters, chat=chat)
        if not library.documents():
            library.add([lectures])
        capsys.readouterr()
        typed = io.TextIOWrapper(io.BytesIO("\n".join(lines).encode()), encoding="ascii")
        monkeypatch.setattr(sys, "stdin", typed)
        conversation = None if resumed is None else library.conversations.find(resumed)
        Chat(library, options or Options(), conversation).run()
        printed = capsys.readouterr()
        return library, printed.out, printed.err

    return talked


# --- kept -------------------------------------------------------------------------------------------------------------


def test_a_turn_comes_back_as_it_was(kept: Conversations) -> None:
    assert kept.all() == []
    first = kept.append(None, ANSWER)
    both = kept.append(first, replace(ANSWER, question="and here?", stopped=True))
    assert kept.find(first.id) == kept.find() == kept.find(first.id[:3]) == both
    assert [turn.answer for turn in both.turns] == [ANSWER, replace(ANSWER, question="and here?", stopped=True)]
    assert both.title == "What is the slope?"
    assert both.history[:2] == (Message("user", "What is the slope of y?"), Message("assistant", ANSWER.text))


def test_the_last_is_the_one_last_asked(kept: Conversations) -> None:
    one, two = kept.append(None, ANSWER), kept.append(None, ANSWER)
    assert [found.id for found in kept.all()] == [two.id, one.id]
    kept.append(one, ANSWER)
    assert kept.find().id == one.id
    assert kept.delete(one.id) == one.id
    assert kept.find().id == two.id


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 1, "turns": [{}]}', '{"format": 9, "turns": []}', "\xff"]
)
def test_a_damaged_file_is_one_line_and_the_others_stay(kept: Conversations, tmp_path: Path, content: str) -> None:
    good, bad = kept.append(None, ANSWER), kept.append(None, ANSWER)
    (tmp_path / "conversations" / f"{bad.id}.json").write_text(content, encoding="latin-1")
    lines: list[str] = []
    assert [found.id for found in kept.all(lines.append)] == [good.id]
    (line,) = lines
    assert "\n" not in line
    assert f"lecta chat --delete {bad.id}" in line
    with pytest.raises(LibraryError, match="cannot be read"):
        kept.find(bad.id)
    gone_on = kept.append(bad, ANSWER)  # what is in memory is not lost
    assert gone_on.id != bad.id
    assert len(gone_on.turns) == 2
    kept.delete(bad.id)
    assert len(kept.all()) == 2


def test_ids_are_made_here(kept: Conversations) -> None:
    made = kept.append(None, ANSWER)
    for name in ("../../etc/passwd", "", "zz", "nothing-like-it", made.id.upper() + "x", made.id[:2]):
        with pytest.raises(UsageError):
            kept.delete(name)
    (kept._folder / "not-an-id.json").write_text("{}")
    assert [found.id for found in kept.all()] == [made.id]


def _append(folder: Path, conversation: Conversation | None, count: int) -> None:
    for number in range(count):
        conversation = Conversations(folder).append(conversation, replace(ANSWER, question=f"question {number}"))


def test_two_processes_in_one_conversation_lose_nothing(kept: Conversations, tmp_path: Path) -> None:
    begun = kept.append(None, ANSWER)
    spawn = multiprocessing.get_context("spawn")
    both = [spawn.Process(target=_append, args=(tmp_path / "conversations", begun, 5)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
        assert process.exitcode == 0
    assert len(kept.find(begun.id).turns) == 11


def test_killed_at_any_moment_every_turn_that_was_kept_is_whole(kept: Conversations, tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=_append, args=(tmp_path / "conversations", None, 10_000)
    )
    process.start()
    while not list((tmp_path / "conversations").glob("*.json")) and process.is_alive():
        process.join(0.05)
    process.join(0.3)
    process.kill()
    process.join()
    (found,) = kept.all(pytest.fail)
    numbers = [turn.answer.question for turn in found.turns]
    assert numbers == [f"question {number}" for number in range(len(numbers))]
    kept.append(found, ANSWER)  # the lock is free, and what the writer left is gone
    assert not list((tmp_path / "conversations").glob("*.tmp"))


# --- exported ---------------------------------------------------------------------------------------------------------


def test_an_export_has_questions_answers_and_places(kept: Conversations, tmp_path: Path) -> None:
    conversation = kept.append(None, ANSWER)
    page = markdown(conversation)
    assert "## 1. What is the slope?\n\nIt is $\\frac{dy}{dx} = 2$ [1].\n" in page
    assert "- [1] `l2_slides.pdf`, lecture 2, slide 12: On $x_1*2$ and \\*y\\*\n" in page
    assert "[2]" not in page
    assert "hm" not in page
    target = tmp_path / "page.md"
    export(conversation, target)
    export(kept.append(conversation, ANSWER), target)
    assert target.read_text(encoding="utf-8").count("## ") == 2
    (tmp_path / "mine.md").write_text("my notes")
    with pytest.raises(UsageError, match="there already"):
        export(conversation, tmp_path / "mine.md")
    assert (tmp_path / "mine.md").read_text() == "my notes"


# --- the chat ---------------------------------------------------------------------------------------------------------

DERIVATIVES = ("Multiply the local derivatives along the path ", "[1].")


def test_a_conversation_keeps_its_thread_and_each_turn_its_citations(talk: Talk) -> None:
    chat = Teller(
        DERIVATIVES, ["Why multiply the local derivatives?"], ["So multiply the local derivatives along the path [9]."]
    )
    library, out, _ = talk(chat, "What are the local derivatives?", "", "why multiply them?")
    assert out.startswith("> What are the local derivatives?\n\nMultiply the local derivatives along the path. [1]")
    (kept,) = library.conversations.all()
    first, second = (turn.answer for turn in kept.turns)
    cited = [turn.passages[turn.sentences[0].citations[0] - 1].passage.text for turn in (first, second)]
    assert all("local derivatives" in text for text in cited)
    assert second.question == "why multiply them?"
    assert second.understood is not None
    assert second.understood.standalone == "Why multiply the local derivatives?"
    prompt = chat.asked[2][-1].content  # nothing of the turn before but the question that was made of it
    assert "What are the local derivatives?" not in prompt
    assert "\nQuestion: Why multiply the local derivatives?\n" in f"\n{prompt}\n"


def test_resumed_it_goes_on_with_the_same_thread(talk: Talk) -> None:
    library, *_ = talk(Teller(DERIVATIVES), "What are the local derivatives?")
    (begun,) = library.conversations.all()
    chat = Teller(["Why multiply the local derivatives?"], ["Because rates multiply [1]."])
    library, _, err = talk(chat, "why multiply them?", resumed=begun.id[:4])
    assert begun.id in err
    (kept,) = library.conversations.all()
    assert [turn.answer.question for turn in kept.turns] == ["What are the local derivatives?", "why multiply them?"]
    assert "What are the local derivatives?" in chat.asked[0][-1].content


def test_json_is_a_line_for_each_answer_and_errors_do_not_end_it(talk: Talk) -> None:
    chat = Teller([Thought("hm")], [Thought("hm"), *DERIVATIVES])
    library, out, err = talk(chat, "one path?", "the derivatives?", options=Options(as_json=True))
    failed, answered = map(json.loads, out.splitlines())
    assert "max_tokens" in failed["error"]
    assert failed["error"] in err
    (kept,) = library.conversations.all()
    assert (answered["conversation"], answered["turn"], answered["stopped"]) == (kept.id, 1, False)
    assert (answered["thinking"], answered["answer"]) == ("hm", "Multiply the local derivatives along the path. [1]")


def test_ctrl_c_keeps_what_was_written(talk: Talk, tmp_path: Path, letters: LetterEmbedder) -> None:
    with pytest.raises(KeyboardInterrupt):  # in a pipe it ends the chat, and the turn is kept
        talk(Teller([*DERIVATIVES, " And so ", "it ", "^C"]), "What are the local derivatives?")
    (kept,) = Conversations(tmp_path / "library" / "conversations").all()
    assert kept.turns[0].answer.stopped
    assert kept.turns[0].answer.text == "Multiply the local derivatives along the path. [1] And so it"
    assert kept.turns[0].answer.sentences[0].citations == (1,)
    assert "*(stopped here)*" in markdown(kept)
    with pytest.raises(KeyboardInterrupt):  # nothing was written, nothing is kept
        talk(Teller(["^C"]), "and the path?")
    assert len(Conversations(tmp_path / "library" / "conversations").all()) == 1


def test_commands(talk: Talk, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    library, out, err = talk(
        Teller([Thought("first the path"), *DERIVATIVES], DERIVATIVES),
        "/sources", "/export x.md", "/what", "What are the local derivatives?", "/sources", "/thinking",
        f"/export {page}", "/new", "Where is the path?", "/quit", "never asked",
    )  # fmt: skip
    assert [line for line in err.splitlines() if line.startswith("lecta:")] == [
        "lecta: there is no answer yet",
        "lecta: nothing to export yet: ask something first",
        "lecta: no command /what; /help shows what there is",
    ]
    assert "first the path" in out
    assert "> never asked" not in out
    assert "## 1. What are the local derivatives?" in page.read_text(encoding="utf-8")
    assert [len(one.turns) for one in library.conversations.all()] == [1, 1]


def test_thoughts_are_folded_unless_asked_for(talk: Talk) -> None:
    pieces = [Thought("first "), Thought("the path"), *DERIVATIVES]
    _, folded, _ = talk(Teller(pieces), "What are the local derivatives?")
    assert "the path\n" not in folded.partition("Multiply")[0]
    _, shown, _ = talk(Teller(pieces), "What are the local derivatives?", options=Options(show_thinking=True))
    assert "<think>\nfirst the path\n</think>\n\nMultiply" in shown


def test_a_folder_that_cannot_be_written_does_not_end_the_chat(talk: Talk, tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "conversations").write_text("in the way")
    _, out, err = talk(Teller(DERIVATIVES, DERIVATIVES), "What is local?", "Where is the path?")
    assert out.count("Multiply the local") == 2
    assert err.count("cannot be kept") == 2


@pytest.mark.slow
def test_a_real_model_keeps_the_thread(course_library: Library, small_model: Path) -> None:
    first = course_library.ask("What is the chain rule in backpropagation?", 2)
    conversation = course_library.conversations.append(None, first)
    second = course_library.ask("why is it needed?", 2, history=conversation.history)
    assert second.understood is not None
    assert "chain" in second.understood.standalone.lower()
    course_library.conversations.delete(conversation.id)
