"""Whether a library answers a question: the check fed from a search, and part by part where only some is treated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lecta.check import answerable
from lecta.check.answerable import Asked
from lecta.protocols import Embedder
from lecta.question.words import topic
from lecta.types import Coverage, Hit, SearchResult, Understanding

AMONG = 5
"""Best passages that are looked at: what the calibrators were trained on."""

_FEW = 2
"""Content words that a part must have to be asked for on its own: "and in which year" is none."""


class Covering:
    """Judges questions against one library."""

    def __init__(self, embedder: Embedder, counts: Mapping[str, int], search: Callable[[str], Sequence[Hit]]) -> None:
        """`counts` tells how often a word stands in the library; `search` finds passages for a part of a question."""
        self._embedder = embedder
        self._counts = counts
        self._search = search

    def judge(self, understood: Understanding, hits: Sequence[Hit], threshold: float) -> Coverage:
        """Tell whether the passages found answer a question, at the probability from which it counts as treated."""
        question = understood.standalone
        forms = _forms(understood)
        whole = self._probability(question, hits, forms)
        treated, missing = [], []
        pieces = answerable.parts(question)
        for piece in pieces if len(pieces) > 1 else []:
            strange = self._strange(piece, forms)
            if strange and self._probability(piece, self._search(piece), forms) < threshold:
                missing.append(piece.rstrip("?.!, "))
            elif len(topic(piece)) - len(strange) >= _FEW:
                treated.append(piece)
        if whole < threshold:
            is_partly = missing and any(
                self._probability(piece, self._search(piece), forms) >= threshold for piece in treated
            )
            return Coverage("partly", whole, tuple(missing)) if is_partly else Coverage("not covered", whole)
        return Coverage("partly", whole, tuple(missing)) if missing and treated else Coverage("covered", whole)

    def features(self, found: SearchResult) -> dict[str, float]:
        """Return what the calibrator judges a question by."""
        understood = found.understood or Understanding(found.question, found.question, standalone=found.question)
        return self._features(understood.standalone, found.hits, _forms(understood))

    def _features(self, question: str, hits: Sequence[Hit], forms: Mapping[str, tuple[str, ...]]) -> dict[str, float]:
        asked = Asked(question, tuple(topic(question)), forms)
        texts = [hit.passage.text for hit in hits[:AMONG]]
        return answerable.features(asked, texts, self._embedder, self._held)

    def _probability(self, question: str, hits: Sequence[Hit], forms: Mapping[str, tuple[str, ...]]) -> float:
        return answerable.shipped()["topic"].probability(self._features(question, hits, forms)) if hits else 0.0

    def _held(self, word: str) -> int:
        return self._counts.get(word, 0)

    def _strange(self, piece: str, forms: Mapping[str, tuple[str, ...]]) -> list[str]:
        """Return the content words of a part that stand nowhere in the library, under no form."""
        words = [word for word in topic(piece) if len(word) > 2 and not word.isdigit() and word not in forms]
        return [word for word in words if not self._held(word) and not self._held(word.rstrip("s"))]


def _forms(understood: Understanding) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for word, form in (*understood.expansions, *understood.corrections):
        found.setdefault(word.lower(), []).append(form.lower())
    return {word: tuple(forms) for word, forms in found.items()}
