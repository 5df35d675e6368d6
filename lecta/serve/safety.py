"""Who may ask the server for what: checked before anything else looks at a request.

A page of another site that is open in the same browser can send requests to this machine, and a name of its own can be
made to point here (DNS rebinding). So the Host header must name this server, and what a browser marks as coming from
another origin is refused; where the server can be reached from other machines, everything wants a token.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lecta.errors import UsageError, first_line

COOKIE = "lecta_token"
JSON_BYTES = 1_000_000
"""Of a request that is no upload."""

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_API = ("/api/", "/v1/")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
_API_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
# The page's templates are compiled in the browser, and its first state is a script within the page: NiceGUI has no
# nonces. Nothing comes from elsewhere, nothing goes elsewhere, and nobody frames it.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Safety:
    """How a server is reached, and what it asks for."""

    names: frozenset[str] = _LOOPBACK_NAMES
    """Hosts it answers for, lower case, without a port."""
    any_address: bool = False
    """It answers for every address written in numbers: such cannot be made to point elsewhere."""
    token: str = ""
    """What every request must bring, as a bearer token or as the cookie of a visit with `?token=`; empty: nothing."""
    upload_bytes: int = 1_024_000_000


def safety_for(host: str, token: str, names: Iterable[str] = (), upload_bytes: int = 1_024_000_000) -> Safety:
    """Return what a server at an address must ask for. Raises `UsageError` for one that others reach without a token.

    `names` are further names it is called by, which is to say that a proxy passes requests on. A token must be long
    enough not to be guessed.
    """
    if token and len(token) < 16:
        raise UsageError(f"the token has {len(token)} characters: give at least 16, or none")
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise UsageError("the token has characters that no header can carry: use letters and digits")
    local, others = is_loopback(host), {name.strip().lower() for name in names if name.strip()}
    if not token and (not local or others):
        reached = ", ".join(sorted(others)) if local else host
        raise UsageError(
            f"{reached} can be reached from other machines: give a token with --token or LECTA_SERVE_TOKEN, or leave "
            f"{'LECTA_SERVE_NAMES' if local else '--host'} out"
        )
    return Safety(_LOOPBACK_NAMES | {host.lower()} | others, not local, token, upload_bytes)


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """ASGI middleware: refuses, or lets through with the headers that keep browsers careful."""

    def __init__(self, app: ASGIApp, safety: Safety) -> None:
        self._app = app
        self._safety = safety

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, websocket or lifespan."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is None and scope["type"] == "http":
            await self._pass_on(scope, receive, _with_headers(scope, send))
        elif refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await refusal(scope, receive, _with_headers(scope, send))
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through; a mistake of ours is one line for the user and one for whoever runs the server."""
        is_begun = False

        async def sending(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            await self._app(scope, self._limited(scope, receive), sending)
        except Exception as error:
            line = f"lecta failed ({type(error).__name__}: {first_line(error)})"
            print(f"lecta: {scope['method']} {scope['path']}: {line}", file=sys.stderr)  # noqa: T201
            if is_begun:
                raise  # the connection is cut, so that half an answer is not taken for a whole one
            await refused(scope, 500, line)(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        if not self._is_own(headers.get("host", "")):
            return refused(scope, 421, "this server does not answer for that host name; see LECTA_SERVE_NAMES")
        if _is_from_elsewhere(scope, headers):
            return refused(scope, 403, "requests from other sites are refused")
        if self._safety.token and not self._is_allowed(scope, headers):
            return self._welcome(scope) or refused(scope, 401, "a token is wanted: Authorization: Bearer TOKEN")
        length = headers.get("content-length", "")
        if length and (not length.isdigit() or int(length) > self._most(scope)):
            return refused(scope, 413, f"the request has more than {self._most(scope):,} bytes")
        return None

    def _is_own(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name in self._safety.names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._safety.any_address

    def _is_allowed(self, scope: Scope, headers: Headers) -> bool:
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and _same(given.strip(), self._safety.token):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and _same(cookie.value, _of(self._safety.token))

    def _welcome(self, scope: Scope) -> Response | None:
        """Exchange the token of a page's address for a cookie, so that it does not stay in the address."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"].startswith(_API):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if not any(name == "token" and _same(value, self._safety.token) for name, value in query):
            return None
        rest = urlencode([pair for pair in query if pair[0] != "token"])
        path = "/" + quote(scope["path"].lstrip("/"))  # "//elsewhere" would be another site
        response = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
        response.set_cookie(COOKIE, _of(self._safety.token), httponly=True, samesite="strict", path="/")
        return response

    def _most(self, scope: Scope) -> int:
        """Return how many bytes a request may have: files come as they are, or in a form of the page's."""
        is_upload = scope["path"] == "/api/documents" or scope["path"].startswith("/_nicegui/")
        return self._safety.upload_bytes + 100_000 if is_upload else JSON_BYTES

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """Count what comes: no length need be announced, and one that is may be wrong."""
        most, come = self._most(scope), 0

        async def counted() -> Message:
            nonlocal come
            message = await receive()
            if message["type"] == "http.request":
                come += len(message.get("body", b""))
                if come > most:
                    raise HTTPException(413, f"the request has more than {most:,} bytes")
            return message

        return counted


def refused(scope: Scope, status: int, reason: str) -> Response:
    """Return a refusal in the words of the door that was knocked at."""
    if scope["path"].startswith("/v1/"):
        kind = "authentication_error" if status == 401 else "server_error" if status == 500 else "invalid_request_error"
        code = "invalid_api_key" if status == 401 else None
        content: dict[str, object] = {"error": {"message": reason, "type": kind, "param": None, "code": code}}
    else:
        content = {"error": reason}
    return JSONResponse(content, status, {"www-authenticate": "Bearer"} if status == 401 else None)


def _is_from_elsewhere(scope: Scope, headers: Headers) -> bool:
    """Tell whether a browser says that another site is behind a request; other programs say nothing.

    What somebody follows a link to is shown, unless it is the API's. Another port of this machine is another site.
    """
    site = headers.get("sec-fetch-site", "")
    if site in ("cross-site", "same-site"):
        is_visit = scope["type"] == "http" and scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate"
        return not is_visit or scope["path"].startswith(_API)
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


def _with_headers(scope: Scope, send: Send) -> Send:
    policy = _API_POLICY if scope["path"].startswith(_API) else _PAGE_POLICY

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["content-security-policy"] = policy
            for name, value in _HEADERS.items():
                headers[name] = value
        await send(message)

    return sending


def _same(one: str, other: str) -> bool:
    """Compare in a time that tells nothing of where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())


def _of(token: str) -> str:
    """Return what stands for the token in a cookie."""
    return hmac.new(token.encode(), b"lecta cookie", hashlib.sha256).hexdigest()
