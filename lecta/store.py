"""Lance tables: `documents`, `passages` and `signatures`, in one folder; every change is atomic over all three.

`state.json` names the version of each table that is the library, and is replaced in one step at the end of a change.
Readers open those versions and never wait. Writers take turns by a file lock, which the kernel frees when a process
dies; whoever finds versions newer than the state names, left by a writer that was killed, goes back to the state first.

Words are found by Lance's BM25 index (Snowball stemming for English), vectors exactly, by reading them all, up to
`EXACT_BELOW` passages. What has been written since an index was built is searched as well.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
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

FORMAT = 3
EXACT_BELOW = 50_000
"""Passages up to which cosine is exact; benchmarks/vectors has the times this was chosen by."""

_KEEP_VERSIONS = timedelta(hours=1)  # a reader that opened the library before a change still finds its files
_FRAGMENTS = 16  # more small files than this are rewritten as one
_RECIPE_FILE = "library.json"
_STATE_FILE = "state.json"
_TABLES = ("passages", "signatures", "documents")

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
    ("beside_source", pa.string()),
    ("beside_page", pa.int32()),
    ("beside_start_time", pa.float64()),
    ("beside_end_time", pa.float64()),
    ("beside_start_index", pa.int64()),
    ("beside_end_index", pa.int64()),
    ("beside_title", pa.string()),
    ("beside_confidence", pa.float64()),
]
_OWN_COLUMNS = [field.name for field in fields(Passage) if field.name != "beside"]
_BESIDE_COLUMNS = {field.name: f"beside_{field.name}" for field in fields(Place)}
_PASSAGE_COLUMNS = [*_OWN_COLUMNS, *_BESIDE_COLUMNS.values()]
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
        ("copy_exact", pa.int64()),
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
        ("date", pa.string()),
        ("passages", pa.int64()),
        ("characters", pa.int64()),
        ("text", pa.string()),
        ("sections", pa.list_(_SECTION)),
        ("warnings", pa.list_(pa.string())),
        ("aligned", pa.string()),
        ("beside", pa.int64()),
    ]
)
_KEYS = {"documents": ["id"], "passages": ["document_id", "number"], "signatures": ["document_id", "ordinal"]}
_COPIED = ("source", "kind", "course", "lecture", "title", "sha256", "reader", "date", "text")
_RECORD_COLUMNS = [field.name for field in fields(DocumentRecord)]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What made a library. Passages of two recipes do not compare, so they never share one."""

    reader: str
    chunker: str
    embedder: str
    dimension: int
    aligner: str = ""
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


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it is stored, to be put beside another."""

    document: Document
    passages: tuple[Passage, ...]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Besides:
    """What stands beside the passages of one document, and the words they are then matched by."""

    passages: tuple[Passage, ...]
    words: Sequence[str]


def document_id(path: Path) -> str:
    """Return the identity of a file: a hash of its absolute path."""
    return hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class _State:
    """What the library is: a version of each table, and whether their indexes are up to date."""

    versions: dict[str, int] = field(default_factory=dict)
    is_settled: bool = True
    """Indexes hold everything."""


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
        rows = self._rows("documents", columns=_RECORD_COLUMNS)
        rows.sort(key=lambda row: (row["course"], row["lecture"] is None, row["lecture"] or 0, row["source"]))
        return [DocumentRecord(**row) for row in rows]

    def document(self, source: str) -> Document | None:
        """Return a stored document with its text and sections, by its source."""
        rows = self._rows("documents", filter=f"source = {_quoted(source)}", limit=1)
        if not rows:
            return None
        return _document(rows[0])

    def count(self) -> int:
        """Return how many passages there are."""
        table = self._table("passages")
        with self._failing("read"):
            return 0 if table is None else int(table.count_rows())

    def signatures(self) -> list[Signature]:
        """Return the signatures of every paragraph, in the order in which they were added."""
        columns = [field.name for field in fields(Signature)]
        rows = self._rows("signatures", columns=columns, scan_in_order=True)
        return [Signature(**row | {"digest": tuple(row["digest"]), "bands": tuple(row["bands"])}) for row in rows]

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
        rows = self._rows("passages", columns=_PASSAGE_COLUMNS)
        return sorted(map(_passage, rows), key=lambda passage: (passage.source, passage.start_index))

    def also(self, passages: Sequence[Passage]) -> list[tuple[Place, ...]]:
        """Return for each passage the other places where its words stand."""
        sources = sorted({passage.source for passage in passages})
        columns = ["copy_of", "copy_exact", "source", "page", "start_time", "end_time"]
        copies = self._rows("signatures", columns=columns, filter=_in("copy_of", sources)) if sources else []
        if not copies:
            return [()] * len(passages)
        columns = ["source", "start_index", "end_index", "exact"]
        own = self._rows("signatures", columns=columns, filter=_in("source", sources))
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

    def search_words(self, question: str, k: int, filters: Filters) -> list[Hit]:
        """Return up to `k` passages by BM25, best first."""
        from lance.query import MatchQuery

        if not question.strip():
            return []
        rows = self._rows(
            "passages",
            columns=[*_PASSAGE_COLUMNS, "_score"],
            full_text_query=MatchQuery(question, "words"),
            filter=_where(filters),
            prefilter=True,
            limit=k,
        )
        return _hits(rows, "_score")

    def search_vector(self, vector: Vectors, k: int, filters: Filters) -> list[Hit]:
        """Return up to `k` passages by cosine, best first."""
        nearest = {"column": "vector", "q": vector, "k": k, "metric": "cosine", "refine_factor": 4, "nprobes": 32}
        columns = [*_PASSAGE_COLUMNS, "_distance"]
        rows = self._rows("passages", columns=columns, nearest=nearest, filter=_where(filters), prefilter=True)
        for row in rows:
            row["_distance"] = 1 - row["_distance"]
        return _hits(rows, "_distance")

    def _rows(self, name: str, **scan: Any) -> list[dict[str, Any]]:
        """Return rows of a table, none before anything was added. Raises `LibraryError` when its files are damaged."""
        table = self._table(name)
        if table is None:
            return []
        with self._failing("read"):
            rows: list[dict[str, Any]] = table.to_table(**scan).to_pylist()
            return rows

    # --- writing ------------------------------------------------------------------------------------------------------

    def put(self, entries: Sequence[Entry]) -> None:
        """Add or replace documents, all in one step. Killed at any moment, the library is as before or as after.

        Raises `LibraryError` when the library cannot be written or the disk is full.
        """
        if not entries:
            return
        ids = [document_id(entry.path) for entry in entries]
        with self._writing("add to") as state:
            replacing = ids if self._holds(ids) else None
            if replacing:
                self._forget(replacing)
            self._write("passages", _passage_table(ids, entries, self.recipe.dimension), replacing)
            self._write("signatures", _signature_table(ids, entries), replacing)
            self._write("documents", _document_table(ids, entries), replacing)
            self._publish(replace(state, is_settled=False))

    def remove(self, ids: Sequence[str]) -> None:
        """Take documents and their passages out, in one step."""
        if not ids:
            return
        with self._writing("remove from") as state:
            self._forget(ids)
            for name in _TABLES:
                table = self._latest(name)
                if table is not None:
                    table.delete(_in(_KEYS[name][0], ids))
            self._publish(state)

    def rename(self, record: DocumentRecord, path: Path, source: str) -> None:
        """Give a document that was moved its new path; its passages and vectors stay."""
        with self._writing("rename in") as state:
            old, new = _in("id", [record.id]), document_id(path)
            if not self._holds([record.id]):
                return
            names = {"source": _quoted(source), "document_id": _quoted(new)}
            documents, passages, signatures = (self._latest(name) for name in ("documents", "passages", "signatures"))
            if passages is not None:
                passages.update(names, where=_in("document_id", [record.id]))
                passages.update({"beside_source": _quoted(source)}, where=_in("beside_source", [record.source]))
            if signatures is not None:
                signatures.update(names, where=_in("document_id", [record.id]))
                signatures.update({"copy_of": _quoted(source)}, where=_in("copy_of", [record.source]))
            if documents is not None:
                place = {"source": _quoted(source), "id": _quoted(new), "path": _quoted(shown_path(path.resolve()))}
                documents.update(place, where=old)
            self._publish(replace(state, is_settled=False))

    def lay_beside(
        self, ids: Sequence[str], aligned: str, lay: Callable[[Sequence[Stored]], Sequence[Besides]]
    ) -> None:
        """Let `lay` say what stands beside the passages of documents, all in one step.

        `lay` is given the documents as they are, in the order of `ids`, and gives as much back; no other writer comes
        between. They are marked as `aligned`; does nothing when one of them is gone.
        """
        with self._writing("align in") as state:
            passages, documents = self._latest("passages"), self._latest("documents")
            if passages is None or documents is None or documents.count_rows(_in("id", ids)) != len(ids):
                return
            stored = [_stored(key, documents, passages) for key in ids]
            laid = lay([one for _, one in stored])
            changed = []
            for (rows, before), after in zip(stored, laid, strict=True):
                if after.passages != before.passages or list(after.words) != rows["words"].to_pylist():
                    changed.append(_laid(rows, after))
            if changed:
                merge = passages.merge_insert(_KEYS["passages"]).when_matched_update_all()
                merge.execute(pa.concat_tables(changed))
            for key, after in zip(ids, laid, strict=True):
                beside = sum(passage.beside is not None for passage in after.passages)
                values = {"aligned": _quoted(aligned), "beside": str(beside)}
                documents.update(values, where=_in("id", [key]))
            self._publish(replace(state, is_settled=state.is_settled and not changed))

    def _forget(self, ids: Sequence[str]) -> None:
        """Let no passage have a place in documents that go or change."""
        documents, passages = self._latest("documents"), self._latest("passages")
        if documents is None or passages is None:
            return
        rows = documents.to_table(columns=["source"], filter=f"{_in('id', ids)} AND beside > 0").to_pylist()
        if rows:
            passages.update({"beside_source": "NULL"}, where=_in("beside_source", [row["source"] for row in rows]))

    def settle(self) -> None:
        """Bring indexes up to date and join small files; call after a run of changes."""
        if self._state().is_settled:
            return
        with self._writing("index") as state:
            passages = self._latest("passages")
            if passages is not None:
                self._index(passages)
            for name in _TABLES:
                table = self._latest(name)
                if table is not None and len(table.get_fragments()) > _FRAGMENTS:
                    table.optimize.compact_files()
            self._publish(replace(state, is_settled=True))
            for name in _TABLES:
                table = self._latest(name)
                if table is not None:
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

    def _holds(self, ids: Sequence[str]) -> bool:
        table = self._latest("documents")
        return table is not None and bool(table.count_rows(_in("id", ids)))

    def _write(self, name: str, rows: pa.Table, replacing: Sequence[str] | None) -> None:
        """Append rows, or put them in the place of the documents `replacing`."""
        table = self._latest(name)
        if table is None:
            lance.write_dataset(rows, str(self.folder / name), enable_stable_row_ids=True)
            if name == "passages" and rows.num_rows:  # without an index words are not stemmed
                self._index(lance.dataset(str(self.folder / name)))
        elif replacing is None:
            table.insert(rows)
        elif not rows.num_rows:
            table.delete(_in(_KEYS[name][0], replacing))
        else:
            merge = table.merge_insert(_KEYS[name]).when_matched_update_all().when_not_matched_insert_all()
            merge.when_not_matched_by_source_delete(_in(_KEYS[name][0], replacing)).execute(rows)

    # --- the folder ---------------------------------------------------------------------------------------------------

    def _table(self, name: str) -> Any | None:
        """Return a table as the state names it, or None before anything was added."""
        version = self._state().versions.get(name)
        if version is None:
            return None
        with self._failing("open"):
            return lance.dataset(str(self.folder / name), version=version)

    def _latest(self, name: str) -> Any | None:
        """Return a table as this writer has made it so far."""
        if not any((self.folder / name / "_versions").glob("*.manifest")):
            return None
        return lance.dataset(str(self.folder / name))

    def _state(self) -> _State:
        path = self.folder / _STATE_FILE
        try:
            fields_ = json.loads(path.read_text(encoding="utf-8"))
            return _State(fields_["versions"], fields_["is_settled"])
        except FileNotFoundError:
            return _State()
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise LibraryError(f"cannot open library {self.folder}: {_STATE_FILE}: {_cause(error)}") from error

    def _publish(self, state: _State) -> None:
        """Make the tables as they are now the library."""
        tables = {name: self._latest(name) for name in _TABLES}
        versions = {name: table.version for name, table in tables.items() if table is not None}
        self._replace_file(_STATE_FILE, asdict(replace(state, versions=versions)))

    def _roll_back(self, state: _State) -> None:
        """Undo what a writer left that was killed before it published."""
        for name in _TABLES:
            table, version = self._latest(name), state.versions.get(name)
            if version is None:
                shutil.rmtree(self.folder / name, ignore_errors=True)
            elif table is not None and table.version != version:
                old: Any = lance.dataset(str(self.folder / name), version=version)
                old.restore()

    def _replace_file(self, name: str, content: dict[str, Any]) -> None:
        partial = self.folder / f"{name}.partial"
        with partial.open("w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(self.folder / name)

    def _check_recipe(self) -> None:
        path = self.folder / _RECIPE_FILE
        try:
            made = json.loads(path.read_text(encoding="utf-8"))
            newer = made["format"] > FORMAT
        except (FileNotFoundError, NotADirectoryError):
            return
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise LibraryError(f"cannot open library {self.folder}: {_RECIPE_FILE}: {_cause(error)}") from error
        if newer:
            raise LibraryError(
                f"library {self.folder} was made by a newer lecta (format {made['format']}): upgrade lecta"
            )
        if made["format"] < FORMAT:
            raise LibraryError(
                f"library {self.folder} was made by an older lecta (format {made['format']}, now {FORMAT}): "
                "add your lectures to another folder with --library, or remove this one and add them again"
            )
        wanted = asdict(self.recipe)
        differing = [name for name in wanted if made.get(name) != wanted[name]]
        if differing:
            was = ", ".join(f"{name} {made.get(name)!r}" for name in differing)
            now = ", ".join(f"{name} {wanted[name]!r}" for name in differing)
            raise LibraryError(
                f"library {self.folder} was made with {was} and now {now} is set: set it back, "
                "or add your lectures to another folder with --library"
            )

    @contextlib.contextmanager
    def _writing(self, deed: str) -> Iterator[_State]:
        """Hold the library's lock over one change, begun from the state that is published."""
        with self._failing(deed):
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock"):
                self._check_recipe()
                if not (self.folder / _RECIPE_FILE).exists():
                    self._replace_file(_RECIPE_FILE, asdict(self.recipe))
                state = self._state()
                self._roll_back(state)
                yield state

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
        {name: getattr(passage, name) for name in _OWN_COLUMNS} | {"document_id": key, "number": number, "words": words}
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
            "path": shown_path(entry.path.resolve()),
            "passages": len(entry.passages),
            "characters": len(entry.document.text),
            "sections": [asdict(section) for section in entry.document.sections],
            "warnings": list(entry.document.warnings),
            "aligned": "",
            "beside": 0,
        }
        for key, entry in zip(ids, entries, strict=True)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=_DOCUMENT_SCHEMA)


def shown_path(path: Path) -> str:
    """Return a path as text that can be stored and printed; bytes of a name that are no UTF-8 become escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def _hits(rows: Iterable[dict[str, Any]], score: str) -> list[Hit]:
    return [Hit(_passage(row), float(row[score])) for row in rows]


def _passage(row: dict[str, Any]) -> Passage:
    beside = None
    if row["beside_source"] is not None:
        beside = Place(**{name: row[column] for name, column in _BESIDE_COLUMNS.items()})
    return Passage(**{name: row[name] for name in _OWN_COLUMNS}, beside=beside)


def _document(row: dict[str, Any]) -> Document:
    values = {field.name: row[field.name] for field in fields(Document)}
    values["sections"] = tuple(Section(**section) for section in row["sections"])
    values["warnings"] = tuple(row["warnings"])
    return Document(**values)


def _stored(key: str, documents: Any, passages: Any) -> tuple[pa.Table, Stored]:
    """Return the rows of a document's passages, in their order, and what they and the document say."""
    rows = passages.to_table(filter=_in("document_id", [key])).sort_by("number")
    vectors = rows["vector"].combine_chunks()
    return rows, Stored(
        _document(documents.to_table(filter=_in("id", [key])).to_pylist()[0]),
        tuple(_passage(row) for row in rows.drop_columns(["vector"]).to_pylist()),
        np.array(vectors.flatten(), np.float32).reshape(len(rows), vectors.type.list_size),
    )


def _laid(rows: pa.Table, after: Besides) -> pa.Table:
    """Return the rows of a document's passages with what now stands beside them."""
    places = [passage.beside for passage in after.passages]
    new = {"words": list(after.words)} | {
        column: [None if place is None else getattr(place, name) for place in places]
        for name, column in _BESIDE_COLUMNS.items()
    }
    for column, values in new.items():
        field_ = rows.schema.field(column)
        rows = rows.set_column(rows.schema.get_field_index(column), field_, pa.array(values, field_.type))
    return rows


def _where(filters: Filters) -> str | None:
    given = {field.name: getattr(filters, field.name) for field in fields(filters)}
    parts = [f"{name} = {_quoted(value)}" for name, value in given.items() if value is not None]
    return " AND ".join(parts) or None


def _in(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(_quoted(value) for value in values)})"


def _quoted(value: str | int) -> str:
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
