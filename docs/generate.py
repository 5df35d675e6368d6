"""What cog writes into the documentation: help text and settings, from the code itself."""

from __future__ import annotations

from collections.abc import Iterator

import typer
from typer.testing import CliRunner

from lecta.cli import app


def commands() -> Iterator[list[str]]:
    """Yield the words of every command, in the order of the help text."""
    root = typer.main.get_command(app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None)
        yield from ([name, sub] for sub in below) if below else [[name]]


def help_text(words: list[str]) -> str:
    """Return a command's help as a terminal of 100 columns shows it, in a code block."""
    result = CliRunner().invoke(app, [*words, "--help"], terminal_width=100, env={"COLUMNS": "100", "TERM": "dumb"})
    lines = [line.rstrip() for line in result.output.strip("\n").splitlines()]
    return "```text\n$ lecta " + " ".join([*words, "--help"]) + "\n" + "\n".join(lines) + "\n```"


def settings_table() -> str:
    """Return a table of every setting with its variable, default and meaning."""
    from lecta.settings import Settings

    rows = ["| setting | variable | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "by platform" if field.default_factory else repr(field.default).replace("'", '"')
        rows.append(f"| `{name}` | `LECTA_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)
