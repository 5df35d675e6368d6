"""PowerPoint slides (.pptx): one section a slide, with its number, title, text in reading order and speaker notes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lecta.errors import ReadError, first_line
from lecta.read.beats import beat
from lecta.read.builds import assembled
from lecta.types import Document

NAME = "pptx/1"
SUFFIXES = frozenset({".pptx", ".pptm", ".ppsx", ".ppsm", ".potx"})

NOTES = "Notes: "
MOST_XML = 200 * 2**20
"""Bytes of XML when unpacked: 1,000 slides have 10 to 20 MB, and lxml needs some five times as much memory."""
MOST_BYTES = 1500 * 2**20
"""Bytes of everything when unpacked; python-pptx holds it all in memory, films too."""
DEEPEST = 20
"""Groups within groups."""

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_LEFT_OUT = frozenset({"SLIDE_NUMBER", "FOOTER", "DATE", "HEADER"})


def read(path: Path) -> Document:
    """Read every slide; `page` is its number in the file. Hidden slides are read, and a warning names them.

    Raises `ReadError` for a file that is no presentation, is locked by a password, or would unpack without end.
    """
    _check(path)
    presentation = _opened(path)
    warnings: list[str] = []
    slides: list[tuple[str, str, bool]] = []
    for number, slide in enumerate(presentation.slides, 1):
        beat(f"slide {number}")
        try:
            slides.append(_slide(slide))
            if slide._element.get("show") in ("0", "false"):
                warnings.append(f"slide {number} is hidden in the show")
        except Exception as error:  # python-pptx trusts a file's structure; the other slides are still read
            slides.append(("", "", False))
            warnings.append(f"slide {number} cannot be read ({type(error).__name__}: {first_line(error)})")
    text, sections = assembled(slides)
    if not sections:
        raise ReadError(f"no text on any of its {len(slides)} slides" if slides else "the presentation has no slides")
    title = (presentation.core_properties.title or "").strip()
    title = title if title and "powerpoint" not in title.lower() else sections[0].title
    return Document(text, sections, kind="slides", reader=NAME, title=title, warnings=tuple(warnings))


def _check(path: Path) -> None:
    """Refuse what is no zip, or unpacks to more than slides need. The sizes are those the zip module will hold to."""
    with path.open("rb") as file:
        if file.read(8) == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":  # an OLE file: what Office makes of a locked one
            raise ReadError("locked by a password, or an old .ppt under a new name: save it as .pptx without one")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise ReadError(f"not a PowerPoint file, or damaged: {first_line(error)}") from error
    xml = sum(entry.file_size for entry in entries if entry.filename.lower().endswith((".xml", ".rels", ".vml")))
    everything = sum(entry.file_size for entry in entries)
    if xml > MOST_XML or everything > MOST_BYTES or len(entries) > 50_000:
        raise ReadError(f"would unpack to {everything / 2**20:,.0f} MB in {len(entries)} parts: too large for slides")


def _opened(path: Path) -> Any:
    from pptx.opc.constants import CONTENT_TYPE
    from pptx.opc.package import PartFactory
    from pptx.package import Package
    from pptx.parts.presentation import PresentationPart

    # python-pptx reads shows and templates as well as presentations once it is told that they are the same.
    for kind in (CONTENT_TYPE.PML_SLIDESHOW_MAIN, CONTENT_TYPE.PML_TEMPLATE_MAIN):
        PartFactory.part_type_for.setdefault(kind, PresentationPart)
    PartFactory.part_type_for.setdefault(
        "application/vnd.ms-powerpoint.slideshow.macroEnabled.main+xml", PresentationPart
    )
    try:
        part = Package.open(str(path)).presentation_part
        if not isinstance(part, PresentationPart):
            raise ReadError("not a PowerPoint file: another kind of Office document")
        return part.presentation
    except (MemoryError, ReadError):
        raise
    except Exception as error:  # KeyError, lxml's and zipfile's errors, AttributeError: a damaged file raises them all
        raise ReadError(f"not a PowerPoint file, or damaged ({type(error).__name__}: {first_line(error)})") from error


def _slide(slide: Any) -> tuple[str, str, bool]:
    """Return a slide's title, its text with the notes, and whether it shows something beside its words."""
    _choose(slide._element)
    shapes = list(_in_order(slide.shapes, DEEPEST))
    heading = slide.shapes.title
    title = " ".join(_text(heading._element).split()) if heading is not None else ""
    blocks = [title] if title else []
    for shape in shapes:
        if heading is None or shape._element is not heading._element:
            blocks.extend(block for block in [_words(shape)] if block)
    drawn = any(shape.shape_type is not None and "PICTURE" in str(shape.shape_type) for shape in shapes)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = _text(slide.notes_slide.notes_text_frame._txBody).strip()
        blocks.extend([NOTES + notes] if notes else [])
    return title or next((block.splitlines()[0][:150] for block in blocks), ""), "\n".join(blocks), drawn


def _choose(element: Any) -> None:
    """Put what a modern PowerPoint would show in the place of each choice; shapes with formulas are such choices."""
    for choice in list(element.iter(f"{_MC}AlternateContent")):
        parent, first = choice.getparent(), choice.find(f"{_MC}Choice")
        if parent is None or first is None or not any(_has_text(child) for child in first):
            continue
        for child in list(first):
            choice.addprevious(child)
        parent.remove(choice)


def _has_text(element: Any) -> bool:
    return next(element.iter(f"{_A}t", f"{_M}t"), None) is not None


def _in_order(shapes: Iterable[Any], depth: int) -> Iterator[Any]:
    """Yield shapes from the top, and from the left where they start at one height; groups as one, then inside."""
    # A step of 0.3 inch (274,320 EMU): boxes side by side are seldom aligned to the point.
    placed = sorted(shapes, key=lambda shape: ((shape.top or 0) // 274_320, shape.left or 0))
    for shape in placed:
        if getattr(shape, "shapes", None) is not None and hasattr(shape._element, "grpSpPr"):
            if depth:
                yield from _in_order(shape.shapes, depth - 1)
        else:
            yield shape


def _words(shape: Any) -> str:
    """Return the text of one shape: a table in rows, a chart's names, a diagram's words, or its paragraphs."""
    role = shape.placeholder_format.type if shape.is_placeholder else None
    if role is not None and role.name in _LEFT_OUT:
        return ""
    if getattr(shape, "has_table", False):
        rows = ([" ".join(_text(cell._tc).split()) for cell in row.cells] for row in shape.table.rows)
        return "\n".join(" | ".join(row) for row in rows if any(row))
    if getattr(shape, "has_chart", False):
        return "\n".join(_distinct(_chart_words(shape.chart.part._element)))
    diagram = _diagram(shape)
    return _text(diagram if diagram is not None else shape._element).strip()


def _chart_words(element: Any) -> Iterator[str]:
    """Yield a chart's titles and the names of its series and categories, not its numbers."""
    chart = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
    for found in element.iter(f"{_A}t", f"{chart}strCache"):
        if found.tag == f"{_A}t":
            yield found.text or ""
        else:
            yield from (value.text or "" for value in found.iter(f"{chart}v"))


def _distinct(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(word.strip() for word in words if word.strip()))


def _diagram(shape: Any) -> Any:
    """Return the words' part of a SmartArt diagram, or None."""
    from lxml import etree

    found = next(shape._element.iter("{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"), None)
    if found is None:
        return None
    relation = found.get("{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm")
    return etree.fromstring(shape.part.related_part(relation).blob, etree.XMLParser(resolve_entities=False))


def _text(element: Any) -> str:
    """Return the text of every paragraph below an element, formulas included, a line each."""
    lines = []
    for paragraph in element.iter(f"{_A}p"):
        parts = paragraph.iter(f"{_A}t", f"{_M}t", f"{_A}br", f"{_A}tab")
        pieces = [{f"{_A}br": "\n", f"{_A}tab": "\t"}.get(part.tag) or part.text or "" for part in parts]
        lines.append("".join(pieces).replace("\v", "\n").strip())
    return "\n".join(line for line in lines if line)
