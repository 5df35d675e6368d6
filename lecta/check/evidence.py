"""What speaks for and against a sentence being borne by passages, as numbers a calibrator weighs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lecta.check.words import Words, key
from lecta.protocols import Array

Booleans = npt.NDArray[np.bool_]
WIDEST = 3
"""Pieces in a window."""

KINDS: dict[str, dict[str, int]] = {
    "words": {
        "words in sentence": 1, "words in window": 1, "words anywhere": 1, "words in passage": 1,
        "words best window": 1, "window focus": 0,
    },
    "meaning": {
        "meaning in sentence": 1, "meaning in window": 1, "meaning anywhere": 1, "alignment": 1,
        "alignment anywhere": 1, "cosine of sentence": 1, "cosine of window": 1, "cosine best": 1,
    },
    "windows": {
        "second window": 1, "two windows": 1, "second adds": 1, "top windows": 1, "weakest part": 1, "parts": 1,
    },
    "weakest words": {
        "weakest": 1, "weakest three": 1, "weakest anywhere": 1, "missing": -1, "missing anywhere": -1, "unlike": -1,
        "rarest missing": -1, "rarest missing anywhere": -1, "likeness 10": 1, "likeness 25": 1, "likeness 50": 1,
    },
    "numbers and names": {
        "numbers": 0, "numbers in window": 1, "numbers anywhere": 1, "numbers missing": -1, "names": 0,
        "names in window": 1, "names anywhere": 1, "names missing": -1,
    },
    "order": {"pairs": 1, "triples": 1, "run": 1, "run length": 1, "common": 1},
    "signs": {"negation differs": -1, "negated": 0, "opposites": -1, "points outside": 0, "linking": 0},
    "window to sentence": {
        "precision of window": 1, "precision of sentence": 1, "recall of sentence": 1, "agreement of sentence": 1,
    },
    "standing out": {
        "ahead of median": 0, "ahead in deviations": 0, "spread of scores": 0, "as good": 0, "pieces": 0, "place": 0,
        "mean score": 0, "good": 0,
    },
    "lengths": {
        "claim length": 0, "text length": 0, "window length": 0, "passages": 0, "rarity": 0, "lines": 0, "links": 0,
    },
}  # fmt: skip
"""Names of the evidence by kind, and whether more of it may only raise (1) or lower (-1) the support."""

_NEGATION = frozenset(map(key, (
    "not", "no", "never", "none", "neither", "nor", "without", "cannot", "can't", "don't", "doesn't", "didn't", "isn't",
    "aren't", "wasn't", "weren't", "won't", "nobody", "nothing", "hardly", "unlike", "fails", "lacks",
)))  # fmt: skip
_OPPOSITES = [(key(one), key(other)) for one, other in (
    ("increase", "decrease"), ("increase", "reduce"), ("more", "less"), ("more", "few"), ("high", "low"),
    ("great", "small"), ("large", "small"), ("rise", "fall"), ("before", "after"), ("first", "last"), ("begin", "end"),
    ("start", "end"), ("positive", "negative"), ("maximize", "minimize"), ("maximum", "minimum"), ("best", "worst"),
    ("most", "least"), ("always", "never"), ("win", "lose"), ("won", "lost"), ("above", "below"), ("import", "export"),
    ("male", "female"), ("man", "woman"), ("north", "south"), ("east", "west"), ("left", "right"), ("strong", "weak"),
    ("hot", "cold"), ("old", "young"), ("early", "late"), ("fast", "slow"), ("good", "bad"), ("true", "false"),
    ("same", "different"), ("with", "without"), ("accept", "reject"), ("allow", "forbid"), ("legal", "illegal"),
    ("possible", "impossible"), ("linear", "nonlinear"), ("convex", "concave"), ("supervised", "unsupervised"),
    ("overfitting", "underfitting"),
)]  # fmt: skip
_POINTING = frozenset(map(key, (
    "this", "these", "it", "they", "he", "she", "that", "those", "such", "its", "their", "his", "her",
)))  # fmt: skip
_LINKING = frozenset(map(key, (
    "therefore", "however", "also", "addition", "additionally", "furthermore", "moreover", "thus", "overall",
    "important", "note", "conclusion", "summary",
)))  # fmt: skip
_CAPITAL = re.compile(r"[^\W\d_]*[A-ZÀ-Þ]")
_LINK = re.compile(r"https?://|www\.")


class Passages:
    """The words of all passages in one row, their windows, and what is needed to compare claims with them."""

    def __init__(self, texts: Sequence[Words]) -> None:
        """Take the passages in the order of their numbers."""
        self.texts = texts
        self.keys = [word for text in texts for word in text.keys]
        self.vectors = np.concatenate([text.vectors for text in texts]) if texts else np.zeros((0, 1))
        self.weights = np.concatenate([text.weights for text in texts]) if texts else np.zeros(0)
        self.pieces = [(place, start, end) for place, text in enumerate(texts) for start, end in text.pieces]
        before = np.cumsum([0, *(len(text.pieces) for text in texts)])
        self.piece = np.array([b + p for b, text in zip(before, texts, strict=False) for p in text.piece], np.int64)
        self.numbers = {word: i for i, word in enumerate(dict.fromkeys(self.keys))}
        self.ids = np.array([self.numbers[word] for word in self.keys], np.int64)
        self.windows = [
            (first, first + size)
            for size in range(1, WIDEST + 1)
            for first in range(len(self.pieces) - size + 1)
            if self.pieces[first][0] == self.pieces[first + size - 1][0]
        ]
        self.sums = np.zeros((len(self.pieces), self.vectors.shape[1]))
        self.lengths = np.bincount(self.piece, minlength=len(self.pieces))
        np.add.at(self.sums, self.piece, self.vectors)


@dataclass(frozen=True, slots=True)
class Span:
    """The words of a passage that bear a sentence."""

    passage: int
    """1-based."""
    start: int
    """First character, counted in the passage."""
    end: int
    """One past the last."""


@dataclass(frozen=True, slots=True)
class Match:
    """How a claim's n words stand to each of m windows."""

    claim: Words
    weights: Array
    """(n,) sums to 1."""
    exact: Booleans
    """(n, m) whether the word itself stands in the window."""
    likeness: Array
    """(n, m) cosine of the likest word in the window, 1 for the word itself."""
    words: Array
    """(n, words of all passages) cosines."""
    cosines: Array
    """(m,) of the window's and the claim's mean."""
    scores: Array
    """(m,) by which the best window is chosen."""


def match(claim: Words, passages: Passages) -> Match:
    """Compare a claim with every window of the passages."""
    n, pieces = len(claim.keys), len(passages.pieces)
    weights = claim.weights + 0.02
    weights = weights / weights.sum()
    cosine = claim.vectors @ passages.vectors.T
    ids = np.array([passages.numbers.get(word, -1) for word in claim.keys])
    same = ids[:, None] == passages.ids[None, :]
    exact1, like1 = np.zeros((n, pieces), bool), np.zeros((n, pieces))
    order = passages.piece  # words stand in the order of their pieces
    filled = np.flatnonzero(passages.lengths)
    starts = np.searchsorted(order, filled)
    if len(filled):
        exact1[:, filled] = np.logical_or.reduceat(same, starts, axis=1)
        like1[:, filled] = np.maximum.reduceat(np.where(same, 1.0, cosine), starts, axis=1)
    exact = np.stack([exact1[:, a:b].any(axis=1) for a, b in passages.windows], axis=1)
    like = np.stack([like1[:, a:b].max(axis=1) for a, b in passages.windows], axis=1)
    sums = np.stack([passages.sums[a:b].sum(axis=0) for a, b in passages.windows])
    mean = claim.vectors.sum(axis=0)
    cosines = sums @ mean / np.maximum(np.linalg.norm(sums, axis=1) * np.linalg.norm(mean), 1e-9)
    sizes = np.array([b - a for a, b in passages.windows])
    scores = weights @ _soft(exact, like) + 0.5 * cosines - 0.03 * (sizes - 1)
    return Match(claim, weights, exact, like, cosine, cosines, scores)


def _soft(exact: Booleans, like: Array) -> Array:
    """Return how far each word is borne, 0..1: wholly by itself, in part by its like."""
    result: Array = np.where(exact, 1.0, np.clip((like - 0.3) / 0.6, 0.0, 0.9))
    return result


def features(found: Match, passages: Passages) -> dict[str, float]:
    """Return the evidence by name."""
    claim, weights = found.claim, found.weights
    sizes = np.array([b - a for a, b in passages.windows])
    soft = _soft(found.exact, found.likeness)
    single, best = _best(found.scores, sizes == 1), int(found.scores.argmax())
    first, last = passages.windows[best]
    content = claim.weights >= 0.3
    everywhere: Booleans = np.any(found.exact[:, sizes == 1], axis=1)
    like_all = np.where(everywhere, 1.0, found.likeness[:, sizes == 1].max(axis=1))
    of_passage = _by_passage(found, passages, sizes == 1)
    result = {
        "words in sentence": float(weights @ found.exact[:, single]),
        "words in window": float(weights @ found.exact[:, best]),
        "words anywhere": float(weights @ everywhere),
        "words in passage": of_passage,
        "words best window": float((weights @ found.exact).max()),
        "meaning in sentence": float(weights @ soft[:, single]),
        "meaning in window": float(weights @ soft[:, best]),
        "meaning anywhere": float(weights @ _soft(everywhere, like_all)),
        "alignment": float(weights @ found.likeness[:, best]),
        "alignment anywhere": float(weights @ like_all),
        "cosine of sentence": float(found.cosines[sizes == 1].max()),
        "cosine of window": float(found.cosines[best]),
        "cosine best": float(found.cosines.max()),
    }
    result |= _weakest(claim, content, found.likeness[:, best], found.exact[:, best], like_all, everywhere)
    result |= _special(claim, found.exact[:, best], everywhere)
    result |= _clauses(claim, weights, soft) | _spread(claim, content, found, soft, best)
    inside = (passages.piece >= first) & (passages.piece < last)
    window = [word for word, within in zip(passages.keys, inside, strict=True) if within]
    result |= _order(claim, window)
    result |= _signs(claim, window)
    result |= _backwards(found, passages, best, single) | _standing_out(found.scores[sizes == 1], first)
    result |= {
        "second window": float(np.sort(found.scores)[-min(2, len(found.scores))]),
        "claim length": float(np.log(len(claim.keys) + 1)),
        "text length": float(np.log(len(passages.keys) + 1)),
        "window length": float(np.log(inside.sum() + 1)),
        "passages": float(min(len(passages.texts), 4)),
        "rarity": float(claim.weights.mean()),
        "window focus": _focus(claim, passages, inside),
        "lines": float(np.log1p(sum(text.text.count("\n") + 1 for text in passages.texts) - 1)),
        "links": float(any(_LINK.search(text.text) for text in passages.texts)),
    }
    return result


def _best(scores: Array, allowed: Booleans) -> int:
    return int(np.where(allowed, scores, -np.inf).argmax())


def _by_passage(found: Match, passages: Passages, single: Booleans) -> float:
    place = np.array([passages.pieces[a][0] for a, _ in passages.windows])
    return max(
        float(found.weights @ found.exact[:, single & (place == number)].any(axis=1)) for number in set(place.tolist())
    )


def _weakest(
    claim: Words, content: Booleans, like: Array, exact: Booleans, like_all: Array, everywhere: Booleans
) -> dict[str, float]:
    """How badly the worst borne words are borne."""
    if not content.any():
        return dict.fromkeys(KINDS["weakest words"], 0.0)
    w = claim.weights[content]
    low = np.sort(np.where(exact, 1.0, like)[content])
    low_all = np.sort(like_all[content])
    gone, gone_all = ~exact[content], ~everywhere[content]
    return {
        "weakest": float(low[0]),
        "weakest three": float(low[:3].mean()),
        "weakest anywhere": float(low_all[:3].mean()),
        "missing": float(np.log1p(gone.sum())),
        "missing anywhere": float(np.log1p(gone_all.sum())),
        "unlike": float(np.log1p((like[content] < 0.5).sum())),
        "rarest missing": float((w * gone * (1 - like[content])).max()),
        "rarest missing anywhere": float((w * gone_all * (1 - like_all[content])).max()),
    }


def _clauses(claim: Words, weights: Array, soft: Array) -> dict[str, float]:
    """A claim of several parts is borne when each part is, be it by different windows."""
    parts = np.array_split(np.arange(len(weights)), max(1, round(len(weights) / 7)))
    borne = [float((weights[part] @ soft[part]).max() / max(weights[part].sum(), 1e-9)) for part in parts]
    return {"weakest part": min(borne), "parts": float(np.mean(borne))}


def _spread(claim: Words, content: Booleans, found: Match, soft: Array, best: int) -> dict[str, float]:
    """What a second window adds to the best, and how the words of content are spread between borne and not."""
    together = np.maximum(soft, soft[:, [best]])
    two = float((found.weights @ together).max())
    like = np.where(found.exact[:, best], 1.0, found.likeness[:, best])
    quartiles = np.quantile(like[content], [0.1, 0.25, 0.5]) if content.any() else np.zeros(3)
    top = np.sort(found.scores)[::-1][:5]
    return {
        "two windows": two,
        "second adds": two - float(found.weights @ soft[:, best]),
        "likeness 10": float(quartiles[0]),
        "likeness 25": float(quartiles[1]),
        "likeness 50": float(quartiles[2]),
        "top windows": float(top.mean()),
    }


def _special(claim: Words, exact: Booleans, everywhere: Booleans) -> dict[str, float]:
    """Numbers and names, which have no synonyms."""
    shown = [claim.text[a:b] for a, b in claim.spans]
    numbers = np.array([word[0].isdigit() for word in shown], bool)
    starts = {a for a, _ in claim.pieces}
    names = np.array(
        [
            bool(_CAPITAL.match(word)) and start not in starts and len(word) > 1
            for word, (start, _) in zip(shown, claim.spans.tolist(), strict=True)
        ],
        bool,
    )

    def share(of: Booleans, inside: Booleans) -> float:
        return float(inside[of].mean()) if of.any() else 1.0

    return {
        "numbers": float(min(numbers.sum(), 4)),
        "numbers in window": share(numbers, exact),
        "numbers anywhere": share(numbers, everywhere),
        "numbers missing": float(min((numbers & ~everywhere).sum(), 3)),
        "names": float(np.log1p(names.sum())),
        "names in window": share(names, exact),
        "names anywhere": share(names, everywhere),
        "names missing": float(np.log1p((names & ~everywhere).sum())),
    }


def _backwards(found: Match, passages: Passages, window: int, sentence: int) -> dict[str, float]:
    """How much of the passage's words the claim speaks of: what strays from it bears it less (Zhang et al. 2020)."""

    def within(number: int) -> Booleans:
        first, last = passages.windows[number]
        inside: Booleans = (passages.piece >= first) & (passages.piece < last)
        return inside

    def mean(values: Array, inside: Booleans) -> float:
        weights = passages.weights[inside] + 0.02
        return float(weights @ values / max(weights.sum(), 1e-9))

    wide, narrow = within(window), within(sentence)
    mine = set(found.claim.keys)
    same = np.array([word in mine for word, here in zip(passages.keys, wide, strict=True) if here], bool)
    precision = mean(found.words[:, narrow].max(axis=0), narrow)
    recall = float(found.weights @ found.words[:, narrow].max(axis=1)) if narrow.any() else 0.0
    return {
        "precision of window": mean(np.where(same, 1.0, found.words[:, wide].max(axis=0)), wide),
        "precision of sentence": precision,
        "recall of sentence": recall,
        "agreement of sentence": 2 * precision * recall / (precision + recall + 1e-9),
    }


def _standing_out(scores: Array, first: int) -> dict[str, float]:
    """How far the best sentence stands out among all: on a page on the claim's subject every one scores well."""
    top, mean, spread = float(scores.max()), float(scores.mean()), float(scores.std())
    median = float(np.median(scores))
    return {
        "ahead of median": top - median,
        "ahead in deviations": (top - mean) / (spread + 0.05),
        "spread of scores": spread,
        "as good": float(np.log1p((scores > top - 0.1).sum())),
        "pieces": float(np.log(len(scores))),
        "place": first / len(scores),
        "mean score": mean,
        "good": float((scores > 0.7).sum()),
    }


def _order(claim: Words, window: Sequence[str]) -> dict[str, float]:
    """Words in a row, and in the same order."""
    keys = list(claim.keys)
    pairs = set(pairwise(window))
    triples = set(zip(window, window[1:], window[2:], strict=False))
    n = max(len(keys), 1)
    run, longest, common = _runs(keys, window)
    two = sum(pair in pairs for pair in pairwise(keys))
    three = sum(triple in triples for triple in zip(keys, keys[1:], keys[2:], strict=False))
    return {
        "pairs": two / n,
        "triples": three / n,
        "run": run / n,
        "run length": float(np.log1p(longest)),
        "common": common / n,
    }


def _runs(keys: Sequence[str], window: Sequence[str]) -> tuple[int, int, int]:
    """Return the words in common runs of three or more, the longest run, and the longest common subsequence."""
    if not keys or not window:
        return 0, 0, 0
    same = np.array([[a == b for b in window] for a in keys], bool)
    row = np.zeros(len(window) + 1, int)
    runs = np.zeros(len(window) + 1, int)
    covered, longest = 0, 0
    for i in range(len(keys)):
        runs = np.concatenate([[0], np.where(same[i], runs[:-1] + 1, 0)])
        top = int(runs.max())
        longest = max(longest, top)
        covered += top >= 3
        grown = np.maximum(np.concatenate([[0], np.where(same[i], row[:-1] + 1, 0)]), row)
        row = np.maximum.accumulate(grown)
    return covered, longest, int(row[-1])


def _signs(claim: Words, window: Sequence[str]) -> dict[str, float]:
    """Negations, opposites, and words that point outside the claim."""
    mine, theirs = set(claim.keys), set(window)
    negated, denied = bool(mine & _NEGATION), bool(theirs & _NEGATION)
    opposed = sum(
        (a in mine and b in theirs and a not in theirs) or (b in mine and a in theirs and b not in theirs)
        for a, b in _OPPOSITES
    )
    return {
        "negation differs": float(negated != denied),
        "negated": float(negated),
        "opposites": float(min(opposed, 2)),
        "points outside": float(bool(claim.keys) and any(word in _POINTING for word in claim.keys[:3])),
        "linking": float(bool(mine & _LINKING)),
    }


def _focus(claim: Words, passages: Passages, inside: Booleans) -> float:
    """Return the share of the window's weight that the claim speaks of."""
    mine = set(claim.keys)
    w = passages.weights[inside]
    hits = np.array([word in mine for word, within in zip(passages.keys, inside, strict=True) if within], float)
    return float(w @ hits / max(w.sum(), 1e-9))
