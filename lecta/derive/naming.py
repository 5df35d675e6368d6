"""Names and shapes as LaTeX."""

from __future__ import annotations

import re

from lecta.derive.node import Shape
from lecta.derive.tokens import GREEK

_ACCENTS = {"hat": "hat", "bar": "bar", "tilde": "tilde", "dot": "dot"}


def name_latex(name: str) -> str:
    r"""Return a name as LaTeX.

    >>> name_latex("W1"), name_latex("y_hat"), name_latex("theta_ij"), name_latex("loss")
    ('W_{1}', '\\hat{y}', '\\theta_{ij}', '\\mathrm{loss}')
    """
    if name.endswith("§"):
        letter, sign, index = name_latex(name[:-1]).partition("_{")
        return rf"\bar{{{letter}}}{sign}{index}"
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
    written = ",".join(rf"\{part}" if part in GREEK else _subscript(part) for part in below)
    return f"{shown}_{{{written}}}" if written else shown


def _subscript(part: str) -> str:
    return re.sub(r"(?<=[a-z])m(?=\d)", "-", part) if len(part) < 4 else rf"\text{{{part}}}"


def shape_latex(shape: Shape) -> str:
    """Return a shape as LaTeX."""
    return r" \times ".join(map(str, shape))
