"""One model, many questions: they are answered in the order they come, and each knows its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

OnPlace = Callable[[int], None]
"""Called with how many are before, whenever that changes."""


class LineFullError(Exception):
    """So many wait already that one more would wait in vain."""


class Ticket:
    """A place in the line."""

    def __init__(self, on_place: OnPlace) -> None:
        self.on_place = on_place
        self.is_first = asyncio.Event()


class Line:
    """Who is next. To be used from one event loop."""

    def __init__(self, most: int, at_once: int = 1) -> None:
        """At most `most` may wait; `at_once` are served together."""
        self._most, self._at_once = most, at_once
        self._tickets: list[Ticket] = []

    def __len__(self) -> int:
        """Return how many there are, those that are being served with them."""
        return len(self._tickets)

    @property
    def is_full(self) -> bool:
        """Whether nobody can join."""
        return len(self._tickets) >= self._most + self._at_once

    def join(self, on_place: OnPlace) -> Ticket:
        """Take a place at the end. Raises `LineFullError`."""
        if self.is_full:
            raise LineFullError
        ticket = Ticket(on_place)
        self._tickets.append(ticket)
        self._tell(len(self._tickets) - 1)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give a place up, served or not; those behind move up."""
        place = self._tickets.index(ticket)
        del self._tickets[place]
        self._tell(place)

    def _tell(self, first: int) -> None:
        for place, ticket in enumerate(self._tickets[first:], first):
            before = max(place - self._at_once + 1, 0)
            if not before:
                ticket.is_first.set()
            ticket.on_place(before)
