"""Where words stand on a page, and the order a person reads them in. Pure geometry: no PDF here, no files.

Coordinates are points from the page's top left corner, y downwards. A `Piece` is a run of words that stand close
together on one line. A PDF stores pieces in the order they were drawn, which is mostly the order of reading, but
formulas drawn after all the words, and two columns drawn line by line, come out shuffled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST_PIECES = 1000
"""Above this a page is a drawing or a map, and its pieces stay in the order they were drawn: slides have 20 to 300, and
1,500 in a grid took 3.6 s."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Words close together on one line, and the box around them."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float = 10.0
    """Height of the font."""
    hyphen: bool = False
    """The piece ends in a hyphen that breaks a word at the end of a line; `text` is without it."""

    @property
    def height(self) -> float:
        """Height of the box, never zero."""
        return max(self.bottom - self.top, 0.1)

    @property
    def upright(self) -> bool:
        """False for words that run up or down the page, such as the name of a plot's axis."""
        return len(self.text) < 3 or self.height < 2.5 * self.size


Line = tuple[Piece, ...]
"""Pieces side by side, from left to right."""


def lines_of(pieces: Sequence[Piece]) -> list[Line]:
    """Return the page's lines in the order of reading: columns one after the other, formulas where they stand."""
    if len(pieces) > MOST_PIECES:
        return [(piece,) for piece in pieces]
    done: list[Line] = []
    waiting = [list(pieces)]
    while waiting:  # a stack and no recursion: a page's columns may nest as deep as somebody drew them
        region = waiting.pop()
        parts = _columns(region)
        if parts:
            waiting.extend(reversed([part for part in parts if part]))
        else:
            done.extend(_rows(region))
    return done


def _rows(pieces: Iterable[Piece]) -> list[Line]:
    """Group pieces that overlap in height by half of the lower one; rows from the top, pieces from the left."""
    rows: list[list[Piece]] = []
    # The tallest first: they are the words of the line, and indices and exponents attach to them.
    for piece in sorted(pieces, key=lambda piece: (-round(piece.size), piece.top)):
        best, share = None, 0.5
        for row in rows if piece.upright else []:
            if not row[0].upright:
                continue
            overlap = min(piece.bottom, row[0].bottom) - max(piece.top, row[0].top)
            part = overlap / min(piece.height, row[0].height)
            if part > share:
                best, share = row, part
        if best is None:
            rows.append([piece])
        else:
            best.append(piece)
    rows.sort(key=lambda row: ((row[0].top + row[0].bottom) / 2, row[0].left))
    return [tuple(sorted(row, key=lambda piece: piece.left)) for row in rows]


def _columns(pieces: list[Piece]) -> list[list[Piece]] | None:
    """Split at the widest-reaching gutter: what is above, left, right, and what is below; None where there is none."""
    if len(pieces) < 4:
        return None
    rows = _rows(pieces)
    order = {id(piece): place for place, piece in enumerate(pieces)}
    best: tuple[int, float, int, int] | None = None
    for gutter in _gutters(rows):
        start = 0
        for end in range(len(rows) + 1):
            if end < len(rows) and not _crosses(rows[end], gutter):
                continue
            longer = end - start >= 2 and (best is None or end - start > best[0])
            if longer and _are_columns(*_sides(rows[start:end], gutter), order):
                best = (end - start, gutter, start, end)
            start = end + 1
    if best is None:
        return None
    _, gutter, start, end = best
    left, right = _sides(rows[start:end], gutter)
    above = [piece for row in rows[:start] for piece in row]
    below = [piece for row in rows[end:] for piece in row]
    return [sorted(part, key=lambda piece: order[id(piece)]) for part in (above, left, right, below)]


def _gutters(rows: Sequence[Line]) -> list[float]:
    """Return up to 40 places, to 5 points, where a row has a gap of its own height or more."""
    places: dict[int, int] = {}
    for row in rows:
        for one, two in pairwise(row):
            if two.left - one.right >= min(one.size, two.size):
                place = round((one.right + two.left) / 10) * 5
                places[place] = places.get(place, 0) + 1
    return [float(place) for place in sorted(places, key=lambda place: (-places[place], place))[:40]]


def _crosses(row: Line, gutter: float) -> bool:
    return any(piece.left < gutter - 2 and piece.right > gutter + 2 for piece in row)


def _sides(rows: Sequence[Line], gutter: float) -> tuple[list[Piece], list[Piece]]:
    pieces = [piece for row in rows for piece in row]
    left = [piece for piece in pieces if (piece.left + piece.right) / 2 < gutter]
    return left, [piece for piece in pieces if (piece.left + piece.right) / 2 >= gutter]


def _are_columns(left: list[Piece], right: list[Piece], order: dict[int, int]) -> bool:
    """Tell columns of prose from the columns of a table, and from words that a formula happens to part.

    Both sides must be lines of some length: a table's cells and bullets are shorter, and are read in rows. Where one
    side was drawn before the other, its author took them for two blocks, and less length is needed.
    """
    drawn = [[order[id(piece)] for piece in side] for side in (left, right)]
    if not left or not right:
        return False
    apart = max(drawn[0]) < min(drawn[1]) or max(drawn[1]) < min(drawn[0])
    for side in (left, right):
        rows = _rows(side)
        if len(rows) < 2 or sum(len(piece.text) for piece in side) / len(rows) < (8 if apart else 15):
            return False
    gap = min(piece.left for piece in right) - max(piece.right for piece in left)
    return gap >= 0.8 * min(piece.size for piece in left + right)


def joined(lines: Sequence[Line], known: frozenset[str] = frozenset()) -> str:
    """Join lines with "\\n", and the halves of a hyphenated word; `known` are the words written with a hyphen."""
    text = ""
    glue = False
    for line in lines:
        words = " ".join(piece.text for piece in line)
        if not words:
            continue
        text = _unhyphenated(text, words, known) if glue else f"{text}\n{words}" if text else words
        glue = line[-1].hyphen
    return f"{text}-" if glue else text


def _unhyphenated(text: str, following: str, known: frozenset[str]) -> str:
    """Join "exam" and "ple" to "example", but keep the hyphen of "state-of-the" and "art", of "x" and "Axis"."""
    start = re.search(r"[\w-]*$", text)
    end = re.match(r"\w*", following)
    head, tail = start.group() if start else "", end.group() if end else ""
    keep = not tail[:1].islower() or not head[-1:].isalpha() or "-" in head or f"{head}-{tail}".lower() in known
    return f"{text}-{following}" if keep else text + following


def hyphenated_words(texts: Iterable[str]) -> frozenset[str]:
    """Return the words that somewhere stand with a hyphen inside a line ("well-known"), in lower case."""
    return frozenset(word.lower() for text in texts for word in re.findall(r"\w+-\w+", text))


def title_of(lines: Sequence[Line], height: float) -> str:
    """Return the page's title: what is largest in the upper half, else the first line that has letters."""
    named = [line for line in lines if sum(letter.isalpha() for letter in _words(line)) >= 2]
    upper = [line for line in named if line[0].top < height * 0.5] or named
    if not upper:
        return ""
    largest = max(_size(line) for line in upper)
    first = next(place for place, line in enumerate(upper) if _size(line) > 0.93 * largest)
    if upper[first][0].top > height * 0.3 and named[0][0].top < height * 0.3 and largest < 1.5 * _size(named[0]):
        first = 0  # a large word in the middle of a figure is no title
    words = _words(upper[first])
    for one, two in zip(upper[first:], upper[first + 1 : first + 3], strict=False):
        close = two[0].top - one[0].bottom < 0.8 * _size(one)
        runs_on = _words(two)[:1].islower() or one[-1].text.endswith((":", ",", "-")) or not _plain_page(upper, largest)
        if not close or abs(_size(two) - _size(one)) > 0.07 * largest or not runs_on:
            break
        words = f"{words} {_words(two)}"
    return words[:150].strip()


def _plain_page(lines: Sequence[Line], largest: float) -> bool:
    """Tell whether most lines have the size of the title, so that nothing shows where it ends."""
    same = sum(_size(line) > 0.93 * largest for line in lines)
    return same > 3 or same == len(lines)


def _size(line: Line) -> float:
    """Return the size of a line's longest piece: the sign of a sum is larger than the words beside it."""
    return max(line, key=lambda piece: len(piece.text)).size


def _words(line: Line) -> str:
    return " ".join(piece.text for piece in line)
