"""What needs no library: `align`, `derive`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from lecta.cli.options import JsonOption
from lecta.cli.shared import library_at, print_json


def align(
    subtitles: Annotated[
        Path, typer.Argument(metavar="SUBTITLES", help="Subtitles or another transcript.", show_default=False)
    ],
    slides: Annotated[Path, typer.Argument(metavar="SLIDES", help="The slides of that lecture.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Find out which slide is spoken about when."""
    from lecta.as_json import timeline_json
    from lecta.console.library import print_timeline
    from lecta.timeline import align_files

    opened = library_at(None)
    timeline = align_files(subtitles, slides, opened.embedder, ocr=opened.settings.ocr)
    if as_json:
        print_json(timeline_json(timeline))
    else:
        print_timeline(timeline)


class FormulaCommand(typer.core.TyperCommand):
    """A command whose argument may begin with a minus, as -cosh(x) does, and is no option for that."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put a space before what begins like an option and is none."""
        options = {name for param in self.get_params(ctx) for name in (*param.opts, *param.secondary_opts)}
        known = [arg.partition("=")[0] in options or arg == "--" or not arg.startswith("-") for arg in args]
        spaced = [arg if option else f" {arg}" for arg, option in zip(args, known, strict=True)]
        return super().parse_args(ctx, spaced)


def derive(
    expression: Annotated[
        str, typer.Argument(help="Assignments or one formula, Python or LaTeX; or a .txt file.", show_default=False)
    ],
    wrt: Annotated[str, typer.Option("--wrt", metavar="VARIABLE", help="Derive by this.", show_default=False)],
    numeric: Annotated[
        str | None,
        typer.Option("--numeric", metavar="NAME=VALUE,...", help="Show the numbers there.", show_default=False),
    ] = None,
    clip: Annotated[
        float | None, typer.Option("--clip", min=0, help="Say what clipping its norm at this does.", show_default=False)
    ] = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Draw the graph into this file.", show_default=False)
    ] = None,
    jax: Annotated[bool, typer.Option("--jax/--no-jax", help="Check by JAX too, where it is installed.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Work out a derivative by the chain rule, step by step, and check it three ways."""
    from lecta.derive import derive as work_out
    from lecta.derive import read_source

    found = work_out(read_source(expression.removeprefix(" ")), wrt, values=numeric, clip=clip, jax=jax)
    if svg is not None:
        svg.write_text(found.svg(), encoding="utf-8")
    if as_json:
        print_json(found.to_json())
    else:
        from lecta.console.screen import print_markdown

        print_markdown(found.markdown)
