"""Lance tables: `documents`, `passages` and `signatures`, in one folder; every change of a file is atomic.

A document's row is written last and removed first, so it is the mark of a whole change. Rows whose document is
not listed are debris of an interrupted change: the next writer sweeps them before it writes. Writers take turns by a
file lock, which the kernel frees when a process dies; readers never wait.

Words are found by Lance's BM25 index (Snowball stemming for English), vectors exactly, by reading them all, up to
`EXACT_BELOW` passages. What has been written since an index was built is searched as well, without the index.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import lance
import numpy as np
import pyarrow as pa
from filelock import FileLock

from lecta.errors import LibraryError, first_line
from lecta.protocols import Vectors
from lecta.types import Document, DocumentRecord, Filters, Hit, Passage, Place, Section, Signature

FORMAT = 1
EXACT_BELOW = 200_000
"""Passages up to which cosine is exact; benchmarks/vectors has the times this was chosen by."""

_KEEP_VERSIONS = timedelta(hours=1)  # a reader that opened the library before a change still finds its files
_FRAGMENTS = 16  # more small files than this are rewritten as one
_RECIPE_FILE = "library.json"

_PASSAGE_FIELDS = [
    ("document_id", pa.string()),
    ("number", pa.int32()),
    ("text", pa.string()),
    ("words", pa.string()),
    ("start_index", pa.int64()),
    ("end_index", pa.int64()),
    ("source", pa.string()),
    ("kind", pa.string()),
    ("course", pa.string()),
    ("lecture", pa.int32()),
    ("title", pa.string()),
    ("page", pa.int32()),
    ("start_time", pa.float64()),
    ("end_time", pa.float64()),
    ("label", pa.string()),
    ("speaker", pa.string()),
]
_PASSAGE_COLUMNS = [field.name for field in fields(Passage)]
_SECTION = pa.struct(
    [
        ("start_index", pa.int64()),
        ("end_index", pa.int64()),
        ("page", pa.int32()),
        ("start_time", pa.float64()),
        ("end_time", pa.float64()),
        ("title", pa.string()),
        ("label", pa.string()),
        ("speaker", pa.string()),
        ("confidence", pa.float64()),
        ("excluded", pa.string()),
    ]
)
_SIGNATURE_SCHEMA = pa.schema(
    [
        ("document_id", pa.string()),
        ("source", pa.string()),
        ("ordinal", pa.int32()),
        ("start_index", pa.int64()),
        ("end_index", pa.int64()),
        ("exact", pa.int64()),
        ("facts", pa.int64()),
        ("words", pa.int32()),
        ("digest", pa.list_(pa.uint32())),
        ("bands", pa.list_(pa.int64())),
        ("copy_of", pa.string()),
        ("page", pa.int32()),
        ("start_time", pa.float64()),
        ("end_time", pa.float64()),
    ]
)
_DOCUMENT_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("path", pa.string()),
        ("kind", pa.string()),
        ("course", pa.string()),
        ("lecture", pa.int32()),
        ("title", pa.string()),
        ("sha256", pa.string()),
        ("reader", pa.string()),
        ("passages", pa.int64()),
        ("characters", pa.int64()),
        ("text", pa.string()),
        ("sections", pa.list_(_SECTION)),
        ("warnings", pa.list_(pa.string())),
    ]
)
_KEYS = {"documents": ["id"], "passages": ["document_id", "number"], "signatures": ["document_id", "ordinal"]}
_COPIED = ("source", "kind", "course", "lecture", "title", "sha256", "reader", "text")
_RECORD_COLUMNS = [field.name for field in fields(DocumentRecord)]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What made a library. Passages of two recipes do not compare, so they never share one."""

    reader: str
    chunker: str
    embedder: str
    dimension: int
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Entry:
    """One document ready to be stored."""

    path: Path
    document: Document
    passages: Sequence[Passage]
    words: Sequence[str]
    """What BM25 matches for each passage: its text and what it stands under."""
    vectors: Vectors
    signatures: Sequence[Signature] = ()
    """Of its paragraphs, so that a later file is compared without reading this one again."""


def document_id(path: Path) -> str:
    """Return the identity of a file: a hash of its absolute path."""
    return hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:32]


class Store:
    """One library's tables. Satisfies `lecta.protocols.PassageIndex`."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        """Open a library folder, which need not exist yet. Raises `LibraryError` when another recipe made it."""
        self.folder = folder
        self.recipe = recipe
        self._check_recipe()

    # --- reading ------------------------------------------------------------------------------------------------------

    def documents(self) -> list[DocumentRecord]:
        """Return every document, ordered by course, lecture and source."""
        table = self._table("documents")
        if table is None:
            return []
        rows = table.to_table(columns=_RECORD_COLUMNS).to_pylist()
        order = sorted(
            rows, key=lambda row: (row["course"], row["lecture"] is None, row["lecture"] or 0, row["source"])
        )
        return [DocumentRecord(**row) for row in order]

    def document(self, source: str) -> Document | None:
        """Return a stored document with its text and sections, by its source."""
        table = self._table("documents")
        if table is None:
            return None
        rows = table.to_table(filter=f"source = {_quoted(source)}", limit=1).to_pylist()
        if not rows:
            return None
        row = {field.name: rows[0][field.name] for field in fields(Document)}
        row["sections"] = tuple(Section(**section) for section in row["sections"])
        row["warnings"] = tuple(row["warnings"])
        return Document(**row)

    def count(self) -> int:
        """Return how many passages there are."""
        table = self._table("passages")
        return 0 if table is None else int(table.count_rows())

    def signatures(self) -> list[Signature]:
        """Return the signatures of every paragraph, in the order in which they were added."""
        table = self._table("signatures")
        if table is None:
            return []
        columns = [field.name for field in fields(Signature)]
        rows = table.to_table(columns=columns, scan_in_order=True).to_pylist()
        return [Signature(**row | {"digest": tuple(row["digest"]), "bands": tuple(row["bands"])}) for row in rows]

    def copies(self) -> set[tuple[str, str]]:
        """Return every pair of a source and another source that holds, indexed, some of its paragraphs."""
        table = self._table("signatures")
        if table is None:
            return set()
        rows = table.to_table(columns=["source", "copy_of"], filter="copy_of != ''").to_pylist()
        return {(row["source"], row["copy_of"]) for row in rows}

    def also(self, passages: Sequence[Passage]) -> list[tuple[Place, ...]]:
        """Return for each passage the other places where its words stand."""
        table = self._table("signatures")
        sources = sorted({passage.source for passage in passages})
        if table is None or not sources or not table.count_rows(_in("copy_of", sources)):
            return [()] * len(passages)
        columns = ["source", "start_index", "end_index", "exact"]
        own = table.to_table(columns=columns, filter=_in("source", sources)).to_pylist()
        columns = ["copy_of", "exact", "source", "page", "start_time", "end_time"]
        copies = table.to_table(columns=columns, filter=_in("copy_of", sources)).to_pylist()
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
                if row["copy_of"] == passage.source and row["exact"] in exact
            ]
            found.append(tuple(dict.fromkeys(places)))
        return found

    def search_words(self, question: str, k: int, filters: Filters) -> list[Hit]:
        """Return up to `k` passages by BM25, best first."""
        from lance.query import MatchQuery

        table = self._table("passages")
        if table is None or not question.strip():
            return []
        with self._failing("search"):
            rows = table.to_table(
                columns=[*_PASSAGE_COLUMNS, "_score"],
                full_text_query=MatchQuery(question, "words"),
                filter=_where(filters),
                prefilter=True,
                limit=k,
            ).to_pylist()
        return _hits(rows, "_score")

    def search_vector(self, vector: Vectors, k: int, filters: Filters) -> list[Hit]:
        """Return up to `k` passages by cosine, best first."""
        table = self._table("passages")
        if table is None:
            return []
        nearest = {"column": "vector", "q": vector, "k": k, "metric": "cosine", "refine_factor": 4, "nprobes": 32}
        with self._failing("search"):
            rows = table.to_table(
                columns=[*_PASSAGE_COLUMNS, "_distance"], nearest=nearest, filter=_where(filters), prefilter=True
            ).to_pylist()
        for row in rows:
            row["_distance"] = 1 - row["_distance"]
        return _hits(rows, "_distance")

    # --- writing ------------------------------------------------------------------------------------------------------

    def put(self, entries: Sequence[Entry]) -> None:
        """Add or replace documents. Killed at any moment, each is there as before or as new, never in part.

        Raises `LibraryError` when the library cannot be written or the disk is full.
        """
        if not entries:
            return
        ids = [document_id(entry.path) for entry in entries]
        with self._writing("add to"):
            self._sweep()
            known = self._table("documents")
            replaced = ids if known is not None and known.count_rows(_in("id", ids)) else None
            self._write("passages", _passage_table(ids, entries, self.recipe.dimension), replaced)
            self._write("signatures", _signature_table(ids, entries), replaced)
            self._write("documents", _document_table(ids, entries), replaced)

    def remove(self, ids: Sequence[str]) -> None:
        """Take documents and their passages out."""
        if not ids:
            return
        with self._writing("remove from"):
            documents = self._table("documents")
            if documents is not None:
                documents.delete(_in("id", ids))
            self._sweep()

    def settle(self) -> None:
        """Bring indexes up to date and join small files; call after a run of `put`. Searching works without it too."""
        with self._writing("index"):
            self._sweep()
            passages = self._table("passages")
            if passages is None:
                return
            self._index(passages)
            for name in ("passages", "signatures", "documents"):
                table = self._table(name)
                if table is not None:
                    if len(table.get_fragments()) > _FRAGMENTS:
                        table.optimize.compact_files()
                    table.cleanup_old_versions(older_than=_KEEP_VERSIONS)

    def _index(self, passages: Any) -> None:
        indexes = {index.name for index in passages.describe_indices()}
        if passages.count_rows() == 0:
            return
        if "words_idx" not in indexes:
            passages.create_scalar_index(
                "words", "INVERTED", name="words_idx", language="English", stem=True, remove_stop_words=True,
                ascii_folding=True, lower_case=True, with_position=False,
            )  # fmt: skip
            passages.create_scalar_index("document_id", "BTREE", name="document_idx")
        if "vector_idx" not in indexes and passages.count_rows() > EXACT_BELOW:
            passages.create_index("vector", "IVF_HNSW_SQ", name="vector_idx", metric="cosine")
        passages.optimize.optimize_indices()

    def _write(self, name: str, rows: pa.Table, replacing: Sequence[str] | None) -> None:
        """Append rows, or put them in the place of the documents `replacing`, in one commit."""
        table = self._table(name)
        if table is None:
            lance.write_dataset(rows, str(self.folder / name), enable_stable_row_ids=True)
        elif replacing is None:
            table.insert(rows)
        else:
            keys = _KEYS[name]
            merge = table.merge_insert(keys).when_matched_update_all().when_not_matched_insert_all()
            merge.when_not_matched_by_source_delete(_in(keys[0], replacing)).execute(rows)

    def _sweep(self) -> None:
        """Delete rows whose document is not listed: an earlier writer was interrupted."""
        documents = self._table("documents")
        listed = set() if documents is None else set(documents.to_table(columns=["id"])["id"].to_pylist())
        for name in ("passages", "signatures"):
            table = self._table(name)
            if table is None:
                continue
            present = set(table.to_table(columns=["document_id"])["document_id"].unique().to_pylist())
            if present - listed:
                table.delete(_in("document_id", sorted(present - listed)))

    # --- the folder ---------------------------------------------------------------------------------------------------

    def _table(self, name: str) -> Any | None:
        """Return the newest version of a table, or None before anything was added."""
        path = self.folder / name
        if not (path / "_versions").is_dir():
            return None
        with self._failing("open"):
            return lance.dataset(str(path))

    def _check_recipe(self) -> None:
        path = self.folder / _RECIPE_FILE
        if not path.exists():
            return
        try:
            made = Recipe(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError) as error:
            raise LibraryError(f"library {self.folder}: {_RECIPE_FILE} cannot be read ({first_line(error)})") from error
        differing = [f"{k} {v!r}" for k, v in asdict(made).items() if v != getattr(self.recipe, k)]
        if differing:
            wanted = [f"{k} {v!r}" for k, v in asdict(self.recipe).items() if v != getattr(made, k)]
            raise LibraryError(
                f"library {self.folder} was made with {', '.join(differing)} and now {', '.join(wanted)} is set: "
                "set it back, or add your lectures to another folder with --library"
            )

    @contextlib.contextmanager
    def _writing(self, deed: str) -> Iterator[None]:
        with self._failing(deed):
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock"):
                self._check_recipe()
                recipe = self.folder / _RECIPE_FILE
                if not recipe.exists():
                    partial = recipe.with_suffix(".partial")
                    partial.write_text(json.dumps(asdict(self.recipe), indent=1) + "\n", encoding="utf-8")
                    partial.replace(recipe)
                yield

    @contextlib.contextmanager
    def _failing(self, deed: str) -> Iterator[None]:
        """Turn what Lance and the system raise into one clear line."""
        try:
            yield
        except LibraryError:
            raise
        except (OSError, RuntimeError, ValueError, pa.ArrowException) as error:
            raise LibraryError(f"cannot {deed} library {self.folder}: {_cause(error)}") from error


def _cause(error: BaseException) -> str:
    text = str(error)
    if "No space left" in text or "os error 28" in text:
        return "no space left on the disk; make room and add again, what was there is whole"
    if "Permission denied" in text or "Read-only file system" in text:
        return "no permission to write there; choose another folder with --library or LECTA_LIBRARY"
    if isinstance(error, NotADirectoryError | FileExistsError):
        return "it is not a folder; choose another with --library or LECTA_LIBRARY"
    return first_line(error)


# --- rows -------------------------------------------------------------------------------------------------------------


def _passage_table(ids: Sequence[str], entries: Sequence[Entry], dimension: int) -> pa.Table:
    rows = [
        {name: getattr(passage, name) for name in _PASSAGE_COLUMNS}
        | {"document_id": key, "number": number, "words": words}
        for key, entry in zip(ids, entries, strict=True)
        for number, (passage, words) in enumerate(zip(entry.passages, entry.words, strict=True))
    ]
    table = pa.Table.from_pylist(rows, schema=pa.schema(_PASSAGE_FIELDS))
    vectors = np.concatenate([entry.vectors for entry in entries]).astype(np.float32, copy=False)
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel(), pa.float32()), dimension)
    return table.append_column("vector", column)


def _signature_table(ids: Sequence[str], entries: Sequence[Entry]) -> pa.Table:
    rows = []
    for key, entry in zip(ids, entries, strict=True):
        starts = [section.start_index for section in entry.document.sections]
        for signature in entry.signatures:
            first = entry.document.sections[max(bisect_right(starts, signature.start_index) - 1, 0)]
            last = entry.document.sections[max(bisect_right(starts, signature.end_index - 1) - 1, 0)]
            place = {"page": first.page, "start_time": first.start_time, "end_time": last.end_time}
            rows.append(asdict(signature) | place | {"document_id": key})
    return pa.Table.from_pylist(rows, schema=_SIGNATURE_SCHEMA)


def _document_table(ids: Sequence[str], entries: Sequence[Entry]) -> pa.Table:
    rows = [
        {name: getattr(entry.document, name) for name in _COPIED}
        | {
            "id": key,
            "path": str(entry.path.resolve()),
            "passages": len(entry.passages),
            "characters": len(entry.document.text),
            "sections": [asdict(section) for section in entry.document.sections],
            "warnings": list(entry.document.warnings),
        }
        for key, entry in zip(ids, entries, strict=True)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=_DOCUMENT_SCHEMA)


def _hits(rows: Iterable[dict[str, Any]], score: str) -> list[Hit]:
    return [Hit(Passage(**{name: row[name] for name in _PASSAGE_COLUMNS}), float(row[score])) for row in rows]


def _where(filters: Filters) -> str | None:
    given = {field.name: getattr(filters, field.name) for field in fields(filters)}
    parts = [f"{name} = {_quoted(value)}" for name, value in given.items() if value is not None]
    return " AND ".join(parts) or None


def _in(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(_quoted(value) for value in values)})"


def _quoted(value: str | int) -> str:
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
