"""Tokens to a syntax tree: a grammar of its own, so that a mistake can be named with its place.

    sum      = product (("+" | "-") product)*
    product  = unary (("*" | "/" | "@" | ".*" | nothing) unary)*      nothing: 2x, (a)(b), and in LaTeX a b
    unary    = ("-" | "+") unary | power
    power    = postfix (("**" | "^") unary)?
    postfix  = primary (".T" | "[" sum ("," sum)* "]")*
    primary  = number | name | function arguments | "(" sum ")" | "|" sum "|" | "‖" sum "‖" | fraction | root | Σ

Nothing is evaluated: the tree is only data. A parser generator was not taken since its errors name what a grammar
expected, not what a student should write.
"""

from __future__ import annotations

from dataclasses import dataclass

from lecta.derive.brackets import OPEN, check_brackets
from lecta.derive.tokens import Token, is_latex, tokenize
from lecta.errors import ExpressionError

MAX_DEPTH = 60
_STARTS = {"number", "name", "function", "(", "{", "frac", "sqrt", "sum", "‖"}


@dataclass(frozen=True)
class Syntax:
    """One piece of an expression as written: kind, its text, its parts, and where it starts."""

    kind: str  # number, name, call, keyword, neg, index, transpose, sum, or an operator: + - * / @ .* **
    text: str
    parts: tuple[Syntax, ...]
    start: int


def parse(text: str, offset: int = 0, *, within_latex: bool = False) -> Syntax:
    """Return the syntax tree of one expression; places count from `offset`.

    Among LaTeX (`within_latex`) a piece without a sign of it, "w x", is read as LaTeX where it is no Python notation.

    Raises ExpressionError: one line with what is wrong, where, and what to do.
    """
    if within_latex and not is_latex(text):
        try:
            return parse(text, offset)
        except ExpressionError:
            return _parse(text, offset, latex=True)
    return _parse(text, offset, latex=is_latex(text))


def _parse(text: str, offset: int, *, latex: bool) -> Syntax:
    tokens = tokenize(text, offset, latex=latex)
    check_brackets(tokens)
    if not tokens:
        raise ExpressionError(f"an expression is missing at character {offset + 1}: write one, such as sigmoid(w*x)")
    return _Parser(tokens, latex, offset + len(text)).whole()


class _Parser:
    def __init__(self, tokens: list[Token], latex: bool, end: int) -> None:
        self._tokens = [*tokens, Token("end", "the end", end)]
        self._latex, self._at, self._depth, self._bars = latex, 0, 0, 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self, *kinds: str) -> Token | None:
        if self._next.kind in kinds:
            self._at += 1
            return self._tokens[self._at - 1]
        return None

    def _expect(self, kind: str, why: str) -> Token:
        token = self._take(kind)
        if token is None:
            raise self._error(f"{kind!r} is missing before {self._shown()}", f"write it: {why}")
        return token

    def _shown(self) -> str:
        return "the end" if self._next.kind == "end" else repr(self._next.text)

    def _error(self, what: str, to_do: str, at: int | None = None) -> ExpressionError:
        place = self._next.start if at is None else at
        return ExpressionError(f"{what} at character {place + 1}: {to_do}", place)

    def whole(self) -> Syntax:
        found = self._sum()
        if self._next.kind == "=":
            raise self._error("a second '='", "separate assignments by ';'")
        if self._next.kind != "end":
            before = self._tokens[self._at - 1].text
            raise self._error(
                f"an operator is missing between {before!r} and {self._shown()}", "write *, +, - or / between them"
            )
        return found

    def _sum(self) -> Syntax:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"brackets are nested more than {MAX_DEPTH} deep", "name parts of it: h = ...; f(h)")
        left = self._product()
        while token := self._take("+", "-"):
            left = Syntax(token.kind, token.text, (left, self._product()), token.start)
        self._depth -= 1
        return left

    def _product(self) -> Syntax:
        left = self._unary()
        while True:
            token = self._take("*", "/", "@", ".*")
            if token is not None:
                left = Syntax(token.kind, token.text, (left, self._unary()), token.start)
            elif self._multiplies():
                start = self._next.start
                left = Syntax("*", "", (left, self._power()), start)
            else:
                return left

    def _multiplies(self) -> bool:
        """Is the next thing a factor though no sign stands between? 2x, (a)(b), and in LaTeX a b."""
        kind, before = self._next.kind, self._tokens[self._at - 1]
        if kind == "‖" and self._bars:
            return False
        if self._latex:
            return kind in _STARTS or (kind == "|" and not self._bars and before.kind not in ("|",))
        return (before.kind == "number" and kind in ("name", "(")) or (before.kind == ")" and kind in ("(", "name"))

    def _unary(self) -> Syntax:
        signs = []
        while token := self._take("-", "+"):
            signs.append(token)
            if len(signs) > MAX_DEPTH:
                raise self._error(f"more than {MAX_DEPTH} signs in a row", "write one")
        found = self._power()
        for token in reversed(signs):
            if token.kind == "-":
                found = Syntax("neg", "-", (found,), token.start)
        return found

    def _power(self) -> Syntax:
        base = self._postfix()
        token = self._take("**", "^")
        if token is None:
            return base
        if self._latex and (self._take("⊤") or self._tops()):
            return Syntax("transpose", "T", (base,), token.start)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"powers are nested more than {MAX_DEPTH} deep", "name parts of it: h = ...; f(h)")
        exponent = self._primary() if self._latex and self._next.kind == "{" else self._unary()
        self._depth -= 1
        return Syntax("**", token.text, (base, exponent), token.start)

    def _tops(self) -> bool:
        r"""Take the T of x^T or x^{\top}."""
        kinds = [(token.kind, token.text) for token in self._tokens[self._at : self._at + 3]]
        if kinds[0] == ("name", "T"):
            self._at += 1
            return True
        is_top = len(kinds) == 3 and (kinds[1][0] == "⊤" or kinds[1] == ("name", "T"))
        if is_top and kinds[0][0] == "{" and kinds[2][0] == "}":
            self._at += 3
            return True
        return False

    def _postfix(self) -> Syntax:
        found = self._primary()
        while True:
            if token := self._take("⊤"):
                found = Syntax("transpose", token.text, (found,), token.start)
            elif not self._latex and (token := self._take("[")):
                inner = self._arguments("]")
                found = Syntax("index", "[", (found, *inner), token.start)
            else:
                return found

    def _primary(self) -> Syntax:  # noqa: PLR0911  # one for each kind
        token = self._next
        self._at += 1
        if token.kind == "number":
            return Syntax("number", token.text, (), token.start)
        if token.kind in ("name", "function"):
            return self._named(token)
        if token.kind in ("(", "{") or (token.kind == "[" and self._latex):
            inner = self._sum()
            self._expect(OPEN[token.kind], f"it closes the {token.text!r} at character {token.start + 1}")
            return inner
        if token.kind in ("|", "‖"):
            return self._between_bars(token)
        if token.kind == "frac":
            return Syntax("/", "/", (self._braced(), self._braced()), token.start)
        if token.kind == "sqrt":
            return self._root(token)
        if token.kind == "sum":
            return self._indexed_sum(token)
        self._at -= 1
        if token.kind == "end":
            raise self._error("something is missing", "an operand must follow the last sign")
        raise self._error(f"unexpected {token.text!r}", "a number, a name or a bracket must stand there")

    def _named(self, token: Token) -> Syntax:
        applied = self._latex and token.text in ("sigma", "softmax", "sigmoid", "f", "g", "L", "ell", "phi", "psi")
        if self._next.kind == "(" and (not self._latex or token.kind == "function" or applied):
            self._at += 1
            return Syntax("call", token.text, self._arguments(")"), token.start)
        if token.kind == "function":
            return self._latex_call(token)
        return Syntax("name", token.text, (), token.start)

    def _latex_call(self, token: Token) -> Syntax:
        r"""Read \sin x, \sin^2 x, \log_2 x, \exp{x}, \tanh 2x."""
        power = None
        if self._take("^"):
            power = self._primary()
        name = token.text
        if self._take("_"):
            name += self._primary().text
        if self._next.kind == "(":
            self._at += 1
            parts = self._arguments(")")
        else:
            argument = self._power()
            while self._next.kind in _STARTS - {"function", "sum", "‖"} and self._multiplies():
                argument = Syntax("*", "", (argument, self._power()), self._next.start)
            parts = (argument,)
        call = Syntax("call", name, parts, token.start)
        return call if power is None else Syntax("**", "^", (call, power), token.start)

    def _arguments(self, closing: str) -> tuple[Syntax, ...]:
        found: list[Syntax] = []
        while True:
            if self._take(closing):
                return tuple(found)
            name = self._next
            if name.kind == "name" and self._tokens[self._at + 1].kind == "=":
                self._at += 2
                found.append(Syntax("keyword", name.text, (self._sum(),), name.start))
            else:
                found.append(self._sum())
            if not self._take(","):
                self._expect(closing, "it closes the arguments")
                return tuple(found)

    def _braced(self) -> Syntax:
        if self._next.kind == "number" and len(self._next.text) > 1:  # \frac12 is one half
            token = self._next
            self._tokens[self._at] = Token("number", token.text[1:], token.start + 1)
            return Syntax("number", token.text[0], (), token.start)
        return self._primary()

    def _root(self, token: Token) -> Syntax:
        degree = None
        if self._take("["):
            degree = self._sum()
            self._expect("]", "it closes the degree of the root")
        inner = self._braced()
        if degree is None:
            return Syntax("call", "sqrt", (inner,), token.start)
        one = Syntax("number", "1", (), token.start)
        return Syntax("**", "^", (inner, Syntax("/", "/", (one, degree), token.start)), token.start)

    def _between_bars(self, token: Token) -> Syntax:
        self._bars += 1
        inner = self._sum()
        self._bars -= 1
        self._expect(token.kind, f"it closes the {token.text!r} at character {token.start + 1}")
        if token.kind == "‖" and self._take("_"):
            self._primary()
        return Syntax("call", "abs" if token.kind == "|" else "norm", (inner,), token.start)

    def _indexed_sum(self, token: Token) -> Syntax:
        """Read a sum over an index with its bounds, as the call sum(body, i, first, last)."""
        low: Syntax | None = None
        high: Syntax | None = None
        index = Syntax("name", "", (), token.start)
        if self._take("_"):
            braced = self._take("{")
            name = self._expect("name", "the index of the sum, as in \\sum_{i=1}^{3}")
            index = Syntax("name", name.text, (), name.start)
            if braced:
                low = self._sum() if self._take("=") else None
                self._expect("}", "it closes the lower bound")
        if self._take("^"):
            high = self._primary()
        body = self._product()
        if low is None and high is None and index.text == "":
            return Syntax("call", "sum", (body,), token.start)
        one = Syntax("number", "1", (), token.start)
        return Syntax("call", "sum", (body, index, low or one, *([high] if high else [])), token.start)
