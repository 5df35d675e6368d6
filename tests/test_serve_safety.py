"""What the server refuses, tried on a real one as a browser or an attacker would."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest
from fastapi import WebSocket

from lecta.errors import UsageError
from lecta.library import Library
from lecta.serve.app import create_app
from lecta.serve.desk import Desk
from lecta.serve.safety import JSON_BYTES, Safety, safety_for
from lecta.serve.uploads import Limits
from lecta.settings import load
from tests.conftest import LetterEmbedder
from tests.serving import Paced, Served, serving, until

TOKEN = "correct-horse-battery-staple"
TWO_GIGABYTES = 2 * 10**9


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("safety")
    (folder / "notes.md").write_text("# The chain rule\n\nMultiply the derivatives along the path.\n", encoding="utf-8")
    settings = load(answerable=0)
    library = Library(folder / "library", settings=settings, embedder=LetterEmbedder(), chat=Paced())
    library.add([folder / "notes.md"], course="Maths")
    return Desk(library, Limits(megabytes=1))


@pytest.fixture(scope="module")
def _client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as client:
        yield client


@pytest.fixture
def http(_client: httpx.Client) -> httpx.Client:
    """A client that remembers no cookie of another test."""
    _client.cookies.clear()
    return _client


def _stored(desk: Desk) -> set[Path]:
    folder = desk.library.path / "uploads"
    return set(folder.iterdir()) if folder.is_dir() else set()


@contextlib.contextmanager
def _served(desk: Desk, safety: Safety) -> Iterator[Served]:
    app = create_app(desk, safety)

    @app.get("/")
    async def page() -> str:
        return "a page"

    @app.websocket("/socket")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    with serving(app) as served:
        yield served


@pytest.fixture(scope="module")
def server(desk: Desk) -> Iterator[Served]:
    with _served(desk, Safety(upload_bytes=1_000_000)) as served:
        yield served


@pytest.fixture(scope="module")
def guarded(desk: Desk) -> Iterator[Served]:
    with _served(Desk(desk.library), safety_for("127.0.0.1", TOKEN)) as served:
        yield served


# --- where a request comes from ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "192.0.2.7", "", "a@b:c", "127.0.0.1.nip.io"]
)
def test_another_host_is_refused(http: httpx.Client, server: Served, host: str) -> None:
    refused = http.get(f"{server.url}/api/documents", headers={"host": host})
    assert refused.status_code in (400, 421)
    assert "documents" not in refused.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "LOCALHOST:80", "[::1]:8765"])
def test_this_machine_is_known_by_its_names(http: httpx.Client, server: Served, host: str) -> None:
    assert http.get(f"{server.url}/api/documents", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/search"),
        ("POST", "/api/ask"),
        ("POST", "/api/documents?name=x.md"),
        ("POST", "/api/feedback"),
        ("DELETE", "/api/documents/0"),
        ("GET", "/api/documents"),
        ("POST", "/v1/chat/completions"),
        ("GET", "/v1/models"),
    ],
)
def test_another_site_is_refused(
    http: httpx.Client, server: Served, desk: Desk, headers: dict[str, str], method: str, path: str
) -> None:
    before = desk.uploads.all()
    refused = http.request(method, f"{server.url}{path}", headers=headers, json={"question": "x"})
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers
    assert desk.uploads.all() == before


def test_the_own_page_and_other_programs_are_let_in(http: httpx.Client, server: Served) -> None:
    for headers in (
        {},
        {"origin": server.url, "sec-fetch-site": "same-origin"},
        {"origin": server.url},
        {"sec-fetch-site": "none"},
    ):
        assert http.post(f"{server.url}/api/search", json={"question": "x"}, headers=headers).status_code == 200
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert http.get(f"{server.url}/", headers=link).text == '"a page"'  # somebody follows a link to it


def test_a_preflight_gets_no_permission(http: httpx.Client, server: Served) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    answer = http.options(f"{server.url}/api/ask", headers=headers)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def _shaken(server: Served, **headers: str) -> int:
    """Return the status of a websocket's handshake."""
    connection = HTTPConnection(server.host, timeout=20)
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    connection.request("GET", "/socket", headers=handshake | headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_websocket_is_opened_by_the_own_page_only(server: Served) -> None:
    assert _shaken(server, Origin=server.url) == 101
    assert _shaken(server, Origin="https://evil.example") == 403
    assert _shaken(server, Origin="null") == 403
    assert _shaken(server, Host="evil.example", Origin="http://evil.example") == 403


# --- the token --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong-horse-battery-staple"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": "Bearer"},
        {"authorization": "Bearer é"},
        {"cookie": f"lecta_token={TOKEN}"},
        {"cookie": "lecta_token="},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/", "/api/documents", "/v1/models", "/openapi.json", "/nowhere"])
def test_without_the_token_nothing_is_told(
    http: httpx.Client, guarded: Served, headers: dict[str, str], path: str
) -> None:
    sent = {name.encode(): value.encode() for name, value in headers.items()}
    refused = http.get(f"{guarded.url}{path}", headers=sent)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert _shaken(guarded, Origin=guarded.url) == 403


def test_the_token_lets_in_as_a_header_and_by_a_cookie(http: httpx.Client, guarded: Served) -> None:
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert http.get(f"{guarded.url}/api/documents", headers=bearer).status_code == 200
    with httpx.Client(base_url=guarded.url) as browser:
        welcome = browser.get("/", params={"token": TOKEN, "view": "1"})
        assert welcome.status_code == 303
        assert welcome.headers["location"] == "/?view=1"
        assert "HttpOnly" in welcome.headers["set-cookie"]
        assert "SameSite=strict" in welcome.headers["set-cookie"]
        assert TOKEN not in welcome.headers["set-cookie"]
        assert browser.get("/").text == '"a page"'
        assert browser.get("/api/documents").status_code == 200
    assert _shaken(guarded, Authorization=f"Bearer {TOKEN}") == 101


def test_the_description_tells_of_the_token(http: httpx.Client, guarded: Served, server: Served) -> None:
    bearer = {"authorization": f"Bearer {TOKEN}"}
    described = http.get(f"{guarded.url}/openapi.json", headers=bearer).json()
    assert described["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    assert "securitySchemes" not in http.get(f"{server.url}/openapi.json").json()["components"]


def test_a_welcome_leads_nowhere_else(http: httpx.Client, guarded: Served) -> None:
    welcome = http.get(f"{guarded.url}//evil.example/x", params={"token": TOKEN})
    assert welcome.headers["location"] == "/evil.example/x"
    http.cookies.clear()
    assert http.get(f"{guarded.url}/api/documents", params={"token": TOKEN}).status_code == 401


@pytest.mark.parametrize(
    ("host", "token"),
    [
        ("0.0.0.0", ""),
        ("192.168.1.5", ""),
        ("::", ""),
        ("lectures.example.org", ""),
        ("127.0.0.1", "short"),
        ("0.0.0.0", "with space " * 3),
        ("0.0.0.0", "ümlaut" * 5),
    ],
)
def test_what_would_be_unsafe_does_not_start(host: str, token: str) -> None:
    with pytest.raises(UsageError, match="token"):
        safety_for(host, token)


def test_a_proxy_before_it_wants_a_token_as_well() -> None:
    with pytest.raises(UsageError, match=r"lectures\.example\.org can be reached"):
        safety_for("127.0.0.1", "", ["lectures.example.org"])


def test_a_server_for_others_answers_for_addresses_and_names_it_is_given() -> None:
    safety = safety_for("0.0.0.0", TOKEN, ["lectures.example.org"])
    assert safety.any_address
    assert "lectures.example.org" in safety.names
    assert not safety_for("localhost", "").any_address


# --- sizes ------------------------------------------------------------------------------------------------------------


def test_two_gigabytes_are_refused_by_what_is_announced(server: Served, desk: Desk) -> None:
    before = _stored(desk)
    connection = HTTPConnection(server.host, timeout=20)
    connection.putrequest("POST", "/api/documents?name=slides.pdf")
    connection.putheader("Content-Length", str(TWO_GIGABYTES))
    connection.endheaders()  # not a byte of it is sent
    response = connection.getresponse()
    assert response.status == 413
    assert b"bytes" in response.read()
    connection.close()
    assert _stored(desk) == before


def test_two_gigabytes_are_refused_while_they_come(server: Served, desk: Desk) -> None:
    """Without an announced length the server must count; it hangs up long before all has come."""
    sent, before = 0, _stored(desk)
    chunk = b"%x\r\n" % 65536 + b"\x00" * 65536 + b"\r\n"
    host, port = server.host.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        head = (
            f"POST /api/documents?name=slides.pdf HTTP/1.1\r\nHost: {server.host}\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        connection.sendall(head.encode())
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while sent < TWO_GIGABYTES:
                connection.sendall(chunk)
                sent += 65536
                connection.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    if connection.recv(65536).startswith(b"HTTP/1.1 413"):
                        break
                connection.settimeout(20)
    assert sent < 50_000_000
    until(lambda: not any(one.status == "receiving" for one in desk.uploads.all()))
    assert _stored(desk) == before


def test_a_wrong_length_and_much_json_are_refused(http: httpx.Client, server: Served) -> None:
    assert http.post(f"{server.url}/api/ask", content=b"x" * (JSON_BYTES + 1)).status_code == 413

    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 65536

    with contextlib.suppress(httpx.WriteError, httpx.ReadError):
        assert http.post(f"{server.url}/api/ask", content=chunks()).status_code == 413


# --- paths ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/api/documents/../../etc/passwd",
        "/api/documents/..%2f..%2f..%2fetc%2fpasswd",
        "/api/documents/%2e%2e/%2e%2e/pages/1/picture",
        "/api/documents/..%5c..%5cpages/recording",
        "/api/documents//etc/passwd/recording",
        "/api/conversations/..%2f..%2fstate",
        "/api/conversations/../state.json",
        "/../../etc/passwd",
        "/v1/models/../../etc/passwd",
        "/_nicegui/../../../etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_library(server: Served, path: str) -> None:
    connection = HTTPConnection(server.host, timeout=20)
    connection.request("GET", path)  # as it is: httpx would tidy it up
    response = connection.getresponse()
    text = response.read()
    assert response.status in (400, 404, 422)
    assert b"root:" not in text
    connection.close()


@pytest.mark.parametrize("name", ["../../../evil.md", "/etc/cron.d/evil.md", "..\\..\\evil.md", "%2e%2e%2fevil.md"])
def test_an_upload_stays_in_the_library_whatever_its_name(
    http: httpx.Client, server: Served, desk: Desk, name: str
) -> None:
    before, folder = _stored(desk), desk.library.path.parent
    content = f"# Evil\n\nA perfectly harmless text about matrices, of number {len(before)}.\n".encode()
    assert http.post(f"{server.url}/api/documents", params={"name": name}, content=content).status_code == 202
    until(lambda: all(one.is_done for one in desk.uploads.all()))
    new = _stored(desk) - before
    assert len(new) == 1
    assert "evil" not in new.pop().name
    assert not [path for path in folder.rglob("*") if path.name.startswith("evil")]
    assert not Path("/etc/cron.d/evil.md").exists()


# --- what browsers are told -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/api/documents", "/api/nowhere", "/v1/models", "/openapi.json"])
def test_every_answer_tells_browsers_to_be_careful(http: httpx.Client, server: Served, path: str) -> None:
    headers = http.get(f"{server.url}{path}").headers
    policy = headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "http:" not in policy
    assert "https:" not in policy
    assert "*" not in policy
    if path.startswith(("/api", "/v1")):
        assert "script-src" not in policy
    assert "server" not in headers


def test_html_in_a_title_is_given_as_text(http: httpx.Client, server: Served, desk: Desk, tmp_path: Path) -> None:
    from pptx import Presentation

    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "<img src=x onerror=alert(1)>"
    slide.placeholders[1].text = "A slide whose title is markup, and a text of several words."
    deck.save(str(tmp_path / "x.pptx"))
    content = (tmp_path / "x.pptx").read_bytes()
    assert http.post(f"{server.url}/api/documents", params={"name": "x.pptx"}, content=content).status_code == 202
    until(lambda: all(one.is_done for one in desk.uploads.all()))
    found = http.post(f"{server.url}/api/search", json={"question": "a slide whose title is markup"})
    assert found.headers["content-type"] == "application/json"
    assert any("<img src=x onerror=alert(1)>" in one["title"] for one in found.json()["passages"])


def test_a_mistake_of_ours_is_one_line(
    http: httpx.Client, desk: Desk, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr(desk.library, "documents", broken)
    with _served(Desk(desk.library), Safety()) as served:
        failed = http.get(f"{served.url}/api/documents")
        assert failed.status_code == 500
        assert failed.json() == {"error": "lecta failed (RuntimeError: first)"}
        assert "content-security-policy" in failed.headers
    told = capfd.readouterr().err
    assert "GET /api/documents" in told
    assert "Traceback" not in told
