"""Text to vectors: MiniLM or BGE inside lecta, a server, any sentence-transformers model. Names; none is loaded."""

from __future__ import annotations

from pathlib import Path

from lecta.errors import UsageError

MINILM = "all-MiniLM-L6-v2/int8"  # held to lecta.embed.minilm by a test; importing that costs 0.15 s
BGE = "bge-small-en-v1.5/int8"
OWN_DIMENSION = 384  # of both
_OWN = {"minilm": MINILM, "bge-small": BGE}
_KINDS = ("openai", "ollama", "st")


def recorded_name(setting: str) -> str:
    """Return the name a library records for an embedder as a setting names it. Raises `UsageError` for no such form."""
    if own := _OWN.get(setting):
        return own
    if not is_known(setting):
        raise UsageError(
            f"no embedder {setting!r}: use minilm, bge-small, openai:NAME, ollama:NAME or st:NAME_OR_FOLDER"
        )
    kind, _, where = setting.partition(":")
    folder = Path(where).expanduser()
    if kind == "st" and folder.is_dir():  # a library remembers it, wherever it is opened from
        return f"{kind}:{folder.resolve()}"
    return setting


def is_known(name: str) -> bool:
    """Tell whether an embedder can be opened by a name that a library recorded."""
    kind, _, where = name.partition(":")
    return is_own(name) or (kind in _KINDS and bool(where))


def is_own(name: str) -> bool:
    """Tell whether an embedder is inside lecta."""
    return name in _OWN.values()


def unrelated(name: str) -> float:
    """Return the cosine that an embedder gives texts that have nothing in common, so that scores can begin there.

    BGE: 0.59 of a question and any document of SciFact, 0.63 of two documents.
    """
    return 0.6 if name == BGE else 0.0
