"""What the model reads before anyone asks: sections of the lectures, the ones that were missed first.

wanted by questions -> likely ones, until the cache is full -> prompt -> the model reads -> its state is kept
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path

from filelock import FileLock, Timeout

from lecta.answer import prompt
from lecta.answer.states import States
from lecta.answering import without_orders
from lecta.errors import LibraryError
from lecta.protocols import ReadsAhead
from lecta.sections import Section, cut, likely
from lecta.store import Store
from lecta.types import Message

OnSection = Callable[[int, int], None]
"""Called with the sections read and those to read, after each and before the first."""

_WAIT = 0.2  # seconds between looks whether a question still runs
_MOST_WANTED = 200
_FULL = 0.9  # of the limit: what is only likely does not push out what was asked for


class ReadAhead:
    """Reads sections of one library with one model, and knows which it has read."""

    def __init__(self, store: Store, states: States) -> None:
        """`states` is the cache that the model keeps its states in."""
        self._store = store
        self._states = states

    def is_read(self, section: Section, chat: ReadsAhead) -> bool:
        """Tell whether a section's state is kept."""
        return chat.has_read(conversation(section))

    def run(self, chat: ReadsAhead, count: int, on_section: OnSection | None = None) -> int:
        """Read up to `count` sections; return how many were read. It waits while a question runs.

        Interrupted, what was read is kept. Raises `LibraryError` when another process reads ahead.
        """
        done = 0
        with self._alone():
            sections = [one for one in self._sections() if not self.is_read(one[0], chat)]
            self._keep_wanted({section.place for section, is_wanted in sections if is_wanted})
            sections = sections[:count]
            if on_section:
                on_section(0, len(sections))
            for number, (section, is_wanted) in enumerate(sections, 1):
                kept = self._states.kept()
                if not is_wanted and kept.bytes > _FULL * kept.limit:
                    break
                done += chat.read_ahead(conversation(section), self._pause)
                self._keep_wanted(set(self.wanted()) - {section.place})
                if on_section:
                    on_section(number, len(sections))
        return done

    def want(self, section: Section) -> None:
        """Remember that a question would have been answered from a section."""
        with contextlib.suppress(OSError, Timeout):
            self._states.folder.mkdir(parents=True, exist_ok=True)
            with self._wanting():
                wanted = [place for place in self.wanted() if place != section.place]
                self._write([section.place, *wanted][:_MOST_WANTED])

    def wanted(self) -> list[tuple[str, int, int]]:
        """Return the places of sections that questions wanted, the last first."""
        return wanted(self._states)

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """Hold up reading ahead, in whatever process, while a question runs."""
        lock = FileLock(self._states.folder / "asking.lock", timeout=0)
        try:
            self._states.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except (OSError, Timeout):  # another question holds it up already
            pass
        try:
            yield
        finally:
            lock.release()

    def _sections(self) -> Iterator[tuple[Section, bool]]:
        """Yield sections, the likeliest first, and whether a question wanted them."""
        seen: set[tuple[str, int, int]] = set()
        for source, start, end in self.wanted():
            for section in cut(self._store.passages_of(source)):
                if section.place == (source, start, end):
                    seen.add(section.place)
                    yield section, True
        documents = [self._store.passages_of(record.source) for record in self._store.documents()]
        for section in likely(documents):
            if section.place not in seen:
                yield section, False

    def _pause(self) -> None:
        while True:
            try:
                with FileLock(self._states.folder / "asking.lock", timeout=0):
                    return
            except (OSError, Timeout):
                time.sleep(_WAIT)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self._states.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self._states.folder / "read-ahead.lock", timeout=0):
                yield
        except Timeout as error:
            raise LibraryError(
                f"another process reads ahead in {self._states.folder}; wait for it or stop it"
            ) from error
        except OSError as error:
            raise LibraryError(f"cannot keep what is read in {self._states.folder}: {error.strerror}") from error

    def _keep_wanted(self, places: Set[tuple[str, int, int]]) -> None:
        """Forget what is wanted no more: it was read, or is gone."""
        with contextlib.suppress(OSError, Timeout), self._wanting():
            self._write([place for place in self.wanted() if place in places])

    def _wanting(self) -> FileLock:
        return FileLock(self._states.folder / "wanted.lock", timeout=1)

    def _write(self, wanted: Sequence[tuple[str, int, int]]) -> None:
        unfinished = self._file.with_suffix(".new")
        unfinished.write_text(json.dumps(wanted), encoding="utf-8")
        unfinished.replace(self._file)

    @property
    def _file(self) -> Path:
        return _file(self._states)


def wanted(states: States) -> list[tuple[str, int, int]]:
    """Return the places of sections that questions wanted and that were not read since, the last first."""
    try:
        read = json.loads(_file(states).read_text(encoding="utf-8"))
        return [(str(source), int(start), int(end)) for source, start, end in read]
    except (OSError, ValueError, TypeError):
        return []


def _file(states: States) -> Path:
    return states.folder / "wanted.json"


def conversation(section: Section) -> list[Message]:
    """Return the beginning of every conversation about a section: all up to the seam."""
    hits, _ = without_orders(section.hits())
    return prompt.build_messages("", hits, section=len(hits))
