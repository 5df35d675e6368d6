"""What stands on every page and says nothing of this one: running headers, footers, navigation, page counters.

Pure: pages come as lists of pieces. A piece is furniture when the same words (digits aside) stand in the same place
near the edge of many pages. A title is never furniture, and no page loses its only words to this.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lecta.read.layout import MOST_PIECES, Piece

EDGE = 0.14
"""The part of the page's height, at top and bottom, and of its width, at the sides, where furniture stands."""
GRID = 50
"""Places along a side of the page: a footer's line is one or two of them high."""
LEAST_PAGES = 3
LEAST_SHARE = 0.25
"""Of all pages. A part of a lecture with its own header has that many; a picture's source repeated has not."""
LEAST_SHARE_COUNTED = 0.5
"""Of all pages, for words whose numbers change: "Check-in 2.1", "Check-in 2.3" are what some pages say.
And for words at the sides, where beamer puts a list of sections and authors put labels."""

_NUMBER = re.compile(r"\d{1,4}")
_COUNTER = re.compile(r"(?:(?:page|slide|p\.)\s*)?(\d{1,4})\s*(?:/|of)\s*(\d{1,4})", re.IGNORECASE)
_BARE = re.compile(r"[^\w]*(?:\d{1,4}|[ivxl]{1,6})[^\w]*")

Key = tuple[str, int, int]
"""The words of a piece and its place on a grid."""
Counted = frozenset[tuple[Key, int]]
"""Where page numbers stand: the key, and which of its numbers moves with the pages."""


@dataclass(frozen=True, slots=True)
class Page:
    """The pieces of one page and its size in points."""

    pieces: tuple[Piece, ...]
    width: float
    height: float
    top: float = 0.0
    bottom: float | None = None
    """Between what heights words stand, on any page of the document; None for the page's own height. Slides printed
    on letter paper have their edges in the middle of it."""


@dataclass(frozen=True, slots=True)
class Split:
    """A page's pieces parted into what it says and what it only carries, and the number printed on it."""

    body: tuple[Piece, ...]
    furniture: tuple[Piece, ...]
    label: str = ""


def split(pages: Sequence[Page]) -> list[Split]:
    """Part every page's pieces into body and furniture; one result a page."""
    pages = _with_edges(pages)
    count = _counts(pages)
    repeated = _repeated(count, len(pages))
    counted = _page_numbers(pages)
    offset = _offset(pages)
    result = []
    for number, page in enumerate(pages):
        if len(page.pieces) > MOST_PIECES:  # a map or a drawing
            result.append(Split(page.pieces, ()))
            continue
        counters = [_counter(piece, page, number, len(pages), counted) for piece in page.pieces]
        if offset is not None and not any(counters):
            counters = [_lowest_number(piece, page, number + offset) for piece in page.pieces]
        own = [
            counter is not None or (_is_repeated(piece, page, repeated) and not _is_title(piece, page))
            for piece, counter in zip(page.pieces, counters, strict=True)
        ]
        carried = [piece for piece, furniture in zip(page.pieces, own, strict=True) if furniture]
        own = [
            furniture or _is_amid(piece, page, carried, count)
            for piece, furniture in zip(page.pieces, own, strict=True)
        ]
        body = tuple(piece for piece, furniture in zip(page.pieces, own, strict=True) if not furniture)
        rest = tuple(piece for piece, furniture in zip(page.pieces, own, strict=True) if furniture)
        label = next(filter(None, counters), "") or _label(rest, page, counted)
        result.append(Split(body, rest, label))
    return result


def _with_edges(pages: Sequence[Page]) -> list[Page]:
    """Tell each page between what heights words stand in the whole document, where all pages have one size."""
    pieces = [piece for page in pages for piece in page.pieces]
    if len(pages) < LEAST_PAGES or not pieces or len({(page.width, page.height) for page in pages}) > 1:
        return list(pages)
    # Bounded, for where all pages are short the words in their middle are no header.
    height = pages[0].height
    top = max(0.0, min(0.1 * height, *(piece.top for piece in pieces)))
    bottom = min(height, max(0.78 * height, *(piece.bottom for piece in pieces)))
    return [replace(page, top=top, bottom=bottom) for page in pages]


def _is_amid(piece: Piece, page: Page, carried: Sequence[Piece], twice: Mapping[Key, int]) -> bool:
    """Tell whether a piece at the edge belongs to a line of furniture.

    It stands between two pieces that do ("Lecture 4 -" in a footer), or it is in a header's line, no larger than that,
    and repeated on another page (the name of a part of the lecture). At the bottom a source of a picture may repeat.
    """
    if not at_edge(piece, page) or _is_title(piece, page):
        return False
    beside = [other for other in carried if min(other.bottom, piece.bottom) > max(other.top, piece.top)]
    if piece.top < page.height / 2 and any(piece.size < 1.1 * other.size for other in beside):
        return any(twice[key] > 1 for key in _keys(piece, page))
    return any(other.right <= piece.left for other in beside) and any(other.left >= piece.right for other in beside)


def _counts(pages: Sequence[Page]) -> Counter[Key]:
    """Count on how many pages the same words stand in the same place at an edge."""
    count: Counter[Key] = Counter()
    for page in pages:
        edge = [piece for piece in page.pieces if at_edge(piece, page)]
        count.update({key for piece in edge for key in (*_keys(piece, page), *_keys(piece, page, counted=True))})
    return count


def _repeated(count: Mapping[Key, int], pages: int) -> set[Key]:
    """Return what stands at an edge of enough pages: three, and a quarter of all."""
    return {key for key, times in count.items() if times >= _least(pages, counted="#" in key[0] or _beside(key))}


def _beside(key: Key) -> bool:
    """Tell whether a place is at a side: what repeats there may be the labels of what the pages say ("Proof")."""
    return GRID * EDGE <= key[2] // 2 < GRID * (1 - EDGE)


def _least(pages: int, *, counted: bool) -> float:
    return max(LEAST_PAGES, (LEAST_SHARE_COUNTED if counted else LEAST_SHARE) * pages)


def _is_repeated(piece: Piece, page: Page, repeated: set[Key]) -> bool:
    if any(key in repeated for key in _keys(piece, page)):
        return True
    # A number alone is furniture only where it counts the pages: "1986", "2012" may be what the pages are about.
    return _has_letters(piece.text) and any(key in repeated for key in _keys(piece, page, counted=True))


def at_edge(piece: Piece, page: Page) -> bool:
    """Tell whether a piece stands near the top, the bottom or, in small print, a side of its page."""
    bottom = page.height if page.bottom is None else page.bottom
    band = (bottom - page.top) * EDGE
    if piece.bottom < page.top + band or piece.top > bottom - band:
        return True
    beside = piece.right < page.width * EDGE or piece.left > page.width * (1 - EDGE)
    return beside and piece.size < 0.035 * page.height and sum(letter.isalpha() for letter in piece.text) >= 3


def _keys(piece: Piece, page: Page, *, counted: bool = False) -> Iterator[Key]:
    """Yield the words and the place on a grid, in two grids half a step apart; `counted` has "#" for numbers.

    Two grids, because a place on the border of one grid's cells is in the middle of the other's.
    """
    words = _NUMBER.sub("#", piece.text.lower()) if counted else piece.text.lower()
    for grid, shift in enumerate((0.0, 0.5)):
        across = int(piece.left / max(page.width, 1) * GRID + shift)
        down = int(piece.top / max(page.height, 1) * GRID + shift)
        yield words, across * 2 + grid, down * 2 + grid


def _is_title(piece: Piece, page: Page) -> bool:
    """Tell whether a piece is the largest print of its page and at its top; a deck may use one title many times."""
    if piece.top > page.height * 0.3 or sum(letter.isalpha() for letter in piece.text) < 2:
        return False
    largest = max(other.size for other in page.pieces)
    smallest = min(other.size for other in page.pieces)
    return piece.size > 0.95 * largest and smallest < 0.9 * largest


def _page_numbers(pages: Sequence[Page]) -> Counted:
    """Find the numbers at the edges that rise from page to page: the same words and place, the value moving."""
    seen: defaultdict[tuple[Key, int], list[tuple[int, int]]] = defaultdict(list)
    for number, page in enumerate(pages):
        for piece in page.pieces:
            if at_edge(piece, page):
                for key in _keys(piece, page, counted=True):
                    for place, match in enumerate(_NUMBER.finditer(piece.text)):
                        seen[key, place].append((number, int(match.group())))
    enough = (
        key
        for key, found in seen.items()
        if len(found) >= _least(len(pages), counted=_has_letters(key[0][0])) and _rises(found)
    )
    return frozenset(enough)


def _has_letters(text: str) -> bool:
    return any(letter.isalpha() for letter in text)


def _rises(found: Sequence[tuple[int, int]]) -> bool:
    """Tell whether values rise with the pages and never faster: builds repeat a number, covers have none."""
    steps = list(itertools.pairwise(found))
    good = sum(0 <= after[1] - before[1] <= after[0] - before[0] for before, after in steps)
    return good >= 0.8 * len(steps) and found[-1][1] > found[0][1]


def _counter(piece: Piece, page: Page, number: int, pages: int, counted: Counted) -> str | None:
    """Return the number of a page counter ("12/45", a rising "12" alone at the edge), None for anything else."""
    if not at_edge(piece, page):
        return None
    match = _COUNTER.fullmatch(piece.text.strip())
    # "12/45" is a counter where it counts these pages; a deck of 45 slides has more pages with its builds.
    if match and 0 < int(match[1]) <= min(int(match[2]), number + 1 + LEAST_PAGES) and 1 < int(match[2]) * 4 >= pages:
        return match[1]
    if _BARE.fullmatch(piece.text) and any((key, 0) in counted for key in _keys(piece, page, counted=True)):
        found = _NUMBER.search(piece.text)
        return found.group() if found else None
    return None


def _offset(pages: Sequence[Page]) -> int | None:
    """Return what the lowest word of most pages adds to the page's place, where it is a number; None where it is not.

    For slides printed at changing sizes, whose numbers stand in no one place.
    """
    found: Counter[int] = Counter()
    for number, page in enumerate(pages):
        lowest = max(page.pieces, key=lambda piece: piece.bottom, default=None)
        if lowest is not None and re.fullmatch(r"\d{1,4}", lowest.text):
            found[int(lowest.text) - number] += 1
    offset, times = found.most_common(1)[0] if found else (0, 0)
    return offset if times >= _least(len(pages), counted=True) else None


def _lowest_number(piece: Piece, page: Page, value: int) -> str | None:
    is_it = piece.text == str(value) and piece.bottom == max(other.bottom for other in page.pieces)
    return piece.text if is_it else None


def _label(furniture: Sequence[Piece], page: Page, counted: Counted) -> str:
    """Return the number inside other furniture that moves with the pages ("Lecture 4 - 12 April 13")."""
    for piece in furniture:
        for key in _keys(piece, page, counted=True):
            for place, match in enumerate(_NUMBER.finditer(piece.text)):
                if (key, place) in counted:
                    return match.group()
    return ""
