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

    def _bracket(self, shown: str) -> str:
        return rf"\left({shown}\right)"

    def _number(self, value: Fraction) -> Shown:
        if value.denominator == 1:
            return str(value), ATOM if value >= 0 else NEGATIVE
        sign = "-" if value < 0 else ""
        return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}", NEGATIVE if sign else PRODUCT

    def _fraction(self, above: str, below: str) -> Shown:
        return rf"\frac{{{above}}}{{{below}}}", PRODUCT

    def _joined(self, factors: list[Expr]) -> str:
        shown = ""
        for number, factor in enumerate(factors):
            part = self._of(
                factor, POWER if factor.op in ("matmul", "outer", "convolve") and len(factors) > 1 else PRODUCT
            )
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

    def _power(self, base: Expr, exponent: Expr) -> Shown:
        if exponent.op == "const":
            if exponent.attr < 0:
                return self._fraction("1", self._of(e.power(base, e.neg(exponent))))
            if exponent.attr == Fraction(1, 2):
                return rf"\sqrt{{{self._of(base)}}}", ATOM
        if (
            base.op == "fn"
            and base.attr[0] not in ("abs", "exp")
            and exponent.op == "const"
            and exponent.attr.denominator == 1
        ):
            name, argument = FUNCTIONS[base.attr[0]].latex, self._of(base.args[0])
            return rf"{name}^{{{self._of(exponent)}}}\left({argument}\right)", PRODUCT
        return f"{self._of(base, ATOM)}^{{{self._of(exponent)}}}", POWER

    def _sym(self, node: Expr) -> Shown:
        return ("e" if node.attr == "E" else r"\pi"), ATOM

    def _var(self, node: Expr) -> Shown:
        return name_latex(node.attr), ATOM

    def _fn(self, node: Expr) -> Shown:
        name, inner = node.attr[0], node.args[0]
        if name == "exp":
            return f"e^{{{self._of(inner)}}}", POWER
        if name == "abs":
            return rf"\left|{self._of(inner)}\right|", ATOM
        if name == "step":
            return rf"\mathbb{{1}}\left[{self._of(inner)} > 0\right]", ATOM
        return rf"{FUNCTIONS[name].latex}\left({self._of(inner)}\right)", ATOM

    def _max(self, node: Expr) -> Shown:
        return rf"\max\left({self._of(node.args[0])},\, {self._of(node.args[1])}\right)", ATOM

    def _matmul(self, node: Expr) -> Shown:
        left, right = node.args
        if len(left.shape) == 1:
            return rf"{self._of(left, ATOM)}^{{\top}} {self._of(right, ATOM)}", PRODUCT
        return rf"{self._of(left, POWER)} \, {self._of(right, POWER)}", PRODUCT

    def _outer(self, node: Expr) -> Shown:
        return rf"{self._of(node.args[0], POWER)} \, {self._of(node.args[1], ATOM)}^{{\top}}", PRODUCT

    def _transpose(self, node: Expr) -> Shown:
        return rf"{self._of(node.args[0], ATOM)}^{{\top}}", POWER

    def _total(self, node: Expr) -> Shown:
        axis = node.attr[0]
        below = "" if axis is None else "_{i}" if axis == 0 else "_{j}"
        return rf"\sum{below} {self._of(node.args[0], PRODUCT)}", PRODUCT - 1

    def _broadcast(self, node: Expr) -> Shown:
        ones = rf"\mathbf{{1}}_{{{shape_latex(node.shape)}}}"
        if e.is_number(node.args[0], 1):
            return ones, ATOM
        return rf"{self._of(node.args[0], PRODUCT)}\,{ones}", PRODUCT

    def _reshape(self, node: Expr) -> Shown:
        return rf"{self._of(node.args[0], ATOM)}", ATOM

    def _index(self, node: Expr) -> Shown:
        places = ",".join(str(position + 1) for position in node.attr)
        return rf"\left[{self._of(node.args[0])}\right]_{{{places}}}", ATOM

    def _scatter(self, node: Expr) -> Shown:
        unit = rf"\mathbf{{e}}_{{{','.join(str(position + 1) for position in node.attr)}}}"
        if e.is_number(node.args[0], 1):
            return unit, ATOM
        return rf"{self._of(node.args[0], PRODUCT)}\,{unit}", PRODUCT

    def _correlate(self, node: Expr) -> Shown:
        return rf"\operatorname{{conv}}\left({self._of(node.args[0])},\, {self._of(node.args[1])}\right)", ATOM

    def _convolve(self, node: Expr) -> Shown:
        return rf"{self._of(node.args[0], POWER)} * {self._of(node.args[1], POWER)}", PRODUCT

    def _softmax(self, node: Expr) -> Shown:
        return rf"\operatorname{{softmax}}\left({self._of(node.args[0])}\right)", ATOM

    def _log_softmax(self, node: Expr) -> Shown:
        return rf"\operatorname{{log\,softmax}}\left({self._of(node.args[0])}\right)", ATOM

    def _abstract(self, node: Expr) -> Shown:
        name, orders = node.attr
        inner = ", ".join(self._of(arg) for arg in node.args)
        if not any(orders):
            return rf"{name_latex(name)}\left({inner}\right)", ATOM
        count = sum(orders)
        below = " ".join(
            rf"\partial {self._of(arg, ATOM)}{f'^{{{order}}}' if order > 1 else ''}"
            for arg, order in zip(node.args, orders, strict=True) if order
        )  # fmt: skip
        return rf"\frac{{\partial{f'^{{{count}}}' if count > 1 else ''} {name_latex(name)}}}{{{below}}}", ATOM
