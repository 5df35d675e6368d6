"""Queries of the table of passages: by words, by vector, by a phrase they hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lecta.protocols import Vectors
from lecta.store.layout import EXACT_BELOW, PASSAGE_COLUMNS, Row
from lecta.store.sql import phrase_pattern, quoted, row_ids

_PROBES = 64  # of the vector index's parts (8,192 vectors each) that are read; benchmarks/million has the recall
_MOST_HOLDING = 5_000  # passages with a quoted phrase among which is searched, those that say its words most
_ALSO, _MATHEMATICS = 0.5, 2.0  # weight in BM25 of other forms of a word, and of a formula as a whole; a word has 1


def by_words(
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
        return scores | _scores(table, part, len(unknown), row_ids(unknown))

    for scores in pool.map(completed, parts, found):
        for number, score in scores.items():
            sums[number] += score
    return dict(sorted(sums.items(), key=lambda item: -item[1])[:k])


def _scores(table: Any, query: Any, k: int | None, where: str | None, *, prefilter: bool = True) -> dict[int, float]:
    given = {"columns": ["_rowid", "_score"], "full_text_query": query, "filter": where, "prefilter": prefilter}
    rows = table.to_table(**given, limit=k)
    return dict(zip(rows["_rowid"].to_pylist(), rows["_score"].to_pylist(), strict=True))


def by_vector(table: Any, vector: Vectors, k: int, where: str | None) -> dict[int, float]:
    """Return row ids and cosines, best first."""
    nearest = {"column": "vector", "q": vector, "k": k, "metric": "cosine", "refine_factor": 1, "nprobes": _PROBES}
    rows = table.to_table(columns=["_rowid", "_distance"], nearest=nearest, filter=where, prefilter=True)
    cosines = (1 - distance for distance in rows["_distance"].to_pylist())
    return dict(zip(rows["_rowid"].to_pylist(), cosines, strict=True))


def taken(table: Any, numbers: Sequence[int]) -> dict[int, Row]:
    """Return rows of passages by their ids."""
    if not numbers:
        return {}
    rows = table.to_table(columns=["_rowid", *PASSAGE_COLUMNS], filter=row_ids(numbers)).to_pylist()
    return {row["_rowid"]: row for row in rows}


def ids_holding(table: Any, phrases: Sequence[str], where: str | None) -> list[int]:
    """Return the ids of rows that hold phrases: the index finds those with the words of one, and all are looked at."""
    from lance.query import BooleanQuery, FullTextOperator, MatchQuery, Occur

    parts = [where] if where else []
    parts += [f"regexp_like(text, {quoted(phrase_pattern(phrase))})" for phrase in phrases]
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
