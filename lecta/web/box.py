"""Where the question is written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from nicegui.events import GenericEventArguments

from lecta.web import parts
from lecta.web.scope import Scope

_LONGEST = 4000  # characters of a question
# The text is taken from the field itself and the field emptied at once, so that no letter typed meanwhile is lost.
_SEND = """() => {
    const field = document.getElementById("question");
    const text = field.value.trim();
    if (!text || field.dataset.busy) return;
    field.value = "";
    emit(text);
}"""
_ENTER = """(event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    document.querySelector(".box .send:not([hidden])")?.click();
}"""


class Box:
    """The field, what part of the library is asked, and the button that sends or stops."""

    def __init__(
        self, on_ask: Callable[[str], Awaitable[None]], on_stop: Callable[[], None], on_scope: Callable[[Scope], None]
    ) -> None:
        self._on_scope = on_scope
        form = parts.box("form", "ask", aria_label="Ask").on("submit", js_handler="(event) => event.preventDefault()")
        with form, parts.box("div", "box"):
            parts.words("label", "Your question", "hear", for_="question")
            self._field = parts.box(
                "textarea",
                id="question",
                rows="1",
                maxlength=str(_LONGEST),
                placeholder="Ask your lectures …",
                enterkeyhint="send",
                aria_keyshortcuts="/",
                autocomplete="off",
            ).on("keydown", js_handler=_ENTER)
            with parts.box("div", "row"):
                self._pills = parts.box("div", "scope")
                self._stop = parts.button("Stop", on_stop, "button stop", hidden=True)
                self._send = parts.button("Ask", css="button main send")

        async def send(event: GenericEventArguments) -> None:
            await on_ask(str(event.args)[:_LONGEST])

        self._send.on("click", send, js_handler=_SEND)
        self.mark(Scope())

    def set_asking(self, is_asking: bool) -> None:
        """Show the button that stops while an answer is written."""
        parts.set_attribute(self._field, "data-busy", "true" if is_asking else None)
        parts.show(self._stop, is_asking)
        parts.show(self._send, not is_asking)

    def mark(self, scope: Scope) -> None:
        """Show what part of the library is asked; a click takes a restriction away."""
        self._pills.clear()
        with self._pills:
            if not scope.pills:
                parts.words("span", "All lectures")
            for text, rest in scope.pills:
                parts.button(
                    text,
                    partial(self._on_scope, rest),
                    "pill",
                    aria_label=f"Only {text}. Ask everywhere again",
                )
