"""Mathematics as terms: the same expression in LaTeX, in Unicode and as it is spoken gives the same words.

"\\frac{\\partial L}{\\partial W}", "∂L/∂W", "dL/dW", "d L d W" and "the derivative of the loss with respect to W" all
hold the term "lxderlbyw". The terms of a passage are indexed beside its words and those of a question are searched
with it, so that they meet however each was written. Everything is rewritten to one plain notation first, by regular
expressions: a parser of LaTeX takes milliseconds a formula, and slides and speech are no LaTeX.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cached_property

RECIPE = "mathematics-1"
"""Changes when the same passage gives other terms; the store records it and refuses to mix."""


class _Pattern:
    """A regular expression that is compiled when it is used first: all of them take 20 ms of every start.

    Every match holds one of the words in `needed`, if there are any: to look for these is much quicker, and most texts
    have none of them.
    """

    def __init__(self, text: str, needed: str = "") -> None:
        self._text = text
        self.needed = tuple(needed.split())

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self._text)

    def sub(self, new: str | Callable[[re.Match[str]], str], text: str) -> str:
        return self.compiled.sub(new, text) if self._may_match(text) else text

    def _may_match(self, text: str) -> bool:
        return not self.needed or any(word in text for word in self.needed)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        return self.compiled.finditer(text) if self._may_match(text) else iter(())


_GREEK = re.findall(
    r"\w+",
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi "
    "psi omega",
)
_SIGNS = dict(zip("αβγδεζηθικλμνξοπρστυφχψω", _GREEK, strict=True)) | {
    "ς": "sigma",
    "ϵ": "epsilon",
    "ϕ": "phi",
    "ϑ": "theta",
}
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ", "0123456789aeoxhklmnpstijruv", strict=True))
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹ⁿᵀᵗⁱʲᵏ⁻⁺", "0123456789nTtijk-+", strict=True))
_MARKS = {"hat": "ˆ", "bar": "ˉ", "tilde": "˜", "prime": "ʹ"}  # no letters: "that" is no t with a hat
_COMBINING = {"\u0302": "ˆ", "\u0304": "ˉ", "\u0303": "˜"}
_NAMED = {
    "loss": "l", "cost": "l", "objective": "l", "weight": "w", "weights": "w", "bias": "b", "biases": "b", "input": "x",
    "inputs": "x", "prediction": "yˆ", "activation": "a", "activations": "a",
}  # fmt: skip
_NUMBERS = {"zero": "0", "one": "1", "two": "2", "three": "3", "four": "4"}
_NUMBER = "|".join(_NUMBERS)
_FUNCTIONS = "softmax relu sigmoid tanh sin cos log exp var max min"

_SUBS, _SUPS = "".join(_SUBSCRIPTS), re.escape("".join(_SUPERSCRIPTS))
_LETTER = rf"(?:{'|'.join(_GREEK)}|[a-z])[ˆˉ˜]?"
_SYMBOL = rf"{_LETTER}(?:_[a-z0-9]{{1,4}})?(?![a-z])"
_WORD = rf"(?:the )?(?:{'|'.join(_NAMED)})(?: (?:function|matrix|vector))?"
_OPERAND = rf"(?:{_WORD}(?![a-z])|(?:the )?(?:matrix |vector |weights? |inputs? )?{_SYMBOL})"
_D = r"(?:∂|d|partial(?: derivative)?(?: of)?)"

_LATEX = (
    (_Pattern(r"\\(?:left|right|big|Big|bigl|bigr|Bigl|Bigr|displaystyle|limits|!|,|;|:|quad)(?![A-Za-z])", "\\"), " "),
    (
        _Pattern(
            r"\\(?:boldsymbol|mathbf|mathrm|mathit|mathcal|mathbb|textrm|textit|text|operatorname\*?|bm|vec|rm)", "\\"
        ),
        "",
    ),
    (_Pattern(r"[→⇉⁇](?=[^\W\d_])", "→ ⇉ ⁇"), ""),  # some decks write vectors so
    (_Pattern(r"\\(?:wide|over)?(hat|bar|tilde)\s*(?:\{\s*\\?([A-Za-z]+)\s*\}|\\?([A-Za-z]+))", "\\"), r" \2\3 \1"),
    (_Pattern(r"\\overline\s*\{\s*([A-Za-z])\s*\}", "\\"), r" \1 bar"),
    (_Pattern(r"\\partial\s*", "\\"), "∂"),
    (_Pattern(r"\\arg\s*\\?(max|min)|\barg\s(max|min)", "arg"), r"arg\1\2"),
    (_Pattern(r"\\(?:lVert|rVert|Vert|\|)\s*", "\\"), "‖"),
    (_Pattern(r"\^\s*(?:\{\s*\\(?:top|intercal)\s*\}|\\(?:top|intercal)(?![A-Za-z]))", "\\"), "^T "),
    (_Pattern(r"\^\s*(?:\{\s*\\prime\s*\}|\\prime(?![A-Za-z]))|[′’']+(?=\s*\()", "\\ ′ ’ '"), "ʹ"),
    (_Pattern(r"\\nabla\s*", "\\"), "∇"),
    (_Pattern(r"\\(?:cdot|odot|times|left|right)", "\\"), " "),
    (_Pattern(r"\\var(?=phi|epsilon|theta|rho|sigma|pi)", "\\"), r"\\"),
    (_Pattern(r"\\sum\s*|Σ(?=[_\s])", "\\ Σ"), "∑"),
    (_Pattern(r"\\sqrt\s*", "\\"), "√"),
)
_FRACTION = _Pattern(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", "frac")
_BRACED = _Pattern(r"\{\s*([^{}]{0,40}?)\s*\}", "{")
_CALL = rf"{_FUNCTIONS.replace(' ', '|')}|(?:{'|'.join(_GREEK)}|[a-z])ʹ?"
_SPOKEN: tuple[tuple[_Pattern, str | Callable[[re.Match[str]], str]], ...] = (
    (_Pattern(r"\b(?:sub|subscript) (\w{1,4})\b", "sub"), r"_\1"),
    (
        _Pattern(rf"\b([b-hj-z]|{'|'.join(_GREEK)}) ({_NUMBER})\b(?!-)", " ".join(_NUMBERS)),
        lambda m: f"{m[1]}_{_NUMBERS[m[2]]}",
    ),
    (_Pattern(rf"\b({_LETTER}) (hat|bar|tilde)(?![a-z])", "hat bar tilde"), lambda m: m[1] + _MARKS[m[2]]),
    (_Pattern(rf"\b({_SYMBOL}) squared\b", "squared"), r"\1^2"),
    (_Pattern(rf"\b({_SYMBOL}) cubed\b", "cubed"), r"\1^3"),
    (_Pattern(rf"\b({_SYMBOL}) (?:transposed?)\b", "transpose"), r"\1^t"),
    (_Pattern(rf"\btransposed? (?:of )?(?:the )?(?:weight )?(?:matrix )?({_SYMBOL})\b", "transpose"), r"\1^t"),
    (_Pattern(rf"\b({_SYMBOL}) inverse\b", "inverse"), r"\1^-1"),
    (_Pattern(rf"\b({_SYMBOL}) to the (?:power (?:of )?)?(\w{{1,3}})\b", "to"), r"\1^\2"),
    (_Pattern(rf"\b({_SYMBOL}) prime\b", "prime"), r"\1ʹ"),
    (_Pattern(r"\b(?:the )?square root of (?:the )?", "square"), "√"),
    (_Pattern(r"\bsum(?:med)? over (?:all )?([a-z])\b", "sum"), r"∑_\1"),
    (_Pattern(rf"\bnorm of (?:the )?(?:vector )?({_SYMBOL})\b", "norm"), r"‖\1‖"),
    (_Pattern(rf"\b(gradient|nabla) (?:of )?({_OPERAND})", "gradient nabla"), r"∇\2 "),
    (_Pattern(rf"\b({_CALL}) of ({_SYMBOL})", "of"), r"\1(\2)"),
)  # fmt: skip
_BY = r"(?:/|by|over|with respect to|w\.?r\.?t\.?)"
_DERIVATIVES = (
    _Pattern(rf"(?<![a-z]){_D} ?(?P<of>{_OPERAND}) ?(?:{_BY} ?)?{_D} ?(?P<by>{_OPERAND})", "d ∂ partial"),
    _Pattern(
        rf"(?:derivative of|∇|gradient of|partial of) ?(?P<of>{_OPERAND}) ?(?:{_BY}) ?(?P<by>{_OPERAND})",
        "derivative ∇ gradient partial",
    ),
)
_OTHERS = (
    (_Pattern(rf"(?<![a-z\\])({_SYMBOL})\^(-?[a-z0-9]{{1,2}})(?![a-z0-9])", "^"), "pow"),
    (_Pattern(rf"(?<![a-z\\])({_LETTER})_([a-z0-9]{{1,4}})(?![a-z0-9])", "_"), "sub"),
    (_Pattern(rf"\b({_CALL}) ?\( ?({_SYMBOL}) ?\)", "("), "of"),
)
_SINGLE = (
    (_Pattern(rf"(?<![a-z\\])({_LETTER})(?<=[ˆˉ˜])(?![a-z])", "ˆ ˉ ˜"), ""),
    (_Pattern(rf"(?<![a-z\\])((?:{'|'.join(_GREEK)}|[a-z])ʹ)(?![a-z])", "ʹ"), ""),
    (_Pattern(rf"√ ?\(? ?({_SYMBOL})", "√"), "sqrt"),
    (_Pattern(r"∑_\(?([a-z])", "∑"), "sumover"),
    (_Pattern(rf"‖ ?({_SYMBOL}) ?‖", "‖"), "norm"),
    (_Pattern(rf"∇(?:_[a-z]+ ?)? ?({_OPERAND})", "∇"), "grad"),
)  # fmt: skip
_HINT = re.compile(
    r"[\\∂∇√∑Σ‖^_′α-ωϵϕϑ\u0302-\u0304]|[" + _SUBS + _SUPS + r"]|\b[A-Za-z]\s?/\s?d|\b[dD][A-Za-z]?\b|[A-Za-z]\(|"
    r"\b(?:partial|derivative|gradient|nabla|squared|cubed|transposed?|inverse|root|norm|hat|bar|tilde|prime|sub)\b|"
    r"\bof [A-Za-z]\b"
    r"|\barg|\bsum(?:med)? over\b",
    re.IGNORECASE,
)


def terms(text: str) -> list[str]:
    """Return the terms of the mathematics in a text, each once, in the order of their kind.

    >>> terms(r"$\\frac{\\partial L}{\\partial W}$") == terms("d L d W") == terms("dL/dW") == ["lxderlbyw"]
    True
    >>> terms("the slope σ'(h)")
    ['lxsigmaprimeofh', 'lxsigmaprime', 'sigma']
    """
    decomposed = unicodedata.normalize("NFD", text)
    if not _HINT.search(decomposed):
        return []
    plain = canonical(decomposed)
    found = [*_derivatives(plain), *_expressions(plain)]
    lowered = text.lower()
    found += [name for sign, name in _SIGNS.items() if sign in lowered]
    if "argmax" in plain or "argmin" in plain:
        found += [name for name in ("argmax", "argmin") if name in plain]
    return list(dict.fromkeys(found))


def spoken(text: str) -> list[str]:
    """Return the derivatives in a text in words, for a model of language: "derivative of L with respect to W"."""
    plain = canonical(unicodedata.normalize("NFD", text))
    return list(
        dict.fromkeys(
            f"derivative of {_symbol(match['of'])} with respect to {_symbol(match['by'])}".replace("ˆ", " hat")
            for match in _matches(plain)
        )
    )


def canonical(text: str) -> str:
    """Return a text, in NFD, in one plain notation and lower case: "\\hat y_1^2" and "ŷ₁²" become "yhat_1^2"."""
    for run, table, mark in ((rf"[{_SUBS}]+", _SUBSCRIPTS, "_"), (rf"[{_SUPS}]+", _SUPERSCRIPTS, "^")):
        text = re.sub(run, lambda m, t=table, k=mark: k + "".join(t[c] for c in m.group()), text)  # type: ignore[misc]
    for sign, name in _COMBINING.items():
        text = text.replace(sign, name)
    for pattern, plain in _LATEX:
        text = pattern.sub(plain, text)
    text = re.sub(r"[α-ωϵϕϑ]", lambda m: f" {_SIGNS.get(m.group(), '')}", text.lower())
    for _ in range(3):  # fractions and braces within braces
        if "{" not in text:
            break
        text = re.sub(r"√\s*\{([^{}]*)\}", r"√(\1)", text)
        text = _FRACTION.sub(r" \1 / \2 ", text)
        text = re.sub(r"(?<=[_^])\{([^{}]*)\}", lambda m: m.group(1).replace(" ", ""), text)
        text = _BRACED.sub(r" \1 ", text) if "frac" not in text else text
    text = re.sub(rf"\\?\b({'|'.join(_GREEK)})(?=[ˆˉ˜ʹ_]|\b)", r" \1", text)
    text = re.sub(r"∑_\s*([a-z])(?:=[a-z0-9]+)?(?:\^[a-z0-9]+)?", r"∑_\1 ", text)
    text = re.sub(r"\s+", " ", text.replace("$", " ").replace("·", " "))
    for pattern, said in _SPOKEN:
        text = pattern.sub(said, text)
    return re.sub(r"([∂∇√‖]) ", r"\1", re.sub(r"\s+", " ", text)).replace(" _", "_").replace(" ^", "^")


def _derivatives(plain: str) -> Iterator[str]:
    """Yield a term for each derivative, and one without indices, so that ∂L/∂w₁ is found by ∂L/∂w."""
    for match in _matches(plain):
        of, by = _symbol(match["of"]), _symbol(match["by"])
        yield _term(f"der{of}by{by}")
        yield _term(f"der{of.partition('_')[0]}by{by.partition('_')[0]}")


def _matches(plain: str) -> Iterator[re.Match[str]]:
    for pattern in _DERIVATIVES:
        yield from pattern.finditer(plain)


def _expressions(plain: str) -> Iterator[str]:
    for pattern, kind in _OTHERS:
        for match in pattern.finditer(plain):
            right = _NUMBERS.get(match.group(2), match.group(2)).replace("-", "minus")
            yield _term(f"{match.group(1)}{kind}{right}")
    for pattern, kind in _SINGLE:
        for match in pattern.finditer(plain):
            operand = next(group for group in match.groups() if group)
            yield _term(f"{kind}{_symbol(operand) if kind else operand}")


def _term(expression: str) -> str:
    """Return an expression as one word that no text holds by chance."""
    for name, mark in _MARKS.items():
        expression = expression.replace(mark, name)
    return f"lx{expression.replace('_', '')}"


def _symbol(operand: str) -> str:
    """Return an operand as a symbol: "the loss function" is l, "matrix w_1" is w_1."""
    words = re.sub(r"^the | (?:function|matrix|vector)$", "", operand.strip()).split()
    return _NAMED.get(words[-1], words[-1])
