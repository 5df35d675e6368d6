"""The sockets: what a room must offer to be plugged in. Implementations live in the rooms; nothing here is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from lecta.types import Document, Filters, Hit, Message

Vectors = npt.NDArray[np.float32]
"""Shape (n, dimension); every row has unit length, so a dot product is a cosine."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one text as a model reads them, n of them, in order."""

    spans: npt.NDArray[np.int64]
    """(n, 2) characters of the text."""
    vectors: npt.NDArray[np.float32]
    """(n, dimension) in their context, not of unit length."""
    rarity: npt.NDArray[np.float32]
    """(n,) 0 for the most frequent words of the language, 1 for the rarest."""


class Reader(Protocol):
    """A module of `lecta.read` for one family of files."""

    NAME: str
    """Name and version, recorded with each document: "pdf/1"."""
    SUFFIXES: frozenset[str]
    """Lower case, with the dot."""

    def read(self, path: Path) -> Document:
        """Read one file. Raises `ReadError` with the reason when nothing can be made of it."""


class Embedder(Protocol):
    """Text to vectors. Questions and documents are apart because many models treat them differently."""

    @property
    def name(self) -> str:
        """Model and precision, recorded by the store: "all-MiniLM-L6-v2/int8"."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, shape (len(texts), dimension)."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a question, shape (len(texts), dimension)."""


@runtime_checkable
class TokenEmbedder(Protocol):
    """An embedder that shows its tokens, which the support check compares."""

    @property
    def name(self) -> str:
        """Model and precision."""

    def embed_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the tokens of each text, however long it is."""


class PassageIndex(Protocol):
    """What retrieval needs of a store."""

    def search(
        self, question: str, vector: Vectors | None, k: int, filters: Filters, also: str = ""
    ) -> tuple[list[Hit], list[Hit]]:
        """Return up to `k` passages by BM25 (scores >= 0) and up to `k` by cosine (-1..1), each best first.

        `also` counts less than the question. `vector` has shape (dimension,). An empty question or no vector finds
        nothing.
        """


class ChatModel(Protocol):
    """A language model that continues a conversation."""

    @property
    def name(self) -> str:
        """What the answer names as its model."""

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
        """Yield the reply piece by piece; what the model thinks before it answers comes as `Thought`, where it is told
        apart, or within <think> tags. Raises `ChatError`. Closing the iterator stops the model.
        """


@runtime_checkable
class ReadsAhead(Protocol):
    """A `ChatModel` that keeps the state of what it has read, up to the last seam of a conversation."""

    @property
    def name(self) -> str:
        """What the answer names as its model."""

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
        """Yield the reply piece by piece."""

    @property
    def keeps_states(self) -> bool:
        """Whether it has somewhere to keep them."""

    def has_read(self, messages: Sequence[Message]) -> bool:
        """Tell whether a conversation need not be read again up to its last seam."""

    def read_ahead(self, messages: Sequence[Message], pause: Callable[[], None]) -> bool:
        """Read a conversation up to its last seam; tell whether that is kept. `pause` may wait or raise."""


@runtime_checkable
class Leaning(Protocol):
    """A `ChatModel` that shows how likely a reply is before it is written."""

    def leaning(self, messages: Sequence[Message], one: str, other: str) -> float | None:
        """Return the log-odds of a reply that begins with the first token of `one` against that of `other`.

        None where what runs the model does not show them. Raises `ChatError`.
        """


@runtime_checkable
class Rewindable(Protocol):
    """A `ChatModel` that goes on from the beginning of a reply, and can say it otherwise. Few servers can."""

    rewinds: bool
    """True; tells such a model from others."""

    @property
    def name(self) -> str:
        """What the answer names as its model."""

    def stream(self, messages: Sequence[Message], max_tokens: int, *, begun: str = "", seed: int = 0) -> Iterator[str]:
        """Yield what follows `begun`, the beginning of the reply. With a `seed` above 0 words are drawn by it."""
