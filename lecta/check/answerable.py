"""Do the passages found answer a question? Decided before anything is written, from the words and the meaning of both.

Two calibrators share the features. The *topic* one tells a question on what the lectures treat from one on another
subject; the *near miss* one tells, where the paragraph is on the topic, whether it says what is asked or names another
person, number or relation. docs/answers.md has what each was trained on and what it is worth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, log
from pathlib import Path

import numpy as np

from lecta.protocols import Embedder

FILE = Path(__file__).with_name("answerable.json")
FEATURES = (
    "passage cosine",
    "mean cosine",
    "sentence cosine",
    "words in sentence",
    "words in passage",
    "words in all",
    "names missing",
    "names apart",
    "numbers missing",
    "kind of answer",
    "kind beside",
    "rarest missing",
    "opposite",
    "phrase",
    "words asked",
    "words in library",
)
"""What a question and its passages are judged by; `features` says what each is."""

_TOKEN = re.compile(r"[^\W_]+(?:['’][a-z]+)?")
_NUMBER = re.compile(r"\d")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+(?=[^a-z])|\n+")
_STEM = 5  # letters compared, so that "derivatives" meets "derive" and "founded" "founder"
_WIDEST = 12  # sentences embedded for one question: those with the most of its words
_LONGEST = 400  # characters of one


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NEGATIONS = _set("not no never none cannot without nor n't except unlike")
_MONTHS = _set("january february march april may june july august september october november december century decade")
_COUNTS = _set(
    "one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred thousand million "
    "billion half third quarter dozen several many few percent"
)
_KINDS = (
    (re.compile(r"\b(?:who|whom|whose)\b|\bwhat (?:person|king|author|scientist)", re.IGNORECASE), "name"),
    (re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade|time)\b", re.IGNORECASE), "date"),
    (re.compile(r"\bhow (?:many|much|long|old|far|large|big|often|tall|high)\b|\bwhat (?:percent|number|amount|share)",
                re.IGNORECASE), "number"),
    (re.compile(r"\bwhere\b|\b(?:what|which) (?:country|city|place|state|region|continent|town)", re.IGNORECASE),
     "name"),
)  # fmt: skip


Held = Callable[[str], int]
"""How often a word (lower case) stands in the whole library."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, read for what a passage must hold to answer it."""

    question: str
    words: tuple[str, ...]
    """Its content words, lower case."""
    forms: Mapping[str, tuple[str, ...]]
    """Word -> other forms that serve as well, several words each: "sgd" -> ("stochastic gradient descent",)."""

    @property
    def names(self) -> list[str]:
        """Proper names and abbreviations, lower case: capitals that do not begin the question."""
        tokens = _TOKEN.findall(self.question)
        capital = [t.lower() for place, t in enumerate(tokens) if t[0].isupper() and (place or t[1:] != t[1:].lower())]
        return [word for word in dict.fromkeys(capital) if word in self.words]

    @property
    def numbers(self) -> list[str]:
        """Its numbers, as they are written."""
        return list(dict.fromkeys(t for t in _TOKEN.findall(self.question) if t.isdigit() and len(t) > 1))


def features(asked: Asked, passages: Sequence[str], embedder: Embedder, held: Held | None = None) -> dict[str, float]:
    """Return `FEATURES` of a question and the passages found for it, best first; `held` where there is a library."""
    weights = {word: _weight(word, asked, held) for word in asked.words}
    sentences = _windows(passages)
    sentences = sorted(sentences, key=lambda text: -_share(asked, weights, _stems(text)))[:_WIDEST]
    question = embedder.embed_queries([asked.question])[0]
    by_passage = np.sort(embedder.embed_documents(passages) @ question)[::-1]
    by_sentence = embedder.embed_documents(sentences) @ question
    stems = [_stems(text) for text in sentences]
    whole = [_stems(text) for text in passages]
    shares = np.array([_share(asked, weights, held_here) for held_here in stems])
    best = int((by_sentence + shares).argmax())
    everywhere = frozenset[str]().union(*whole)
    near = sentences[best]
    missing = [word for word in asked.words if not _has(asked, word, everywhere)]
    names, numbers = asked.names, asked.numbers
    beside = _kind_beside(asked, near)
    return {
        "passage cosine": float(by_passage[0]),
        "mean cosine": float(by_passage[:5].mean()),
        "sentence cosine": float(by_sentence.max()),
        "words in sentence": float(shares[best]),
        "words in passage": max(_share(asked, weights, one) for one in whole),
        "words in all": _share(asked, weights, everywhere),
        "names missing": float(sum(not _has(asked, word, everywhere) for word in names)),
        "names apart": float(sum(not _has(asked, word, stems[best]) for word in names)),
        "numbers missing": float(sum(number not in " ".join(passages) for number in numbers)),
        "kind of answer": float(beside >= 0),
        "kind beside": float(beside > 0) if beside >= 0 else 0.5,
        "rarest missing": max((weights[word] for word in missing), default=0.0),
        "opposite": float(_negations(asked.question) != _negations(near)),
        "phrase": _longest_run(asked, passages),
        "words asked": log(1 + len(asked.words)),
        "words in library": _known(asked, weights, held),
    }


def _windows(passages: Sequence[str]) -> list[str]:
    """Return the sentences of passages, short ones with what follows them; at least one."""
    found: list[str] = []
    for passage in passages:
        waiting = ""
        for piece in _SENTENCE.split(passage):
            waiting = f"{waiting} {piece.strip()}".strip()
            if len(waiting) > 40:
                found.append(waiting[:_LONGEST])
                waiting = ""
        if waiting:
            found.append(waiting[:_LONGEST])
    return found or [""]


def _stem(word: str) -> str:
    return word.split("'", maxsplit=1)[0].split("’", maxsplit=1)[0][:_STEM]


def _stems(text: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in _TOKEN.findall(text.lower()))


def _has(asked: Asked, word: str, stems: frozenset[str]) -> bool:
    """Tell whether a word or one of its other forms is among the stems of a text."""
    if _stem(word) in stems:
        return True
    return any(all(_stem(part) in stems for part in form.split()) for form in asked.forms.get(word, ()))


def _weight(word: str, asked: Asked, held: Held | None) -> float:
    """Return how much of a question hangs on a word: by its rarity in the library, else by what it looks like."""
    if held is not None:
        return 1 / (1 + log(1 + held(word)))
    return 1 + 0.5 * (word in asked.names or bool(_NUMBER.search(word))) + 0.5 * (len(word) > 7)


def _share(asked: Asked, weights: Mapping[str, float], stems: frozenset[str]) -> float:
    total = sum(weights.values())
    return sum(weight for word, weight in weights.items() if _has(asked, word, stems)) / total if total else 0.0


def _known(asked: Asked, weights: Mapping[str, float], held: Held | None) -> float:
    if held is None or not asked.words:
        return 1.0
    return sum(bool(held(word) or asked.forms.get(word)) for word in asked.words) / len(asked.words)


def _negations(text: str) -> bool:
    return bool(_NEGATIONS & set(text.lower().replace("n't", " n't").split()))


def _kind_beside(asked: Asked, near: str) -> int:
    """Return whether what is asked for, a name, date or number, stands in a sentence (1, else 0); -1: nothing such."""
    kind = next((kind for pattern, kind in _KINDS if pattern.search(asked.question)), "")
    if not kind:
        return -1
    own = _stems(asked.question)
    tokens = [token for token in _TOKEN.findall(near) if _stem(token.lower()) not in own]
    if kind == "name":
        return int(any(token[0].isupper() and token.lower() not in _COUNTS for token in tokens[1:]))
    if kind == "date":
        return int(any(_NUMBER.search(token) or token.lower() in _MONTHS for token in tokens))
    return int(any(_NUMBER.search(token) or token.lower() in _COUNTS for token in tokens))


def _longest_run(asked: Asked, passages: Sequence[str]) -> float:
    """Return the share of the question's words that stand in one passage in the same order without a gap."""
    tokens = [_stem(word) for word in _TOKEN.findall(asked.question.lower())]
    best = 0
    for passage in passages:
        text = " " + " ".join(_stem(word) for word in _TOKEN.findall(passage.lower())) + " "
        for start in range(len(tokens)):
            while start + best < len(tokens) and f" {' '.join(tokens[start : start + best + 1])} " in text:
                best += 1
    return best / max(len(tokens), 1)


# --- the verdict ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A logistic regression on `FEATURES`."""

    weights: Mapping[str, float]
    offset: float

    def probability(self, found: Mapping[str, float]) -> float:
        """Return the probability that passages with these features answer the question, 0..1."""
        odds = self.offset + sum(weight * found[name] for name, weight in self.weights.items())
        return 1 / (1 + exp(-max(-50.0, min(50.0, odds))))


@cache
def shipped() -> Mapping[str, Calibrator]:
    """Return the calibrators that come with lecta; `benchmarks.answerable` makes the file.

    They are "topic", "near miss", and "near miss, asked" (see `second_look`).
    """
    given = json.loads(FILE.read_text(encoding="utf-8"))
    return {name: Calibrator(one["weights"], one["offset"]) for name, one in given.items()}


def parts(question: str) -> list[str]:
    """Return what a question asks one after another, or of which things.

    >>> parts("What is dropout, and how is a souffle baked?")
    ['What is dropout', 'how is a souffle baked?']
    """
    return [part.strip() for part in _PART.split(question) if part.strip()]


_PART = re.compile(r"(?<=[.?!])\s+|;\s+|,?\s+(?:and|or|versus|vs\.?|with|than)\s+(?:also\s+|then\s+)?", re.IGNORECASE)
