"""A sequence of tokens that an engine holds, so that what two prompts share is decoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lecta.answer.engines import TOGETHER, Engine

Steps = list[tuple[int, ...]]
"""Tokens in the order they are decoded; each tuple is one call."""


class Context:
    """One sequence of tokens and its key/value state.

    Where no guesses are taken, how many tokens are decoded in one call changes the last bits of their state
    (other matrix kernels), and once in a few hundred tokens a greedy choice. So a state is taken for that of a prompt
    only where the calls were the same ones: `read` gives, bit for bit, what an empty context would.
    """

    def __init__(self, engine: Engine, *, tokens: int, threads: int) -> None:
        """There is room for `tokens` tokens. Raises `ValueError` or `RuntimeError`."""
        self._engine = engine
        self._held = engine.hold(tokens, threads)
        self._steps: Steps = []
        self.size = 0
        """Tokens held."""
        self._guesses: list[int] = []  # decoded behind what is held
        self._guessed = 0  # guesses of the last call that are held by now

    def steps(self, tokens: Sequence[int]) -> Steps:
        """Return how a run of tokens is read: in calls of as many as the engine likes, and a rest."""
        size = self._engine.at_once
        return [tuple(tokens[start : start + size]) for start in range(0, len(tokens), size)]

    def read(self, wanted: Steps, on_step: Callable[[int], None] = lambda held: None) -> int:
        """Hold these steps and nothing else, ready to sample; return how many tokens had to be decoded.

        `on_step` is called with the number of steps held, after each call.
        """
        self.keep(self.held(wanted))
        kept = self.size
        for call in self._calls(wanted[len(self._steps) :]):
            self._decode([token for step in call for token in step])
            self._steps += call
            on_step(len(self._steps))
        return self.size - kept

    def _calls(self, wanted: Steps) -> Iterator[Steps]:
        """Yield the steps that are decoded in one call: the last ones, of a token each, where that changes nothing."""
        alone = next((i for i, step in enumerate(reversed(wanted)) if len(step) > 1), len(wanted))
        first = len(wanted) - alone if self._engine.guesses else len(wanted)
        yield from ([step] for step in wanted[:first])
        yield from (wanted[start : start + TOGETHER] for start in range(first, len(wanted), TOGETHER))

    def held(self, wanted: Steps) -> int:
        """Return how many of these steps need not be decoded; the last must, as its logits are wanted."""
        return shared(self._steps, wanted[:-1])

    def state(self) -> bytes:
        """Return a copy of the key/value state of what is held."""
        self._drop_guesses()
        return self._held.state()

    def load(self, state: bytes | memoryview, of: Steps) -> bool:
        """Hold what a state holds, which is the one of these steps; tell whether it fits."""
        self.keep(0)
        try:
            fits = self._held.load(state) == sum(map(len, of))
        except (ValueError, RuntimeError):
            fits = False
        if not fits:
            self._held.clear()
            return False
        self._steps, self.size = list(of), sum(map(len, of))
        return True

    def write(self, token: int, guesses: Sequence[int] = ()) -> None:
        """Hold one more token, which is decoded now if it is not the next guess; `guesses` are decoded behind it."""
        if self._guesses[:1] == [token]:
            del self._guesses[0]
            self._guessed += 1
            self.size += 1
        else:
            self._decode([token], guesses)
        self._steps.append((token,))

    @property
    def expected(self) -> int | None:
        """The next guess, decoded already, if any."""
        return self._guesses[0] if self._guesses else None

    def _decode(self, tokens: Sequence[int], guesses: Sequence[int] = ()) -> None:
        self._drop_guesses()
        self._held.decode(tokens, self.size, guesses)
        self.size += len(tokens)  # only now: what failed or was interrupted is not held
        self._guesses, self._guessed = list(guesses), 0

    def _drop_guesses(self) -> None:
        if self._guesses:
            self._held.forget(self.size)
            self._guesses = []

    def keep(self, count: int) -> None:
        """Forget all but the first `count` steps."""
        self._guesses = []
        self._steps = self._steps[:count]
        self.size = sum(map(len, self._steps))
        # Always, as an interrupted call may have left more behind than is known here.
        if not self._held.forget(self.size):  # a recurrent model cannot forget a part
            self._held.clear()
            self._steps, self.size = [], 0

    def log_odds(self, one: int, other: int) -> float | None:
        """Return how much likelier one token is than another after what `read` holds; None if it is not shown."""
        return self._held.log_odds(one, other)

    def sample(self, sampler: Any) -> int:
        """Return the token that a sampler takes after what is held."""
        return self._held.sample(sampler, self._guessed)


def shared(one: Steps, other: Steps) -> int:
    """Return how many steps two readings share at their beginning.

    >>> shared([(1, 2), (3,)], [(1, 2), (4,)])
    1
    """
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
