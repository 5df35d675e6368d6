"""A follow-up question made to stand on its own, by the chat model."""

from __future__ import annotations

from collections.abc import Sequence

from lecta.answer.citations import without_numbers
from lecta.answer.thinking import Spoken
from lecta.protocols import ChatModel
from lecta.types import Message

_MAX_TOKENS = 60
_TURNS = 4  # messages of the conversation that are shown
_EXCERPT = 300  # characters of each
_SYSTEM = """Rewrite the student's last question so that it can be understood without the conversation. Put in the \
words it leaves out or points at, taken from the conversation. Do not answer it. Write only the question.

Student: What is the derivative of tanh?
Tutor: It is one minus tanh squared.
Last question: and of the sigmoid?
Rewritten: What is the derivative of the sigmoid?"""


def standalone(question: str, history: Sequence[Message], chat: ChatModel) -> str:
    """Return what the model makes of a follow-up, one line, unchecked; empty when it wrote nothing.

    Raises `ChatError` when the model fails.
    """
    who = {"user": "Student", "assistant": "Tutor"}
    turns = [m for m in history if m.role in who][-_TURNS:]
    shown = "\n".join(f"{who[m.role]}: {_in_short(m.content)}" for m in turns)
    messages = [
        Message("system", _SYSTEM),
        Message("user", f"{shown}\nLast question: {question.strip()}\nRewritten:"),
    ]
    said = ""
    for spoken in Spoken(chat.stream(messages, _MAX_TOKENS)).tries():
        said = "".join(spoken)
    lines = said.strip().splitlines()
    return lines[0].removeprefix("Rewritten:").strip().strip('"') if lines else ""


def _in_short(content: str) -> str:
    """Return the beginning of a turn without its citations, whose numbers mean other passages now."""
    return " ".join(without_numbers(content).split())[:_EXCERPT]
