"""One question and its answer, as it is written and when it is whole."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from nicegui import ui
from nicegui.events import GenericEventArguments

from lecta.in_words import formulas_line, understood_parts
from lecta.serve import events
from lecta.serve.events import Done, Event, Failed, Formulas, Judged, Loading, Passages, Queued, Recall, Text, Thought
from lecta.types import Answer, Hit, Sentence, Span
from lecta.web import answers, labels, parts
from lecta.web.answers import Draft

OnCite = Callable[[Hit, Sequence[Span]], Awaitable[None]]
"""Called with a passage that is to be shown, and the words of it that bear what was said."""
Say = Callable[[str], None]
"""Called with what a screen reader is to say."""

_SECONDS = 0.12  # between two pictures of an answer that is being written
_FIND_CHIP = """(event) => {
    const chip = event.target.closest("[data-cite]");
    if (chip) emit(Number(chip.dataset.cite));
}"""


class Turn:
    """Shows one turn and takes its events."""

    def __init__(self, question: str, on_cite: OnCite, say: Say) -> None:
        self._on_cite, self._say = on_cite, say
        self._draft = Draft("")
        self._begun = ""  # the sentence that is being written, and may still become another
        self._before = 0  # questions that are answered first
        self._thought = ""
        self._shown_at = 0.0
        self._blocks: list[ui.html] = []
        self._thinking: parts.Words | None = None
        with parts.box("article", "turn") as self._article:
            parts.words("h2", question, tabindex="-1")
            with parts.box("div", "found", hidden=True) as self._found:
                self._found_heading = parts.words("h3", "")
                self._list = parts.box("ol", "plain")
            self._thoughts = parts.box("details", "thought", hidden=True)
            with parts.box("p", "going") as self._going:
                self._doing = parts.words("span", "Searching your lectures …")
                self._bar = parts.box("progress", "bar-of", aria_label="Fetching the model", hidden=True)
            self._answer = parts.box("div", "answer")
            self._answer.on("click", self._cited, js_handler=_FIND_CHIP)
            self._ends = parts.box("div", "ends", hidden=True)

    @classmethod
    def kept(cls, answer: Answer, on_cite: OnCite, say: Say) -> Turn:
        """Show a turn of a conversation that was kept."""
        turn = cls(answer.question, on_cite, lambda text: None)
        turn.take(Passages(answer.passages))
        turn.take(Done(answer))
        turn._say = say
        return turn

    def take(self, event: Event) -> None:
        """Show what happened."""
        match event:
            case Queued() | Loading() | Passages() | Thought():
                self._prepare(event)
            case Text(text):
                self._draft, self._begun = replace(self._draft, text=self._draft.text + text), ""
                self._do("Writing …")
                self._write(is_urgent=False)
            case events.Draft(text):
                self._begun = text
                self._do("Writing …")
                self._write(is_urgent=False)
            case Recall():
                self._draft, self._begun = replace(self._draft, text="", sentences=()), ""
                self._write()
            case Judged(_, sentence):
                self._judge(sentence)
            case Formulas(formulas):
                self._draft = replace(self._draft, formulas=formulas)
            case Done(answer, _, warning):
                self._end(answer, warning)
            case Failed(message):
                self._fail(message)

    def _prepare(self, event: Queued | Loading | Passages | Thought) -> None:
        """Show what comes before the answer."""
        match event:
            case Queued(place):
                self._before = place
                self._tell()
            case Loading(model, done, total):
                self._fetch(model, done, total)
            case Passages(hits):
                self._find(hits)
            case Thought(text):
                self._think(text)

    def _tell(self) -> None:
        """Say how far it is before anything is written; passages may be there while the question still waits."""
        if self._before:
            before = labels.count(self._before, "question")
            self._do(f"{before} {'is' if self._before == 1 else 'are'} answered before yours")
        elif self._draft.passages:
            self._do(f"Reading {labels.count(len(self._draft.passages), 'passage')} …")
        else:
            self._do("Searching your lectures …")

    def _do(self, doing: str) -> None:
        if self._doing.text != doing:
            self._doing.set_text(doing)
            if not doing.startswith("Writing"):
                self._say(doing)

    def _fetch(self, model: str, done: int, total: int) -> None:
        self._doing.set_text(f"Fetching {model}, once: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB")
        parts.show(self._bar, done < total)
        parts.set_attribute(self._bar, "max", total)
        parts.set_attribute(self._bar, "value", done)

    def _find(self, hits: Sequence[Hit]) -> None:
        self._draft = replace(self._draft, passages=hits)
        found = f"{labels.count(len(hits), 'passage')} found in your lectures" if hits else "Nothing found"
        self._found_heading.set_text(found)
        parts.show(self._found, bool(hits))
        self._fill(())
        self._tell()

    def _fill(self, cited: Sequence[int]) -> None:
        """List the passages; those that are cited stand out."""
        self._list.clear()
        with self._list:
            for number, hit in enumerate(self._draft.passages, 1):
                is_cited = number in cited
                with (
                    parts.box("li"),
                    parts.box("button", "go cited" if is_cited else "go", type="button") as row,
                ):
                    parts.words("span", str(number), "number")
                    parts.words("i", labels.ICONS[hit.passage.kind], "material-icons", aria_hidden="true")
                    parts.words("span", labels.chip(hit.passage), "place")
                    parts.words("span", labels.heading(hit.passage), "title")
                    parts.words("span", f", {hit.passage.kind}{', cited' if is_cited else ''}", "hear")
                row.on("click", partial(self._open, number), args=[])

    def _think(self, text: str) -> None:
        self._thought += text
        self._do("Thinking …")
        if self._thinking is None:
            self._thoughts.clear()
            with self._thoughts:
                parts.words("summary", "What the model thought first")
                self._thinking = parts.words("pre", "", tabindex="0")
            parts.show(self._thoughts, True)
        self._thinking.set_text(self._thought)

    def _judge(self, sentence: Sentence) -> None:
        self._draft = replace(self._draft, sentences=(*self._draft.sentences, sentence))
        self._write()
        self._say(sentence.text + (" Not in the lectures." if sentence.supported is False else ""))

    def _write(self, *, is_urgent: bool = True) -> None:
        """Show the answer as far as it goes; only what has changed is sent."""
        now = time.monotonic()
        if not is_urgent and now - self._shown_at < _SECONDS:
            return
        self._shown_at = now
        made = answers.html_blocks(replace(self._draft, text=self._draft.text + self._begun))
        for element, html in zip(self._blocks, made, strict=False):
            if element.content != html:
                element.set_content(html)
        for element in self._blocks[len(made) :]:
            element.delete()
        del self._blocks[len(made) :]
        with self._answer:
            self._blocks += [parts.html(html) for html in made[len(self._blocks) :]]

    def _end(self, answer: Answer, warning: str) -> None:
        self._begun = ""
        self._draft = Draft(answer.text, answer.sentences, answer.formulas, answer.passages, answer.case)
        parts.show(self._going, False)
        if answer.abstained and answer.passages:
            self._found_heading.set_text("Nearest in your lectures")
        self._fill(answer.cited)
        self._write()
        if answer.thinking and self._thinking is None:
            self._think(answer.thinking)
        lines = _ends(answer)
        with self._ends:
            for line in lines:
                parts.words("span", line)
            if warning:
                parts.words("p", warning, "error")
        parts.show(self._ends, bool(lines or warning))
        self._say(f"The answer is complete. {lines[0] if lines else ''}")

    def _fail(self, message: str) -> None:
        parts.show(self._going, False)
        with self._article:
            parts.words("p", message, "error", role="alert")

    async def _cited(self, event: GenericEventArguments) -> None:
        if isinstance(event.args, int):
            await self._open(event.args)

    async def _open(self, number: int) -> None:
        """Show the source with a number, from 1."""
        if 1 <= number <= len(self._draft.passages):
            await self._on_cite(self._draft.passages[number - 1], self._spans(number))

    def _spans(self, number: int) -> list[Span]:
        return [span for one in self._draft.sentences for span in one.spans if span.passage == number]


def _ends(answer: Answer) -> list[str]:
    """Return what is said below an answer, each a short line."""
    lines = [answers.summary(answer.sentences), formulas_line(answer)]
    lines += ["stopped here"] if answer.stopped else []
    lines += understood_parts(answer.understood, answer.question)
    lines += [f"{labels.count(len(answer.left_out), 'link or command')} left out"] if answer.left_out else []
    lines += [f"{labels.count(len(answer.orders), 'sentence')} not shown to the model"] if answer.orders else []
    seconds = answer.timings.get("total_ms", 0) / 1000
    lines.append(f"{answer.model}{f', {seconds:.0f} s' if seconds >= 1 else ''}")
    return [line for line in lines if line]
