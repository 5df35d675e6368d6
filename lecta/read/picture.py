"""A page of slides as a picture, and where on it each word stands.

Drawn by PDFium in another process, as the file was read: it may be damaged or hostile.
"""

from __future__ import annotations

import base64
import io
import re
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path
from typing import Any

from lecta.errors import ReadError
from lecta.read.limits import Worker
from lecta.read.pdf import opened, words_on

SUFFIXES = frozenset({".pdf"})
"""Of the files whose pages can be drawn."""
MOST_WIDTH = 2400
"""Pixels; the height may be as much."""

_KEPT = 32  # pictures; a slide has some 100 kB
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its box, in shares of the page's width and height from the top left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Picture:
    """One page, drawn."""

    png: bytes
    width: int
    """Pixels."""
    height: int
    pages: int
    """Of the whole file."""
    words: tuple[Word, ...]
    """In the order of the file; none where the page itself is a picture."""

    def marked(self, quotes: Iterable[str]) -> tuple[int, ...]:
        """Return the numbers of the words, from 0, that stand in one of the quotes in the order they have there."""
        own = [(token, place) for place, word in enumerate(self.words) for token in _tokens(word.text)]
        found: set[int] = set()
        for quote in quotes:
            found |= {own[place][1] for place in _shared([token for token, _ in own], _tokens(quote))}
        return tuple(sorted(found))


class Pictures:
    """Draws pages, one at a time; those it drew last are kept. For use from any thread."""

    def __init__(self) -> None:
        self._worker = Worker(seconds=30)
        self._lock = threading.Lock()
        self._drawn = lru_cache(_KEPT)(self._draw)

    def picture(self, path: Path, page: int, width: int) -> Picture:
        """Return page `page`, from 1, `width` pixels wide. Raises `ReadError` when it cannot be drawn."""
        if path.suffix.lower() not in SUFFIXES:
            raise ReadError(f"pages of {path.suffix or 'such files'} cannot be drawn, only those of PDF files")
        try:
            changed = path.stat().st_mtime_ns
        except OSError as error:
            raise ReadError(f"cannot be opened: {error.strerror or error}") from error
        with self._lock:
            return self._drawn(path, changed, page, max(16, min(width, MOST_WIDTH)))

    def close(self) -> None:
        """Stop the process that draws."""
        self._worker.close()

    def _draw(self, path: Path, changed: int, page: int, width: int) -> Picture:
        answer = self._worker.draw(path, page, width)
        words = tuple(Word(*word) for word in answer.pop("words"))
        return Picture(base64.b64decode(answer.pop("png")), words=words, **answer)


def draw(path: Path, page: int, width: int) -> dict[str, Any]:
    """Draw a page in this process; return it as JSON can hold it. Raises `ReadError`."""
    with opened(path) as pdf:
        if not 1 <= page <= len(pdf):
            raise ReadError(f"there is no page {page}, only {len(pdf)}")
        with closing(pdf[page - 1]) as sheet:
            across, down = (max(size, 1.0) for size in sheet.get_size())
            image = sheet.render(scale=min(width / across, MOST_WIDTH / down)).to_pil()
            file = io.BytesIO()
            image.save(file, "PNG")
            words = [
                (word.text, word.left / across, word.top / down, word.right / across, word.bottom / down)
                for word in words_on(sheet)
            ]
        png = base64.b64encode(file.getvalue()).decode()
        return {"png": png, "width": image.width, "height": image.height, "pages": len(pdf), "words": words}


def _tokens(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _shared(page: Sequence[str], quote: Sequence[str]) -> set[int]:
    """Return the places on the page of the runs that it shares with the quote, but for lone short words."""
    places: set[int] = set()
    for block in SequenceMatcher(None, page, quote, autojunk=False).get_matching_blocks():
        run = range(block.a, block.a + block.size)
        if block.size > 1 or any(len(page[place]) > 3 for place in run):
            places.update(run)
    return places
