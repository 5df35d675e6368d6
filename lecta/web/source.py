"""The right of the page: the slide, the minute or the notes that a citation stands for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from lecta.errors import LectaError
from lecta.serve.desk import Desk, Recording
from lecta.types import Document, DocumentRecord, Passage, Place, Span
from lecta.web import excerpts, labels, parts
from lecta.web.slides import Slides

_MOST = 20_000  # characters of notes that are shown from their beginning
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
        self._shown = 0  # counts what was asked for, so that what was asked for last is shown
        self._one_at_a_time = asyncio.Lock()
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
        async with self._one_at_a_time:
            if turn == self._shown:
                self._body.clear()
                await self._fill(passage, spans)
                self._show_also(also)

    async def show_document(self, record: DocumentRecord) -> None:
        """Show a document from its beginning."""
        turn = self._begin(labels.name(record.source), _held(record))
        async with self._one_at_a_time:
            if turn == self._shown:
                self._body.clear()
                await self._fill_whole(record)

    async def _fill(self, passage: Passage, spans: Sequence[Span]) -> None:
        try:
            record, document = await self._found(passage.source)
        except LectaError as error:
            self._say_gone(passage, str(error))
            return
        if document.text[passage.start_index : passage.end_index] != passage.text:
            self._say_gone(passage, "The file was changed since")
        elif passage.page is not None:
            await self._show_page(record, document, passage.page, spans)
            await self._show_spoken(passage.beside)
        elif passage.start_time is not None:
            await self._show_screen(passage.beside)
            await self._show_cues(record, document, passage.start_time, passage.end_time, spans)
        else:
            self._show_notes(document, passage, spans or (Span(0, passage.start_index, passage.end_index),))

    async def _fill_whole(self, record: DocumentRecord) -> None:
        try:
            document = await self._desk.document(record.id)
        except LectaError as error:
            with self._body:
                parts.words("p", str(error), "error")
            return
        first = document.sections[0] if document.sections else None
        if first and first.page is not None:
            await self._show_page(record, document, first.page, ())
        elif first and first.start_time is not None:
            await self._show_cues(record, document, first.start_time, first.start_time, ())
        else:
            self._show_notes(document, Passage("", 0, _MOST, document.source, document.kind), ())

    def _begin(self, heading: str, where: str) -> int:
        self._shown += 1
        self.start = None
        self._heading.set_text(heading)
        self._where.set_text(where)
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
            await Slides(self._desk, record, document, spans).show(page)

    # --- speech -------------------------------------------------------------------------------------------------------

    async def _show_cues(
        self, record: DocumentRecord, document: Document, start: float, end: float | None, spans: Sequence[Span]
    ) -> None:
        """Show what is said around a stretch of time, with the recording where there is one."""
        try:
            recording = await self._desk.recording(record.id)
        except LectaError:
            recording = None
        with self._body:
            if recording:
                media = "video" if recording.media_type.startswith("video") else "audio"
                parts.box(media, src=_address(recording), controls=True, preload="metadata", aria_label="Recording")
                self.start = start
            parts.words("h3", "What was said" if recording else "What was said (there is no recording)")
            rows = excerpts.cues(document, start, end or start, spans, can_play=recording is not None)
            parts.html(rows, "cues", "ol", tabindex="0", aria_label="Transcript").on(
                "click", lambda event: self._on_play(float(event.args)), js_handler=_PLAY
            )

    async def _show_screen(self, beside: Place | None) -> None:
        """Show the slide that was on screen while something was said."""
        if beside is None or beside.page is None:
            return
        try:
            record, document = await self._found(beside.source)
        except LectaError:
            return
        with self._body:
            parts.words("h3", "On screen then")
        await self._show_page(record, document, beside.page, ())

    async def _show_spoken(self, beside: Place | None) -> None:
        """Show what was said over a slide."""
        if beside is None or beside.start_time is None:
            return
        try:
            record, document = await self._found(beside.source)
        except LectaError:
            return
        await self._show_cues(record, document, beside.start_time, beside.end_time, ())

    def _show_also(self, also: Sequence[Place]) -> None:
        """List where the same words stand as well."""
        if not also:
            return
        with self._body:
            parts.words("h3", "The same words stand in")
            with parts.box("ul", "plain small soft"):
                for place in also:
                    where = f", page {place.page}" if place.page is not None else ""
                    parts.words("li", f"{labels.name(place.source)}{where}")

    # --- notes, and what else there is --------------------------------------------------------------------------------

    def _show_notes(self, document: Document, passage: Passage, spans: Sequence[Span]) -> None:
        with self._body:
            parts.html(excerpts.notes(document, passage, spans), "answer notes")

    def _say_gone(self, passage: Passage, reason: str) -> None:
        """Show the words that were kept with the answer."""
        with self._body:
            parts.words("p", f"{reason}. These are the words that the answer was written from:", "note")
            parts.words("p", passage.text, "quote")


def _held(record: DocumentRecord) -> str:
    lecture = f"Lecture {record.lecture} · " if record.lecture is not None else ""
    return f"{lecture}{labels.KINDS[record.kind]} · {labels.count(record.passages, 'passage')}"


def _address(recording: Recording) -> str:
    return f"/api/documents/{recording.record.id}/recording"
