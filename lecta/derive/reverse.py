"""Reverse mode by JAX: the third check, by a library that knows nothing of ours.

JAX takes more than a second to import, so it runs as a process of its own beside the other checks:
`python -m lecta.derive.reverse` reads a program and points as JSON and prints the gradients. Without JAX the check
says that it was not run.
"""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from lecta.derive.evaluate import Values

TOLERANCE = 1e-6
SECONDS = 60.0
MISSING = "not run: JAX is not installed (pip install 'lecta[jax]')"


@dataclass(frozen=True)
class Reverse:
    """error: the largest relative difference to JAX's gradient, None where it was not run and `note` says why.

    Operations are numbers added, multiplied or put through a function: of the value alone, with the gradient in
    reverse mode, and with one forward-mode pass for each entry of the variable.
    """

    error: float | None
    note: str = ""
    forward_pass: int = 0
    reverse_mode: int = 0
    forward_mode: int = 0
    passes: int = 0


class Run:
    """JAX at work in a process of its own; `result` waits for it."""

    def __init__(self, text: str, wrt: str, points: list[Values]) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._note = MISSING
        if importlib.util.find_spec("jax") is None:
            return
        request = {"text": text, "wrt": wrt, "points": [_plain(point) for point in points]}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lecta.derive.reverse"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip
        self._send(request)

    def _send(self, request: dict[str, Any]) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(json.dumps(request))
            self._process.stdin.close()
            self._process.stdin = None

    def result(self, gradients: list[np.ndarray]) -> Reverse:
        """Return the comparison with our gradients at the points."""
        if self._process is None:
            return Reverse(None, self._note)
        try:
            out, err = self._process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return Reverse(None, f"not run: JAX did not finish within {SECONDS:.0f} s")
        if self._process.returncode != 0:
            last = (err.strip().splitlines() or ["no message"])[-1][:160]
            return Reverse(None, f"not run: JAX failed: {last}")
        answer = json.loads(out)
        error = 0.0
        for ours, theirs in zip(gradients, answer["gradients"], strict=True):
            other = np.asarray(theirs, dtype=np.float64).reshape(ours.shape)
            scale = max(float(np.max(np.abs(other), initial=0.0)), 1e-300)
            error = max(error, float(np.max(np.abs(ours - other), initial=0.0)) / scale)
        return Reverse(error, "", **answer["operations"])


def _plain(point: Values) -> dict[str, Any]:
    return {name: np.asarray(value).tolist() for name, value in point.items()}


def gradients(text: str, wrt: str, points: list[dict[str, Any]]) -> dict[str, Any]:
    """Return JAX's gradients at points in float64, and the operations it needs."""
    import jax
    import jax.numpy as jnp

    from lecta.derive.evaluate import Arithmetic, array_functions, run
    from lecta.derive.program import read_program

    for name, value in (("jax_platforms", "cpu"), ("jax_enable_x64", True)):
        jax.config.update(name, value)  # type: ignore[no-untyped-call, unused-ignore]  # unused where JAX is absent
    program = read_program(text, wrt)
    leaf = next(name for name in program.inputs if name.replace("_", "") == wrt.replace("_", ""))

    def power(base: Any, exponent: Any, written: Any) -> Any:
        if written.op == "const" and written.attr.denominator == 1 and abs(written.attr) < 64:
            return base ** int(written.attr)
        return jnp.power(base, exponent)

    arithmetic = Arithmetic(
        jnp, float, {"E": math.e, "pi": math.pi}, array_functions(jnp, jax.scipy.special.erf), power, jnp.maximum
    )

    def output(value: Any, rest: dict[str, Any]) -> Any:
        found = run(program, {**rest, leaf: value}, arithmetic)[program.output]
        return jnp.sum(found * rest["v"]) if program.shape(program.output) else jnp.asarray(found)

    compiled = jax.jit(jax.grad(output))
    found = []
    for point in points:
        values = {key: jnp.asarray(value, jnp.float64) for key, value in point.items()}
        rest = {key: value for key, value in values.items() if key != leaf}
        found.append(np.asarray(compiled(values[leaf], rest)).tolist())
    return {"gradients": found, "operations": _operations(output, values[leaf], rest)}


def _operations(output: Any, value: Any, rest: dict[str, Any]) -> dict[str, int]:
    import jax

    forward = count(jax.make_jaxpr(output)(value, rest))
    reverse = count(jax.make_jaxpr(jax.value_and_grad(output))(value, rest))
    direction = count(jax.make_jaxpr(lambda at, way: jax.jvp(lambda x: output(x, rest), (at,), (way,)))(value, value))
    return {
        "forward_pass": forward,
        "reverse_mode": reverse,
        "forward_mode": direction * int(value.size),
        "passes": int(value.size),
    }


_FREE = {
    "broadcast_in_dim", "reshape", "transpose", "convert_element_type", "squeeze", "slice", "copy", "pjit", "pad",
    "stop_gradient", "concatenate", "rev", "expand_dims", "gather", "dynamic_slice", "select_n",
}  # fmt: skip


def count(closed: Any) -> int:
    """Return how many operations on numbers JAX's program takes; moving numbers about is free."""
    total = 0
    for equation in closed.jaxpr.eqns:
        inner = equation.params.get("jaxpr") or equation.params.get("call_jaxpr")
        if inner is not None:
            total += count(inner if hasattr(inner, "jaxpr") else _Closed(inner))
        elif equation.primitive.name == "dot_general":
            (left, _), _ = equation.params["dimension_numbers"]
            inside = math.prod(equation.invars[0].aval.shape[axis] for axis in left)
            total += math.prod(equation.outvars[0].aval.shape) * (2 * inside - 1)
        elif equation.primitive.name.startswith("reduce_"):
            total += math.prod(equation.invars[0].aval.shape) - math.prod(equation.outvars[0].aval.shape)
        elif equation.primitive.name not in _FREE:
            total += math.prod(equation.outvars[0].aval.shape)
    return total


@dataclass(frozen=True)
class _Closed:
    jaxpr: Any


def main() -> None:
    """Read a request from stdin and print the gradients."""
    request = json.loads(sys.stdin.read())
    sys.stdout.write(json.dumps(gradients(request["text"], request["wrt"], request["points"])))


if __name__ == "__main__":
    main()
