"""Jupyter notebooks: Markdown cells, code cells, and the first lines of what they print. Pictures stay out.

A notebook is JSON, and of its format only the cells matter here; nbformat would bring a JSON schema validator that
refuses notebooks people have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lecta.errors import ReadError, first_line
from lecta.read import markdown
from lecta.read.outline import Outline, text_of_file
from lecta.types import Document

NAME = "notebook/1"
SUFFIXES = frozenset({".ipynb"})

_MAX_BYTES = 100_000_000  # pictures are inside
_OUTPUT_LINES, _OUTPUT_CHARACTERS = 12, 600


def read(path: Path) -> Document:
    """Read one notebook, of format 3 or 4. Raises `ReadError` when it is none or holds no text."""
    try:
        notebook = json.loads(text_of_file(path, limit=_MAX_BYTES))
    except (ValueError, RecursionError) as error:
        raise ReadError(f"not a notebook: its JSON is broken ({first_line(error)})") from error
    cells = list(_cells(notebook))
    if not cells and not (isinstance(notebook, dict) and "nbformat" in notebook):
        raise ReadError("not a notebook: it has no cells")
    outline = Outline()
    title = ""
    for cell in cells:
        source = _joined(cell.get("source", cell.get("input")))
        kind = cell.get("cell_type")
        if kind == "markdown":
            title = markdown.add(outline, source) or title
        elif kind == "heading":  # format 3
            outline.heading(int(cell.get("level") or 1), source)
        elif kind in {"code", "raw"}:
            outline.paragraph(source)
            for text in _outputs(cell):
                outline.paragraph(text)
    return outline.document(NAME, title)


def _cells(notebook: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(notebook, dict):
        return
    sheets = notebook.get("worksheets") if "cells" not in notebook else [notebook]
    for sheet in sheets if isinstance(sheets, list) else []:
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        yield from (cell for cell in cells or [] if isinstance(cell, dict))


def _outputs(cell: dict[str, Any]) -> Iterator[str]:
    """Yield what a cell printed or returned, each cut to a few lines; an error is its last line."""
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        if not isinstance(output, dict):
            continue
        if output.get("output_type") in {"error", "pyerr"}:
            yield f"{output.get('ename', 'Error')}: {output.get('evalue', '')}"[:_OUTPUT_CHARACTERS]
            continue
        inside = output.get("data")
        data = inside if isinstance(inside, dict) else output
        text = _joined(data.get("text/latex") or data.get("text/plain") or data.get("text"))
        if text.strip() and not text.lstrip().startswith("<"):  # "<Figure size 640x480 with 1 Axes>"
            yield _short(text)


def _short(text: str) -> str:
    lines = text.strip("\n").split("\n")
    short = "\n".join(lines[:_OUTPUT_LINES])[:_OUTPUT_CHARACTERS]
    return short if len(short) >= len(text.strip("\n")) else short + " …"


def _joined(source: Any) -> str:
    if isinstance(source, list):
        return "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""
