"""A syntax tree to an expression: names resolved, shapes checked, products given their meaning.

`*` is the product of mathematics: numbers with anything, matrix with matrix or vector, vector with vector entry by
entry, and aᵀb the inner product. `.*` (⊙) is always entry by entry, `@` always the matrix product.
"""

from __future__ import annotations

import difflib
from fractions import Fraction
from typing import Protocol

from lecta.derive import calls
from lecta.derive import expr as e
from lecta.derive.expr import Expr, Shape
from lecta.derive.functions import ALIASES, CALLS, FUNCTIONS
from lecta.derive.parse import Syntax
from lecta.errors import ExpressionError


class Names(Protocol):
    """What the builder asks for a name."""

    done: dict[str, Expr]

    def value(self, name: str, start: int) -> Expr:
        """Return a named value as a leaf."""

    def defined(self, name: str) -> bool:
        """Is a name assigned, declared or already met?"""


def shape_text(shape: Shape) -> str:
    """Return a shape for a message."""
    return "x".join(map(str, shape)) if shape else "a number"


class Builder:
    """Builds one definition; `target` is its name, and `target(...)` in it is a function left general."""

    def __init__(self, known: Names, target: str, parameters: tuple[str, ...] = ()) -> None:
        self.known, self.target, self.parameters = known, target, parameters
        self.indices: dict[str, int] = {}

    def build(self, syntax: Syntax) -> Expr:
        """Return the expression; raises ExpressionError with the place of what is wrong."""
        try:
            return self._build(syntax)
        except ExpressionError as error:
            if error.position is None:
                raise ExpressionError(
                    f"{error} (in what starts at character {syntax.start + 1})", syntax.start
                ) from None
            raise

    def _build(self, syntax: Syntax) -> Expr:  # noqa: PLR0911  # one for each kind
        if syntax.kind == "number":
            return e.const(_decimal(syntax))
        if syntax.kind == "name":
            return self._name(syntax)
        if syntax.kind == "call":
            return self._call(syntax)
        if syntax.kind == "index":
            return self._index(
                self._build(syntax.parts[0]), [self._position(part) for part in syntax.parts[1:]], syntax
            )
        if syntax.kind == "neg":
            return e.neg(self._build(syntax.parts[0]))
        if syntax.kind == "transpose":
            inner = self._build(syntax.parts[0])
            return e.transpose(inner) if inner.shape else inner
        return self._operator(syntax, self._build(syntax.parts[0]), self._build(syntax.parts[1]))

    def _operator(self, syntax: Syntax, left: Expr, right: Expr) -> Expr:
        kind = syntax.kind
        if kind == "@" or (kind == "*" and self._is_matrix_product(left, right)):
            return self._matrix_product(syntax, left, right)
        if e.broadcast_shape(left.shape, right.shape) is None:
            raise self._mismatch(syntax, left, right, "entry by entry both need the same shape")
        if kind == "**":
            return self._power(syntax, left, right)
        if kind == "/":
            if e.is_zero(right):
                raise ExpressionError(
                    f"division by zero at character {syntax.start + 1}: there is no such value", syntax.start
                )
            return e.div(left, right)
        if kind == "+":
            return e.add(left, right)
        return e.sub(left, right) if kind == "-" else e.mul(left, right)

    def _power(self, syntax: Syntax, left: Expr, right: Expr) -> Expr:
        if e.is_zero(left) and right.op == "const" and right.attr < 0:
            raise ExpressionError(
                f"division by zero at character {syntax.start + 1}: there is no such value", syntax.start
            )
        if right.op == "const" and max(abs(right.attr.numerator), right.attr.denominator) > 10**6:
            raise ExpressionError(
                f"the exponent at character {syntax.start + 1} is larger than 1,000,000: use a smaller one",
                syntax.start,
            )
        return e.power(left, right)

    def _is_matrix_product(self, left: Expr, right: Expr) -> bool:
        return bool(left.shape and right.shape) and (len(left.shape) == 2 or len(right.shape) == 2)

    def _matrix_product(self, syntax: Syntax, left: Expr, right: Expr) -> Expr:
        if not left.shape or not right.shape:
            raise self._mismatch(syntax, left, right, "'@' needs arrays on both sides; write * for a number")
        row_left = left.op == "transpose" and len(left.args[0].shape) == 1
        row_right = right.op == "transpose" and len(right.args[0].shape) == 1
        if len(left.shape) == 1 and row_right:
            return e.outer(left, right.args[0])
        if left.shape[-1] != right.shape[0]:
            inner = (
                f"{left.shape[-1]} columns meet {right.shape[0]} rows; transpose one (.T), or write .* entry by entry"
            )
            raise self._mismatch(syntax, left, right, inner)
        if row_left and len(right.shape) == 1:
            return e.matmul(left.args[0], right)
        if row_left or len(left.shape) == 1:
            vector = left.args[0] if row_left else left
            product = vector if len(right.shape) == 1 else e.matmul(e.transpose(right), vector)
            return e.matmul(left, right) if len(right.shape) == 1 else e.transpose(product)
        return e.matmul(left, right)

    def _mismatch(self, syntax: Syntax, left: Expr, right: Expr, why: str) -> ExpressionError:
        return ExpressionError(
            f"shapes do not fit at character {syntax.start + 1}: {_spelled(syntax.parts[0])} is "
            f"{shape_text(left.shape)} and {_spelled(syntax.parts[1])} is {shape_text(right.shape)}: {why}",
            syntax.start,
        )

    def _name(self, syntax: Syntax) -> Expr:
        name = syntax.text
        if name in self.indices:
            return e.const(self.indices[name])
        if not self.known.defined(name):
            if name in ("E", "pi"):
                return e.E if name == "E" else e.PI
            base, _, subscript = name.partition("_")
            if subscript and self.known.defined(base):
                vector = self.known.value(base, syntax.start)
                positions = self._subscript(subscript, len(vector.shape))
                if vector.shape and positions:
                    return self._index(vector, positions, syntax)
            if ALIASES.get(name, name) in (*FUNCTIONS, *CALLS) and name not in ("var", "row", "norm", "sign", "step"):
                raise ExpressionError(
                    f"the function {name!r} at character {syntax.start + 1} has no argument: write {name}(...)",
                    syntax.start,
                )
        return self.known.value(name, syntax.start)

    def _subscript(self, subscript: str, dimensions: int) -> list[int]:
        parts = subscript.split("_") if "_" in subscript else list(subscript)
        if len(parts) != dimensions:
            parts = [subscript]
        found = [self.indices[part] if part in self.indices else int(part) if part.isdigit() else -1 for part in parts]
        return found if len(found) == dimensions and -1 not in found else []

    def _position(self, syntax: Syntax) -> int:
        value = self._build(syntax)
        if value.op != "const" or value.attr.denominator != 1:
            raise ExpressionError(
                f"the index at character {syntax.start + 1} is not a whole number: write one, or sum over it: "
                "sum(x[i], i, 1, 3)",
                syntax.start,
            )
        return int(value.attr)

    def _index(self, array: Expr, positions: list[int], syntax: Syntax) -> Expr:
        if not array.shape:
            raise ExpressionError(
                f"{_spelled(syntax)} at character {syntax.start + 1} is a number and has no entries: "
                "state its size, as in x: 3",
                syntax.start,
            )
        if len(positions) != len(array.shape):
            raise ExpressionError(
                f"{len(positions)} indices at character {syntax.start + 1} for {_spelled(syntax)}, which is "
                f"{shape_text(array.shape)}: write {len(array.shape)}",
                syntax.start,
            )
        for position, size in zip(positions, array.shape, strict=True):
            if not 1 <= position <= size:
                raise ExpressionError(
                    f"the index {position} at character {syntax.start + 1} is outside: indices count from 1 to {size}",
                    syntax.start,
                )
        return e.make("index", (array,), tuple(position - 1 for position in positions))

    def _call(self, syntax: Syntax) -> Expr:
        name = ALIASES.get(syntax.text, syntax.text)
        if name == "sigma" and not self.known.defined("sigma"):
            name = "sigmoid"
        plain = [part for part in syntax.parts if part.kind != "keyword"]
        if name == "sum" and len(plain) >= 3:
            return self._indexed_sum(syntax, plain)
        if name == "grad":
            return calls.gradient(self, syntax)
        if name in FUNCTIONS and name != self.target:
            return self._function(name, syntax)
        if name in CALLS or name == "sqrt":
            return calls.build(name, syntax, [self._build(part) for part in plain], self._keywords(syntax))
        return self._unknown(syntax)

    def _unknown(self, syntax: Syntax) -> Expr:
        """A call of no function lecta knows: a function left general, f(x) again, a product, or a mistake."""
        if syntax.text == self.target:
            args = tuple(self._build(part) for part in syntax.parts)
            if not args or any(arg.shape for arg in args):
                raise ExpressionError(
                    f"{syntax.text}(...) at character {syntax.start + 1} is left general: give it one or more numbers",
                    syntax.start,
                )
            return e.make("abstract", args, (syntax.text, (0,) * len(args)))
        if self.known.defined(syntax.text):
            to_do = f"for a product write {syntax.text}*(...)"
            raise ExpressionError(
                f"{syntax.text!r} at character {syntax.start + 1} is a value and not a function: {to_do}", syntax.start
            )
        known = [*FUNCTIONS, *CALLS, *ALIASES, "sqrt"]
        close = difflib.get_close_matches(syntax.text, known, 1, 0.6)
        product = f"for a product write {syntax.text}*(...)"
        hint = (
            product
            if len(syntax.text) < 3
            else f"did you mean {close[0]!r}?"
            if close
            else "docs/derive.md has the list; a product needs a *"
        )
        raise ExpressionError(f"unknown function {syntax.text!r} at character {syntax.start + 1}: {hint}", syntax.start)

    def _function(self, name: str, syntax: Syntax) -> Expr:
        values = [self._build(part) for part in syntax.parts if part.kind != "keyword"]
        given = [*values[1:], *self._keywords(syntax).values()]
        allowed = FUNCTIONS[name].parameters
        if len(values) < 1 or len(given) > len(allowed) or any(part.op != "const" for part in given):
            wants = "one argument" + " and a number, its slope" * bool(allowed)
            raise ExpressionError(
                f"{syntax.text} at character {syntax.start + 1} takes {wants}, and has {len(syntax.parts)}: "
                f"write {syntax.text}(x)",
                syntax.start,
            )
        return e.fn(name, values[0], *[part.attr for part in given], *allowed[len(given) :])

    def _keywords(self, syntax: Syntax) -> dict[str, Expr]:
        return {part.text: self._build(part.parts[0]) for part in syntax.parts if part.kind == "keyword"}

    def _indexed_sum(self, syntax: Syntax, parts: list[Syntax]) -> Expr:
        """Write a sum over an index out: its bounds are numbers."""
        body, index, *bounds = parts
        if index.kind != "name" or len(bounds) != 2:
            raise ExpressionError(
                f"the sum at character {syntax.start + 1} needs an index and two bounds: sum(w[i]*x[i], i, 1, 3)",
                syntax.start,
            )
        first, last = (self._position(bound) for bound in bounds)
        if last - first >= 100 or last < first:
            raise ExpressionError(
                f"the sum at character {syntax.start + 1} runs from {first} to {last}: 1 to 100 terms are read",
                syntax.start,
            )
        outside = self.indices.get(index.text)
        terms = []
        for value in range(first, last + 1):
            self.indices[index.text] = value
            terms.append(self._build(body))
        del self.indices[index.text]
        if outside is not None:
            self.indices[index.text] = outside
        return e.add(*terms)


def _decimal(syntax: Syntax) -> Fraction:
    exponent = syntax.text.lower().partition("e")[2]
    if len(exponent.lstrip("+-")) > 3 or abs(int(exponent or 0)) > 300:  # 1e999999999 must not be written out
        raise ExpressionError(
            f"the number at character {syntax.start + 1} is out of range: use a smaller one", syntax.start
        )
    return Fraction(syntax.text)


def _spelled(syntax: Syntax) -> str:
    """Return how to speak of a piece of the text."""
    if syntax.kind == "name":
        return repr(syntax.text)
    if syntax.kind in ("call", "index") and syntax.parts and syntax.kind == "index":
        return _spelled(syntax.parts[0])
    return (
        f"{syntax.text}(...)" if syntax.kind == "call" else "the left side" if syntax.kind != "number" else syntax.text
    )
