"""What the library is asked: `search`, `ask`, `stop`, `chat`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lecta.cli.options import (
    CountOption,
    CourseOption,
    JsonOption,
    KindOption,
    LectureOption,
    LibraryOption,
    ModelOption,
    ThinkingOption,
)
from lecta.cli.shared import (
    complain,
    library_at,
    library_of,
    nothing_in,
    print_json,
    read_in_background,
    settings_with,
    stay,
    warn_if_empty,
)
from lecta.errors import UsageError

if TYPE_CHECKING:
    from lecta.settings import Settings


def search(
    question: Annotated[str, typer.Argument(help="What to look for.", show_default=False)],
    k: CountOption = None,
    course: CourseOption = None,
    lecture: LectureOption = None,
    kind: KindOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the passages that treat a question."""
    from lecta.as_json import search_json
    from lecta.console.answers import print_hits, print_understood

    opened = library_at(library, is_asked=True)
    found = opened.search(question, k, course=course, lecture=lecture, kind=kind.value if kind else None)
    if as_json:
        print_json(search_json(found))
    else:
        warn_if_empty(opened)
        print_understood(found.understood, question)
        print_hits(found.hits)


def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.", show_default=False)],
    k: CountOption = None,
    show_docs: Annotated[bool, typer.Option("--show-docs", help="Print the passages before the answer.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Leave out what no passage bears, instead of marking it.")
    ] = False,
    show_thinking: ThinkingOption = False,
    model: ModelOption = None,
    course: CourseOption = None,
    lecture: LectureOption = None,
    kind: KindOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the lectures, with sources."""
    from lecta import resident
    from lecta.resident import client

    settings = settings_with(library=library, model=model)
    filters = {"course": course, "lecture": lecture, "kind": kind.value if kind else None}
    options: dict[str, Any] = {"k": k, "strict": strict} | filters
    from lecta.as_json import answer_json
    from lecta.console.answers import answering, print_sources, print_understood

    with answering(quiet=as_json, show_docs=show_docs, show_thinking=show_thinking) as listener:

        def on_empty() -> None:
            if not as_json:
                listener.pause()
                complain(nothing_in(settings.library))

        answer = client.ask(settings, question, options, listener, on_empty)
        is_warm = answer is not None
        if answer is None:
            opened = library_of(settings, is_asked=True)
            if not as_json and not opened.store.count():
                on_empty()
            answer = opened.ask(
                question,
                **options,
                on_passages=listener.on_passages,
                on_text=listener.on_text,
                on_thought=listener.on_thought,
                on_recall=listener.on_recall,
                on_draft=listener.on_draft,
            )
    if as_json:
        print_json(answer_json(answer))
    else:
        print_sources(answer)
        print_understood(answer.understood, question)
    if not is_warm:
        resident.start(settings)
    if not as_json and sys.stderr.isatty():
        _read_what_was_missed(settings)


def _read_what_was_missed(settings: Settings) -> None:
    """Let the section that a question missed be read in the background, for the next."""
    opened = library_of(settings, is_asked=False)
    if opened.wants_reading():
        read_in_background(opened, "--sections", "1")


def stop(library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """End the process that stays after `ask` with everything loaded."""
    from lecta.resident import client

    was_there = client.stop(settings_with(library=library))
    if as_json:
        print_json({"stopped": was_there})
    else:
        typer.echo("stopped" if was_there else "none was there")


def chat(
    conversation: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="A conversation; its first letters do. [default: the last]", show_default=False
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a conversation.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="Show the conversations that are kept.")] = False,
    export: Annotated[bool, typer.Option("--export", help="Print a conversation as Markdown.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there instead.", show_default=False)
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the conversation named.")] = False,
    k: CountOption = None,
    show_thinking: ThinkingOption = False,
    model: ModelOption = None,
    course: CourseOption = None,
    lecture: LectureOption = None,
    kind: KindOption = None,
    library: LibraryOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document a line for each answer.")] = False,
) -> None:
    """Ask and ask on: a conversation, on a terminal or a question a line from a pipe."""
    stay()
    from lecta import chatting
    from lecta import export as exporting

    asked = [
        name
        for name, given in (("resume", resume), ("list", list_all), ("export", export), ("delete", delete))
        if given
    ]
    if len(asked) > 1:
        raise UsageError(f"--{asked[0]} and --{asked[1]} are two things: give one of them")
    if conversation is not None and asked in ([], ["list"]):
        raise UsageError(
            f"{conversation!r} is taken for a conversation: write --resume, --export or --delete before it"
        )
    if out is not None and not export:
        raise UsageError("--out says where --export writes: give both")
    opened = library_at(library, model=model)
    if list_all:
        chatting.list_conversations(opened.conversations, as_json=as_json)
    elif export:
        exporting.export(opened.conversations.find(conversation or "", chatting.warn), out)
    elif delete:
        if conversation is None:
            raise UsageError("--delete wants the conversation's id: `lecta chat --list` shows it")
        typer.echo(f"deleted {opened.conversations.delete(conversation)}")
    else:
        options = chatting.Options(k, course, lecture, kind.value if kind else None, show_thinking, as_json)
        old = opened.conversations.find(conversation or "", chatting.warn) if resume else None
        warn_if_empty(opened)
        if not chatting.Chat(opened, options, old).run():
            raise typer.Exit(1)
