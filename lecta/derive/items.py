"""Text to items: shapes declared and values assigned, each on a line of its own or between semicolons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lecta.derive.brackets import check_brackets
from lecta.derive.node import Shape
from lecta.derive.parse import Syntax, parse
from lecta.derive.tokens import Token, is_latex, tokenize
from lecta.errors import ExpressionError

MAX_VALUES, MAX_ENTRIES = 200, 4096

_SHAPE = re.compile(r"^(.+?)(?::|\\in\s*\\mathbb\{?R\}?\s*\^|∈\s*ℝ\^?)\s*(.+?)\s*$", re.DOTALL)
_SIZES = re.compile(r"^[({\[]?\s*(\d{1,6})(?:\s*(?:x|×|,|\*|\\times)\s*(\d{1,6})|\s*,)?\s*[)}\]]?$")
_CALLED = re.compile(r"^(.*?)(?:\\left)?\(([^()]*?)(?:\\right)?\)\s*$", re.DOTALL)
_SEPARATOR = re.compile(r",(?=\s*\\?[A-Za-z][\w\\{}]*\s*=[^=])")


@dataclass(frozen=True)
class Item:
    """A value as written: its name ("" for the last one without), its place, and what it is."""

    name: str
    start: int
    syntax: Syntax
    parameters: tuple[str, ...] = ()


def name_of(text: str) -> str:
    """Return the name that stands alone in a text, in either notation; raises ExpressionError."""
    tokens = tokenize(text)
    if len(tokens) != 1 or tokens[0].kind not in ("name", "function"):
        raise ExpressionError(f"{text.strip()!r} is not one name: write the name of a single value, such as w_1")
    return tokens[0].text


def read_items(text: str) -> tuple[dict[str, Shape], list[Item]]:
    """Return the shapes and the assignments of a text; raises ExpressionError."""
    shapes: dict[str, Shape] = {}
    items: dict[str, Item] = {}
    pieces = list(_pieces(text))
    latex = is_latex(text)
    for number, (piece, start) in enumerate(pieces):
        equals = _equals(piece)
        declared = _SHAPE.match(piece) if equals is None else None
        if declared:
            _declare(declared, piece, start, shapes)
            continue
        item = _item(piece, start, equals, number == len(pieces) - 1, latex)
        if item.name in items:
            raise ExpressionError(
                f"{item.name!r} is assigned twice, at character {items[item.name].start + 1} and at character "
                f"{item.start + 1}: give the second a name of its own",
                item.start,
            )
        items[item.name] = item
    if len(items) > MAX_VALUES:
        raise ExpressionError(f"the expression has {len(items)} named values and at most {MAX_VALUES} are read")
    return shapes, list(items.values())


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """Yield the items of a text with their places; a comment is blanked so that places stay true."""
    text = re.sub(r"#[^\n]*", lambda match: " " * len(match.group()), text)
    text = text.replace("$", " ")
    depth = begin = 0
    cuts = [*re.finditer(r"(?<!\\);|\n|\\\\(?![A-Za-z])", text), None]
    commas = {match.start() for match in _SEPARATOR.finditer(text)}
    ends = sorted([(cut.start(), cut.end()) for cut in cuts if cut] + [(at, at + 1) for at in commas])
    for start, stop in [*ends, (len(text), len(text))]:
        depth = sum(text.count(sign, begin, start) for sign in "([{")
        depth -= sum(text.count(sign, begin, start) for sign in ")]}")
        if depth > 0 and start < len(text) and text[start] in "\n,":
            continue
        piece = text[begin:start]
        if piece.strip():
            yield piece.rstrip(), begin
        begin = stop


def _equals(piece: str) -> int | None:
    """Return where the assignment's sign stands, outside of brackets."""
    depth = 0
    for at, sign in enumerate(piece):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "=" and depth == 0:
            return at
    return None


def _declare(declared: re.Match[str], piece: str, start: int, shapes: dict[str, Shape]) -> None:
    sizes = _SIZES.match(declared.group(2))
    place = start + declared.start(2) + 1
    if sizes is None and declared.group(2) not in ("scalar", "number"):
        raise ExpressionError(
            f"{declared.group(2)!r} at character {place} is no shape: write 3 for a vector or 3x2 for a matrix",
            place - 1,
        )
    shape = tuple(int(size) for size in sizes.groups() if size) if sizes else ()
    entries = shape[0] * shape[-1] if len(shape) == 2 else sum(shape)
    if 0 in shape or entries > MAX_ENTRIES:
        raise ExpressionError(
            f"the shape {declared.group(2)!r} at character {place} has {entries} entries: 1 to {MAX_ENTRIES} are read; "
            "a small example shows the same rules",
            place - 1,
        )
    for part in declared.group(1).split(","):
        name = name_of(part)
        if name in shapes:
            raise ExpressionError(f"the shape of {name!r} is stated twice: once is enough", start)
        shapes[name] = shape


def _item(piece: str, start: int, equals: int | None, last: bool, latex: bool) -> Item:
    if equals is None:
        if not last:
            place = start + len(piece) - len(piece.lstrip())
            check_brackets(tokenize(piece, start))
            raise ExpressionError(
                f"{piece.strip()[:30]!r} at character {place + 1} has no name: write a name before it, such as "
                f"h = {piece.strip()[:20]}",
                place,
            )
        return Item("", start + len(piece) - len(piece.lstrip()), parse(piece, start, within_latex=latex))
    left, right = piece[:equals], piece[equals + 1 :]
    parameters: tuple[str, ...] = ()
    called = _CALLED.match(left)
    if called:
        left = called.group(1)
        parameters = tuple(name_of(part) for part in called.group(2).split(","))
    tokens: list[Token] = tokenize(left, start)
    if len(tokens) != 1 or tokens[0].kind not in ("name", "function"):
        check_brackets(tokens)
        raise ExpressionError(
            f"{left.strip()!r} at character {start + 1} cannot be assigned to: one name must stand left of '='", start
        )
    return Item(tokens[0].text, tokens[0].start, parse(right, start + equals + 1, within_latex=latex), parameters)
