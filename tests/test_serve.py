"""The REST API on a real server: what is there, search, answers, the line, uploads, conversations."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lecta.library import Library
from lecta.serve.app import create_app
from lecta.serve.desk import Desk
from lecta.serve.events import Loading
from lecta.serve.line import Line, LineFullError
from lecta.serve.stopping import StoppedError, Work
from lecta.serve.uploads import Limits, display_name
from lecta.settings import load
from tests.conftest import COURSE, ROOT, LetterEmbedder
from tests.serving import Paced, events, serving, until


@pytest.fixture
def model() -> Paced:
    return Paced()


@pytest.fixture
def desk(tmp_path: Path, lectures: Path, letters: LetterEmbedder, model: Paced) -> Desk:
    library = Library(tmp_path / "library", settings=load(answerable=0), embedder=letters, chat=model)
    first = lectures / "lecture-01-gradients.md"
    first.write_text("# Gradients\n\nThe gradient points uphill, where a function grows fastest.\n", encoding="utf-8")
    library.add([lectures], course="Maths")
    return Desk(library, Limits(megabytes=1, files=3))


@pytest.fixture
def client(desk: Desk) -> Iterator[httpx.Client]:
    with serving(create_app(desk)) as served, httpx.Client(base_url=served.url, timeout=30) as client:
        yield client


@contextlib.contextmanager
def asking(client: httpx.Client, question: str, **more: Any) -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
    with client.stream("POST", "/api/ask", json={"question": question, "stream": True} | more) as response:
        assert response.status_code == 200
        yield events(response)


# --- what is there ----------------------------------------------------------------------------------------------------


def test_documents_and_lectures_are_listed_with_ids(client: httpx.Client) -> None:
    documents = client.get("/api/documents").json()["documents"]
    lectures = client.get("/api/lectures").json()["lectures"]
    assert [one["lecture"] for one in documents] == [1, 2, 3]
    assert [one["documents"] for one in lectures] == [[one["id"]] for one in documents]
    assert not any(one["uploaded"] for one in documents)


def test_a_document_is_read_by_its_id(client: httpx.Client) -> None:
    first = client.get("/api/documents").json()["documents"][0]
    whole = client.get(f"/api/documents/{first['id']}").json()
    assert "The gradient points uphill" in whole["sections"][0]["text"]
    missing = client.get(f"/api/documents/{'0' * 32}")
    assert missing.status_code == 404
    assert "no document" in missing.json()["error"]


def test_search_finds_passages_and_names_their_documents(client: httpx.Client) -> None:
    found = client.post("/api/search", json={"question": "gradient", "k": 1}).json()
    passage = found["passages"][0]
    assert passage["lecture"] == 1
    assert client.get(f"/api/documents/{passage['document']}").json()["source"] == passage["source"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"question": "  "}, "question"),
        ({"question": "x", "k": 0}, "k"),
        ({"question": "x", "kind": "films"}, "kind"),
        ({"question": "x", "nonsense": 1}, "nonsense"),
        ({}, "question"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(client: httpx.Client, given: dict[str, Any], said: str) -> None:
    refused = client.post("/api/search", json=given)
    assert refused.status_code == 422
    assert refused.json()["error"].startswith(said)
    assert "\n" not in refused.json()["error"]


def test_the_description_has_examples_and_every_refusal(client: httpx.Client) -> None:
    description = client.get("/openapi.json").json()
    for path, operations in description["paths"].items():
        for operation in operations.values():
            assert {"401", "403", "413", "421"} <= set(operation["responses"]), path
            assert operation.get("summary"), path
    assert "examples" in json.dumps(description["components"]["schemas"]["AskRequest"])
    assert client.get("/docs").status_code == 404  # FastAPI's own comes from a CDN


# --- answers ----------------------------------------------------------------------------------------------------------


def test_an_answer_comes_as_one_document(client: httpx.Client) -> None:
    answer = client.post("/api/ask", json={"question": "Where does the gradient point?"}).json()
    assert answer["answer"].startswith("The gradient points uphill. [1]")
    assert [one["supported"] for one in answer["sentences"]] == [True, False]
    assert answer["passages"][0]["document"]
    assert answer["conversation"] is None


def test_an_answer_comes_as_events(client: httpx.Client) -> None:
    with asking(client, "Where does the gradient point?") as happening:
        told = list(happening)
    names = [name for name, _ in told]
    assert names[:2] == ["queued", "passages"]
    assert names[-1] == "done"
    drafts = [data["text"].strip() for name, data in told[: names.index("text")] if name == "draft"]
    assert drafts == ["The", "The gradient", "The gradient points", "The gradient points uphill."]
    assert "".join(data["text"] for name, data in told if name == "text").strip() == told[-1][1]["answer"]
    sentences = [data for name, data in told if name == "sentence"]
    assert [one["number"] for one in sentences] == [0, 1]
    assert sentences[0]["citations"] == [1]
    assert told[1][1]["passages"][0]["document"]


def test_formulas_are_told_before_the_end(client: httpx.Client, model: Paced) -> None:
    model._words = ["The derivative ", "is $\\frac{d}{dx} x^2 = 3x$. "]
    with asking(client, "What is the gradient of x squared?") as happening:
        told = dict(happening)
    assert list(told)[-2:] == ["formulas", "done"]
    assert told["formulas"]["formulas"][0]["status"] == "wrong"


def test_who_waits_is_told_how_far_a_model_is_fetched(client: httpx.Client, desk: Desk, model: Paced) -> None:
    model.hold()
    with asking(client, "Where does the gradient point?") as happening:
        next(happening)
        desk._fetched(Loading("a model", 10, 100))
        desk._fetched(Loading("a model", 11, 100))  # so soon after the other that it is not told
        assert client.get("/api/status").json()["fetching"] == {"model": "a model", "done": 10, "total": 100}
        desk._fetched(Loading("a model", 100, 100))
        model.let.release(10_000)
        told = [data for name, data in happening if name == "loading"]
    assert [one["done"] for one in told] == [10, 100]
    assert client.get("/api/status").json()["fetching"] is None


def test_questions_stand_in_line_and_know_their_place(client: httpx.Client, desk: Desk, model: Paced) -> None:
    model.hold()
    with asking(client, "Where does the gradient point?") as first:
        assert next(first) == ("queued", {"place": 0})
        with asking(client, "What is the chain rule?") as second:
            assert next(second) == ("queued", {"place": 1})
            name, data = next(second)  # found while the model is busy
            assert name == "passages"
            assert data["passages"]
            assert client.post("/api/search", json={"question": "gradient"}).json()["passages"]
            assert desk.waiting == 2
            model.let.release(10_000)
            assert list(first)[-1][0] == "done"
            told = list(second)
            assert told[0] == ("queued", {"place": 0})
            assert told[-1][0] == "done"
    assert model.most_running == 1


def test_a_client_that_leaves_stops_the_model(client: httpx.Client, desk: Desk, model: Paced) -> None:
    model.hold()
    model.let.release(2)
    with asking(client, "Where does the gradient point?") as happening:
        assert any(name == "draft" for name, _ in happening)
    until(lambda: not desk.waiting)
    assert model.running == 0
    assert 1 <= len(model.written) <= 2  # the stop may be heard before the second word that was let through
    model.let.release(10_000)
    assert client.post("/api/ask", json={"question": "Where does the gradient point?"}).json()["answer"]


def test_a_server_that_ends_stops_the_model(desk: Desk, model: Paced) -> None:
    model.hold()
    model.let.release(1)
    with contextlib.ExitStack() as stack:
        with serving(create_app(desk)) as served:
            body = {"question": "Where does the gradient point?", "stream": True}
            reply = stack.enter_context(httpx.stream("POST", f"{served.url}/api/ask", json=body, timeout=60))
            happening = events(reply)
            assert any(name == "draft" for name, _ in happening)
        with contextlib.suppress(httpx.HTTPError):  # it is told, or cut off
            assert [name for name, _ in happening][-1:] in ([], ["done"], ["sentence"])
    until(lambda: not model.running)


def test_who_leaves_the_line_makes_room(client: httpx.Client, desk: Desk, model: Paced) -> None:
    model.hold()
    with asking(client, "Where does the gradient point?") as first:
        next(first)
        with asking(client, "What is the chain rule?") as second:
            next(second)
            with asking(client, "What is attention?") as third:
                assert next(third) == ("queued", {"place": 2})
                second.close()  # type: ignore[attr-defined]
    until(lambda: not desk.waiting)
    assert not model.written


def test_a_full_line_refuses(client: httpx.Client, desk: Desk, model: Paced) -> None:
    desk._line = Line(0)
    model.hold()
    with asking(client, "Where does the gradient point?") as first:
        next(first)
        for path, body in (
            ("/api/ask", {"question": "And?"}),
            ("/v1/chat/completions", {"model": "lecta", "messages": [{"role": "user", "content": "And?"}]}),
        ):
            refused = client.post(path, json=body)
            assert refused.status_code == 503, refused.text
            assert "retry-after" in refused.headers
            assert "wait already" in json.dumps(refused.json())
    until(lambda: not desk.waiting)


def test_a_line_tells_those_behind_when_somebody_leaves() -> None:
    line, places = Line(2), dict[str, list[int]](a=[], b=[], c=[])
    tickets = {name: line.join(places[name].append) for name in places}
    with pytest.raises(LineFullError):
        line.join(lambda place: None)
    line.leave(tickets["b"])
    line.leave(tickets["a"])
    assert places == {"a": [0], "b": [1], "c": [2, 1, 0]}
    assert tickets["c"].is_first.is_set()


def test_a_model_that_fails_is_one_line(client: httpx.Client, desk: Desk) -> None:
    class Broken:
        name = "broken"

        def stream(self, *_: Any) -> Iterator[str]:
            raise RuntimeError("out of memory\nat line 3")
            yield ""

    desk.library._given_chat = Broken()
    failed = client.post("/api/ask", json={"question": "Where does the gradient point?"})
    assert failed.status_code == 500
    assert failed.json()["error"] == "lecta failed (RuntimeError: out of memory)"
    with asking(client, "Where does the gradient point?") as happening:
        assert list(happening)[-1] == ("error", {"error": failed.json()["error"], "status": 500})


# --- conversations and feedback ---------------------------------------------------------------------------------------


def test_conversations_are_kept_renamed_and_deleted(client: httpx.Client) -> None:
    first = client.post("/api/ask", json={"question": "Where does the gradient point?", "keep": True}).json()
    key = first["conversation"]
    again = client.post("/api/ask", json={"question": "What is it?", "keep": True, "conversation": key}).json()
    assert again["conversation"] == key
    assert client.get("/api/conversations").json()["conversations"][0]["turns"] == 2
    whole = client.get(f"/api/conversations/{key}").json()
    assert [one["answer"]["question"] for one in whole["answers"]] == [first["question"], "What is it?"]
    assert client.patch(f"/api/conversations/{key}", json={"title": "Hills"}).json()["title"] == "Hills"
    assert client.get(f"/api/conversations/{key}").json()["title"] == "Hills"
    assert client.delete(f"/api/conversations/{key}").status_code == 204
    assert client.get(f"/api/conversations/{key}").status_code == 404
    assert client.post("/api/ask", json={"question": "And?", "conversation": key}).status_code == 404


def test_an_answer_that_is_left_is_kept_as_far_as_it_was_written(
    client: httpx.Client, desk: Desk, model: Paced
) -> None:
    model.hold()
    model.let.release(3)
    with asking(client, "Where does the gradient point?", keep=True) as happening:
        assert any(name == "draft" for name, _ in happening)
        until(lambda: len(model.written) == 3)
    until(lambda: not desk.waiting)
    kept = desk.library.conversations.all()[0].turns[0].answer
    assert kept.stopped
    assert kept.text.startswith("The gradient")


def test_feedback_is_kept(client: httpx.Client, desk: Desk) -> None:
    given = {"question": "Why?", "answer": "So.", "verdict": "bad", "comment": "no\nreason"}
    assert client.post("/api/feedback", json=given).status_code == 204
    rows = (desk.library.path / "feedback.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1
    assert json.loads(rows[0])["comment"] == "no\nreason"


# --- uploads ----------------------------------------------------------------------------------------------------------


def _upload(client: httpx.Client, name: str, content: bytes, **more: str) -> dict[str, Any]:
    taken = client.post("/api/documents", params={"name": name} | more, content=content)
    assert taken.status_code == 202, taken.text
    key = taken.json()["id"]

    def now() -> dict[str, Any]:
        found: list[dict[str, Any]] = client.get("/api/uploads").json()["uploads"]
        return next(one for one in found if one["id"] == key)

    until(lambda: now()["status"] not in ("receiving", "waiting", "reading") and now()["where"] == "")
    return now()


def test_an_uploaded_file_is_added_under_its_name_and_removed_with_its_document(
    client: httpx.Client, desk: Desk
) -> None:
    done = _upload(client, "lecture-04-eigen/notes.md", b"# Eigenvalues\n\nAn eigenvector keeps its direction.\n")
    assert (done["status"], done["passages"]) == ("added", 1)
    document = client.get(f"/api/documents/{done['document']}").json()
    assert document["source"] == "lecture-04-eigen/notes.md"
    assert (document["lecture"], document["course"], document["uploaded"]) == (4, "lecture-04-eigen", True)
    stored = list((desk.library.path / "uploads").iterdir())
    assert len(stored) == 1
    assert re.fullmatch(r"[0-9a-f]{24}\.md", stored[0].name)
    found = client.post("/api/search", json={"question": "eigenvector", "k": 1}).json()
    assert found["passages"][0]["document"] == done["document"]
    assert client.delete(f"/api/documents/{done['document']}").json()["id"] == done["document"]
    assert not list((desk.library.path / "uploads").iterdir())
    assert client.delete(f"/api/documents/{done['document']}").status_code == 404


def test_a_document_that_was_not_uploaded_keeps_its_file(client: httpx.Client, lectures: Path) -> None:
    first = client.get("/api/documents").json()["documents"][0]
    assert client.delete(f"/api/documents/{first['id']}").status_code == 200
    assert (lectures / "lecture-01-gradients.md").exists()


def test_two_files_of_one_name_are_two_documents(client: httpx.Client) -> None:
    one = _upload(client, "notes.md", b"# One\n\nThe first of two files about integrals.\n")
    two = _upload(client, "notes.md", b"# Two\n\nThe second of two files, on something else: series.\n")
    names = {client.get(f"/api/documents/{done['document']}").json()["source"] for done in (one, two)}
    assert names == {"notes.md", "notes (2).md"}


def test_a_file_that_cannot_be_read_says_why_and_leaves_nothing(client: httpx.Client, desk: Desk) -> None:
    done = _upload(client, "slides.pdf", b"this is no PDF")
    assert done["status"] == "failed"
    assert "not a PDF" in done["reason"]
    assert done["document"] == ""
    assert not list((desk.library.path / "uploads").iterdir())


def test_uploads_are_limited_in_number(client: httpx.Client) -> None:
    for number in range(3):
        _upload(client, f"notes-{number}.md", f"# Notes\n\nWhat number {number} says is its own.\n".encode())
    refused = client.post("/api/documents", params={"name": "notes-4.md"}, content=b"# One too many\n")
    assert refused.status_code == 409
    assert "LECTA_UPLOAD_FILES" in refused.json()["error"]


@pytest.mark.parametrize("name", ["virus.exe", "slides", ".pdf", "a.pdf\x00.exe"])
def test_files_of_other_kinds_are_refused(client: httpx.Client, name: str) -> None:
    assert client.post("/api/documents", params={"name": name}, content=b"x").status_code in (415, 422)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../../etc/passwd.md", "etc/passwd.md"),
        ("C:\\Users\\me\\slides.pdf", "C:/Users/me/slides.pdf"),
        ("/a/b/c/d/e/f.md", "c/d/e/f.md"),
        ("a\x00b\n.md", "ab.md"),
        ("....//x.md", "..../x.md"),
        ("", "unnamed"),
    ],
)
def test_a_name_from_outside_is_only_shown(given: str, shown: str) -> None:
    assert display_name(given) == shown


# --- slides and recordings --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def course(course_library: Library) -> Iterator[httpx.Client]:
    with serving(create_app(Desk(course_library))) as served, httpx.Client(base_url=served.url, timeout=60) as client:
        yield client


def test_a_page_of_slides_is_a_picture_with_its_words(course: httpx.Client) -> None:
    documents = course.get("/api/documents").json()["documents"]
    slides = next(one for one in documents if one["source"].endswith("lecture-02-chain-rule/slides.pdf"))
    picture = course.get(f"/api/documents/{slides['id']}/pages/3/picture", params={"width": 640})
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    assert int.from_bytes(picture.content[16:20], "big") == 640
    words = course.get(f"/api/documents/{slides['id']}/pages/1").json()["words"]
    quote = " ".join(word["text"] for word in words[5:12])
    page = course.get(f"/api/documents/{slides['id']}/pages/1", params={"quote": quote}).json()
    assert [place for place, word in enumerate(page["words"]) if word["marked"]] == list(range(5, 12))
    assert all(0 <= word["left"] < word["right"] <= 1 and 0 <= word["top"] < word["bottom"] <= 1 for word in words)
    assert course.get(f"/api/documents/{slides['id']}/pages/99").status_code == 404
    notes = next(one for one in documents if one["kind"] == "notes")
    assert "cannot be drawn" in course.get(f"/api/documents/{notes['id']}/pages/1").json()["error"]
    assert course.get(f"/api/documents/{notes['id']}/recording").status_code == 404


def test_a_recording_is_given_in_parts(client: httpx.Client, desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "lecture-01-sound.mp3"
    path.write_bytes(bytes(range(256)) * 8)
    records = desk.library.documents()
    import dataclasses

    sound = dataclasses.replace(records[0], id="5" * 32, source="lecture-01-sound.mp3", path=str(path), kind="speech")
    desk.library.documents = lambda: [sound, *records]  # type: ignore[method-assign]
    whole = client.get(f"/api/documents/{records[0].id}/recording")  # the notes of the same lecture
    assert whole.headers["content-type"] == "audio/mpeg"
    part = client.get(f"/api/documents/{sound.id}/recording", headers={"range": "bytes=256-259"})
    assert part.status_code == 206
    assert part.content == bytes([0, 1, 2, 3])
    assert client.get(f"/api/documents/{sound.id}/recording", headers={"range": "bytes=9999-"}).status_code == 416
    assert client.get(f"/api/documents/{records[1].id}/recording").status_code == 404


# --- searches at once -------------------------------------------------------------------------------------------------


def test_searches_from_many_threads_find_what_one_finds(course_library: Library) -> None:
    fresh = Library(course_library.path, settings=load())  # every part is opened while others ask for it
    questions = ["What is the chain rule?", "bias correction in Adam", "stride of a convolution", "softmax of scores"]
    expected = {question: course_library.search(question).hits for question in questions}
    wrong: list[str] = []

    def search(first: int) -> None:
        for number in range(6):
            question = questions[(first + number) % len(questions)]
            if fresh.search(question).hits != expected[question]:
                wrong.append(question)

    threads = [threading.Thread(target=search, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- the command ------------------------------------------------------------------------------------------------------


def _serve(library: Path, *words: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LECTA_LIBRARY": str(library), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "lecta", "serve", "--no-open", *words]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_command_serves_until_ctrl_c(tmp_path: Path) -> None:
    process = _serve(tmp_path / "library", "--port", "0")
    assert process.stdout is not None
    line = process.stdout.readline()
    address = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
    assert address, line
    assert httpx.get(f"{address[0]}api/documents").json() == {"documents": []}
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=30)
    assert (process.returncode, complaints) == (0, "")


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        process = _serve(tmp_path / "library", "--port", str(other.getsockname()[1]))
        _, complaints = process.communicate(timeout=60)
    assert process.returncode == 1
    assert complaints.count("\n") == 1
    assert "--port" in complaints


@pytest.mark.parametrize("words", [("--host", "0.0.0.0"), ("--token", "short"), ("--host", "192.0.2.1")])
def test_an_address_that_others_reach_wants_a_token(tmp_path: Path, words: tuple[str, str]) -> None:
    process = _serve(tmp_path / "library", "--port", "0", *words)
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == 2
    assert complaints.count("\n") == 1
    assert "token" in complaints


def test_the_sample_course_is_where_the_tests_think(course: httpx.Client) -> None:
    assert COURSE.is_dir()
    assert course.get("/api/status").json()["documents"] > 10


# --- work that is stopped ---------------------------------------------------------------------------------------------


def test_work_that_fails_lets_go_of_what_it_held() -> None:
    """A model's reply that stays open, held by the traceback, would keep every later question waiting."""
    closed: list[str] = []

    def reply() -> Iterator[int]:
        try:
            yield 1
        finally:
            closed.append(threading.current_thread().name)

    def fail() -> None:
        words = reply()
        next(words)
        raise RuntimeError("on the way")

    async def run() -> None:
        with pytest.raises(RuntimeError, match="on the way"):
            await Work(fail).result()
        assert closed == ["lecta-work"]

    asyncio.run(run())


def test_work_is_stopped_and_may_keep_what_it_has() -> None:
    def count(kept: list[int], *, keep: bool) -> list[int]:
        try:
            while True:
                kept.append(len(kept))
                time.sleep(0.001)
        except KeyboardInterrupt:
            if not keep:
                raise
        return kept

    async def run() -> None:
        for keep in (True, False):
            kept: list[int] = []
            work = Work(lambda kept=kept, keep=keep: count(kept, keep=keep))  # type: ignore[misc]
            result = asyncio.ensure_future(work.result())
            while not kept:
                await asyncio.sleep(0.01)
            work.stop()
            if keep:
                assert await result
            else:
                with pytest.raises(StoppedError):
                    await result
            work.stop()  # that has ended is left alone

    asyncio.run(run())
