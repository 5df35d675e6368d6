"""The lectures as models of OpenAI's chat API: "lecta" is all of them, "lecta/COURSE" one course.

The last message is the question and the user's and assistant's messages before it are the conversation; instructions
("system") and sampling parameters have no say in what lecta answers. Sources are appended to the text, and everything
that is known of the answer stands in a field of its own, `lecta`. There is no `usage`: nobody counted.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from lecta.errors import LectaError, UsageError
from lecta.in_words import place
from lecta.serve import events, streams
from lecta.serve.desk import Desk, Question
from lecta.types import Answer, Message

OWNER = "lecta"

_SOURCES = "\n\nSources:\n"
_RECALLED = "\n\n(What stands above was thought; this is the answer.)\n\n"
_HISTORY = 12  # messages before the question, as many as a kept conversation gives


class ModelMissingError(LectaError):
    """A request names a model that is not here."""


class Part(BaseModel):
    """A part of a message; only text is read."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(max_length=100)
    text: str = Field("", max_length=50_000)


class ChatMessage(BaseModel):
    """One message."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[str, Field(max_length=100_000)] | list[Part] | None = None


class ChatRequest(BaseModel):
    """A chat completion that is wanted; what is not named here is read by nobody."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "model": "lecta/backpropagation-and-around",
                "messages": [{"role": "user", "content": "What is the chain rule?"}],
                "stream": False,
            }
        },
    )

    model: str = Field(max_length=500)
    messages: list[ChatMessage] = Field(min_length=1, max_length=500)
    stream: bool | None = False
    n: int | None = Field(1, description="Only 1.")


class OpenAIError(BaseModel):
    """An error in OpenAI's form."""

    class Inner(BaseModel):
        """What is wrong."""

        message: str
        type: str
        param: str | None
        code: str | None

    error: Inner


class Model(BaseModel):
    """A model: a course, or all."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    """The models there are."""

    object: Literal["list"]
    data: list[Model]


class Completion(BaseModel):
    """An answer in OpenAI's form."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: None = Field(None, description="Nobody counted.")
    lecta: dict[str, Any] = Field(description="As /api/ask gives it: sentences, formulas, passages, ...")


_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": OpenAIError, "description": description}
    for status, description in (
        (400, "The request is not as described here."),
        (401, "The server wants a token: `Authorization: Bearer TOKEN`."),
        (403, "The request comes from another site."),
        (413, "The request is too large."),
        (421, "The Host header names another server."),
        (422, "Not used: such requests are answered with 400."),
        (500, "Something failed; the message says what and what to do."),
        (503, "Too many questions wait."),
    )
}
_MISSING: dict[int | str, dict[str, Any]] = {404: {"model": OpenAIError, "description": "There is no such model."}}
_STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer; with `stream`, chunks as server-sent events, the last one with `lecta`.",
        "content": {
            "text/event-stream": {
                "schema": streams.SCHEMA,
                "example": 'data: {"object": "chat.completion.chunk", "choices": [{"delta": {"content": "The"}}]}\n\n'
                "data: [DONE]\n\n",
            }
        },
    }
}


def router(desk: Desk) -> APIRouter:
    """Return the routes of one desk."""
    routes = APIRouter(prefix="/v1", responses=_ERRORS, tags=["OpenAI-compatible"])
    since = int(time.time())

    def described(name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": since, "owned_by": OWNER}

    @routes.get("/models", response_model=ModelList)
    async def models() -> dict[str, Any]:
        """List the courses as models."""
        return {"object": "list", "data": [described(name) for name in await _models(desk)]}

    @routes.get("/models/{name:path}", response_model=Model, responses=_MISSING)
    async def model(name: Annotated[str, Path(max_length=500)]) -> dict[str, Any]:
        """Describe one of them."""
        return described(_known(name, await _models(desk)))

    @routes.post("/chat/completions", response_model=Completion, responses=_MISSING | _STREAMED)
    async def chat_completions(wanted: ChatRequest, request: Request) -> Any:
        """Answer the last message from the lectures."""
        models = await _models(desk)
        name = _known(wanted.model, models)
        if wanted.n not in (None, 1):
            return problem(f"n is {wanted.n}: lecta gives one answer", 400, "n")
        question, history = _conversation(wanted.messages)
        desk.check_line()
        asking = desk.ask(Question(question, course=models[name], history=history))
        head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": name}
        if wanted.stream:
            return streams.response(asking, request, _Chunks(head).of)
        ended = await streams.outcome(asking, request)
        if isinstance(ended, events.Failed):
            return problem(ended.message, ended.status)
        content = ended.answer.text + sources(ended.answer)
        message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
        if ended.answer.thinking:
            message["reasoning_content"] = ended.answer.thinking
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        said = {"choices": [choice], "usage": None, "lecta": events.to_json(ended)}
        return head | {"object": "chat.completion"} | said

    return routes


def problem(reason: str, status: int, param: str | None = None) -> JSONResponse:
    """Return an error as OpenAI's API gives it."""
    return JSONResponse(_error(reason, status, param), status, {"retry-after": "30"} if status == 503 else None)


def sources(answer: Answer) -> str:
    """Return the passages that are cited as lines to be appended to the answer, or nothing."""
    cited = sorted({number for sentence in answer.sentences for number in sentence.citations})
    lines = []
    for number in cited:
        passage = answer.passages[number - 1].passage
        lecture = f", lecture {passage.lecture}" if passage.lecture is not None else ""
        lines.append(f"[{number}] {passage.source}{lecture}, {place(passage)}")
    return _SOURCES + "\n".join(lines) if lines else ""


def slug(course: str) -> str:
    """Return a course's name as part of a model's.

    >>> slug("Backpropagation and around")
    'backpropagation-and-around'
    """
    return re.sub(r"[^\w]+", "-", course.casefold()).strip("-")


def _error(reason: str, status: int, param: str | None = None) -> dict[str, Any]:
    kinds = {401: "authentication_error", 404: "invalid_request_error", 503: "server_error", 500: "server_error"}
    codes = {401: "invalid_api_key", 404: "model_not_found"}
    kind = kinds.get(status, "invalid_request_error")
    return {"error": {"message": reason, "type": kind, "param": param, "code": codes.get(status)}}


async def _models(desk: Desk) -> dict[str, str | None]:
    """Return the models' names and the course that each is, None for all."""
    found: dict[str, str | None] = {OWNER: None}
    for course in sorted({record.course for record in await desk.documents()}):
        if part := slug(course):
            name, number = f"{OWNER}/{part}", 2
            while name in found:
                name, number = f"{OWNER}/{part}-{number}", number + 1
            found[name] = course
    return found


def _known(name: str, models: dict[str, str | None]) -> str:
    """Return a model's name as it is listed; a course's own name does as well. Raises `ModelMissingError`."""
    if name in models:
        return name
    for listed, course in models.items():
        if course is not None and name in (course, f"{OWNER}/{course}"):
            return listed
    raise ModelMissingError(f"there is no model {name!r}; there are {', '.join(list(models)[:20])}")


def _conversation(messages: Sequence[ChatMessage]) -> tuple[str, tuple[Message, ...]]:
    """Return the question and what was said before. Raises `UsageError`."""
    if messages[-1].role != "user":
        raise UsageError(
            f"messages.{len(messages) - 1}.role is {messages[-1].role!r}: the last message is the question"
        )
    question = _text(messages[-1])
    if not question.strip():
        raise UsageError(f"messages.{len(messages) - 1}.content is empty: write what you want to know")
    before = []
    for message in messages[:-1]:
        if message.role == "user":
            before.append(Message("user", _text(message)))
        elif message.role == "assistant":
            before.append(Message("assistant", _text(message).partition(_SOURCES)[0]))
    return question, tuple(before[-_HISTORY:])


def _text(message: ChatMessage) -> str:
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    others = {part.type for part in message.content} - {"text", "input_text"}
    if others:
        raise UsageError(f"content of type {', '.join(sorted(others))} is not read: write text")
    return "\n".join(part.text for part in message.content)


class _Chunks:
    """Makes chunks of what happens to one question."""

    def __init__(self, head: dict[str, Any]) -> None:
        self._head = head | {"object": "chat.completion.chunk"}

    def of(self, event: events.Event) -> Iterator[str]:
        match event:
            case events.Queued(place):
                if place:
                    yield f": {place} before you\n\n"
            case events.Passages():
                yield self._chunk({"role": "assistant", "content": ""})
            case events.Text(text):
                yield self._chunk({"content": text})
            case events.Thought(text):
                yield self._chunk({"reasoning_content": text})
            case events.Recall():
                yield self._chunk({"content": _RECALLED})
            case events.Done(answer):
                if appended := sources(answer):
                    yield self._chunk({"content": appended})
                yield self._chunk({}, finish_reason="stop", lecta=events.to_json(event))
                yield streams.frame("[DONE]")
            case events.Failed(message, status):
                yield streams.frame(_error(message, status))

    def _chunk(self, delta: dict[str, Any], *, finish_reason: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return streams.frame(self._head | {"choices": [choice]} | more)
