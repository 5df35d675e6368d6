"""A library made anew by another recipe, from the texts it holds, beside the old one, which serves until it is done.

Where only the embedder is another, passages stay as they are and get new vectors. Another chunker cuts the stored
texts again. What another version of the reader would read from the files themselves is not known here: such documents
keep their text and lose their checksum, so that the next `lecta add` of their folder reads them.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lecta.adding import Adding
from lecta.errors import LibraryError
from lecta.intake import Intake, without_repeats, words_of
from lecta.protocols import Embedder
from lecta.store import Entry, Recipe, Store
from lecta.types import DocumentRecord, ReindexReport

OnDocument = Callable[[int, int], None]
"""Called with documents done and documents in all."""

_COMMIT_SECONDS = 2.0  # no more work than this, and one document, is lost by a kill
_COMMIT_PASSAGES = 256
_TIMED = ("subtitles", "recording", "whisper")  # of two transcripts the one with minutes is indexed


class Reindexing:
    """Makes a library anew. What was done is kept in the library's folder, so a later run goes on from there."""

    def __init__(self, store: Store, recipe: Recipe, embedder: Embedder) -> None:
        self._old = store
        self._recipe = recipe
        self._embedder = embedder
        self._is_cut_anew = (store.recipe.reader, store.recipe.chunker) != (recipe.reader, recipe.chunker)
        self._is_read_anew = store.recipe.reader != recipe.reader

    def run(self, passage_size: int, on_document: OnDocument | None = None) -> ReindexReport:
        """Make the new library and put it in the old one's place; nothing to do where the recipe is the same.

        Raises `LibraryError`, also when another process is at it.
        """
        started = time.perf_counter()
        was = dataclasses.asdict(self._old.recipe)
        if self._recipe == self._old.recipe:
            return self._report(was, self._old, started, [])
        try:
            with FileLock(self._old.folder / ".reindex.lock", timeout=0):
                new = self._old.successor(self._recipe)
                self._follow(new, passage_size, on_document)  # most of the work, while others may still write
                with self._old.replace_by(new):
                    self._follow(new, passage_size, on_document)
        except Timeout as error:
            raise LibraryError(f"library {self._old.folder} is being reindexed by another process") from error
        return self._report(was, new, started, [record.source for record in new.documents() if not record.sha256])

    def _report(self, was: dict[str, Any], store: Store, started: float, again: Sequence[str]) -> ReindexReport:
        names = ("reader", "chunker", "embedder", "dimension")
        before, now = was, dataclasses.asdict(self._recipe)
        return ReindexReport(
            was={name: before[name] for name in names},
            now={name: now[name] for name in names},
            documents=len(store.documents()),
            passages=store.count(),
            seconds=time.perf_counter() - started,
            read_again=tuple(again),
        )

    def _follow(self, new: Store, passage_size: int, on_document: OnDocument | None) -> None:
        """Bring the new library to what the old one holds now."""
        wanted, there = self._marks(self._old), self._marks(new)
        stale = [record.id for record in new.documents() if there[record.source] != wanted.get(record.source)]
        new.remove(stale)
        records = self._old.documents()
        missing = [record for record in records if there.get(record.source) != wanted.get(record.source)]
        missing.sort(key=lambda record: record.reader.partition("/")[0] not in _TIMED)
        make = self._cutter(new, passage_size) if self._is_cut_anew and missing else self._with_vectors
        waiting: list[Entry] = []
        committed = time.monotonic()
        for done, record in enumerate(missing, 1):
            entry = make(record)
            waiting += [entry] if entry else []
            is_enough = sum(len(one.passages) for one in waiting) >= _COMMIT_PASSAGES
            if is_enough or time.monotonic() - committed > _COMMIT_SECONDS or done == len(missing):
                new.put(waiting)
                waiting, committed = [], time.monotonic()
            if on_document:
                on_document(len(records) - len(missing) + done, len(records))
        Adding(new, lambda: self._intake(new, passage_size), lambda: self._embedder).finish()

    def _intake(self, new: Store, passage_size: int) -> Intake:
        return Intake(self._recipe.dimension, passage_size, new.signatures())

    def _marks(self, store: Store) -> dict[str, Any]:
        """Return for each source what tells whether it is the same in both libraries."""
        if not self._is_cut_anew:
            return dict(store.fingerprints())
        return {record.source: self._mark(record) for record in store.documents()}

    def _mark(self, record: DocumentRecord) -> DocumentRecord:
        sha256 = "" if self._is_read_anew else record.sha256
        return dataclasses.replace(record, passages=0, sha256=sha256, aligned="", beside=0)

    def _with_vectors(self, record: DocumentRecord) -> Entry | None:
        entry = self._old.stored(record)
        if entry is None:
            return None
        words = [words_of(passage) for passage in entry.passages]  # alignment adds the slides' words again
        return self._embedded(dataclasses.replace(entry, words=words))

    def _embedded(self, entry: Entry) -> Entry:
        return dataclasses.replace(entry, vectors=self._embedder.embed_documents(entry.words))

    def _cutter(self, new: Store, passage_size: int) -> Callable[[DocumentRecord], Entry | None]:
        intake = self._intake(new, passage_size)

        def cut(record: DocumentRecord) -> Entry | None:
            document = self._old.document(record.source)
            if document is None:
                return None
            document = without_repeats(document)
            if self._is_read_anew:
                document = dataclasses.replace(document, sha256="")
            return self._embedded(intake.clean_entry(Path(record.path), document))

        return cut
