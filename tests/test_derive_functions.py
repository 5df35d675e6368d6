"""Derivatives of many functions against references: random composites, and tables of integrals read backwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sympy

from benchmarks.derive import composites, known_functions, same
from lecta.derive import derive

SOME = composites()[::8]


@pytest.mark.parametrize("function", SOME)
def test_a_random_function(function: str) -> None:
    found = derive(function, "x", jax=False)
    reference = sympy.diff(sympy.sympify(function, locals=known_functions()), sympy.Symbol("x"))
    assert same(found.derivative, reference, "x")
    assert found.checks.symbolic.agrees
    assert found.checks.differences.agrees


@pytest.mark.shared
def test_functions_with_a_reference_derivative(shared: Callable[[str], Path]) -> None:
    lines = shared("eval/calculus/derivatives-dev.jsonl").read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, lines[::5]):
        found = derive(row["function"], row["variable"], jax=False)
        assert same(found.derivative, sympy.sympify(row["derivative"]), row["variable"]), row["function"]


def test_the_comparison_can_fail() -> None:
    x = sympy.Symbol("x")
    assert same("cos(x)", sympy.cos(x), "x") is True
    assert same("cos(x) + x/10**6", sympy.cos(x), "x") is False
