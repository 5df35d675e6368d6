"""The page of one visitor: what it is made of, and what happens when something is chosen.

    shelf | conversation | source

A page is built once for each visit and lives as long as its browser tab.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from nicegui import background_tasks, ui
from nicegui.events import GenericEventArguments

from lecta import export
from lecta.errors import LectaError
from lecta.serve.desk import Asking, Desk, Question
from lecta.serve.events import Done
from lecta.serve.uploads import Upload
from lecta.types import DocumentRecord, Hit, Span
from lecta.web import parts, sample
from lecta.web.adding import Adding
from lecta.web.box import Box
from lecta.web.kept import Deeds, Kept
from lecta.web.scope import Scope
from lecta.web.shelf import Shelf
from lecta.web.source import Source
from lecta.web.turns import Turn
from lecta.web.welcome import Welcome


class Page:
    """One visit."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._client = ui.context.client
        self._scope = Scope()
        self._conversation = ""
        self._asking: Asking | None = None
        self._records: Sequence[DocumentRecord] = ()
        self._sample = sample.folder()
        self._build()
        self._following = background_tasks.create(self._follow(), name="lecta uploads")
        self._client.on_delete(self._left)

    # --- what it is made of -------------------------------------------------------------------------------------------

    def _build(self) -> None:
        with parts.box("div", "app"):
            parts.words("a", "Skip to the question", "skip", href="#question")
            self._build_bar()
            with parts.box("nav", "shelf", aria_label="Library"):
                parts.icon_button("close", "Close the library", css="close").on(
                    "click", js_handler=_shelf(is_open=False)
                )
                self._shelf = Shelf(self._set_scope, self._open_record, self._remove)
                self._kept = Kept(Deeds(self._begin, self._open, self._rename, self._delete, self._export))
                megabytes, suffixes = self._desk.library.settings.upload_megabytes, sorted(self._desk.library.suffixes)
                self._adding = Adding(suffixes, megabytes)
            with parts.box("main", "talk"):
                parts.words("h1", "Ask your lectures", "hear")
                with parts.box("div", "turns", tabindex="-1"):
                    self._welcome = Welcome(self._ask, self._add_sample if self._sample else None)
                    self._turns = parts.box("div")
                self._box = Box(self._ask, self._stop, self._set_scope)
            self._source = Source(self._desk, self._close, self._play)
            self._log = parts.box("div", "hear", role="log", aria_live="polite")
            self._browser = parts.Browser().on("leave", self._close)

    def _build_bar(self) -> None:
        with parts.box("header", "bar"):
            menu = parts.icon_button("menu", "Library", css="menu", aria_expanded="false")
            menu.on("click", js_handler=_shelf(is_open=True))
            parts.words("span", "lecta", "name")
            with parts.box("div", "room"):
                parts.Theme()

    # --- what there is ------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        """Show what is added as it comes, and the library whenever something was."""
        await self._client.connected()
        await self._show_kept()
        done = -1
        async for uploads in self._desk.uploads.changes():
            now_done = sum(upload.is_done for upload in uploads)
            if now_done != done:
                done = now_done
                await self._show_library(uploads)
            self._show_uploads(uploads)
            await asyncio.sleep(0.2)  # a folder of small files changes often

    async def _show_library(self, uploads: Sequence[Upload] = ()) -> None:
        try:
            self._records = await self._desk.documents()
            lectures = await self._desk.lectures()
        except LectaError as error:
            self._fail(str(error))
            return
        self._shelf.show(lectures, self._records)
        self._welcome.show(self._records, is_shown=not self._turns.default_slot.children)

    def _show_uploads(self, uploads: Sequence[Upload]) -> None:
        self._adding.show(uploads)
        self._welcome.set_going([upload for upload in uploads if not upload.is_done])

    async def _show_kept(self) -> None:
        self._kept.show(await self._desk.conversations(), self._conversation)

    def _add_sample(self) -> None:
        if self._sample:
            self._desk.uploads.add(self._sample, name=sample.COURSE, course=sample.COURSE)

    async def _remove(self, record: DocumentRecord) -> None:
        try:
            await self._desk.remove(record.id)
        except LectaError as error:
            self._fail(str(error))
        await self._show_library()

    # --- asking -------------------------------------------------------------------------------------------------------

    def _set_scope(self, scope: Scope) -> None:
        self._scope = scope
        self._shelf.mark(scope)
        self._box.mark(scope)

    async def _ask(self, text: str) -> None:
        if self._asking or not text.strip():
            return
        scope = self._scope
        question = Question(
            text.strip(),
            course=scope.course,
            lecture=scope.lecture,
            kind=scope.kind,
            conversation=self._conversation,
            keep=True,
        )
        self._welcome.show(self._records, is_shown=False)
        with self._turns:
            turn = Turn(question.text, self._cite, self._say)
        asking = self._asking = self._desk.ask(question)
        self._box.set_asking(True)
        self._log.clear()
        self._browser.run_method("to", ".turn:last-child > h2", False)
        try:
            await self._watch(asking, turn)
        finally:
            if self._asking is asking:
                self._end()
        await self._show_kept()

    async def _watch(self, asking: Asking, turn: Turn) -> None:
        """Show an answer as it is written, until another conversation takes its place."""
        async for event in asking:
            if self._asking is not asking:
                asking.stop()
                return
            turn.take(event)
            if isinstance(event, Done) and event.conversation:
                self._conversation = event.conversation

    def _end(self) -> None:
        self._asking = None
        self._box.set_asking(False)

    def _stop(self) -> None:
        if self._asking:
            self._asking.stop()

    def _leave(self) -> None:
        """Stop what is being answered; what was written of it is kept."""
        self._stop()
        self._end()

    def _left(self) -> None:
        """The visitor has gone."""
        self._stop()
        self._following.cancel()

    def _say(self, text: str) -> None:
        """Let a screen reader say something."""
        with self._log:
            parts.words("p", text)

    def _fail(self, message: str) -> None:
        with self._turns:
            parts.words("p", message, "error", role="alert")

    # --- conversations ------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Begin another conversation."""
        self._leave()
        self._conversation = ""
        self._turns.clear()
        self._kept.mark("")
        self._welcome.show(self._records, is_shown=True)
        self._browser.run_method("shelf", False)
        self._browser.run_method("to", "#question", True)

    async def _open(self, key: str) -> None:
        self._leave()
        try:
            conversation = await self._desk.conversation(key)
        except LectaError as error:
            self._fail(str(error))
            await self._show_kept()
            return
        self._conversation = conversation.id
        self._turns.clear()
        self._welcome.show(self._records, is_shown=False)
        with self._turns:
            for turn in conversation.turns:
                Turn.kept(turn.answer, self._cite, self._say)
        self._kept.mark(key)
        self._browser.run_method("shelf", False)
        self._browser.run_method("to", ".turn:last-child > h2", True)

    async def _rename(self, key: str, title: str) -> None:
        try:
            await self._desk.rename_conversation(key, title)
        except LectaError as error:
            self._fail(str(error))
        await self._show_kept()

    async def _delete(self, key: str) -> None:
        try:
            await self._desk.delete_conversation(key)
        except LectaError as error:
            self._fail(str(error))
        if key == self._conversation:
            self._begin()
        await self._show_kept()

    async def _export(self, key: str) -> None:
        try:
            conversation = await self._desk.conversation(key)
        except LectaError as error:
            self._fail(str(error))
            return
        ui.download.content(export.markdown(conversation), f"lecta-{conversation.id}.md", "text/markdown")

    # --- the source ---------------------------------------------------------------------------------------------------

    async def _cite(self, hit: Hit, spans: Sequence[Span]) -> None:
        await self._source.show_passage(hit.passage, spans, also=hit.also)
        self._browser.run_method("opened")
        self._browser.run_method("place")
        if self._source.start is not None:
            self._play(self._source.start)

    async def _open_record(self, record: DocumentRecord) -> None:
        await self._source.show_document(record)
        self._browser.run_method("opened")

    def _play(self, seconds: float) -> None:
        self._browser.run_method("play", seconds)

    def _close(self, event: GenericEventArguments | None = None) -> None:
        self._source.hide()
        self._browser.run_method("closed")


def _shelf(*, is_open: bool) -> str:
    """Return what opens or closes the shelf in the browser, where no answer of the server need be waited for."""
    return f'() => window.dispatchEvent(new CustomEvent("lecta-shelf", {{ detail: {"true" if is_open else "false"} }}))'
