"""Does search find the lecture that treats an exam question?

Measures are at the level of lectures: hit@k is the share of questions for which one of the first k passages is of the
right lecture; MRR@10 the mean of 1 / rank of the first such passage among ten, 0 if there is none.
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
    if not library.store.count():
        raise UsageError(f"library {library.path} is empty: add the course first")
    started = time.perf_counter()
    results = []
    for number, row in enumerate(rows, 1):
        found = library.search(row["question"], _DEPTH, course=course)
        lectures = [hit.passage.lecture for hit in found.hits]
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
