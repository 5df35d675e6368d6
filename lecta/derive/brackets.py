"""Brackets and their partners."""

from __future__ import annotations

from lecta.derive.tokens import Token
from lecta.errors import ExpressionError

OPEN = {"(": ")", "[": "]", "{": "}"}


def check_brackets(tokens: list[Token]) -> None:
    """Raise ExpressionError at the first bracket without a partner."""
    opened: list[Token] = []
    for token in tokens:
        if token.kind in OPEN:
            opened.append(token)
        elif token.kind in OPEN.values():
            if not opened:
                raise ExpressionError(
                    f"unbalanced bracket: {token.text!r} at character {token.start + 1} closes nothing: "
                    "take it out or open one before it",
                    token.start,
                )
            start = opened.pop()
            if OPEN[start.kind] != token.kind:
                raise ExpressionError(
                    f"unbalanced bracket: {start.text!r} at character {start.start + 1} is closed by {token.text!r} at "
                    f"character {token.start + 1}: write {OPEN[start.kind]!r} there",
                    token.start,
                )
    if opened:
        start = opened[-1]
        raise ExpressionError(
            f"unbalanced bracket: {start.text!r} at character {start.start + 1} is never closed: "
            f"add {OPEN[start.kind]!r}",
            start.start,
        )
