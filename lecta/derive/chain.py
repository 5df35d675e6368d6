"""The chain rule on named values: intermediate names, edges with their derivatives, paths, and the sum over them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from lecta.derive import expr as e
from lecta.derive.expr import Expr, Shape, var
from lecta.derive.program import Program
from lecta.derive.rewrite import replace as replace_parts
from lecta.derive.rules import pull_back, rule_names

MAX_PATHS = 8

_SIMPLE = ("const", "sym", "var")
_STAGES = ("fn", "softmax", "log_softmax", "matmul", "correlate", "convolve", "outer", "max", "abstract")


def gradient_name(name: str) -> str:
    """Return the name of the gradient that stands at a value; no name a person writes ends so."""
    return f"{name}§"


@dataclass(frozen=True)
class Edge:
    """One arrow of the graph: `of` is computed from `wrt`.

    `local` is ∂of/∂wrt where both are numbers, else None. `product` is what reaches `wrt` of the gradient that stands
    at `of`, as an expression of that gradient (`gradient_name(of)`): the vector-Jacobian product.
    """

    of: str
    wrt: str
    local: Expr | None
    product: Expr
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Chain:
    """The worked chain rule: the named values on the way, the arrows between them, and the gradient at each value."""

    program: Program
    wrt: str
    edges: tuple[Edge, ...]  # from the output backwards
    gradients: dict[str, Expr]  # of names and of the gradients of what was computed from the value
    whole: Expr  # the gradient with respect to `wrt`, of named values alone

    def path_count(self) -> int:
        """Return in how many ways the output depends on the variable."""
        counts = {self.program.output: 1}
        for edge in self.edges:  # every arrow into a value comes before those out of it
            counts[edge.wrt] = counts.get(edge.wrt, 0) + counts.get(edge.of, 0)
        return counts.get(self.wrt, 0)

    def paths(self) -> list[tuple[Edge, ...]]:
        """Return the first paths from the output to the variable, at most MAX_PATHS."""
        found: list[tuple[Edge, ...]] = []
        stack: list[tuple[Edge, ...]] = [(edge,) for edge in reversed(self.edges) if edge.of == self.program.output]
        while stack and len(found) < MAX_PATHS:
            path = stack.pop()
            if path[-1].wrt == self.wrt:
                found.append(path)
            else:
                stack.extend((*path, edge) for edge in reversed(self.edges) if edge.of == path[-1].wrt)
        return found


def work(program: Program, wrt: str) -> Chain:
    """Return the chain rule worked on a program; `wrt` is one of its inputs, spelled as there."""
    leaf = var(wrt, program.inputs[wrt])
    moving = _dependent(program.definitions, wrt)
    backwards = [name for name in reversed(program.definitions) if name in moving]
    output_shape = program.definitions[program.output].shape
    gradients: dict[str, Expr] = {program.output: e.ONE if output_shape == () else var("v", output_shape)}
    edges: list[Edge] = []
    named = _named(program.definitions)
    incoming: dict[str, list[Expr]] = {}
    for name in backwards:
        if name != program.output:
            if name not in incoming:
                continue
            gradients[name] = e.add(*incoming[name])
        for edge in _edges(program, name, moving | {wrt}, named):
            edges.append(edge)
            incoming.setdefault(edge.wrt, []).append(edge.product)
    gradients[wrt] = e.add(*incoming[wrt]) if wrt in incoming else e.zeros(leaf.shape)
    order = _in_order(edges, program)
    return Chain(program, wrt, tuple(order), gradients, _inlined(gradients, wrt, program))


def _in_order(edges: list[Edge], program: Program) -> list[Edge]:
    last = {name: number for number, name in enumerate(program.definitions)}
    return sorted(edges, key=lambda edge: -last[edge.of])


def _edges(program: Program, name: str, moving: set[str], named: dict[Expr, Expr]) -> Iterable[Edge]:
    root = program.definitions[name]
    seed = var(gradient_name(name), root.shape)
    for parent in e.names(root):
        if parent not in moving:
            continue
        leaf = var(parent, program.shape(parent))
        scalar = root.shape == () and leaf.shape == ()
        known = {expr: value for expr, value in named.items() if expr is not leaf}
        local = replace_parts(pull_back(root, e.ONE, leaf), known) if scalar else None
        product = e.mul(seed, local) if local is not None else replace_parts(pull_back(root, seed, leaf), known)
        yield Edge(name, parent, local, product, tuple(rule_names(root, leaf)))


def _named(definitions: dict[str, Expr]) -> dict[Expr, Expr]:
    """Return which expressions have a name, so that a derivative uses what the forward pass has computed."""
    return {root: var(name, root.shape) for name, root in reversed(definitions.items()) if root.op not in _SIMPLE}


def _inlined(gradients: dict[str, Expr], wrt: str, program: Program) -> Expr:
    """Put the gradients into each other until only named values are left."""
    table: dict[Expr, Expr] = {}
    for name, gradient in gradients.items():
        shape = gradient.shape if name == wrt else program.shape(name)
        table[var(gradient_name(name), shape)] = replace_parts(gradient, table)
    return table[var(gradient_name(wrt), program.inputs[wrt])]


def _dependent(definitions: dict[str, Expr], wrt: str) -> set[str]:
    found: set[str] = set()
    for name, root in definitions.items():
        if any(used == wrt or used in found for used in e.names(root)):
            found.add(name)
    return found


def adjoint(definitions: dict[str, Expr], root: Expr, leaf: Expr) -> Expr:
    """Return the gradient of `root` with respect to `leaf` through named values, as an expression of names."""
    arrived: dict[str, list[Expr]] = {leaf.attr: []}
    named = _named(definitions)
    for used in e.names(root):
        arrived.setdefault(used, []).append(pull_back(root, e.ONE, _leaf(used, definitions, root)))
    for name, expr in reversed(definitions.items()):
        if name == leaf.attr or not arrived.get(name):
            continue
        whole = e.add(*arrived[name])
        for used in e.names(expr):
            arrived.setdefault(used, []).append(pull_back(expr, whole, _leaf(used, definitions, expr)))
    parts = arrived[leaf.attr]
    known = {expr: value for expr, value in named.items() if value is not leaf}
    return replace_parts(e.add(*parts), known) if parts else e.zeros(leaf.shape)


def _leaf(name: str, definitions: dict[str, Expr], root: Expr) -> Expr:
    return next(node for node in e.nodes(root) if node.op == "var" and node.attr == name)


# --- intermediate names -----------------------------------------------------------------------------------------------


def with_steps(program: Program, wrt: str) -> Program:
    """Return the program with a name for every stage of a nested expression that depends on the variable."""
    taken = {*program.inputs, *program.definitions}
    fresh = _step_names(taken)
    definitions: dict[str, Expr] = {}
    named: dict[Expr, Expr] = {}
    moving = {wrt}
    for name, root in program.definitions.items():
        order = e.nodes(root)
        active = {node for node in order if node.op == "var" and node.attr in moving}
        table: dict[Expr, Expr] = dict(named)
        for node in order:
            if any(arg in active for arg in node.args):
                active.add(node)
            for part in _to_be_named(node) if node in active else ():
                if part in active and part not in table and part.op != "var":
                    step = next(fresh)
                    definitions[step] = replace_parts(part, {**table})
                    table[part] = named[part] = var(step, part.shape)
                    moving.add(step)
        if root in active:
            moving.add(name)
        definitions[name] = replace_parts(root, table) if root not in table else table[root]
    return replace(program, definitions=definitions)


def _to_be_named(node: Expr) -> Iterable[Expr]:
    """Yield the arguments of one operation that deserve a step of their own."""
    if node.op in _STAGES:
        yield from (arg for arg in node.args if not _light(arg))
    elif node.op == "pow":
        yield from (arg for arg in node.args if not _light(arg, sums=True))
    elif node.op == "sum" and any(part.op in _STAGES for part in e.nodes(node.args[0])):
        yield from (part for part in _factors(node.args[0]) if part.op in _STAGES)


def _factors(expr: Expr) -> tuple[Expr, ...]:
    return expr.args if expr.op == "mul" else (expr,)


def _light(expr: Expr, sums: bool = False) -> bool:
    """Is an argument so simple that a step of its own would say nothing: a name, minus a name, its transpose?"""
    if expr.op in _SIMPLE or expr.op in ("transpose", "broadcast", "index"):
        return all(_light(arg) for arg in expr.args)
    if sums and expr.op == "add":
        return all(_light(e.coefficient(arg)[1]) and abs(e.coefficient(arg)[0]) == 1 for arg in expr.args)
    return False


def _step_names(taken: Iterable[str]) -> Iterator[str]:
    """Yield u_1, u_2, ... or another letter where a name begins with u."""
    letter = next((letter for letter in "usgq" if not any(name.startswith(letter) for name in taken)), "step")
    yield from (f"{letter}_{number}" for number in range(1, 10_000))


def shapes_of(program: Program) -> dict[str, Shape]:
    """Return the shape of every name in a program, and of the gradient at it."""
    shapes = {name: program.shape(name) for name in (*program.inputs, *program.definitions)}
    return shapes | {gradient_name(name): shape for name, shape in shapes.items()}
