"""Ranking on a collection in BEIR's format (Thakur et al. 2021, arXiv 2104.08663), measured by trec_eval's measures.

Each document of the corpus is one passage, as in BEIR. The library made of a corpus is kept in the cache folder by
the corpus' content, so a second run only searches.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs

from lecta.evaluate.rows import read_jsonl, read_qrels
from lecta.library import Library
from lecta.settings import Settings
from lecta.store import Entry
from lecta.types import Document, Passage, Section

_DEPTH = 100
_BATCH = 256


def evaluate(
    folder: Path,
    split: str,
    settings: Settings,
    *,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Index a corpus, search for every judged query and return {"measures", "queries", "seconds", "run"}.

    Raises `UsageError` when a file is missing or malformed.
    """
    import ir_measures
    from ir_measures import AP, RR, R, nDCG

    started = time.perf_counter()
    qrels = read_qrels(folder / "qrels" / f"{split}.tsv")
    queries = {str(row["_id"]): str(row["text"]) for row in read_jsonl(folder / "queries.jsonl", ("_id", "text"))}
    library = _indexed(folder / "corpus.jsonl", settings, on_step)
    run: dict[str, dict[str, float]] = {}
    judged = [query for query in qrels if query in queries]
    for number, query in enumerate(judged, 1):
        hits = library.search(queries[query], _DEPTH).hits
        run[query] = {hit.passage.source: float(_DEPTH - rank) for rank, hit in enumerate(hits)}
        on_step(number, len(judged))
    measures = ir_measures.calc_aggregate([nDCG @ 10, AP @ 100, RR @ 10, R @ 10, R @ 100], qrels, run)
    return {
        "measures": {_name(str(measure)): value for measure, value in sorted(measures.items(), key=str)},
        "queries": len(judged),
        "seconds": round(time.perf_counter() - started, 3),
        "run": run,
    }


def _name(measure: str) -> str:
    """Return a measure's common name: ir_measures says AP, RR and R."""
    short, _, k = measure.partition("@")
    return {"AP": "MAP", "RR": "MRR", "R": "recall"}.get(short, short) + f"@{k}"


def _indexed(corpus: Path, settings: Settings, on_step: Callable[[int, int], None]) -> Library:
    rows = read_jsonl(corpus, ("_id", "text"))
    folder = platformdirs.user_cache_path("lecta", appauthor=False) / "eval"
    recipe = repr(Library(folder, settings=settings).recipe).encode()  # no library is there: what the settings say
    key = hashlib.sha256(corpus.read_bytes() + recipe).hexdigest()[:16]
    library = Library(folder / key, settings=settings)
    present = {record.source for record in library.documents()}
    missing = [row for row in rows if str(row["_id"]) not in present]
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


def _entry(row: dict[str, Any], words: str, vectors: Any) -> Entry:
    source, text, title = str(row["_id"]), str(row["text"]), str(row.get("title", ""))
    document = Document(text, (Section(0, len(text)),), kind="notes", reader="beir/1", title=title, source=source)
    passage = Passage(text, 0, len(text), source, "notes", title=title)
    return Entry(Path("/beir") / source, document, [passage], [words], vectors)
