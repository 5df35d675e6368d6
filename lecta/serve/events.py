"""What happens while an answer is written, in the order in which it can come.

queued* loading* passages (draft | text | sentence | thought | recall)* formulas? (done | error)

`passages` comes once more when the question was waiting, for the model may have read it otherwise.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from lecta.as_json import answer_json, formula_json, hits_json, sentence_json
from lecta.types import Answer, Formula, Hit, Sentence


@dataclass(frozen=True, slots=True)
class Queued:
    """The question waits for the model."""

    name: ClassVar[str] = "queued"
    place: int
    """How many questions come before it; 0 when it is the next or already being answered."""


@dataclass(frozen=True, slots=True)
class Loading:
    """A model is being fetched."""

    name: ClassVar[str] = "loading"
    model: str
    done: int
    """Bytes."""
    total: int


@dataclass(frozen=True, slots=True)
class Passages:
    """The passages that the answer will rest on; citations count them from 1."""

    name: ClassVar[str] = "passages"
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer in Markdown, with citations as "[1]" behind the sentences that are borne."""

    name: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """The sentence that is being written, from its beginning; it may still become another.

    It stands behind the text so far, until a later draft or a piece of text takes its place.
    """

    name: ClassVar[str] = "draft"
    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """A piece of what the model thinks before it answers."""

    name: ClassVar[str] = "thought"
    text: str


@dataclass(frozen=True, slots=True)
class Recall:
    """What was written so far was thought: the answer begins anew, its text and sentences are to be forgotten."""

    name: ClassVar[str] = "recall"


@dataclass(frozen=True, slots=True)
class Judged:
    """A sentence has ended and was checked."""

    name: ClassVar[str] = "sentence"
    number: int
    """From 0."""
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Formulas:
    """The formulas of the answer, checked; their indices count characters of the answer's text."""

    name: ClassVar[str] = "formulas"
    formulas: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """The answer is whole, or was stopped (`answer.stopped`)."""

    name: ClassVar[str] = "done"
    answer: Answer
    conversation: str = ""
    """Where it is kept, if it is."""
    warning: str = ""
    """Why it could not be kept, if it could not."""


@dataclass(frozen=True, slots=True)
class Failed:
    """There will be no answer."""

    name: ClassVar[str] = "error"
    message: str
    """One line for the user."""
    status: int = 500
    """As HTTP has it: 400 the question is wrong, 503 too many wait, 499 stopped before anything was written."""


Event = Queued | Loading | Passages | Text | Draft | Thought | Recall | Judged | Formulas | Done | Failed


def to_json(event: Event) -> dict[str, Any]:
    """Return an event as the API sends it; passages and answers are as `lecta search --json` and `ask --json` say."""

    match event:
        case Passages(hits):
            said: dict[str, Any] = {"passages": hits_json(hits)}
        case Judged(number, sentence):
            said = {"number": number} | sentence_json(sentence)
        case Formulas(formulas):
            said = {"formulas": [formula_json(formula) for formula in formulas]}
        case Done(answer, conversation, warning):
            own = {"stopped": answer.stopped, "conversation": conversation or None, "warning": warning}
            said = answer_json(answer) | own
        case Failed(message, status):
            said = {"error": message, "status": status}
        case _:  # the others are plain values
            said = asdict(event)
    return said
