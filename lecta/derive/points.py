"""Points to check at: given ones, or drawn until the value and its derivative exist there and no kink is near."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np

from lecta.derive import expr as e
from lecta.derive.chain import Chain
from lecta.derive.evaluate import COMPLEX, REAL, Arithmetic, Values, compute, run
from lecta.derive.expr import Expr
from lecta.derive.rules import kinks
from lecta.derive.symbolic import smooth
from lecta.errors import ExpressionError

WANTED = 3  # points
_TRIES = 60  # of arrays, one after the other
_BATCH = 400  # of numbers, at once
_RANGES = ((-1.5, 1.5), (0.1, 0.9), (1.2, 4.0), (-4.0, 4.0), (0.5, 20.0), (-20.0, 20.0), (-0.05, 0.05))


def draw(chain: Chain) -> tuple[list[Values], Arithmetic]:
    """Return up to WANTED points as values of the inputs, and the arithmetic to compute there.

    The draw depends on the text alone, so a derivation always has the same checks. Where no real point is found (the
    inverse hyperbolic tangent of a number above 1), the values in between may be complex.
    """
    text = f"{chain.program.text} {chain.wrt}"
    for arithmetic, flat in ((REAL, False), (COMPLEX, False), (REAL, True)):
        if arithmetic is COMPLEX and not smooth(chain):
            continue
        rng = np.random.default_rng(zlib.crc32(text.encode()))
        found = (_numbers if chain.program.scalar else _arrays)(chain, rng, arithmetic, flat)
        if found:
            return found, arithmetic
    return [], REAL


def _inputs(chain: Chain) -> dict[str, e.Shape]:
    shape = chain.program.definitions[chain.program.output].shape
    return {**chain.program.inputs, **({"v": shape} if shape else {})}


def _numbers(chain: Chain, rng: np.random.Generator, arithmetic: Arithmetic, flat: bool) -> list[Values]:
    bounds = [_RANGES[at] for at in rng.integers(0, len(_RANGES), _BATCH)]
    low, high = np.array(bounds).T
    made = {name: low + (high - low) * rng.random(_BATCH) for name in _inputs(chain)}
    usable = good(chain, made, arithmetic, flat)
    calm = np.flatnonzero(usable)
    order = sorted(calm.tolist(), key=lambda at: _RANGES.index(bounds[at]))
    first = {bounds[at]: at for at in reversed(order)}  # one of each range, then more of the narrow ones
    chosen = [*reversed(first.values()), *(at for at in order if at not in first.values())]
    return [{name: np.float64(values[at]) for name, values in made.items()} for at in chosen[:WANTED]]


def _arrays(chain: Chain, rng: np.random.Generator, arithmetic: Arithmetic, flat: bool) -> list[Values]:
    found: list[Values] = []
    for number in range(_TRIES):
        low, high = _RANGES[(number % 3) if number < 30 else number % len(_RANGES)]
        point: Values = {name: rng.uniform(low, high, shape) for name, shape in _inputs(chain).items()}
        point = {name: value if np.ndim(value) else np.float64(value) for name, value in point.items()}
        if np.all(good(chain, point, arithmetic, flat)):
            found.append(point)
        if len(found) == WANTED:
            break
    return found


def good(chain: Chain, inputs: Values, arithmetic: Arithmetic, flat: bool = False) -> np.ndarray:
    """Return where value and derivative are finite, of a size that can be compared, and away from kinks.

    A slope far below the value is lost in rounding; `flat` allows it, for a function that is constant.
    """
    cast = {name: value.astype(np.complex128) if arithmetic is COMPLEX else value for name, value in inputs.items()}
    with np.errstate(all="ignore"):
        values = run(chain.program, cast, arithmetic)
        output = np.asarray(values[chain.program.output])
        gradient = np.asarray(compute([chain.whole], values, arithmetic)[0])
        bends = [np.asarray(compute([bend], values, arithmetic)[0]) for bend in _bends(chain)]
    if chain.program.scalar:
        size, slope = np.abs(output), np.abs(gradient)
    else:
        size, slope = np.max(np.abs(output)), np.max(np.abs(gradient), initial=0.0)
        bends = [np.min(np.abs(bend)) for bend in bends]
    usable = np.isfinite(size) & np.isfinite(slope) & (size < 1e6) & (slope < 1e6)
    for value in values.values():  # 1/exp(exp(exp(9))) is 0 in float64, and more digits than there are atoms in others
        usable = usable & (np.isfinite(value) if chain.program.scalar else np.all(np.isfinite(value)))
    usable = usable & ((slope > 1e-4 * size) | flat)
    for bend in bends:
        usable = usable & (np.abs(bend) > 0.05)
    return np.asarray(np.broadcast_to(usable, np.shape(inputs[chain.wrt]) if chain.program.scalar else ()))


def _bends(chain: Chain) -> Iterator[Expr]:
    for root in chain.program.definitions.values():
        for _, bend in kinks(root):
            yield bend


def read_values(chain: Chain, text: str) -> Values:
    """Return the values a person gives: "W1=0.5, x=[1, 2], W=[[1, 0], [0, 1]]"; one number fills an array.

    Raises ExpressionError for an unknown name, a wrong shape, or what is no number.
    """
    import ast
    import re

    inputs = _inputs(chain)
    by_key = {name.replace("_", ""): name for name in inputs}
    values: Values = {}
    for piece in re.split(r"[,;](?=\s*[^\W\d][\w\\{}]*\s*=)", text):
        name, equals, number = piece.partition("=")
        known = by_key.get(re.sub(r"[\\{}_\s]", "", name))
        if not equals or known is None:
            raise ExpressionError(
                f"{piece.strip()!r} gives no value of an input: inputs are {', '.join(inputs)}; write x=1"
            )
        try:
            value = np.asarray(ast.literal_eval(number.strip()), dtype=np.float64)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            raise ExpressionError(
                f"{number.strip()!r} is no value for {known!r}: write a number, [1, 2] or [[1, 2], [3, 4]]"
            ) from None
        shape = inputs[known]
        if value.shape not in ((), shape):
            want = "x".join(map(str, shape)) or "a number"
            raise ExpressionError(
                f"{known!r} is {want} and its value has the shape {'x'.join(map(str, value.shape))}: give {want}"
            )
        values[known] = np.full(shape, value) if shape else np.float64(value)
        if not np.all(np.isfinite(value)):
            raise ExpressionError(f"the value of {known!r} is not finite: give a number")
    return values
