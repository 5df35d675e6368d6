"""A conversation on a terminal or a question a line from a pipe. What it shows; nothing is decided here."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lecta.as_json import answer_json
from lecta.console.answers import answering, print_hits, print_sources, print_understood
from lecta.console.screen import print_note
from lecta.errors import LectaError, LibraryError, UsageError
from lecta.export import export
from lecta.types import Answer, Conversation, Kind

if TYPE_CHECKING:
    from lecta.conversations import Conversations
    from lecta.library import Library

_HELP = """\
/sources        the passages of the last answer, in full
/thinking       what the model thought before it
/new            begin another conversation
/export FILE    write this conversation as Markdown
/quit           leave, as Ctrl-D does
Ctrl-C stops an answer; what was written is kept."""


@dataclass(frozen=True, slots=True)
class Options:
    """How questions are asked and answers shown."""

    k: int | None = None
    course: str | None = None
    lecture: int | None = None
    kind: Kind | None = None
    show_thinking: bool = False
    as_json: bool = False


class Chat:
    """Asks each line, keeps each answer, obeys the commands."""

    def __init__(self, library: Library, options: Options, conversation: Conversation | None = None) -> None:
        """`conversation` is gone on with; without one the first answer begins it."""
        self._library = library
        self._options = options
        self._conversation = conversation
        self._last: Answer | None = conversation.turns[-1].answer if conversation and conversation.turns else None
        self._is_terminal = sys.stdin.isatty()
        self._out = Console(highlight=False, soft_wrap=not sys.stdout.isatty())

    def run(self) -> bool:
        """Go on until the lines end or /quit; return whether every question was answered."""
        if self._conversation:
            self._recall(self._conversation)
        elif self._is_terminal:
            print_note("ask; /help shows the commands, Ctrl-D leaves")
        is_well = True
        for line in self._lines():
            if line.startswith("/"):
                if line.split()[0] in ("/quit", "/exit"):
                    break
                self._obey(line)
            else:
                is_well = self._is_answered(line) and is_well
        if self._is_terminal and self._conversation:
            print_note(f"kept; go on with `lecta chat --resume {self._conversation.id}`")
        return is_well

    def _lines(self) -> Iterator[str]:
        """Yield what is typed or piped in, without empty lines."""
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(encoding=None if self._is_terminal else "utf-8-sig", errors="replace")
        for line in self._typed() if self._is_terminal else sys.stdin:
            if text := line.encode("utf-8", "replace").decode().strip():
                yield text

    def _typed(self) -> Iterator[str]:
        with contextlib.suppress(ImportError):  # Windows has none; its terminal edits lines itself
            import readline

            for turn in self._conversation.turns if self._conversation else ():
                readline.add_history(turn.answer.question)
        shown = sys.stdout.isatty() and not self._options.as_json
        while True:
            try:
                if not shown:
                    print("> ", end="", file=sys.stderr, flush=True)  # noqa: T201
                yield input("> " if shown else "")
            except EOFError:
                print(file=sys.stderr)  # noqa: T201
                return
            except KeyboardInterrupt:
                print(file=sys.stderr)  # noqa: T201

    def _is_answered(self, question: str) -> bool:
        """Ask; what goes wrong with one question is one line, and the conversation goes on."""
        try:
            self._ask(question)
        except UsageError:
            raise
        except LectaError as error:
            self._fail(question, error)
            return False
        except KeyboardInterrupt:
            if not self._is_terminal:
                raise
            print_note("stopped before anything was written")
        return True

    def _ask(self, question: str) -> None:
        options = self._options
        if not self._is_terminal and not options.as_json:
            self._out.print(f"> {question}\n", markup=False)
        with (
            _unechoed_ctrl_c(self._is_terminal),
            answering(options.as_json, show_docs=False, show_thinking=options.show_thinking) as listener,
        ):
            answer = self._library.ask(
                question,
                options.k,
                course=options.course,
                lecture=options.lecture,
                kind=options.kind,
                history=self._conversation.history if self._conversation else (),
                on_passages=listener.on_passages,
                on_text=listener.on_text,
                on_thought=listener.on_thought,
                on_recall=listener.on_recall,
                on_draft=listener.on_draft,
                keep_stopped=True,
            )
        self._last = answer
        self._keep(answer)
        if options.as_json:
            self._print_json(answer)
        else:
            self._show_end(answer)
        if answer.stopped and not self._is_terminal:
            raise KeyboardInterrupt

    def _keep(self, answer: Answer) -> None:
        """Keep the turn; where that fails the conversation goes on all the same."""
        try:
            self._conversation = self._library.conversations.append(self._conversation, answer)
        except LibraryError as error:
            warn(str(error))

    def _print_json(self, answer: Answer) -> None:
        conversation = self._conversation
        own = {
            "conversation": conversation.id if conversation else None,
            "turn": len(conversation.turns) if conversation else None,
            "stopped": answer.stopped,
        }
        _print_line(own | answer_json(answer))

    def _show_end(self, answer: Answer) -> None:
        if answer.stopped:
            self._out.print("(stopped)", style="dim")
        print_sources(answer)
        print_understood(answer.understood, answer.question)
        self._out.print()

    def _fail(self, question: str, error: LectaError) -> None:
        if self._options.as_json:
            _print_line({"question": question, "error": str(error)})
        warn(str(error))

    def _obey(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        try:
            if command == "/new":
                self._conversation = self._last = None
                print_note("a new conversation")
            elif command == "/export":
                self._export(rest.strip())
            elif command in ("/sources", "/thinking"):
                self._show_last(command)
            elif command == "/help":
                print_note(_HELP)
            else:
                raise UsageError(f"no command {command}; /help shows what there is")
        except LectaError as error:
            warn(str(error))

    def _export(self, name: str) -> None:
        if not name:
            raise UsageError("/export wants a file: /export chain-rule.md")
        if self._conversation is None:
            raise UsageError("nothing to export yet: ask something first")
        export(self._conversation, Path(name))
        print_note(f"wrote {name}")

    def _show_last(self, command: str) -> None:
        if self._last is None:
            raise UsageError("there is no answer yet")
        if self._options.as_json:
            raise UsageError(f"{command} is in every answer that --json prints")
        if command == "/sources":
            print_hits(self._last.passages)
        else:
            self._out.print(self._last.thinking or "the model did not think aloud", style="dim", markup=False)

    def _recall(self, conversation: Conversation) -> None:
        """Say where the conversation stands."""
        count = len(conversation.turns)
        print_note(f"conversation {conversation.id}, {count} question{'s' * (count != 1)}; the last:")
        if self._last:
            print_note(f"> {self._last.question}\n{textwrap.shorten(self._last.text, 300, placeholder=' ...')}\n")


def list_conversations(kept: Conversations, *, as_json: bool) -> None:
    """Print the conversations that are kept, the last one first; those that cannot be read are named on stderr."""
    found = kept.all(warn)
    if as_json:
        rows = [
            {
                "id": one.id,
                "title": one.title,
                "turns": len(one.turns),
                "last": one.turns[-1].asked if one.turns else None,
            }
            for one in found
        ]
        sys.stdout.write(json.dumps({"conversations": rows}, ensure_ascii=False, indent=1) + "\n")
        return
    out = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    if not found:
        out.print("no conversation is kept yet: begin one with `lecta chat`", markup=False)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("id", "last", "questions", "first question"):
        table.add_column(column, justify="right" if column == "questions" else "left", overflow="fold")
    for one in found:
        title = textwrap.shorten(one.title, 100, placeholder=" ...")
        table.add_row(one.id, _local(one.turns[-1].asked) if one.turns else "", str(len(one.turns)), escape(title))
    out.print(table)


@contextlib.contextmanager
def _unechoed_ctrl_c(is_terminal: bool) -> Iterator[None]:
    """Keep the terminal from writing "^C" into the answer, whose last line is then not where it was left."""
    try:
        import termios
    except ImportError:  # Windows echoes none
        is_terminal = False
    if not is_terminal:
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    without = [*before]
    without[3] = before[3] & ~termios.ECHOCTL
    termios.tcsetattr(sys.stdin, termios.TCSANOW, without)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


def warn(line: str) -> None:
    """Print one line about what went wrong on stderr."""
    print(f"lecta: {line}", file=sys.stderr, flush=True)  # noqa: T201


def _local(moment: str) -> str:
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return moment


def _print_line(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()
