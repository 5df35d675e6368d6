"""Slides and papers as PDF, page by page, through PDFium.

    characters -> pieces -> furniture left out -> lines in reading order -> one section a page, builds folded

The document's text is the text as repaired: ligatures as letters, words whole again that a line's end had parted,
columns one after the other. What stands on every page and the earlier steps of a build are in the text, outside any
section, so they are never indexed. A page whose words are only a picture is read by `lecta.read.ocr`.
"""

from __future__ import annotations

import contextlib
import ctypes
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lecta.errors import ReadError, first_line
from lecta.read.beats import beat
from lecta.read.builds import Step, folded
from lecta.read.furniture import Page, Split, split
from lecta.read.layout import Piece, hyphenated_words, joined, lines_of, title_of
from lecta.types import Document, Section

NAME = "pdf/2"
SUFFIXES = frozenset({".pdf"})

PAGE_BREAK = "\n\n"
MOST_PAGES = 5000
"""A book has 2,000; a damaged file may claim millions."""
MOST_CHARACTERS = 100_000
"""Of one page: a page of a newspaper has 20,000. PDFium needs 4 us for each."""

_LIGATURES = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}
_DROPPED = dict.fromkeys([*range(9), *range(14, 32), 0x7F, 0xAD, 0xFEFF, 0xFFFE, 0xFFFF])
"""Control characters, soft hyphens, byte-order marks, and what PDFium gives for glyphs without a meaning."""


@dataclass(slots=True)
class _Sheet:
    """One page on its way to a section."""

    page: Page
    drawn: bool
    """It shows something beside its words: a picture, or text drawn as curves."""
    confidence: float | None = None


def read(path: Path, *, ocr: bool = True, every_page: bool = False) -> Document:
    """Read every page; one section a page that has words, `page` counted from 1 as in a viewer.

    With `every_page`, the steps of a build and pages without words have sections too, as they are shown one by one.
    With `ocr`, pages whose words are a picture are read by OCR where its packages are installed, and marked with their
    confidence. Raises `ReadError` for a file that is no PDF, is locked by a password, or has no text on any page.
    """
    warnings: list[str] = []
    with opened(path) as pdf:
        pages = len(pdf)
        if pages > MOST_PAGES:
            warnings.append(f"only the first {MOST_PAGES} of {pages} pages were read")
        sheets = [_sheet(pdf, number, warnings) for number in range(1, min(pages, MOST_PAGES) + 1)]
        splits = split([sheet.page for sheet in sheets])
        wordless = [place for place, part in enumerate(splits) if not part.body and sheets[place].drawn]
        if wordless and ocr:
            _recognise(pdf, sheets, wordless, warnings)
            splits = split([sheet.page for sheet in sheets])
    if not any(part.body for part in splits):  # a document of nothing but what repeats says that
        splits = [
            replace(part, body=sheet.page.pieces, furniture=()) for part, sheet in zip(splits, sheets, strict=True)
        ]
    text, sections = _assembled(sheets, splits, every_page=every_page)
    if not any(part.body for part in splits):
        raise ReadError(_why_empty(pages, len(wordless), warnings, ocr=ocr))
    title = next((section.title for section in sections if section.title), "")
    return Document(text, sections, kind="slides", reader=NAME, title=title, warnings=tuple(warnings))


def _why_empty(pages: int, wordless: int, warnings: Sequence[str], *, ocr: bool) -> str:
    """Say why there is no section, as truly as can be known."""
    if not pages:
        return "the PDF has no pages"
    if len(warnings) == pages == 1:
        return warnings[0]
    where = "on its one page" if pages == 1 else f"on any of its {pages} pages"
    if not wordless:
        return f"no text {where}"
    if not ocr:
        return f"no text {where}, only pictures, and OCR is turned off"
    return f"no text {where}, only pictures: " + (warnings[-1] if warnings else "OCR finds no words in them")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file with PDFium. Raises `ReadError` for one that is no PDF or is locked."""
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        reason = first_line(error).lower()
        if "password" in reason:
            raise ReadError("locked by a password: save a copy without one") from error
        if "security" in reason:
            raise ReadError("locked by a kind of encryption PDFium does not know: save a copy without it") from error
        with path.open("rb") as file:
            marked = b"%PDF-" in file.read(1024)
        raise ReadError(
            "damaged: PDFium cannot open it" if marked else "not a PDF: it does not begin as one"
        ) from error
    try:
        yield pdf
    finally:
        pdf.close()


def _sheet(pdf: Any, number: int, warnings: list[str]) -> _Sheet:
    """Read one page's pieces; a page that cannot be read is empty, and a warning says so."""
    import pypdfium2

    beat(f"page {number}")
    try:
        with contextlib.closing(pdf[number - 1]) as page, contextlib.closing(page.get_textpage()) as text_page:
            width, height = page.get_size()
            count = text_page.count_chars()
            if count > MOST_CHARACTERS:
                warnings.append(f"page {number}: only the first {MOST_CHARACTERS} of {count} characters were read")
            pieces = _pieces(_characters(text_page.raw, _Frame.of(page), min(count, MOST_CHARACTERS)))
            # Builds may park words beside the page, where nobody sees them; a page of which that is all is kept whole.
            shown = [piece for piece in pieces if _overlaps(piece, width, height)]
            return _Sheet(Page(tuple(shown or pieces), width, height), drawn=_is_drawn(page))
    except (pypdfium2.PdfiumError, OverflowError, ValueError) as error:
        warnings.append(f"page {number} cannot be read ({first_line(error)})")
        return _Sheet(Page((), 1.0, 1.0), drawn=False)


def _overlaps(piece: Piece, width: float, height: float) -> bool:
    return piece.right > 0 and piece.left < width and piece.bottom > 0 and piece.top < height


@dataclass(frozen=True, slots=True)
class _Character:
    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float


@dataclass(frozen=True, slots=True)
class _Frame:
    """From PDF space (y upwards, as drawn) to what a viewer shows: turned, y downwards."""

    left: float
    bottom: float
    right: float
    top: float
    rotation: int

    @classmethod
    def of(cls, page: Any) -> _Frame:
        left, bottom, right, top = page.get_bbox()
        return cls(left, bottom, right, top, page.get_rotation())

    def shown(self, left: float, right: float, bottom: float, top: float) -> tuple[float, float, float, float]:
        """Return left, top, right, bottom in points from the top left corner."""
        x0, x1 = left - self.left, right - self.left
        y0, y1 = self.top - top, self.top - bottom
        width, height = self.right - self.left, self.top - self.bottom
        match self.rotation:
            case 90:
                return height - y1, x0, height - y0, x1
            case 180:
                return width - x1, height - y1, width - x0, height - y0
            case 270:
                return y0, width - x1, y1, width - x0
        return x0, y0, x1, y1


def _characters(handle: Any, frame: _Frame, count: int) -> Iterator[_Character]:
    """Yield a page's characters in the order they were drawn; line ends as "\\n", broken words' hyphens as "\\x02"."""
    from pypdfium2 import raw

    corners = [ctypes.c_double() for _ in range(4)]
    pointers = [ctypes.byref(corner) for corner in corners]
    loose = raw.FS_RECTF()
    for index in range(count):
        code = raw.FPDFText_GetUnicode(handle, index)
        if code in (0x0D, 0x0A):
            yield _Character("\n", 0, 0, 0, 0, 0)
            continue
        # Tight boxes for the place (left, right, bottom, top), loose ones for the size: the font's own is unscaled.
        raw.FPDFText_GetCharBox(handle, index, *pointers)
        raw.FPDFText_GetLooseCharBox(handle, index, ctypes.byref(loose))
        across, up = abs(loose.right - loose.left), abs(loose.top - loose.bottom)
        size = across if frame.rotation in (90, 270) else up
        # A damaged font may map to what is no character at all.
        text = chr(code) if code < 0x110000 else "\ufffd"
        yield _Character(text, *frame.shown(*(corner.value for corner in corners)), size)


def words_on(page: Any) -> list[Piece]:
    """Return a page's words as they are drawn, each with its box in points from the top left corner."""
    words: list[Piece] = []
    run: list[_Character] = []
    with contextlib.closing(page.get_textpage()) as text_page:
        count = min(text_page.count_chars(), MOST_CHARACTERS)
        for character in _characters(text_page.raw, _Frame.of(page), count):
            if character.text.strip() and character.text != "\x02":
                run.append(character)
            else:
                _finish(run, words)
                run = []
    _finish(run, words)
    return words


def _pieces(characters: Iterator[_Character]) -> list[Piece]:
    """Group characters to pieces: a line is cut where a gap is wider than words stand apart."""
    pieces: list[Piece] = []
    run: list[_Character] = []
    for character in characters:
        if character.text in "\n\x02":
            _finish(run, pieces, hyphen=character.text == "\x02")
            run = []
            continue
        shown = [other for other in run[-2:] if other.text.strip()]
        if shown and character.text.strip():
            gap = character.left - shown[-1].right
            # 0.6 of the font's height holds the spaces around one letter of a formula; a word space is 0.25 to 0.5.
            if gap > 0.6 * max(character.size, shown[-1].size) or gap < -6 * max(character.size, 1):
                _finish(run, pieces)
                run = []
        run.append(character)
    _finish(run, pieces)
    return pieces


def _finish(run: Sequence[_Character], pieces: list[Piece], *, hyphen: bool = False) -> None:
    text = _clean("".join(character.text for character in run))
    shown = [character for character in run if character.text.strip()]
    if not text:
        if hyphen and pieces:
            pieces[-1] = replace(pieces[-1], hyphen=True)
        return
    sizes = sorted(character.size for character in shown)
    pieces.append(
        Piece(
            text,
            min(character.left for character in shown),
            min(character.top for character in shown),
            max(character.right for character in shown),
            max(character.bottom for character in shown),
            max(sizes[len(sizes) // 2], 0.1),
            hyphen,
        )
    )


def _clean(text: str) -> str:
    """Return words with single spaces, ligatures as letters, and nothing that is no character."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return " ".join(text.translate(_LIGATURES).translate(_DROPPED).split())


def _is_drawn(page: Any) -> bool:
    """Tell whether a page shows a picture, or so many curves that they may be words."""
    from pypdfium2 import raw

    paths = 0
    for seen, item in enumerate(page.get_objects(max_depth=3)):
        if item.type in (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_SHADING):
            return True
        paths += item.type == raw.FPDF_PAGEOBJ_PATH
        if paths > 50 or seen > 2000:
            return True
    return False


def _recognise(pdf: Any, sheets: list[_Sheet], places: Sequence[int], warnings: list[str]) -> None:
    """Read pages by OCR, in place; what comes of it is said in `warnings`."""
    from lecta.read import ocr

    try:
        recognise = ocr.recogniser()
    except ReadError as error:
        pages = ", ".join(str(place + 1) for place in places[:10]) + (" and more" if len(places) > 10 else "")
        warnings.append(f"pages that are pictures were left out ({pages}): {error.reason}")
        return
    for place in places:
        beat(f"page {place + 1} by OCR")
        found = ocr.read_page(pdf, place, recognise, warnings)
        if found:
            page = sheets[place].page
            sheets[place].page = replace(page, pieces=(*page.pieces, *found.pieces))
            sheets[place].confidence = found.confidence


def _assembled(
    sheets: Sequence[_Sheet], splits: Sequence[Split], *, every_page: bool
) -> tuple[str, tuple[Section, ...]]:
    """Put the document's text together and mark the sections: page after page, each with its furniture behind it."""
    known = hyphenated_words(piece.text for sheet in sheets for piece in sheet.page.pieces)
    lines = [lines_of(part.body) for part in splits]
    bodies = [joined(page, known) for page in lines]
    titles = [title_of(page, sheet.page.height) for page, sheet in zip(lines, sheets, strict=True)]
    steps = [Step(*page) for page in zip(titles, bodies, (sheet.drawn for sheet in sheets), strict=True)]
    into = folded(steps)
    text: list[str] = []
    sections: list[Section] = []
    position = 0
    for place, (body, part, sheet) in enumerate(zip(bodies, splits, sheets, strict=True)):
        furniture = "\n".join(piece.text for piece in part.furniture)
        if every_page or (body and into[place] == place):
            sections.append(
                Section(
                    position,
                    position + len(body),
                    page=place + 1,
                    title=titles[place],
                    label=part.label,
                    confidence=sheet.confidence,
                )
            )
        words = "\n".join(filter(None, (body, furniture)))
        if words:
            text.append(words)
            position += len(words) + len(PAGE_BREAK)
    return PAGE_BREAK.join(text), tuple(sections)
