"""The terminal or the pipe that is written to, and lines that belong to nothing else."""

from __future__ import annotations

import sys

from rich.console import Console, RenderableType

from lecta.mathtext import readable

_PIPE_WIDTH = 400
"""Columns of what is no terminal: a table is as wide as what stands in it, and nothing is broken within a word."""


def out() -> Console:
    """Return where results go; into a pipe nothing is broken or coloured."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, soft_wrap=True, width=_PIPE_WIDTH)


def err() -> Console:
    """Return where progress, notes and warnings go."""
    return Console(stderr=True, highlight=False)


def print_note(line: str) -> None:
    """Print a line that is no result."""
    err().print(line, markup=False, style="dim")


def print_markdown(text: str) -> None:
    """Print Markdown: rendered on a terminal, as it is into a pipe."""
    console = out()
    if console.is_terminal:
        console.print(as_markdown(text))
    else:
        console.file.write(text)


def as_markdown(text: str) -> RenderableType:
    """Return Markdown as a terminal shows it, its formulas in Unicode."""
    from rich.markdown import Markdown  # 50 ms, and adding shows none

    return Markdown(readable(text))
