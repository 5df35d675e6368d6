"""The checks of a derivation in words and figures."""

from __future__ import annotations

from lecta.derive.differences import STEPS
from lecta.derive.result import Checks


def check_text(checks: Checks) -> str:
    """Return the checks as a list, each with its figure."""
    differences, reverse = checks.differences, checks.reverse
    lines = [
        "**Checks.**",
        "",
        f"* SymPy's derivative of the whole against the product of the steps: {_symbolic(checks)}.",
    ]
    if differences.points:
        kind = " with complex values in between" if differences.complex_values else ""
        entries = f", {differences.entries} entries" if differences.entries > 1 else ""
        lines.append(
            f"* Finite differences at {differences.points} points{entries}{kind}: relative error "
            f"{differences.error:.1e} at the best step{' (40 digits)' if differences.digits == 40 else ''}; by step h: "
            + ", ".join(f"{step:g}: {error:.0e}" for step, error in zip(STEPS, differences.errors, strict=True)) + "."
        )  # fmt: skip
    else:
        lines.append("* Finite differences: not run: no point was found where the value and its derivative are finite.")
    if reverse.error is None:
        lines.append(f"* Reverse mode by JAX: {reverse.note}.")
    else:
        lines.append(
            f"* Reverse mode by JAX: relative difference {reverse.error:.1e}. Operations: {reverse.forward_pass} for "
            f"the value, {reverse.reverse_mode} with the gradient in reverse mode, {reverse.forward_mode} in forward "
            f"mode ({reverse.passes} {'pass' if reverse.passes == 1 else 'passes, one for each entry'})."
        )
    lines += [f"* {kink}." for kink in checks.kinks]
    return "\n".join(lines)


def _symbolic(checks: Checks) -> str:
    found = checks.symbolic
    if found.agrees is None:
        return found.note
    if found.proved:
        return "equal, by algebra" + (f" (and to 40 digits at {found.points} points)" if found.points else "")
    entries = f" in {found.entries} entries" if found.entries > 1 else ""
    return f"equal to 40 digits{entries} at {found.points} points (largest relative difference {found.difference:.0e})"
