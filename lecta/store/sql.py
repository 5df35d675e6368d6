"""Filters and phrases in Lance's SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lecta.store.layout import FILTERED
from lecta.types import DocumentRecord, Filters


def where_of(filters: Filters) -> str | None:
    """Return filters in Lance's SQL, but for phrases, or None for none."""
    given = {name: getattr(filters, name) for name in FILTERED}
    parts = [f"{name} = {quoted(value)}" for name, value in given.items() if value is not None]
    if filters.lectures is not None:
        parts.append(f"lecture IN ({', '.join(map(str, filters.lectures)) or 'NULL'})")
    return " AND ".join(parts) or None


def passes(record: DocumentRecord, filters: Filters) -> bool:
    """Tell whether a document's passages pass filters, but for phrases."""
    return all(getattr(filters, name) in (None, getattr(record, name)) for name in FILTERED) and (
        filters.lectures is None or record.lecture in filters.lectures
    )


def row_ids(numbers: Iterable[int]) -> str:
    """Return the filter that rows of these ids pass."""
    return f"_rowid IN ({', '.join(map(str, numbers))})"


def is_in(column: str, values: Sequence[str]) -> str:
    """Return the filter that rows pass whose column has one of the values."""
    return f"{column} IN ({', '.join(quoted(value) for value in values)})"


def quoted(value: str | int) -> str:
    """Return a value as it is written in SQL."""
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def phrase_pattern(phrase: str) -> str:
    """Return a phrase as a regular expression of Rust's: any case, words joined or apart, hyphens where lines break."""
    words = re.findall(r"[^\W_]+", phrase)
    folded = (r"(?:[-‐‑]\s*)?".join(map(re.escape, word)) for word in words)
    return r"(?i)\b" + r"[\s\-‐‑–_*]*".join(folded) + r"\b"
