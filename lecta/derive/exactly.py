"""Arithmetics without rounding, or with little: SymPy's expressions, and mpmath's numbers of many digits."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from lecta.derive.evaluate import Arithmetic, stand_in


def _each(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of numbers that takes arrays of objects too."""

    def applied(*args: Any) -> Any:
        if any(isinstance(arg, np.ndarray) for arg in args):
            return np.frompyfunc(function, len(args), 1)(*args)
        return function(*args)

    return applied


@lru_cache(maxsize=1)
def exact_arithmetic() -> Arithmetic:
    """Return the arithmetic of SymPy's expressions."""
    import sympy as s

    half, one = s.Rational(1, 2), s.Integer(1)
    table: dict[str, Callable[..., Any]] = {
        "abs": s.Abs, "sign": s.sign,
        "sigmoid": lambda u: 1 / (1 + s.exp(-u)), "softplus": lambda u: s.log(1 + s.exp(u)),
        "relu": lambda u: s.Piecewise((u, u > 0), (0, True)),
        "leaky_relu": lambda u, slope: s.Piecewise((u, u > 0), (slope * u, True)),
        "elu": lambda u: s.Piecewise((u, u > 0), (s.exp(u) - 1, True)),
        "gelu": lambda u: u * (1 + s.erf(u / s.sqrt(2))) * half, "silu": lambda u: u / (1 + s.exp(-u)),
        "step": lambda u: s.Piecewise((one, u > 0), (0, True)),
    }  # fmt: skip

    def function(name: str, *args: Any) -> Any:
        return _each(table[name] if name in table else getattr(s, name))(*args)

    def number(value: Fraction) -> Any:
        return s.Rational(value.numerator, value.denominator)

    larger = _each(lambda a, b: s.Piecewise((a, a > b), (b, True)))
    return Arithmetic(
        np, number, {"E": s.E, "pi": s.pi}, function, lambda base, power, _: base**power, larger, True, _undefined
    )


def _undefined(arithmetic: Arithmetic, name: str, orders: tuple[int, ...], *args: Any) -> Any:
    return _undefined_function(name, orders)(*args)


@lru_cache(maxsize=64)
def _undefined_function(name: str, orders: tuple[int, ...]) -> Any:
    """Return a SymPy function of which nothing is known but that its derivative is the next such function."""
    import sympy

    def fdiff(self: Any, argindex: int = 1) -> Any:
        raised = tuple(order + (at == argindex - 1) for at, order in enumerate(orders))
        return _undefined_function(name, raised)(*self.args)

    mark = "_" + "_".join(map(str, orders)) if any(orders) else ""
    return type(f"{name}{mark}", (sympy.Function,), {"fdiff": fdiff, "nargs": len(orders), "general": (name, orders)})


@lru_cache(maxsize=1)
def digit_arithmetic() -> Arithmetic:
    """Return the arithmetic of mpmath's numbers, in its present precision."""
    import mpmath as m

    table: dict[str, Callable[..., Any]] = {
        "abs": abs, "sigmoid": lambda u: 1 / (1 + m.exp(-u)), "softplus": lambda u: m.log(1 + m.exp(u)),
        "relu": lambda u: u if u > 0 else m.mpf(0), "leaky_relu": lambda u, slope: u if u > 0 else slope * u,
        "elu": lambda u: u if u > 0 else m.exp(u) - 1, "gelu": lambda u: u * (1 + m.erf(u / m.sqrt(2))) / 2,
        "silu": lambda u: u / (1 + m.exp(-u)), "step": lambda u: m.mpf(u > 0),
    }  # fmt: skip

    def function(name: str, *args: Any) -> Any:
        return _each(table[name] if name in table else getattr(m, name))(*args)

    return Arithmetic(
        np, lambda value: m.mpf(value.numerator) / value.denominator, _Constants(), function,
        lambda base, power, _: base**power, _each(max), True,
    )  # fmt: skip


class _Constants(dict[str, Any]):
    """E and pi in the present precision."""

    def __getitem__(self, name: str) -> Any:
        import mpmath

        return +(mpmath.e if name == "E" else mpmath.pi)


def lambdify_modules(expressions: list[Any]) -> list[Any]:
    """Return what lambdify needs: mpmath, and stand-ins for functions left general."""
    import sympy

    general = {type(call) for expression in expressions for call in expression.atoms(sympy.Function)}
    table = {
        kind.__name__: _stand_in(*kind.general) for kind in general if hasattr(kind, "general")
    }  # fmt: skip
    return [table, "mpmath"]


def _stand_in(name: str, orders: tuple[int, ...]) -> Callable[..., Any]:
    return lambda *args: stand_in(digit_arithmetic(), name, orders, *args)
