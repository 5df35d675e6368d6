"""Expressions computed: by NumPy in float64 or complex128, in exact symbols, in many digits, or by JAX.

One walk over the operations serves all; what differs is in an `Arithmetic`. Values of a program without arrays may be
arrays of many points: everything then goes entry by entry.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from lecta.derive import expr as e
from lecta.derive.expr import Expr, var
from lecta.derive.program import Program

Values = dict[str, Any]


@dataclass(frozen=True)
class Arithmetic:
    """How numbers are made and functions computed; `arrays` is NumPy or a module with its names."""

    arrays: Any
    number: Callable[[Fraction], Any]
    symbols: dict[str, Any]  # "E" and "pi"
    function: Callable[..., Any]  # name, argument, *parameters
    power: Callable[[Any, Any, Expr], Any]
    larger: Callable[[Any, Any], Any]
    exact: bool = False  # numbers are Python objects, and softmax needs no shift against overflow
    abstract: Callable[..., Any] | None = None  # name, orders, *arguments


def run(program: Program, inputs: Values, arithmetic: Arithmetic) -> Values:
    """Return every named value of a program, the inputs among them: the forward pass."""
    values = dict(inputs)
    for name, root in program.definitions.items():
        values[name] = compute([root], values, arithmetic)[0]
    return values


def compute(roots: Sequence[Expr], values: Values, arithmetic: Arithmetic) -> list[Any]:
    """Return the values of expressions whose names have these values."""
    done: dict[Expr, Any] = {}
    for node in e.nodes(*roots):
        done[node] = _one(node, [done[arg] for arg in node.args], values, arithmetic)
    return [done[root] for root in roots]


def _one(node: Expr, args: list[Any], values: Values, a: Arithmetic) -> Any:  # noqa: PLR0911  # one for each kind
    if node.op == "const":
        return a.number(node.attr)
    if node.op == "sym":
        return a.symbols[node.attr]
    if node.op == "var":
        return values[node.attr]
    if node.op == "fn":
        return a.function(node.attr[0], args[0], *(a.number(part) for part in node.attr[1:]))
    if node.op == "pow":
        return a.power(args[0], args[1], node.args[1])
    if node.op == "max":
        return a.larger(args[0], args[1])
    if node.op == "abstract":
        return (a.abstract or stand_in)(a, *node.attr, *args)
    return _OPERATIONS[node.op](node, args, a)


def _sum(node: Expr, args: list[Any], a: Arithmetic) -> Any:
    axis, keep = node.attr
    return a.arrays.sum(args[0], axis=axis, keepdims=keep)


def _softmax(node: Expr, args: list[Any], a: Arithmetic) -> Any:
    (z,) = args
    powers = a.function("exp", z if a.exact else z - a.arrays.max(z, axis=-1, keepdims=True))
    return powers / a.arrays.sum(powers, axis=-1, keepdims=True)


def _log_softmax(node: Expr, args: list[Any], a: Arithmetic) -> Any:
    z = args[0] if a.exact else args[0] - a.arrays.max(args[0], axis=-1, keepdims=True)
    return z - a.function("log", a.arrays.sum(a.function("exp", z), axis=-1, keepdims=True))


def _transpose(node: Expr, args: list[Any], a: Arithmetic) -> Any:
    return a.arrays.reshape(args[0], node.shape) if node.shape[0] == 1 else args[0].T


def _correlate(node: Expr, args: list[Any], a: Arithmetic) -> Any:
    signal, kernel = args
    size = node.shape[0]
    return sum((kernel[j] * signal[j : j + size] for j in range(1, kernel.shape[0])), kernel[0] * signal[:size])


def _convolve(node: Expr, args: list[Any], a: Arithmetic) -> Any:
    left, right = args
    pad = a.arrays.zeros(right.shape[0] - 1, dtype=left.dtype)
    padded = a.arrays.concatenate([pad, left, pad])
    return _correlate(node, [padded, right[::-1]], a)


def _scatter(node: Expr, args: list[Any], a: Arithmetic) -> Any:
    flat = [a.number(Fraction(0))] * math.prod(node.shape)
    flat[int(np.ravel_multi_index(node.attr, node.shape))] = args[0]
    return a.arrays.reshape(a.arrays.array(flat), node.shape)


def _added(node: Expr, args: list[Any], a: Arithmetic) -> Any:
    total = args[0]
    for arg in args[1:]:
        total = total + arg
    return total


def _multiplied(node: Expr, args: list[Any], a: Arithmetic) -> Any:
    product = args[0]
    for arg in args[1:]:
        product = product * arg
    return product


_OPERATIONS: dict[str, Callable[[Expr, list[Any], Arithmetic], Any]] = {
    "add": _added, "mul": _multiplied, "sum": _sum, "softmax": _softmax, "log_softmax": _log_softmax,
    "transpose": _transpose, "correlate": _correlate, "convolve": _convolve, "scatter": _scatter,
    "matmul": lambda node, args, a: args[0] @ args[1],
    "outer": lambda node, args, a: args[0][:, None] * args[1][None, :],
    "broadcast": lambda node, args, a: a.arrays.broadcast_to(args[0], node.shape),
    "reshape": lambda node, args, a: a.arrays.reshape(args[0], node.shape),
    "index": lambda node, args, a: args[0][node.attr],
}  # fmt: skip


def stand_in(a: Arithmetic, name: str, orders: tuple[int, ...], *args: Any) -> Any:
    """Stand in for a function left general: sin(Σ c·u + 0.3), whose derivatives of every order are known."""
    inside = a.number(Fraction(3, 10)) + sum(orders) * a.symbols["pi"] / 2
    factor = a.number(Fraction(1))
    for place, (arg, order) in enumerate(zip(args, orders, strict=True)):
        slope = a.number(Fraction(7 + 3 * place, 10))
        inside = inside + slope * arg
        factor = factor * slope**order
    return factor * a.function("sin", inside)


def array_functions(arrays: Any, erf: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return the functions of one number, made of those NumPy and JAX share."""
    x = arrays
    table: dict[str, Callable[..., Any]] = {
        "exp": x.exp, "log": x.log, "sin": x.sin, "cos": x.cos, "tan": x.tan, "asin": x.arcsin, "acos": x.arccos,
        "atan": x.arctan, "sinh": x.sinh, "cosh": x.cosh, "tanh": x.tanh, "asinh": x.arcsinh, "acosh": x.arccosh,
        "atanh": x.arctanh, "abs": x.abs, "sign": x.sign, "erf": erf,
        "cot": lambda u: 1 / x.tan(u), "sec": lambda u: 1 / x.cos(u), "csc": lambda u: 1 / x.sin(u),
        "coth": lambda u: 1 / x.tanh(u), "sech": lambda u: 1 / x.cosh(u), "csch": lambda u: 1 / x.sinh(u),
        "acot": lambda u: x.arctan(1 / u), "asec": lambda u: x.arccos(1 / u), "acsc": lambda u: x.arcsin(1 / u),
        "acoth": lambda u: x.arctanh(1 / u), "asech": lambda u: x.arccosh(1 / u), "acsch": lambda u: x.arcsinh(1 / u),
        "sigmoid": lambda u: 1 / (1 + x.exp(-u)), "softplus": lambda u: x.logaddexp(u, 0.0),
        "relu": lambda u: x.where(u > 0, u, 0.0), "leaky_relu": lambda u, slope: x.where(u > 0, u, slope * u),
        "elu": lambda u: x.where(u > 0, u, x.expm1(x.minimum(u, 0.0))),
        "gelu": lambda u: u * (1 + erf(u / math.sqrt(2))) / 2, "silu": lambda u: u / (1 + x.exp(-u)),
        "step": lambda u: x.where(u > 0, 1.0, 0.0),
    }  # fmt: skip

    def function(name: str, *args: Any) -> Any:
        return table[name](*args)

    return function


def _float_power(base: Any, exponent: Any, written: Expr) -> Any:
    return np.power(base, exponent)


_erf = np.vectorize(math.erf, otypes=[float])

REAL = Arithmetic(
    np, np.float64, {"E": np.float64(math.e), "pi": np.float64(math.pi)},
    array_functions(np, _erf), _float_power, np.maximum,
)  # fmt: skip


def _no_erf(value: Any) -> Any:
    """Stand for the error function of a complex number, which NumPy does not have: no point is found there."""
    return np.full_like(value, np.nan)


COMPLEX = Arithmetic(
    np, lambda number: np.complex128(float(number)), {"E": np.complex128(math.e), "pi": np.complex128(math.pi)},
    array_functions(np, _no_erf), _float_power, np.maximum,
)  # fmt: skip


def elements(name: str, shape: e.Shape) -> list[str]:
    """Return the names of the entries of an array: W_11, W_12, ... (or the name itself for a number)."""
    if not shape:
        return [name]
    sign = "_" if max(shape) > 9 else ""
    return [f"{name}_{sign.join(str(at + 1) for at in place)}" for place in np.ndindex(*shape)]


def leaf(program: Program, name: str) -> Expr:
    """Return a program's name as an expression."""
    return var(name, program.shape(name))
