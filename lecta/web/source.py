"""The right of the page: the slide, the minute or the notes that a citation stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nicegui.events import GenericEventArguments

from lecta.errors import LectaError
from lecta.serve.desk import Desk
from lecta.types import Document, DocumentRecord, Passage, Place, Span
from lecta.web import excerpts, labels, parts

_PLAY = """(event) => {
    const at = event.target.closest("[data-seconds]");
    if (at) emit(Number(at.dataset.seconds));
}"""


class Source:
    """Shows one source at a time; empty and hidden at first."""

    def __init__(self, desk: Desk, on_close: Callable[[], None], on_play: Callable[[float], None]) -> None:
        self._desk, self._on_play = desk, on_play
        self.start: float | None = None
        """Second from which a recording is to play, where one is shown."""
        self._shown = 0  # counts what was asked for, so that a slow one does not replace a later one
        with parts.box("aside", "source", hidden=True, aria_labelledby="source-heading") as self._root:
            with parts.box("header"):
                with parts.box("div"):
                    self._heading = parts.words("h2", "", id="source-heading")
                    self._where = parts.words("p", "", "soft small")
                parts.icon_button("close", "Close the source", on_close, "close")
            self._body = parts.box("div", "body", tabindex="0", role="group", aria_labelledby="source-heading")

    def hide(self) -> None:
        """Show nothing."""
        self._shown += 1
        parts.show(self._root, False)

    async def show_passage(self, passage: Passage, spans: Sequence[Span], also: Sequence[Place] = ()) -> None:
        """Show where a passage stands, with the words of the spans marked."""
        turn = self._begin(labels.heading(passage), f"{labels.where(passage)} · {labels.name(passage.source)}")
        spans = spans or (Span(0, passage.start_index, passage.end_index),)
        try:
            record, document = await self._found(passage.source)
        except LectaError as error:
            self._say_gone(passage, str(error))
            return
        if turn != self._shown:
            return
        if passage.page is not None:
            await self._show_page(record, document, passage.page, spans)
        elif passage.start_time is not None:
            await self._show_speech(record, document, passage, spans)
        else:
            self._show_notes(document, passage, spans)
        await self._show_beside(passage)
        self._show_also(also)

    async def show_document(self, record: DocumentRecord) -> None:
        """Show a document from its beginning."""
        turn = self._begin(labels.name(record.source), _held(record))
        try:
            document = await self._desk.document(record.id)
        except LectaError as error:
            self._begin(labels.name(record.source), str(error))
            return
        if turn != self._shown:
            return
        first = document.sections[0] if document.sections else None
        if first and first.page is not None:
            await self._show_page(record, document, first.page, ())
        elif first and first.start_time is not None:
            await self._show_cues(record, document, first.start_time, first.start_time, ())
        else:
            whole = Passage("", 0, len(document.text), document.source, document.kind)
            self._show_notes(document, whole, ())

    def _begin(self, heading: str, where: str) -> int:
        self._shown += 1
        self._heading.set_text(heading)
        self._where.set_text(where)
        self._body.clear()
        parts.show(self._root, True)
        return self._shown

    async def _found(self, source: str) -> tuple[DocumentRecord, Document]:
        """Return a document by its source. Raises `LectaError` when it was removed."""
        for record in await self._desk.documents():
            if record.source == source:
                return record, await self._desk.document(record.id)
        raise LectaError(f"{source} is no longer in the library")

    # --- slides -------------------------------------------------------------------------------------------------------

    async def _show_page(self, record: DocumentRecord, document: Document, page: int, spans: Sequence[Span]) -> None:
        with self._body:
            holder = parts.box("div", "paged")
        await self._fill_page(holder, record, document, page, spans)

    async def _fill_page(
        self, holder: parts.Element, record: DocumentRecord, document: Document, page: int, spans: Sequence[Span]
    ) -> None:
        noun = "Slide" if document.kind == "slides" else "Page"
        picture = await self._picture(record, document, page, spans)
        text = excerpts.page(document, page, spans)
        pages = sorted({section.page for section in document.sections if section.page is not None})
        holder.clear()
        with holder:
            if picture:
                parts.html(picture, "slide", "figure")
            with parts.box("div", "pager"):
                self._step(holder, record, document, [p for p in pages if p < page][-1:], "chevron_left", "Previous", spans)
                parts.words("span", f"{noun} {page} of {pages[-1] if pages else page}", "soft small")
                self._step(holder, record, document, [p for p in pages if p > page][:1], "chevron_right", "Next", spans)
            with parts.box("details", open=None if picture else True):
                parts.words("summary", f"Words of this {noun.lower()}", "soft small")
                parts.html(text, "quote")

    def _step(
        self,
        holder: parts.Element,
        record: DocumentRecord,
        document: Document,
        target: Sequence[int],
        icon: str,
        label: str,
        spans: Sequence[Span],
    ) -> None:
        async def go() -> None:
            await self._fill_page(holder, record, document, target[0], spans)

        parts.icon_button(icon, label, go if target else None, disabled=None if target else True)

    async def _picture(
        self, record: DocumentRecord, document: Document, page: int, spans: Sequence[Span]
    ) -> str:
        """Return a slide's picture with boxes over the cited words as HTML; nothing where there is no picture."""
        raise NotImplementedError

    # --- speech -------------------------------------------------------------------------------------------------------

    async def _show_speech(
        self, record: DocumentRecord, document: Document, passage: Passage, spans: Sequence[Span]
    ) -> None:
        start = passage.start_time or 0.0
        await self._show_cues(record, document, start, passage.end_time or start, spans)

    async def _show_cues(
        self, record: DocumentRecord, document: Document, start: float, end: float, spans: Sequence[Span]
    ) -> None:
        raise NotImplementedError

    # --- notes, and what else there is --------------------------------------------------------------------------------

    def _show_notes(self, document: Document, passage: Passage, spans: Sequence[Span]) -> None:
        with self._body:
            parts.html(excerpts.notes(document, passage, spans), "answer notes")

    def _say_gone(self, passage: Passage, reason: str) -> None:
        """Show the words that were kept with the answer."""
        with self._body:
            parts.words("p", f"{reason}. These are the words that the answer was written from:", "note")
            parts.words("p", passage.text, "quote")
