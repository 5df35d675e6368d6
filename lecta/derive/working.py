"""A derivation from beginning to end: read, name the steps, derive, check, explain."""

from __future__ import annotations

import numpy as np

from lecta.derive import differences, explain, points, reverse, symbolic
from lecta.derive import expr as e
from lecta.derive.chain import Chain, Edge, gradient_name, shapes_of, with_steps, work
from lecta.derive.evaluate import REAL, Values, compute, run
from lecta.derive.items import name_of
from lecta.derive.program import key, read_program
from lecta.derive.result import Checks, Derivation, Numbers, Step
from lecta.derive.rewrite import replace
from lecta.derive.rules import kinks
from lecta.derive.show import latex, text
from lecta.derive.size import ALGEBRA, written_size
from lecta.errors import DerivationError, ExpressionError


def work_out(expression: str, wrt: str, *, values: str | None, clip: float | None, jax: bool) -> Derivation:
    """Return the derivation; see `lecta.derive.derive`."""
    try:
        chain = read_chain(expression, wrt)
        given = points.read_values(chain, values) if values else None
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply: name parts of it, as in h = ...; f(h)") from None
    numbers = None if given is None else at_values(chain, given)
    checks = check(chain, wrt, given, jax=jax)
    failures = checks.failures()
    if failures:
        raise DerivationError(
            f"the derivative of {chain.program.output!r} with respect to {chain.wrt!r} failed its checks and is not "
            f"shown: {'; '.join(failures)}: please report this expression"
        )
    if checks.symbolic.agrees is None and not checks.differences.points:
        raise DerivationError(
            "the derivative could not be checked: SymPy found none in time, and there is no point where the value is "
            "finite: derive a smaller piece, or give values (--numeric)"
        )
    scalar = chain.program.inputs[chain.wrt] == () and chain.program.shape(chain.program.output) == ()
    derivative = checks.symbolic.derivative if scalar and checks.symbolic.derivative else written(chain)
    final = latex(explain.shown_whole(chain))
    steps = tuple(step(chain, edge) for edge in chain.edges)
    markdown = explain.explain(chain, checks, numbers, clip)
    return Derivation(expression, wrt, chain, steps, derivative, final, markdown, checks, numbers)


def read_chain(expression: str, wrt: str) -> Chain:
    """Return the chain rule worked on an expression, not yet checked."""
    program = read_program(expression, wrt)
    wanted = key(name_of(wrt))
    name = next(name for name in program.inputs if key(name) == wanted)
    return work(with_steps(program, name), name)


def written(chain: Chain) -> str:
    """Return the derivative of inputs alone where everything is a number, of named values otherwise, as text."""
    if not chain.program.scalar:
        return text(explain.shown_whole(chain))
    table: dict[e.Expr, e.Expr] = {}
    for name, root in chain.program.definitions.items():
        table[e.var(name, root.shape)] = replace(root, table)
    whole = replace(chain.whole, table)
    return text(whole if written_size(whole) <= ALGEBRA else explain.shown_whole(chain))


def step(chain: Chain, edge: Edge) -> Step:
    """Return an arrow of the graph as a step of the answer."""
    return Step(
        edge.of, edge.wrt, explain.edge_latex(edge, chain), edge.rules,
        chain.program.shape(edge.of), chain.program.shape(edge.wrt),
    )  # fmt: skip


def check(chain: Chain, wrt: str, given: Values | None, *, jax: bool) -> Checks:
    """Run the three checks; JAX works in a process of its own meanwhile."""
    found, arithmetic = points.draw(chain)
    if (
        given is not None
        and np.all(points.good(chain, _with_seed(chain, given), REAL, flat=True))
        and arithmetic is REAL
    ):
        found = [_with_seed(chain, given), *found[: points.WANTED - 1]]
    started = None
    note = "left out" if not jax else "not run: no point with real values was found"
    if jax and found and arithmetic is REAL and not _general(chain):
        started = reverse.Run(chain.program.text, chain.wrt, found)
    elif jax and _general(chain):
        note = "not run: it has a function left general"
    of_whole = symbolic.check(chain, found)
    by_differences = differences.check(chain, found, arithmetic)
    by_jax = reverse.Reverse(None, note) if started is None else started.result(_gradients(chain, found))
    bends: dict[str, None] = {}
    for root in chain.program.definitions.values():
        bends.update(dict.fromkeys(line for line, _ in kinks(root)))
    return Checks(of_whole, by_differences, by_jax, tuple(bends))


def _general(chain: Chain) -> bool:
    return any(node.op == "abstract" for root in chain.program.definitions.values() for node in e.nodes(root))


def _gradients(chain: Chain, found: list[Values]) -> list[np.ndarray]:
    """Return our gradient at points, computed in many digits: a(1 - a) loses all of float64's where a is near 1."""
    import mpmath

    with mpmath.workdps(symbolic.DIGITS):
        return [np.array([float(part) for part in symbolic.many_digits(chain, point)]) for point in found]


def _with_seed(chain: Chain, given: Values) -> Values:
    shape = chain.program.shape(chain.program.output)
    return {**given, **({"v": np.ones(shape)} if shape and "v" not in given else {})}


def at_values(chain: Chain, given: Values) -> Numbers:
    """Return every value, gradient and local derivative at given values of all inputs."""
    missing = [name for name in chain.program.inputs if name not in given]
    if missing:
        raise ExpressionError(
            f"values are missing for {', '.join(missing)}: give all inputs, as in --numeric "
            f"{','.join(f'{name}=1' for name in missing)}"
        )
    with np.errstate(all="ignore"):
        values = run(chain.program, _with_seed(chain, given), REAL)
        bad = next((name for name, value in values.items() if not np.all(np.isfinite(value))), None)
        if bad is not None:
            raise ExpressionError(f"{bad!r} is {values[bad]} at the given values: choose others, inside its domain")
        gradients: dict[str, np.ndarray] = {}
        shapes = shapes_of(chain.program)
        for name, gradient in chain.gradients.items():
            value = compute([gradient], values, REAL)[0]
            values[gradient_name(name)] = np.broadcast_to(value, shapes[name]) if shapes[name] else value
            gradients[name] = np.asarray(values[gradient_name(name)])
        local = {
            (edge.of, edge.wrt): float(compute([edge.local], values, REAL)[0])
            for edge in chain.edges if edge.local is not None
        }  # fmt: skip
    shown = {name: np.asarray(value) for name, value in values.items() if not name.endswith("§")}
    return Numbers(shown, gradients, local)
