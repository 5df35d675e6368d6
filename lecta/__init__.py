"""lecta: answers from your own lectures, with the file, the page and the minute each sentence rests on.

>>> from lecta import Library
>>> library = Library("~/lectures-index")          # doctest: +SKIP
>>> library.add(["~/lectures"])                    # doctest: +SKIP
>>> library.ask("What is the chain rule?").text    # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lecta.errors import ChatError, LectaError, LibraryError, ModelError, ReadError, UsageError

if TYPE_CHECKING:
    from lecta.library import Library
    from lecta.settings import Settings
    from lecta.types import (
        AddReport,
        Answer,
        Conversation,
        Document,
        DocumentRecord,
        FileReport,
        Filters,
        Formula,
        Hit,
        Message,
        Passage,
        SearchResult,
        Section,
        Sentence,
        Turn,
        Understanding,
    )

__version__ = "0.1.0"

__all__ = [
    "AddReport",
    "Answer",
    "ChatError",
    "Conversation",
    "Document",
    "DocumentRecord",
    "FileReport",
    "Filters",
    "Formula",
    "Hit",
    "LectaError",
    "Library",
    "LibraryError",
    "Message",
    "ModelError",
    "Passage",
    "ReadError",
    "SearchResult",
    "Section",
    "Sentence",
    "Settings",
    "Turn",
    "Understanding",
    "UsageError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Load everything else only when asked for, so that `lecta --help` stays quick: the types alone take 20 ms."""
    if name not in __all__:
        raise AttributeError(f"module 'lecta' has no attribute {name!r}")
    if name == "Library":
        from lecta.library import Library

        return Library
    if name == "Settings":
        from lecta.settings import Settings

        return Settings
    from lecta import types

    return getattr(types, name)
