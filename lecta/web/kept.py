"""Conversations that are kept: go on with one, rename, delete, export."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from lecta.types import Conversation
from lecta.web import parts


@dataclass(frozen=True, slots=True)
class Deeds:
    """What can be done with a conversation, by its id."""

    begin: Callable[[], None]
    open: Callable[[str], Awaitable[None]]
    rename: Callable[[str, str], Awaitable[None]]
    delete: Callable[[str], Awaitable[None]]
    export: Callable[[str], Awaitable[None]]


class Kept:
    """The list of conversations."""

    def __init__(self, deeds: Deeds) -> None:
        self._deeds = deeds
        self._rows: list[tuple[str, Element]] = []
        with parts.box("section", aria_labelledby="kept-heading") as self._section:
            parts.words("h2", "Conversations", id="kept-heading")
            parts.button("New conversation", deeds.begin)
            self._list = parts.box("ul", "kept plain")

    def show(self, conversations: Sequence[Conversation], current: str) -> None:
        """List them; `current` is the id of the one that is open."""
        parts.show(self._section, bool(conversations))
        self._rows = []
        self._list.clear()
        with self._list:
            for conversation in conversations:
                self._row(conversation)
        self.mark(current)

    def mark(self, current: str) -> None:
        """Show which one is open."""
        for key, row in self._rows:
            parts.set_attribute(row, "aria-current", "true" if key == current else None)

    def _row(self, conversation: Conversation) -> None:
        key, title = conversation.id, conversation.title or "Without a question"
        with parts.box("li"):
            go = parts.button(title, lambda: self._deeds.open(key), "go", title=title)
            more = parts.icon_button("more_horiz", f"More for “{title}”", aria_expanded="false")
            with parts.box("div", "more", hidden=True) as menu:
                name = parts.box("input", "field", type="text", value=title, maxlength="300", aria_label="Title")
                parts.button("Rename", css="button small").on(
                    "click", lambda event: self._rename(key, event), js_handler=_value_of(name)
                )
                parts.button("Export", lambda: self._deeds.export(key), "button small")
                parts.careful_button("Delete", "Delete for good?", lambda: self._deeds.delete(key))
            name.on("keydown.enter", lambda event: self._rename(key, event), js_handler=_value_of(name))

        def unfold() -> None:
            is_open = more.props["aria-expanded"] == "false"
            parts.set_attribute(more, "aria-expanded", "true" if is_open else "false")
            parts.show(menu, is_open)

        more.on("click", unfold, args=[])
        self._rows.append((key, go))

    async def _rename(self, key: str, event: GenericEventArguments) -> None:
        title = str(event.args).strip()
        if title:
            await self._deeds.rename(key, title)


def _value_of(field: Element) -> str:
    return f'() => emit(document.getElementById("{field.html_id}").value)'
