"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class KindName(StrEnum):
    """`lecta.types.Kind` for the command line."""

    slides = "slides"
    speech = "speech"
    notes = "notes"


LibraryOption = Annotated[
    Path | None,
    typer.Option("--library", metavar="DIR", help="Folder of the library. [env: LECTA_LIBRARY]", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
CountOption = Annotated[
    int | None, typer.Option("-k", min=1, max=50, help="Passages to find. [default: 5]", show_default=False)
]
CourseOption = Annotated[str | None, typer.Option("--course", help="Only this course.", show_default=False)]
LectureOption = Annotated[
    int | None, typer.Option("--lecture", min=0, max=9999, help="Only this lecture.", show_default=False)
]
KindOption = Annotated[KindName | None, typer.Option("--kind", help="Only this kind of material.", show_default=False)]
ThinkingOption = Annotated[bool, typer.Option("--show-thinking", help="Print what the model thinks aloud.")]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="default, small, a .gguf file, openai:NAME or ollama:NAME. [env: LECTA_MODEL]",
        show_default=False,
    ),
]
