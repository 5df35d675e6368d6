"""Finite differences: the second check, which knows nothing of rules.

Central differences, (f(x + h) - f(x - h)) / 2h, at several h: the error falls as h² until rounding takes over and it
rises as 1/h. Where even the best h in float64 is not close, the same is computed with 40 digits, and that decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lecta.derive.chain import Chain
from lecta.derive.evaluate import COMPLEX, Arithmetic, Values, compute, run
from lecta.derive.symbolic import many_digits

STEPS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
TOLERANCE, CLOSE = 1e-6, 1e-8  # agreement; above CLOSE many digits are used
MAX_ENTRIES = 24  # of an array that are moved one by one


@dataclass(frozen=True)
class Differences:
    """errors: relative error at each of STEPS, the largest over points; `error` is that of the best step."""

    errors: tuple[float, ...]
    error: float
    points: int
    entries: int
    digits: int  # 16 for float64, 40 where float64 was not enough
    complex_values: bool

    @property
    def agrees(self) -> bool:
        """Is the derivative confirmed?"""
        return self.points > 0 and self.error <= TOLERANCE


def check(chain: Chain, points: list[Values], arithmetic: Arithmetic) -> Differences:
    """Compare the derivative with differences of the program's output at every point."""
    errors = np.zeros(len(STEPS))
    entries = 1
    best = 0.0
    for point in points:
        gradient = np.ravel(np.asarray(_gradient(chain, point, arithmetic)))
        moved = _entries(gradient)
        entries = len(moved)
        scale = max(float(np.max(np.abs(gradient), initial=0.0)), 1e-300)
        found = np.zeros(len(STEPS))
        for at in moved:
            slopes = np.array([_slope(chain, point, at, step, arithmetic) for step in STEPS])
            with np.errstate(all="ignore"):
                found = np.fmax(found, np.nan_to_num(np.abs(slopes - gradient[at]) / scale, nan=np.inf, posinf=np.inf))
        errors = np.maximum(errors, found)
        best = max(best, float(np.min(found)))
    digits = 16  # of float64
    if best > CLOSE and points:
        best, digits = max(_in_many_digits(chain, point) for point in points), 40
    return Differences(tuple(errors.tolist()), best, len(points), entries, digits, arithmetic is COMPLEX)


def _entries(gradient: np.ndarray) -> list[int]:
    """Return which entries are moved: all, or evenly spread ones and the one with the largest gradient."""
    if gradient.size <= MAX_ENTRIES:
        return list(range(gradient.size))
    spread = np.linspace(0, gradient.size - 1, MAX_ENTRIES - 1).astype(int).tolist()
    return sorted({*spread, int(np.argmax(np.abs(gradient)))})


def _gradient(chain: Chain, point: Values, arithmetic: Arithmetic) -> Any:
    with np.errstate(all="ignore"):
        return compute([chain.whole], run(chain.program, _cast(point, arithmetic), arithmetic), arithmetic)[0]


def _cast(point: Values, arithmetic: Arithmetic) -> Values:
    return {name: np.asarray(value, np.complex128) for name, value in point.items()} if arithmetic is COMPLEX else point


def _slope(chain: Chain, point: Values, at: int, step: float, arithmetic: Arithmetic) -> Any:
    values = np.asarray(point[chain.wrt], dtype=np.float64)
    ends = []
    width = step * max(1.0, abs(float(values.ravel()[at])))
    for sign in (1, -1):
        moved = values.ravel().copy()
        moved[at] += sign * width
        shaped: Any = moved.reshape(values.shape) if values.shape else np.float64(moved[0])
        ends.append(_output(chain, {**point, chain.wrt: shaped}, arithmetic))
    return (ends[0] - ends[1]) / (2 * width)


def _output(chain: Chain, point: Values, arithmetic: Arithmetic) -> Any:
    with np.errstate(all="ignore"):
        output = run(chain.program, _cast(point, arithmetic), arithmetic)[chain.program.output]
    return np.sum(output * point["v"]) if chain.program.shape(chain.program.output) else output


def _in_many_digits(chain: Chain, point: Values) -> float:
    import mpmath

    from lecta.derive import expr as e

    output = e.var(chain.program.output, chain.program.shape(chain.program.output))
    root = e.total(e.mul(output, e.var("v", output.shape))) if output.shape else output
    with mpmath.workdps(40):
        gradient = many_digits(chain, point)
        scale = max([abs(part) for part in gradient] + [mpmath.mpf("1e-300")])
        step = mpmath.mpf("1e-12")
        values = np.asarray(point[chain.wrt])
        worst = mpmath.mpf(0)
        for at in _entries(np.array([complex(part) for part in gradient])):
            ends = []
            for sign in (1, -1):
                moved = np.array([mpmath.mpf(float(value)) for value in values.ravel()], dtype=object)
                moved[at] += sign * step
                shaped = moved.reshape(values.shape) if values.shape else moved[0]
                ends.append(many_digits(chain, {**point, chain.wrt: shaped}, [root])[0])
            worst = max(worst, abs((ends[0] - ends[1]) / (2 * step) - gradient[at]) / scale)
    return float(worst)
