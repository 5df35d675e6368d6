"""A text as support is judged by: its words with their places, and the sentences they stand in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lecta.protocols import Array, TokenEmbedder, Tokens

LONGEST = 400
"""Characters of a piece: speech without full stops is cut at spaces."""

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|[=<>≤≥≠≈∈∝∑∏∫∂∇+/^−→%€£]|\$(?=\d)")
_LAYOUT = re.compile(  # of LaTeX, and addresses: they say nothing
    r"https?://\S+|\\(?:[dt]?frac|left|right|[bB]igg?[lr]?|math[a-z]+|boldsymbol|bm|text[a-z]*|operatorname|begin\{\w+\}|end\{\w+\}"
    r"|displaystyle|quad|qquad|limits|hat|bar|tilde|vec)(?![a-zA-Z])"
)
_CITATION = re.compile(r"\s*\[\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\]")
_END = re.compile(
    r"(?<=[.!?…])[\"'”’»)\]]*\s+(?=[\"'“‘«(\[]*[^\Wa-z_]|[$\\])|(?<=[a-z0-9)][.!?])(?=[A-Z][a-z])|\n\s*(?:[-*•]\s+)?"
)
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|cf|vs|resp|etc|fig|eq|sec|dr|mr|mrs|ms|prof|no|st|inc|[A-Z])\.$", re.I)
_NUMBERS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "first": "1st", "second": "2nd",
    "third": "3rd", "half": "50%", "twice": "2", "double": "2", "triple": "3",
}  # fmt: skip
_ENDINGS = (
    "ational", "ation", "ating", "ated", "ator", "ively", "ive", "ment", "ness", "ing", "ied", "edly", "ed", "ly",
    "ity", "ion", "al", "er", "or", "e", "y",
)  # fmt: skip
_SYMBOL = re.compile(r"[^\w\s]$")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one text, n of them, and its pieces (sentences, list items, lines)."""

    text: str
    keys: tuple[str, ...]
    """What words are compared by: "Derivatives" and "derivative" give "derivat"."""
    spans: npt.NDArray[np.int64]
    """(n, 2) characters of `text`."""
    weights: Array
    """(n,) how much it matters that a word is borne: 0 for "the", 1 for a rare name."""
    vectors: Array
    """(n, dimension), unit length: the meaning in its context."""
    pieces: tuple[tuple[int, int], ...]
    """Characters of `text`, in order."""
    piece: npt.NDArray[np.int64]
    """(n,) the piece each word stands in."""


def read(texts: Sequence[str], embedder: TokenEmbedder) -> list[Words]:
    """Return the words of each text; all texts are embedded at once."""
    return [_words(text, tokens) for text, tokens in zip(texts, embedder.embed_tokens(texts), strict=True)]


def cut(text: str) -> list[tuple[int, int]]:
    """Return where the pieces of a text stand: sentences and lines, none longer than `LONGEST`.

    >>> cut("It rises. Then it falls.")
    [(0, 9), (10, 24)]
    """
    pieces: list[tuple[int, int]] = []
    start = 0
    for end in [*_END.finditer(text), None]:
        stop = len(text) if end is None else end.start()
        if end is not None and "\n" not in end.group() and _ABBREVIATION.search(text[max(0, stop - 8) : stop]):
            continue
        while stop - start > LONGEST:
            space = text.rfind(" ", start + LONGEST // 2, start + LONGEST)
            middle = space if space > 0 else start + LONGEST
            pieces.append((start, middle))
            start = middle
        if text[start:stop].strip():
            pieces.append((start, stop))
        start = stop if end is None else end.end()
    return [_stripped(text, start, stop) for start, stop in pieces if text[start:stop].strip()]


def without_citations(text: str) -> str:
    """Return a sentence without marks like [1]."""
    return _CITATION.sub("", text).strip()


def key(word: str) -> str:
    """Return what a word is compared by."""
    word = unicodedata.normalize("NFKC", word).lower().replace("’", "'")  # mathematical italics become plain letters
    if len(word) == 1 and "\u0370" <= word <= "\u03ff":
        return unicodedata.name(word, word).rpartition(" ")[2].lower()
    if word[:1].isdigit():
        return word.replace(",", "")
    word = _NUMBERS.get(word, word.removesuffix("'s").replace("'", ""))
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        word = word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4 and not (ending == "ly" and word[-3] == "p"):
            return word[: len(word) - len(ending)]
    return word


def _words(text: str, tokens: Tokens) -> Words:
    found = list(_WORD.finditer(_LAYOUT.sub(lambda match: " " * len(match.group()), text)))
    spans = np.array([match.span() for match in found], np.int64).reshape(-1, 2)
    pieces = cut(text)
    starts = np.array([start for start, _ in pieces], np.int64)
    piece = np.maximum(np.searchsorted(starts, spans[:, 0], "right") - 1, 0)
    vectors, weights = _pooled(spans, tokens)
    keys = tuple(key(match.group()) for match in found)
    symbols = np.array([bool(_SYMBOL.match(match.group())) for match in found], bool)
    digits = np.array([match.group()[0].isdigit() for match in found], bool)
    weights = np.where(symbols, np.minimum(weights, 0.3), np.where(digits, np.maximum(weights, 0.7), weights))
    return Words(text, keys, spans, weights, vectors, tuple(pieces), piece)


def _pooled(spans: npt.NDArray[np.int64], tokens: Tokens) -> tuple[Array, Array]:
    """Return for each word the mean of its tokens, at unit length, and the weight of its rarest."""
    first = np.searchsorted(tokens.spans[:, 1], spans[:, 0], "right")
    last = np.searchsorted(tokens.spans[:, 0], spans[:, 1], "left")
    sums = np.concatenate([np.zeros((1, tokens.vectors.shape[1])), np.cumsum(tokens.vectors, axis=0, dtype=float)])
    vectors = sums[last] - sums[np.minimum(first, last)]
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    rarity = [tokens.rarity[a:b].max(initial=0.0) + 0.1 * (b - a > 1) for a, b in zip(first, last, strict=True)]
    return vectors, np.minimum(np.array(rarity, float), 1.0)


def _stripped(text: str, start: int, stop: int) -> tuple[int, int]:
    part = text[start:stop]
    return start + len(part) - len(part.lstrip()), stop - (len(part) - len(part.rstrip()))
