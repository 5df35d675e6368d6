"""Measures of a ranking, by trec_eval's own code (through ir_measures).

nDCG@k: gain (the grade) of what was found among the first k, discounted by log2(rank + 1), over that of the best
order. MAP@k: mean over the relevant of the precision at their ranks, 0 for those below k. MRR@k: 1 / rank of the first
relevant. recall@k: share of the relevant among the first k. hit@k: is a relevant one among the first k?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_NAMES = {"nDCG": "nDCG", "MAP": "AP", "MRR": "RR", "recall": "R", "hit": "Success"}
"""Our names and those of ir_measures."""


def at(cutoff: int | None, names: Sequence[str]) -> list[str]:
    """Return `names`, and each of their kinds at one more cutoff."""
    kinds = dict.fromkeys(name.partition("@")[0] for name in names)
    more = [f"{kind}@{cutoff}" for kind in kinds] if cutoff else []
    return list(dict.fromkeys([*names, *more]))


def measure(
    names: Sequence[str], judgements: Mapping[str, Mapping[str, int]], rankings: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Return the measures ("nDCG@10") of each question, in the order of `names`.

    `judgements` are question -> item -> grade, `rankings` question -> items, best first. A question for which nothing
    was found measures 0.
    """
    import ir_measures

    wanted = {ir_measures.parse_measure(_theirs(name)): name for name in names}
    run = {
        query: {item: float(len(items) - place) for place, item in enumerate(items)}
        for query, items in rankings.items()
    }
    values: dict[str, dict[str, float]] = {query: dict.fromkeys(names, 0.0) for query in rankings}
    for value in ir_measures.iter_calc(list(wanted), {query: dict(judgements[query]) for query in rankings}, run):
        values[value.query_id][wanted[value.measure]] = float(value.value)
    return values


def means(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each measure over the questions."""
    return {name: sum(row[name] for row in values) / len(values) for name in values[0]}


def _theirs(name: str) -> str:
    kind, _, cutoff = name.partition("@")
    return f"{_NAMES[kind]}@{cutoff}"
