"""Text to vectors: MiniLM inside lecta, a server, or any sentence-transformers model. Names, without loading any."""

from __future__ import annotations

from pathlib import Path

from lecta.errors import UsageError

MINILM = "all-MiniLM-L6-v2/int8"  # held to lecta.embed.minilm by a test; importing that costs 0.15 s
MINILM_DIMENSION = 384
_KINDS = ("openai", "ollama", "st")


def recorded_name(setting: str) -> str:
    """Return the name a library records for an embedder as a setting names it. Raises `UsageError` for no such form."""
    if setting in ("minilm", MINILM):
        return MINILM
    if not is_known(setting):
        raise UsageError(f"no embedder {setting!r}: use minilm, openai:NAME, ollama:NAME or st:NAME_OR_FOLDER")
    kind, _, where = setting.partition(":")
    folder = Path(where).expanduser()
    if kind == "st" and folder.is_dir():  # a library remembers it, wherever it is opened from
        return f"{kind}:{folder.resolve()}"
    return setting


def is_known(name: str) -> bool:
    """Tell whether an embedder can be opened by a name that a library recorded."""
    kind, _, where = name.partition(":")
    return name == MINILM or (kind in _KINDS and bool(where))
