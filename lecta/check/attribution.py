"""Tie a sentence of an answer to the passage it rests on, whatever the model wrote.

A small model often forgets to cite. The passage is then found by likeness of meaning (cosine) and by how many of the
sentence's words, the rare ones above all, stand in it. A sentence like none of the passages gets no citation.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from lecta.protocols import Embedder

THRESHOLD = 0.42
"""Mean of cosine and word share from which a passage counts as the place; docs/answers.md says how it was chosen."""

_WORD = re.compile(r"[^\W_]+(?:'[a-z]+)?")
_STEM = 6  # letters compared, so that "derivatives" meets "derivative"


class Attributor:
    """Ties sentences to the passages of one answer."""

    def __init__(self, passages: Sequence[str], embedder: Embedder) -> None:
        """Take the texts of the passages, in the order of their numbers."""
        self._embedder = embedder
        self._vectors = embedder.embed_documents(passages)
        self._words = [set(_words(text)) for text in passages]
        present = Counter(word for words in self._words for word in words)
        self._rarity = {word: math.log((1 + len(passages)) / count) for word, count in present.items()}
        self._unseen = math.log(1 + len(passages))

    def cite(self, sentence: str) -> tuple[int, ...]:
        """Return the number (from 1) of the passage a sentence rests on, or nothing."""
        words = set(_words(sentence))
        if len(words) < 3 or not self._words:
            return ()
        cosines = self._vectors @ self._embedder.embed_queries([sentence])[0]
        weights = {word: self._rarity.get(word, self._unseen) for word in words}
        total = sum(weights.values())
        shares = [sum(weights[word] for word in words & present) / total for present in self._words]
        scores = (cosines + np.array(shares)) / 2
        best = int(scores.argmax())
        return (best + 1,) if scores[best] >= THRESHOLD else ()


def _words(text: str) -> list[str]:
    return [word[:_STEM] for word in _WORD.findall(text.lower()) if len(word) > 3 or not word.isascii()]
