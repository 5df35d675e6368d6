"""What a model will probably write next: what followed the last place where it read or wrote the same words.

Prompt-lookup decoding (A. Saxena 2023; speculative decoding, arXiv 2211.17192). The guesses are decoded in one
call with the token before them, so a wrong one costs a little time and never a word.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from statistics import median

_LENGTHS = (8, 4, 3, 2, 1)  # tokens that must agree, the longest tried first
_PRIOR = (0.9, 0.8, 0.7, 0.6, 0.4)  # of guesses that were right, on exam answers, by length
_WEIGHT = 8.0  # guesses that the prior counts for
_RECENT = 0.98  # weight of a guess's outcome at the next one
_COSTS = (1.0, 1.33, 1.46, 1.7, 1.95)  # of a call with one to five guesses, until they are measured
_MEASURED = 15  # calls of each kind, the last ones
_AFRESH = 50  # calls after which each kind gets its first cost once more: what looked dear must be tried again


class Costs:
    """What calls with guesses cost on this machine, in calls with one: the median of the last ones."""

    def __init__(self) -> None:
        """Begin with a measured machine's costs, which weigh as much as three calls."""
        self._calls = 0
        self._one: deque[float] = deque(maxlen=_MEASURED)
        self._ratios = [deque([cost] * 3, maxlen=_MEASURED) for cost in _COSTS]

    def note(self, guesses: int, seconds: float) -> None:
        """Take in how long a call took; a token alone is decoded beside a filler and costs as much as with a guess."""
        self._calls += 1
        if self._calls % _AFRESH == 0:
            for ratios, cost in zip(self._ratios, _COSTS, strict=True):
                ratios.append(cost)
        if guesses <= 1:
            self._one.append(seconds)
        elif self._one:
            self._ratios[guesses - 1].append(seconds / median(self._one))

    def of(self, guesses: int) -> float:
        """Return the cost of a call with so many guesses, 1 to 5."""
        return median(self._ratios[guesses - 1])


class Drafter:
    """The tokens read and written so far and what followed them.

    A call is timed, as what a longer one costs depends on the machine: there are as many guesses as, by the calls so
    far, give the most tokens in a time.

    >>> drafter = Drafter([1, 2, 3, 4, 5, 1, 2], most=1)
    >>> drafter.after(3)
    [4]
    """

    def __init__(self, tokens: Iterable[int], most: int, costs: Costs | None = None) -> None:
        """Read a prompt; up to `most` guesses (5) are made at a time. `costs` outlive an answer."""
        self.costs = costs or Costs()
        self._most = most
        self._tokens: list[int] = []
        self._ends: dict[tuple[int, ...], int] = {}
        self._right = {n: _WEIGHT * share for n, share in zip(_LENGTHS, _PRIOR, strict=True)}
        self._tried = dict.fromkeys(_LENGTHS, _WEIGHT)
        self._agreed = 0  # tokens that agreed for the last guesses
        self._open = 0  # guesses of which it is not known whether they are right
        for token in tokens:
            self._take(token)

    def was_right(self, token: int) -> None:
        """Take in a token that was written, which is the next guess."""
        self._count(1.0)
        self._open -= 1
        self._take(token)

    def after(self, token: int) -> list[int]:
        """Take in a token that was written, which was not guessed; return guesses of those that follow it."""
        if self._open:
            self._count(0.0)
        self._take(token)
        found = ((n, self._ends.get(tuple(self._tokens[-n:]))) for n in _LENGTHS)
        self._agreed, at = next(((n, at) for n, at in found if at is not None), (0, None))
        guesses = [] if at is None else self._tokens[at : at + self._best()]
        self._open = len(guesses)
        return guesses

    def _best(self) -> int:
        """Return how many guesses give the most tokens for what the call costs."""
        share = self._right[self._agreed] / self._tried[self._agreed]
        expected = [1.0]  # tokens that a call with so many guesses gives
        for size in range(1, self._most + 1):
            expected.append(expected[-1] + share**size)
        return max(range(1, self._most + 1), key=lambda size: expected[size] / self.costs.of(size))

    def _count(self, outcome: float) -> None:
        self._right[self._agreed] = _RECENT * self._right[self._agreed] + outcome
        self._tried[self._agreed] = _RECENT * self._tried[self._agreed] + 1

    def _take(self, token: int) -> None:
        for length in _LENGTHS:
            if len(self._tokens) >= length:
                self._ends[tuple(self._tokens[-length:])] = len(self._tokens)
        self._tokens.append(token)
