"""Expressions written in the notation that is read."""

from __future__ import annotations

from fractions import Fraction

from lecta.derive.node import Expr
from lecta.derive.writer import ATOM, NEGATIVE, POWER, PRODUCT, Shown, Writer


class TextWriter(Writer):
    """Writes plain text; each method is named after an operation."""

    def _number(self, value: Fraction) -> Shown:
        return str(value), ATOM if value >= 0 and value.denominator == 1 else NEGATIVE if value < 0 else PRODUCT

    def _fraction(self, above: str, below: str) -> Shown:
        return f"{above}/{below}", PRODUCT

    def _joined(self, factors: list[Expr]) -> str:
        shown = ""
        for number, factor in enumerate(factors):
            arrays = number and factor.shape and any(before.shape for before in factors[:number])
            shown += (".*" if arrays else "*") * bool(number) + self._of(factor, POWER)
        return shown

    def _power(self, base: Expr, exponent: Expr) -> Shown:
        if exponent.op == "const" and exponent.attr == Fraction(1, 2):
            return f"sqrt({self._of(base)})", ATOM
        if exponent.op == "const" and exponent.attr == -1:
            return f"1/{self._of(base, ATOM)}", PRODUCT
        return f"{self._of(base, ATOM)}**{self._of(exponent, ATOM)}", POWER

    def _sym(self, node: Expr) -> Shown:
        return node.attr, ATOM

    def _var(self, node: Expr) -> Shown:
        return node.attr.replace("§", "_bar"), ATOM

    def _called(self, name: str, *parts: str) -> Shown:
        return f"{name}({', '.join(parts)})", ATOM

    def _fn(self, node: Expr) -> Shown:
        return self._called(node.attr[0], self._of(node.args[0]), *map(str, node.attr[1:]))

    def _max(self, node: Expr) -> Shown:
        return self._called("max", *(self._of(arg) for arg in node.args))

    def _matmul(self, node: Expr) -> Shown:
        return "@".join(self._of(arg, POWER) for arg in node.args), PRODUCT

    def _outer(self, node: Expr) -> Shown:
        return self._called("outer", *(self._of(arg) for arg in node.args))

    def _transpose(self, node: Expr) -> Shown:
        return f"{self._of(node.args[0], ATOM)}.T", ATOM

    def _total(self, node: Expr) -> Shown:
        axis = node.attr[0]
        return self._called("sum", self._of(node.args[0]), *([] if axis is None else [f"axis={axis}"]))

    def _broadcast(self, node: Expr) -> Shown:
        return self._called("repeat", self._of(node.args[0]), "x".join(map(str, node.shape)))

    def _reshape(self, node: Expr) -> Shown:
        return self._called("reshape", self._of(node.args[0]), "x".join(map(str, node.shape)))

    def _index(self, node: Expr) -> Shown:
        return f"{self._of(node.args[0], ATOM)}[{', '.join(str(position + 1) for position in node.attr)}]", ATOM

    def _scatter(self, node: Expr) -> Shown:
        return self._called("at", self._of(node.args[0]), *(str(position + 1) for position in node.attr))

    def _correlate(self, node: Expr) -> Shown:
        return self._called("conv", *(self._of(arg) for arg in node.args))

    def _convolve(self, node: Expr) -> Shown:
        return self._called("full_conv", *(self._of(arg) for arg in node.args))

    def _softmax(self, node: Expr) -> Shown:
        return self._called("softmax", self._of(node.args[0]))

    def _log_softmax(self, node: Expr) -> Shown:
        return self._called("log_softmax", self._of(node.args[0]))

    def _abstract(self, node: Expr) -> Shown:
        name, orders = node.attr
        mark = "_".join(map(str, orders))
        return self._called(name if not any(orders) else f"{name}_{mark}", *(self._of(arg) for arg in node.args))
