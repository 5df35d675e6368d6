"""What is handed to the store and back: documents to be stored, passages without vectors, documents side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lecta.protocols import Vectors
from lecta.types import Document, Passage, Signature


@dataclass(frozen=True, slots=True)
class Entry:
    """One document ready to be stored."""

    path: Path
    document: Document
    passages: Sequence[Passage]
    words: Sequence[str]
    """What BM25 matches for each passage: its text and what it stands under."""
    vectors: Vectors
    """One for each passage, or none at all, shape (0, dimension), where they are to be given later."""
    signatures: Sequence[Signature] = ()
    """Of its paragraphs, so that a later file is compared without reading this one again."""
    mathematics: Sequence[str] = ()
    """The terms of each passage's mathematics, spaces between; empty where there are none at all."""


@dataclass(frozen=True, slots=True)
class Bare:
    """A passage that has no vector yet, by what its vector is made of."""

    document_id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it is stored, to be put beside another."""

    document: Document
    passages: tuple[Passage, ...]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Besides:
    """What stands beside the passages of one document, and the words they are then matched by."""

    passages: tuple[Passage, ...]
    words: Sequence[str]


def document_id(path: Path) -> str:
    """Return the identity of a file: a hash of its absolute path."""
    return hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def shown_path(path: Path) -> str:
    """Return a path as text that can be stored and printed; bytes of a name that are no UTF-8 become escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode()
