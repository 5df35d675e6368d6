"""The walk that writes an expression out: what is in brackets, what is a fraction, what is a difference."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from lecta.derive import expr as e
from lecta.derive.node import Expr

SUM, NEGATIVE, PRODUCT, POWER, ATOM = range(5)

Shown = tuple[str, int]


class Writer:
    """Walks an expression; each method returns its text and how tightly it binds."""

    def __init__(self) -> None:
        self._done: dict[Expr, Shown] = {}

    def show(self, root: Expr) -> Shown:
        """Return an expression written out, and how tightly it binds."""
        for node in e.nodes(root):  # arguments first, so no deep recursion
            self._done[node] = self._one(node)
        return self._done[root]

    def _one(self, node: Expr) -> Shown:
        if node.op == "const":
            return self._number(node.attr)
        if node.op == "add":
            return self._sum(node)
        if node.op == "mul":
            return self._product(node)
        if node.op == "pow":
            return self._power(node.args[0], node.args[1])
        maker: Callable[[Expr], Shown] = getattr(self, f"_{node.op}")
        return maker(node)

    def _of(self, node: Expr, level: int = SUM) -> str:
        shown, binds = self._done[node] if node in self._done else self._one_more(node)
        return shown if binds >= level else self._bracket(shown)

    def _one_more(self, node: Expr) -> Shown:
        for inner in e.nodes(node):
            if inner not in self._done:
                self._done[inner] = self._one(inner)
        return self._done[node]

    def _bracket(self, shown: str) -> str:
        return f"({shown})"

    def _number(self, value: Fraction) -> Shown:
        raise NotImplementedError

    def _fraction(self, above: str, below: str) -> Shown:
        raise NotImplementedError

    def _power(self, base: Expr, exponent: Expr) -> Shown:
        raise NotImplementedError

    def _joined(self, factors: list[Expr]) -> str:
        raise NotImplementedError

    def _sum(self, node: Expr) -> Shown:
        shown = ""
        if node.op == "sum":
            return self._total(node)
        for number, term in enumerate(_positive_first(node.args)):
            factor, rest = e.coefficient(term)
            if factor < 0:
                inner = self._of(e.mul(e.const(-factor), rest), NEGATIVE + 1)
                shown += f" - {inner}" if number else f"-{inner}"
            else:
                shown += f" + {self._of(term, NEGATIVE)}" if number else self._of(term, NEGATIVE)
        return shown, SUM

    def _total(self, node: Expr) -> Shown:
        raise NotImplementedError

    def _product(self, node: Expr) -> Shown:
        number, rest = e.coefficient(node)
        factors = rest.args if rest.op == "mul" else (rest,)
        below = [part for part in factors if e.is_divisor(part)]
        above = [part for part in factors if not e.is_divisor(part)]
        sign = "-" if number < 0 else ""
        upper, lower = e.const(abs(number.numerator)), e.const(number.denominator)
        above = above if e.is_number(upper, 1) and above else [upper, *above]
        under = [e.power(part.args[0], e.neg(part.args[1])) for part in below]
        under = under if e.is_number(lower, 1) else [lower, *under]
        if not under:
            shown = self._joined(above)
            return sign + shown, NEGATIVE if sign else PRODUCT
        top = self._of(above[0]) if len(above) == 1 and self.fractions else self._joined(above)
        bottom = self._of(under[0]) if len(under) == 1 and self.fractions else self._joined(under)
        shown, level = self._fraction(top, bottom if len(under) == 1 or self.fractions else f"({bottom})")
        return sign + shown, NEGATIVE if sign else level

    fractions = False


def _positive_first(terms: tuple[Expr, ...]) -> list[Expr]:
    """Put a positive term first, so that -t + y reads y - t."""
    if e.coefficient(terms[0])[0] >= 0:
        return list(terms)
    first = next((term for term in terms if e.coefficient(term)[0] > 0), terms[0])
    return [first, *(term for term in terms if term is not first)]
