"""Slides of a document, one at a time: the picture with the cited words marked, the words, the way to the next."""

from __future__ import annotations

from collections.abc import Sequence

from lecta.errors import LectaError
from lecta.serve.desk import Desk
from lecta.types import Document, DocumentRecord, Span
from lecta.web import excerpts, labels, parts, pictures


class Slides:
    """Shows slides, or the pages of notes that have pages."""

    def __init__(self, desk: Desk, record: DocumentRecord, document: Document, spans: Sequence[Span]) -> None:
        self._desk, self._record, self._document, self._spans = desk, record, document, spans
        self._noun = "Slide" if document.kind == "slides" else "Page"
        self._pages = sorted({section.page for section in document.sections if section.page is not None})
        self._root = parts.box("div", "paged")

    async def show(self, page: int) -> None:
        """Show a page."""
        picture = await self._picture(page)
        self._root.clear()
        with self._root:
            if picture:
                parts.html(picture, "slide", "figure")
            with parts.box("div", "pager"):
                self._step("chevron_left", "Previous", [one for one in self._pages if one < page][-1:])
                parts.words("span", f"{self._noun} {page} of {max(page, *self._pages)}", "soft small")
                self._step("chevron_right", "Next", [one for one in self._pages if one > page][:1])
            with parts.box("details", open=None if picture else True):
                parts.words("summary", f"Words of this {self._noun.lower()}", "soft small")
                parts.html(excerpts.page(self._document, page, self._spans), "quote")

    def _step(self, icon: str, label: str, target: Sequence[int]) -> None:
        async def go() -> None:
            await self.show(target[0])

        noun = self._noun.lower()
        parts.icon_button(icon, f"{label} {noun}", go if target else None, disabled=None if target else True)

    async def _picture(self, page: int) -> str:
        """Return the picture with boxes over the cited words as HTML; nothing where there is none."""
        try:
            picture = await self._desk.picture(self._record.id, page)
        except LectaError:
            return ""  # the words are shown all the same
        sections = self._document.sections
        title = next((section.title for section in sections if section.page == page and section.title), "")
        address = f"/api/documents/{self._record.id}/pages/{page}/picture"
        alt = f"{labels.name(self._record.source)}, page {page}{f': {title}' if title else ''}"
        return pictures.html(picture, address, excerpts.quotes(self._document, page, self._spans), alt)
