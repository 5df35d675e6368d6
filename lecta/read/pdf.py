"""PDF with a text layer, page by page, through PDFium."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lecta.errors import ReadError, first_line
from lecta.types import Document, Section

NAME = "pdf/1"
SUFFIXES = frozenset({".pdf"})

PAGE_BREAK = "\n\n"


def read(path: Path) -> Document:
    """Read the text layer of every page; one section a page that has text, `page` counted from 1 as in a viewer.

    Raises `ReadError` for a file that is no PDF, is locked by a password, or has no text on any page.
    """
    pieces: list[str] = []
    sections: list[Section] = []
    warnings: list[str] = []
    position = 0
    with _opened(path) as pdf:
        for number in range(1, len(pdf) + 1):
            text, failure = _page_text(pdf, number)
            if failure:
                warnings.append(failure)
            if not text.strip():
                continue
            sections.append(Section(position, position + len(text), page=number, title=_first_line(text)))
            pieces.append(text)
            position += len(text) + len(PAGE_BREAK)
        pages = len(pdf)
    if not sections:
        raise ReadError(f"no text on any of its {pages} pages" if pages else "the PDF has no pages")
    return Document(
        PAGE_BREAK.join(pieces),
        tuple(sections),
        kind="slides",
        reader=NAME,
        title=sections[0].title,
        warnings=tuple(warnings),
    )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        reason = first_line(error).lower()
        if "password" in reason:
            raise ReadError("locked by a password: save a copy without one") from error
        raise ReadError(f"not a readable PDF ({first_line(error)})") from error
    try:
        yield pdf
    finally:
        pdf.close()


def _page_text(pdf: Any, number: int) -> tuple[str, str]:
    """Return a page's text and, when the page cannot be read, a line that says so."""
    import pypdfium2

    try:
        page = pdf[number - 1]
        text_page = page.get_textpage()
        text: str = text_page.get_text_bounded()
        text_page.close()
        page.close()
    except pypdfium2.PdfiumError as error:
        return "", f"page {number} cannot be read ({first_line(error)})"
    # PDFium ends lines with "\r\n" and marks a hyphen at a line's end with U+FFFE or U+0002.
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe", "-").replace("\x02", "-"), ""


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:120]
