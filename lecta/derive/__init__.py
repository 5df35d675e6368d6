"""The chain rule, worked and checked.

>>> from lecta.derive import derive
>>> derive("h = w*x; a = sigmoid(h)", "w").latex    # doctest: +SKIP

The way of the data: text -> tokens -> syntax tree -> expressions (`program`) -> named steps and their derivatives
(`chain`) -> checks (`symbolic`, `differences`, `reverse`) -> the worked answer (`explain`, `picture`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lecta.derive.recognise import Request, recognise
from lecta.errors import DerivationError, ExpressionError

if TYPE_CHECKING:
    from lecta.derive.networks import Network
    from lecta.derive.result import Derivation

__all__ = [
    "DerivationError",
    "ExpressionError",
    "Network",
    "Request",
    "derive",
    "explain_briefly",
    "read_network",
    "read_source",
    "recognise",
]


def derive(
    expression: str, wrt: str, *, values: str | None = None, clip: float | None = None, jax: bool = True
) -> Derivation:
    """Return the derivative of an expression, worked step by step and checked.

    `expression` is assignments separated by ";" or lines, or one expression, in Python or LaTeX notation; `wrt` the
    variable. `values` ("W1=0.5, x=1") adds the numbers there, `clip` what clipping the gradient's norm at that does.
    `jax=False` leaves the check by JAX out (it takes a second; without JAX installed it is never run).

    Raises ExpressionError (what is wrong, where, what to do) and DerivationError where a check disagrees.
    """
    from lecta.derive.working import work_out

    return work_out(expression, wrt, values=values, clip=clip, jax=jax)


def read_network(text: str) -> Network | None:
    """Return the network that a text defines step by step, with its values; see `lecta.derive.networks`."""
    from lecta.derive import networks

    return networks.read_network(text)


def explain_briefly(derivation: Derivation) -> str:
    """Return the steps of a derivation of numbers, their product and the values, without checks and meanings."""
    from lecta.derive.explain import explain_briefly as briefly

    return briefly(derivation.chain, derivation.numbers)


def read_source(text: str) -> str:
    """Return the expression itself, from stdin for "-", or from a file where the text is a name that ends in .txt."""
    import sys
    from pathlib import Path

    if text.strip() == "-":
        return sys.stdin.read()
    if not text.endswith(".txt"):
        return text
    try:
        return Path(text).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ExpressionError(f"{text} cannot be read ({error}): give an expression or a text file") from None
