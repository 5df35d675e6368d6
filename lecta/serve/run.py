"""`lecta serve`: the application on a socket, until Ctrl-C."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import webbrowser
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from lecta.errors import LectaError


def bound(host: str, port: int) -> socket.socket:
    """Take an address; port 0 is any that is free. Raises `LectaError` when it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
    except OSError as error:
        raise LectaError(f"there is no address {host}: {error.strerror or error}") from error
    try:
        if sys.platform != "win32":  # there it would share the port with whoever has it
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(128)
    except OSError as error:
        taken.close()
        way = "give another with --port, or 0 for any" if error.errno == errno.EADDRINUSE else "give another --host"
        raise LectaError(f"cannot listen at {host} port {port}: {error.strerror or error}; {way}") from error
    return taken


def address_of(taken: socket.socket) -> str:
    """Return the address a browser finds it at."""
    host, port = taken.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


class Server(uvicorn.Server):
    """A server that tells when it answers."""

    def __init__(self, app: FastAPI, on_ready: Callable[[], None] = lambda: None) -> None:
        """`on_ready` is called once requests are answered."""
        # What goes wrong is told by the guard, in one line.
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="on",
                log_level="critical",
                access_log=False,
                server_header=False,
                timeout_keep_alive=75,  # after uvicorn's 5 s a client that had paused met a closed connection
                timeout_graceful_shutdown=3,
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def run(app: FastAPI, taken: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve until Ctrl-C or a polite kill."""
    with contextlib.suppress(KeyboardInterrupt):  # the ordinary way to end it
        Server(app, on_ready).run(sockets=[taken])


def visit(address: str) -> None:
    """Open a page in the browser, where there is one."""
    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(address)
