"""What is shown before anything was asked: how to begin, or what could be asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from lecta.serve.uploads import Upload
from lecta.types import DocumentRecord
from lecta.web import labels, parts, sample

_TRIES = (
    "What is the chain rule in backpropagation?",
    "Why does Adam need bias correction?",
    "What is a receptive field?",
)
"""Questions for the sample course."""


class Welcome:
    """The first page."""

    def __init__(self, on_ask: Callable[[str], Awaitable[None]], on_sample: Callable[[], None] | None) -> None:
        self._on_ask, self._on_sample = on_ask, on_sample
        self._going: str = ""
        self._records: Sequence[DocumentRecord] = ()
        self._root = parts.box("div", "welcome")

    def show(self, records: Sequence[DocumentRecord], *, is_shown: bool) -> None:
        """Show what fits the library as it is now."""
        self._records = records
        parts.show(self._root, is_shown)
        self._fill()

    def set_going(self, uploads: Sequence[Upload]) -> None:
        """Say that lectures are being added."""
        where = f", {uploads[0].where}" if uploads and uploads[0].where else ""
        going = f"Reading {uploads[0].name}{where} …" if uploads else ""
        if going != self._going:
            self._going = going
            self._fill()

    def _fill(self) -> None:
        self._root.clear()
        with self._root:
            if self._records:
                self._fill_ready()
            else:
                self._fill_empty()

    def _fill_ready(self) -> None:
        courses = {record.course for record in self._records}
        held = f"{labels.count(len(self._records), 'file')} of {labels.count(len(courses), 'course')}"
        parts.words("h2", "What would you like to know?")
        parts.words("p", f"Your library holds {held}. Every answer shows where in them it stands.", "soft")
        if self._going:
            parts.words("p", self._going, "going")
        if sample.COURSE in courses:
            with parts.box("div", "tries", role="group", aria_label="Questions to try"):
                for question in _TRIES:
                    parts.button(question, partial(self._on_ask, question))
        parts.words(
            "p",
            "Keys: / goes to the question, Enter asks, ← and → go from citation to citation, Enter opens one, "
            "Esc closes it.",
            "soft small",
        )

    def _fill_empty(self) -> None:
        parts.words("h2", "Ask your own lectures")
        parts.words(
            "p",
            "lecta reads slides, transcripts, recordings and notes, answers questions from them, and shows for every "
            "sentence the slide or the minute it rests on. Everything stays on this machine.",
        )
        if self._going:
            parts.words("p", self._going, "going", role="status")
            return
        with parts.box("div", "doors"):
            with parts.box("div", "card"):
                parts.words("h3", "Begin with your lectures")
                parts.words("p", "Choose files or a whole folder; what is read is listed as it comes.", "soft small")
                add = parts.button("Add lectures", css="button main")
                add.on("click", js_handler=_OPEN_FILES)
            if self._on_sample:
                with parts.box("div", "card"):
                    parts.words("h3", "Or look around first")
                    parts.words(
                        "p",
                        f"The sample course “{sample.COURSE}” has five short lectures with slides, speech and notes.",
                        "soft small",
                    )
                    parts.button("Add the sample course", self._on_sample)


_OPEN_FILES = """() => document.querySelector(".drop input[type=file]").click()"""
