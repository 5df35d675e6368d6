"""Conversations kept in the library's folder, one JSON file each; the questions, answers and passages as they were.

A file is replaced in one step after every turn, so that a process killed at any moment loses no turn that was kept.
Whoever writes holds a lock and reads the file again first: two processes that go on with one conversation lose nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from lecta.errors import LibraryError, UsageError, first_line
from lecta.types import Answer, Conversation, Turn

FORMAT = 1

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no l, o, 0, 1, which are read wrong
_LENGTH = 8
_LONGEST_TITLE = 200  # characters
_SHORTEST = 3  # letters of an id that may stand for it
_ID = re.compile(rf"[{_ALPHABET}]{{{_LENGTH}}}")

OnDamaged = Callable[[str], None]
"""Called with one line about each file that cannot be read."""


class Conversations:
    """The conversations of one library."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made when the first turn is kept."""
        self._folder = folder

    def all(self, on_damaged: OnDamaged = lambda line: None) -> list[Conversation]:
        """Return every conversation that can be read, the last one first."""
        found = []
        for name in self._ids():
            try:
                found.append(self._read(name))
            except FileNotFoundError:  # deleted just now
                continue
            except LibraryError as error:
                on_damaged(str(error))
        return sorted(found, key=lambda one: (one.turns[-1].asked if one.turns else "", one.id), reverse=True)

    def find(self, name: str = "", on_damaged: OnDamaged = lambda line: None) -> Conversation:
        """Return the conversation whose id is or begins with `name`, or the last one.

        Raises `UsageError` when there is none and `LibraryError` when its file is damaged.
        """
        if name:
            try:
                return self._read(self._id(name))
            except FileNotFoundError as error:
                raise UsageError(f"conversation {name} was deleted just now") from error
        for conversation in self.all(on_damaged):
            return conversation
        raise UsageError(f"no conversation is kept in {self._folder} yet: begin one with `lecta chat`")

    def append(self, conversation: Conversation | None, answer: Answer) -> Conversation:
        """Keep one more turn, of a new conversation if there is none, and return the conversation as it is now.

        What another process has added meanwhile stays. Raises `LibraryError` when the file cannot be written.
        """
        turn = Turn(answer, datetime.now(UTC).isoformat())
        with self._locked():
            now = self._now(conversation)
            now = replace(now, turns=(*now.turns, turn))
            self._write(now)
        return now

    def rename(self, name: str, title: str) -> Conversation:
        """Give a conversation another title; an empty one is its first question again.

        Raises `UsageError` when there is none and `LibraryError` when it cannot be read or written.
        """
        with self._locked():
            renamed = replace(self.find(name), name=" ".join(title.split())[:_LONGEST_TITLE])
            self._write(renamed)
        return renamed

    def delete(self, name: str) -> str:
        """Delete the conversation whose id is or begins with `name`, damaged or not, and return its id.

        Raises `UsageError` when there is none.
        """
        found = self._id(name)
        try:
            self._path(found).unlink(missing_ok=True)
        except OSError as error:
            raise LibraryError(f"conversation {found} cannot be deleted: {first_line(error)}") from error
        return found

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self._folder / "lock"):
                yield
        except OSError as error:
            raise LibraryError(f"the conversation cannot be kept in {self._folder}: {first_line(error)}") from error

    def _now(self, conversation: Conversation | None) -> Conversation:
        if conversation is None:
            return Conversation(self._new_id())
        try:
            return self._read(conversation.id)
        except FileNotFoundError:  # deleted elsewhere while it goes on here
            return conversation
        except LibraryError:  # what is here goes on beside the damaged file
            return replace(conversation, id=self._new_id())

    def _new_id(self) -> str:
        while True:
            made = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
            if not self._path(made).exists():
                return made

    def _ids(self) -> list[str]:
        return sorted(path.stem for path in self._folder.glob("*.json") if _ID.fullmatch(path.stem))

    def _id(self, name: str) -> str:
        matching = [one for one in self._ids() if len(name) >= _SHORTEST and one.startswith(name)]
        if not matching:
            raise UsageError(f"no conversation {name!r}: `lecta chat --list` shows what there is")
        if len(matching) > 1:
            raise UsageError(f"{name!r} begins {len(matching)} conversations: {', '.join(matching)}")
        return matching[0]

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _read(self, name: str) -> Conversation:
        """Read one. Raises `FileNotFoundError`, and `LibraryError` when the file is no conversation."""
        path = self._path(name)
        try:
            return _from_json(name, json.loads(path.read_bytes()))
        except FileNotFoundError:
            raise
        except (OSError, ValueError, RecursionError) as error:
            reason = first_line(error, 100)
            raise LibraryError(
                f"conversation {name} cannot be read ({path}: {reason}); drop it with `lecta chat --delete {name}`"
            ) from error

    def _write(self, conversation: Conversation) -> None:
        for left in self._folder.glob("*.tmp"):  # by a process that was killed: the lock is ours
            left.unlink(missing_ok=True)
        text = json.dumps(_to_json(conversation), ensure_ascii=False, indent=1)
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".tmp", delete=False) as file:
            try:
                file.write(text.encode("utf-8", "replace"))
                file.flush()
                os.fsync(file.fileno())
                file.close()
                Path(file.name).replace(self._path(conversation.id))
            except BaseException:
                file.close()
                with contextlib.suppress(OSError):
                    Path(file.name).unlink()
                raise


@cache
def _turns() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(tuple[Turn, ...])


def _to_json(conversation: Conversation) -> dict[str, Any]:
    kept = {"format": FORMAT, "turns": _turns().dump_python(conversation.turns, mode="json")}
    return kept | ({"name": conversation.name} if conversation.name else {})


def _from_json(name: str, value: Any) -> Conversation:
    """Raises `ValueError` for what is no conversation; pydantic's errors are such."""
    if not isinstance(value, dict) or "turns" not in value:
        raise ValueError("this is no conversation")
    if value.get("format") != FORMAT:
        raise ValueError(f"its format is {value.get('format')!r}, and this lecta reads {FORMAT}")
    return Conversation(name, _turns().validate_python(value["turns"]), str(value.get("name", "")))
