"""Does a sentence have a formula that nothing bears? The words around it do not.

A model that copies a sentence may still change what its formula says, which costs hardly any support of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from lecta.check.formulas import Patience
from lecta.check.formulas.claims import Ask, Claims
from lecta.check.formulas.finding import Found, find
from lecta.check.formulas.lookup import Lectures, is_long
from lecta.check.formulas.process import MATHEMATICIAN


class Invented:
    """Finds formulas of an answer's sentences that neither the passages, nor the question, nor mathematics bear."""

    def __init__(
        self, passages: Sequence[str], lectures: Lectures, question: str = "", *, ask: Ask | None = None
    ) -> None:
        """Take the passages in the order of their numbers, and the same ready to be compared."""
        self._lectures, self._asked = lectures, Lectures([question])
        self._writes_out = [any(one.style == "latex" and is_long(one) for one in find(text)) for text in passages]
        self._patience = Patience(ask or MATHEMATICIAN.ask)

    def is_in(self, sentence: str, cited: Sequence[int]) -> bool:
        """Tell whether a sentence that cites these passages (from 1) has such a formula.

        Asked where all of them write formulas out: the text of a PDF has lost too much of its own. What mathematics
        has no time to decide is not held against a sentence.
        """
        if not all(self._writes_out[number - 1] for number in cited):
            return False
        found = find(sentence)
        strange = [
            n for n, one in enumerate(found) if one.style == "latex" and is_long(one) and not self._is_known(one)
        ]
        if not strange or all("=" not in found[n].text for n in strange):
            return bool(strange)
        verdicts = Claims(sentence, found, self._patience).decide()
        return not self._patience.is_over and any(verdicts[n].status != "checked" for n in strange)

    def _is_known(self, formula: Found) -> bool:
        return self._lectures.has(formula) or self._asked.has(formula)
