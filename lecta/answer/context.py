"""A llama.cpp context and the tokens it holds, so that what two prompts share is decoded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

# Tokens decoded in one call while reading the prompt. 64 was the fastest of 32, 64, 128 and 512 here (50, against 43
# token/s at 512), and Ctrl-C is heard after each.
AT_ONCE = 64
ALIKE = 3
"""Up to so many tokens in one call have the very state that they have one by one."""

Steps = list[tuple[int, ...]]
"""Tokens in the order they are decoded; each tuple is one call."""


def steps(tokens: Sequence[int]) -> Steps:
    """Return how a run of tokens is read: in calls of 64 and a rest."""
    calls = [tuple(tokens[start : start + AT_ONCE]) for start in range(0, len(tokens), AT_ONCE)]
    return [step for call in calls for step in _alike(call)]


def _alike(call: Sequence[int]) -> Steps:
    """Return the steps that a call is equal to. llama.cpp multiplies fewer than four rows one by one, bit for bit as it
    does each alone; from four on it uses other kernels."""
    return [tuple(call)] if len(call) > ALIKE else [(token,) for token in call]


class Context:
    """One sequence of tokens and its key/value state.

    How many tokens are decoded in one call changes the last bits of their state (other matrix kernels), and once in a
    few hundred tokens a greedy choice. So a state is taken for that of a prompt only where the calls were the same
    ones: `read` gives, bit for bit, what an empty context would.
    """

    def __init__(self, llama: Any, model: Any, *, tokens: int, threads: int) -> None:
        """`llama` is cyllama's module; there is room for `tokens` tokens."""
        parameters = llama.LlamaContextParams()
        parameters.n_ctx = tokens
        parameters.n_batch = parameters.n_ubatch = AT_ONCE
        parameters.n_threads = parameters.n_threads_batch = threads
        self._llama = llama
        self._context = llama.LlamaContext(model, parameters)
        self._steps: Steps = []
        self.size = 0
        """Tokens held."""

    def read(self, wanted: Steps, on_step: Callable[[int], None] = lambda held: None) -> int:
        """Hold these steps and nothing else, ready to sample; return how many tokens had to be decoded.

        `on_step` is called with the number of steps held, after each that was decoded.
        """
        self.keep(self.held(wanted))
        kept = self.size
        for number, step in enumerate(wanted[len(self._steps) :], len(self._steps) + 1):
            self.decode(step)
            on_step(number)
        return self.size - kept

    def held(self, wanted: Steps) -> int:
        """Return how many of these steps need not be decoded; the last must, as its logits are wanted."""
        return shared(self._steps, wanted[:-1])

    def state(self) -> bytes:
        """Return a copy of the key/value state of what is held."""
        return bytes(self._context.get_state_seq_data(0))

    def load(self, state: bytes, of: Steps) -> bool:
        """Hold what a state holds, which is the one of these steps; tell whether it fits."""
        self.keep(0)
        try:
            self._context.set_state_seq_data(state, 0)
            fits = self._context.memory_seq_pos_max(0) == sum(map(len, of)) - 1
        except (ValueError, RuntimeError):
            fits = False
        if not fits:
            self._context.kv_cache_clear()
            return False
        self._steps, self.size = list(of), sum(map(len, of))
        return True

    def take_back(self, tokens: int) -> None:
        """Forget the last tokens, each of which was a step of its own."""
        if tokens:
            self.keep(len(self._steps) - tokens)

    def decode(self, step: Sequence[int], *, all_logits: bool = False) -> None:
        """Decode tokens in one call, after those held."""
        batch = self._llama.LlamaBatch(n_tokens=len(step), embd=0, n_seq_max=1)
        for i, token in enumerate(step):
            batch.add(token, self.size + i, [0], all_logits or i == len(step) - 1)
        self._context.decode(batch)
        self._steps += _alike(step)  # only now: what failed or was interrupted is not held
        self.size += len(step)

    def keep(self, count: int) -> None:
        """Forget all but the first `count` steps."""
        self._steps = self._steps[:count]
        self.size = sum(map(len, self._steps))
        # Always, as an interrupted call may have left more behind than is known here.
        if not self._context.memory_seq_rm(0, self.size, -1):  # a recurrent model cannot forget a part
            self._context.kv_cache_clear()
            self._steps, self.size = [], 0

    def sample(self, sampler: Any, index: int = -1) -> int:
        """Return the token that a sampler takes after position `index` of the last call."""
        return int(sampler.sample(self._context, index))


def shared(one: Steps, other: Steps) -> int:
    """Return how many steps two readings share at their beginning.

    >>> shared([(1, 2), (3,)], [(1, 2), (4,)])
    1
    """
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
