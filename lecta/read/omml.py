"""Equations of Office documents (OMML) as LaTeX: what a page of notes holds, not every layout.

The format is ECMA-376 part 1, section 22.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_SYMBOLS = {
    "∑": r"\sum", "∏": r"\prod", "∫": r"\int", "∬": r"\iint", "∮": r"\oint", "⋃": r"\bigcup", "⋂": r"\bigcap",
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\epsilon", "θ": r"\theta", "λ": r"\lambda",
    "μ": r"\mu", "π": r"\pi", "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau", "φ": r"\phi", "ω": r"\omega",
    "∂": r"\partial", "∇": r"\nabla", "∞": r"\infty", "≤": r"\le", "≥": r"\ge", "≠": r"\ne",
    "≈": r"\approx", "∈": r"\in", "→": r"\to",
    "×": r"\times", "·": r"\cdot", "±": r"\pm", "Δ": r"\Delta", "Σ": r"\Sigma", "Ω": r"\Omega",
}  # fmt: skip
_ACCENTS = {
    "\u0302": r"\hat",
    "\u0303": r"\tilde",
    "\u0304": r"\bar",
    "\u0305": r"\bar",
    "\u0307": r"\dot",
    "\u20d7": r"\vec",
}


def latex(formula: _Element, depth: int = 0) -> str:
    """Return an `m:oMath` element as LaTeX, on one line."""
    if depth > 60:  # Word nests a dozen levels at most
        return "".join(map(str, formula.itertext()))
    return " ".join("".join(_element(child, depth + 1) for child in formula).split())


def _element(element: _Element, depth: int) -> str:
    name = element.tag.removeprefix(_M) if isinstance(element.tag, str) else ""
    if name == "r":
        return "".join(_letters(t.text or "") for t in element.iter(f"{_M}t"))
    if name.endswith("Pr") or not name:
        return ""
    build = _BUILDERS.get(name)
    return build(element, depth) if build else latex(element, depth)


def _letters(text: str) -> str:
    return "".join(f"{_SYMBOLS[letter]} " if letter in _SYMBOLS else letter for letter in text)


def _part(element: _Element, name: str, depth: int) -> str:
    found = element.find(f"{_M}{name}")
    return latex(found, depth) if found is not None else ""


def _property(element: _Element, name: str, default: str) -> str:
    found = element.find(f"{_M}{element.tag.removeprefix(_M)}Pr/{_M}{name}")
    return default if found is None else found.get(f"{_M}val", default)


def _fraction(element: _Element, depth: int) -> str:
    return rf"\frac{{{_part(element, 'num', depth)}}}{{{_part(element, 'den', depth)}}}"


def _scripts(element: _Element, depth: int) -> str:
    base, low, high = (_part(element, name, depth) for name in ("e", "sub", "sup"))
    return base + (f"_{{{low}}}" if low else "") + (f"^{{{high}}}" if high else "")


def _root(element: _Element, depth: int) -> str:
    degree = _part(element, "deg", depth)
    return rf"\sqrt{f'[{degree}]' if degree else ''}{{{_part(element, 'e', depth)}}}"


def _sum(element: _Element, depth: int) -> str:
    sign = _property(element, "chr", "∫")
    low, high, body = (_part(element, name, depth) for name in ("sub", "sup", "e"))
    limits = (f"_{{{low}}}" if low else "") + (f"^{{{high}}}" if high else "")
    return f"{_SYMBOLS.get(sign, sign)}{limits} {body}"


def _brackets(element: _Element, depth: int) -> str:
    between = _property(element, "sepChr", "|")
    inside = between.join(latex(part, depth) for part in element.findall(f"{_M}e"))
    return f"{_property(element, 'begChr', '(')}{inside}{_property(element, 'endChr', ')')}"


def _matrix(element: _Element, depth: int) -> str:
    rows = [" & ".join(latex(cell, depth) for cell in row.findall(f"{_M}e")) for row in element.findall(f"{_M}mr")]
    body = " \\\\ ".join(rows)
    return rf"\begin{{matrix}} {body} \end{{matrix}}"


def _accent(element: _Element, depth: int) -> str:
    sign = _ACCENTS.get(_property(element, "chr", "\u0302"), r"\hat")
    return f"{sign}{{{_part(element, 'e', depth)}}}"


def _limit(element: _Element, depth: int) -> str:
    sign = "_" if element.tag == f"{_M}limLow" else "^"
    return f"{_part(element, 'e', depth)}{sign}{{{_part(element, 'lim', depth)}}} "


def _function(element: _Element, depth: int) -> str:
    name = _part(element, "fName", depth)
    known = {"sin", "cos", "tan", "log", "ln", "exp", "max", "min", "lim", "det", "sup", "inf", "arg"}
    word = name.split("_")[0].strip()
    return (f"\\{name}" if word in known else name) + f" {_part(element, 'e', depth)}"


def _lines(element: _Element, depth: int) -> str:
    return r" \\ ".join(latex(part, depth) for part in element.findall(f"{_M}e"))


_BUILDERS = {
    "f": _fraction, "sSub": _scripts, "sSup": _scripts, "sSubSup": _scripts, "rad": _root, "nary": _sum,
    "d": _brackets, "m": _matrix, "acc": _accent, "limLow": _limit, "limUpp": _limit, "func": _function,
    "eqArr": _lines,
}  # fmt: skip
