"""Passages by their words and by their vectors, where they pass filters."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from lecta.protocols import Vectors
from lecta.store.layout import COPY_COLUMNS, Row
from lecta.store.queries import by_vector, by_words, ids_holding, taken
from lecta.store.reading import Reader
from lecta.store.rows import passage_of
from lecta.store.sql import is_in, passes, row_ids, where_of
from lecta.types import Document, Filters, Hit, Passage, Place

_GAP = 3  # characters of space between paragraphs that follow each other


@dataclass(frozen=True, slots=True)
class _Scope:
    """Which passages pass some filters."""

    where: str | None
    """In Lance's SQL; None is all."""
    elsewhere: Mapping[int, Sequence[Row]]
    """Row ids of those that pass only where their words stand as well: the signatures of these copies."""


class Searcher(Reader):
    """Searches passages."""

    def holds(self, filters: Filters) -> bool:
        """Tell whether any passage passes the filters."""
        scope = self._scope(filters)
        return scope is not None and bool(self._rows("passages", columns=["number"], filter=scope.where, limit=1))

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
            nearest = None if vector is None else pool.submit(by_vector, table, vector, k, scope.where)
            words = by_words(pool, table, question, also, k, scope.where) if question.strip() else {}
            dense = nearest.result() if nearest else {}
            rows = taken(table, list({**words, **dense}))
        shown = self._shown(rows, scope)
        return _hits(words, shown), _hits(dense, shown)

    def _scope(self, filters: Filters) -> _Scope | None:
        """Return which passages pass the filters; None where a phrase stands nowhere."""
        if filters == Filters():
            return _Scope(None, {})
        return self.remembered(filters, lambda: self._read_scope(filters))

    def _read_scope(self, filters: Filters) -> _Scope | None:
        where = where_of(filters)
        elsewhere = self._elsewhere(filters) if where else {}
        if elsewhere:
            where = f"({where} OR {row_ids(elsewhere)})"
        if not filters.phrases:
            return _Scope(where, elsewhere)
        table = self._table("passages")
        with self._failing("read"):
            holding = [] if table is None else ids_holding(table, filters.phrases, where)
        return _Scope(row_ids(holding), elsewhere) if holding else None

    def _elsewhere(self, filters: Filters) -> dict[int, list[Row]]:
        """Return the rows of passages that do not pass the filters, but would where their words stand as well."""
        records = {record.source: record for record in self.documents()}
        inside = {source for source, record in records.items() if passes(record, filters)}
        copies = defaultdict(list)
        for row in self.remembered("copies", self._copies):
            if row["source"] in inside and row["copy_of"] not in inside and row["copy_of"] in records:
                copies[row["copy_of"], row["copy_exact"]].append(row)
        if not copies:
            return {}
        sources = sorted({source for source, _ in copies})
        columns = ["source", "start_index", "end_index", "exact"]
        paragraphs = defaultdict(list)
        for row in self._rows("signatures", columns=columns, filter=is_in("source", sources)):
            if (row["source"], row["exact"]) in copies:
                paragraphs[row["source"]].append(row)
        found: dict[int, list[Row]] = defaultdict(list)
        where, columns = is_in("document_id", [records[source].id for source in sources]), columns[:3]
        for passage in self._rows("passages", columns=columns, filter=where, with_row_id=True):
            for row in paragraphs[passage["source"]]:
                if row["start_index"] < passage["end_index"] and row["end_index"] > passage["start_index"]:
                    found[passage["_rowid"]] += copies[row["source"], row["exact"]]
        return found

    def _copies(self) -> list[Row]:
        """Return the signatures of paragraphs that are indexed where they stand first."""
        is_copy = "copy_of > ''"  # a range, which the index knows; with != a million took 0.5 s
        return self._rows("signatures", columns=COPY_COLUMNS, filter=is_copy, scan_in_order=True)

    def _shown(self, rows: Mapping[int, Row], scope: _Scope) -> dict[int, Hit]:
        """Return passages by their row ids, without a score, each where it passes the filters."""
        documents: dict[str, Document | None] = {}
        shown = {}
        for number, row in rows.items():
            hit = Hit(passage_of(row), 0.0)
            if copies := scope.elsewhere.get(number):
                source = copies[0]["source"]
                if source not in documents:
                    documents[source] = self.document(source)
                if document := documents[source]:
                    hit = _at_copy(hit.passage, document, copies)
            shown[number] = hit
        return shown


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
