"""A slide as a picture, with boxes over the words that are cited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lecta.read.picture import Picture, Word

_EDGE = 0.003  # of the page, around each box


def html(picture: Picture, address: str, quotes: Iterable[str], alt: str) -> str:
    """Return the picture at an address and its boxes as HTML; they keep their place at any size."""
    size = f'width="{picture.width}" height="{picture.height}"'
    image = f'<img src="{escape(address)}" {size} alt="{escape(alt)}">'
    marked = set(picture.marked(quotes))
    return image + "".join(_box(run) for run in _runs(picture.words, marked))


def _runs(words: Sequence[Word], marked: set[int]) -> Iterator[list[Word]]:
    """Yield words that are marked and follow each other on a line."""
    run: list[Word] = []
    for place, word in enumerate(words):
        if run and (place not in marked or not _on_line(run[-1], word)):
            yield run
            run = []
        if place in marked:
            run.append(word)
    if run:
        yield run


def _on_line(one: Word, other: Word) -> bool:
    middle = (other.top + other.bottom) / 2
    return one.top <= middle <= one.bottom and other.left >= one.left


def _box(run: Sequence[Word]) -> str:
    left, top = min(word.left for word in run) - _EDGE, min(word.top for word in run) - _EDGE
    right, bottom = max(word.right for word in run) + _EDGE, max(word.bottom for word in run) + _EDGE
    style = f"left:{left:.2%};top:{top:.2%};width:{right - left:.2%};height:{bottom - top:.2%}"
    return f'<span class="word" style="{style}"></span>'
