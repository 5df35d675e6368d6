"""What the library holds: `add`, `list`, `remove`, `reindex`, `read-ahead`, `status`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lecta.cli.options import JsonOption, LibraryOption, ModelOption
from lecta.cli.shared import library_at, print_json, read_in_background
from lecta.errors import LectaError

if TYPE_CHECKING:
    from lecta.library import Library


def add(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders.", show_default=False)],
    course: Annotated[
        str | None, typer.Option("--course", help="Name of the course. [default: the folder's]", show_default=False)
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Take out what came from these folders and is gone from the disk.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and add what changes in these folders.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing unless something changed.")] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read lectures and make them searchable; files that have not changed are left alone."""
    from lecta.as_json import add_json
    from lecta.console.library import print_add
    from lecta.console.progress import adding

    opened = library_at(library, adds=True)
    with adding(quiet=as_json) as shown:
        report = opened.add(paths, course=course, prune=prune, **shown)
    if as_json:
        print_json(add_json(report))
    elif not quiet or report.gone or any(file.status in ("added", "updated", "failed") for file in report.files):
        print_add(report)
    if watch:
        _watch(opened, paths, course, prune=prune, as_json=as_json)
        return
    if sys.stderr.isatty() and not as_json and any(file.status in ("added", "updated") for file in report.files):
        read_in_background(opened)
    if not report.files:
        raise LectaError(f"no files in {', '.join(map(str, paths))}")
    if any(file.status == "failed" for file in report.files) or not any(
        file.status in ("added", "updated", "unchanged", "duplicate") for file in report.files
    ):
        raise typer.Exit(1)


def _watch(library: Library, paths: list[Path], course: str | None, *, prune: bool, as_json: bool) -> None:
    """Add what changes until Ctrl-C; a burst of changes is one round."""
    import watchfiles

    from lecta.console.library import print_add
    from lecta.console.progress import adding
    from lecta.console.screen import print_note

    if as_json:
        raise typer.BadParameter("--watch goes on for ever and cannot print one JSON document", param_hint="--watch")
    print_note("watching; stop with Ctrl-C")
    own = str(library.path.resolve())
    for changes in watchfiles.watch(*paths, debounce=2000, step=500):
        if all(path.startswith(own) for _, path in changes):
            continue
        with adding(quiet=False) as shown:
            report = library.add(paths, course=course, prune=prune, **shown)
        if any(file.status not in ("unchanged", "skipped") for file in report.files) or report.gone:
            print_add(report)


def list_(
    files: Annotated[bool, typer.Option("--files", help="One line for each file instead of each lecture.")] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the courses and lectures in the library."""
    from lecta.as_json import list_json
    from lecta.console.library import print_documents, print_lectures

    opened = library_at(library)
    if as_json:
        print_json(list_json(opened.lectures(), opened.documents()))
    elif files:
        print_documents(opened.documents())
    else:
        print_lectures(opened.lectures())


def remove(
    path: Annotated[str, typer.Argument(help="A file or folder that was added.", show_default=False)],
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a file, or all files of a folder, out of the library; the files themselves stay."""
    removed = library_at(library).remove(path)
    if as_json:
        print_json({"removed": [record.source for record in removed]})
    else:
        typer.echo(f"removed {len(removed)} file{'s' * (len(removed) != 1)}")


def reindex(
    embedder: Annotated[
        str | None,
        typer.Option(
            "--embedder",
            help="minilm, bge-small, openai:NAME, ollama:NAME or st:NAME_OR_FOLDER. [env: LECTA_EMBEDDER]",
            show_default=False,
        ),
    ] = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the library anew by another embedder or passage size; the old one serves until that is done."""
    from lecta.as_json import reindex_json
    from lecta.console.library import print_reindex
    from lecta.console.progress import counting

    opened = library_at(library, embedder=embedder)
    with counting("files", quiet=as_json) as on_document:
        report = opened.reindex(on_document=on_document)
    if as_json:
        print_json(reindex_json(report))
    else:
        print_reindex(report)


def read_ahead(
    sections: Annotated[
        int | None,
        typer.Option("--sections", min=0, max=10_000, help="Sections to read. [default: 64]", show_default=False),
    ] = None,
    library: LibraryOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the model read what will probably be asked for, so that answers begin at once; waits while a question runs.

    Ctrl-C keeps what was read.
    """
    from lecta.console.progress import counting

    opened = library_at(library, model=model)
    if hasattr(os, "nice"):
        os.nice(10)
    with counting("sections", quiet=as_json) as on_section:
        done = opened.read_ahead(sections, on_section)
    kept = opened.states.kept()
    if as_json:
        print_json({"read": done, "states": kept.states, "bytes": kept.bytes, "limit": kept.limit})
    else:
        typer.echo(f"read {done} section{'s' * (done != 1)} ahead; {kept.states} states take {kept.bytes / 1e6:.0f} MB")


def status(
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="PATH", help="Say of a file what was left out, and why.", show_default=False),
    ] = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where the library and the models are, and how much they hold."""
    from lecta.as_json import explain_json, status_facts
    from lecta.console.library import print_explanation, print_status
    from lecta.resident import client

    opened = library_at(library)
    if explain is not None:
        report = explain_json(opened.find(explain))
        if as_json:
            print_json(report)
        else:
            print_explanation(report)
        return
    facts = status_facts(opened) | {"resident": client.status(opened.settings)}
    if as_json:
        print_json(facts)
    else:
        print_status(facts)
