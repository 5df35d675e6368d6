"""What a library's own words are: how often each stands in it, what its abbreviations mean, what it writes apart.

Abbreviations are found where the lectures define them, by the algorithm of Schwartz and Hearst 2003, "A simple
algorithm for identifying abbreviation definitions in biomedical text" (Pacific Symposium on Biocomputing 8:451-462):
"stochastic gradient descent (SGD)", "SGD (stochastic gradient descent)"; and, where each letter begins a word, in
"GAN: generative adversarial network", "SGD, stochastic gradient descent," and "backpropagation through time, or BPTT".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import pairwise
from typing import Any

from lecta.question.words import STOP

_TOKEN = re.compile(r"[^\W\d_]+")
_EMPHASIS = re.compile(r"\*+|(?<!\w)_+|_+(?!\w)")  # "**s**tochastic **g**radient **d**escent (SGD)"
_INSIDE = re.compile(r"\(([^()]{2,80})\)")
_SHORT = r"[A-Z][A-Za-z]*[A-Z][A-Za-z]*s?"
_SEPARATED = re.compile(
    rf"(?<![\w-])({_SHORT})\s*(?:[:,=–—]|\s-\s|\bstands\s+for\b|\bmeans\b)\s*([^\W\d_][^,.;:()\n]+)"
)
_LISTED = re.compile(rf"^\W*({_SHORT})\s*(?:[:=–—\t]|\s-\s)\s*([^\W\d_][^,.;:()\n]+)$", re.MULTILINE)
_OR = re.compile(rf"(?<=\w),?\s(?:or|called|abbreviated|abbreviated\sas)\s({_SHORT})(?![\w-])")
_HYPHENED = re.compile(r"(?<![\w-])([^\W\d_]{3,})[-‐‑]([^\W\d_]{3,})(?![\w-])")
_CLAUSE = re.compile(r"[.,;:!?()]\s|\n\s*\n")
_BEFORE = 200  # characters before a bracket in which its long form is looked for
_MOST = 200_000  # words kept; a rarer one is looked for in the index
_OFTEN = 0.1  # of a word's count, from which its being written apart is no slip
_LEAST = 3  # letters of a part of a compound: "in to" is no "into"


@dataclass(frozen=True)
class Lexicon:
    """The words of one library."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """How often each word stands in it, lower case."""
    abbreviations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Short form as it is written -> long forms in lower case, the most frequent first."""
    compounds: Mapping[str, str] = field(default_factory=dict)
    """What it writes in one word as well as in two or with a hyphen: "backpropagation" -> "back propagation"."""
    short_forms: Mapping[str, str] = field(default_factory=dict)
    """Abbreviations that in small letters are no other word: "sgd" -> "SGD", but not "map"."""

    @cached_property
    def by_length(self) -> dict[int, list[str]]:
        """The words by their number of letters; shorter ones than four are as near to many others."""
        found: dict[int, list[str]] = {}
        for word in {**self.counts, **self.compounds}:
            if len(word) > 3:
                found.setdefault(len(word), []).append(word)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the lexicon as JSON can hold it."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Lexicon:
        """Return the lexicon that `to_json` wrote, or an empty one for {}."""
        longs = {short: tuple(longs) for short, longs in data.get("abbreviations", {}).items()}
        return cls(**{**data, "abbreviations": longs})


def mine(texts: Iterable[str]) -> Lexicon:
    """Return the lexicon of passages' texts, which are read once."""
    counts: Counter[str] = Counter()
    small: Counter[str] = Counter()
    apart: Counter[tuple[str, str]] = Counter()
    hyphened: set[tuple[str, str]] = set()
    found: dict[str, Counter[str]] = {}
    for text in texts:
        raw = _TOKEN.findall(text)
        words = [word.lower() for word in raw]
        counts.update(words)
        small.update(word for word in raw if word.islower())
        apart.update((a, b) for a, b in pairwise(words) if len(a) >= _LEAST and len(b) >= _LEAST)
        hyphened.update(_HYPHENED.findall(text.lower()))
        for short, long in definitions(text):
            found.setdefault(short, Counter())[long] += 1
    return Lexicon(
        dict(counts.most_common(_MOST)),
        {short: tuple(long for long, _ in longs.most_common(3)) for short, longs in found.items()},
        _compounds(counts, apart, hyphened),
        {short.lower(): short for short in found if 2 * small[short.lower()] <= counts[short.lower()]},
    )


def _compounds(counts: Counter[str], apart: Counter[tuple[str, str]], hyphened: set[tuple[str, str]]) -> dict[str, str]:
    """Return joined words and how they are written apart, where both are usual or a hyphen says it is one word."""
    return {
        a + b: f"{a} {b}"
        for (a, b), times in apart.items()
        if ((a, b) in hyphened or a + b in counts) and times >= _OFTEN * counts[a + b] and not {a, b} & STOP
    }


def definitions(text: str) -> Iterator[tuple[str, str]]:
    """Yield (short form, long form in lower case) for each abbreviation that a text defines.

    >>> list(definitions("We use stochastic gradient descent (SGD)."))
    [('SGD', 'stochastic gradient descent')]
    """
    text = _EMPHASIS.sub("", text)
    for match in _INSIDE.finditer(text):
        yield from _in_parentheses(_clause(text, match.start()), match[1].strip())
    for match in _LISTED.finditer(text):
        short, long = _singular(match[1]), match[2].strip()
        if len(long.split()) <= len(short) + 2 and _are_in_order(short, long):
            yield short, _plain(long)
    for match in _SEPARATED.finditer(text):
        yield from _spelt(match[1], match[2].split(), from_start=True)
    for match in _OR.finditer(text):
        yield from _spelt(match[1], _clause(text, match.start()).split(), from_start=False)


def _clause(text: str, end: int) -> str:
    """Return what stands before a place, from the last punctuation on."""
    return _CLAUSE.split(text[max(end - _BEFORE, 0) : end])[-1]


def _in_parentheses(before: str, inside: str) -> Iterator[tuple[str, str]]:
    inside = re.split(r"[,;]", inside)[0].strip()
    if _is_short(inside):
        short = _singular(inside)
        words = before.split()[-min(len(short) + 5, 2 * len(short)) :]
        long = _best_long(short, " ".join(words))
        if long:
            yield short, _plain(long)
    elif len(inside.split()) >= 2 and (words := before.split()) and _is_short(words[-1]):
        short = _singular(words[-1])
        if len(inside.split()) <= min(len(short) + 5, 2 * len(short)) and (long := _best_long(short, inside)):
            yield short, _plain(long)


def _is_short(text: str) -> bool:
    """Tell whether a text can be an abbreviation: 2 to 10 characters, one word, two capitals ("SGD", "VAE", "RoI")."""
    return 2 <= len(text) <= 10 and bool(re.fullmatch(r"[A-Za-z][\w-]*", text)) and sum(map(str.isupper, text)) >= 2


def _singular(short: str) -> str:
    return short[:-1] if short.endswith("s") and short[:-1].isupper() else short


def _best_long(short: str, long: str) -> str:
    """Return the shortest end of `long` that holds the letters of `short` in order, the first at the start of a word.

    Schwartz and Hearst's `findBestLongForm`, matched from the right.
    """
    at = len(long) - 1
    for index in range(len(short) - 1, -1, -1):
        letter = short[index].lower()
        if not letter.isalnum():
            continue
        while at >= 0 and (long[at].lower() != letter or (index == 0 and at > 0 and long[at - 1].isalnum())):
            at -= 1
        if at < 0:
            return ""
        at -= 1
    start = max(long.rfind(" ", 0, at + 1), long.rfind("-", 0, at + 1)) + 1
    best = long[start:].strip()
    is_itself = short.lower() in _TOKEN.findall(best.lower())
    return "" if is_itself or len(best) <= len(short) or len(best.split()) > len(short) + 2 else best


def _spelt(short: str, words: list[str], *, from_start: bool) -> Iterator[tuple[str, str]]:
    """Yield a definition without parentheses, where every letter begins a word; small words may stand between."""
    short = _singular(short)
    span = len(short) + 2
    runs = (
        [words[:n] for n in range(2, span + 1)] if from_start else [words[-n:] for n in range(2, span + 1)]
    )  # fmt: skip
    for run in runs:
        parts = [part for word in run for part in re.split(r"-", word) if part]
        initials = "".join(part[0].lower() for part in parts if part.lower() not in STOP)
        every = "".join(part[0].lower() for part in parts)
        if short.lower() in (initials, every) and run[0].lower() not in STOP and run[-1].lower() not in STOP:
            yield short, _plain(" ".join(run))
            return


def _are_in_order(short: str, long: str) -> bool:
    """Tell whether a line that is only "XOR: exclusive or" is a definition: its letters stand in order in the words."""
    letters = iter(long.lower())
    return all(letter in letters for letter in short.lower()) and short.lower() not in long.lower().split()


def _plain(long: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", long.lower()))
