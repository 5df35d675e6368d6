"""A real server on loopback, in a thread, and a model whose pace a test sets."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from lecta.serve import run
from lecta.types import Message


class Paced:
    """A chat model that writes the words it is given, one for each that is let through, and says how it is used."""

    name = "paced/1"

    def __init__(self, text: str = "The gradient points uphill. It is a vector.") -> None:
        self._words = [f"{word} " for word in text.split(" ")]
        self.let = threading.Semaphore(10_000)
        self.running = 0
        self.most_running = 0
        self.written: list[str] = []

    def hold(self) -> None:
        """Write nothing more until words are let through."""
        while self.let.acquire(blocking=False):
            pass

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        try:
            for word in self._words:
                while not self.let.acquire(blocking=False):
                    time.sleep(0.005)  # as a model at work, which hears a stop between two tokens
                self.written.append(word)
                yield word
        finally:
            self.running -= 1


@dataclass(frozen=True, slots=True)
class Served:
    """Where a server is."""

    url: str

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")


@contextlib.contextmanager
def serving(app: FastAPI) -> Iterator[Served]:
    """Serve an application until the block ends."""
    taken = run.bound("127.0.0.1", 0)
    ready = threading.Event()
    server = run.Server(app, ready.set)
    thread = threading.Thread(target=lambda: server.run(sockets=[taken]), daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield Served(run.address_of(taken).rstrip("/"))
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def events(response: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the data of each server-sent event as it comes."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def until(happened: Any, seconds: float = 20.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
