"""Derivations: random composites and reference derivatives, expressions with an error, the gallery.

usage: python -m benchmarks.derive [REFERENCE.jsonl [RUNS]]

Rows of the reference are {"function", "variable", "derivative"} in SymPy's syntax; by default it is looked for in
../shared/eval/calculus. Whole commands of the gallery are run as processes; times are of the processor, and by the
clock, the best of RUNS (3).
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import machine
from docs.derivations import SOURCES, read

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT.parent / "shared" / "eval" / "calculus" / "derivatives-dev.jsonl"
ERRORS = ROOT / "tests" / "data" / "derive-errors.tsv"
COUNT = 200

_UNARY = (
    "sin", "cos", "tan", "exp", "log", "sqrt", "atan", "sinh", "cosh", "tanh", "asinh", "sigmoid", "softplus", "gelu",
    "erf", "sec", "cot", "csc", "sech", "asin",
)  # fmt: skip


def composite(rng: random.Random, depth: int) -> str:
    """Return a random function of x: sums, products, quotients, powers and functions of each other."""
    if depth == 0:
        return rng.choice(("x", "x", "2*x", "(x + 1)", "x/3", str(rng.randint(1, 5))))
    kind = rng.random()
    left, right = composite(rng, depth - 1), composite(rng, rng.randrange(depth))
    if kind < 0.5:
        return f"{rng.choice(_UNARY)}({left})"
    if kind < 0.85:
        return f"({left} {rng.choice('+-*/')} {right})"
    return f"({left})**{rng.choice(('2', '3', '(1/2)', '(-1)', '(3/2)'))}"


def composites(count: int = COUNT) -> list[str]:
    """Return this many random functions that depend on x."""
    rng = random.Random(8)
    found: dict[str, None] = {}
    while len(found) < count:
        text = composite(rng, rng.randint(2, 4))
        if "x" in text.replace("exp", ""):
            found.setdefault(text)
    return list(found)


def same(ours: str, theirs: Any, variable: str) -> bool | None:
    """Return whether two derivatives agree to 1e-9 at random points; None where no point has both finite."""
    import mpmath
    import sympy

    mine, compared = sympy.sympify(ours), 0
    names = sorted(mine.free_symbols | theirs.free_symbols | {sympy.Symbol(variable)}, key=str)
    functions = [sympy.lambdify(names, one, modules="mpmath") for one in (mine, theirs)]
    rng = random.Random(1)
    with mpmath.workdps(50):  # 1 - tanh(30)**2 is nothing in 16 digits
        for _ in range(40):
            point = [mpmath.mpf(rng.uniform(0.1, 2.5)) for _ in names]
            try:
                a, b = (mpmath.mpmathify(function(*point)) for function in functions)
            except (ValueError, ZeroDivisionError, OverflowError, TypeError):
                continue
            if not (mpmath.isfinite(a) and mpmath.isfinite(b)):
                continue
            size = max(abs(a), abs(b))
            if size > 1e-30 and abs(a - b) > 1e-9 * size:
                return False
            compared += 1
    return True if compared else None


def against(rows: list[tuple[str, str, Any]]) -> dict[str, Any]:
    """Derive every function and compare with its reference: counts, errors and times."""
    from lecta.derive import derive
    from lecta.errors import LectaError

    result: dict[str, Any] = {
        "functions": len(rows),
        "equal": 0,
        "all_checks_passed": 0,
        "not_comparable": [],
        "failed": [],
    }
    errors, seconds, proved = [], [], 0
    for function, variable, reference in rows:
        started = time.process_time()
        try:
            found = derive(function, variable, jax=False)
        except LectaError as error:
            result["failed"].append(f"{function}: {error}")
            continue
        seconds.append(time.process_time() - started)
        checks = found.checks
        proved += checks.symbolic.proved
        errors.append(checks.differences.error)
        passed = checks.symbolic.agrees is True and checks.differences.agrees
        result["all_checks_passed"] += passed
        if not passed:
            result["failed"].append(f"{function}: not all checks ran")
        agreed = same(found.derivative, reference, variable)
        result["equal"] += agreed is True
        if agreed is not True:
            result["not_comparable" if agreed is None else "failed"].append(function)
    return result | {
        "proved_by_algebra": proved,
        "numeric_max_relative_error": max(errors),
        "processor_s_median": round(statistics.median(seconds), 3),
        "processor_s_max": round(max(seconds), 3),
    }


def known_functions() -> dict[str, Any]:
    """Return what SymPy has no name for, for its parser."""
    import sympy

    return {
        "sigmoid": lambda u: 1 / (1 + sympy.exp(-u)),
        "softplus": lambda u: sympy.log(1 + sympy.exp(u)),
        "gelu": lambda u: u * (1 + sympy.erf(u / sympy.sqrt(2))) / 2,
    }


def _random() -> dict[str, Any]:
    import sympy

    x, known = sympy.Symbol("x"), known_functions()
    return against([(text, "x", sympy.diff(sympy.sympify(text, locals=known), x)) for text in composites()])


def _reference(path: Path) -> dict[str, Any] | str:
    import sympy

    if not path.exists():
        return f"not run: {path.name} is not there"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return against([(row["function"], row["variable"], sympy.sympify(row["derivative"])) for row in rows])


def _errors() -> dict[str, Any]:
    from lecta.derive import derive
    from lecta.errors import ExpressionError

    lines = ERRORS.read_text(encoding="utf-8").splitlines()
    clear, slowest = 0, 0.0
    for line in lines:
        wrt, fragment, expression = line.split("\t")
        started = time.process_time()
        try:
            derive(expression, wrt, jax=False)
        except ExpressionError as error:
            clear += fragment in str(error) and "\n" not in str(error)
        slowest = max(slowest, time.process_time() - started)
    return {"expressions": len(lines), "one_clear_line": clear, "processor_s_max": round(slowest, 3)}


def _gallery(runs: int) -> dict[str, Any]:
    """Run the whole command on each example: with the check by JAX, and without."""
    found: dict[str, Any] = {}
    for example in read():
        row: dict[str, Any] = {}
        command = [sys.executable, "-m", "lecta", "derive", str(SOURCES / f"{example.name}.txt"), "--wrt", example.wrt]
        command += ["--numeric", example.numeric, "--json"]
        for label, extra in (("without_jax", ["--no-jax"]), ("with_jax", [])):
            times, clocks, out = [], [], ""
            for _ in range(runs):
                before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
                out = subprocess.run([*command, *extra], capture_output=True, text=True, check=True).stdout
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                clocks.append(time.perf_counter() - started)
                times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            row[label] = {"processor_s": round(min(times), 2), "clock_s": round(min(clocks), 2)}
            checks = json.loads(out)["checks"]
        row["jax_max_relative_error"] = checks["jax_max_relative_error"]
        row["numeric_max_relative_error"] = checks["numeric_max_relative_error"]
        row["symbolic"] = checks["symbolic"]
        row["operations"] = checks["operations"]
        found[example.name] = row
    return found


def main(reference: Path, runs: int) -> None:
    """Measure all and write benchmarks/results/derive.json."""
    result = {"random": _random(), "reference": _reference(reference), "errors": _errors(), "gallery": _gallery(runs)}
    machine.write("derive", result)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REFERENCE, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
