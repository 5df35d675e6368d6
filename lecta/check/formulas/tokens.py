"""LaTeX, Unicode mathematics and formulas in code, cut into one kind of tokens.

The same formula may be `\\frac{\\partial L}{\\partial w}` in an answer and "∂L/∂w" in the text of a PDF. Names come
out in LaTeX, layout (`\\left`, `\\,`, `\\displaystyle`, colours) does not come out at all.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "name", "function", "vector", "operator", "open", "close", "frac", "sqrt", "text", "other"]

KNOWN = frozenset(
    re.findall(
        r"\w+",
        "sin cos tan cot sec csc sinh cosh tanh coth sech csch exp log ln sqrt abs erf sign "
        "arcsin arccos arctan arccot arcsec arccsc arsinh arcosh artanh arcsinh arccosh arctanh "
        "asin acos atan acot asec acsc asinh acosh atanh acoth "
        "sigmoid logistic relu softplus silu swish",
    )
)
"""Functions of one number that are understood, as they are written."""


@dataclass(frozen=True, slots=True)
class Token:
    """One sign of a formula."""

    kind: Kind
    text: str
    """Names in LaTeX (`\\theta`, `\\hat{y}`), operators as one character (`*`, `/`, `^`, `_`, `=`, `'`)."""


_LETTERS = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho "
    "sigma tau upsilon phi chi psi omega"
)
_GREEK = {
    unicodedata.lookup(f"GREEK {case} LETTER {'LAMDA' if letter == 'lambda' else letter.upper()}"): "\\"
    + (letter.capitalize() if case == "CAPITAL" else letter)
    for case in ("SMALL", "CAPITAL")
    for letter in _LETTERS.split()
} | {"ϕ": "\\phi", "ϵ": "\\epsilon", "ϑ": "\\theta", "ℓ": "\\ell", "∇": "\\nabla", "∞": "\\infty", "∑": "\\sum"}
_SAME_NAME = {"\\varepsilon": "\\epsilon", "\\varphi": "\\phi", "\\vartheta": "\\theta", "\\varsigma": "\\sigma"}
_OPERATORS = {
    "\\cdot": "*", "\\times": "*", "\\ast": "*", "⋅": "*", "·": "*", "×": "*", "∗": "*", "−": "-", "–": "-", "∕": "/",
    "\\div": "/", "\\over": "/", "\\partial": "∂", "\\prime": "'", "′": "'", "’": "'", "\\approx": "≈", "\\simeq": "≈",
    "≃": "≈", "\\coloneqq": "≝", "\\triangleq": "≝", "\\equiv": "≡", "\\doteq": "=", "\\leq": "≤", "\\le": "≤",
    "\\geq": "≥", "\\ge": "≥", "\\neq": "≠", "\\ne": "≠", "\\to": "→", "\\rightarrow": "→", "\\leftarrow": "←",
    "\\gets": "←", "\\Rightarrow": "⇒", "\\implies": "⇒", "\\iff": "⇔", "\\sim": "∼", "\\propto": "∝", "\\in": "∈",
    "\\pm": "±", "\\mp": "∓", "\\circ": "∘", "\\odot": "⊙", "\\|": "‖", "\\Vert": "‖", "\\vert": "|", "\\mid": "|",
    "\\lvert": "|", "\\rvert": "|", "\\top": "⊤", "\\lbrace": "{", "\\ldots": "…", "\\dots": "…", "\\cdots": "…",
    "\\parallel": "‖", "∥": "‖", "\\lVert": "‖", "\\rVert": "‖", "\\ll": "≪", "\\gg": "≫", "\\mapsto": "↦",
}  # fmt: skip
RELATIONS = frozenset("=≈≝≡≤≥≠→←⇒⇔∼∝∈<>≪≫↦")
_LAYOUT = re.compile(
    r"\\(?:left|right|middle|bigg?[lrm]?|Bigg?[lrm]?|displaystyle|textstyle|scriptstyle|limits|nolimits|nonumber|notag"
    r"|normalsize|small|large|Large|hfill|bf|rm|it|boxed|mathllap|mathrlap|mathclap|underbrace|overbrace)"
    r"(?![A-Za-z])|\\(?:kern|hskip|mkern)-?[\d.]+[a-z]+|\\[hv]space\*?\{[^{}]*\}"
    r"|\\(?:label|tag\*?|color|textcolor|h?phantom)\{[^{}]*\}"
    r"|\\[,;:! ]|~|\\(?:begin|end)\{[^{}]*\}(?:\{[lcr|]+\})?"
)
ROW = "¶"
"""The end of a row, where the next one is another formula."""
_ROW = re.compile(r"(?:\\\\(?:\[[\d.]+[a-z]+\])?|\\q?quad(?![A-Za-z]))(?P<rest>[\s&{}]*)")
_GOES_ON = re.compile(r"[=≈≤≥<>+-]|\\(?:approx|leq?|geq?|cdot)(?![A-Za-z])")
_WORDS = re.compile(r"\\(?:mathrm|text|textrm|textit|textbf|mathit|mathsf|mathtt|texttt|operatorname\*?|textnormal)\{")
_MARKS = {"̂": "\\hat", "̃": "\\tilde", "̄": "\\bar", "̇": "\\dot"}
_ACCENTS = ("\\hat", "\\widehat", "\\tilde", "\\widetilde", "\\bar", "\\overline", "\\dot")
_ALPHABETS = ("\\mathcal", "\\mathbb", "\\mathscr", "\\mathfrak")
_BOLD = ("\\mathbf", "\\boldsymbol", "\\vec", "\\bm", "\\pmb", "\\mathbfit", "\\symbf")
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ", "0123456789+-ni", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₐₑᵢⱼₖₙₜₓ", "0123456789+-aeijkntx", strict=True))
_PIECE = re.compile(r"\\[A-Za-z]+\*?|\\.|\d+(?:\.\d+)?|\.\d+|\*\*|:=|[^\W\d_]|\S", re.DOTALL)
_CODE_PIECE = re.compile(r"\\[A-Za-z]+|\d+(?:\.\d+)?|\.\d+|\*\*|:=|[^\W\d_]+(?:_\w+)?|\S")
_BRACKETS = {"(": "open", "[": "open", "{": "open", ")": "close", "]": "close", "}": "close"}


def tokenize(formula: str, *, code: bool = False) -> list[Token]:
    """Cut a formula into tokens; `code` says that words are whole names, as in `sin(x**2)`.

    Never fails: what is not understood comes out as a token of kind "other".
    """
    return _Cutter(_spelled(formula), code).run()


def _spelled(formula: str) -> str:
    """Return a formula with layout gone and look-alike characters put in one form."""
    text = re.sub("[⁰¹²³⁴-⁹⁺⁻ⁿⁱ]+", lambda m: "^{" + "".join(_SUPERSCRIPTS.get(c, c) for c in m.group()) + "}", formula)
    text = re.sub("[₀-₉₊₋ₐₑᵢⱼₖₙₜₓ]+", lambda m: "_{" + "".join(_SUBSCRIPTS.get(c, c) for c in m.group()) + "}", text)
    text = "".join(_plain(character) for character in text)
    text = text.replace("\\{", "(").replace("\\}", ")").replace("\\lbrace", "(").replace("\\rbrace", ")")
    text = re.sub(r"\\left\s*\.|\\right\s*\.", "", text)
    text = re.sub(r"\\[dtc]frac(?![A-Za-z])", r"\\frac", text)
    text = re.sub(r"\\frac\s*(\d)\s*(\d)", r"\\frac{\1}{\2}", text)
    text = re.sub(r"\\arg\s*\\(max|min)(?![A-Za-z])", r"\\operatorname{arg\1}", text)
    text = _ROW.sub(lambda row: (" " if _GOES_ON.match(row.string, row.end()) else f" {ROW} ") + row["rest"], text)
    return _LAYOUT.sub(" ", text).replace("&", " ").replace("...", "…")


def _plain(character: str) -> str:
    """Return mathematical letters (𝑥, 𝐱, 𝓛) as letters, bold ones as `\\mathbf{x}`."""
    if not 0x1D400 <= ord(character) <= 0x1D7FF:
        return unicodedata.normalize("NFD", character) if character.isalpha() else character
    letter = unicodedata.normalize("NFKC", character)
    name = unicodedata.name(character, "")
    if "BOLD" in name and letter.isalpha():
        return f"\\mathbf{{{letter}}}"
    alphabet = "mathcal" if "SCRIPT" in name else "mathbb" if "DOUBLE-STRUCK" in name else ""
    return f"\\{alphabet}{{{letter}}}" if alphabet else letter


class _Cutter:
    def __init__(self, text: str, code: bool) -> None:
        self._text, self._code = text, code
        self._at = 0
        self._found: list[Token] = []

    def run(self) -> list[Token]:
        piece = _CODE_PIECE if self._code else _PIECE
        while self._at < len(self._text):
            words = _WORDS.match(self._text, self._at)
            if words:
                self._at = words.end()
                self._word(self._group_from_inside())
                continue
            match = piece.match(self._text, self._at)
            if not match:
                self._at += 1
                continue
            self._at = match.end()
            self._one(match.group())
        return self._found

    def _add(self, kind: Kind, text: str) -> None:
        self._found.append(Token(kind, text))

    def _word(self, word: str) -> None:
        word = word.strip()
        if word.lower() in KNOWN:
            self._add("function", word.lower())
        elif len(word) == 1:
            self._one(word)
        elif re.fullmatch(r"[A-Za-z]+\d*", word):
            self._add("name", f"\\mathrm{{{word}}}")
        elif word:
            self._add("text", word)

    def _one(self, piece: str) -> None:
        name = _GREEK.get(piece, _SAME_NAME.get(piece, piece))
        if piece in _BOLD or (piece in "→⇉" and self._next_is_letter()):
            self._add("vector", f"\\mathbf{{{self._argument()}}}")
        elif piece in _ACCENTS:
            self._add("name", f"{piece.replace('wide', '').replace('overline', 'bar')}{{{self._argument()}}}")
        elif piece in _ALPHABETS:
            self._add("name", f"{piece}{{{self._argument()}}}")
        elif piece in _MARKS and self._found and self._found[-1].kind in ("name", "vector"):
            last = self._found.pop()
            self._add(last.kind, f"{_MARKS[piece]}{{{last.text}}}")
        elif piece in ("\\frac", "\\sqrt"):
            self._add("frac" if piece == "\\frac" else "sqrt", piece)
        elif piece == "√":
            self._add("function", "sqrt")
        elif piece[0] in "\\" and piece[1:].lower() in KNOWN:
            self._add("function", piece[1:].lower())
        elif name in _OPERATORS or piece in ("**", ":="):
            self._add("operator", {"**": "^", ":=": "≝"}.get(piece) or _OPERATORS[name])
        elif piece in _BRACKETS:
            self._add("open" if _BRACKETS[piece] == "open" else "close", piece)
        else:
            self._sign(piece, name)

    def _sign(self, piece: str, name: str) -> None:
        if piece[0].isdigit() or (piece[0] == "." and len(piece) > 1):
            self._add("number", piece)
        elif name.startswith("\\") and name[1:2].isalpha():
            is_letter = name in _GREEK.values() and name not in ("\\nabla", "\\infty", "\\sum")
            self._add("name" if is_letter else "other", name)
        elif self._code and piece.isidentifier() and len(piece) > 1:
            self._code_word(piece)
        elif piece.isalpha():
            self._add("name", name)
        elif piece in "+-*/^_=<>!',;:|.%" or piece in RELATIONS or piece in "∂±∓⊤‖…∘⊙":
            self._add("operator", piece)
        else:
            self._add("other", piece)

    def _code_word(self, word: str) -> None:
        base, _, below = word.partition("_")
        if word.lower() in KNOWN:
            self._add("function", word.lower())
        elif base in _NAMES_IN_CODE:
            self._add("name", _NAMES_IN_CODE[base] + (f"_{{{below}}}" if below else ""))
        elif below and len(base) == 1:
            self._found += [Token("name", base), Token("operator", "_"), Token("open", "{")]
            self._found += [Token("name" if c.isalpha() else "number", c) for c in below] + [Token("close", "}")]
        elif len(base) <= 3 and not below and base.isalpha():  # "2xy", "dx": letters one by one
            for letter in word:
                self._one(letter)
        else:
            self._add("text", word)

    def _next_is_letter(self) -> bool:
        following = self._text[self._at : self._at + 1]
        return following.isalpha() or following in ("\\", "1", "0")

    def _argument(self) -> str:
        """Return what an accent stands on, in LaTeX: one token or a group."""
        rest = self._text[self._at :]
        self._at += len(rest) - len(rest.lstrip())
        if self._text[self._at : self._at + 1] == "{":
            self._at += 1
            return spelling(tokenize(self._group_from_inside()))
        match = _PIECE.match(self._text, self._at)
        if not match:
            return ""
        self._at = match.end()
        return _GREEK.get(match.group(), match.group())

    def _group_from_inside(self) -> str:
        """Return the text up to the brace that closes the group, and step over it."""
        depth, start = 1, self._at
        while self._at < len(self._text) and depth:
            depth += {"{": 1, "}": -1}.get(self._text[self._at], 0)
            self._at += 1
        return self._text[start : self._at - (0 if depth else 1)]


_NAMES_IN_CODE = {name[1:]: name for name in _GREEK.values() if name[1:].isalpha()}


def spelling(tokens: list[Token]) -> str:
    """Return tokens as LaTeX text in one spelling, for names and comparison.

    >>> spelling(tokenize(r"w _ {1}")) == spelling(tokenize("w₁")) == "w_{1}"
    True
    """
    text = ""
    for token in tokens:
        if text and re.search(r"\\[A-Za-z]+$", text) and token.text[:1].isalpha():
            text += " "
        text += f"\\{token.text}" if token.kind == "function" else token.text
    return re.sub(r"([_^])\{?(\w)\}?(?!\w)", r"\1{\2}", text)
