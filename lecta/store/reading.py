"""What the library holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from lecta.store.entries import Bare, Entry
from lecta.store.layout import PASSAGE_COLUMNS, RECORD_COLUMNS, SIGNATURE_COLUMNS
from lecta.store.rows import document_of, passage_of, signature_of
from lecta.store.sql import is_in, quoted
from lecta.store.tables import Tables
from lecta.types import Document, DocumentRecord, Passage, Place, Signature

_REMEMBERED = 64  # filters and the like, of one state
Made = TypeVar("Made")


class Reader(Tables):
    """Reads documents, passages and signatures."""

    def documents(self) -> list[DocumentRecord]:
        """Return every document, ordered by course, lecture and source."""

        def read() -> list[DocumentRecord]:
            rows = self._rows("documents", columns=RECORD_COLUMNS)
            rows.sort(key=lambda row: (row["course"], row["lecture"] is None, row["lecture"] or 0, row["source"]))
            return [DocumentRecord(**row) for row in rows]

        return list(self.remembered("documents", read))

    def remembered(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what `make` makes of the library as it is, made once until anything is changed."""
        state, known = self._state(), self._memory
        if known[0] != state or len(known[1]) > _REMEMBERED:
            known = self._memory = (state, {})
        if key not in known[1]:
            known[1][key] = make()
        made: Made = known[1][key]
        return made

    def document(self, source: str) -> Document | None:
        """Return a stored document with its text and sections, by its source."""
        rows = self._rows("documents", filter=f"source = {quoted(source)}", limit=1)
        if not rows:
            return None
        return document_of(rows[0])

    def text_of(self, source: str, start: int, end: int) -> str:
        """Return a document's text from one index to another, by its source."""
        part = {"part": f"right(left(text, {end}), {end - start})"}  # Lance's SQL has no substring
        rows = self._rows("documents", columns=part, filter=f"source = {quoted(source)}", limit=1)
        return str(rows[0]["part"]) if rows else ""

    def count(self) -> int:
        """Return how many passages there are."""
        table = self._table("passages")
        with self._failing("read"):
            return 0 if table is None else int(table.count_rows())

    def bare(self, limit: int, ids: Sequence[str] | None = None) -> list[Bare]:
        """Return up to `limit` passages that have no vector yet, of these documents or of all."""
        if self._state().is_embedded or (ids is not None and not ids):
            return []
        which = "vector IS NULL" + ("" if ids is None else f" AND {is_in('document_id', ids)}")
        rows = self._rows("passages", columns=["document_id", "title", "text"], filter=which, limit=limit)
        return [Bare(**row) for row in rows]

    def bare_count(self) -> int:
        """Return how many passages have no vector yet."""
        table = None if self._state().is_embedded else self._table("passages")
        with self._failing("read"):
            return 0 if table is None else int(table.count_rows("vector IS NULL"))

    def signatures(self) -> list[Signature]:
        """Return the signatures of every paragraph, in the order in which they were added."""
        rows = self._rows("signatures", columns=SIGNATURE_COLUMNS, scan_in_order=True)
        return [signature_of(row) for row in rows]

    def titled(self, word: str, course: str | None = None) -> list[Passage]:
        """Return passages under a title or heading that holds a word (of letters alone), by source and place."""
        parts = [f"lower(title) LIKE {quoted(f'%{word.lower()}%')}"]
        parts += [] if course is None else [f"course = {quoted(course)}"]
        rows = self._rows("passages", columns=PASSAGE_COLUMNS, filter=" AND ".join(parts))
        return sorted((passage_of(row) for row in rows), key=lambda passage: (passage.source, passage.start_index))

    def lexicon(self) -> tuple[str, Callable[[], dict[str, Any]]]:
        """Return the name of what `settle` made of all texts, which changes with it, and how to read it."""
        state = self._state()
        name, folder = state.lexicon, self.folder / state.folder

        def read() -> dict[str, Any]:
            if not name:
                return {}
            with self._failing("read"):
                content: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
                return content

        return f"{state.folder}/{name}", read

    def orphans(self) -> set[str]:
        """Return sources with a paragraph that repeats one that is gone, so that its words are found nowhere."""
        table = self._table("signatures")
        if table is None or not table.count_rows("copy_of != ''"):
            return set()
        rows = self._rows("signatures", columns=["source", "exact", "copy_of", "copy_exact"])
        held = {(row["source"], row["exact"]) for row in rows}
        return {row["source"] for row in rows if row["copy_of"] and (row["copy_of"], row["copy_exact"]) not in held}

    def passages(self) -> list[Passage]:
        """Return every passage, by source and place."""
        rows = self._rows("passages", columns=PASSAGE_COLUMNS)
        return sorted(map(passage_of, rows), key=lambda passage: (passage.source, passage.start_index))

    def passages_of(self, source: str) -> list[Passage]:
        """Return a document's passages in order, by its source."""
        rows = self._rows("passages", columns=PASSAGE_COLUMNS, filter=f"source = {quoted(source)}")
        return sorted(map(passage_of, rows), key=lambda passage: passage.start_index)

    def also(self, passages: Sequence[Passage]) -> list[tuple[Place, ...]]:
        """Return for each passage the other places where its words stand."""
        sources = sorted({passage.source for passage in passages})
        columns = ["copy_of", "copy_exact", "source", "page", "start_time", "end_time"]
        copies = self._rows("signatures", columns=columns, filter=is_in("copy_of", sources)) if sources else []
        if not copies:
            return [()] * len(passages)
        columns = ["source", "start_index", "end_index", "exact"]
        own = self._rows("signatures", columns=columns, filter=is_in("source", sources))
        found = []
        for passage in passages:
            exact = {
                row["exact"]
                for row in own
                if row["source"] == passage.source
                and row["start_index"] < passage.end_index
                and row["end_index"] > passage.start_index
            }
            places = [
                Place(row["source"], row["page"], row["start_time"], row["end_time"])
                for row in copies
                if row["copy_of"] == passage.source and row["copy_exact"] in exact
            ]
            found.append(tuple(dict.fromkeys(places)))
        return found

    def stored(self, record: DocumentRecord) -> Entry | None:
        """Return a document as it was put, without its vectors; None if it is gone."""
        document, mine = self.document(record.source), f"document_id = {quoted(record.id)}"
        if document is None:
            return None
        rows = self._rows("passages", columns=[*PASSAGE_COLUMNS, "number", "words", "mathematics"], filter=mine)
        rows.sort(key=lambda row: int(row["number"]))
        passages = [passage_of(row) for row in rows]
        marks = self._rows("signatures", columns=SIGNATURE_COLUMNS, filter=mine)
        signatures = tuple(signature_of(row) for row in sorted(marks, key=lambda row: int(row["ordinal"])))
        nothing = np.empty((0, self.recipe.dimension), np.float32)
        words, mathematics = [row["words"] for row in rows], [row["mathematics"] for row in rows]
        return Entry(Path(record.path), document, passages, words, nothing, signatures, mathematics)

    def fingerprints(self) -> dict[str, int]:
        """Return for each document a number that is another when anything of it was changed; of this process only."""
        found = {record.source: hash(replace(record, aligned="", beside=0)) for record in self.documents()}
        keyed = {record.id: record.source for record in self.documents()}
        for name, columns in (
            ("passages", ["document_id", "number", "start_index", "end_index", "title"]),
            ("signatures", ["document_id", "ordinal", "exact", "copy_of", "copy_exact"]),
        ):
            table = self._table(name)
            for batch in table.to_batches(columns=columns) if table is not None else ():
                for row in zip(*(batch[column].to_pylist() for column in columns), strict=True):
                    if source := keyed.get(row[0]):
                        found[source] += hash(row)
        return found
