"""Expressions as LaTeX, and as text in the notation that is read."""

from __future__ import annotations

from lecta.derive.latex import LatexWriter
from lecta.derive.naming import name_latex, shape_latex
from lecta.derive.node import Expr
from lecta.derive.notation import TextWriter
from lecta.derive.writer import PRODUCT

__all__ = ["factor_latex", "latex", "name_latex", "shape_latex", "text"]


def latex(expr: Expr) -> str:
    """Return an expression as LaTeX."""
    return LatexWriter().show(expr)[0]


def factor_latex(expr: Expr) -> str:
    """Return an expression as LaTeX to stand in a product."""
    text, level = LatexWriter().show(expr)
    return text if level >= PRODUCT else rf"\left({text}\right)"


def text(expr: Expr) -> str:
    """Return an expression in the notation that is read."""
    return TextWriter().show(expr)[0]
