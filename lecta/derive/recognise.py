"""Questions that ask for a derivative lecta can work: the expression and the variable in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lecta.errors import ExpressionError


@dataclass(frozen=True)
class Request:
    """What `derive` is to be called with."""

    expression: str
    wrt: str


_NAME = r"\$?(?P<wrt>\\?[A-Za-z][\w\\{}]*)\$?"
_BY = rf"(?:with\s+respect\s+to|w\.?r\.?t\.?|respecting|by|nach)\s+(?:the\s+\w+\s+)?{_NAME}"
_WORD = r"(?:partial\s+derivatives?|derivatives?|gradients?|slope)"
_WHERE = r"(?:,?\s*(?:if|where|when|given|for|with)\s+(?P<where>.+?))"
_END = r"\s*[?.!]*\s*$"
_D = r"(?:\\partial|\\mathrm\{d\}|d)\s*"
_TOP = r"\\?[A-Za-z][\w\\{}]*?"
_AND = re.compile(r"\s*(?:;|,\s*and\s|\band\b|,(?=\s*\$?\\?[A-Za-z][\w\\{}]*\$?\s*=))\s*")
_PATTERNS = [
    re.compile(
        rf"\b(?:{_WORD}\s+of|differentiate|derive)\s+(?P<expression>.+?)\s*,?\s*{_BY}\s*{_WHERE}?{_END}", re.I | re.S
    ),
    re.compile(rf"\\frac\s*\{{\s*{_D}\}}\s*\{{\s*{_D}(?P<wrt>{_TOP})\s*\}}\s*(?P<expression>.+?){_END}", re.S),
    re.compile(rf"\bd/d(?P<wrt>[A-Za-z]\w*)\s+(?P<expression>.+?){_END}", re.S),
    re.compile(
        rf"\\frac\s*\{{\s*{_D}(?P<of>{_TOP})\s*\}}\s*\{{\s*{_D}(?P<wrt>{_TOP})\s*\}}\s*\$?\s*{_WHERE}{_END}",
        re.I | re.S,
    ),
    re.compile(rf"\bd(?P<of>[A-Za-z]\w*)/d(?P<wrt>[A-Za-z]\w*)\s*{_WHERE}{_END}", re.S),
    re.compile(rf"\b{_WORD}\s+of\s+(?P<expression>[^?]*?){_END}", re.I | re.S),
]


def recognise(question: str) -> Request | None:
    """Return what a question asks to derive, or None where it states no expression that can be read.

    >>> recognise("What is the derivative of sigmoid(w*x+b) with respect to w?")
    Request(expression='sigmoid(w*x+b)', wrt='w')
    >>> recognise("What is a derivative?") is None
    True
    """
    if len(question) > 2000:
        return None
    for pattern in _PATTERNS:
        match = pattern.search(question)
        if match is None:
            continue
        found = match.groupdict()
        expression = _expression(found)
        wrt = _wrt(found, expression)
        if expression and wrt and _readable(expression, wrt):
            return Request(expression, wrt)
    return None


def _wrt(found: dict[str, str | None], expression: str) -> str:
    stated = (found.get("wrt") or "").strip().rstrip("?.!")
    if stated:
        return stated
    inputs = _inputs(expression)
    return inputs[0] if len(inputs) == 1 else ""


def _inputs(expression: str) -> list[str]:
    """Return the inputs of an expression that names no variable: x in "the derivative of sin(x)/x"."""
    from lecta.derive.program import read_program

    for name in dict.fromkeys(re.findall(r"(?<![A-Za-z\\])\\?[A-Za-z]\w*(?!\w*\()", expression)):
        try:
            return list(read_program(expression, name).inputs)
        except ExpressionError:
            continue
    return []


def _expression(found: dict[str, str | None]) -> str:
    """Put the stated values before the expression: "L = (y-t)^2 where y = w*x" becomes two assignments."""
    stated = _clean(found.get("expression") or "")
    where = [
        _clean(part)
        for part in re.split(
            r"\s*(?:;|,\s*and\s|\band\b|,(?=\s*\$?\\?[A-Za-z]\w*\$?\s*=))\s*", found.get("where") or ""
        )
    ]
    where = [part for part in where if "=" in part]
    of = found.get("of")
    if of:
        where.sort(key=lambda part: part.partition("=")[0].strip() == of.strip())
        return "; ".join(where)
    if re.fullmatch(r"\\?[A-Za-z]\w*", stated) and not where:
        return ""
    if re.fullmatch(r"\\?[A-Za-z]\w*", stated):
        where.sort(key=lambda part: part.partition("=")[0].strip() == stated)
        return "; ".join(where)
    return "; ".join([*where, stated])


def _clean(text: str) -> str:
    text = re.sub(r"^\s*(?:the\s+)?(?:function|loss|expression|value|output)\s+(?=[$\\A-Za-z(])", "", text.strip())
    return text.replace("$", "").strip().strip("`").rstrip(",.").strip()


def _readable(expression: str, wrt: str) -> bool:
    from lecta.derive.program import read_program

    if not re.search(r"[-+*/^()\\=]", expression):
        return False
    if re.search(r"\b[a-z]{3,}\s+[a-z]{2,}\b", expression) and "\\" not in expression:  # words, not a formula
        return False
    try:
        read_program(expression, wrt)
    except (ExpressionError, RecursionError):
        return False
    return True
