"""Functions of arrays and of several values, made of the operations whose derivatives are known.

cross_entropy(p, t) is -Σ t·ln p, of probabilities p; -sum(t*log_softmax(z)) is the same of logits z. mse(y, t) is the
mean of (y - t)², norm(x) the Euclidean norm, conv(x, k) the sum over k as a convolutional layer takes it (the kernel
is not turned round). softmax goes along the last axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

from lecta.derive import expr as e
from lecta.derive.expr import Expr, make
from lecta.derive.parse import Syntax
from lecta.derive.rules import correlate
from lecta.errors import ExpressionError

if TYPE_CHECKING:
    from lecta.derive.build import Builder

_KEYWORDS = {"sum": ("axis",), "mean": ("axis",), "var": ("axis",), "softmax": ("axis",), "log_softmax": ("axis",)}


def build(name: str, syntax: Syntax, values: list[Expr], keywords: dict[str, Expr]) -> Expr:
    """Return a call as an expression; raises ExpressionError for a wrong number or shape of arguments."""
    least, most, maker = _CALLS[name]
    if not least <= len(values) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        raise _error(
            syntax, f"takes {wanted} arguments and has {len(values)}: write {_EXAMPLES.get(name, name + '(x)')}"
        )
    unknown = [word for word in keywords if word not in _KEYWORDS.get(name, ())]
    if unknown:
        raise _error(syntax, f"has no setting {unknown[0]!r}: take it out")
    return maker(syntax, values, _axis(syntax, values[0], keywords.get("axis")))


def gradient(builder: Builder, syntax: Syntax) -> Expr:
    """Return grad(value, variable): the derivative as a value to compute with, for a gradient of a gradient."""
    from lecta.derive.chain import adjoint

    if len(syntax.parts) != 2 or syntax.parts[1].kind != "name":
        raise _error(syntax, "takes a value and the name of a variable: write grad(L, w)")
    leaf = builder.build(syntax.parts[1])
    root = builder.build(syntax.parts[0])
    if root.shape:
        raise _error(syntax, f"takes the gradient of a number, not of an array of {root.shape}: sum it first")
    if leaf.op != "var":
        raise _error(syntax, "takes the name of a variable in the second place: write grad(L, w)")
    return adjoint(builder.known.done, root, leaf)


def _error(syntax: Syntax, what: str) -> ExpressionError:
    return ExpressionError(f"{syntax.text} at character {syntax.start + 1} {what}", syntax.start)


def _axis(syntax: Syntax, array: Expr, axis: Expr | None) -> int | None:
    if axis is None:
        return None
    if axis.op != "const" or axis.attr not in range(-len(array.shape), len(array.shape)):
        raise _error(syntax, f"has no such axis: the axes of an array of {len(array.shape)} dimensions count from 0")
    return int(axis.attr)


def _same_shapes(syntax: Syntax, values: list[Expr]) -> None:
    if e.broadcast_shape(*(value.shape for value in values)) is None:
        shapes = " and ".join("x".join(map(str, value.shape)) or "a number" for value in values)
        raise _error(syntax, f"needs arguments whose shapes fit, and has {shapes}: give both the same shape")


def _vectors(syntax: Syntax, values: list[Expr]) -> None:
    if any(len(value.shape) != 1 for value in values):
        shapes = " and ".join("x".join(map(str, value.shape)) or "a number" for value in values)
        raise _error(syntax, f"needs vectors, and has {shapes}: state a shape such as x: 3")


def _count(array: Expr, axis: int | None) -> Expr:
    return e.const(Fraction(1, math.prod(array.shape) if axis is None else array.shape[axis]))


def _sum(syntax: Syntax, values: list[Expr], axis: int | None) -> Expr:
    return e.total(values[0], axis)


def _mean(syntax: Syntax, values: list[Expr], axis: int | None) -> Expr:
    return e.mul(_count(values[0], axis), e.total(values[0], axis))


def _variance(syntax: Syntax, values: list[Expr], axis: int | None) -> Expr:
    (x,) = values
    if not x.shape:
        raise _error(syntax, "needs an array: state a shape such as x: 3")
    mean = e.mul(_count(x, axis), e.total(x, axis, keep=axis is not None))
    return e.mul(_count(x, axis), e.total(e.power(e.sub(x, mean), e.const(2)), axis))


def _softmax(kind: str) -> Callable[[Syntax, list[Expr], int | None], Expr]:
    def made(syntax: Syntax, values: list[Expr], axis: int | None) -> Expr:
        (z,) = values
        if not z.shape:
            raise _error(syntax, "needs a vector or a matrix: state a shape such as z: 3")
        if axis is None or axis % len(z.shape) == len(z.shape) - 1:
            return make(kind, (z,), None, z.shape)
        return e.transpose(make(kind, (e.transpose(z),), None, z.shape[::-1]))

    return made


def _cross_entropy(syntax: Syntax, values: list[Expr], axis: int | None) -> Expr:
    _same_shapes(syntax, values)
    p, t = values
    return e.neg(e.total(e.mul(t, e.fn("log", p))))


def _mse(syntax: Syntax, values: list[Expr], axis: int | None) -> Expr:
    _same_shapes(syntax, values)
    square = e.power(e.sub(*values), e.const(2))
    return e.mul(_count(square, None), e.total(square))


def _norm(syntax: Syntax, values: list[Expr], axis: int | None) -> Expr:
    return e.sqrt(e.total(e.power(values[0], e.const(2))))


def _largest(syntax: Syntax, values: list[Expr], axis: int | None) -> Expr:
    _same_shapes(syntax, values)
    found = values[0]
    for value in values[1:]:
        found = e.larger(found, value)
    return found


def _smallest(syntax: Syntax, values: list[Expr], axis: int | None) -> Expr:
    return e.neg(_largest(syntax, [e.neg(value) for value in values], axis))


def _clip(syntax: Syntax, values: list[Expr], axis: int | None) -> Expr:
    x, low, high = values
    return _smallest(syntax, [_largest(syntax, [x, low], axis), high], axis)


def _dot(syntax: Syntax, values: list[Expr], axis: int | None) -> Expr:
    _vectors(syntax, values)
    _same_shapes(syntax, values)
    return e.matmul(*values)


def _outer(syntax: Syntax, values: list[Expr], axis: int | None) -> Expr:
    _vectors(syntax, values)
    return e.outer(*values)


def _hadamard(syntax: Syntax, values: list[Expr], axis: int | None) -> Expr:
    _same_shapes(syntax, values)
    return e.mul(*values)


def _conv(syntax: Syntax, values: list[Expr], axis: int | None) -> Expr:
    _vectors(syntax, values)
    if values[0].shape[0] < values[1].shape[0]:
        raise _error(
            syntax,
            f"has a signal of {values[0].shape[0]} and a kernel of {values[1].shape[0]}: the kernel must not be longer",
        )
    return correlate(*values)


def _row(syntax: Syntax, values: list[Expr], axis: int | None) -> Expr:
    array, number = values
    if len(array.shape) != 2 or number.op != "const" or number.attr not in range(1, array.shape[0] + 1):
        raise _error(syntax, "takes a matrix and the number of a row, from 1 on: write row(W, 1)")
    unit = e.make("scatter", (e.ONE,), (int(number.attr) - 1,), (array.shape[0],))
    return e.matmul(e.transpose(array), unit)


_Maker = Callable[[Syntax, list[Expr], int | None], Expr]
_CALLS: dict[str, tuple[int, int, _Maker]] = {
    "sum": (1, 1, _sum), "mean": (1, 1, _mean), "var": (1, 1, _variance),
    "softmax": (1, 1, _softmax("softmax")), "log_softmax": (1, 1, _softmax("log_softmax")),
    "cross_entropy": (2, 2, _cross_entropy), "mse": (2, 2, _mse), "norm": (1, 1, _norm),
    "max": (2, 9, _largest), "min": (2, 9, _smallest), "clip": (3, 3, _clip), "dot": (2, 2, _dot),
    "outer": (2, 2, _outer), "hadamard": (2, 2, _hadamard), "conv": (2, 2, _conv), "row": (2, 2, _row),
    "transpose": (1, 1, lambda syntax, values, axis: e.transpose(values[0]) if values[0].shape else values[0]),
    "sqrt": (1, 1, lambda syntax, values, axis: e.sqrt(values[0])),
    "cbrt": (1, 1, lambda syntax, values, axis: e.power(values[0], e.const(Fraction(1, 3)))),
    "log2": (1, 1, lambda syntax, values, axis: e.div(e.fn("log", values[0]), e.fn("log", e.const(2)))),
    "log10": (1, 1, lambda syntax, values, axis: e.div(e.fn("log", values[0]), e.fn("log", e.const(10)))),
    "erfc": (1, 1, lambda syntax, values, axis: e.sub(e.ONE, e.fn("erf", values[0]))),
}  # fmt: skip
_EXAMPLES = {
    "max": "max(a, b)", "min": "min(a, b)", "clip": "clip(x, -1, 1)", "dot": "dot(a, b)", "outer": "outer(a, b)",
    "hadamard": "hadamard(a, b)", "conv": "conv(x, k)", "cross_entropy": "cross_entropy(p, t)", "mse": "mse(y, t)",
    "row": "row(W, 1)",
}  # fmt: skip
