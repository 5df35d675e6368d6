"""Expressions as LaTeX, and as text in the notation that is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from lecta.derive import expr as e
from lecta.derive.expr import Expr, Shape
from lecta.derive.functions import FUNCTIONS
from lecta.derive.tokens import GREEK

_SUM, _NEGATIVE, _PRODUCT, _POWER, _ATOM = range(5)
_ACCENTS = {"hat": "hat", "bar": "bar", "tilde": "tilde", "dot": "dot"}


def name_latex(name: str) -> str:
    r"""Return a name as LaTeX.

    >>> name_latex("W1"), name_latex("y_hat"), name_latex("theta_ij"), name_latex("loss")
    ('W_{1}', '\\hat{y}', '\\theta_{ij}', '\\mathrm{loss}')
    """
    if name.endswith("§"):
        return rf"\bar{{{name_latex(name[:-1])}}}"
    base, *rest = [part for part in name.split("_") if part] or [name]
    digits = re.fullmatch(r"([A-Za-z]+?)(\d+)", base)
    if digits:
        base, rest = digits.group(1), [digits.group(2), *rest]
    if base.removesuffix("hat") != base and len(base) == 4:
        base, rest = base[0], ["hat", *rest]
    shown = rf"\{base}" if base in GREEK else base if len(base) == 1 else rf"\mathrm{{{base}}}"
    for accent in [part for part in rest if part in _ACCENTS]:
        shown = rf"\{_ACCENTS[accent]}{{{shown}}}"
    below = [part for part in rest if part not in _ACCENTS]
    inner = ",".join(rf"\{part}" if part in GREEK else _subscript(part) for part in below)
    return f"{shown}_{{{inner}}}" if inner else shown


def _subscript(part: str) -> str:
    return re.sub(r"(?<=[a-z])m(?=\d)", "-", part) if len(part) < 4 else rf"\text{{{part}}}"


def shape_latex(shape: Shape) -> str:
    """Return a shape as LaTeX."""
    return r" \times ".join(map(str, shape))


def latex(expr: Expr) -> str:
    """Return an expression as LaTeX."""
    return _Latex().show(expr)[0]


def factor_latex(expr: Expr) -> str:
    """Return an expression as LaTeX to stand in a product."""
    text, level = _Latex().show(expr)
    return text if level >= _PRODUCT else rf"\left({text}\right)"


def text(expr: Expr) -> str:
    """Return an expression in the notation that is read."""
    return _Text().show(expr)[0]


Shown = tuple[str, int]


class _Writer:
    """Walks an expression; each method returns its text and how tightly it binds."""

    def __init__(self) -> None:
        self._done: dict[Expr, Shown] = {}

    def show(self, root: Expr) -> Shown:
        for node in e.nodes(root):  # arguments first, so no deep recursion
            self._done[node] = self._one(node)
        return self._done[root]

    def _one(self, node: Expr) -> Shown:
        if node.op == "const":
            return self.number(node.attr)
        if node.op == "add":
            return self.sum(node)
        if node.op == "mul":
            return self.product(node)
        if node.op == "pow":
            return self.power(node.args[0], node.args[1])
        maker: Callable[[Expr], Shown] = getattr(self, node.op)
        return maker(node)

    def of(self, node: Expr, level: int = _SUM) -> str:
        shown, binds = self._done[node] if node in self._done else self._one_more(node)
        return shown if binds >= level else self.bracket(shown)

    def _one_more(self, node: Expr) -> Shown:
        for inner in e.nodes(node):
            if inner not in self._done:
                self._done[inner] = self._one(inner)
        return self._done[node]

    def bracket(self, shown: str) -> str:
        return f"({shown})"

    def number(self, value: Fraction) -> Shown:
        raise NotImplementedError

    def fraction(self, above: str, below: str) -> Shown:
        raise NotImplementedError

    def power(self, base: Expr, exponent: Expr) -> Shown:
        raise NotImplementedError

    def joined(self, factors: list[Expr]) -> str:
        raise NotImplementedError

    def sum(self, node: Expr) -> Shown:
        shown = ""
        if node.op == "sum":
            return self.total(node)
        for number, term in enumerate(_positive_first(node.args)):
            factor, rest = e.coefficient(term)
            if factor < 0:
                inner = self.of(e.mul(e.const(-factor), rest), _NEGATIVE + 1)
                shown += f" - {inner}" if number else f"-{inner}"
            else:
                shown += f" + {self.of(term, _NEGATIVE)}" if number else self.of(term, _NEGATIVE)
        return shown, _SUM

    def total(self, node: Expr) -> Shown:
        raise NotImplementedError

    def product(self, node: Expr) -> Shown:
        number, rest = e.coefficient(node)
        factors = rest.args if rest.op == "mul" else (rest,)
        below = [part for part in factors if _negative_power(part)]
        above = [part for part in factors if not _negative_power(part)]
        sign = "-" if number < 0 else ""
        upper, lower = e.const(abs(number.numerator)), e.const(number.denominator)
        above = above if e.is_number(upper, 1) and above else [upper, *above]
        under = [e.power(part.args[0], e.neg(part.args[1])) for part in below]
        under = under if e.is_number(lower, 1) else [lower, *under]
        if not under:
            shown = self.joined(above)
            return sign + shown, _NEGATIVE if sign else _PRODUCT
        top = self.of(above[0]) if len(above) == 1 and self.fractions else self.joined(above)
        bottom = self.of(under[0]) if len(under) == 1 and self.fractions else self.joined(under)
        shown, level = self.fraction(top, bottom if len(under) == 1 or self.fractions else f"({bottom})")
        return sign + shown, _NEGATIVE if sign else level

    fractions = False


def _positive_first(terms: tuple[Expr, ...]) -> list[Expr]:
    """Put a positive term first, so that -t + y reads y - t."""
    if e.coefficient(terms[0])[0] >= 0:
        return list(terms)
    first = next((term for term in terms if e.coefficient(term)[0] > 0), terms[0])
    return [first, *(term for term in terms if term is not first)]


def _negative_power(expr: Expr) -> bool:
    return expr.op == "pow" and expr.args[1].op == "const" and expr.args[1].attr < 0


class _Latex(_Writer):
    fractions = True

    def bracket(self, shown: str) -> str:
        return rf"\left({shown}\right)"

    def number(self, value: Fraction) -> Shown:
        if value.denominator == 1:
            return str(value), _ATOM if value >= 0 else _NEGATIVE
        sign = "-" if value < 0 else ""
        return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}", _NEGATIVE if sign else _PRODUCT

    def fraction(self, above: str, below: str) -> Shown:
        return rf"\frac{{{above}}}{{{below}}}", _PRODUCT

    def joined(self, factors: list[Expr]) -> str:
        shown = ""
        for number, factor in enumerate(factors):
            part = self.of(factor, _PRODUCT)
            if number:
                arrays = bool(factor.shape) and any(before.shape for before in factors[:number])
                digits = (
                    part[0].isdigit()
                    or part.startswith(r"\frac{")
                    or factors[number - 1].op == "const"
                    and part[0].isdigit()
                )
                shown += r" \odot " if arrays else r" \cdot " if digits else r"\,"
            shown += part
        return shown

    def power(self, base: Expr, exponent: Expr) -> Shown:
        if exponent.op == "const":
            if exponent.attr < 0:
                return self.fraction("1", self.of(e.power(base, e.neg(exponent))))
            if exponent.attr == Fraction(1, 2):
                return rf"\sqrt{{{self.of(base)}}}", _ATOM
        if (
            base.op == "fn"
            and base.attr[0] not in ("abs", "exp")
            and exponent.op == "const"
            and exponent.attr.denominator == 1
        ):
            name, argument = FUNCTIONS[base.attr[0]].latex, self.of(base.args[0])
            return rf"{name}^{{{self.of(exponent)}}}\left({argument}\right)", _PRODUCT
        return f"{self.of(base, _ATOM)}^{{{self.of(exponent)}}}", _POWER

    def sym(self, node: Expr) -> Shown:
        return ("e" if node.attr == "E" else r"\pi"), _ATOM

    def var(self, node: Expr) -> Shown:
        return name_latex(node.attr), _ATOM

    def fn(self, node: Expr) -> Shown:
        name, inner = node.attr[0], node.args[0]
        if name == "exp":
            return f"e^{{{self.of(inner)}}}", _POWER
        if name == "abs":
            return rf"\left|{self.of(inner)}\right|", _ATOM
        if name == "step":
            return rf"\mathbb{{1}}\left[{self.of(inner)} > 0\right]", _ATOM
        return rf"{FUNCTIONS[name].latex}\left({self.of(inner)}\right)", _ATOM

    def max(self, node: Expr) -> Shown:
        return rf"\max\left({self.of(node.args[0])},\, {self.of(node.args[1])}\right)", _ATOM

    def matmul(self, node: Expr) -> Shown:
        left, right = node.args
        if len(left.shape) == 1:
            return rf"{self.of(left, _ATOM)}^{{\top}} {self.of(right, _ATOM)}", _PRODUCT
        return rf"{self.of(left, _POWER)} \, {self.of(right, _POWER)}", _PRODUCT

    def outer(self, node: Expr) -> Shown:
        return rf"{self.of(node.args[0], _POWER)} \, {self.of(node.args[1], _ATOM)}^{{\top}}", _PRODUCT

    def transpose(self, node: Expr) -> Shown:
        return rf"{self.of(node.args[0], _ATOM)}^{{\top}}", _POWER

    def total(self, node: Expr) -> Shown:
        axis = node.attr[0]
        below = "" if axis is None else "_{i}" if axis == 0 else "_{j}"
        return rf"\sum{below} {self.of(node.args[0], _PRODUCT)}", _PRODUCT - 1

    def broadcast(self, node: Expr) -> Shown:
        ones = rf"\mathbf{{1}}_{{{shape_latex(node.shape)}}}"
        if e.is_number(node.args[0], 1):
            return ones, _ATOM
        return rf"{self.of(node.args[0], _PRODUCT)}\,{ones}", _PRODUCT

    def reshape(self, node: Expr) -> Shown:
        return rf"{self.of(node.args[0], _ATOM)}", _ATOM

    def index(self, node: Expr) -> Shown:
        places = ",".join(str(position + 1) for position in node.attr)
        return rf"\left[{self.of(node.args[0])}\right]_{{{places}}}", _ATOM

    def scatter(self, node: Expr) -> Shown:
        unit = rf"\mathbf{{e}}_{{{','.join(str(position + 1) for position in node.attr)}}}"
        if e.is_number(node.args[0], 1):
            return unit, _ATOM
        return rf"{self.of(node.args[0], _PRODUCT)}\,{unit}", _PRODUCT

    def correlate(self, node: Expr) -> Shown:
        return rf"\operatorname{{conv}}\left({self.of(node.args[0])},\, {self.of(node.args[1])}\right)", _ATOM

    def convolve(self, node: Expr) -> Shown:
        return rf"{self.of(node.args[0], _POWER)} * {self.of(node.args[1], _POWER)}", _PRODUCT

    def softmax(self, node: Expr) -> Shown:
        return rf"\operatorname{{softmax}}\left({self.of(node.args[0])}\right)", _ATOM

    def log_softmax(self, node: Expr) -> Shown:
        return rf"\operatorname{{log\,softmax}}\left({self.of(node.args[0])}\right)", _ATOM

    def abstract(self, node: Expr) -> Shown:
        name, orders = node.attr
        inner = ", ".join(self.of(arg) for arg in node.args)
        if not any(orders):
            return rf"{name_latex(name)}\left({inner}\right)", _ATOM
        count = sum(orders)
        below = " ".join(
            rf"\partial {self.of(arg, _ATOM)}{f'^{{{order}}}' if order > 1 else ''}"
            for arg, order in zip(node.args, orders, strict=True) if order
        )  # fmt: skip
        return rf"\frac{{\partial{f'^{{{count}}}' if count > 1 else ''} {name_latex(name)}}}{{{below}}}", _ATOM


class _Text(_Writer):
    def number(self, value: Fraction) -> Shown:
        return str(value), _ATOM if value >= 0 and value.denominator == 1 else _NEGATIVE if value < 0 else _PRODUCT

    def fraction(self, above: str, below: str) -> Shown:
        return f"{above}/{below}", _PRODUCT

    def joined(self, factors: list[Expr]) -> str:
        shown = ""
        for number, factor in enumerate(factors):
            arrays = number and factor.shape and any(before.shape for before in factors[:number])
            shown += (".*" if arrays else "*") * bool(number) + self.of(factor, _POWER)
        return shown

    def product(self, node: Expr) -> Shown:
        shown, level = super().product(node)
        return shown, level

    def power(self, base: Expr, exponent: Expr) -> Shown:
        if exponent.op == "const" and exponent.attr == Fraction(1, 2):
            return f"sqrt({self.of(base)})", _ATOM
        if exponent.op == "const" and exponent.attr == -1:
            return f"1/{self.of(base, _ATOM)}", _PRODUCT
        return f"{self.of(base, _ATOM)}**{self.of(exponent, _ATOM)}", _POWER

    def sym(self, node: Expr) -> Shown:
        return node.attr, _ATOM

    def var(self, node: Expr) -> Shown:
        return node.attr.replace("§", "_bar"), _ATOM

    def _called(self, name: str, *parts: str) -> Shown:
        return f"{name}({', '.join(parts)})", _ATOM

    def fn(self, node: Expr) -> Shown:
        return self._called(node.attr[0], self.of(node.args[0]), *map(str, node.attr[1:]))

    def max(self, node: Expr) -> Shown:
        return self._called("max", *(self.of(arg) for arg in node.args))

    def matmul(self, node: Expr) -> Shown:
        return "@".join(self.of(arg, _POWER) for arg in node.args), _PRODUCT

    def outer(self, node: Expr) -> Shown:
        return self._called("outer", *(self.of(arg) for arg in node.args))

    def transpose(self, node: Expr) -> Shown:
        return f"{self.of(node.args[0], _ATOM)}.T", _ATOM

    def total(self, node: Expr) -> Shown:
        axis = node.attr[0]
        return self._called("sum", self.of(node.args[0]), *([] if axis is None else [f"axis={axis}"]))

    def broadcast(self, node: Expr) -> Shown:
        return self._called("repeat", self.of(node.args[0]), "x".join(map(str, node.shape)))

    def reshape(self, node: Expr) -> Shown:
        return self._called("reshape", self.of(node.args[0]), "x".join(map(str, node.shape)))

    def index(self, node: Expr) -> Shown:
        return f"{self.of(node.args[0], _ATOM)}[{', '.join(str(position + 1) for position in node.attr)}]", _ATOM

    def scatter(self, node: Expr) -> Shown:
        return self._called("at", self.of(node.args[0]), *(str(position + 1) for position in node.attr))

    def correlate(self, node: Expr) -> Shown:
        return self._called("conv", *(self.of(arg) for arg in node.args))

    def convolve(self, node: Expr) -> Shown:
        return self._called("full_conv", *(self.of(arg) for arg in node.args))

    def softmax(self, node: Expr) -> Shown:
        return self._called("softmax", self.of(node.args[0]))

    def log_softmax(self, node: Expr) -> Shown:
        return self._called("log_softmax", self.of(node.args[0]))

    def abstract(self, node: Expr) -> Shown:
        name, orders = node.attr
        mark = "_".join(map(str, orders))
        return self._called(name if not any(orders) else f"{name}_{mark}", *(self.of(arg) for arg in node.args))
