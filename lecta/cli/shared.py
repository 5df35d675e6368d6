"""What several commands do: open the library, print JSON, say what is wrong, read on in the background."""

from __future__ import annotations

import contextlib
import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from lecta.library import Library
    from lecta.settings import Settings


_AS_PYTHON_DOES = gc.get_threshold()


def begin() -> None:
    """Look for garbage seldom: of what a short command makes most stays, as imports and what is known of paragraphs."""
    gc.set_threshold(50_000)


def stay() -> None:
    """Look for garbage as often as Python does by itself, in a command that goes on until it is stopped."""
    gc.set_threshold(*_AS_PYTHON_DOES)


def settings_with(**given: Any) -> Settings:
    """Return the settings, those given before all others."""
    from lecta import settings

    return settings.load(**given)


def library_at(library: Path | None, *, is_asked: bool = False, adds: bool = False, **given: Any) -> Library:
    """Open the library in a folder, or where the settings name it."""
    return library_of(settings_with(library=library, **given), is_asked=is_asked, adds=adds)


def library_of(settings: Settings, *, is_asked: bool = False, adds: bool = False) -> Library:
    """Return the library; what it takes to ask it, or to add to it, is started while the rest of lecta is imported."""
    from lecta.opening import embedder_ahead, readers_ahead

    ahead = embedder_ahead(settings) if is_asked else None
    readers = readers_ahead(settings) if adds else ()
    from lecta.console.progress import on_fetch
    from lecta.library import Library

    return Library(settings=settings, on_fetch=on_fetch(), ahead=ahead, readers=readers)


def warn_if_empty(library: Library) -> None:
    """Say where the library holds nothing."""
    if not library.store.count():
        complain(nothing_in(library.path))


def nothing_in(folder: Path) -> str:
    """Return what is said of a library that holds nothing."""
    return f"library {folder} is empty: add lectures with `lecta add PATH`"


def read_in_background(library: Library, *options: str) -> None:
    """Start `lecta read-ahead` on its own, where it is wanted and the model is here."""
    import subprocess

    if not library.settings.read_ahead or not library.keeps_states:
        return
    with contextlib.suppress(OSError):
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "lecta",
                "read-ahead",
                "--library",
                str(library.path.absolute()),
                "--model",
                library.settings.model,
                *options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def print_json(value: object) -> None:
    """Print the one JSON document of `--json`."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))


def complain(line: str) -> None:
    """Print one line about what went wrong on stderr."""
    with contextlib.suppress(OSError):
        print(f"lecta: {line}", file=sys.stderr)  # noqa: T201
