"""Ranking on a collection in BEIR's format (Thakur et al. 2021, arXiv 2104.08663), measured by trec_eval's measures.

Each document of the corpus is one passage, as in BEIR. The library made of a corpus is kept in the cache folder by
the corpus' content, so a second run only searches.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from lecta.errors import UsageError
from lecta.evaluate import measures, runs
from lecta.evaluate.rows import read_jsonl, read_qrels
from lecta.library import Library
from lecta.protocols import Embedder
from lecta.settings import Settings
from lecta.store import Entry
from lecta.types import Document, Hit, Passage, Section

MEASURES = ("nDCG@10", "MAP@100", "MRR@10", "recall@10", "recall@100", "hit@1", "hit@5", "hit@10")
DEPTH = 100
SHOWN = 10
_BATCH = 256

OnStep = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Collection:
    """A corpus and one split of its judged queries."""

    name: str
    corpus: Path
    documents: Mapping[str, Mapping[str, Any]]
    """Rows of the corpus by their id."""
    queries: Mapping[str, str]
    """Text of each judged query."""
    qrels: Mapping[str, Mapping[str, int]]
    """Grade by query and document."""


def read(folder: Path, split: str) -> Collection:
    """Read corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv. Raises `UsageError` when one is missing or malformed."""
    qrels = read_qrels(folder / "qrels" / f"{split}.tsv")
    queries = {str(row["_id"]): str(row["text"]) for row in read_jsonl(folder / "queries.jsonl", ("_id", "text"))}
    if unknown := qrels.keys() - queries.keys():
        raise UsageError(f"qrels/{split}.tsv judges query {min(unknown)!r}, which {folder}/queries.jsonl does not have")
    corpus = folder / "corpus.jsonl"
    documents = {str(row["_id"]): row for row in read_jsonl(corpus, ("_id", "text"))}
    judged = {query: queries[query] for query in qrels}
    return Collection(f"{folder.resolve().name}/{split}", corpus, documents, judged, qrels)


def evaluate(
    library: Library,
    collection: Collection,
    *,
    k: int | None = None,
    on_step: OnStep = lambda done, total: None,
) -> runs.Run:
    """Search the library that `indexed` made of this collection for every query; measure at rank `k` as well."""
    started = time.perf_counter()
    hits: dict[str, list[Hit]] = {}
    for number, (query, text) in enumerate(collection.queries.items(), 1):
        hits[query] = _search(library, query, text)
        on_step(number, len(collection.queries))
    names = measures.at(k, MEASURES)
    rankings = {query: [_item(hit) for hit in found] for query, found in hits.items()}
    values = measures.measure(names, collection.qrels, rankings)
    return runs.Run(
        collection.name,
        measures.means(list(values.values())),
        len(hits),
        round(time.perf_counter() - started, 3),
        tuple(_judged(collection, query, values[query], hits[query]) for query in hits),
        runs.described(library.settings, library.embedder.name),
    )


def _search(library: Library, query: str, text: str) -> list[Hit]:
    """Return what is found. A query that is a document of the corpus itself, as in ArguAna, does not find itself."""
    hits = library.search(text, DEPTH + 1).hits if text.strip() else ()
    return [hit for hit in hits if not (_item(hit) == query and text in hit.passage.text)][:DEPTH]


def _item(hit: Hit) -> str:
    return hit.passage.source


def _judged(collection: Collection, query: str, values: Mapping[str, float], hits: Sequence[Hit]) -> runs.Judged:
    grades = collection.qrels[query]
    found = [runs.found(_item(hit), grades.get(_item(hit), 0), rank, hit) for rank, hit in enumerate(hits, 1)]
    relevant = [one for one in found if one.grade > 0]
    seen = {one.item for one in relevant}
    return runs.Judged(
        query,
        collection.queries[query],
        relevant[0].rank if relevant else None,
        values,
        (*found[:SHOWN], *(one for one in relevant if one.rank and one.rank > SHOWN)),
        tuple(_missed(collection, item, grade) for item, grade in grades.items() if grade > 0 and item not in seen),
    )


def _missed(collection: Collection, item: str, grade: int) -> runs.Found:
    row = collection.documents.get(item, {"text": "(not in the corpus)"})
    title, text = str(row.get("title", "")), runs.excerpt(str(row["text"]))
    return runs.Found(item, grade, source=item, kind="notes", title=title, text=text)


def indexed(
    collection: Collection,
    settings: Settings,
    *,
    embedder: Embedder | None = None,
    on_step: OnStep = lambda done, total: None,
) -> Library:
    """Return a library of a collection's corpus, made now if it is not in the cache."""
    folder = platformdirs.user_cache_path("lecta", appauthor=False) / "eval"
    made_by = Library(folder, settings=settings, embedder=embedder)  # no library is there: what the settings say
    key = hashlib.sha256(collection.corpus.read_bytes() + repr(made_by.recipe).encode()).hexdigest()[:16]
    library = Library(folder / key, settings=settings, embedder=embedder)
    present = {record.source for record in library.documents()}
    missing = [row for item, row in collection.documents.items() if item not in present]
    for start in range(0, len(missing), _BATCH):
        batch = missing[start : start + _BATCH]
        words = [f"{row.get('title', '')}\n{row['text']}".strip() or "-" for row in batch]
        vectors = library.embedder.embed_documents(words)
        library.store.put(
            [_entry(row, text, vectors[i : i + 1]) for i, (row, text) in enumerate(zip(batch, words, strict=True))]
        )
        on_step(start + len(batch), len(missing))
    if missing:
        library.store.settle()
    return library


def _entry(row: Mapping[str, Any], words: str, vectors: Any) -> Entry:
    source, text, title = str(row["_id"]), str(row["text"]), str(row.get("title", ""))
    document = Document(text, (Section(0, len(text)),), kind="notes", reader="beir/1", title=title, source=source)
    passage = Passage(text, 0, len(text), source, "notes", title=title)
    return Entry(Path("/beir") / source, document, [passage], [words], vectors)
