"""What a slide and a voice have in common: words by their beginnings, numbers, and the names of Greek letters.

Words are cut to six letters, which in English and its relatives leaves about the stem, needs no list of endings, and
forgives the last letters of a term misheard.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from lecta.align.chain import Array

_WORD = re.compile(r"[^\W_]+")
_STEM = 6
_NUMBERS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12",
}  # fmt: skip


def terms(text: str) -> list[str]:
    """Return what a text is compared by: "Σ two eigenvalues" gives "sigma", "2", "eigenv". Single letters are dropped.

    One letter is a variable on a slide and "a" or "I" in speech.
    """
    text = unicodedata.normalize("NFKC", text)  # mathematical italics and ligatures become plain letters
    for letter in {letter for letter in text if "\u0370" <= letter <= "\u03ff"}:
        text = text.replace(letter, f" {unicodedata.name(letter, '').rpartition(' ')[2]} ")
    words = (_NUMBERS.get(word, word) for word in _WORD.findall(text.lower()))
    return [word[:_STEM] for word in words if len(word) > 1 or word.isdigit()]


def counts(texts: Sequence[Sequence[str]], vocabulary: dict[str, int]) -> Array:
    """Return how often each term stands in each text, (texts, terms). Terms outside the vocabulary are left out."""
    matrix = np.zeros((len(texts), len(vocabulary)))
    for row, text in enumerate(texts):
        for term in text:
            if term in vocabulary:
                matrix[row, vocabulary[term]] += 1
    return matrix
