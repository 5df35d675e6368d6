"""Bars of what goes on, on stderr: files and passages that are added, models that are fetched, steps."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypedDict

from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lecta.console.screen import err
from lecta.types import FileReport

OnFile = Callable[[FileReport, int, int], None]
OnHeard = Callable[[str, str], None]


class Shown(TypedDict):
    """What `Library.add` tells while it goes on."""

    on_file: OnFile
    on_heard: OnHeard
    on_embedded: Callable[[int, int], None]


@contextlib.contextmanager
def adding(quiet: bool) -> Iterator[Shown]:
    """Show a bar of files while they are added, where in a long one its reader is, and every file that fails.

    Once they are found by their words the bar is of passages.
    """
    console = err()
    bar = Progress(
        TextColumn("{task.fields[deed]}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.description}"), console=console, transient=True, disable=quiet or not console.is_terminal,
    )  # fmt: skip
    task = bar.add_task("", total=None, deed="reading")

    def on_file(report: FileReport, done: int, total: int) -> None:
        bar.update(task, completed=done, total=total, description="")
        if report.status == "failed":
            console.print(f"[red]failed[/] {escape(report.path)}: {escape(report.reason)}", soft_wrap=True)

    def on_heard(path: str, where: str) -> None:
        bar.update(task, description=escape(f"{Path(path).name}: {where}"))

    def on_embedded(done: int, total: int) -> None:
        words = "found by words; making vectors"
        bar.update(task, completed=done, total=total, deed="embedding", description=words)

    with bar:
        yield {"on_file": on_file, "on_heard": on_heard, "on_embedded": on_embedded}


@contextlib.contextmanager
def counting(what: str, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar of steps."""
    console = err()
    bar = Progress(
        TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console, transient=True,
        disable=quiet or not console.is_terminal,
    )  # fmt: skip
    task = bar.add_task("", total=None)
    with bar:
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextlib.contextmanager
def fetching(deed: str = "fetching") -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar of bytes for each model."""
    bar = _download_bar(deed)
    tasks: dict[str, Any] = {}

    def on_fetch(name: str, done: int, total: int) -> None:
        if name not in tasks:
            tasks[name] = bar.add_task(name, total=total)
        bar.update(tasks[name], completed=done)

    with bar:
        yield on_fetch


def on_fetch() -> Callable[[str, int, int], None]:
    """Return a callback that shows a bar only once a model really is fetched, for commands that seldom need one."""
    bars: dict[str, Progress] = {}
    announced: set[str] = set()

    def show(name: str, done: int, total: int) -> None:
        if name not in bars:
            bars[name] = _download_bar("fetching")
            bars[name].add_task(name, total=total)
            bars[name].start()
            if bars[name].disable and name not in announced:
                announced.add(name)
                err().print(f"lecta: fetching {name} ({total / 1e6:,.0f} MB), once")
        bar = bars[name]
        bar.update(bar.task_ids[0], completed=done)
        if done >= total:
            bar.stop()

    return show


def _download_bar(deed: str) -> Progress:
    console = err()
    return Progress(
        TextColumn(f"{deed} {{task.description}}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
