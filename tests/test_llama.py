"""The embedded model: what it has read is not read again, what it will write is guessed; neither changes a token."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lecta.answer.context import Context
from lecta.answer.drafting import Costs, Drafter
from lecta.answer.engines import ik_llama
from lecta.answer.llama import LlamaChat
from lecta.errors import ChatError, PromptTooLongError
from lecta.types import Message

SYSTEM = Message("system", "Answer from the excerpt.")
EXCERPT = (
    "Excerpt: The chain rule says that the derivative of f(g(x)) is f'(g(x)) g'(x). Backpropagation applies it from "
    "the output back to the input, and keeps each gradient."
)


def asked(question: str) -> list[Message]:
    """Return a conversation whose beginning is always the same."""
    return [SYSTEM, Message("user", f"{EXCERPT}\n\nQuestion: {question}")]


@pytest.fixture(scope="module", params=["ik", "llama.cpp"])
def chat(small_model: Path, request: pytest.FixtureRequest) -> LlamaChat:
    if request.param == "ik" and not ik_llama.is_installed():
        pytest.skip("no wheel of ik_llama.cpp here")
    return LlamaChat(small_model, threads=1, context_tokens=1024, engine=request.param)


@pytest.fixture(scope="module")
def plain(small_model: Path, chat: LlamaChat) -> LlamaChat:
    engine = "ik" if isinstance(chat.engine, ik_llama.IkLlama) else "llama.cpp"
    return LlamaChat(small_model, threads=1, context_tokens=1024, engine=engine, guesses=False)


def fresh(model: LlamaChat, messages: Sequence[Message], tokens: int, begun: str = "", seed: int = 0) -> str:
    """Return the reply of a model that holds nothing."""
    model._context.keep(0)
    model._reply = []
    return "".join(model.stream(messages, tokens, begun=begun, seed=seed))


@pytest.mark.slow
def test_a_shared_beginning_is_read_once_and_changes_no_word(chat: LlamaChat, plain: LlamaChat) -> None:
    first, second = asked("What does the chain rule say?"), asked("What does backpropagation keep?")
    expected = [fresh(plain, messages, 16) for messages in (first, second)]
    chat._context.keep(0)
    assert "".join(chat.stream(first, 16)) == expected[0]
    parts, _ = chat._parts(second)
    assert chat._context.read(chat._laid(parts)[1]) < sum(map(len, parts))
    assert "".join(chat.stream(second, 16)) == expected[1]
    assert "".join(chat.stream(first, 16)) == expected[0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 7])
def test_guesses_change_no_token_and_are_used(chat: LlamaChat, plain: LlamaChat, seed: int) -> None:
    if not chat.guesses:
        pytest.skip("this engine takes no guesses")
    messages = asked("Repeat the excerpt word for word.")
    expected = fresh(plain, messages, 60, seed=seed)
    calls: list[int] = []
    held: Any = chat._context._held
    decode = held.decode

    def counted(tokens: Sequence[int], position: int, guesses: Sequence[int] = ()) -> None:
        calls.append(len(guesses) if len(tokens) == 1 else -1)
        decode(tokens, position, guesses)

    held.decode = counted
    try:
        assert fresh(chat, messages, 60, seed=seed) == expected
    finally:
        del held.decode
    written = [count for count in calls if count >= 0]
    assert max(written) > 1
    assert len(written) < 45


@pytest.mark.slow
def test_a_token_has_one_state_in_calls_of_any_size(chat: LlamaChat) -> None:
    if not chat.engine.guesses:
        pytest.skip("this engine takes no guesses")
    tokens = chat.engine.tokenize(EXCERPT * 3)[:70]
    states = []
    for sizes in ([70], [1] * 70, [2, 1, 5, 3, 6, 1] * 4, [64, 1, 5]):
        held: Any = chat.engine.hold(256, 1)
        position = 0
        for size in sizes:
            if step := tokens[position : position + size]:
                held.decode(step, position, [5, 6, 7][: size % 3])
                states.append((position + len(step), held._logits(0).copy()))
                held.forget(position + len(step))
                position += len(step)
    one_by_one = dict(states[1:71])
    assert all(np.array_equal(one_by_one[position], logits) for position, logits in states)


@pytest.mark.slow
def test_a_reply_goes_on_from_its_beginning(chat: LlamaChat, plain: LlamaChat) -> None:
    messages = asked("What does the chain rule say?")
    whole = fresh(plain, messages, 24)
    chat._context.keep(0)
    assert "".join(chat.stream(messages, 24)) == whole
    words = whole.split(" ")
    begun = " ".join(words[:6]) + " "
    held = chat._context.size
    rest = "".join(chat.stream(messages, 10, begun=begun))
    assert whole.startswith(begun + rest)
    assert rest
    assert chat._context.size < held
    assert rest == fresh(plain, messages, 10, begun=begun)


@pytest.mark.slow
def test_a_seed_draws_other_words_and_always_the_same(chat: LlamaChat) -> None:
    messages = asked("Tell me a long story about a sailor.")
    greedy = fresh(chat, messages, 12)
    drawn = ["".join(chat.stream(messages, 12, seed=seed)) for seed in (1, 2, 3)]
    assert fresh(chat, messages, 12, seed=1) == drawn[0]
    assert len({greedy, *drawn}) > 2
    assert "".join(chat.stream(messages, 12)) == greedy


@pytest.mark.slow
def test_a_reply_that_was_left_is_ended_by_the_next_and_another_thread_waits(chat: LlamaChat) -> None:
    messages = asked("What does the chain rule say?")
    expected = fresh(chat, messages, 20)
    left = chat.stream(messages, 20)
    next(left)
    running = chat.stream(messages, 20)
    parts = [next(running)]
    with pytest.raises(ChatError, match="another reply"):
        list(left)
    replies: list[str] = []
    other = threading.Thread(target=lambda: replies.append("".join(chat.stream(messages, 20))))
    other.start()
    parts += list(running)
    other.join()
    assert "".join(parts) == replies[0] == expected


def test_what_cannot_forget_a_part_is_read_anew_and_gets_no_guesses(small_model: Path) -> None:
    if not ik_llama.is_installed():
        pytest.skip("no wheel of ik_llama.cpp here")
    engine = ik_llama.IkLlama(small_model)
    assert engine.forgets
    assert engine.guesses == 5
    assert engine._metadata("general.architecture") == "qwen2"
    assert engine._metadata("no.such.key") == ""
    engine.forgets, engine.guesses = False, 0  # as of a recurrent model
    context = Context(engine, tokens=256, threads=1)
    context.read([(1, 2, 3), (4,), (5,)])
    assert context.size == 5
    context.keep(1)
    assert context.size == 0


def test_tokens_that_were_written_are_read_together_and_each_call_is_told(chat: LlamaChat) -> None:
    context = Context(chat.engine, tokens=256, threads=1)
    told: list[int] = []
    context.read([(1, 2, 3), (4,), (5,), (6, 7), *((token,) for token in range(8, 28))], told.append)
    assert context.size == 27
    assert told == ([1, 2, 3, 4, 20, 24] if chat.engine.guesses else list(range(1, 25)))


def test_a_leaning_is_refused_where_the_prompt_is_too_long(chat: LlamaChat) -> None:
    if not chat.engine.shows_odds:
        assert chat.leaning([Message("user", "word " * 2000)], "Yes", "No") is None  # nothing is read for it
        return
    with pytest.raises(PromptTooLongError):
        chat.leaning([Message("user", "word " * 2000)], "Yes", "No")


@pytest.mark.slow
def test_yes_or_no_is_asked_beside_a_reply_that_goes_on(chat: LlamaChat) -> None:
    messages = asked("What does the chain rule say?")
    expected = fresh(chat, messages, 12)
    reply = chat.stream(messages, 12)
    parts = [next(reply)]
    leans = chat.leaning([Message("user", "Is one more than two? Yes or No.")], "Yes", "No")
    assert "".join([*parts, *reply]) == expected
    assert (leans is not None) == chat.engine.shows_odds
    assert leans == chat.leaning([Message("user", "Is one more than two? Yes or No.")], "Yes", "No")


def test_costs_that_looked_dear_are_tried_again() -> None:
    costs = Costs()
    for _ in range(20):
        costs.note(1, 0.05)
        costs.note(3, 1.0)
    assert costs.of(3) > 10
    for _ in range(1000):
        costs.note(1, 0.05)
    assert costs.of(3) < 2


def test_guesses_follow_what_pays() -> None:
    text = [1, 2, 3, 4, 5, 6, 7, 8, 1, 2]
    assert Drafter(text, 3).after(3)[:2] == [4, 5]
    assert Drafter([1, 2], 3).after(3) == []
    dear, cheap = Costs(), Costs()
    for costs, ratio in ((dear, 3.0), (cheap, 1.0)):
        costs.note(0, 0.05)
        for _ in range(20):
            for guesses in range(2, 6):
                costs.note(guesses, 0.05 * ratio)
    assert Drafter(text, 5, dear).after(3) == [4]
    assert Drafter(text, 5, cheap).after(3) == [4, 5, 6, 7, 8]
    unlucky = Drafter(text, 5)
    sizes = [len(unlucky.after(token)) for _ in range(100) for token in (1, 2, 3)]
    assert sizes[2] > 1
    assert sizes[-1] == 1


def test_right_guesses_make_for_longer_ones() -> None:
    drafter, once = Drafter([], 5), [1, 2, 3, 4, 5, 6, 7, 8, 9]
    guesses: list[int] = []
    sizes = []
    for token in once * 20:
        if guesses[:1] == [token]:
            drafter.was_right(guesses.pop(0))
        else:
            guesses = drafter.after(token)
            sizes.append(len(guesses))
    assert sizes[:9] == [0] * 9
    assert sizes[-2] > 2
