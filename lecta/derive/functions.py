"""The functions of one number: how they are called and written, their derivatives, where they bend or saturate.

Each derivative is an expression of the argument `u` and of the value `s` = f(u) itself, so that what the forward pass
has computed is used again: sigmoid' = s(1 - s). Sources: the definitions in Abramowitz and Stegun, Handbook of
Mathematical Functions, ch. 3-4, 7; gelu is x times the normal distribution function (Hendrycks and Gimpel, 2016).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from lecta.derive.expr import ONE, PI, Expr, add, const, div, fn, mul, neg, power, sqrt, sub

Derivative = Callable[..., Expr]

_TWO = const(2)


@dataclass(frozen=True)
class Function:
    """One function: its derivative, its LaTeX, and what a student should know of its gradient."""

    derivative: Derivative
    latex: str
    kink: str = ""  # where it has no derivative, and the value used there
    flat: str = ""  # where its derivative goes to zero
    steep: str = ""  # where its derivative grows without bound
    parameters: tuple[Fraction, ...] = ()


def _square(expr: Expr) -> Expr:
    return power(expr, _TWO)


def normal_density(u: Expr) -> Expr:
    """Return exp(-u²/2)/sqrt(2π)."""
    return div(fn("exp", mul(const(Fraction(-1, 2)), _square(u))), sqrt(mul(_TWO, PI)))


def normal_distribution(u: Expr) -> Expr:
    """Return (1 + erf(u/√2))/2."""
    return mul(const(Fraction(1, 2)), add(ONE, fn("erf", div(u, sqrt(_TWO)))))


def _leaky(u: Expr, s: Expr, slope: Fraction) -> Expr:
    return add(const(slope), mul(const(1 - slope), fn("step", u)))


FUNCTIONS: dict[str, Function] = {
    "exp": Function(lambda u, s: s, r"\exp", flat="far below 0", steep="for large arguments"),
    "log": Function(lambda u, s: div(ONE, u), r"\ln", steep="near 0", flat="for large arguments"),
    "sin": Function(lambda u, s: fn("cos", u), r"\sin"),
    "cos": Function(lambda u, s: neg(fn("sin", u)), r"\cos"),
    "tan": Function(lambda u, s: add(ONE, _square(s)), r"\tan", steep="near odd multiples of π/2"),
    "cot": Function(lambda u, s: neg(add(ONE, _square(s))), r"\cot", steep="near multiples of π"),
    "sec": Function(lambda u, s: mul(s, fn("tan", u)), r"\sec", steep="near odd multiples of π/2"),
    "csc": Function(lambda u, s: mul(const(-1), s, fn("cot", u)), r"\csc", steep="near multiples of π"),
    "asin": Function(lambda u, s: div(ONE, sqrt(sub(ONE, _square(u)))), r"\arcsin", steep="near -1 and 1"),
    "acos": Function(lambda u, s: neg(div(ONE, sqrt(sub(ONE, _square(u))))), r"\arccos", steep="near -1 and 1"),
    "atan": Function(lambda u, s: div(ONE, add(ONE, _square(u))), r"\arctan", flat="far from 0"),
    "acot": Function(lambda u, s: neg(div(ONE, add(ONE, _square(u)))), r"\operatorname{arccot}", flat="far from 0"),
    "asec": Function(
        lambda u, s: div(ONE, mul(_square(u), sqrt(sub(ONE, power(u, const(-2)))))), r"\operatorname{arcsec}"
    ),
    "acsc": Function(
        lambda u, s: neg(div(ONE, mul(_square(u), sqrt(sub(ONE, power(u, const(-2))))))), r"\operatorname{arccsc}"
    ),
    "sinh": Function(lambda u, s: fn("cosh", u), r"\sinh", steep="far from 0"),
    "cosh": Function(lambda u, s: fn("sinh", u), r"\cosh", steep="far from 0"),
    "tanh": Function(lambda u, s: sub(ONE, _square(s)), r"\tanh", flat="far from 0"),
    "coth": Function(lambda u, s: sub(ONE, _square(s)), r"\coth", steep="near 0", flat="far from 0"),
    "sech": Function(lambda u, s: mul(const(-1), s, fn("tanh", u)), r"\operatorname{sech}", flat="far from 0"),
    "csch": Function(lambda u, s: mul(const(-1), s, fn("coth", u)), r"\operatorname{csch}", steep="near 0"),
    "asinh": Function(lambda u, s: div(ONE, sqrt(add(ONE, _square(u)))), r"\operatorname{arsinh}"),
    "acosh": Function(
        lambda u, s: div(ONE, mul(sqrt(sub(u, ONE)), sqrt(add(u, ONE)))), r"\operatorname{arcosh}", steep="near 1"
    ),
    "atanh": Function(
        lambda u, s: div(ONE, sub(ONE, _square(u))), r"\operatorname{artanh}", steep="near -1 and 1"
    ),
    "acoth": Function(
        lambda u, s: div(ONE, sub(ONE, _square(u))), r"\operatorname{arcoth}", steep="near -1 and 1"
    ),
    "asech": Function(
        lambda u, s: neg(div(ONE, mul(u, sqrt(sub(ONE, _square(u)))))), r"\operatorname{arsech}", steep="near 0 and 1"
    ),
    "acsch": Function(
        lambda u, s: neg(div(ONE, mul(_square(u), sqrt(add(ONE, power(u, const(-2))))))),
        r"\operatorname{arcsch}", steep="near 0",
    ),
    "erf": Function(
        lambda u, s: mul(_TWO, power(PI, const(Fraction(-1, 2))), fn("exp", neg(_square(u)))),
        r"\operatorname{erf}", flat="far from 0",
    ),
    "sigmoid": Function(lambda u, s: mul(s, sub(ONE, s)), r"\sigma", flat="far from 0"),
    "softplus": Function(lambda u, s: fn("sigmoid", u), r"\operatorname{softplus}", flat="far below 0"),
    "relu": Function(
        lambda u, s: fn("step", u), r"\operatorname{ReLU}", kink="at 0, where 0 is used", flat="below 0"
    ),
    "leaky_relu": Function(
        _leaky, r"\operatorname{LeakyReLU}", kink="at 0, where the slope of the negative side is used",
        parameters=(Fraction(1, 100),),
    ),
    "elu": Function(
        lambda u, s: add(fn("step", u), mul(add(s, ONE), sub(ONE, fn("step", u)))), r"\operatorname{ELU}",
        flat="far below 0",
    ),
    "gelu": Function(
        lambda u, s: add(normal_distribution(u), mul(u, normal_density(u))), r"\operatorname{GELU}",
        flat="far below 0",
    ),
    "silu": Function(
        lambda u, s: add(s, mul(fn("sigmoid", u), sub(ONE, s))), r"\operatorname{SiLU}", flat="far below 0"
    ),
    "abs": Function(lambda u, s: fn("sign", u), r"\operatorname{abs}", kink="at 0, where 0 is used"),
    "sign": Function(
        lambda u, s: const(0), r"\operatorname{sign}", kink="at 0, where it jumps; 0 is used", flat="everywhere"
    ),
    "step": Function(lambda u, s: const(0), r"\theta", kink="at 0, where it jumps; 0 is used", flat="everywhere"),
}  # fmt: skip

ALIASES = {
    "ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arccot": "acot", "arcsec": "asec",
    "arccsc": "acsc", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "arsinh": "asinh", "arcosh": "acosh",
    "artanh": "atanh", "arccoth": "acoth", "arcoth": "acoth", "arcsech": "asech", "arccsch": "acsch", "Abs": "abs",
    "ReLU": "relu", "LeakyReLU": "leaky_relu", "leakyrelu": "leaky_relu", "leaky": "leaky_relu", "GELU": "gelu",
    "ELU": "elu", "SiLU": "silu", "swish": "silu", "logistic": "sigmoid", "expit": "sigmoid", "sgn": "sign",
    "heaviside": "step", "Heaviside": "step", "tg": "tan", "ctg": "cot", "cosec": "csc", "logsoftmax": "log_softmax",
    "crossentropy": "cross_entropy", "MSE": "mse", "Max": "max", "Min": "min", "ReLu": "relu", "Softmax": "softmax",
    "LogSoftmax": "log_softmax", "CrossEntropy": "cross_entropy", "CE": "cross_entropy", "elementwise": "hadamard",
}  # fmt: skip

# Functions of arrays or of several values; `lecta.derive.calls` makes them.
CALLS = (
    "softmax", "log_softmax", "cross_entropy", "mse", "norm", "sum", "mean", "max", "min", "clip", "dot", "outer",
    "hadamard", "transpose", "conv", "var", "grad", "log2", "log10", "cbrt", "erfc", "row",
)  # fmt: skip


def derivative(node: Expr) -> Expr:
    """Return the derivative of a function of one number at its argument."""
    name, *given = node.attr
    (u,) = node.args
    return FUNCTIONS[name].derivative(u, node, *given)
