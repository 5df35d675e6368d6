"""Passages and answers: rendered as Markdown while they are written on a terminal, plain text into a pipe."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from lecta.console.screen import as_markdown, err, out
from lecta.in_words import formulas_line, place, understood_parts
from lecta.types import Answer, Hit, Understanding


@contextlib.contextmanager
def answering(quiet: bool, show_docs: bool, show_thinking: bool = False) -> Iterator[Listener]:
    """Show an answer while it is written; on Ctrl-C or an error what was written stays on the screen."""
    listener = Listener(quiet, show_docs, show_thinking)
    listener.start()
    try:
        yield listener
    finally:
        listener.finish()


class Listener:
    """Shows an answer while it is written: whole paragraphs as Markdown, the one being written below them."""

    def __init__(self, quiet: bool, show_docs: bool, show_thinking: bool) -> None:
        self._quiet, self._show_docs, self._show_thinking = quiet, show_docs, show_thinking
        self._thinking_since = 0.0
        self._console = out()
        self._text = ""
        self._live: Live | None = None
        self._started = time.monotonic()

    def start(self) -> None:
        """Say that something is going on, until the first words come."""
        if not self._quiet and self._console.is_terminal:
            self._show(Text("searching ...", style="dim"))

    def on_passages(self, hits: Sequence[Hit]) -> None:
        """Show what was found, if asked to, and that the model is reading it."""
        if self._quiet:
            return
        if self._show_docs:
            self._hide()
            print_hits(hits)
        if self._console.is_terminal:
            self._show(Text(f"reading {len(hits)} passages ...", style="dim"))

    def on_thought(self, piece: str) -> None:
        """Show that the model is thinking and for how long; what, if asked to."""
        if self._quiet:
            return
        is_first = not self._thinking_since
        self._thinking_since = self._thinking_since or time.monotonic()
        if self._show_thinking:
            self._hide()
            if is_first and not self._console.is_terminal:
                self._console.file.write("<think>\n")
            self._console.print(Text(piece.lstrip() if is_first else piece, style="dim"), end="", soft_wrap=True)
        elif self._console.is_terminal:
            self._show(Text(f"thinking ... {time.monotonic() - self._thinking_since:.0f} s", style="dim"))

    def on_recall(self) -> None:
        """Say that what was shown as the answer was the model thinking."""
        self._text = ""
        if self._quiet:
            return
        self._hide()
        self._console.print("\n(the model was thinking until here)\n", style="dim", markup=False)

    def _end_thinking(self) -> None:
        if not self._thinking_since:
            return
        seconds, self._thinking_since = time.monotonic() - self._thinking_since, 0.0
        self._hide()
        if self._show_thinking:
            self._console.print("\n" if self._console.is_terminal else "\n</think>\n")
        elif self._console.is_terminal:
            self._console.print(f"thought for {seconds:.0f} s (--show-thinking shows what)", style="dim", markup=False)

    def on_text(self, piece: str) -> None:
        """Show the next piece of the answer."""
        if self._quiet:
            return
        self._end_thinking()
        if not self._console.is_terminal:
            self._console.file.write(piece)
            self._console.file.flush()
            return
        self._text += piece
        whole, cut, rest = self._text.rpartition("\n\n")
        if cut and whole.count("```") % 2 == 0 and whole.count("$$") % 2 == 0:
            self._hide()
            self._console.print(as_markdown(whole), "")
            self._text = rest
        self._show(as_markdown(self._text))

    def on_draft(self, sentence: str) -> None:
        """Show the sentence that is being written behind what stays."""
        if not self._quiet and self._console.is_terminal:
            self._end_thinking()
            self._show(as_markdown(self._text + sentence))

    def finish(self) -> None:
        """Print what is left for good."""
        self._end_thinking()
        self._hide()
        if self._text.strip():
            self._console.print(as_markdown(self._text))
        elif not self._quiet and not self._console.is_terminal:
            self._console.file.write("\n")

    def pause(self) -> None:
        """Take away what is shown for the moment, so that something else can be printed."""
        self._hide()

    def _show(self, shown: Any) -> None:
        if self._live is None:
            self._live = Live(console=self._console, transient=True, refresh_per_second=8)
            self._live.start()
        self._live.update(shown)

    def _hide(self) -> None:
        if self._live is not None:
            self._live.update(Text(""))
            self._live.stop()
            self._live = None


def print_sources(answer: Answer, console: Console | None = None) -> None:
    """Print the passages an answer cites and how its formulas fared: a table on a terminal, lines into a pipe."""
    console = console or out()
    _print_cited(answer, console)
    _print_nearest(answer, console)
    formulas = formulas_line(answer)
    if formulas:
        console.print(f"\n{formulas}", markup=False)


def _print_cited(answer: Answer, console: Console) -> None:
    cited = answer.cited
    if answer.abstained or not answer.passages:
        return
    shown = cited or list(range(1, len(answer.passages) + 1))
    heading = "Sources" if cited else "Found, not cited"
    rows = [(number, answer.passages[number - 1].passage) for number in shown]
    if not console.is_terminal:
        console.print(f"\n{heading}:", markup=False)
        for number, passage in rows:
            lecture = f"lecture {passage.lecture}, " if passage.lecture is not None else ""
            console.print(f"[{number}] {passage.source}, {lecture}{place(passage)}", markup=False)
        return
    table = Table(title=heading, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for column in ("", "lecture", "place", "title", "file"):
        table.add_column(column, overflow="fold")
    for number, passage in rows:
        lecture = "" if passage.lecture is None else str(passage.lecture)
        table.add_row(f"\\[{number}]", lecture, place(passage), escape(passage.title), escape(passage.source))
    console.print("", table)


def _print_nearest(answer: Answer, console: Console) -> None:
    """Print where the lectures come nearest to a question that they do not cover, a line for each lecture."""
    if not answer.abstained or not answer.passages:
        return
    places: dict[tuple[str, int | None], str] = {}
    for hit in answer.passages:
        one = hit.passage
        lecture = f"lecture {one.lecture}" if one.lecture is not None else one.source
        places.setdefault((one.course, one.lecture), f"{lecture}, {place(one)}")
    console.print(f"\nNearest: {'; '.join(list(places.values())[:3])}", markup=False)


def print_hits(hits: Sequence[Hit]) -> None:
    """Print passages with their places."""
    console = out()
    if not hits:
        console.print("nothing found")
    for rank, hit in enumerate(hits, 1):
        passage = hit.passage
        lecture = f"lecture {passage.lecture} · " if passage.lecture is not None else ""
        title = f" · {passage.title}" if passage.title else ""
        where = escape(f"{lecture}{place(passage)}{title}")
        console.print(f"[bold]{rank}[/]  {where}  [dim]{escape(passage.source)}  {hit.score:.3f}[/]")
        console.print(Text(passage.text), "")


def print_understood(understood: Understanding | None, question: str) -> None:
    """Print in one dim line on stderr, on a terminal, how a question was read where that is not as it stands."""
    console = err()
    parts = understood_parts(understood, question)
    if parts and console.is_terminal:
        console.print(f"[dim]{escape('; '.join(parts))}[/]")
