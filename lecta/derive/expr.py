"""Expressions as a graph of small operations on numbers, vectors and matrices.

An `Expr` is made once: equal expressions are the same object, so a value that is used twice is seen to be. The
constructors here put sums and products in a simple form (constants folded, equal terms and equal bases collected,
zeros and ones dropped) and nothing more: what a student wrote stays recognisable.

Operations, with `attr`:
    const Fraction · sym "pi"|"E" · var name · add · mul · pow (base, exponent) · fn (name, *parameters) · max
    matmul · outer · transpose · sum (axis, keep) · broadcast shape · reshape shape · index · scatter
    correlate · convolve · softmax axis · log_softmax axis · abstract (name, orders)
Shapes are those of NumPy: () a number, (n,) a vector, (m, n) a matrix; add and mul broadcast as NumPy does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

from lecta.derive.node import Expr, Shape, broadcast_shape, const, make, names, nodes, var
from lecta.errors import ExpressionError

__all__ = ["Expr", "Shape", "broadcast_shape", "const", "make", "names", "nodes", "var"]

_LARGEST_BITS = 4096  # 1,200 digits; 9**9**9 would fill the memory

ZERO, ONE, E, PI = const(0), const(1), make("sym", (), "E"), make("sym", (), "pi")


def is_number(expr: Expr, value: int | None = None) -> bool:
    """Is it an exact number (this one)?"""
    return expr.op == "const" and (value is None or expr.attr == value)


def is_zero(expr: Expr) -> bool:
    """Is it zero, or an array of zeros?"""
    return is_number(expr.args[0] if expr.op == "broadcast" else expr, 0)


def zeros(shape: Shape) -> Expr:
    """Return zeros of a shape."""
    return broadcast(ZERO, shape)


def _joint_shape(parts: Iterable[Expr]) -> Shape:
    shape = broadcast_shape(*(part.shape for part in parts))
    if shape is None:  # the reader of expressions has checked this with a message of its own
        raise ExpressionError("shapes do not fit: " + ", ".join(str(part.shape) for part in parts))
    return shape


def _flat(op: str, parts: Iterable[Expr]) -> Iterator[Expr]:
    for part in parts:
        if part.op == op:
            yield from part.args
        else:
            yield part


def coefficient(expr: Expr) -> tuple[Fraction, Expr]:
    """Split an expression into its exact factor and the rest."""
    if expr.op == "const":
        return expr.attr, ONE
    if expr.op == "mul" and expr.args[0].op == "const":
        rest = expr.args[1:]
        return expr.args[0].attr, rest[0] if len(rest) == 1 else make("mul", rest, None, _joint_shape(rest))
    return Fraction(1), expr


def add(*terms: Expr) -> Expr:
    """Return a sum; equal terms are collected."""
    shape = _joint_shape(terms)
    collected: dict[Expr, Fraction] = {}
    for term in _flat("add", terms):
        inner = term.args[0] if term.op == "broadcast" and term.args[0].shape == () else term
        factor, rest = coefficient(inner)
        collected[rest] = collected.get(rest, Fraction(0)) + factor
    parts = [mul(const(factor), rest) for rest, factor in collected.items() if factor != 0]
    if not parts:
        return zeros(shape)
    if _joint_shape(parts) != shape:
        parts[0] = broadcast(parts[0], shape)
    return parts[0] if len(parts) == 1 else make("add", parts, None, shape)


def mul(*factors: Expr) -> Expr:
    """Return a product, entry by entry; equal bases are collected."""
    shape = _joint_shape(factors)
    number = Fraction(1)
    powers: dict[Expr, list[Expr]] = {}
    for factor in _flat("mul", factors):
        inner = factor.args[0] if factor.op == "broadcast" and factor.args[0].shape == () else factor
        for part in _flat("mul", [inner]):
            if part.op == "const":
                number *= part.attr
            else:
                base, exponent = part.args if part.op == "pow" else (part, ONE)
                powers.setdefault(base, []).append(exponent)
    if number == 0:
        return zeros(shape)
    raised = [_unrepeated(power(base, add(*exponents))) for base, exponents in powers.items()]
    if any(part.op == "mul" for part in raised):  # sqrt(2*x)*sqrt(2*x) is 2*x, a product again
        return mul(broadcast(const(number), shape), *raised)
    parts = [part for part in raised if part.op != "const"]
    for part in raised:
        if part.op == "const":
            number *= part.attr
    divided = _divided_sum(parts)
    if divided is not None:
        others = [part for part in parts if part is not divided]
        return add(*(mul(const(number), *others, broadcast(term, divided.shape)) for term in divided.args))
    if number != 1 or not parts:
        parts.insert(0, const(_bounded(number)))
    whole = parts[0] if len(parts) == 1 else make("mul", parts, None, _joint_shape(parts))
    return whole if whole.shape == shape else broadcast(whole, shape)


def _unrepeated(expr: Expr) -> Expr:
    """Take a number out of an array of it: in a product the shape comes from the others, or is put back at the end."""
    return expr.args[0] if expr.op == "broadcast" and expr.args[0].shape == () else expr


def _divided_sum(parts: list[Expr]) -> Expr | None:
    """Return the sum in a product whose terms are divided by another factor: p·(Σt - t/p) reads better as p·Σt - t."""
    sums = [part for part in parts if part.op == "add"]
    if len(sums) != 1 or len(parts) < 2:
        return None
    below = {
        factor.args[0]
        for term in sums[0].args
        for factor in (term.args if term.op == "mul" else (term,))
        if is_divisor(factor)
    }
    return sums[0] if any(part in below for part in parts) else None


def is_divisor(expr: Expr) -> bool:
    """Is an expression one over something: a power with a negative number as its exponent?"""
    return expr.op == "pow" and expr.args[1].op == "const" and expr.args[1].attr < 0


def _bounded(number: Fraction) -> Fraction:
    if max(number.numerator.bit_length(), number.denominator.bit_length()) > _LARGEST_BITS:
        raise ExpressionError("a number in it has more than 1,200 digits: use smaller numbers")
    return number


def power(base: Expr, exponent: Expr) -> Expr:  # noqa: PLR0911  # one for each simple form
    """Return base**exponent, entry by entry; numbers are folded where the result is exact and not huge."""
    if is_number(exponent, 1):
        return base
    if is_number(exponent, 0):
        return broadcast(ONE, base.shape)
    if base is E:
        return fn("exp", exponent)
    if is_number(base, 1) and exponent.shape == ():
        return ONE
    whole = exponent.op == "const" and exponent.attr.denominator == 1
    if whole and base.op == "const" and (base.attr != 0 or exponent.attr > 0):
        bits = max(base.attr.numerator.bit_length(), base.attr.denominator.bit_length(), 1)
        if abs(exponent.attr) * bits > 2 * _LARGEST_BITS:
            raise ExpressionError(f"the number {base.attr}**{_short(exponent.attr)} is too large: use smaller numbers")
        return const(_bounded(base.attr ** int(exponent.attr)))
    if whole and base.op == "pow" and base.args[1].op == "const":
        return power(base.args[0], const(base.args[1].attr * exponent.attr))
    return make("pow", (base, exponent), None, _joint_shape((base, exponent)))


def _short(number: Fraction) -> str:
    text = str(number)
    return text if len(text) <= 12 else f"{text[:4]}…({len(text)} digits)"


def fn(name: str, argument: Expr, *parameters: Fraction) -> Expr:
    """Return a function of one number, applied to every entry."""
    if argument.op == "const":
        if (name, argument.attr) in (("exp", 0), ("cos", 0), ("cosh", 0)):
            return ONE
        if (name, argument.attr) in (("log", 1), ("sin", 0), ("tan", 0), ("tanh", 0), ("sinh", 0), ("atan", 0)):
            return ZERO
        if name in ("step", "sign", "abs"):
            number = argument.attr
            return const({"step": number > 0, "sign": (number > 0) - (number < 0), "abs": abs(number)}[name])
    return make("fn", (argument,), (name, *parameters), argument.shape)


def neg(expr: Expr) -> Expr:
    """Return -expr."""
    return mul(const(-1), expr)


def sub(left: Expr, right: Expr) -> Expr:
    """Return left - right."""
    return add(left, neg(right))


def div(left: Expr, right: Expr) -> Expr:
    """Return left / right, entry by entry."""
    return mul(left, power(right, const(-1)))


def sqrt(expr: Expr) -> Expr:
    """Return the square root, entry by entry."""
    return power(expr, const(Fraction(1, 2)))


def larger(left: Expr, right: Expr) -> Expr:
    """Return the larger of two, entry by entry; at a tie the derivative goes to the second."""
    if left.op == "const":  # so that max(0, x) is max(x, 0): a tie gives nothing to x, as for relu
        left, right = right, left
    return make("max", (left, right), None, _joint_shape((left, right)))


def broadcast(expr: Expr, shape: Shape) -> Expr:
    """Return an array of this shape with `expr` repeated in it."""
    if expr.shape == shape:
        return expr
    if expr.op == "broadcast":
        expr = expr.args[0]
    return make("broadcast", (expr,), None, shape)


def reshape(expr: Expr, shape: Shape) -> Expr:
    """Return the same entries in another shape."""
    if expr.shape == shape:
        return expr
    if expr.op == "broadcast" and expr.args[0].shape == ():
        return broadcast(expr.args[0], shape)
    return make("reshape", (expr,), None, shape)


def total(expr: Expr, axis: int | None = None, keep: bool = False) -> Expr:
    """Return the sum of all entries, or along one axis; what is the same for all is taken out of the sum."""
    if expr.shape == ():
        return expr
    if axis is None:
        if expr.op == "broadcast" and expr.args[0].shape == ():
            return mul(const(math.prod(expr.shape)), expr.args[0])
        parts = expr.args if expr.op == "mul" else (expr,)
        outside = [part for part in parts if part.shape == ()]
        whole = mul(*(part for part in parts if part.shape != ()))
        if outside and whole.shape == expr.shape:
            return mul(*outside, total(whole))
        return make("sum", (expr,), (None, False), ())
    axis %= len(expr.shape)
    sizes = [1 if at == axis else size for at, size in enumerate(expr.shape) if keep or at != axis]
    return make("sum", (expr,), (axis, keep), tuple(sizes))


def transpose(expr: Expr) -> Expr:
    """Return a matrix transposed; a vector becomes a row."""
    if expr.op == "transpose":
        inner = expr.args[0]
        return inner if len(inner.shape) == 2 else reshape(inner, (inner.shape[0], 1))
    if len(expr.shape) == 1:
        return make("transpose", (expr,), None, (1, expr.shape[0]))
    return make("transpose", (expr,), None, expr.shape[::-1])


def matmul(left: Expr, right: Expr) -> Expr:
    """Return the matrix product: matrix by matrix, matrix by vector, or the inner product of two vectors."""
    if is_zero(left) or is_zero(right):
        return zeros(left.shape[:-1] + right.shape[1:])
    number_left, left = coefficient(left)
    number_right, right = coefficient(right)
    product = make("matmul", (left, right), None, left.shape[:-1] + right.shape[1:])
    return mul(const(number_left * number_right), product)


def outer(left: Expr, right: Expr) -> Expr:
    """Return the matrix left rightᵀ of two vectors."""
    if is_zero(left) or is_zero(right):
        return zeros(left.shape + right.shape)
    return make("outer", (left, right), None, left.shape + right.shape)
