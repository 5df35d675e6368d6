"""Search in a library of a million passages: time, recall of the approximate index, size and build time.

The passages are synthetic neighbours of real ones: whole copies of a course, each a course of its own, in which every
passage keeps a cosine of 0.7-0.95 with the real one and has some of its words exchanged with other passages. The
vectors' noise has the covariance of the real vectors, so that neighbours lie in the directions in which real passages
differ. Tables, indexes and searches are the store's own; the folder takes about 10 GB for a million.

usage: python -m benchmarks.million COURSE QUESTIONS.jsonl [--passages 1000000] [--folder DIR] [--keep] [--name million]
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lance
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks import machine
from lecta.adding import lexicon_of
from lecta.library import Library
from lecta.protocols import Vectors
from lecta.settings import load
from lecta.types import Filters

COSINES = (0.7, 0.95)
EXCHANGED = 0.3
"""Share of a passage's words that are taken from other passages of the course."""
K, CANDIDATES = 10, 100
FORMS: dict[str, Callable[[str], str]] = {
    "in_a_lecture": lambda question: f"{question.rstrip('?.')} in lecture 3?",
    "on_the_slides": lambda question: f"On the slides: {question}",
    "with_a_phrase": lambda question: f'{question} "gradient descent"',
    "first_place": lambda question: f"When is {question.rstrip('?.')} first introduced?",
}
"""Questions that ask for more than their words, made of the plain ones."""
COPIES_AT_A_TIME = 20

Measured = dict[str, float]


def main() -> None:
    """Make the library if the folder holds none, measure it, write benchmarks/results/NAME.json, remove it."""
    parser = argparse.ArgumentParser(description="search in a library of a million passages")
    parser.add_argument("course", type=Path, help="folder of a course, or a library made of one")
    parser.add_argument("questions", type=Path, help='rows {"question"}')
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the library is made [default: a temporary folder]")
    parser.add_argument("--keep", action="store_true", help="leave the library there")
    parser.add_argument("--name", default="million", help="of the result")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="lecta-million-"))
    try:
        made = _made(given.course, folder, given.passages)
        questions = [json.loads(line)["question"] for line in given.questions.read_text(encoding="utf-8").splitlines()]
        result = made | measure(folder / "library", questions)
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    machine.write(given.name, result)


# --- the library ------------------------------------------------------------------------------------------------------


def _made(course: Path, folder: Path, passages: int) -> dict[str, Any]:
    """Return how the library was made, and make it where that is not written down yet."""
    note = folder / "made.json"
    if not note.exists():
        folder.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(make(course, folder, passages)), encoding="utf-8")
    made: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
    return made


def make(course: Path, folder: Path, passages: int) -> dict[str, Any]:
    """Write copies of the course until there are so many passages, and index them as the store does."""
    real = Library(course if (course / "state.json").exists() else folder / "real", settings=load())
    if not real.documents():
        real.add([course])
    store = Library(folder / "library", settings=load()).store
    opened: dict[str, Any] = {name: real.store._table(name) for name in ("passages", "signatures", "documents")}
    tables = {name: table.to_table() for name, table in opened.items()}
    copies = -(-passages // tables["passages"].num_rows)
    neighbours = Neighbours(tables["passages"])
    started = time.perf_counter()
    with store._writing("add to") as state:
        for first in range(0, copies, COPIES_AT_A_TIME):
            numbers = range(first, min(first + COPIES_AT_A_TIME, copies))
            for name, table in tables.items():
                rows = pa.concat_tables(
                    [_renamed(neighbours.copy() if name == "passages" else table, i) for i in numbers]
                )
                lance.write_dataset(rows, str(store.folder / name), mode="append" if first else "create",
                                    enable_stable_row_ids=True)  # fmt: skip
        store._publish(type(state)(is_settled=False))
    written, began = time.perf_counter(), time.process_time()
    store.settle(lambda _: lexicon_of(iter(tables["passages"]["text"].to_pylist())))  # the copies' words are the same
    settled, ended = time.perf_counter(), time.process_time()
    return {
        "course": real.documents()[0].course,
        "real_passages": len(neighbours.texts),
        "passages": store.count(),
        "write_s": round(written - started),
        "build_indexes_s": round(settled - written),
        "build_cpu_s": round(ended - began),
        "build_peak_memory_mb": _peak_mb(),
    }


def _renamed(table: pa.Table, number: int) -> pa.Table:
    """Return rows of a table as those of another copy of the course."""
    for name in ("source", "course", "id", "document_id", "copy_of", "path"):
        if name in table.column_names:
            values = [value and f"{number:04}/{value}" for value in table[name].to_pylist()]
            table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    return table


class Neighbours:
    """Makes copies of a table of passages in which every row is near to, and none is the same as, the real one."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._random = np.random.default_rng(0)
        self.texts = [text.split() for text in table["text"].to_pylist()]
        self._titles = [title or "" for title in table["title"].to_pylist()]
        self._all_words = np.array([word for words in self.texts for word in words], dtype=object)
        vectors = table["vector"].combine_chunks().flatten().to_numpy().reshape(table.num_rows, -1)
        self._vectors: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        _, scale, self._axes = np.linalg.svd(self._vectors - self._vectors.mean(axis=0), full_matrices=False)
        self._scale = scale / np.sqrt(len(vectors))

    def copy(self) -> pa.Table:
        """Return another copy."""
        texts = [" ".join(self._exchanged(words)) for words in self.texts]
        matched = [f"{title}\n{text}" if title else text for title, text in zip(self._titles, texts, strict=True)]
        vectors = self.vectors()
        columns: dict[str, pa.Array] = {
            "text": pa.array(texts),
            "words": pa.array(matched),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1]),
        }
        table = self._table
        for name, column in columns.items():
            table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
        return table

    def vectors(self) -> Vectors:
        """Return for each passage a unit vector with a cosine of 0.7-0.95 to its own."""
        noise = (self._random.standard_normal(self._vectors.shape) * self._scale) @ self._axes
        noise -= (noise * self._vectors).sum(axis=1, keepdims=True) * self._vectors
        noise /= np.linalg.norm(noise, axis=1, keepdims=True)
        cosine = self._random.uniform(*COSINES, (len(noise), 1))
        near: Vectors = (cosine * self._vectors + np.sqrt(1 - cosine**2) * noise).astype(np.float32)
        return near

    def _exchanged(self, words: list[str]) -> list[str]:
        drawn = self._all_words[self._random.integers(0, len(self._all_words), len(words))]
        is_new = self._random.random(len(words)) < EXCHANGED
        return [new if is_so else old for new, old, is_so in zip(drawn, words, is_new, strict=True)]


# --- what is measured -------------------------------------------------------------------------------------------------


def measure(path: Path, questions: Sequence[str]) -> dict[str, Any]:
    """Return warm times of the whole search and of its parts, recall of the vector index, and sizes."""
    library = Library(path, settings=load())
    store, no_filters = library.store, Filters()
    vectors = library.embedder.embed_queries(questions)
    started = time.perf_counter()
    library.search(questions[0])
    first = time.perf_counter() - started
    for question in questions:
        library.search(question)
    whole = _times(library.search, questions)
    course = library.documents()[0].course
    passages = [[hit.passage for hit in library.search(question).hits] for question in questions]
    return {
        "questions": len(questions),
        "first_search_ms": round(1000 * first),
        "search": whole,
        "search_in_one_course": _times(lambda question: library.search(question, course=course), questions),
        "special": {
            form: _times(library.search, [make(question) for question in questions]) for form, make in FORMS.items()
        },
        "embed": _times(lambda question: library.embedder.embed_queries([question]), questions),
        "vectors": _times(lambda vector: store.search_vector(vector, CANDIDATES, no_filters), list(vectors)),
        "bm25": _times(lambda question: store.search_words(question, CANDIDATES, no_filters), questions),
        "also": _times(store.also, passages),
        "recall": recall(store, vectors),
        "folder_mb": {name: _megabytes(path / name) for name in ("passages", "signatures", "documents")}
        | {"passages_indexes": _megabytes(path / "passages" / "_indices")},
        "search_peak_memory_mb": _peak_mb(),
    }


def recall(store: Any, vectors: Vectors) -> Measured:
    """Return the share of the exact nearest that the store's search finds, of 10 and of 100."""
    exact = _exact(store, vectors)
    found = [[_key(hit.passage) for hit in store.search_vector(vector, CANDIDATES, Filters())] for vector in vectors]
    return {
        f"at_{k}": round(
            statistics.fmean(len(set(a[:k]) & set(b[:k])) / k for a, b in zip(exact, found, strict=True)), 4
        )
        for k in (K, CANDIDATES)
    }


def _exact(store: Any, vectors: Vectors) -> list[list[tuple[str, int]]]:
    """Return the nearest of each vector by NumPy, over the whole table batch by batch."""
    best: list[tuple[npt.NDArray[np.float32], list[tuple[str, int]]]] = [(np.empty(0, np.float32), []) for _ in vectors]
    for batch in store._table("passages").to_batches(columns=["source", "start_index", "vector"], batch_size=50_000):
        rows = batch["vector"].flatten().to_numpy().reshape(batch.num_rows, -1)
        cosines = vectors @ (rows / np.linalg.norm(rows, axis=1, keepdims=True)).T
        sources, starts = batch["source"], batch["start_index"]
        for i, cosine in enumerate(cosines):
            nearest = np.argsort(-cosine)[:CANDIDATES]
            keys = best[i][1] + [(sources[int(j)].as_py(), starts[int(j)].as_py()) for j in nearest]
            scores = np.concatenate([best[i][0], cosine[nearest]])
            order = np.argsort(-scores)[:CANDIDATES]
            best[i] = (scores[order], [keys[int(j)] for j in order])
    return [keys for _, keys in best]


def _key(passage: Any) -> tuple[str, int]:
    return passage.source, passage.start_index


def _times(call: Callable[[Any], object], given: Sequence[Any]) -> Measured:
    """Return milliseconds by the clock, and of the processor in all threads, which other processes do not lengthen."""
    times, worked = [], []
    for one in given:
        started, began = time.perf_counter(), time.process_time()
        call(one)
        times.append(1000 * (time.perf_counter() - started))
        worked.append(1000 * (time.process_time() - began))
    return {
        "p50_ms": _percentile(times, 50),
        "p95_ms": _percentile(times, 95),
        "max_ms": _percentile(times, 100),
        "cpu_p50_ms": _percentile(worked, 50),
        "cpu_p95_ms": _percentile(worked, 95),
    }


def _percentile(values: Sequence[float], percent: float) -> float:
    return round(float(np.percentile(values, percent, method="nearest")), 1)


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024  # kilobytes on Linux


def _megabytes(folder: Path) -> int:
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6)


if __name__ == "__main__":
    main()
