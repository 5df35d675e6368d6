"""The web page: lectures on the left, the conversation in the middle, the source on the right.

    page.py      one visit: the parts, and what happens when something is chosen
    shelf.py scope.py adding.py kept.py    left: lectures, what part is asked, what is added, conversations
    welcome.py box.py turns.py answers.py  middle: the first page, the question, the answer
    source.py excerpts.py                  right: slide, minute or notes
    markup.py    Markdown and mathematics as HTML that is safe to show
    page.css page.js theme.js drop.js      what only a browser can do

It shows what `lecta.serve.desk.Desk` tells and decides nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from lecta.serve.desk import Desk

_ICON = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#0b5e68"/>
<path d="M9 7v18h14" fill="none" stroke="#fff" stroke-width="3.4" stroke-linejoin="round"/>
<circle cx="19.5" cy="14" r="4" fill="#ffe27a"/></svg>"""


def mount(app: FastAPI, desk: Desk) -> None:
    """Put the page at "/" of an application; what has a path there already stays."""
    from nicegui import app as whole
    from nicegui import ui

    from lecta.web.page import Page

    whole.config.quasar_config["loadingBar"] = {"skipHijack": True}  # the page says itself what is going on

    css = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")

    @ui.page("/", title="lecta")
    def page() -> None:
        ui.add_css(css)
        Page(desk)

    ui.run_with(
        app,
        title="lecta",
        favicon=_ICON,
        dark=None,
        language="en-US",
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=15,  # a laptop that sleeps for a moment keeps its page
    )
