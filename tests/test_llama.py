"""The embedded model: what it has read is not read again, and that changes no token."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from lecta.answer.engines import ik_llama
from lecta.answer.llama import LlamaChat
from lecta.errors import ChatError
from lecta.types import Message

SYSTEM = Message("system", "You are a teaching assistant. Answer in a few sentences, from the excerpt alone.")
EXCERPT = (
    "Excerpt: The chain rule says that the derivative of f(g(x)) is f'(g(x)) g'(x). Backpropagation applies the chain "
    "rule from the output back to the input, and keeps the gradient of each layer so that none is computed twice."
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
    return LlamaChat(small_model, threads=1, context_tokens=1024, engine=engine)


def fresh(model: LlamaChat, messages: Sequence[Message], tokens: int, begun: str = "", seed: int = 0) -> str:
    """Return the reply of a model that holds nothing."""
    model._context.keep(0)
    model._reply = []
    return "".join(model.stream(messages, tokens, begun=begun, seed=seed))


@pytest.mark.slow
def test_a_shared_beginning_is_read_once_and_changes_no_word(chat: LlamaChat, plain: LlamaChat) -> None:
    first, second = asked("What does the chain rule say?"), asked("What does backpropagation keep?")
    expected = [fresh(plain, messages, 40) for messages in (first, second)]
    chat._context.keep(0)
    assert "".join(chat.stream(first, 40)) == expected[0]
    parts, _ = chat._parts(second)
    assert chat._context.read(chat._laid(parts)[1]) < sum(map(len, parts))
    assert "".join(chat.stream(second, 40)) == expected[1]
    assert "".join(chat.stream(first, 40)) == expected[0]


@pytest.mark.slow
def test_a_reply_goes_on_from_its_beginning(chat: LlamaChat, plain: LlamaChat) -> None:
    messages = asked("What does the chain rule say?")
    whole = fresh(plain, messages, 40)
    chat._context.keep(0)
    assert "".join(chat.stream(messages, 40)) == whole
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
    greedy = fresh(chat, messages, 40)
    drawn = [fresh(chat, messages, 40, seed=seed) for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len({greedy, *drawn}) > 2
    assert fresh(chat, messages, 40) == greedy


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
