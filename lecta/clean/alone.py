"""What of cleaning needs no other file, so that the process which read a file can do it while others are compared.

Document -> JSON in that process (`prepared`), JSON -> `Cleaned` in the one that adds (`received`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from typing import Any

from lecta.clean.dedupe import signatures_of
from lecta.types import Document, Section, Signature

PREPARED = "lecta.clean.alone:prepared"
"""What the processes that read files do with each document."""

_ROW = [field.name for field in fields(Signature)][1:9]  # what is known before it is compared with others


@dataclass(frozen=True, slots=True)
class Cleaned(Document):
    """A document whose advertisements are marked, and what its paragraphs are then compared by."""

    as_read: tuple[Section, ...] = ()
    """Its sections before they were marked."""
    rows: tuple[tuple[Any, ...], ...] = ()
    """The signatures' fields after the source, which is not known yet."""

    def signatures(self) -> tuple[Signature, ...]:
        """Return its paragraphs' signatures, under the source it has by now."""
        return tuple(Signature(self.source, *row) for row in self.rows)

    def undone(self) -> Document:
        """Return the document as it was read: what it is (speech, slides) says what its paragraphs are."""
        inherited = {field.name: getattr(self, field.name) for field in fields(Document)}
        return Document(**{**inherited, "sections": self.as_read})


def cleaned(document: Document) -> Cleaned:
    """Mark a document's advertisements and make its paragraphs' signatures."""
    return received(document, prepared(document))


def prepared(document: Document) -> dict[str, Any]:
    """Return what `received` wants, as JSON can hold it."""
    from lecta.clean import boilerplate  # 30 ms

    marked, flags = boilerplate.mark(document)
    made = signatures_of(marked)
    return {
        "sections": [astuple(section) for section in marked.sections] if flags else None,
        "rows": [[getattr(one, name) for name in _ROW] for one in made],
    }


def received(document: Document, given: Mapping[str, Any]) -> Cleaned:
    """Return a document with what `prepared` made of it."""
    inherited = {field.name: getattr(document, field.name) for field in fields(Document)}
    sections = document.sections if given["sections"] is None else tuple(Section(*row) for row in given["sections"])
    rows = tuple((*plain, tuple(digest), tuple(bands)) for *plain, digest, bands in given["rows"])
    return Cleaned(**{**inherited, "sections": sections}, as_read=document.sections, rows=rows)
