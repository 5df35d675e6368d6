"""What decodes tokens: two builds of llama.cpp behind one small interface.

`auto` takes ik_llama.cpp, which reads prompts about twice as fast on a plain processor, and llama.cpp itself where the
other has no wheel for this Python or system, or does not know a model's architecture.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from lecta.errors import ChatError

NAMES = ("auto", "ik", "llama.cpp")
"""What the setting `engine` may be."""


class Held(Protocol):
    """One sequence of tokens and its key/value state."""

    def decode(self, tokens: Sequence[int], position: int, guesses: Sequence[int] = ()) -> None:
        """Decode tokens in one call, the first at `position`, and guesses of what follows them.

        Raises `ValueError` or `RuntimeError`.
        """
        ...

    def sample(self, sampler: Any, guessed: int = 0) -> int:
        """Return the token that a sampler takes after the tokens of the last call and so many of its guesses."""
        ...

    def log_odds(self, one: int, other: int) -> float | None:
        """Return how much likelier one token is than another after the last call's tokens; None if it is not shown."""
        ...

    def forget(self, position: int) -> bool:
        """Forget all from a position on; tell whether that could be done (a recurrent model holds no positions)."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...

    def state(self) -> bytes:
        """Return a copy of the state."""
        ...

    def load(self, state: bytes | memoryview) -> int:
        """Hold what a state holds; return its number of tokens. Raises `ValueError` or `RuntimeError`."""
        ...


class Engine(Protocol):
    """A model that is loaded, and its vocabulary."""

    identity: str
    """Names all that a state depends on beside the model's file and the context's parameters."""
    at_once: int
    """Tokens decoded in one call while a prompt is read: what is fastest, with Ctrl-C heard in between."""
    shows_odds: bool
    """Whether `Held.log_odds` are known."""
    guesses: int
    """Up to so many may be decoded behind a token. Where there are any, how many tokens are in a call changes nothing:
    the state of each is, bit for bit, the one it has in any other call (of up to `TOGETHER`)."""

    def tokenize(self, text: str, *, beginning: bool = False, special: bool = False) -> list[int]:
        """Return a text's tokens; with `special` control tokens that are spelt out count as such."""
        ...

    def detokenize(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens, control tokens left out."""
        ...

    def control(self, token: int) -> str | None:
        """Return how a control token is spelt; None for any other."""
        ...

    def is_end(self, token: int) -> bool:
        """Tell whether a token ends a reply."""
        ...

    def rendered(self, messages: Sequence[tuple[str, str]]) -> str:
        """Return a conversation of roles and contents in the model's own template, with the reply opened."""
        ...

    def sampler(self, seed: int) -> Any:
        """Return what takes the likeliest token (seed 0) or draws one near it by a seed."""
        ...

    def hold(self, tokens: int, threads: int) -> Held:
        """Return an empty sequence with room for so many tokens. Raises `ValueError` or `RuntimeError`."""
        ...


TOGETHER = 16
"""Tokens that were written are read again in calls of so many: of some kinds of weights larger ones round otherwise."""
TOP_K, TOP_P, TEMPERATURE = 40, 0.9, 0.7
"""Of a token that is drawn: near the likeliest ones."""


def opened(path: Path, name: str = "auto", *, copy: bool = False) -> Engine:
    """Load a GGUF model; with `copy` an engine may keep the weights in its own layout beside the file.

    Raises `ChatError` where no engine can.
    """
    from lecta.answer.engines import ik_llama

    if name != "llama.cpp" and ik_llama.is_installed():
        set_spins(ik_llama.SPINS)
        try:
            return ik_llama.IkLlama(path, copy=copy)
        except ChatError:  # an architecture that it does not know, or no model at all: llama.cpp tells
            if name == "ik":
                raise
    elif name == "ik":
        raise ChatError("engine ik has no wheel for this Python or system: use `auto` or `llama.cpp`")
    from lecta.answer.engines import llama_cpp

    set_spins(llama_cpp.SPINS)
    return llama_cpp.LlamaCpp(path)


def set_spins(turns: int) -> None:
    """Set how many turns a thread waits for the others before it sleeps; OpenMP reads it when it is loaded.

    OpenMP's own count makes two threads on two busy cores up to 50 times slower.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", str(turns))
