"""Are derivatives stated in answers judged rightly? True ones and falsified ones, in many wordings.

usage: python -m benchmarks.formulas [ROWS.jsonl ...]

Rows are {"function", "variable", "derivative"} in SymPy's syntax; without any, the functions of the field below are
used alone. Each row is stated true twice (its own derivative, and SymPy's) and falsified three ways: the sign of a term
turned, a factor changed, an inner derivative left out. Falsified ones are shown to differ before they are used.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sympy as sp

from benchmarks import machine
from lecta.check.formulas import check

FIELD = [
    ("1/(1 + exp(-x))", "x"), ("tanh(x)", "x"), ("log(1 + exp(x))", "x"), ("x/(1 + exp(-x))", "x"), ("x*tanh(x)", "x"),
    ("(w*x + b - y)**2/2", "w"), ("(w*x + b - y)**2", "b"), ("-y*log(p) - (1 - y)*log(1 - p)", "p"), ("sinh(x)", "x"),
    ("exp(-x**2/2)", "x"), ("exp(-(x - m)**2/(2*s**2))", "m"), ("sqrt(x**2 + c)", "x"), ("tanh(w*x + b)", "w"),
    ("1/(1 + exp(-w*x - b))", "w"), ("log(1 + exp(-y*s))", "s"), ("(tanh(w*x) - y)**2", "w"), ("log(p/(1 - p))", "p"),
    ("x*log(x)", "x"), ("x**3*exp(-x)", "x"), ("sin(x**2)", "x"), ("exp(sin(x))", "x"), ("(1 - a)**k", "a"),
    ("x/sqrt(1 + x**2)", "x"), ("cos(3*x)**2", "x"), ("log(x**2 + 1)", "x"), ("exp(-c*t)*sin(k*t)", "t"),
]  # fmt: skip
WORDINGS = [
    "The derivative of $F$ with respect to $v$ is $D$.",
    r"The derivative of \(f(v) = F\) is \(f'(v) = D\). [1]",
    r"$$\frac{d}{dv} \left(F\right) = D$$",
    "Let $f(v) = F$. Then $f'(v) = D$.",
    r"If $y = F$, then $\frac{dy}{dv} = D$ [2].",
    "The derivative of CF with respect to v is CD.",
    "Differentiating $F$ with respect to $v$, we get\n\n$$D$$",
    "The derivative of `CF` is `CD`.",
    r"\[\frac{\partial}{\partial v}\left[F\right] = D\]",
    "For $y = F$ we have $y' = D$.",
    r"**Example:** $f(v) = F$" + "\n\n" + r"$$\begin{aligned} f'(v) &= D \end{aligned}$$",
    "`f(v) = CF`, so `f'(v) = CD`.",
    r"The gradient of \(F\) with respect to \(v\) is given by: \[ D \]",
    r"With $L = F$ we find $\dfrac{\partial L}{\partial v} = D$.",
]


def main(paths: list[str]) -> None:
    """State, check, count, and write benchmarks/results/formulas.json."""
    rows = [("field", *row, "") for row in FIELD]
    for path in paths:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        read = [json.loads(line) for line in lines if line.strip()]
        rows += [("rows", row["function"], row["variable"], row["derivative"]) for row in read]
    counts: dict[str, Counter[str]] = {}
    misses: list[dict[str, Any]] = []
    times = []
    check("$1 + 1 = 2$", [])  # the process is warm from here
    for number, (source, function, variable, derivative) in enumerate(rows):
        for kind, stated in _stated(function, variable, derivative):
            for turn in (0, 5):
                text = _sentence(number + turn + len(kind), function, variable, stated)
                started = time.perf_counter()
                formulas = check(text, [])
                times.append(time.perf_counter() - started)
                statuses = {formula.status for formula in formulas}
                verdict = "wrong" if "wrong" in statuses else "checked" if "checked" in statuses else "not checkable"
                counts.setdefault(f"{source}, {kind}", Counter())[verdict] += 1
                if verdict != ("checked" if kind.startswith("true") else "wrong"):
                    misses.append(
                        {"kind": kind, "verdict": verdict, "text": text, "reasons": [f.reason for f in formulas]}
                    )
    times.sort()
    summary = {
        "true": _total(counts, "true"),
        "falsified": _total(counts, "falsified"),
        "kinds": {kind: dict(counter) for kind, counter in sorted(counts.items())},
        "milliseconds": {"median": round(500 * (times[len(times) // 2] + times[-len(times) // 2 - 1])),
                         "95 %": round(1000 * times[int(0.95 * len(times))]), "max": round(1000 * times[-1])},
    }  # fmt: skip
    machine.write("formulas", {"files": [Path(path).name for path in paths], **summary})
    for miss in misses:
        print(json.dumps(miss, ensure_ascii=False))


def _total(counts: dict[str, Counter[str]], kind: str) -> dict[str, int]:
    total = sum((counter for name, counter in counts.items() if f", {kind}" in name), Counter[str]())
    return {"stated": total.total(), **{verdict: total[verdict] for verdict in ("checked", "wrong", "not checkable")}}


def _stated(function: str, variable: str, derivative: str) -> Iterator[tuple[str, Any]]:
    names = {name: sp.Symbol(name) for name in ("S", "N", "I", "O", "Q", "C", "beta", "gamma", "zeta")}
    f, v = sp.sympify(function, names), sp.Symbol(variable)
    own = f.diff(v)
    if derivative:
        yield "true, as given", sp.sympify(derivative, names)
    yield "true, by SymPy", own
    given = sp.sympify(derivative, names) if derivative else own
    for kind, false in (
        ("falsified, sign", _sign_turned(given)),
        ("falsified, factor", _factor_changed(given)),
        ("falsified, inner derivative", _inner_left_out(f, v)),
    ):
        if false is not None and _really_differs(false, own):
            yield kind, false


def _sign_turned(derivative: Any) -> Any:
    terms = sp.Add.make_args(derivative)
    if len(terms) > 1:
        return derivative - 2 * terms[-1]
    above, below = derivative.as_numer_denom()
    terms = sp.Add.make_args(above)
    return (above - 2 * terms[-1]) / below if len(terms) > 1 else -derivative


def _factor_changed(derivative: Any) -> Any:
    terms = sp.Add.make_args(derivative)
    factor, rest = terms[0].as_coeff_Mul()
    return derivative - terms[0] + (rest if factor not in (1, -1) else 2 * terms[0])


def _inner_left_out(f: Any, v: Any) -> Any:
    """Return the derivative with the inner derivative of one composition taken as 1, or None without any."""
    parts = [part for part in sp.preorder_traversal(f) if part.is_Function or part.is_Pow]
    inner = [part.args[0] for part in parts if part.args[0].has(v) and part.args[0] != v]
    inner += [part.exp for part in parts if part.is_Pow and part.exp.has(v) and part.exp != v]
    inner += [part.args[0] for part in f.atoms(sp.exp) if part.args[0].has(v) and part.args[0] != v]
    for one in inner:
        held = sp.Dummy()
        outer = f.subs(one, held)
        if outer.has(held):
            return (outer.diff(held) + outer.diff(v)).subs(held, one)
    return None


def _really_differs(one: Any, other: Any) -> bool:
    """Tell whether two derivatives differ at three points and more, in the complex plane as well."""
    symbols = sorted((one - other).free_symbols | other.free_symbols, key=str)
    differing = 0
    for turn in range(12):
        point = {symbol: sp.Rational(13 + 17 * turn + 7 * n, 29) for n, symbol in enumerate(symbols)}
        left, right = (complex(sp.N(side.subs(point))) for side in (one, other))
        differing += abs(left - right) > 1e-4 * max(abs(left), abs(right), 1e-12)
    return differing >= 8


def _sentence(number: int, function: str, variable: str, derivative: Any) -> str:
    f = sp.sympify(function)
    usable = [w for w in WORDINGS if "y'" not in w or len(f.free_symbols) == 1]
    wording = usable[number % len(usable)]
    for letter in "yLf":
        wording = (
            re.sub(rf"(?<![a-z]){letter}(?![a-z])", "u", wording) if letter in map(str, f.free_symbols) else wording
        )
    parts = {"CF": str(f), "CD": str(derivative), "F": sp.latex(f), "D": sp.latex(derivative), "v": variable}
    return re.sub(r"CF|CD|(?<![A-Za-z])[FD](?![A-Za-z])|(?<![A-Za-z])v(?![A-Za-z])|(?<=[ds]\{d)v|(?<=/d)v|(?<=\{d)v",
                  lambda match: parts[match.group()], wording)  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
