"""Small parts of the page: plain HTML elements, whose text is always text."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

OnClick = Callable[[], Any]


class Words(TextElement):
    """An element that holds text."""

    def __init__(self, tag: str, text: str) -> None:
        super().__init__(tag=tag, text=text)


class Browser(Element, component="page.js"):
    """Keys and focus; see page.js."""


class Theme(Element, component="theme.js"):
    """The switch between the system's theme, light and dark."""


def box(tag: str, css: str = "", **attributes: Any) -> Element:
    """Return an element to put others into; attributes are written with "_" for "-"."""
    return _dressed(ui.element(tag), css, attributes)


def words(tag: str, text: str, css: str = "", **attributes: Any) -> Words:
    """Return an element with a text."""
    element = Words(tag, text)
    _dressed(element, css, attributes)
    return element


def button(text: str, on_click: OnClick | None = None, css: str = "button", **attributes: Any) -> Words:
    """Return a button with a text."""
    element = words("button", text, css, type="button", **attributes)
    if on_click:
        element.on("click", on_click, args=[])
    return element


def icon_button(icon: str, label: str, on_click: OnClick | None = None, css: str = "", **attributes: Any) -> Element:
    """Return a button with a picture, whose label is heard and shown when it is pointed at."""
    element = box("button", f"icon {css}", type="button", aria_label=label, title=label, **attributes)
    with element:
        words("i", icon, "material-icons", aria_hidden="true")
    if on_click:
        element.on("click", on_click, args=[])
    return element


def careful_button(text: str, question: str, on_click: OnClick, css: str = "button small danger") -> Words:
    """Return a button that asks once more: the first click shows the question, a second one does it."""
    element = words("button", text, css, type="button")

    async def clicked() -> None:
        if element.text == text:
            element.set_text(question)
            return
        done = on_click()
        if isawaitable(done):
            await done

    element.on("click", clicked, args=[])
    element.on("blur", lambda: element.set_text(text), args=[])
    return element


def html(content: str, css: str = "", tag: str = "div", **attributes: Any) -> ui.html:
    """Return an element with HTML, which must come from `lecta.web.markup` or be escaped."""
    element = ui.html(content, sanitize=False, tag=tag)
    _dressed(element, css, attributes)
    return element


def set_attribute(element: Element, name: str, value: Any) -> None:
    """Change an attribute; None takes it away."""
    if value is None:
        element.props.pop(name, None)
    else:
        element.props[name] = value


def show(element: Element, is_shown: bool) -> None:
    """Show or hide an element."""
    set_attribute(element, "hidden", None if is_shown else True)


def _dressed(element: Element, css: str, attributes: dict[str, Any]) -> Element:
    if css:
        element.classes(css)
    for name, value in attributes.items():
        if value is not None:
            element.props[name.rstrip("_").replace("_", "-")] = value
    return element
