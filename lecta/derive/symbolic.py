"""The whole derivative by SymPy, against the product of the steps: the first of the checks, and the final form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lecta.derive import expr as e
from lecta.derive.bounded import within
from lecta.derive.chain import Chain
from lecta.derive.evaluate import Values, compute, elements, run
from lecta.derive.exactly import digit_arithmetic, exact_arithmetic, lambdify_modules
from lecta.derive.expr import Expr
from lecta.derive.size import ALGEBRA, entry_size
from lecta.errors import first_line

DIGITS = 40
PROOF_SECONDS, FORM_SECONDS, DIFF_SECONDS = 0.4, 0.5, 3.0
MAX_ELEMENTS = 6  # entries of an array whose derivative SymPy takes; each is a formula of the whole network


@dataclass(frozen=True)
class Symbolic:
    """agrees: None where SymPy did not finish, was given nothing so large, or had no point to compare at.

    `difference` is the largest relative one, to DIGITS digits.
    """

    agrees: bool | None
    proved: bool
    difference: float
    points: int
    entries: int
    derivative: str  # SymPy syntax, of inputs alone; "" for arrays
    latex: str
    note: str = "not run: no point was found to compare at"  # where `agrees` is None


def smooth(chain: Chain) -> bool:
    """May the variables be complex? Not where a function has a kink."""
    bent = {"relu", "leaky_relu", "elu", "abs", "sign", "step"}
    for root in (*chain.program.definitions.values(), chain.whole):
        if any(node.op == "max" or (node.op == "fn" and node.attr[0] in bent) for node in e.nodes(root)):
            return False
    return True


def symbols(chain: Chain) -> Values:
    """Return a SymPy symbol for every number and array of them for every array among the inputs."""
    import sympy

    real = None if smooth(chain) else True
    values: Values = {}
    inputs = {**chain.program.inputs, **_seed(chain)}
    for name, shape in inputs.items():
        made = [sympy.Symbol(element, real=real) for element in elements(name, shape)]
        values[name] = np.array(made, dtype=object).reshape(shape) if shape else made[0]
    return values


def _seed(chain: Chain) -> dict[str, e.Shape]:
    shape = chain.program.definitions[chain.program.output].shape
    return {"v": shape} if shape else {}


def check(chain: Chain, points: list[Values]) -> Symbolic:
    """Compare the product of the steps with SymPy's derivative of the whole, at points to 40 digits and by algebra."""
    import sympy  # noqa: F401  # outside of the limit: half a second, and more on a cold disk

    if entry_size(chain.program) > ALGEBRA:
        return _not_run("the whole, written out, is too large for SymPy")
    written = within(DIFF_SECONDS, lambda: _written(chain)) or ("", "")
    try:
        found = within(DIFF_SECONDS, lambda: _check(chain, points))
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        NameError,
        NotImplementedError,
        TypeError,
        ValueError,
    ) as error:
        return _not_run(f"SymPy failed ({first_line(error, 80)})")
    return found or replace(_not_run("SymPy did not finish in time"), derivative=written[0], latex=written[1])


def _written(chain: Chain) -> tuple[str, str]:
    """Return our derivative of numbers as SymPy writes it, not shortened."""
    if not chain.program.scalar:
        return "", ""
    exact = exact_arithmetic()
    ours = compute([chain.whole], run(chain.program, symbols(chain), exact), exact)[0]
    return str(ours), _latex(ours, chain)


def _not_run(note: str) -> Symbolic:
    return Symbolic(None, False, float("nan"), 0, 0, "", "", f"not run: {note}")


def _check(chain: Chain, points: list[Values]) -> Symbolic:
    import sympy

    exact = exact_arithmetic()
    inputs = symbols(chain)
    values = run(chain.program, inputs, exact)
    output = values[chain.program.output]
    if chain.program.shape(chain.program.output):
        output = sum((output * inputs["v"]).ravel().tolist())
    leaves = np.ravel(np.asarray(inputs[chain.wrt], dtype=object)).tolist()[:MAX_ELEMENTS]
    references = [_without_jumps(sympy.diff(output, leaf)) for leaf in leaves]
    flat = [symbol for value in inputs.values() for symbol in np.ravel(np.asarray(value, dtype=object)).tolist()]
    difference = _difference(chain, references, flat, points)
    if chain.program.inputs[chain.wrt] != () or chain.program.shape(chain.program.output) != ():
        return Symbolic(difference < 1e-20 if points else None, False, difference, len(points), len(leaves), "", "")
    ours = compute([chain.whole], values, exact)[0]
    proved = _is_zero(ours - references[0])
    form = _final_form(ours, flat, points, chain)
    agrees = True if proved else difference < 1e-20 if points else None
    return Symbolic(agrees, proved, difference, len(points), 1, str(form), _latex(form, chain))


def _without_jumps(derivative: Any) -> Any:
    """Leave out what SymPy puts at the very place where sign jumps: the convention there is 0."""
    import sympy

    return derivative.replace(sympy.DiracDelta, lambda *args: sympy.Integer(0))


def _difference(chain: Chain, references: list[Any], flat: list[Any], points: list[Values]) -> float:
    """Return the largest relative difference of our derivative and these, to 40 digits at each point."""
    import mpmath
    import sympy

    function = sympy.lambdify(flat, references, modules=lambdify_modules(references), cse=True)
    largest = 0.0
    with mpmath.workdps(DIGITS):
        for point in points:
            ours = many_digits(chain, point)[: len(references)]
            theirs = function(*_flat_numbers(chain, point))
            scale = max([abs(value) for value in theirs] + [mpmath.mpf("1e-30")])
            largest = max(largest, *(float(abs(a - b) / scale) for a, b in zip(ours, theirs, strict=True)))
    return largest


def _flat_numbers(chain: Chain, point: Values) -> list[Any]:
    names = [*chain.program.inputs, *_seed(chain)]
    return [_digits(value) for name in names for value in np.ravel(point[name]).tolist()]


def _digits(value: complex) -> Any:
    import mpmath

    return mpmath.mpmathify(value)


def many_digits(chain: Chain, point: Values, roots: list[Expr] | None = None) -> list[Any]:
    """Return our derivative (or other expressions of names) at a point in mpmath's present precision, flat."""
    arithmetic = digit_arithmetic()
    inputs: Values = {}
    for name in [*chain.program.inputs, *_seed(chain)]:
        value = np.asarray(point[name])
        made = [_digits(number) for number in value.ravel().tolist()]
        inputs[name] = np.array(made, dtype=object).reshape(value.shape) if value.shape else made[0]
    values = run(chain.program, inputs, arithmetic)
    found = compute(roots or [chain.whole], values, arithmetic)
    return [number for value in found for number in np.ravel(np.asarray(value, dtype=object)).tolist()]


def _is_zero(difference: Any) -> bool:
    import sympy

    if difference == 0 or sympy.expand(difference) == 0:
        return True
    return within(PROOF_SECONDS, lambda: bool(sympy.simplify(difference) == 0)) or False


def _final_form(ours: Any, flat: list[Any], points: list[Values], chain: Chain) -> Any:
    """Return the shortest form found in time that has the same value at the points."""
    import mpmath
    import sympy

    candidates = [ours]
    simple = within(FORM_SECONDS, lambda: sympy.simplify(ours)) if sympy.count_ops(ours) < 150 else None
    if simple is not None and sympy.count_ops(simple) < sympy.count_ops(ours):
        function = sympy.lambdify(flat, [simple], modules=lambdify_modules([simple]), cse=True)
        with mpmath.workdps(DIGITS):
            same = all(
                abs(function(*_flat_numbers(chain, point))[0] - many_digits(chain, point)[0])
                <= mpmath.mpf("1e-25") * (1 + abs(many_digits(chain, point)[0]))
                for point in points
            )
        candidates += [simple] if same else []
    return candidates[-1]


def _latex(form: Any, chain: Chain) -> str:
    import sympy

    from lecta.derive.show import name_latex

    return str(sympy.latex(form, symbol_names={symbol: name_latex(symbol.name) for symbol in form.free_symbols}))
