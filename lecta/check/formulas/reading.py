"""From tokens to a tree: what a formula says, as far as it is certain. Nothing is evaluated here.

SymPy's own LaTeX readers were tried on 33 formulas as answers and slides write them (docs/formulas.md): one gives wrong
readings without a word (`\\log{(x)}^2` as the logarithm of a square), the other fails or returns several readings for
two thirds. A checker that calls formulas wrong must know when a reading is uncertain, so this one says so.

A tree is nested lists, so that it can be sent to another process as JSON:
["num", "0.5"], ["sym", "w_{1}"], ["add", a, b, ...], ["mul", a, b, ...], ["neg", a], ["div", a, b], ["pow", a, b],
["call", name, a, ...] (a known function), ["fun", name, a, ...] (one named in the text), ["prime", order, tree],
["d", [variable, ...], tree] (a derivative).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lecta.check.formulas.tokens import RELATIONS, Token, spelling

Tree = list[Any]

MAX_TOKENS = 400
MAX_DEPTH = 40
_OPENING = {")": "(", "]": "[", "}": "{"}
_FUNCTION_LETTERS = frozenset(("f", "g", "F", "G", "\\phi", "\\psi", "\\sigma", "\\varphi"))
_PERHAPS_FUNCTIONS = frozenset(
    r"h u v s p q l L J E N H D C Q R \ell \mathcal{L} \mathcal{J} \mu \delta".split()  # noqa: SIM905 - a list of words
)
_OPERATORS = frozenset(("\\mathbb{E}", "\\mathbb{P}", "\\mathrm{Var}", "\\mathrm{Cov}", "P"))
_SPELLINGS = {
    "ln": "log", "logistic": "sigmoid", "swish": "silu", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    "arsinh": "asinh", "arcosh": "acosh", "artanh": "atanh",
} | {f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "cot", "sec", "csc")}  # fmt: skip


class UnreadableError(Exception):
    """The formula says something this reader does not know; the message names it."""


def sides(tokens: Sequence[Token]) -> tuple[list[list[Token]], list[str]]:
    """Cut at the relations outside of brackets: the sides and the signs between them."""
    parts: list[list[Token]] = [[]]
    signs: list[str] = []
    depth = 0
    for token in tokens:
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if token.kind == "operator" and token.text in RELATIONS and depth <= 0:
            signs.append(token.text)
            parts.append([])
        else:
            parts[-1].append(token)
    return parts, signs


def read(tokens: Sequence[Token], functions: Iterable[str] = (), symbols: Iterable[str] = ()) -> list[Tree]:
    """Return the readings of one side of a formula, the usual one first; a second only where notation leaves room.

    `functions` and `symbols` are names that the text around it uses as such. Raises `UnreadableError`.
    """
    if len(tokens) > MAX_TOKENS:
        raise UnreadableError("too long")
    found: list[Tree] = []
    open_choices: list[frozenset[str]] = [frozenset()]
    tried: set[frozenset[str]] = set()
    while open_choices and len(tried) < 6:
        chosen = open_choices.pop(0)
        if chosen in tried:
            continue
        tried.add(chosen)
        reader = _Reader(list(tokens), frozenset(functions), frozenset(symbols), chosen)
        try:
            tree = reader.whole()
        except (UnreadableError, RecursionError) as error:
            if not found and not chosen:
                raise UnreadableError(str(error) or "too deep") from error
            continue
        if tree not in found:
            found.append(tree)
        open_choices += [chosen | {choice} for choice in sorted(reader.choices - chosen)]
    return found


class _Reader:
    """Recursive descent over tokens. `choices` collects the places where notation allows a second reading."""

    def __init__(
        self, tokens: list[Token], functions: frozenset[str], symbols: frozenset[str], chosen: frozenset[str]
    ) -> None:
        self._tokens, self._functions, self._symbols, self._chosen = tokens, functions, symbols, chosen
        self._at = 0
        self._depth = 0
        self.choices: set[str] = set()

    # --- tokens ---

    def _peek(self, ahead: int = 0) -> Token:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else Token("other", "")

    def _is(self, text: str, ahead: int = 0) -> bool:
        return self._peek(ahead).text == text and self._peek(ahead).kind in ("operator", "open", "close")

    def _take(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def _group(self) -> list[Token]:
        """Return the tokens between the bracket that stands here and its partner."""
        opening = self._take()
        depth, start = 1, self._at
        while depth:
            token = self._take()
            if self._at > len(self._tokens) + 1 or not token.text:
                raise UnreadableError(f"no end of {opening.text}")
            depth += {"open": 1, "close": -1}.get(token.kind, 0)
        inside = self._tokens[start : self._at - 1]
        if _OPENING[self._tokens[self._at - 1].text] != opening.text:
            raise UnreadableError("an interval")
        return inside

    def _sub(self, tokens: list[Token]) -> Tree:
        if self._depth > MAX_DEPTH:
            raise UnreadableError("too deep")
        inner = _Reader(tokens, self._functions, self._symbols, self._chosen)
        inner._depth = self._depth + 1
        tree = inner.whole()
        self.choices |= inner.choices
        return tree

    # --- grammar ---

    def whole(self) -> Tree:
        if not self._tokens:
            raise UnreadableError("nothing")
        tree = self._sum()
        if self._at < len(self._tokens):
            raise UnreadableError(f"{self._peek().text}")
        return tree

    def _sum(self) -> Tree:
        terms = [self._signed()]
        while self._is("+") or self._is("-"):
            terms.append(self._signed())
        return terms[0] if len(terms) == 1 else ["add", *terms]

    def _signed(self) -> Tree:
        negative = False
        while self._is("+") or self._is("-"):
            negative ^= self._take().text == "-"
        tree = self._product()
        return ["neg", tree] if negative else tree

    def _product(self) -> Tree:
        tree = self._factor()
        slashed = False
        while True:
            if self._is("*"):
                self._take()
                negative = self._is("-")
                if negative:
                    self._take()
                right = self._factor()
                tree = ["mul", tree, ["neg", right] if negative else right]
                slashed = False
            elif self._is("/"):
                self._take()
                right = self._factor()
                if self._starts_factor():
                    self.choices.add("slash")  # 1/2x
                    while "slash" in self._chosen and self._starts_factor():
                        right = ["mul", right, self._factor()]
                tree, slashed = ["div", tree, right], True
            elif self._starts_factor():
                if slashed and self._peek().kind == "number":
                    raise UnreadableError("a number after a quotient")
                tree = ["mul", tree, self._factor()]
            else:
                return tree

    def _starts_factor(self) -> bool:
        token = self._peek()
        return token.kind in ("number", "name", "function", "vector", "frac", "sqrt", "open") or token.text == "∂"

    def _factor(self) -> Tree:
        tree = self._primary()
        while True:
            if self._is("^"):
                tree = self._power(tree)
            elif self._is("'"):
                tree = ["prime", self._primes(), tree]
            elif self._is("!"):
                raise UnreadableError("factorial")
            elif self._is("_"):
                raise UnreadableError("a subscript")
            else:
                return tree

    def _primes(self) -> int:
        count = 0
        while self._is("'"):
            self._take()
            count += 1
        return count

    def _exponent(self) -> list[Token]:
        """Return the tokens of a superscript or subscript, without its sign."""
        self._take()
        if self._is("{") or (self._peek().kind == "open" and self._peek(-1).text == "^"):
            return self._group()
        if self._is("-") and self._peek(1).kind in ("number", "name"):
            return [self._take(), self._take()]
        token = self._take()
        if token.kind in ("frac", "sqrt", "function", "open", "close", "other", "text"):
            raise UnreadableError(f"a superscript {token.text}")
        if token.kind == "number" and len(token.text) > 1 and not self._chosen & {"code"}:
            return [token]
        return [token]

    def _power(self, base: Tree) -> Tree:
        inside = self._exponent()
        text = spelling(inside)
        if text and set(text) <= {"'"}:
            return ["prime", len(text), base]
        if text in ("T", "⊤", "*", "\\mathrm{T}", "H", "+", "-", "\\dagger"):
            raise UnreadableError("vectors or matrices")
        exponent = self._sub(inside)
        if self._is("^"):  # 2^3^x in code
            exponent = self._power(exponent)
        return ["pow", base, exponent]

    def _primary(self) -> Tree:
        token = self._peek()
        if token.kind == "number":
            self._take()
            if self._peek().kind == "number":
                raise UnreadableError("two numbers")
            return ["num", token.text]
        if token.kind == "vector":
            raise UnreadableError("vectors or matrices")
        if self._is("|"):
            return self._absolute()
        if token.kind == "name" or token.text == "∂":
            return self._slashed_derivative() or self._named()
        readers = {"open": self._bracketed, "frac": self._fraction, "sqrt": self._root, "function": self._known}
        if token.kind not in readers:
            raise UnreadableError(token.text or "an end")
        return readers[token.kind]()

    def _bracketed(self) -> Tree:
        return self._sub(self._group())

    def _absolute(self) -> Tree:
        self._take()
        start = self._at
        while self._at < len(self._tokens) and not self._is("|"):
            if self._peek().kind == "open":
                self._group()
            else:
                self._take()
        inside = self._tokens[start : self._at]
        if not self._is("|"):
            raise UnreadableError("|")
        self._take()
        return ["call", "abs", self._sub(inside)]

    def _root(self) -> Tree:
        self._take()
        index: Tree = ["num", "2"]
        if self._is("["):
            index = self._sub(self._group())
        inside = self._sub(self._group()) if self._is("{") else self._primary()
        return ["pow", inside, ["div", ["num", "1"], index]]

    # --- functions ---

    def _known(self) -> Tree:
        """Read `\\sin x`, `\\sin^2 x`, `\\log_2(x)`, `\\sigma'(x)`; a bare argument is the product that follows."""
        name = _SPELLINGS.get(self._peek().text, self._peek().text)
        self._take()
        primes, power, base = 0, None, None
        while self._is("^") or self._is("_") or self._is("'"):
            if self._is("'"):
                primes += self._primes()
            elif self._is("_"):
                base = self._sub(self._exponent())
            else:
                inside = self._exponent()
                if set(spelling(inside)) == {"'"}:
                    primes += len(inside)
                else:
                    power = self._sub(inside)
        if base is not None and name != "log":
            raise UnreadableError(f"{name} with a subscript")
        if power == ["neg", ["num", "1"]]:
            if name not in ("sin", "cos", "tan", "sinh", "cosh", "tanh"):
                raise UnreadableError("an inverse")
            name, power = f"a{name}", None
        tree: Tree = ["call", name, self._argument()]
        tree = ["prime", primes, tree] if primes else tree
        if base is not None:
            tree = ["div", tree, ["call", "log", base]]
        return ["pow", tree, power] if power else tree

    def _argument(self) -> Tree:
        if self._peek().kind == "open":
            return self._sub(self._group())
        if self._is("|"):
            return self._absolute()
        if self._is("-"):
            raise UnreadableError("a sign after a function")
        tree = self._bare_argument()
        count = 1
        while self._peek().kind in ("number", "name", "frac", "sqrt"):
            before = self._at
            if count > 1 or tree[0] not in ("num", "div"):
                self.choices.add("one argument")  # \log x y
                if "one argument" in self._chosen:
                    break
            tree = ["mul", tree, self._bare_argument()]
            count += 1
            if self._at == before:
                break
        return tree

    def _bare_argument(self) -> Tree:
        tree = self._primary()
        while self._is("^"):
            tree = self._power(tree)
        return tree

    def _named(self) -> Tree:
        """Read a symbol with its subscripts, or a function of that name applied to what stands in brackets."""
        token = self._take()
        if token.text == "∂":
            raise UnreadableError("∂")
        name, primes, power = token.text, 0, None
        while self._is("_") or self._is("'") or (self._is("^") and power is None):
            if self._is("_"):
                name += f"_{{{spelling(self._exponent())}}}"
            elif self._is("'"):
                primes += self._primes()
            else:
                mark = self._at
                inside = self._exponent()
                text = spelling(inside)
                if text and set(text) == {"'"}:
                    primes += len(text)
                elif len(inside) == 3 and inside[0].text == "(" and inside[1].kind in ("name", "number"):
                    name += f"^{{{text}}}"  # x^{(i)} is a label
                else:
                    self._at = mark
                    break
        tree = self._applied(name, primes)
        if tree is None:
            tree = ["sym", name]
            tree = ["prime", primes, tree] if primes else tree
        return tree

    def _applied(self, name: str, primes: int) -> Tree | None:
        if not (self._is("(") or self._is("[")) or name in self._symbols:
            return None
        base = name.split("_{", maxsplit=1)[0]
        certain = name in self._functions or primes or base in _FUNCTION_LETTERS
        if base in _OPERATORS:
            raise UnreadableError("an expectation" if base == "\\mathbb{E}" else "a probability")
        mark = self._at
        inside = self._group()
        several = any(token.text in (",", ";", "|") and token.kind == "operator" for token in inside)
        if base in _PERHAPS_FUNCTIONS and not certain:
            self.choices.add("product")  # h(x + 1)
            certain = "product" not in self._chosen
        if not certain and not several:
            self._at = mark
            return None
        arguments = [self._sub(part) for part in _at_commas(inside)]
        tree: Tree = ["fun", name, *arguments]
        return ["prime", primes, tree] if primes else tree

    # --- derivatives ---

    def _fraction(self) -> Tree:
        self._take()
        above, below = self._fraction_part(), self._fraction_part()
        variables = _variables(below)
        if variables and above and above[0].text == variables[0]:
            return self._derivative(above[1:], variables[1:])
        return ["div", self._sub(above), self._sub(below)]

    def _fraction_part(self) -> list[Token]:
        if self._is("{"):
            return self._group()
        token = self._take()
        if token.kind not in ("number", "name"):
            raise UnreadableError("a fraction")
        if token.kind == "number" and len(token.text) == 2 and token.text.isdigit():  # \frac12
            self._at -= 1
            self._tokens[self._at : self._at + 1] = [Token("number", digit) for digit in token.text]
            return [self._take()]
        return [token]

    def _slashed_derivative(self) -> Tree | None:
        """Read d/dx (...), dy/dx and ∂L/∂w written with a slash."""
        sign = self._peek().text
        if sign not in ("d", "∂"):
            return None
        slash = next(
            (i for i in range(self._at + 1, min(self._at + 12, len(self._tokens))) if self._tokens[i].text == "/"), 0
        )
        if not slash or any(t.text in "+-*=" for t in self._tokens[self._at : slash]):
            return None
        if self._tokens[slash + 1 : slash + 2] and self._tokens[slash + 1].text == "(":
            return None
        end = slash + 3
        while end < len(self._tokens) and self._tokens[end].text in ("_", "^"):
            end += 1
            depth = 0
            while end < len(self._tokens):
                depth += {"open": 1, "close": -1}.get(self._tokens[end].kind, 0)
                end += 1
                if not depth:
                    break
        variables = _variables(self._tokens[slash + 1 : end])
        if not variables or variables[0] != sign:
            return None
        above = self._tokens[self._at + 1 : slash]
        self._at = end
        return self._derivative(above, variables[1:])

    def _derivative(self, above: list[Token], variables: list[str]) -> Tree:
        order = 1
        if above and above[0].text == "^":
            inner = _Reader(above, self._functions, self._symbols, self._chosen)
            order_text = spelling(inner._exponent())
            above = above[inner._at :]
            order = int(order_text) if order_text.isdigit() and len(order_text) == 1 else 0
        if order != len(variables):
            raise UnreadableError("the order of a derivative")
        if above:
            tree = self._sub(above)
            if self._is("(") and tree[0] == "sym":  # \frac{df}{dx}(x)
                tree = ["fun", tree[1], self._sub(self._group())]
            return ["d", variables, tree]
        if not self._starts_factor():
            raise UnreadableError("an operator")
        return ["d", variables, self._differentiated()]

    def _differentiated(self) -> Tree:
        """Read what follows d/dx: the product; where signs follow, it may be a bracket alone or the whole sum."""
        if self._peek().kind == "open" and self._peek().text != "{":
            mark, tree = self._at, self._factor()
            if self._starts_factor() or self._is("*") or self._is("/"):
                self.choices.add("bracket")  # d/dx (f) g
                if "bracket" in self._chosen:
                    return tree
            self._at = mark
        terms = [self._product()]
        if self._is("+") or self._is("-"):
            self.choices.add("sum")  # d/dx x^2 + 3x
        while "sum" in self._chosen and (self._is("+") or self._is("-")):
            terms.append(self._signed())
        return terms[0] if len(terms) == 1 else ["add", *terms]


def _variables(below: Sequence[Token]) -> list[str]:
    """Return ["d", "x", "x"] for `dx^2` and ["∂", "x", "y"] for `∂x ∂y`; nothing for what is no such denominator."""
    if len(below) < 2 or below[0].text not in ("d", "∂"):
        return []
    reader = _Reader(list(below), frozenset(), frozenset(), frozenset())
    found = [below[0].text]
    while reader._at < len(below):
        if reader._take().text != below[0].text or reader._peek().kind not in ("name", "vector"):
            return []
        if reader._peek().kind == "vector":
            raise UnreadableError("vectors or matrices")
        name = reader._take().text
        if reader._is("_"):
            name += f"_{{{spelling(reader._exponent())}}}"
        times = 1
        if reader._is("^"):
            text = spelling(reader._exponent())
            if text.startswith("("):
                name += f"^{{{text}}}"
            elif text.isdigit() and len(text) == 1:
                times = int(text)
            else:
                return []
        found += [name] * times
    return found


def _at_commas(tokens: Sequence[Token]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if token.kind == "operator" and token.text in (",", ";") and not depth:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def names_in(tree: Tree) -> set[str]:
    """Return the symbols of a tree, variables of derivatives with them."""
    if tree[0] == "sym":
        return {tree[1]}
    found = set(tree[1]) if tree[0] == "d" else set()
    for part in tree[1:]:
        if isinstance(part, list) and part and isinstance(part[0], str) and tree[0] != "d":
            found |= names_in(part)
    return found | names_in(tree[2]) if tree[0] == "d" else found


def nodes(tree: Tree, kind: str) -> list[Tree]:
    """Return the parts of a tree that are of one kind, the outermost first."""
    found = [tree] if tree[0] == kind else []
    for part in tree[2:] if tree[0] in ("d", "prime", "call", "fun") else tree[1:]:
        if isinstance(part, list):
            found += nodes(part, kind)
    return found
