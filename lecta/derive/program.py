"""Text to a program: inputs with their shapes, named values in the order they are computed, the value to derive.

Items stand on lines of their own or between semicolons; `#` begins a comment:

    W1: 3x2; x: 2; t = 1        a shape (nothing declared: everything is a number)
    h = W1*x                    a named value
    sum((h - t)**2)             the last value may stay without a name
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field

from lecta.derive.build import Builder
from lecta.derive.expr import Expr, Shape, names, nodes, var
from lecta.derive.items import Item, name_of, read_items
from lecta.derive.parse import Syntax
from lecta.derive.tokens import MAX_CHARACTERS
from lecta.errors import ExpressionError

MAX_NODES = 4000


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


def spoken_shape(shape: Shape) -> str:
    """Return a shape as a person writes it: "a number", "3", "3x2"."""
    return "x".join(map(str, shape)) if shape else "a number"


def key(name: str) -> str:
    """Return what two spellings of a name have in common: W1 and W_1 are one value."""
    return name.replace("_", "")


def read_program(text: str, wrt: str) -> Program:
    """Return the program a text states; `wrt` may name an input or a value in between (what is before it is left out).

    Raises ExpressionError: one line with what is wrong, where, and what to do.
    """
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"the expression has {len(text)} characters and at most {MAX_CHARACTERS} are read")
    if not text.strip():
        raise ExpressionError('the expression is empty: write one, such as "sigmoid(w*x + b)"')
    shapes, items = read_items(text)
    if not items:
        raise ExpressionError("there is no expression to derive: write one after the shapes, such as L = sum(x)")
    wanted = key(name_of(wrt))
    builder = _Definitions(items, shapes, wanted)
    output = _output(items)
    builder.value(output.name, output.start)
    _check(builder, items, wanted, wrt, output.name)
    return Program(text, _in_order(builder.inputs, items, shapes), builder.done, output.name, builder.derived)


def _in_order(inputs: dict[str, Shape], items: list[Item], shapes: dict[str, Shape]) -> dict[str, Shape]:
    """Return the inputs as they appear in the text, declared ones first."""
    first: dict[str, int] = {}
    for part in sorted(_walk(items), key=lambda part: part.start):
        first.setdefault(key(part.text), part.start)
    first |= {key(name): number - len(shapes) for number, name in enumerate(shapes)}
    return dict(sorted(inputs.items(), key=lambda item: first.get(key(item[0]), MAX_CHARACTERS)))


def _output(items: list[Item]) -> Item:
    """Return the value to derive: the last one that no other uses."""
    used = {key(part.text) for part in _walk(items) if part.kind in ("name", "index")}
    return next((item for item in reversed(items) if key(item.name) not in used), items[-1])


def _check(builder: _Definitions, items: list[Item], wanted: str, wrt: str, output: str) -> None:
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
        hint = (
            f"did you mean {known[close[0]]!r}?"
            if close
            else "it has " + (", ".join(name for name in known.values() if name != output) or "none")
        )
        raise ExpressionError(f"there is no variable {wrt!r} to derive by in the expression: {hint}")
    if known[wanted] == output:
        raise ExpressionError(f"{output!r} is the value that is derived: name one it depends on")
    if sum(len(nodes(root)) for root in builder.done.values()) > MAX_NODES:
        raise ExpressionError(f"the expression has more than {MAX_NODES} operations: derive a smaller piece of it")


@dataclass
class _Definitions:
    """Builds each value when it is first needed, so that the order in the text is free and a circle is found."""

    items: list[Item]
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
            self.items[-1] = Item(free, self.items[-1].start, self.items[-1].syntax)
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
        cut = item is not None and key(name) == self.wanted and item is not _output(self.items)
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


def _walk(items: list[Item]) -> Iterator[Syntax]:
    stack = [item.syntax for item in items]
    while stack:
        syntax = stack.pop()
        yield syntax
        stack.extend(syntax.parts)


def used_inputs(program: Program) -> dict[str, Shape]:
    """Return the inputs that the output depends on, in order of appearance."""
    used = {name for root in program.definitions.values() for name in names(root)}
    return {name: shape for name, shape in program.inputs.items() if name in used}
