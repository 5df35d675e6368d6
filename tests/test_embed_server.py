"""Embedders behind a server: a real one on loopback that speaks the protocol, with MiniLM or letters behind it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lecta import Library, LibraryError, ModelError, UsageError
from lecta.embed.minilm import MiniLM
from lecta.embed.server import ServerEmbedder
from lecta.protocols import Embedder
from lecta.settings import load
from tests.conftest import LetterEmbedder

KEY = "the-right-key"


class Server(ThreadingHTTPServer):
    """`POST /v1/embeddings` for model "letters", answered by `embedder` with vectors that are not of unit length."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.embedder = embedder
        self.requests: list[list[str]] = []
        self.busy_for = 0
        self.says: Any = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Authorization"] != f"Bearer {KEY}":
            self._reply(401, {"error": {"message": f"wrong key {self.headers['Authorization']}"}})
        elif asked["model"] != "letters":
            self._reply(404, {"error": {"message": f"no model {asked['model']} here"}})
        elif self.server.busy_for:
            self.server.busy_for -= 1
            self._reply(503, {"error": {"message": "busy"}})
        elif self.server.says is not None:
            self._reply(200, self.server.says)
        else:
            self.server.requests.append(asked["input"])
            vectors = 3 * self.server.embedder.embed_documents(asked["input"])
            rows = [{"object": "embedding", "index": i, "embedding": row.tolist()} for i, row in enumerate(vectors)]
            self._reply(200, {"object": "list", "model": "letters", "data": rows[::-1]})

    def _reply(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def server(letters: LetterEmbedder) -> Iterator[Server]:
    serving = Server(letters)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield serving
    serving.shutdown()
    serving.server_close()


def _embedder(server: Server, **given: Any) -> ServerEmbedder:
    return ServerEmbedder("openai:letters", **{"base_url": server.url, "api_key": KEY} | given)


def test_vectors_come_in_batches_in_order_and_at_unit_length(server: Server, letters: LetterEmbedder) -> None:
    texts = [chr(97 + i % 26) * (1 + i % 3) + "xy" for i in range(150)]
    vectors = _embedder(server).embed_documents(texts)
    assert vectors == pytest.approx(letters.embed_documents(texts), abs=1e-6)
    assert vectors.dtype == np.float32
    assert [len(batch) for batch in server.requests] == [64, 64, 22]


def test_the_dimension_is_asked_for_once(server: Server) -> None:
    embedder = _embedder(server)
    assert embedder.embed_documents([]).shape == (0, 26)
    assert embedder.dimension == 26
    assert len(server.requests) == 1
    embedder = _embedder(server)
    embedder.embed_queries(["what?"])
    assert embedder.dimension == 26
    assert len(server.requests) == 2


def test_a_busy_server_is_asked_again(server: Server) -> None:
    server.busy_for = 1
    assert _embedder(server).embed_documents(["a"]).shape == (1, 26)


def test_what_goes_wrong_is_one_clear_line(server: Server) -> None:
    with pytest.raises(ModelError, match="LECTA_EMBEDDER_API_KEY") as caught:
        _embedder(server, api_key="the-wrong-key").embed_documents(["a"])
    assert "the-wrong-key" not in str(caught.value)
    with pytest.raises(ModelError, match="no model unheard here"):
        ServerEmbedder("openai:unheard", base_url=server.url, api_key=KEY).embed_documents(["a"])
    with pytest.raises(ModelError, match=r"26 numbers and the library holds 384.*lecta reindex"):
        _embedder(server, dimension=384).embed_queries(["a"])
    with pytest.raises(ModelError, match=r"no server answers at http://127\.0\.0\.1:9/.*LECTA_EMBEDDER_BASE_URL"):
        _embedder(server, base_url="http://127.0.0.1:9/v1").embed_documents(["a"])


@pytest.mark.parametrize(
    "says",
    [
        {"data": []},
        {"data": [{"index": 0, "embedding": [1, 0]}, {"index": 1, "embedding": [1, 0]}]},
        {"data": [{"index": 0, "embedding": [0, 0]}]},
        {"data": [{"index": 0, "embedding": []}]},
        {"data": [{"index": 0, "embedding": "no"}]},
        {"data": [{"index": 0}]},
        {"choices": []},
        [],
        "hello",
    ],
)
def test_a_reply_that_is_no_vector_is_one_clear_line(server: Server, says: object) -> None:
    server.says = says
    with pytest.raises(ModelError, match="the server at") as caught:
        _embedder(server).embed_documents(["a"])
    assert "\n" not in str(caught.value)


# --- a library --------------------------------------------------------------------------------------------------------


def test_a_library_opens_with_the_embedder_that_made_it(
    server: Server, lectures: Path, tmp_path: Path, letters: LetterEmbedder
) -> None:
    served = {"embedder_base_url": server.url, "embedder_api_key": KEY}
    folder = tmp_path / "library"
    made = Library(folder, settings=load(embedder="openai:letters", **served))
    assert made.documents() == []
    assert not server.requests  # to look at an empty library no server is needed
    assert {report.status for report in made.add([lectures]).files} == {"added"}
    found = made.search("multiply derivatives")
    assert found.hits[0].passage.lecture == 2

    opened = Library(folder, settings=load(**served))  # no embedder is named
    assert opened.recipe.embedder == "openai:letters"
    assert opened.search("multiply derivatives").hits == found.hits
    with pytest.raises(LibraryError, match=r"'openai:letters'.*'all-MiniLM-L6-v2/int8'.*lecta reindex"):
        Library(folder, settings=load(embedder="minilm", **served)).documents()
    with pytest.raises(ModelError, match="no server answers"):
        Library(folder, settings=load(embedder_base_url="http://127.0.0.1:9/v1")).search("anything")
    assert Library(folder, settings=load()).documents()  # listing needs no embedder


def test_a_model_that_became_another_is_refused(server: Server, lectures: Path, tmp_path: Path) -> None:
    settings = load(embedder="openai:letters", base_url=server.url, api_key=KEY)  # the chat model's server
    Library(tmp_path / "library", settings=settings).add([lectures])

    class Longer(LetterEmbedder):
        def embed_documents(self, texts: Any) -> Any:
            return np.pad(super().embed_documents(texts), ((0, 0), (0, 4)))

    server.embedder = Longer()
    library = Library(tmp_path / "library", settings=settings)
    with pytest.raises(ModelError, match="30 numbers and the library holds 26"):
        library.search("anything")
    assert library.reindex().now["dimension"] == 30
    assert library.search("multiply derivatives").hits[0].passage.lecture == 2


def test_an_embedder_of_no_known_form_is_wrong_usage(tmp_path: Path) -> None:
    for name in ("word2vec", "openai:", "st:"):
        with pytest.raises(UsageError, match="openai:NAME"):
            Library(tmp_path, settings=load(embedder=name)).documents()


@pytest.mark.slow
def test_minilm_behind_a_server_finds_what_minilm_finds(server: Server, minilm_folder: Path, lectures: Path) -> None:
    server.embedder = MiniLM(minilm_folder)
    folder = lectures.parent
    library = Library(folder / "a", settings=load(embedder="openai:letters", base_url=server.url, api_key=KEY))
    library.add([lectures])
    local = Library(folder / "b", settings=load())
    local.add([lectures])
    for question in ("differentiating composed functions", "steepest ascent", "what is attention?"):
        found, expected = (one.search(question).hits for one in (library, local))
        assert [hit.passage for hit in found] == [hit.passage for hit in expected]
        assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected], abs=1e-4)

    without_a_name = Library(library.path, settings=load(base_url=server.url, api_key=KEY))
    before = without_a_name.search("steepest ascent")
    Library(library.path, settings=load(embedder="minilm")).reindex()
    asked = len(server.requests)
    after = without_a_name.search("steepest ascent")  # a program that had it open goes over by itself
    assert [hit.passage for hit in after.hits] == [hit.passage for hit in before.hits]
    assert len(server.requests) == asked
