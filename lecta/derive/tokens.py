r"""Text to tokens: Python notation and LaTeX notation give the same ones, each with its place in the text.

LaTeX is read as it is written in lectures: `\frac{a}{b}`, `\sigma(w_1 x)`, `\hat{y}`, `x^{2}`, `\|v\|`, `\sum_{i=1}^3`.
There a product needs no sign and letters stand alone (`wx` is w times x); in Python notation `wx` is one name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lecta.errors import ExpressionError

MAX_CHARACTERS, MAX_TOKENS = 4000, 1500

GREEK = frozenset((
    "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota",
    "kappa", "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "varphi", "chi", "psi",
    "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega", "ell",
))  # fmt: skip
LATEX_FUNCTIONS = frozenset((
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "coth",
    "exp", "log", "ln", "max", "min", "sqrt",
))  # fmt: skip
ACCENTS = {"hat": "hat", "widehat": "hat", "bar": "bar", "overline": "bar", "tilde": "tilde", "dot": "dot", "vec": ""}
_SPACES = {",", ";", ":", "!", " ", "quad", "qquad", "left", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr",
           "displaystyle", "limits", "nolimits"}  # fmt: skip
_OPERATORS = {"cdot": "*", "times": "*", "odot": ".*", "circ": ".*", "ast": "*", "div": "/", "lvert": "|", "rvert": "|",
              "lVert": "‖", "rVert": "‖", "|": "‖", "Vert": "‖", "vert": "|", "{": "(", "}": ")", "lbrack": "[",
              "rbrack": "]", "top": "⊤", "intercal": "⊤"}  # fmt: skip
_FONTS = {"mathrm", "operatorname", "text", "mathbf", "boldsymbol", "mathit", "bm", "textbf", "mathsf", "mathcal"}
_SIGNS = {"−": "-", "–": "-", "·": "*", "×": "*", "⊙": ".*", "∘": ".*", "÷": "/", "²": "^2", "³": "^3", "∥": "‖"}
_LETTERS = {"σ": "sigma", "θ": "theta", "α": "alpha", "β": "beta", "γ": "gamma", "λ": "lambda", "μ": "mu", "π": "pi",
            "ε": "epsilon", "δ": "delta", "η": "eta", "φ": "phi", "ρ": "rho", "τ": "tau", "ω": "omega"}  # fmt: skip
_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?")
_LATEX_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_NAME = re.compile(r"[^\W\d]\w*")
_SUBSCRIPT = re.compile(r"_(?:\{([^{}]*)\}|\\([A-Za-z]+)|(\w))")


@dataclass(frozen=True)
class Token:
    """kind is number, name, function (a LaTeX function, whose argument needs no brackets), or the sign itself."""

    kind: str
    text: str
    start: int


def is_latex(text: str) -> bool:
    """Is a text in LaTeX notation?"""
    return bool(re.search(r"\\|[_^]\s*\{|\$", text))


def tokenize(text: str, offset: int = 0, *, latex: bool | None = None) -> list[Token]:
    """Return the tokens of one expression; places count from `offset`.

    Raises ExpressionError for a character that belongs to no notation and for a text that is too long.
    """
    latex = is_latex(text) if latex is None else latex
    found: list[Token] = []
    at = 0
    while at < len(text):
        step = _latex_token(text, at, offset) if latex and text[at] == "\\" else _token(text, at, offset, latex)
        tokens, at = step
        found.extend(tokens)
        if len(found) > MAX_TOKENS:
            raise ExpressionError(f"the expression has more than {MAX_TOKENS} parts: derive a smaller piece of it")
    return found


def _token(text: str, at: int, offset: int, latex: bool) -> tuple[list[Token], int]:
    sign, place = text[at], at + offset
    if sign.isspace() or (latex and sign in "$&"):
        return [], at + 1
    word = _number(text, at, place, latex) or _word(text, at, place, latex)
    if word is not None:
        return [word[0]], word[1]
    for operator, kind in (("**", "**"), (".*", ".*"), (".T", "⊤"), ("‖", "‖"), ("||", "‖")):
        if text.startswith(operator, at):
            return [Token(kind, operator, place)], at + len(operator)
    if sign in _SIGNS:
        parts = re.findall(r"\d|\.\*|.", _SIGNS[sign])
        return [Token("number" if part.isdigit() else part, part, place) for part in parts], at + 1
    if sign in "+-*/@^()[],=|_{}<>'":
        return [Token(sign, sign, place)], at + 1
    raise ExpressionError(f"the character {sign!r} at character {place + 1} belongs to no formula: take it out", place)


def _number(text: str, at: int, place: int, latex: bool) -> tuple[Token, int] | None:
    number = (_LATEX_NUMBER if latex else _NUMBER).match(text, at)
    if number is None or not text[at].isascii():
        return None
    if len(number.group()) > 60:
        raise ExpressionError(f"the number {number.group()[:12]}… at character {place + 1} is too long: at most 60")
    return Token("number", number.group(), place), number.end()


def _word(text: str, at: int, place: int, latex: bool) -> tuple[Token, int] | None:
    sign = text[at]
    if latex and sign.isalpha():
        if sign == "e" and text[at + 1 :].lstrip().startswith("^"):
            sign = "E"  # e^{...} is the exponential
        name, end = _subscripted(text, _LETTERS.get(sign, sign), at + 1)
        return Token("name", name, place), end
    word = _NAME.match(text, at)
    if latex or word is None:
        return None
    return Token("name", "".join(_LETTERS.get(letter, letter) for letter in word.group()), place), word.end()


def _latex_token(text: str, at: int, offset: int) -> tuple[list[Token], int]:
    place = at + offset
    command = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL).match(text, at)
    if command is None:
        raise ExpressionError(f"a backslash stands alone at character {place + 1}: take it out")
    word, end = command.group(1), command.end()
    if word in _SPACES or word.isspace():
        if word in ("left", "right") and text[end : end + 1] == ".":
            end += 1
        return [], end
    if word in _OPERATORS:
        return [Token(_OPERATORS[word], text[at:end], place)], end
    if word in ("frac", "dfrac", "tfrac", "sqrt", "sum"):
        return [Token({"dfrac": "frac", "tfrac": "frac"}.get(word, word), command.group(), place)], end
    if word in LATEX_FUNCTIONS:
        return [Token("function", word, place)], end
    if word in GREEK:
        name, end = _subscripted(text, word.removeprefix("var"), end)
        return [Token("name", name, place)], end
    if word in _FONTS or word in ACCENTS:
        inner = re.compile(r"\s*(?:\{\s*\\?([A-Za-z][\w -]*?)\s*\}|\\?([A-Za-z]))").match(text, end)
        if inner:
            name = re.sub(r"[ -]+", "_", inner.group(1) or inner.group(2))
            return _styled(text, name, word, place, inner.end())
    raise ExpressionError(
        f"\\{word} at character {place + 1} is not a command lecta reads in formulas: write it out "
        r"(\frac, \sqrt, \sum, Greek letters, \hat, \operatorname{...} are read)"
    )


def _styled(text: str, name: str, style: str, place: int, end: int) -> tuple[list[Token], int]:
    follows_call = re.match(r"\s*(?:\\left)?\s*[(\[{]", text[end:]) is not None
    if style in ("operatorname", "mathrm", "text", "mathsf") and len(name) > 1 and follows_call:
        return [Token("function", name, place)], end
    if ACCENTS.get(style):
        name = f"{name}_{ACCENTS[style]}"
    name, end = _subscripted(text, name, end)
    return [Token("name", name, place)], end


def _subscripted(text: str, name: str, at: int) -> tuple[str, int]:
    """Add a subscript to a name: w_1, w_{ij}, h_{t-1} stay one name."""
    found = _SUBSCRIPT.match(text, at)
    if not found:
        return name, at
    inner = next(part for part in found.groups() if part is not None)
    inner = re.sub(r"\\(?:text|mathrm|hat)?\{?", "", inner).replace("}", "")
    inner = re.sub(r"[\s,]+", "_", inner.strip()).replace("-", "m").replace("+", "p")
    return f"{name}_{inner}", found.end()
