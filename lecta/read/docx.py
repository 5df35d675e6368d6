"""Word documents (.docx): headings, paragraphs, lists, tables, and equations as LaTeX.

The markup is read as it is: python-docx loads every picture, and neither it nor mammoth gives the text of equations.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from lecta.errors import ReadError
from lecta.read.archive import Archive
from lecta.read.omml import latex
from lecta.read.outline import Outline
from lecta.types import Document

if TYPE_CHECKING:
    from lxml.etree import _Element

NAME = "docx/1"
SUFFIXES = frozenset({".docx", ".docm", ".dotx"})

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_STRICT = b"http://purl.oclc.org/ooxml/"
_INSIDE = frozenset(
    f"{_W}{name}" for name in ("hyperlink", "ins", "smartTag", "sdt", "sdtContent", "fldSimple", "moveTo")
)


def read(path: Path) -> Document:
    """Read one document. Raises `ReadError` when it is none or holds no text."""
    with Archive(path, "a Word document") as archive:
        body = archive.xml("word/document.xml").find(f"{_W}body")
        if body is None:
            strict = _STRICT in archive.read("word/document.xml")[:2000]
            raise ReadError("saved as strict Open XML: save it as a usual .docx" if strict else "it has no body")
        levels = _heading_levels(archive)
        title = _title(archive)
    outline = Outline()
    _Walk(outline, levels).blocks(body)
    return outline.document(NAME, title)


def _title(archive: Archive) -> str:
    if "docProps/core.xml" not in archive.names:
        return ""
    return archive.xml("docProps/core.xml").findtext("{http://purl.org/dc/elements/1.1/}title") or ""


def _heading_levels(archive: Archive) -> dict[str, int]:
    """Return the level of each heading style: by its outline level, else by its name in English."""
    if "word/styles.xml" not in archive.names:
        return {}
    levels: dict[str, int] = {}
    parents: dict[str, str] = {}
    for style in archive.xml("word/styles.xml").iter(f"{_W}style"):
        key = style.get(f"{_W}styleId") or ""
        name = _value(style, "name").lower()
        outline = _value(style, "pPr", "outlineLvl")
        numbered = re.fullmatch(r"heading (\d)", name)
        if name in {"title", "subtitle"}:
            levels[key] = 1 if name == "title" else 0
        elif numbered or outline.isdecimal():
            levels[key] = 1 + (int(numbered.group(1)) if numbered else int(outline) + 1)
        parents[key] = _value(style, "basedOn")
    for key, parent in parents.items():
        above, steps = parent, 0
        while key not in levels and above and steps < 20:
            if above in levels:
                levels[key] = levels[above]
            above, steps = parents.get(above, ""), steps + 1
    return {key: level for key, level in levels.items() if 0 < level < 9}


def _value(element: _Element, *path: str) -> str:
    found = element.find("/".join(f"{_W}{name}" for name in path))
    return (found.get(f"{_W}val") or "") if found is not None else ""


class _Walk:
    """Writes the body's blocks."""

    def __init__(self, outline: Outline, levels: dict[str, int]) -> None:
        self.outline = outline
        self.levels = levels
        self.items: list[str] = []

    def blocks(self, parent: _Element, depth: int = 0) -> None:
        """Walk paragraphs and tables, also inside content controls."""
        for child in parent:
            if child.tag == f"{_W}p":
                self.paragraph(child)
            elif child.tag == f"{_W}tbl":
                self.end_list()
                self.outline.paragraph("\n".join(_rows(child)))
            elif child.tag in {f"{_W}sdt", f"{_W}sdtContent"} and depth < 20:
                self.blocks(child, depth + 1)
        if depth == 0:
            self.end_list()

    def paragraph(self, element: _Element) -> None:
        """Write a heading, an item of a list or a paragraph."""
        text = _text(element).strip()
        style = _value(element, "pPr", "pStyle")
        outline = _value(element, "pPr", "outlineLvl")
        level = int(outline) + 2 if outline in set("012345678") and outline != "" else self.levels.get(style, 0)
        if 0 < level < 9 and text:
            self.end_list()
            self.outline.heading(level, text)
        elif element.find(f"{_W}pPr/{_W}numPr") is not None and text:
            depth = _value(element, "pPr", "numPr", "ilvl")
            self.items.append("  " * min(int(depth) if depth.isdecimal() else 0, 8) + "- " + text)
        else:
            self.end_list()
            self.outline.paragraph(text)

    def end_list(self) -> None:
        """Write the items collected."""
        if self.items:
            self.outline.paragraph("\n".join(self.items))
            self.items = []


def _text(element: _Element, depth: int = 0) -> str:
    """Return a paragraph's words; what was deleted with changes tracked is not among them."""
    parts = []
    for child in element:
        if child.tag == f"{_W}r":
            parts.append(_run(child))
        elif child.tag == f"{_M}oMathPara":
            parts += [f"$${latex(formula)}$$" for formula in child.iter(f"{_M}oMath")]
        elif child.tag == f"{_M}oMath":
            parts.append(f"${latex(child)}$")
        elif child.tag in _INSIDE and depth < 20:
            parts.append(_text(child, depth + 1))
    return "".join(parts)


def _run(run: _Element) -> str:
    parts = []
    for child in run:
        if child.tag == f"{_W}t":
            parts.append(child.text or "")
        elif child.tag == f"{_W}tab":
            parts.append("\t")
        elif child.tag in {f"{_W}br", f"{_W}cr"}:
            parts.append("\n")
        elif child.tag == f"{_W}noBreakHyphen":
            parts.append("-")
    return "".join(parts)


def _rows(table: _Element) -> list[str]:
    rows = []
    for row in table.iter(f"{_W}tr"):
        cells = [
            " ".join(filter(None, map(str.strip, map(_text, cell.iter(f"{_W}p"))))) for cell in row.iter(f"{_W}tc")
        ]
        if any(cells):
            rows.append(" | ".join(cells))
    return rows
