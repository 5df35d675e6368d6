"""What a derivation is when it is done: typed, and as the JSON of `lecta derive --json`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lecta.derive.chain import Chain
from lecta.derive.differences import STEPS, Differences
from lecta.derive.reverse import Reverse
from lecta.derive.symbolic import Symbolic


@dataclass(frozen=True)
class Step:
    """One factor of the chain: ∂of/∂wrt, or for arrays the product of the gradient at `of` with the Jacobian.

    Shapes are those of the two values: () for a number.
    """

    of: str
    wrt: str
    latex: str
    rules: tuple[str, ...]
    of_shape: tuple[int, ...]
    wrt_shape: tuple[int, ...]


@dataclass(frozen=True)
class Checks:
    """The three checks of a derivation, and where a function in it has no derivative."""

    symbolic: Symbolic
    differences: Differences
    reverse: Reverse
    kinks: tuple[str, ...]

    def failures(self, tolerance: float = 1e-6) -> list[str]:
        """Return a line for each check that disagrees with the derivation."""
        found = []
        if self.symbolic.agrees is False:
            found.append(f"SymPy's derivative of the whole differs by {self.symbolic.difference:.1e} (relative)")
        if self.differences.points and not self.differences.agrees:
            found.append(f"finite differences differ by {self.differences.error:.1e} (relative)")
        if self.reverse.error is not None and not self.reverse.error <= tolerance:
            found.append(f"JAX's gradient differs by {self.reverse.error:.1e} (relative)")
        return found


@dataclass(frozen=True)
class Numbers:
    """The derivation at given values: every value, the gradient at every value, and each ∂of/∂wrt between numbers."""

    values: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]
    locals: dict[tuple[str, str], float]


@dataclass(frozen=True)
class Derivation:
    """A worked and checked derivative; `derivative` is in SymPy's syntax, for arrays in the notation that is read."""

    expression: str
    wrt: str
    chain: Chain
    steps: tuple[Step, ...]
    derivative: str
    latex: str
    markdown: str
    checks: Checks
    numbers: Numbers | None = None

    def svg(self) -> str:
        """Return the computational graph as an SVG picture, with the numbers where values were given."""
        from lecta.derive.picture import svg

        return svg(self)

    def to_json(self) -> dict[str, Any]:
        """Return the document of `lecta derive --json`."""
        program = self.chain.program
        shape = program.inputs[self.chain.wrt]
        return {
            "expression": self.expression,
            "wrt": self.wrt,
            "of": program.output,
            "shape": list(shape),
            "steps": [
                {
                    "of": step.of, "wrt": step.wrt, "latex": step.latex, "rules": list(step.rules),
                    "of_shape": list(step.of_shape), "wrt_shape": list(step.wrt_shape),
                }
                for step in self.steps
            ],
            "paths": self.chain.path_count(),
            "derivative": self.derivative,
            "latex": self.latex,
            "markdown": self.markdown,
            "checks": _checks_json(self.checks),
            "numbers": None if self.numbers is None else _numbers_json(self.numbers),
        }  # fmt: skip


def _checks_json(checks: Checks) -> dict[str, Any]:
    symbolic, differences, reverse = checks.symbolic, checks.differences, checks.reverse
    return {
        "symbolic": symbolic.agrees,
        "symbolic_proved": symbolic.proved,
        "symbolic_max_relative_difference": _finite(symbolic.difference),
        "numeric_max_relative_error": differences.error if differences.points else None,
        "numeric_points": differences.points,
        "numeric_steps": {f"{step:g}": _finite(error) for step, error in zip(STEPS, differences.errors, strict=True)},
        "numeric_digits": differences.digits,
        "jax": reverse.note or "agrees",
        "jax_max_relative_error": reverse.error,
        "operations": {
            "value": reverse.forward_pass, "reverse": reverse.reverse_mode, "forward": reverse.forward_mode,
            "forward_passes": reverse.passes,
        },
        "non_differentiable": list(checks.kinks),
    }  # fmt: skip


def _numbers_json(numbers: Numbers) -> dict[str, Any]:
    return {
        "values": {name: value.tolist() for name, value in numbers.values.items()},
        "gradients": {name: value.tolist() for name, value in numbers.gradients.items()},
        "local": [{"of": of, "wrt": wrt, "value": value} for (of, wrt), value in numbers.locals.items()],
    }


def _finite(number: float) -> float | None:
    return number if np.isfinite(number) else None
