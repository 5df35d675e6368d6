"""Does search find the lecture that treats an exam question?

Lectures are ranked by the best of their passages. hit@k is the share of questions whose lecture is among the first k
lectures; MRR@10 the mean of 1 / rank of the right one among ten, 0 if it is not there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lecta.errors import UsageError
from lecta.evaluate.rows import read_jsonl
from lecta.library import Library

_DEPTH = 10
_PASSAGES = 100
"""Searched for each question: enough that ten lectures are among them."""


def evaluate(
    library: Library,
    questions: Path,
    *,
    course: str | None = None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Search for every question and return {"measures", "queries", "seconds", "results"}.

    Raises `UsageError` when the file cannot be used or the library is empty.
    """
    rows = [row for row in read_jsonl(questions, ("id", "question", "lecture")) if row["lecture"] is not None]
    for row in rows:
        if not isinstance(row["question"], str) or not isinstance(row["lecture"], int):
            raise UsageError(f"{questions}: in row {row['id']!r} the question is no text or the lecture no number")
    if not rows:
        raise UsageError(f"{questions} has no row with a lecture")
    if not library.store.count():
        raise UsageError(f"library {library.path} is empty: add the course first")
    started = time.perf_counter()
    results = []
    for number, row in enumerate(rows, 1):
        found = library.search(row["question"], _PASSAGES, course=course)
        lectures = list(dict.fromkeys(hit.passage.lecture for hit in found.hits))[:_DEPTH]
        rank = lectures.index(row["lecture"]) + 1 if row["lecture"] in lectures else None
        results.append({"id": row["id"], "lecture": row["lecture"], "rank": rank, "lectures": lectures})
        on_step(number, len(rows))
    ranks = [result["rank"] for result in results]
    measures = {f"hit@{k}": _share(ranks, k) for k in (1, 3, 5, 10)}
    measures[f"MRR@{_DEPTH}"] = sum(1 / rank for rank in ranks if rank) / len(ranks)
    return {
        "measures": measures,
        "queries": len(rows),
        "seconds": round(time.perf_counter() - started, 3),
        "results": results,
    }


def _share(ranks: list[Any], k: int) -> float:
    return sum(1 for rank in ranks if rank and rank <= k) / len(ranks)
