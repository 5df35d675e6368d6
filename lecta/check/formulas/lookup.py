"""Does a formula stand in the lectures? Compared token by token, whatever its spelling.

Slides in Markdown have LaTeX, the text of a PDF has Unicode ("∂L/∂w") and loses what stands above and below a line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from lecta.check.formulas.finding import Found, find, statements
from lecta.check.formulas.reading import Tree, UnreadableError, read, sides
from lecta.check.formulas.tokens import RELATIONS, ROW, Token, tokenize

_LITTLE_WORDS = frozenset(
    re.findall(
        r"\w+",
        "is the of and to in we an by as or for are can if on at it be not no so do our its has was let all via use "
        "i ii iii one two the then than that this with from",
    )
)
_DELIMITERS = re.compile(r"\$\$?|\\[()\[\]]|`+")
_UNSAID = ("*", "\\cdot", "→", "⇉")  # some slides write vectors and matrices with an arrow before the letter
_ALPHABET = re.compile(r"\\math(?:rm|cal|bb|scr|frak)\{(.*)\}$")
_LOOSE = frozenset("^_/{}")
_FEWEST = 5
"""Tokens, levels aside, of a formula that is told from others although fractions and superscripts are lost."""
_END = ROW


class Lectures:
    """The formulas of some passages, ready to be compared."""

    def __init__(self, passages: Sequence[str]) -> None:
        """Take the texts of the passages in the order of their numbers."""
        self._passages = passages
        self._strict = [_passage_form(text) for text in passages]
        # Passages that mark their formulas have lost nothing of them.
        self._loose = [
            [] if any(one.style == "latex" for one in find(text)) else [token for token in form if token not in _LOOSE]
            for text, form in zip(passages, self._strict, strict=True)
        ]
        self._single = [_single_names(text, form) for text, form in zip(passages, self._strict, strict=True)]
        self._trees: list[set[str]] | None = None

    def find(self, formula: Found) -> int | None:
        """Return the number (from 1) of the first passage in which a formula stands, or None."""
        form = canonical(tokenize(formula.text, code=formula.style != "latex"))
        if not form:
            return None
        if len(form) < 3:
            return next((n for n, names in enumerate(self._single, 1) if " ".join(form) in names), None)
        found = next((n for n, there in enumerate(self._strict, 1) if _stands(form, there)), None)
        return found or self._find_tree(formula)

    def find_loosely(self, formula: Found) -> int | None:
        """Return the passage whose text has the same signs in the same order, levels and bars of fractions aside.

        Only of passages that do not mark their formulas, as those of a PDF do not.
        """
        form = _loose_form(formula)
        if len(form) < _FEWEST:
            return None
        return next((n for n, there in enumerate(self._loose, 1) if _stands(form, there)), None)

    def has(self, formula: Found) -> bool:
        """Tell whether a formula stands in a passage; what states nothing may be a part of another there."""
        if self.find(formula) or self.find_loosely(formula):
            return True
        form = canonical(tokenize(formula.text, code=formula.style != "latex"))
        return not RELATIONS & set(form) and any(_has(form, there) for there in self._strict)

    def _find_tree(self, formula: Found) -> int | None:
        """Return the passage with the same statement in another order of its terms and factors."""
        wanted = _sorted_statements(formula)
        if not wanted:
            return None
        if self._trees is None:
            self._trees = [
                {one for found in find(text) if found.style != "bare" for one in _sorted_statements(found)}
                for text in self._passages
            ]
        return next((n for n, there in enumerate(self._trees, 1) if wanted <= there), None)


def is_long(formula: Found) -> bool:
    """Tell whether a formula has so many signs, levels aside, that passages without it do not speak of the same."""
    return len(_loose_form(formula)) >= _FEWEST


def _loose_form(formula: Found) -> list[str]:
    return [token for token in canonical(tokenize(formula.text, code=formula.style != "latex")) if token not in _LOOSE]


def canonical(tokens: Sequence[Token]) -> list[str]:
    """Return tokens in one spelling: fractions with a slash, ∂ for d, no multiplication signs, no needless braces."""
    found: list[str] = []
    at = 0
    kept = [token for token in tokens if token.text not in _UNSAID]
    while at < len(kept):
        token = kept[at]
        if token.kind == "frac":
            above, at = _argument(kept, at + 1)
            below, at = _argument(kept, at)
            found += [*_wrapped(above), "/", *_wrapped(below)]
            continue
        at += 1
        if token.text in ("{", "}"):
            continue
        found.append("⊤" if token.text == "T" and found[-1:] == ["^"] else _spelled(token))
    while found and found[-1] in ".,;:":
        found.pop()
    return found


def _spelled(token: Token) -> str:
    if token.text == "d" and token.kind == "name":
        return "∂"
    if token.kind == "vector":
        return token.text.removeprefix("\\mathbf{").removesuffix("}")
    if token.kind == "name" and (alphabet := _ALPHABET.match(token.text)):
        return alphabet[1]
    return {"[": "(", "]": ")", "≝": "=", "≡": "=", "ln": "log"}.get(token.text, token.text)


def _argument(tokens: list[Token], at: int) -> tuple[list[str], int]:
    if at < len(tokens) and tokens[at].text == "{":
        depth, start = 0, at
        while at < len(tokens):
            depth += {"{": 1, "}": -1}.get(tokens[at].text, 0)
            at += 1
            if not depth:
                break
        return canonical(tokens[start + 1 : at - 1]), at
    return canonical(tokens[at : at + 1]), at + 1


def _wrapped(form: list[str]) -> list[str]:
    is_sum = any(sign in form[1:] for sign in "+-")
    return ["(", *form, ")"] if is_sum and not (form[0] == "(" and form[-1] == ")") else form


def _passage_form(text: str) -> list[str]:
    """Return a whole passage in canonical tokens; words of prose are one mark."""
    found = [one for one in find(text) if one.style == "latex"]
    form: list[str] = []
    last = 0
    for one in found:
        form += [*_prose_form(text[last : one.start], has_marks=True), _END]
        form += [*canonical(tokenize(one.text)), _END]
        last = one.end
    return form + _prose_form(text[last:], has_marks=bool(found))


def _prose_form(text: str, *, has_marks: bool) -> list[str]:
    """Return text outside of marked formulas; where nothing is marked, short words may be products."""
    form: list[str] = []
    for piece in re.split(r"([^\W\d_]{2,})", _DELIMITERS.sub(" ", text)):
        if re.fullmatch(r"[^\W\d_]{2,}", piece):
            tokens = tokenize(piece, code=True)
            if len(tokens) == 1 and tokens[0].kind == "function":
                form.append(tokens[0].text)
            elif has_marks or len(piece) > 3 or piece.lower() in _LITTLE_WORDS:
                form.append(_END)
            else:
                form += canonical(tokenize(piece))
        else:
            form += canonical_open(tokenize(piece))
    return form


def canonical_open(tokens: Sequence[Token]) -> list[str]:
    """Return tokens of a text in canonical form, its punctuation kept."""
    form = canonical([*tokens, Token("operator", "|")])
    return form[:-1]


def _has(form: list[str], there: list[str]) -> bool:
    return any(there[at : at + len(form)] == form for at in range(len(there) - len(form) + 1))


_GOES_ON = frozenset("^_/+-('")


def _stands(form: list[str], there: list[str]) -> bool:
    """Tell whether a formula stands in a passage as a whole, and not as the beginning or the end of a longer one."""
    first, length = form[0], len(form)
    for at in range(len(there) - length + 1):
        if there[at] == first and there[at : at + length] == form:
            before = there[at - 1] if at else _END
            after = there[at + length] if at + length < len(there) else _END
            if not _is_part(after) and (before in "({" or not _is_part(before)):
                return True
    return False


def _is_part(token: str) -> bool:
    return token in _GOES_ON or token[:1].isalnum() or (token[:1] == "\\" and token != _END) or token == "∂"


def _single_names(text: str, form: list[str]) -> set[str]:
    """Return the symbols of a passage, alone and with the sign that follows ("w_", "x'")."""
    return set(form) | {" ".join(pair) for pair in pairwise(form)}


def _sorted_statements(formula: Found) -> set[str]:
    found = set()
    for _, tokens in statements(formula):
        parts, signs = sides(tokens)
        if not signs or set(signs) - {"=", "≝", "≡"}:
            continue
        try:
            found.add(" = ".join(_ordered(read(part)[0]) for part in parts))
        except UnreadableError:
            continue
    return found


def _ordered(tree: Tree) -> str:
    """Return a tree as text, the parts of sums and products in one order."""
    if tree[0] in ("add", "mul"):
        return f"({tree[0]} {' '.join(sorted(_flat(tree, tree[0])))})"
    return (
        "("
        + " ".join(
            _ordered(part) if isinstance(part, list) and part and tree[0] != "d" else str(part) for part in tree[:2]
        )
        + (" " + " ".join(_ordered(part) for part in tree[2:]) if len(tree) > 2 else "")
        + ")"
    )


def _flat(tree: Tree, kind: str) -> list[str]:
    if tree[0] != kind:
        return [_ordered(tree)]
    return [one for part in tree[1:] for one in _flat(part, kind)]
