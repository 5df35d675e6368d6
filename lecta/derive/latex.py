"""Expressions written as LaTeX."""

from __future__ import annotations

from fractions import Fraction

from lecta.derive import expr as e
from lecta.derive.functions import FUNCTIONS
from lecta.derive.naming import name_latex, shape_latex
from lecta.derive.node import Expr
from lecta.derive.writer import ATOM, NEGATIVE, POWER, PRODUCT, Shown, Writer


class LatexWriter(Writer):
    """Writes LaTeX; each method is named after an operation."""

    fractions = True

    def bracket(self, shown: str) -> str:
        return rf"\left({shown}\right)"

    def number(self, value: Fraction) -> Shown:
        if value.denominator == 1:
            return str(value), ATOM if value >= 0 else NEGATIVE
        sign = "-" if value < 0 else ""
        return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}", NEGATIVE if sign else PRODUCT

    def fraction(self, above: str, below: str) -> Shown:
        return rf"\frac{{{above}}}{{{below}}}", PRODUCT

    def joined(self, factors: list[Expr]) -> str:
        shown = ""
        for number, factor in enumerate(factors):
            part = self.of(factor, PRODUCT)
            if number:
                arrays = bool(factor.shape) and any(before.shape for before in factors[:number])
                digits = (
                    part[0].isdigit()
                    or part.startswith(r"\frac{")
                    or (factors[number - 1].op == "const" and part[0].isdigit())
                )
                shown += r" \odot " if arrays else r" \cdot " if digits else r"\,"
            shown += part
        return shown

    def power(self, base: Expr, exponent: Expr) -> Shown:
        if exponent.op == "const":
            if exponent.attr < 0:
                return self.fraction("1", self.of(e.power(base, e.neg(exponent))))
            if exponent.attr == Fraction(1, 2):
                return rf"\sqrt{{{self.of(base)}}}", ATOM
        if (
            base.op == "fn"
            and base.attr[0] not in ("abs", "exp")
            and exponent.op == "const"
            and exponent.attr.denominator == 1
        ):
            name, argument = FUNCTIONS[base.attr[0]].latex, self.of(base.args[0])
            return rf"{name}^{{{self.of(exponent)}}}\left({argument}\right)", PRODUCT
        return f"{self.of(base, ATOM)}^{{{self.of(exponent)}}}", POWER

    def sym(self, node: Expr) -> Shown:
        return ("e" if node.attr == "E" else r"\pi"), ATOM

    def var(self, node: Expr) -> Shown:
        return name_latex(node.attr), ATOM

    def fn(self, node: Expr) -> Shown:
        name, inner = node.attr[0], node.args[0]
        if name == "exp":
            return f"e^{{{self.of(inner)}}}", POWER
        if name == "abs":
            return rf"\left|{self.of(inner)}\right|", ATOM
        if name == "step":
            return rf"\mathbb{{1}}\left[{self.of(inner)} > 0\right]", ATOM
        return rf"{FUNCTIONS[name].latex}\left({self.of(inner)}\right)", ATOM

    def max(self, node: Expr) -> Shown:
        return rf"\max\left({self.of(node.args[0])},\, {self.of(node.args[1])}\right)", ATOM

    def matmul(self, node: Expr) -> Shown:
        left, right = node.args
        if len(left.shape) == 1:
            return rf"{self.of(left, ATOM)}^{{\top}} {self.of(right, ATOM)}", PRODUCT
        return rf"{self.of(left, POWER)} \, {self.of(right, POWER)}", PRODUCT

    def outer(self, node: Expr) -> Shown:
        return rf"{self.of(node.args[0], POWER)} \, {self.of(node.args[1], ATOM)}^{{\top}}", PRODUCT

    def transpose(self, node: Expr) -> Shown:
        return rf"{self.of(node.args[0], ATOM)}^{{\top}}", POWER

    def total(self, node: Expr) -> Shown:
        axis = node.attr[0]
        below = "" if axis is None else "_{i}" if axis == 0 else "_{j}"
        return rf"\sum{below} {self.of(node.args[0], PRODUCT)}", PRODUCT - 1

    def broadcast(self, node: Expr) -> Shown:
        ones = rf"\mathbf{{1}}_{{{shape_latex(node.shape)}}}"
        if e.is_number(node.args[0], 1):
            return ones, ATOM
        return rf"{self.of(node.args[0], PRODUCT)}\,{ones}", PRODUCT

    def reshape(self, node: Expr) -> Shown:
        return rf"{self.of(node.args[0], ATOM)}", ATOM

    def index(self, node: Expr) -> Shown:
        places = ",".join(str(position + 1) for position in node.attr)
        return rf"\left[{self.of(node.args[0])}\right]_{{{places}}}", ATOM

    def scatter(self, node: Expr) -> Shown:
        unit = rf"\mathbf{{e}}_{{{','.join(str(position + 1) for position in node.attr)}}}"
        if e.is_number(node.args[0], 1):
            return unit, ATOM
        return rf"{self.of(node.args[0], PRODUCT)}\,{unit}", PRODUCT

    def correlate(self, node: Expr) -> Shown:
        return rf"\operatorname{{conv}}\left({self.of(node.args[0])},\, {self.of(node.args[1])}\right)", ATOM

    def convolve(self, node: Expr) -> Shown:
        return rf"{self.of(node.args[0], POWER)} * {self.of(node.args[1], POWER)}", PRODUCT

    def softmax(self, node: Expr) -> Shown:
        return rf"\operatorname{{softmax}}\left({self.of(node.args[0])}\right)", ATOM

    def log_softmax(self, node: Expr) -> Shown:
        return rf"\operatorname{{log\,softmax}}\left({self.of(node.args[0])}\right)", ATOM

    def abstract(self, node: Expr) -> Shown:
        name, orders = node.attr
        inner = ", ".join(self.of(arg) for arg in node.args)
        if not any(orders):
            return rf"{name_latex(name)}\left({inner}\right)", ATOM
        count = sum(orders)
        below = " ".join(
            rf"\partial {self.of(arg, ATOM)}{f'^{{{order}}}' if order > 1 else ''}"
            for arg, order in zip(node.args, orders, strict=True) if order
        )  # fmt: skip
        return rf"\frac{{\partial{f'^{{{count}}}' if count > 1 else ''} {name_latex(name)}}}{{{below}}}", ATOM
