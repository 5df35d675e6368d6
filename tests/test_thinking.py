"""What a model thinks aloud never gets into its answer, however the stream is cut."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lecta import ChatError, Library
from lecta.answer.rewrite import standalone
from lecta.answer.server import ServerChat
from lecta.answer.thinking import Spoken, opened_by, reasons_by_name, settled
from lecta.settings import load
from lecta.types import Message, Thought
from tests.conftest import LetterEmbedder
from tests.test_library import Scripted

REPLIES = [
    # what the model sends, its answer, its thought
    ("plain", "plain", ""),
    ("", "", ""),
    ("<think>a < b</think>It is <b> 4.", "It is <b> 4.", "a < b"),
    ("\n<think>\n\n</think>\n\nIt is 4.", "It is 4.", ""),
    ("<thinking>hm</thinking>\nIt is 4.", "It is 4.", "hm"),
    ("[THINK]hm [1][/THINK]It is 4 [1].", "It is 4 [1].", "hm [1]"),
    ("<think><think>hm</think>It is 4.", "It is 4.", "hm"),
    ("<think>no end", "", "no end"),
    ("hm, 2 + 2\n</think>\n\nIt is 4.", "It is 4.", "hm, 2 + 2"),  # the prompt had opened it
    ("<think>a <think>b</think> c</think>It is 4.", "It is 4.", "a <think>b c"),  # nested
    ("<think>one</think>\nFirst.\n<think>two</think>\nLast.", "First.\n\nLast.", "one\n\ntwo"),
    ("Write `<think>` and `</think>` around it, or <think> in a line.",) * 2 + ("",),
    ("<think>I end with `</think>`, so</think>It is 4.", "It is 4.", "I end with `</think>`, so"),
    (
        "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>It is 4.<|return|>",
        "It is 4.",
        "hm",
    ),
    ("a < b and <th", "a < b and <th", ""),
]


def _read(pieces: Sequence[str]) -> tuple[str, str]:
    """Return the answer and the thought as `Library.ask` gets them."""
    said = ""
    reply = Spoken(pieces)
    for spoken in reply.tries():
        said = "".join(spoken)
    return said, reply.thinking


@pytest.mark.parametrize(("sent", "answer", "thought"), REPLIES)
def test_thoughts_are_told_apart_at_every_cut(sent: str, answer: str, thought: str) -> None:
    assert _read([sent]) == (answer, thought)
    for cut in range(len(sent)):
        assert _read([sent[:cut], sent[cut:]]) == (answer, thought), cut
    assert _read(list(sent)) == (answer, thought)


@given(st.lists(st.sampled_from(["<think>", "</think>", "\n", "`", "a ", "<", "th", "ink>", "[THINK]", "[/THINK]"])))
def test_how_a_stream_is_cut_makes_no_difference(parts: list[str]) -> None:
    whole = _read(["".join(parts)])
    assert _read(parts) == whole
    assert _read(list("".join(parts))) == whole


def test_thoughts_come_as_they_are_thought() -> None:
    heard: list[str] = []
    reply = Spoken([Thought("one"), "It ", Thought("two"), "is."], heard.append)
    assert list(reply) == ["It ", "is."]
    assert heard == ["one", "two"]


def test_a_prompt_may_open_the_thought() -> None:
    assert opened_by("<|im_start|>assistant\n<think>\n") == "<think>"
    assert opened_by("<|im_start|>assistant\n") == ""


def test_a_thinker_is_held_back_until_it_is_known_where_the_thought_ends() -> None:
    assert reasons_by_name("deepseek/deepseek-r1")
    assert not reasons_by_name("qwen2.5-coder-r12")
    assert list(settled(["hm", "</think>4"], lambda: False)) == ["<think>hm</think>4"]
    assert list(settled(["<think>", "hm"], lambda: False)) == ["<think>", "hm"]
    assert list(settled(["It ", "is 4."], lambda: False)) == ["It is 4."]
    (cut,) = settled(["hm", " and"], lambda: True)
    assert isinstance(cut, Thought)
    assert list(settled([Thought("hm"), "It ", "is 4."], lambda: True)) == ["hm", "It ", "is 4."]


# --- through a server -------------------------------------------------------------------------------------------------


class _Server(ThreadingHTTPServer):
    """`POST /v1/chat/completions` streams `deltas`, and says why the reply ended."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.deltas: list[dict[str, str]] = []
        self.ended = "stop"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for delta in self.server.deltas:
            self._send({"delta": delta, "finish_reason": None})
        self._send({"delta": {}, "finish_reason": self.server.ended})
        self.wfile.write(b"data: [DONE]\n\n")

    def _send(self, choice: dict[str, Any]) -> None:
        chunk = {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [choice | {"index": 0}],
        }
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[_Server]:
    serving = _Server()
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield serving
    serving.shutdown()
    serving.server_close()


def _contents(text: str) -> list[dict[str, str]]:
    return [{"content": text[i : i + 3]} for i in range(0, len(text), 3)]


@pytest.mark.parametrize("model", ["plain", "deepseek-r1"])
@pytest.mark.parametrize(
    "deltas",
    [
        [
            {"role": "assistant", "content": ""}, {"reasoning_content": "which "}, {"reasoning_content": "one [1]?"},
            {"content": "Multiply"}, {"content": " the local derivatives along the path [1]."},
        ],
        [
            {"reasoning": "which one [1]?", "content": ""},
            {"content": "Multiply the local derivatives along the path [1]."},
        ],
        _contents("<think>which one [1]?</think>\n\nMultiply the local derivatives along the path [1]."),
        _contents("which one [1]?\n</think>\n\nMultiply the local derivatives along the path [1]."),
    ],
    ids=["reasoning_content", "reasoning", "tags", "only the closing tag"],
)  # fmt: skip
def test_thoughts_of_a_server_are_kept_apart(
    server: _Server, lectures: Path, tmp_path: Path, letters: LetterEmbedder, deltas: list[dict[str, str]], model: str
) -> None:
    server.deltas = deltas
    library = Library(
        tmp_path / "library", settings=load(model=f"openai:{model}", base_url=server.url), embedder=letters
    )
    library.add([lectures])
    shown: list[str] = []
    thought: list[str] = []
    answer = library.ask(
        "How do I differentiate a path?", on_text=shown.append, on_thought=thought.append, on_recall=shown.clear
    )
    assert answer.text == "".join(shown).strip() == "Multiply the local derivatives along the path. [1]"
    assert answer.thinking == "".join(thought).strip() == "which one [1]?"
    assert [(sentence.text, sentence.citations) for sentence in answer.sentences] == [
        ("Multiply the local derivatives along the path.", (1,))
    ]


@pytest.mark.parametrize(
    ("model", "deltas"),
    [
        ("plain", [{"reasoning_content": "hm, let me"}]),
        ("plain", [{"content": "<think>hm, let me"}]),
        ("deepseek-r1", [{"content": "hm, let me"}]),
    ],
)
def test_a_thought_that_took_all_tokens_is_a_clear_error(
    server: _Server, lectures: Path, tmp_path: Path, letters: LetterEmbedder, model: str, deltas: list[dict[str, str]]
) -> None:
    server.deltas, server.ended = deltas, "length"
    library = Library(
        tmp_path / "library", settings=load(model=f"openai:{model}", base_url=server.url), embedder=letters
    )
    library.add([lectures])
    with pytest.raises(ChatError, match=r"thought for all of its max_tokens = 640 .* LECTA_MAX_TOKENS to 2560"):
        library.ask("How do I differentiate a path?")


def test_a_thought_is_no_part_of_a_rewritten_question(server: _Server) -> None:
    server.deltas = [{"reasoning_content": "The last question"}, {"content": "Why multiply the derivatives?"}]
    history = [Message("user", "What are the local derivatives?")]
    assert standalone("why?", history, ServerChat("m", base_url=server.url)) == "Why multiply the derivatives?"


def test_numbers_of_earlier_passages_are_not_shown_again() -> None:
    chat = Scripted("Why?")
    standalone("why?", [Message("user", "What is it?"), Message("assistant", "It is 4 [1]. Or 5 [2][3].")], chat)
    assert "Tutor: It is 4. Or 5." in chat.asked[0][-1].content
