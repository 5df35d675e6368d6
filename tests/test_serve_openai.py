"""The OpenAI-compatible API, used by OpenAI's own client; and every route, by requests made from the description."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks

from lecta.library import Library
from lecta.serve.app import create_app
from lecta.serve.desk import Desk
from lecta.serve.safety import safety_for
from lecta.serve.uploads import Limits
from lecta.settings import load
from tests.conftest import LetterEmbedder
from tests.serving import Paced, Served, serving

QUESTION = "Where does the gradient point?"


@pytest.fixture
def model() -> Paced:
    return Paced()


@pytest.fixture
def desk(tmp_path: Path, lectures: Path, letters: LetterEmbedder, model: Paced) -> Desk:
    library = Library(tmp_path / "library", settings=load(answerable=0), embedder=letters, chat=model)
    first = lectures / "lecture-01-gradients.md"
    first.write_text("# Gradients\n\nThe gradient points uphill, where a function grows fastest.\n", encoding="utf-8")
    library.add([first], course="Maths & more")
    library.add([lectures / "lecture-02-chain-rule.md"], course="Other")
    return Desk(library, Limits(megabytes=1, files=5))


@pytest.fixture
def served(desk: Desk) -> Iterator[Served]:
    with serving(create_app(desk)) as served:
        yield served


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def _asked(*messages: tuple[str, str]) -> Any:
    return [{"role": role, "content": content} for role, content in messages]


def test_courses_are_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["lecta", "lecta/maths-more", "lecta/other"]
    assert client.models.retrieve("lecta/other").owned_by == "lecta"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-4")
    assert caught.value.code == "model_not_found"


def test_an_answer_has_its_sources_in_the_text_and_in_a_field(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="lecta/maths-more", messages=_asked(("user", QUESTION)))
    content = answer.choices[0].message.content or ""
    assert content.startswith("The gradient points uphill. [1]")
    assert "\n\nSources:\n[1] " in content
    assert "lecture-01-gradients.md, lecture 1, characters 0-" in content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is None
    own = (answer.model_extra or {})["lecta"]
    assert own["sentences"][0]["citations"] == [1]
    assert {one["course"] for one in own["passages"]} == {"Maths & more"}


def test_a_stream_says_the_same_piece_by_piece(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="lecta/Maths & more", messages=_asked(("user", QUESTION)))
    chunks = list(
        client.chat.completions.create(model="lecta/maths-more", messages=_asked(("user", QUESTION)), stream=True)
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text.split() == (whole.choices[0].message.content or "").split()
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == [None, "stop"]
    assert (chunks[-1].model_extra or {})["lecta"]["sentences"][0]["supported"] is True


def test_what_was_said_before_makes_a_follow_up(client: openai.OpenAI, desk: Desk) -> None:
    given: list[Any] = []
    ask = desk.library.ask

    def listening(*words: Any, **named: Any) -> Any:
        given.append((words, named["history"]))
        return ask(*words, **named)

    desk.library.ask = listening  # type: ignore[method-assign]
    first = client.chat.completions.create(model="lecta", messages=_asked(("user", QUESTION)))
    content = first.choices[0].message.content or ""
    messages = _asked(
        ("system", "Be a pirate."), ("user", QUESTION), ("assistant", content), ("user", "And its length?")
    )
    client.chat.completions.create(model="lecta", messages=messages)
    (question, _), history = given[-1]
    assert question == "And its length?"
    assert [message.role for message in history] == ["user", "assistant"]
    assert "Sources:" in content
    assert "Sources:" not in history[1].content


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": " "}]}, None),
        ({"messages": [{"role": "assistant", "content": "x"}]}, None),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, None),
        ({"messages": [{"role": "user", "content": "x"}], "n": 2}, "n"),
        ({"messages": "x"}, "messages"),
    ],
)
def test_what_is_wrong_is_told_in_openais_form(served: Served, wanted: dict[str, Any], param: str | None) -> None:
    refused = httpx.post(f"{served.url}/v1/chat/completions", json={"model": "lecta"} | wanted)
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param


def test_an_unknown_model_and_a_missing_token_are_told(desk: Desk, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="lecta/other"):
        client.chat.completions.create(model="gpt-4", messages=_asked(("user", QUESTION)))
    token = "correct-horse-battery-staple"
    with serving(create_app(Desk(desk.library), safety_for("127.0.0.1", token))) as guarded:
        with openai.OpenAI(base_url=f"{guarded.url}/v1", api_key="wrong", max_retries=0) as stranger:
            with pytest.raises(openai.AuthenticationError) as caught:
                stranger.models.list()
            assert caught.value.code == "invalid_api_key"
        with openai.OpenAI(base_url=f"{guarded.url}/v1", api_key=token, max_retries=0) as friend:
            assert len(list(friend.models.list())) == 3


def test_a_model_that_fails_in_a_stream_is_an_error(desk: Desk, client: openai.OpenAI) -> None:
    class Broken:
        name = "broken"

        def stream(self, *_: Any) -> Iterator[str]:
            yield "The "
            raise RuntimeError("out of memory")

    desk.library._given_chat = Broken()
    stream = client.chat.completions.create(model="lecta", messages=_asked(("user", QUESTION)), stream=True)
    with pytest.raises(openai.APIError, match="out of memory"):
        list(stream)


@pytest.mark.slow
def test_the_real_small_model_streams_an_answer_from_the_sample_course(
    course_library: Library, small_model: Path
) -> None:
    """The official client, the real embedder, the real language model."""
    library = Library(course_library.path, settings=load(model="small", max_tokens=48, passages=1))
    with (
        serving(create_app(Desk(library))) as served,
        openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0, timeout=500) as client,
    ):
        course = next(model.id for model in client.models.list() if model.id != "lecta")
        chunks = list(
            client.chat.completions.create(
                model=course, messages=_asked(("user", "What is the chain rule?")), stream=True
            )
        )
    assert course == "lecta/backpropagation-and-around"
    own = (chunks[-1].model_extra or {})["lecta"]
    assert len(chunks) > 3
    assert own["model"] == small_model.parent.name or own["model"]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text.startswith(own["answer"])
    assert own["passages"][0]["course"] == "Backpropagation and around"


# --- requests made from the description -------------------------------------------------------------------------------


def test_no_request_makes_the_server_fail(desk: Desk) -> None:
    """schemathesis makes requests, right and wrong ones; none may end in 5xx, and answers are as described."""
    tried: set[str] = set()
    with serving(create_app(desk)) as served:
        schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
        for result in schema.get_all_operations():
            operation: Any = result.ok()  # type: ignore[union-attr]
            _try(operation.as_strategy(), served)
            tried.add(f"{operation.method.upper()} {operation.path}")
    assert {"POST /api/ask", "POST /api/documents", "POST /v1/chat/completions", "GET /api/lectures"} <= tried


def _try(strategy: Any, served: Served) -> None:
    wanted = [
        checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]

    @settings(
        max_examples=10,
        deadline=None,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def run(case: Any) -> None:
        case.validate_response(case.call(base_url=served.url, timeout=60), checks=wanted)

    run()
