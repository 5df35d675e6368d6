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


def run(app: FastAPI, taken: socket.socket, *, visit: str = "", on_ready: Callable[[], None] | None = None) -> None:
    """Serve until Ctrl-C or a polite kill; `visit` is opened in the browser once it answers."""

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.should_exit:
                return
            if on_ready:
                on_ready()
            if visit:
                webbrowser.open(visit)

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=3, lifespan="on"
    )
    with contextlib.suppress(KeyboardInterrupt):  # the ordinary way to end it
        Server(config).run(sockets=[taken])
