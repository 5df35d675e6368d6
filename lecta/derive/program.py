"""Text to a program: inputs with their shapes, named values in the order they are computed, the value to derive.

Items stand on lines of their own or between semicolons; `#` begins a comment:

    W1: 3x2; x: 2; t = 1        a shape (nothing declared: everything is a number)
    h = W1*x                    a named value
    sum((h - t)**2)             the last value may stay without a name
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lecta.derive.build import Builder
from lecta.derive.expr import Expr, Shape, names, nodes, var
from lecta.derive.parse import Syntax, check_brackets, parse
from lecta.derive.tokens import MAX_CHARACTERS, Token, tokenize
from lecta.errors import ExpressionError

MAX_VALUES, MAX_NODES, MAX_ENTRIES = 200, 4000, 4096

_SHAPE = re.compile(r"^(.+?)(?::|\\in\s*\\mathbb\{?R\}?\s*\^|∈\s*ℝ\^?)\s*(.+?)\s*$", re.DOTALL)
_SIZES = re.compile(r"^[({\[]?\s*(\d{1,6})(?:\s*(?:x|×|,|\*|\\times)\s*(\d{1,6})?)?\s*[)}\]]?$")
_CALLED = re.compile(r"^(.*?)(?:\\left)?\(([^()]*?)(?:\\right)?\)\s*$", re.DOTALL)
_SEPARATOR = re.compile(r",(?=\s*\\?[A-Za-z][\w\\{}]*\s*=[^=])")


@dataclass(frozen=True)
class Program:
    """What is to be derived: `definitions` in the order of computing, each an expression of names; `output` is one."""

    text: str
    inputs: dict[str, Shape]
    definitions: dict[str, Expr]
    output: str
    derived: dict[str, tuple[str, str]] = field(default_factory=dict)  # names given as grad(value, variable)

    def shape(self, name: str) -> Shape:
        """Return the shape of an input or a named value."""
        return self.inputs[name] if name in self.inputs else self.definitions[name].shape

    @property
    def scalar(self) -> bool:
        """Is everything in it a number?"""
        return not any(node.shape for root in self.definitions.values() for node in nodes(root))


@dataclass(frozen=True)
class _Item:
    name: str
    start: int
    syntax: Syntax
    parameters: tuple[str, ...] = ()


def spoken_shape(shape: Shape) -> str:
    """Return a shape as a person writes it: "a number", "3", "3x2"."""
    return "x".join(map(str, shape)) if shape else "a number"


def key(name: str) -> str:
    """Return what two spellings of a name have in common: W1 and W_1 are one value."""
    return name.replace("_", "")


def name_of(text: str) -> str:
    """Return the name that stands alone in a text, in either notation; raises ExpressionError."""
    tokens = tokenize(text)
    if len(tokens) != 1 or tokens[0].kind not in ("name", "function"):
        raise ExpressionError(f"{text.strip()!r} is not one name: write the name of a single value, such as w_1")
    return tokens[0].text


def read_program(text: str, wrt: str) -> Program:
    """Return the program a text states; `wrt` may name an input or a value in between (what is before it is left out).

    Raises ExpressionError: one line with what is wrong, where, and what to do.
    """
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"the expression has {len(text)} characters and at most {MAX_CHARACTERS} are read")
    if not text.strip():
        raise ExpressionError('the expression is empty: write one, such as "sigmoid(w*x + b)"')
    shapes, items = _read(text)
    if not items:
        raise ExpressionError("there is no expression to derive: write one after the shapes, such as L = sum(x)")
    wanted = key(name_of(wrt))
    builder = _Definitions(items, shapes, wanted)
    output = items[-1].name
    builder.value(output, items[-1].start)
    _check(builder, items, wanted, wrt, output)
    return Program(text, builder.inputs, builder.done, output, builder.derived)


def _check(builder: _Definitions, items: list[_Item], wanted: str, wrt: str, output: str) -> None:
    for item in items:
        if item.name in builder.done or item.name in builder.inputs:
            continue
        close = difflib.get_close_matches(item.name, list(builder.inputs), 1, 0.5)
        if close:
            raise ExpressionError(
                f"{item.name!r} at character {item.start + 1} is never used, and {close[0]!r} is never given: "
                "write the same name in both places",
                item.start,
            )
    known = {key(name): name for name in (*builder.inputs, *builder.done)}
    if wanted not in known:
        close = difflib.get_close_matches(wanted, list(known), 1, 0.5)
        hint = f"did you mean {known[close[0]]!r}?" if close else "it has " + (", ".join(name for name in known.values() if name != output) or "none")
        raise ExpressionError(f"there is no variable {wrt!r} to derive by in the expression: {hint}")
    if known[wanted] == output:
        raise ExpressionError(f"{output!r} is the value that is derived: name one it depends on")
    if sum(len(nodes(root)) for root in builder.done.values()) > MAX_NODES:
        raise ExpressionError(f"the expression has more than {MAX_NODES} operations: derive a smaller piece of it")


def _read(text: str) -> tuple[dict[str, Shape], list[_Item]]:
    shapes: dict[str, Shape] = {}
    items: dict[str, _Item] = {}
    pieces = list(_pieces(text))
    for number, (piece, start) in enumerate(pieces):
        equals = _equals(piece)
        declared = _SHAPE.match(piece) if equals is None else None
        if declared:
            _declare(declared, piece, start, shapes)
            continue
        item = _item(piece, start, equals, number == len(pieces) - 1)
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


def _item(piece: str, start: int, equals: int | None, last: bool) -> _Item:
    if equals is None:
        if not last:
            place = start + len(piece) - len(piece.lstrip())
            check_brackets(tokenize(piece, start))
            raise ExpressionError(
                f"{piece.strip()[:30]!r} at character {place + 1} has no name: write a name before it, such as "
                f"h = {piece.strip()[:20]}",
                place,
            )
        return _Item("", start + len(piece) - len(piece.lstrip()), parse(piece, start))
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
    return _Item(tokens[0].text, tokens[0].start, parse(right, start + equals + 1), parameters)


@dataclass
class _Definitions:
    """Builds each value when it is first needed, so that the order in the text is free and a circle is found."""

    items: list[_Item]
    shapes: dict[str, Shape]
    wanted: str
    inputs: dict[str, Shape] = field(default_factory=dict)
    done: dict[str, Expr] = field(default_factory=dict)
    derived: dict[str, tuple[str, str]] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        taken = {key(item.name) for item in self.items} | {key(name) for name in self.shapes}
        if self.items[-1].name == "":
            free = next(name for name in ("y", "f", "L", "out", "result_") if self._is_free(name, taken))
            self.items[-1] = _Item(free, self.items[-1].start, self.items[-1].syntax)
        self._by_key = {key(item.name): item for item in self.items}
        self._shape_by_key = {key(name): (name, shape) for name, shape in self.shapes.items()}
        both = self._by_key.keys() & self._shape_by_key.keys()
        self._stated = {name: self._shape_by_key.pop(name)[1] for name in both}

    def _is_free(self, name: str, taken: set[str]) -> bool:
        used = {part.text for part in _walk(self.items)}
        return name not in taken and name not in used and name != self.wanted

    def value(self, name: str, start: int) -> Expr:
        """Return a named value as a leaf, building what it stands for first."""
        item = self._by_key.get(key(name))
        cut = item is not None and key(name) == self.wanted and item is not self.items[-1]
        if item is None or (cut and self._stated.get(key(name)) is not None):
            return self._input(name)
        if item.name not in self.done:
            if item.name in self._open:
                circle = " → ".join([*self._open[self._open.index(item.name) :], item.name])
                raise ExpressionError(
                    f"{item.name!r} at character {start + 1} depends on itself ({circle}): give each step a new name",
                    start,
                )
            self._open.append(item.name)
            expr = Builder(self, item.name, item.parameters).build(item.syntax)
            self._open.pop()
            if item.syntax.kind == "call" and item.syntax.text == "grad" and item.syntax.parts[0].kind == "name":
                self.derived[item.name] = (item.syntax.parts[0].text, item.syntax.parts[1].text)
            stated = self._stated.get(key(name))
            if stated is not None and stated != expr.shape:
                raise ExpressionError(
                    f"{item.name!r} is stated as {spoken_shape(stated)} and computed as {spoken_shape(expr.shape)}: "
                    "correct one of them",
                    item.start,
                )
            if cut:  # derived by: from here on it is an input, and what it was made of does not matter
                self.inputs[item.name] = expr.shape
                return var(item.name, expr.shape)
            self.done[item.name] = expr
        return var(item.name, self.done[item.name].shape)

    def defined(self, name: str) -> bool:
        """Is a name assigned, declared or already met?"""
        known = (*self._by_key, *self._shape_by_key, *map(key, self.inputs))
        return key(name) in known

    def _input(self, name: str) -> Expr:
        name, shape = self._shape_by_key.get(key(name), (name, ()))
        for known in self.inputs:
            if key(known) == key(name):
                name = known
        self.inputs.setdefault(name, shape)
        return var(name, shape)


def _walk(items: list[_Item]) -> Iterator[Syntax]:
    stack = [item.syntax for item in items]
    while stack:
        syntax = stack.pop()
        yield syntax
        stack.extend(syntax.parts)


def used_inputs(program: Program) -> dict[str, Shape]:
    """Return the inputs that the output depends on, in order of appearance."""
    used = {name for root in program.definitions.values() for name in names(root)}
    return {name: shape for name, shape in program.inputs.items() if name in used}
