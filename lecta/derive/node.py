"""An operation on expressions, made once, and the walk over all of them."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any
from weakref import WeakValueDictionary

Shape = tuple[int, ...]


class Expr:
    """One operation on expressions; compare with `is` (or `==`, the same)."""

    __slots__ = ("__weakref__", "args", "attr", "op", "shape")

    def __init__(self, op: str, args: tuple[Expr, ...], attr: Any, shape: Shape) -> None:
        self.op, self.args, self.attr, self.shape = op, args, attr, shape

    def __repr__(self) -> str:
        """Show the operation and its arguments."""
        return f"{self.op}({', '.join(map(repr, self.args))}{'; ' if self.args else ''}{self.attr})"


_known: WeakValueDictionary[tuple[Any, ...], Expr] = WeakValueDictionary()


def make(op: str, args: Iterable[Expr] = (), attr: Any = None, shape: Shape = ()) -> Expr:
    """Return the one expression that is this operation on these."""
    args = tuple(args)
    key = (op, args, attr, shape)
    found = _known.get(key)
    if found is None:
        found = _known[key] = Expr(op, args, attr, shape)
    return found


def const(value: int | Fraction) -> Expr:
    """Return an exact number."""
    return make("const", (), Fraction(value))


def var(name: str, shape: Shape = ()) -> Expr:
    """Return a named value."""
    return make("var", (), name, shape)


def broadcast_shape(*shapes: Shape) -> Shape | None:
    """Return the shape NumPy gives a sum of such arrays, or None where they do not fit."""
    width = max(map(len, shapes), default=0)
    result: list[int] = []
    for sizes in zip(*[(1,) * (width - len(shape)) + shape for shape in shapes], strict=True):
        size = max(sizes)
        if any(other not in (1, size) for other in sizes):
            return None
        result.append(size)
    return tuple(result)


def nodes(*roots: Expr) -> list[Expr]:
    """Return every expression in these once, arguments before what uses them (no recursion)."""
    order: dict[Expr, None] = {}
    stack: list[tuple[Expr, bool]] = [(root, False) for root in reversed(roots)]
    while stack:
        expr, done = stack.pop()
        if expr in order:
            continue
        if done:
            order[expr] = None
        else:
            stack.append((expr, True))
            stack.extend((arg, False) for arg in reversed(expr.args) if arg not in order)
    return list(order)


def names(expr: Expr) -> list[str]:
    """Return the names an expression uses, in order of appearance."""
    return [node.attr for node in nodes(expr) if node.op == "var"]
