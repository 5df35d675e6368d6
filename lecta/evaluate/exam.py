"""Does search find the lecture that treats an exam question?

Lectures are ranked by the best of their passages. hit@k is the share of questions whose lecture is among the first k
lectures; MRR@10 the mean of 1 / rank of the right one among ten, 0 if it is not there; nDCG@10 likewise with
1 / log2(rank + 1).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lecta.errors import UsageError
from lecta.evaluate import measures, runs
from lecta.evaluate.rows import read_jsonl
from lecta.library import Library
from lecta.types import Hit, Kind

MEASURES = ("hit@1", "hit@3", "hit@5", "hit@10", "MRR@10", "nDCG@10")
SHOWN = 10
_PASSAGES = 100
"""Searched for each question: enough that ten lectures are among them."""


def evaluate(
    library: Library,
    questions: Path,
    *,
    course: str | None = None,
    kind: Kind | None = None,
    k: int | None = None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> runs.Run:
    """Search for every question, in one course or kind of material if given; measure at `k` lectures as well.

    Raises `UsageError` when the file cannot be used or the library is empty.
    """
    rows = _questions(questions)
    if not library.store.count():
        raise UsageError(f"library {library.path} is empty: add the course first")
    started = time.perf_counter()
    ranked: dict[str, dict[str, Hit]] = {}
    for number, row in enumerate(rows, 1):
        hits = library.search(row["question"], _PASSAGES, course=course, kind=kind).hits
        ranked[row["id"]] = _lectures(hits)
        on_step(number, len(rows))
    filters = {name: value for name, value in (("course", course), ("kind", kind)) if value is not None}
    if not any(ranked.values()):
        asked = " and ".join(f"{name} {value!r}" for name, value in filters.items())
        raise UsageError(f"library {library.path} holds nothing of {asked}: `lecta list` shows what there is")
    rankings = {query: list(lectures) for query, lectures in ranked.items()}
    judgements = {row["id"]: {str(row["lecture"]): 1} for row in rows}
    values = measures.measure(measures.at(k, MEASURES), judgements, rankings)
    best = _Best(library, course, kind)
    return runs.Run(
        questions.stem + (f", {kind} alone" if kind else ""),
        measures.means(list(values.values())),
        len(rows),
        round(time.perf_counter() - started, 3),
        tuple(_judged(row, values[row["id"]], ranked[row["id"]], best, max(SHOWN, k or 0)) for row in rows),
        runs.described(library.settings, library.embedder.name) | filters,
    )


def _questions(path: Path) -> list[dict[str, Any]]:
    """Return the rows that have a lecture, their ids as text."""
    rows = [row for row in read_jsonl(path, ("id", "question", "lecture")) if row["lecture"] is not None]
    seen: set[str] = set()
    for row in rows:
        if not isinstance(row["question"], str) or not isinstance(row["lecture"], int):
            raise UsageError(f"{path}: in row {row['id']!r} the question is no text or the lecture no number")
        if not row["question"].strip():
            raise UsageError(f"{path}: in row {row['id']!r} the question is empty")
        row["id"] = str(row["id"])
        if row["id"] in seen:
            raise UsageError(f"{path} has two rows with the id {row['id']!r}: give each its own")
        seen.add(row["id"])
    if not rows:
        raise UsageError(f"{path} has no row with a lecture")
    return rows


def _lectures(hits: Sequence[Hit]) -> dict[str, Hit]:
    """Return lectures in the order of their best passage, with that passage; what is of no lecture counts as one."""
    best: dict[str, Hit] = {}
    for hit in hits:
        lecture = hit.passage.lecture
        best.setdefault("none" if lecture is None else str(lecture), hit)
    return best


class _Best:
    """Finds the passage that comes nearest in one lecture."""

    def __init__(self, library: Library, course: str | None, kind: Kind | None) -> None:
        self._library, self._course, self._kind = library, course, kind

    def passage(self, question: str, lecture: int) -> runs.Found:
        """Return it, or a note that the lecture has none."""
        hits = self._library.search(question, 1, course=self._course, lecture=lecture, kind=self._kind).hits
        if not hits:
            what = f"{self._kind} of lecture" if self._kind else "lecture"
            return runs.Found(str(lecture), 1, lecture=lecture, text=f"(the library holds no {what} {lecture})")
        return replace(runs.found(str(lecture), 1, 0, hits[0]), rank=None, score=None)


def _judged(
    row: Mapping[str, Any], values: Mapping[str, float], lectures: Mapping[str, Hit], best: _Best, shown: int
) -> runs.Judged:
    right = str(row["lecture"])
    found = [runs.found(item, int(item == right), rank, hit) for rank, (item, hit) in enumerate(lectures.items(), 1)]
    rank = next((one.rank for one in found if one.grade), None)
    return runs.Judged(
        row["id"],
        row["question"],
        rank,
        values,
        (*found[:shown], *(one for one in found[shown:] if one.grade)),
        () if rank else (best.passage(row["question"], row["lecture"]),),
    )
