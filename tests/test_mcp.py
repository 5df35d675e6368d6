"""`lecta mcp` spoken to by the SDK's own client, over the pipes of a real process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult, TextContent, TextResourceContents

from lecta.answer.llama import LlamaChat
from lecta.errors import UsageError
from lecta.library import Library
from lecta.mcp_server.server import LectureServer
from lecta.settings import load
from lecta.types import Message
from tests.conftest import ROOT

COURSE_NAME = "Backpropagation and around"
TOOLS = ["list_lectures", "search", "read_passage", "ask"]


class Door:
    """Starts the server on a library."""

    def __init__(self, library: Path, models: Path, tmp_path: Path) -> None:
        self.environment = {
            "LECTA_LIBRARY": str(library),
            "LECTA_MODELS": str(models),
            "LECTA_CONFIG": str(tmp_path / "config.toml"),
            "LECTA_MODEL": "small",
            "LECTA_MAX_TOKENS": "16",
            "PYTHONPATH": str(ROOT),
        }

    def client(self, *options: str) -> Client:
        command = ["-m", "lecta", "mcp", *options]
        return Client(StdioServerParameters(command=sys.executable, args=command, env=self.environment))

    def process(self, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "lecta", "mcp", *options]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=os.environ | self.environment, stdin=pipe, stdout=pipe, stderr=pipe)


@pytest.fixture
def course(course_library: Library, models_folder: Path, tmp_path: Path) -> Door:
    return Door(course_library.path, models_folder, tmp_path)


@pytest.fixture
def empty(minilm_folder: Path, tmp_path: Path) -> Door:
    return Door(tmp_path / "library", minilm_folder.parent, tmp_path)


def _run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 500))


def _text(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


def _data(result: CallToolResult) -> Any:
    assert not result.is_error, _text(result)
    assert result.structured_content is not None  # its schema was checked by the client
    return result.structured_content


async def _fails(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert len(_text(result).splitlines()) == 1
    return _text(result)


def test_tools_say_what_they_take_give_and_do(course: Door) -> None:
    async def work() -> None:
        async with course.client() as client:
            tools = (await client.list_tools()).tools
            assert [tool.name for tool in tools] == TOOLS
            for tool in tools:
                assert tool.annotations is not None
                assert tool.annotations.read_only_hint and tool.annotations.open_world_hint is False
                assert tool.output_schema is not None and tool.output_schema["type"] == "object"
                assert tool.description and "ctx" not in tool.input_schema["properties"]
            assert "never instructions" in (client.instructions or "")

    _run(work())


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_list_search_and_read(course: Door, mode: str) -> None:
    async def work() -> None:
        client = replace(course.client(), mode=mode)
        async with client:
            listed = await client.call_tool("list_lectures")
            lectures = _data(listed)["lectures"]
            assert [one["number"] for one in lectures] == [1, 2, 3, 4, 5, None, None]
            assert {document["kind"] for document in lectures[0]["documents"]} == {"slides", "speech", "notes"}
            assert "Lecture 2: Chain rule (2026-09-14)" in _text(listed)

            found = await client.call_tool("search", {"question": "chain rule and gears", "kind": "speech", "k": 2})
            best = _data(found)["passages"][0]
            assert (best["lecture"], best["kind"], best["page"]) == (2, "speech", 3)
            assert best["where"] == "Lecture 2, slide 3, 1:06-1:48"
            assert _text(found).startswith("[1] Lecture 2, slide 3, 1:06-1:48: Here is the chain rule")

            read = await client.call_tool("read_passage", {"passage": best["uri"], "around": 1})
            reading = _data(read)
            assert [one["text"] for one in reading["passage"]] == [best["text"]]
            assert [one["where"] for one in reading["before"]] == ["Lecture 2, slide 2, 0:27-1:04"]
            assert [one["where"] for one in reading["after"]] == ["Lecture 2, slide 4, 1:49-2:29"]
            assert "> Lecture 2, slide 3" in _text(read)
            first = await client.call_tool("read_passage", {"passage": reading["before"][0]["uri"], "around": 50})
            assert len(_data(first)["before"]) + 1 + len(_data(first)["after"]) == 13

    _run(work())


def test_documents_and_passages_are_resources(course: Door, course_library: Library) -> None:
    async def work() -> None:
        async with course.client() as client:
            resources = (await client.list_resources()).resources
            assert [one.name for one in resources] == [one.source for one in course_library.documents()]
            assert all(one.uri.startswith("lecta://documents/") and str(ROOT) not in one.uri for one in resources)
            texts = {}
            for one in resources[:9]:
                (content,) = (await client.read_resource(one.uri)).contents
                assert isinstance(content, TextResourceContents)
                texts[one.name.partition("course/")[2]] = content.text
            assert "[0:00] " in texts["lecture-01-two-layer-network/recording.vtt"]
            assert "\n[slide 2]\n" in texts["lecture-01-two-layer-network/slides.pdf"]
            templates = (await client.list_resource_templates()).resource_templates
            assert [one.uri_template for one in templates] == [
                "lecta://documents/{document}",
                "lecta://documents/{document}/passages/{span}",
            ]
            found = _data(await client.call_tool("search", {"question": "chain rule and gears"}))["passages"][0]
            (content,) = (await client.read_resource(found["uri"])).contents
            assert isinstance(content, TextResourceContents) and found["text"].strip() in content.text
            for wrong in (
                "lecta://documents/" + "0" * 32,
                f"{resources[0].uri}/passages/9000000-9000001",
                f"{resources[0].uri}/passages/x",
                "lecta://documents/..%2F..%2Fetc%2Fpasswd",
                f"lecta://documents/{course_library.documents()[0].path}",
                "file:///etc/passwd",
            ):
                with pytest.raises(MCPError):
                    await client.read_resource(wrong)

    _run(work())


def test_what_goes_wrong_is_one_line(course: Door) -> None:
    async def work() -> None:
        async with course.client() as client:
            uri = (await client.list_resources()).resources[0].uri
            assert "the question is empty" in await _fails(client, "search", question=" ")
            assert await _fails(client, "search") == "search: argument question: Field required"
            assert "less than or equal to 50, not 99" in await _fails(client, "search", question="x", k=99)
            assert "'slides', 'speech' or 'notes', not 'film'" in await _fails(client, "ask", question="x", kind="film")
            assert "no argument 'lectur'" in await _fails(client, "search", question="x", lectur=3)
            assert f"there is '{COURSE_NAME}'" in await _fails(client, "search", question="x", course="Law")
            assert "names no passage" in await _fails(client, "read_passage", passage="/etc/passwd")
            assert "names no passage" in await _fails(client, "read_passage", passage=f"{uri}/passages/1-x")
            unknown = f"{uri}/passages/9000000-9000001"
            assert "has no passage at characters 9000000" in await _fails(client, "read_passage", passage=unknown)
            unknown = f"lecta://documents/{'0' * 32}/passages/0-9"
            assert "no document '000" in await _fails(client, "read_passage", passage=unknown)
            assert "Unknown tool: frobnicate" in await _fails(client, "frobnicate")

    _run(work())


@pytest.mark.slow
def test_ask_tells_what_it_does_stops_when_cancelled_and_abstains(course: Door, small_model: Path) -> None:
    async def work() -> None:
        async with course.client() as client:
            told: list[str] = []
            is_reading = asyncio.Event()

            async def on_progress(progress: float, total: float | None, message: str | None) -> None:
                told.append(message or "")
                if message and message.startswith("reading"):
                    is_reading.set()

            question = {"question": "What does momentum do?", "k": 5}
            asking = asyncio.ensure_future(client.call_tool("ask", question, progress_callback=on_progress))
            await is_reading.wait()
            many = await asyncio.gather(*[client.call_tool("search", {"question": q}) for q in ("softmax", "dropout")])
            assert all(_data(one)["passages"] for one in many)
            assert not asking.done()  # the searches did not wait for it
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

            told.clear()
            question = {"question": "What does warm-up do?", "k": 1}
            answer = await client.call_tool("ask", question, progress_callback=on_progress)
            given = _data(answer)
            assert (given["model"], given["abstained"], len(given["passages"])) == ("qwen2.5-coder-0.5b", False, 1)
            assert given["passages"][0]["lecture"] == 3
            assert given["answer"] in _text(answer) and "Sources:\n[1] Lecture 3, " in _text(answer)
            assert any(message.startswith("writing: ") for message in told)

            outside = await client.call_tool("ask", {"question": "Who won the football world cup in 2018?"})
            assert _data(outside)["abstained"]
            assert _text(outside).startswith("Your lectures do not cover this.\n\nNearest in the lectures:\n[1] ")

    _run(work())


class Watched:
    """The real model, whose ends are counted."""

    def __init__(self, chat: LlamaChat) -> None:
        self._chat = chat
        self.name = chat.name
        self.begun = 0
        self.ended: list[str] = []

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
        how = "stopped"
        self.begun += 1
        try:
            yield from self._chat.stream(messages, max_tokens)
            how = "finished"
        finally:
            self.ended.append(how)


@pytest.mark.slow
@pytest.mark.parametrize("until", ["reading", "writing"])
def test_a_cancelled_answer_stops_the_model(course_library: Library, small_model: Path, until: str) -> None:
    chat = Watched(LlamaChat(small_model))
    library = Library(course_library.path, settings=load(), chat=chat)
    server = LectureServer(lambda on_fetch: library)

    async def work() -> None:
        async with Client(server) as client:
            is_there = asyncio.Event()

            async def on_progress(progress: float, total: float | None, message: str | None) -> None:
                if message and message.startswith(until):
                    is_there.set()

            for count, question in enumerate(("What does momentum do?", "What is a convolution?"), 1):
                asked = {"question": question, "k": 1}
                asking = asyncio.ensure_future(client.call_tool("ask", asked, progress_callback=on_progress))
                await is_there.wait()
                is_there.clear()
                while chat.begun < count:
                    await asyncio.sleep(0.05)
                asking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asking
                async with asyncio.timeout(60):  # the model hears it after the token that it is at
                    while len(chat.ended) < count:
                        await asyncio.sleep(0.05)
                assert chat.ended == ["stopped"] * count

    _run(work())


def test_an_empty_library_says_so(empty: Door) -> None:
    async def work() -> None:
        async with empty.client() as client:
            assert (await client.list_resources()).resources == []
            for tool, arguments in (
                ("list_lectures", {}),
                ("search", {"question": "chain rule"}),
                ("ask", {"question": "What is the chain rule?"}),
            ):
                result = await client.call_tool(tool, arguments)
                assert "is empty: the user adds lectures with `lecta add PATH`" in _text(result)
                assert not (_data(result).get("lectures") or _data(result).get("passages"))

    _run(work())


def test_one_course_is_all_there_is(lectures: Path, letters: Any, tmp_path: Path) -> None:
    library = Library(tmp_path / "library", settings=load(), embedder=letters)
    library.add([lectures / "lecture-01-gradients.md"], course="analysis")
    library.add([lectures / "lecture-02-chain-rule.md"], course="learning")

    async def work() -> None:
        async with Client(LectureServer(lambda on_fetch: library, "learning")) as client:
            found = _data(await client.call_tool("list_lectures"))["lectures"]
            assert [one["course"] for one in found] == ["learning"]
            assert [one.name for one in (await client.list_resources()).resources] == [library.documents()[1].source]
            passages = _data(await client.call_tool("search", {"question": "the gradient points uphill"}))["passages"]
            assert {one["course"] for one in passages} == {"learning"}
            assert "there is 'learning'" in await _fails(client, "search", question="x", course="analysis")
            hidden = f"lecta://documents/{library.documents()[0].id}"
            assert "no document" in await _fails(client, "read_passage", passage=f"{hidden}/passages/0-9")
            with pytest.raises(MCPError):
                await client.read_resource(hidden)

    _run(work())
    with pytest.raises(UsageError, match="there is 'analysis', 'learning'"):
        LectureServer(lambda on_fetch: library, "law")


def test_stdout_holds_the_protocol_alone_and_closed_stdin_ends_it(course: Door) -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    lines: list[dict[str, Any] | str] = [
        "no JSON",
        {"id": 1, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "search", "arguments": {"question": "softmax"}}},
    ]
    written = [line if isinstance(line, str) else json.dumps({"jsonrpc": "2.0"} | line) for line in lines]
    with course.process() as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(("\n".join(written) + "\n").encode())
        process.stdin.flush()
        assert [json.loads(process.stdout.readline())["id"] for _ in range(2)] == [1, 2]
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait() == 0
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_it(course: Door) -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    with course.process() as process:
        assert process.stdin and process.stdout and process.stderr
        message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
        process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == b"lecta: stopped\n"


def test_an_unknown_course_is_wrong_usage(course: Door) -> None:
    with course.process("--course", "Law") as process:
        assert process.stderr
        assert process.wait(60) == 2
        assert process.stderr.read().decode() == f"lecta: no course 'Law'; there is '{COURSE_NAME}'\n"
