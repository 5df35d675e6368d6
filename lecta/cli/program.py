"""The program: every command in the order of its help, and what becomes of errors."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from lecta import __version__
from lecta.cli import asking, evaluating, library, models, serving, standalone
from lecta.cli.shared import begin, complain
from lecta.errors import LectaError

app = typer.Typer(
    name="lecta",
    help="Answers from your own lectures, with the file, the page and the minute each sentence rests on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: quick, and "[default: 5]" is text
    context_settings={"help_option_names": ["-h", "--help"]},
)

_COMMANDS: dict[str, Callable[..., None]] = {
    "add": library.add,
    "search": asking.search,
    "ask": asking.ask,
    "stop": asking.stop,
    "chat": asking.chat,
    "list": library.list_,
    "remove": library.remove,
    "reindex": library.reindex,
    "read-ahead": library.read_ahead,
    "status": library.status,
    "align": standalone.align,
    "serve": serving.serve,
    "mcp": serving.mcp,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)
app.command("derive", cls=standalone.FormulaCommand)(standalone.derive)
app.add_typer(models.app, name="models")
app.add_typer(evaluating.app, name="eval")


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"lecta {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; every error of lecta's becomes one line and an exit status."""
    for stream in (sys.stdout, sys.stderr):  # Windows' pipes are not UTF-8 by themselves
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    begin()
    atexit.register(gc.freeze)  # at the end garbage is not looked for again among all there is: 0.2 s
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for them takes 50 ms, and lecta has none
    try:
        app()
    except LectaError as error:
        complain(str(error))
        sys.exit(error.exit_status)
    except (BrokenPipeError, KeyboardInterrupt, SystemExit) as error:
        if _comes_from(error, KeyboardInterrupt):  # typer makes an exit status of it, without a word
            complain("stopped")
            sys.exit(130)
        if not _comes_from(error, BrokenPipeError):
            raise
        # Who reads what is printed went away (`lecta list | head`); rich and typer exit with 1 then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        complain(f"{error.strerror or error}: {error.filename or 'the system gives no file name'}")
        sys.exit(1)


def _comes_from(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Tell whether an error, or one that it was raised for, is of a kind."""
    return error is not None and (isinstance(error, kind) or _comes_from(error.__context__, kind))
