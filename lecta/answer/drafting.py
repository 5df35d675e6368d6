"""What a model will probably write next: what followed the last place where it read or wrote the same words.

Prompt-lookup decoding (A. Saxena 2023; speculative decoding, arXiv 2211.17192). The model verifies a draft in one call,
so a wrong draft costs time and never a word.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from statistics import median

MOST = 2
"""Tokens in a draft. llama.cpp multiplies up to three rows (the last token and two drafted) one by one, bit for bit as
it does a single one; from four rows on it uses other kernels, whose rounding can change a greedy choice."""

_LENGTHS = (4, 3, 2, 1)  # tokens that must agree, the longest tried first
_PRIOR = (0.7, 0.6, 0.5, 0.4)  # of drafts accepted, on exam answers, by length
_WEIGHT = 8.0  # drafts that the prior counts for
_RECENT = 0.98  # weight of a draft's outcome at the next one
_COSTS = (1.0, 1.2, 1.6)  # of a call with no, one and two drafted tokens, until they are measured
_MEASURED = 15  # calls of each kind, the last ones


class Costs:
    """What calls with drafted tokens cost on this machine, in plain calls: the median of the last ones."""

    def __init__(self) -> None:
        """Begin with a guess that weighs as much as three calls."""
        self._plain: deque[float] = deque(maxlen=_MEASURED)
        self._ratios = [deque([cost] * 3, maxlen=_MEASURED) for cost in _COSTS]

    def note(self, drafted: int, seconds: float) -> None:
        """Take in how long a call took."""
        if not drafted:
            self._plain.append(seconds)
        elif self._plain:
            self._ratios[drafted].append(seconds / median(self._plain))

    def of(self, drafted: int) -> float:
        """Return the cost of a call with so many drafted tokens; 1 for none."""
        return median(self._ratios[drafted])


class Drafter:
    """The tokens read and written so far and what followed them; and whether drafting pays.

    Calls are timed, as what a longer one costs depends on the machine: a token is drafted only where the calls so far
    say that it saves time.

    >>> drafter = Drafter([1, 2, 3, 4, 5, 1, 2, 3])
    >>> drafter.draft()
    [4]
    """

    def __init__(self, tokens: Iterable[int], costs: Costs | None = None) -> None:
        """Read a prompt. `costs` outlive an answer: they are the machine's."""
        self.costs = costs or Costs()
        self._tokens: list[int] = []
        self._ends: dict[tuple[int, ...], int] = {}
        self._accepted = {n: _WEIGHT * share for n, share in zip(_LENGTHS, _PRIOR, strict=True)}
        self._tried = dict.fromkeys(_LENGTHS, _WEIGHT)
        self._used = 0
        self.extend(tokens)

    def extend(self, tokens: Iterable[int]) -> None:
        """Take in what was read or written."""
        for token in tokens:
            for length in _LENGTHS:
                if len(self._tokens) >= length:
                    self._ends[tuple(self._tokens[-length:])] = len(self._tokens)
            self._tokens.append(token)

    def draft(self) -> list[int]:
        """Return up to `MOST` tokens that may come next; none where that would probably not pay."""
        found = ((n, self._ends.get(tuple(self._tokens[-n:]))) for n in _LENGTHS)
        self._used, at = next(((n, at) for n, at in found if at is not None), (0, None))
        if at is None:
            return []
        share = self._accepted[self._used] / self._tried[self._used]
        written = [1.0]  # tokens that a call with so many drafted ones is expected to give
        for size in range(1, MOST + 1):
            written.append(written[-1] + share**size)
        best = max(range(MOST + 1), key=lambda size: written[size] / self.costs.of(size))
        return self._tokens[at : at + best]

    def verified(self, drafted: int, accepted: int) -> None:
        """Remember how many tokens of the last draft the model would have written itself."""
        if not drafted:
            return
        for outcome in [1.0] * accepted + [0.0] * (accepted < drafted):
            self._accepted[self._used] = _RECENT * self._accepted[self._used] + outcome
            self._tried[self._used] = _RECENT * self._tried[self._used] + 1
