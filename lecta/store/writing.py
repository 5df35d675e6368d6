"""Documents put in, changed and taken out; each change is one step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import lance
import pyarrow as pa

from lecta.protocols import Vectors
from lecta.store.entries import Bare, Besides, Entry, Stored, document_id, shown_path
from lecta.store.layout import EXACT_BELOW, FILTERED, KEYS, TABLES
from lecta.store.rows import (
    document_table,
    laid_beside,
    matrix,
    passage_table,
    signature_table,
    stored_at,
    vector_column,
)
from lecta.store.sql import is_in, quoted
from lecta.store.tables import Tables
from lecta.types import DocumentRecord

_SCANNED_ROWS = 50_000  # up to which a scan is as quick as an index
_WORDS = {
    "language": "English", "stem": True, "remove_stop_words": True, "ascii_folding": True, "lower_case": True,
    "with_position": False,
}  # fmt: skip


class Writer(Tables):
    """Writes documents with their passages and signatures."""

    def put(self, entries: Sequence[Entry]) -> None:
        """Add or replace documents, all in one step. Killed at any moment, the library is as before or as after.

        Raises `LibraryError` when the library cannot be written or the disk is full.
        """
        if not entries:
            return
        ids = [document_id(entry.path) for entry in entries]
        self._check_dimension(entries)
        with self._writing("add to") as state:
            replacing = ids if self._holds(ids) else None
            if replacing:
                self._forget(replacing)
            rows = passage_table(ids, entries, self.recipe.dimension, self._vectors(replacing or ()))
            is_embedded = state.is_embedded and not rows["vector"].null_count
            self._write("passages", rows, replacing)
            self._write("signatures", signature_table(ids, entries), replacing)
            self._write("documents", document_table(ids, entries), replacing)
            self._publish(replace(state, is_settled=False, is_embedded=is_embedded))

    def give_vectors(self, bare: Sequence[Bare], vectors: Vectors) -> None:
        """Give passages their vectors, shape (len(bare), dimension), in one step.

        One that was changed or removed meanwhile is left alone; one with the same words in the same document gets it
        too. Raises `LibraryError`, also for vectors of another length than the library's.
        """
        if not bare:
            return
        self._check_length({vectors.shape[1]})
        given = {(one.title, one.text): vector for one, vector in zip(bare, vectors, strict=True)}
        with self._writing("add to") as state:
            passages = self._latest("passages")
            if passages is None:
                return
            which = f"vector IS NULL AND {is_in('document_id', sorted({one.document_id for one in bare}))}"
            rows = passages.to_table(columns=["document_id", "number", "title", "text"], filter=which)
            texts = list(zip(rows["title"].to_pylist(), rows["text"].to_pylist(), strict=True))
            mine = [place for place, text in enumerate(texts) if text in given]
            if mine:
                column = vector_column([given[texts[place]] for place in mine], self.recipe.dimension)
                rows = rows.select(["document_id", "number"]).take(mine).append_column("vector", column)
                passages.merge_insert(KEYS["passages"]).when_matched_update_all().execute(rows)
            self._publish(replace(state, is_settled=False))

    def _vectors(self, ids: Sequence[str]) -> dict[tuple[str, str], Vectors]:
        """Return the vectors that documents have, by title and text: what stays as it was is not embedded again."""
        passages = self._latest("passages") if ids else None
        if passages is None:
            return {}
        which = f"vector IS NOT NULL AND {is_in('document_id', ids)}"
        rows = passages.to_table(columns=["title", "text", "vector"], filter=which)
        vectors = matrix(rows["vector"])
        return dict(zip(zip(rows["title"].to_pylist(), rows["text"].to_pylist(), strict=True), vectors, strict=True))

    def remove(self, ids: Sequence[str]) -> None:
        """Take documents and their passages out, in one step."""
        if not ids:
            return
        with self._writing("remove from") as state:
            self._forget(ids)
            for name in TABLES:
                table = self._latest(name)
                if table is not None:
                    table.delete(is_in(KEYS[name][0], ids))
            self._publish(replace(state, is_settled=False))

    def rename(self, record: DocumentRecord, path: Path, source: str) -> None:
        """Give a document that was moved its new path; its passages and vectors stay."""
        with self._writing("rename in") as state:
            old, new = is_in("id", [record.id]), document_id(path)
            if not self._holds([record.id]):
                return
            names = {"source": quoted(source), "document_id": quoted(new)}
            documents, passages, signatures = (self._latest(name) for name in ("documents", "passages", "signatures"))
            if passages is not None:
                passages.update(names, where=is_in("document_id", [record.id]))
                passages.update({"beside_source": quoted(source)}, where=is_in("beside_source", [record.source]))
            if signatures is not None:
                signatures.update(names, where=is_in("document_id", [record.id]))
                signatures.update({"copy_of": quoted(source)}, where=is_in("copy_of", [record.source]))
            if documents is not None:
                place = {"source": quoted(source), "id": quoted(new), "path": quoted(shown_path(path.resolve()))}
                documents.update(place, where=old)
            self._publish(replace(state, is_settled=False))

    def lay_beside(
        self, ids: Sequence[str], aligned: str, lay: Callable[[Sequence[Stored]], Sequence[Besides]]
    ) -> None:
        """Let `lay` say what stands beside the passages of documents, all in one step.

        `lay` is given the documents as they are, in the order of `ids`, and gives as much back; no other writer comes
        between. They are marked as `aligned`; does nothing when one of them is gone or has passages without vectors.
        """
        with self._writing("align in") as state:
            passages, documents = self._latest("passages"), self._latest("documents")
            if passages is None or documents is None or documents.count_rows(is_in("id", ids)) != len(ids):
                return
            if passages.count_rows(f"vector IS NULL AND {is_in('document_id', ids)}"):
                return  # whoever gives them their vectors aligns them
            stored = [stored_at(key, documents, passages) for key in ids]
            laid = lay([one for _, one in stored])
            changed = []
            for (rows, before), after in zip(stored, laid, strict=True):
                if after.passages != before.passages or list(after.words) != rows["words"].to_pylist():
                    changed.append(laid_beside(rows, after))
            if changed:
                merge = passages.merge_insert(KEYS["passages"]).when_matched_update_all()
                merge.execute(pa.concat_tables(changed))
            for key, after in zip(ids, laid, strict=True):
                beside = sum(passage.beside is not None for passage in after.passages)
                values = {"aligned": quoted(aligned), "beside": str(beside)}
                documents.update(values, where=is_in("id", [key]))
            self._publish(replace(state, is_settled=state.is_settled and not changed))

    def _forget(self, ids: Sequence[str]) -> None:
        """Let no passage have a place in documents that go or change."""
        documents, passages = self._latest("documents"), self._latest("passages")
        if documents is None or passages is None:
            return
        rows = documents.to_table(columns=["source"], filter=f"{is_in('id', ids)} AND beside > 0").to_pylist()
        if rows:
            passages.update({"beside_source": "NULL"}, where=is_in("beside_source", [row["source"] for row in rows]))

    def _holds(self, ids: Sequence[str]) -> bool:
        table = self._latest("documents")
        return table is not None and bool(table.count_rows(is_in("id", ids)))

    def _write(self, name: str, rows: pa.Table, replacing: Sequence[str] | None) -> None:
        """Append rows, or put them in the place of the documents `replacing`."""
        table = self._latest(name)
        if table is None:
            path = str(self._home() / name)
            lance.write_dataset(rows, path, enable_stable_row_ids=True)
            if name == "passages" and rows.num_rows:  # without an index words are not stemmed
                self._index(lance.dataset(path), False)
        elif replacing is None:
            table.insert(rows)
        elif not rows.num_rows:
            table.delete(is_in(KEYS[name][0], replacing))
        else:
            merge = table.merge_insert(KEYS[name]).when_matched_update_all().when_not_matched_insert_all()
            merge.when_not_matched_by_source_delete(is_in(KEYS[name][0], replacing)).execute(rows)

    def _check_dimension(self, entries: Sequence[Entry]) -> None:
        """Hold vectors to the length the library has; a new library takes theirs."""
        self._check_length({entry.vectors.shape[1] for entry in entries})

    def _index(self, passages: Any, with_vectors: bool) -> None:
        indexes = {index.name for index in passages.describe_indices()}
        if passages.count_rows() == 0:
            return
        if "words_idx" not in indexes:
            for column in ("words", "mathematics"):
                passages.create_scalar_index(column, "INVERTED", name=f"{column}_idx", **_WORDS)
            passages.create_scalar_index("document_id", "BTREE", name="document_idx")
        if with_vectors and "vector_idx" not in indexes and passages.count_rows() > EXACT_BELOW:
            # A graph over it (IVF_HNSW_SQ) took 7.3 s of processor time to build at 20,000, this 0.2 s.
            passages.create_index("vector", "IVF_SQ", name="vector_idx", metric="cosine")
        if passages.count_rows() > _SCANNED_ROWS:
            for column in FILTERED:
                if f"{column}_idx" not in indexes:
                    passages.create_scalar_index(column, "BITMAP", name=f"{column}_idx")
        passages.optimize.optimize_indices()


def index_signatures(signatures: Any) -> None:
    """Index what `also` asks by: 2 ms without at 4,000 passages, a second at a million."""
    if signatures.count_rows() < _SCANNED_ROWS:
        return
    indexes = {index.name for index in signatures.describe_indices()}
    for column in ("source", "copy_of"):
        if f"{column}_idx" not in indexes:
            signatures.create_scalar_index(column, "BTREE", name=f"{column}_idx")
    signatures.optimize.optimize_indices()
