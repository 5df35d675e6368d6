"""Lance tables: `documents`, `passages` and `signatures`, in one folder; every change is atomic over all three.

`state.json` names the version of each table that is the library, and the folder they are in (the library's own until it
is reindexed), and is replaced in one step at the end of a change.
Readers open those versions and never wait. Writers take turns by a file lock, which the kernel frees when a process
dies; whoever finds versions newer than the state names, left by a writer that was killed, goes back to the state first.

Words are found by Lance's BM25 index (Snowball stemming for English), vectors exactly, by reading them all, up to
`EXACT_BELOW` passages. What has been written since an index was built is searched as well. A passage may be stored
before it has a vector, which is null until `give_vectors`; it is found by its words.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

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
_PROBES = 64  # of the vector index's parts (8,192 vectors each) that are read; benchmarks/million has the recall
_SCANNED_ROWS = 50_000  # up to which a scan is as quick as an index
_MOST_HOLDING = 5_000  # passages with a quoted phrase among which is searched, those that say its words most
_GAP = 3  # characters of space between paragraphs that follow each other
_REMEMBERED = 64  # filters and the like, of one state
_ALSO, _MATHEMATICS = 0.5, 2.0  # weight in BM25 of other forms of a word, and of a formula as a whole; a word has 1
_FRAGMENTS = 16  # more small files than this are rewritten as one
_WORDS = {
    "language": "English", "stem": True, "remove_stop_words": True, "ascii_folding": True, "lower_case": True,
    "with_position": False,
}  # fmt: skip
_RECIPE_FILE = "library.json"
_STATE_FILE = "state.json"
_LEXICON = "lexicon-"
_TABLES = ("passages", "signatures", "documents")
_GENERATION = "tables-"
"""Folders for tables are numbered; those that are in the library's own folder are number 0."""

_PASSAGE_FIELDS = [
    ("document_id", pa.string()),
    ("number", pa.int32()),
    ("text", pa.string()),
    ("words", pa.string()),
    ("mathematics", pa.string()),
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
_FILTERED = ("course", "lecture", "kind")
_KEYS = {"documents": ["id"], "passages": ["document_id", "number"], "signatures": ["document_id", "ordinal"]}
_COPIED = ("source", "kind", "course", "lecture", "title", "sha256", "reader", "date", "text")
_SIGNATURE_COLUMNS = [field.name for field in fields(Signature)]
_SECTION_COLUMNS = [field.name for field in fields(Section)]
_RECORD_COLUMNS = [field.name for field in fields(DocumentRecord)]
_COPY_COLUMNS = ["source", "start_index", "end_index", "page", "start_time", "end_time", "copy_of", "copy_exact"]

Row = dict[str, Any]
Made = TypeVar("Made")


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
    """One for each passage, or none at all, shape (0, dimension), where they are to be given later."""
    signatures: Sequence[Signature] = ()
    """Of its paragraphs, so that a later file is compared without reading this one again."""
    mathematics: Sequence[str] = ()
    """The terms of each passage's mathematics, spaces between; empty where there are none at all."""


@dataclass(frozen=True, slots=True)
class Bare:
    """A passage that has no vector yet, by what its vector is made of."""

    document_id: str
    title: str
    text: str


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
class _Scope:
    """Which passages pass some filters."""

    where: str | None
    """In Lance's SQL; None is all."""
    elsewhere: Mapping[int, Sequence[Row]]
    """Row ids of those that pass only where their words stand as well: the signatures of these copies."""


@dataclass(frozen=True, slots=True)
class _State:
    """What the library is: a version of each table, and whether their indexes are up to date."""

    versions: dict[str, int] = field(default_factory=dict)
    is_settled: bool = True
    """Indexes hold everything."""
    is_embedded: bool = True
    """Every passage has its vector."""
    folder: str = ""
    """Where the tables and their recipe are, within the library's folder."""
    since: float = 0.0
    """Seconds since the epoch when it became that folder; what was there before goes an hour later."""
    lexicon: str = ""
    """The file with what was made of all passages' texts when the indexes last held everything, or empty."""
    stamp: tuple[int, int] = field(default=(0, 0), compare=True)
    """Which file said so: a library that was deleted and made anew may have the same versions."""


def made_recipe(folder: Path) -> Recipe | None:
    """Return the recipe that a library was made by, or None where there is no library that this lecta can open."""
    try:
        made = json.loads((folder / _read_state(folder).folder / _RECIPE_FILE).read_text(encoding="utf-8"))
        return Recipe(**made)
    except (OSError, TypeError, ValueError, LibraryError):  # opening says what is wrong
        return None


def _read_state(folder: Path) -> _State:
    try:
        with (folder / _STATE_FILE).open(encoding="utf-8") as stream:
            about = os.fstat(stream.fileno())
            given = json.load(stream)
        place = (given.get("folder", ""), given.get("since", 0.0), given.get("lexicon", ""))
        is_embedded, stamp = given.get("is_embedded", True), (about.st_ino, about.st_mtime_ns)
        return _State(given["versions"], given["is_settled"], is_embedded, *place, stamp=stamp)
    except (FileNotFoundError, NotADirectoryError):
        return _State()
    except (AttributeError, OSError, KeyError, TypeError, ValueError) as error:
        raise LibraryError(f"cannot open library {folder}: {_STATE_FILE}: {_cause(error)}") from error


class Store:
    """One library's tables. Satisfies `lecta.protocols.PassageIndex`."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        """Open a library folder, which need not exist yet. Raises `LibraryError` when another recipe made it."""
        self.folder = folder
        self.recipe = recipe
        self._opened: dict[str, tuple[_State, Any]] = {}
        self._session = lance.Session()  # type: ignore[attr-defined]
        self._checked: str | None = None
        self._memory: tuple[_State, dict[Hashable, Any]] = (_State(), {})
        self._check_recipe()

    # --- reading ------------------------------------------------------------------------------------------------------

    def documents(self) -> list[DocumentRecord]:
        """Return every document, ordered by course, lecture and source."""

        def read() -> list[DocumentRecord]:
            rows = self._rows("documents", columns=_RECORD_COLUMNS)
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
        rows = self._rows("documents", filter=f"source = {_quoted(source)}", limit=1)
        if not rows:
            return None
        return _document(rows[0])

    def text_of(self, source: str, start: int, end: int) -> str:
        """Return a document's text from one index to another, by its source."""
        part = {"part": f"right(left(text, {end}), {end - start})"}  # Lance's SQL has no substring
        rows = self._rows("documents", columns=part, filter=f"source = {_quoted(source)}", limit=1)
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
        which = "vector IS NULL" + ("" if ids is None else f" AND {_in('document_id', ids)}")
        rows = self._rows("passages", columns=["document_id", "title", "text"], filter=which, limit=limit)
        return [Bare(**row) for row in rows]

    def bare_count(self) -> int:
        """Return how many passages have no vector yet."""
        table = None if self._state().is_embedded else self._table("passages")
        with self._failing("read"):
            return 0 if table is None else int(table.count_rows("vector IS NULL"))

    def signatures(self) -> list[Signature]:
        """Return the signatures of every paragraph, in the order in which they were added."""
        rows = self._rows("signatures", columns=_SIGNATURE_COLUMNS, scan_in_order=True)
        return [_signature(row) for row in rows]

    def holds(self, filters: Filters) -> bool:
        """Tell whether any passage passes the filters."""
        scope = self._scope(filters)
        return scope is not None and bool(self._rows("passages", columns=["number"], filter=scope.where, limit=1))

    def titled(self, word: str, course: str | None = None) -> list[Passage]:
        """Return passages under a title or heading that holds a word (of letters alone), by source and place."""
        parts = [f"lower(title) LIKE {_quoted(f'%{word.lower()}%')}"]
        parts += [] if course is None else [f"course = {_quoted(course)}"]
        rows = self._rows("passages", columns=_PASSAGE_COLUMNS, filter=" AND ".join(parts))
        return sorted((_passage(row) for row in rows), key=lambda passage: (passage.source, passage.start_index))

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
        rows = self._rows("passages", columns=_PASSAGE_COLUMNS)
        return sorted(map(_passage, rows), key=lambda passage: (passage.source, passage.start_index))

    def passages_of(self, source: str) -> list[Passage]:
        """Return a document's passages in order, by its source."""
        rows = self._rows("passages", columns=_PASSAGE_COLUMNS, filter=f"source = {_quoted(source)}")
        return sorted(map(_passage, rows), key=lambda passage: passage.start_index)

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

    def search_words(self, question: str, k: int, filters: Filters, also: str = "") -> list[Hit]:
        """Return up to `k` passages by BM25, best first. `also` counts less, and is matched with mathematics too."""
        return self.search(question, None, k, filters, also)[0]

    def search_vector(self, vector: Vectors, k: int, filters: Filters) -> list[Hit]:
        """Return up to `k` passages by cosine, best first."""
        return self.search("", vector, k, filters)[1]

    def search(
        self, question: str, vector: Vectors | None, k: int, filters: Filters, also: str = ""
    ) -> tuple[list[Hit], list[Hit]]:
        """Return what `search_words` and `search_vector` find; both run at once, and each passage is read once.

        A passage that passes the filters only where its words stand as well is shown at that place.
        """
        table, scope = self._table("passages"), self._scope(filters)
        if table is None or scope is None:
            return [], []
        with self._failing("read"), ThreadPoolExecutor(2) as pool:
            nearest = None if vector is None else pool.submit(_by_vector, table, vector, k, scope.where)
            words = _by_words(pool, table, question, also, k, scope.where) if question.strip() else {}
            dense = nearest.result() if nearest else {}
            rows = _taken(table, list({**words, **dense}))
        shown = self._shown(rows, scope)
        return _hits(words, shown), _hits(dense, shown)

    def _scope(self, filters: Filters) -> _Scope | None:
        """Return which passages pass the filters; None where a phrase stands nowhere."""
        if filters == Filters():
            return _Scope(None, {})
        return self.remembered(filters, lambda: self._read_scope(filters))

    def _read_scope(self, filters: Filters) -> _Scope | None:
        where = _where(filters)
        elsewhere = self._elsewhere(filters) if where else {}
        if elsewhere:
            where = f"({where} OR {_row_ids(elsewhere)})"
        if not filters.phrases:
            return _Scope(where, elsewhere)
        table = self._table("passages")
        with self._failing("read"):
            holding = [] if table is None else _holding(table, filters.phrases, where)
        return _Scope(_row_ids(holding), elsewhere) if holding else None

    def _elsewhere(self, filters: Filters) -> dict[int, list[Row]]:
        """Return the rows of passages that do not pass the filters, but would where their words stand as well."""
        records = {record.source: record for record in self.documents()}
        inside = {source for source, record in records.items() if _passes(record, filters)}
        copies = defaultdict(list)
        for row in self.remembered("copies", self._copies):
            if row["source"] in inside and row["copy_of"] not in inside and row["copy_of"] in records:
                copies[row["copy_of"], row["copy_exact"]].append(row)
        if not copies:
            return {}
        sources = sorted({source for source, _ in copies})
        columns = ["source", "start_index", "end_index", "exact"]
        paragraphs = defaultdict(list)
        for row in self._rows("signatures", columns=columns, filter=_in("source", sources)):
            if (row["source"], row["exact"]) in copies:
                paragraphs[row["source"]].append(row)
        found: dict[int, list[Row]] = defaultdict(list)
        where, columns = _in("document_id", [records[source].id for source in sources]), columns[:3]
        for passage in self._rows("passages", columns=columns, filter=where, with_row_id=True):
            for row in paragraphs[passage["source"]]:
                if row["start_index"] < passage["end_index"] and row["end_index"] > passage["start_index"]:
                    found[passage["_rowid"]] += copies[row["source"], row["exact"]]
        return found

    def _copies(self) -> list[Row]:
        """Return the signatures of paragraphs that are indexed where they stand first."""
        is_copy = "copy_of > ''"  # a range, which the index knows; with != a million took 0.5 s
        return self._rows("signatures", columns=_COPY_COLUMNS, filter=is_copy, scan_in_order=True)

    def _shown(self, rows: Mapping[int, Row], scope: _Scope) -> dict[int, Hit]:
        """Return passages by their row ids, without a score, each where it passes the filters."""
        documents: dict[str, Document | None] = {}
        shown = {}
        for number, row in rows.items():
            hit = Hit(_passage(row), 0.0)
            if copies := scope.elsewhere.get(number):
                source = copies[0]["source"]
                if source not in documents:
                    documents[source] = self.document(source)
                if document := documents[source]:
                    hit = _at_copy(hit.passage, document, copies)
            shown[number] = hit
        return shown

    def _rows(self, name: str, **scan: Any) -> list[Row]:
        """Return rows of a table, none before anything was added. Raises `LibraryError` when its files are damaged."""
        table = self._table(name)
        if table is None:
            return []
        with self._failing("read"):
            rows: list[Row] = table.to_table(**scan).to_pylist()
            return rows

    # --- writing ------------------------------------------------------------------------------------------------------

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
            rows = _passage_table(ids, entries, self.recipe.dimension, self._vectors(replacing or ()))
            is_embedded = state.is_embedded and not rows["vector"].null_count
            self._write("passages", rows, replacing)
            self._write("signatures", _signature_table(ids, entries), replacing)
            self._write("documents", _document_table(ids, entries), replacing)
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
            which = f"vector IS NULL AND {_in('document_id', sorted({one.document_id for one in bare}))}"
            rows = passages.to_table(columns=["document_id", "number", "title", "text"], filter=which)
            texts = list(zip(rows["title"].to_pylist(), rows["text"].to_pylist(), strict=True))
            mine = [place for place, text in enumerate(texts) if text in given]
            if mine:
                column = _vector_column([given[texts[place]] for place in mine], self.recipe.dimension)
                rows = rows.select(["document_id", "number"]).take(mine).append_column("vector", column)
                passages.merge_insert(_KEYS["passages"]).when_matched_update_all().execute(rows)
            self._publish(replace(state, is_settled=False))

    def _vectors(self, ids: Sequence[str]) -> dict[tuple[str, str], Vectors]:
        """Return the vectors that documents have, by title and text: what stays as it was is not embedded again."""
        passages = self._latest("passages") if ids else None
        if passages is None:
            return {}
        which = f"vector IS NOT NULL AND {_in('document_id', ids)}"
        rows = passages.to_table(columns=["title", "text", "vector"], filter=which)
        vectors = _matrix(rows["vector"])
        return dict(zip(zip(rows["title"].to_pylist(), rows["text"].to_pylist(), strict=True), vectors, strict=True))

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
            self._publish(replace(state, is_settled=False))

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
        between. They are marked as `aligned`; does nothing when one of them is gone or has passages without vectors.
        """
        with self._writing("align in") as state:
            passages, documents = self._latest("passages"), self._latest("documents")
            if passages is None or documents is None or documents.count_rows(_in("id", ids)) != len(ids):
                return
            if passages.count_rows(f"vector IS NULL AND {_in('document_id', ids)}"):
                return  # whoever gives them their vectors aligns them
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

    def settle(self, make_lexicon: Callable[[Iterator[str]], dict[str, Any]] | None = None) -> None:
        """Bring indexes up to date and join small files; call after a run of changes.

        What `make_lexicon` makes of all passages' texts is kept beside the tables and published with them.
        """
        if self._state().is_settled:
            return
        with self._writing("index") as state:
            passages, signatures = self._latest("passages"), self._latest("signatures")
            bare = 0 if passages is None or state.is_embedded else passages.count_rows("vector IS NULL")
            if passages is not None:
                self._index(passages, not bare)
            if signatures is not None:
                _index_signatures(signatures)
            for name in _TABLES:
                table = self._latest(name)
                if table is not None and len(table.get_fragments()) > _FRAGMENTS:
                    table.optimize.compact_files()
            lexicon = self._write_lexicon(make_lexicon) if make_lexicon else ""
            self._publish(replace(state, is_settled=not bare, is_embedded=not bare, lexicon=lexicon))
            for name in _TABLES:
                table = self._latest(name)
                if table is not None:
                    table.cleanup_old_versions(older_than=_KEEP_VERSIONS)
            self._forget_lexicons(lexicon)
            self._clear_old(state)

    # --- made anew by another recipe ----------------------------------------------------------------------------------

    def successor(self, recipe: Recipe) -> Store:
        """Return the store in which this library is made anew, begun already or empty; `replace_by` puts it in place.

        It lies in a folder of the library. What was begun by yet another recipe is deleted.
        """
        with self._writing("reindex") as state:
            folder = self.folder / f"{_GENERATION}{_number(state.folder) + 1}"
            made = made_recipe(folder)
            if made is not None and made != recipe:
                shutil.rmtree(folder)
            return Store(folder, recipe)

    @contextlib.contextmanager
    def replace_by(self, successor: Store) -> Iterator[None]:
        """Let no other writer in over the last changes of the successor, then make it the library, in one step.

        Readers who had opened the old tables can read them for an hour.
        """
        with self._writing("reindex"):
            yield
            made = successor._state()
            if not (successor.folder / _RECIPE_FILE).exists():  # of a library that holds nothing
                successor.folder.mkdir(exist_ok=True)
                self._replace_file(successor.folder / _RECIPE_FILE, asdict(successor.recipe))
            self._write_state(replace(made, folder=successor.folder.name, since=time.time()))
        self.recipe = successor.recipe

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

    def stored(self, record: DocumentRecord) -> Entry | None:
        """Return a document as it was put, without its vectors; None if it is gone."""
        document, mine = self.document(record.source), f"document_id = {_quoted(record.id)}"
        if document is None:
            return None
        rows = self._rows("passages", columns=[*_PASSAGE_COLUMNS, "number", "words", "mathematics"], filter=mine)
        rows.sort(key=lambda row: int(row["number"]))
        passages = [_passage(row) for row in rows]
        marks = self._rows("signatures", columns=_SIGNATURE_COLUMNS, filter=mine)
        signatures = tuple(_signature(row) for row in sorted(marks, key=lambda row: int(row["ordinal"])))
        nothing = np.empty((0, self.recipe.dimension), np.float32)
        words, mathematics = [row["words"] for row in rows], [row["mathematics"] for row in rows]
        return Entry(Path(record.path), document, passages, words, nothing, signatures, mathematics)

    def _clear_old(self, state: _State) -> None:
        """Delete the tables that were the library before it was reindexed, an hour later."""
        if not state.folder or time.time() - state.since < _KEEP_VERSIONS.total_seconds():
            return
        for path in [*map(self.folder.joinpath, _TABLES), *self.folder.glob(f"{_GENERATION}*")]:
            if path.is_dir() and (path.name in _TABLES or _number(path.name) < _number(state.folder)):
                shutil.rmtree(path, ignore_errors=True)

    def _write_lexicon(self, make: Callable[[Iterator[str]], dict[str, Any]]) -> str:
        """Write what is made of all texts to a file of its own; it is part of the library once the state names it."""
        passages = self._latest("passages")
        if passages is None:
            return ""
        name = f"{_LEXICON}{passages.version}.json"
        self._replace_file(self._home() / name, make(_texts(passages)))
        return name

    def _forget_lexicons(self, current: str) -> None:
        """Take away older ones, once no reader that has just read the state is about to open them."""
        for path in self._home().glob(f"{_LEXICON}*.json"):
            if path.name != current and time.time() - path.stat().st_mtime > _KEEP_VERSIONS.total_seconds():
                path.unlink(missing_ok=True)

    # --- indexes ------------------------------------------------------------------------------------------------------

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
            for column in _FILTERED:
                if f"{column}_idx" not in indexes:
                    passages.create_scalar_index(column, "BITMAP", name=f"{column}_idx")
        passages.optimize.optimize_indices()

    def _holds(self, ids: Sequence[str]) -> bool:
        table = self._latest("documents")
        return table is not None and bool(table.count_rows(_in("id", ids)))

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
            table.delete(_in(_KEYS[name][0], replacing))
        else:
            merge = table.merge_insert(_KEYS[name]).when_matched_update_all().when_not_matched_insert_all()
            merge.when_not_matched_by_source_delete(_in(_KEYS[name][0], replacing)).execute(rows)

    # --- the folder ---------------------------------------------------------------------------------------------------

    def _table(self, name: str) -> Any | None:
        """Return a table as the state names it, or None before anything was added.

        It is kept open with its indexes until the state is another; opening anew takes longer than a search.
        """
        state = self._state()
        version = state.versions.get(name)
        if version is None:
            return None
        published, table = self._opened.get(name) or (None, None)
        if published != state:
            with self._failing("open"):
                if state.folder != self._checked:  # made or reindexed by another process since
                    self._check_recipe()
                table = lance.dataset(str(self.folder / state.folder / name), version=version, session=self._session)
            self._opened[name] = (state, table)
        return table

    def _latest(self, name: str) -> Any | None:
        """Return a table as this writer has made it so far."""
        path = self._home() / name
        if not any((path / "_versions").glob("*.manifest")):
            return None
        return lance.dataset(str(path))

    def _state(self) -> _State:
        return _read_state(self.folder)

    def _home(self) -> Path:
        """Return the folder of the tables."""
        return self.folder / self._state().folder

    def _publish(self, state: _State) -> None:
        """Make the tables as they are now the library."""
        tables = {name: self._latest(name) for name in _TABLES}
        versions = {name: table.version for name, table in tables.items() if table is not None}
        self._write_state(replace(state, versions=versions))

    def _write_state(self, state: _State) -> None:
        content = asdict(state)
        del content["stamp"]
        self._replace_file(self.folder / _STATE_FILE, content)

    def _roll_back(self, state: _State) -> None:
        """Undo what a writer left that was killed before it published."""
        for name in _TABLES:
            table, version = self._latest(name), state.versions.get(name)
            if version is None:
                shutil.rmtree(self._home() / name, ignore_errors=True)
            elif table is not None and table.version != version:
                old: Any = lance.dataset(str(self._home() / name), version=version)
                old.restore()

    def _replace_file(self, path: Path, content: dict[str, Any]) -> None:
        partial = path.with_name(f"{path.name}.partial")
        with partial.open("w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)

    def _check_recipe(self) -> None:
        place = self._state().folder
        path = self.folder / place / _RECIPE_FILE
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
        if not self.recipe.dimension:  # an embedder that has not been asked yet
            wanted["dimension"] = made.get("dimension")
        differing = [name for name in wanted if made.get(name) != wanted[name]]
        if differing and self._checked not in (None, place):
            raise LibraryError(f"library {self.folder} was reindexed by another process just now: do this again")
        if differing:
            was = ", ".join(f"{name} {made.get(name)!r}" for name in differing)
            now = ", ".join(f"{name} {wanted[name]!r}" for name in differing)
            way = (
                "add your lectures" if "format" in differing else "change it with `lecta reindex`, or add your lectures"
            )
            raise LibraryError(
                f"library {self.folder} was made with {was} and now {now} is set: set it back, {way} to another folder "
                "with --library"
            )
        self.recipe = replace(self.recipe, dimension=made.get("dimension", self.recipe.dimension))
        self._checked = place

    def _check_dimension(self, entries: Sequence[Entry]) -> None:
        """Hold vectors to the length the library has; a new library takes theirs."""
        self._check_length({entry.vectors.shape[1] for entry in entries})

    def _check_length(self, found: set[int]) -> None:
        if not self.recipe.dimension and len(found) == 1:
            self.recipe = replace(self.recipe, dimension=found.pop())
        elif found != {self.recipe.dimension}:
            raise LibraryError(
                f"embedder {self.recipe.embedder!r} gave vectors of {', '.join(map(str, sorted(found)))} numbers and "
                f"library {self.folder} holds {self.recipe.dimension}: run `lecta reindex --embedder` with its name"
            )

    @contextlib.contextmanager
    def _writing(self, deed: str) -> Iterator[_State]:
        """Hold the library's lock over one change, begun from the state that is published."""
        with self._failing(deed):
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock"):
                self._check_recipe()
                state = self._state()
                recipe = self.folder / state.folder / _RECIPE_FILE
                if not recipe.exists():
                    self._replace_file(recipe, asdict(self.recipe))
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


def _index_signatures(signatures: Any) -> None:
    """Index what `also` asks by: 2 ms without at 4,000 passages, a second at a million."""
    if signatures.count_rows() < _SCANNED_ROWS:
        return
    indexes = {index.name for index in signatures.describe_indices()}
    for column in ("source", "copy_of"):
        if f"{column}_idx" not in indexes:
            signatures.create_scalar_index(column, "BTREE", name=f"{column}_idx")
    signatures.optimize.optimize_indices()


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


def _passage_table(
    ids: Sequence[str], entries: Sequence[Entry], dimension: int, known: Mapping[tuple[str, str], Vectors]
) -> pa.Table:
    """Return the rows of passages; those whose vectors are to come get one that is `known` by title and text."""
    rows = [
        {name: getattr(passage, name) for name in _OWN_COLUMNS}
        | {"document_id": key, "number": number, "words": words, "mathematics": terms}
        for key, entry in zip(ids, entries, strict=True)
        for number, (passage, words, terms) in enumerate(
            zip(entry.passages, entry.words, entry.mathematics or [""] * len(entry.passages), strict=True)
        )
    ]
    table = pa.Table.from_pylist(rows, schema=pa.schema(_PASSAGE_FIELDS))
    vectors: list[Vectors | None] = []
    for entry in entries:
        if len(entry.vectors):
            vectors += list(entry.vectors)
        else:
            vectors += [known.get((passage.title, passage.text)) for passage in entry.passages]
    return table.append_column("vector", _vector_column(vectors, dimension))


def _vector_column(vectors: Sequence[Vectors | None], dimension: int) -> pa.FixedSizeListArray:
    flat = np.zeros((len(vectors), dimension), np.float32)
    missing = np.ones(len(vectors), bool)
    for place, vector in enumerate(vectors):
        if vector is not None:
            flat[place], missing[place] = vector, False
    values = pa.array(flat.ravel(), pa.float32())
    return pa.FixedSizeListArray.from_arrays(values, dimension, mask=pa.array(missing))


def _matrix(column: pa.ChunkedArray) -> Vectors:
    """Return a column of vectors, none of them null, as an array."""
    whole = column.combine_chunks()
    return np.array(whole.flatten(), np.float32).reshape(len(whole), column.type.list_size)


def _signature_table(ids: Sequence[str], entries: Sequence[Entry]) -> pa.Table:
    rows = []
    for key, entry in zip(ids, entries, strict=True):
        starts = [section.start_index for section in entry.document.sections]
        for signature in entry.signatures:
            first = entry.document.sections[max(bisect_right(starts, signature.start_index) - 1, 0)]
            last = entry.document.sections[max(bisect_right(starts, signature.end_index - 1) - 1, 0)]
            place = {"page": first.page, "start_time": first.start_time, "end_time": last.end_time}
            # `asdict` copies every number of a digest: two seconds for a course.
            own = {name: getattr(signature, name) for name in _SIGNATURE_COLUMNS}
            rows.append(own | place | {"document_id": key})
    return pa.Table.from_pylist(rows, schema=_SIGNATURE_SCHEMA)


def _document_table(ids: Sequence[str], entries: Sequence[Entry]) -> pa.Table:
    rows = [
        {name: getattr(entry.document, name) for name in _COPIED}
        | {
            "id": key,
            "path": shown_path(entry.path.resolve()),
            "passages": len(entry.passages),
            "characters": len(entry.document.text),
            "sections": [
                {name: getattr(section, name) for name in _SECTION_COLUMNS} for section in entry.document.sections
            ],
            "warnings": list(entry.document.warnings),
            "aligned": "",
            "beside": 0,
        }
        for key, entry in zip(ids, entries, strict=True)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=_DOCUMENT_SCHEMA)


def _signature(row: dict[str, Any]) -> Signature:
    return Signature(**row | {"digest": tuple(row["digest"]), "bands": tuple(row["bands"])})


def _number(folder: str) -> int:
    """Return which of the folders for tables it is; the library's own is 0."""
    return int(folder.removeprefix(_GENERATION) or 0)


def shown_path(path: Path) -> str:
    """Return a path as text that can be stored and printed; bytes of a name that are no UTF-8 become escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def _hits(scores: Mapping[int, float], shown: Mapping[int, Hit]) -> list[Hit]:
    """Return hits by score; of passages that are shown at one place the best."""
    found: dict[tuple[str, int], Hit] = {}
    for number, score in scores.items():
        if hit := shown.get(number):
            found.setdefault((hit.passage.source, hit.passage.start_index), replace(hit, score=score))
    return list(found.values())


def _at_copy(passage: Passage, document: Document, copies: Sequence[Row]) -> Hit:
    """Return a passage as it stands in another document, whose copies of its paragraphs are given."""
    rows = sorted((row for row in copies if row["source"] == document.source), key=lambda row: int(row["start_index"]))
    run = rows[:1]
    for row in rows[1:]:
        if row["start_index"] - run[-1]["end_index"] <= _GAP:
            run.append(row)
    start, end = run[0]["start_index"], run[-1]["end_index"]
    starts = [section.start_index for section in document.sections]
    section = document.sections[max(bisect_right(starts, start) - 1, 0)]
    there = Passage(
        document.text[start:end], start, end, document.source, document.kind, document.course, document.lecture,
        section.title, run[0]["page"], run[0]["start_time"], run[-1]["end_time"], section.label, section.speaker,
    )  # fmt: skip
    first = Place(passage.source, passage.page, passage.start_time, passage.end_time)
    others = (Place(row["source"], row["page"], row["start_time"], row["end_time"]) for row in copies if row not in run)
    return Hit(there, 0.0, tuple(dict.fromkeys([first, *others])))


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
    return rows, Stored(
        _document(documents.to_table(filter=_in("id", [key])).to_pylist()[0]),
        tuple(_passage(row) for row in rows.drop_columns(["vector"]).to_pylist()),
        _matrix(rows["vector"]),
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


# --- searches ---------------------------------------------------------------------------------------------------------


def _by_words(
    pool: ThreadPoolExecutor, table: Any, question: str, also: str, k: int, where: str | None
) -> dict[int, float]:
    """Return row ids and scores of BM25, best first.

    In a large table the parts of a question are searched apart, for the index skips what cannot be among the best of
    one part but not of a sum: the sum of 30 words took 400 ms in a million passages, and each part 1 to 50 ms. The best
    of each part are then scored by all parts.
    """
    from lance.query import BooleanQuery, MatchQuery, Occur

    parts = [MatchQuery(question, "words")]
    if also:
        parts += [MatchQuery(also, "words", boost=_ALSO), MatchQuery(also, "mathematics", boost=_MATHEMATICS)]
    if len(parts) == 1 or table.count_rows() <= EXACT_BELOW:
        query: Any = BooleanQuery([(Occur.SHOULD, part) for part in parts]) if also else parts[0]
        return _scores(table, query, k, where)
    found = list(pool.map(lambda part: _scores(table, part, k, where), parts))
    sums: dict[int, float] = dict.fromkeys((number for scores in found for number in scores), 0.0)

    def completed(part: Any, scores: dict[int, float]) -> dict[int, float]:
        unknown = [number for number in sums if number not in scores]
        if len(scores) < k or not unknown:  # these are all that match it
            return scores
        return scores | _scores(table, part, len(unknown), _row_ids(unknown))

    for scores in pool.map(completed, parts, found):
        for number, score in scores.items():
            sums[number] += score
    return dict(sorted(sums.items(), key=lambda item: -item[1])[:k])


def _scores(table: Any, query: Any, k: int | None, where: str | None, *, prefilter: bool = True) -> dict[int, float]:
    given = {"columns": ["_rowid", "_score"], "full_text_query": query, "filter": where, "prefilter": prefilter}
    rows = table.to_table(**given, limit=k)
    return dict(zip(rows["_rowid"].to_pylist(), rows["_score"].to_pylist(), strict=True))


def _by_vector(table: Any, vector: Vectors, k: int, where: str | None) -> dict[int, float]:
    """Return row ids and cosines, best first."""
    nearest = {"column": "vector", "q": vector, "k": k, "metric": "cosine", "refine_factor": 1, "nprobes": _PROBES}
    rows = table.to_table(columns=["_rowid", "_distance"], nearest=nearest, filter=where, prefilter=True)
    cosines = (1 - distance for distance in rows["_distance"].to_pylist())
    return dict(zip(rows["_rowid"].to_pylist(), cosines, strict=True))


def _taken(table: Any, numbers: Sequence[int]) -> dict[int, Row]:
    """Return rows of passages by their ids."""
    if not numbers:
        return {}
    rows = table.to_table(columns=["_rowid", *_PASSAGE_COLUMNS], filter=_row_ids(numbers)).to_pylist()
    return {row["_rowid"]: row for row in rows}


def _holding(table: Any, phrases: Sequence[str], where: str | None) -> list[int]:
    """Return the ids of rows that hold phrases: the index finds those with the words of one, and all are looked at."""
    from lance.query import BooleanQuery, FullTextOperator, MatchQuery, Occur

    parts = [where] if where else []
    parts += [f"regexp_like(text, {_quoted(_phrase_pattern(phrase))})" for phrase in phrases]
    test, longest = " AND ".join(parts), max(phrases, key=len)
    words = re.findall(r"[^\W_]+", longest)
    if not any(
        _scores(table, MatchQuery(word, "words"), 1, None) for word in words
    ):  # the index has no "that" or "not"
        rows = table.to_table(columns=["_rowid"], filter=test, limit=_MOST_HOLDING)
        return list(rows["_rowid"].to_pylist())
    readings = [MatchQuery(reading, "words", operator=FullTextOperator.AND) for reading in _readings(words)]
    query = BooleanQuery([(Occur.SHOULD, reading) for reading in readings])
    return list(_scores(table, query, _MOST_HOLDING, test, prefilter=False))


def _readings(words: Sequence[str]) -> list[str]:
    """Return how the words of a phrase may stand in the index: as they are, two or all joined, one broken at a line."""
    readings = [" ".join(words), "".join(words)]
    for i, word in enumerate(words):
        readings.append(" ".join((*words[:i], "".join(words[i : i + 2]), *words[i + 2 :])))
        readings += [" ".join((*words[:i], word[:cut], word[cut:], *words[i + 1 :])) for cut in range(1, len(word))]
    return list(dict.fromkeys(readings))


def _where(filters: Filters) -> str | None:
    """Return filters in Lance's SQL, but for phrases, or None for none."""
    given = {name: getattr(filters, name) for name in _FILTERED}
    parts = [f"{name} = {_quoted(value)}" for name, value in given.items() if value is not None]
    if filters.lectures is not None:
        parts.append(f"lecture IN ({', '.join(map(str, filters.lectures)) or 'NULL'})")
    return " AND ".join(parts) or None


def _passes(record: DocumentRecord, filters: Filters) -> bool:
    """Tell whether a document's passages pass filters, but for phrases."""
    return all(getattr(filters, name) in (None, getattr(record, name)) for name in _FILTERED) and (
        filters.lectures is None or record.lecture in filters.lectures
    )


def _row_ids(numbers: Iterable[int]) -> str:
    return f"_rowid IN ({', '.join(map(str, numbers))})"


def _phrase_pattern(phrase: str) -> str:
    """Return a phrase as a regular expression of Rust's: any case, words joined or apart, hyphens where lines break."""
    words = re.findall(r"[^\W_]+", phrase)
    folded = (r"(?:[-‐‑]\s*)?".join(map(re.escape, word)) for word in words)
    return r"(?i)\b" + r"[\s\-‐‑–_*]*".join(folded) + r"\b"


def _texts(passages: Any) -> Iterator[str]:
    for batch in passages.to_batches(columns=["text"]):
        yield from batch.column("text").to_pylist()


def _in(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(_quoted(value) for value in values)})"


def _quoted(value: str | int) -> str:
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
