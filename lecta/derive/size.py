"""How long an expression is when it is written out: shared parts count each time, and a network has very many."""

from __future__ import annotations

import math

from lecta.derive import expr as e
from lecta.derive.expr import Expr
from lecta.derive.program import Program

WRITTEN = 3_000  # operations that are written out as one formula
ALGEBRA = 8_000  # numbers and signs of one entry's formula that SymPy is given


def written_size(root: Expr, named: dict[str, int] | None = None) -> int:
    """Return how many operations a formula shows, names counting as what they stand for in `named`."""
    sizes: dict[Expr, int] = {}
    for node in e.nodes(root):
        own = (named or {}).get(node.attr, 1) if node.op == "var" else 1
        sizes[node] = own + sum(sizes[arg] for arg in node.args)
    return sizes[root]


def entry_size(program: Program) -> int:
    """Return how large the output's formula is, written out in numbers alone."""
    named: dict[str, int] = {}
    for name, root in program.definitions.items():
        sizes: dict[Expr, int] = {}
        for node in e.nodes(root):
            inner = sum(sizes[arg] for arg in node.args)
            sizes[node] = (named.get(node.attr, 1) if node.op == "var" else 1) + inner * _terms(node)
        named[name] = sizes[root]
    return named[program.output] * max(1, math.prod(program.shape(program.output)))


def _terms(node: Expr) -> int:
    """Return how many entries of its arguments one entry of an operation is made of."""
    if node.op == "matmul":
        return node.args[0].shape[-1]
    if node.op == "sum":
        return math.prod(node.args[0].shape) // max(1, math.prod(node.shape))
    if node.op in ("softmax", "log_softmax"):
        return node.shape[-1]
    return min(math.prod(arg.shape) for arg in node.args) if node.op in ("correlate", "convolve") else 1
