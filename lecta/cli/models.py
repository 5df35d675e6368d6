"""The models' weights: `models list`, `pull`, `verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lecta.cli.options import JsonOption
from lecta.cli.shared import print_json, settings_with
from lecta.errors import LectaError

app = typer.Typer(rich_markup_mode=None, help="The models' weights: list, fetch, check.", no_args_is_help=True)


@app.command("list")
def models_list(as_json: JsonOption = False) -> None:
    """Show the models lecta knows and which are here."""
    from lecta import models
    from lecta.console.library import print_models

    cache = settings_with().models
    rows = [
        {
            "name": model.name,
            "purpose": model.purpose,
            "megabytes": round(model.size / 1e6),
            "licence": model.licence,
            "here": models.is_cached(model, cache),
        }
        for model in models.MODELS.values()
    ]
    if as_json:
        print_json({"folder": str(cache), "models": rows})
    else:
        print_models(cache, rows)


@app.command("pull")
def models_pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Models. [default: those `ask` needs]", show_default=False),
    ] = None,
    from_file: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Take a file you have instead of the network.", show_default=False),
    ] = None,
) -> None:
    """Fetch models ahead of time; what is here is not fetched again."""
    from lecta import models
    from lecta.console.progress import fetching

    cache = settings_with().models
    wanted = names or [models.EMBEDDER, models.CHAT["default"]]
    if from_file is not None:
        if len(wanted) != 1 or not names:
            raise typer.BadParameter("--from takes one model's name", param_hint="--from")
        typer.echo(models.supply(wanted[0], from_file, cache))
        return
    for name in wanted:
        with fetching() as on_fetch:
            folder = models.fetch(name, cache, lambda done, total, name=name: on_fetch(name, done, total))  # type: ignore[misc]
        typer.echo(folder)


@app.command("verify")
def models_verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Models. [default: all that are here]", show_default=False),
    ] = None,
) -> None:
    """Read models again and compare their checksums."""
    from lecta import models
    from lecta.console.progress import fetching

    cache = settings_with().models
    wanted = names or [name for name, model in models.MODELS.items() if models.is_cached(model, cache)]
    if not wanted:
        raise LectaError(f"no model is in {cache}: run `lecta models pull`")
    for name in wanted:
        with fetching("checking") as on_fetch:
            models.verify(name, cache, lambda done, total, name=name: on_fetch(name, done, total))  # type: ignore[misc]
        typer.echo(f"{models.find(name).name}: SHA-256 is right")
