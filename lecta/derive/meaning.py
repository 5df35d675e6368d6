"""What a factor of the chain means, what the forward pass keeps for it, and where it vanishes or blows up."""

from __future__ import annotations

import numpy as np

from lecta.derive import expr as e
from lecta.derive.chain import Chain, Edge
from lecta.derive.functions import FUNCTIONS
from lecta.derive.result import Numbers
from lecta.derive.show import latex, name_latex

_SLOPES = {
    "sigmoid": "at most 1/4, at 0, and near 0 where the unit is saturated",
    "tanh": "at most 1, at 0, and near 0 where the unit is saturated",
    "relu": "1 where the unit is on, 0 where it is off",
    "leaky_relu": "1 above 0, the small slope below",
    "softplus": "between 0 and 1",
    "gelu": "about 0 far below 0, about 1 far above",
    "exp": "the value itself",
    "log": "one over the argument: large where that is small",
    "abs": "the sign",
}
_SMALL, _LARGE = 0.1, 10.0


def factor_meaning(edge: Edge, chain: Chain) -> str:
    """Return in words what one step does to a change."""
    root = chain.program.definitions[edge.of]
    of, wrt = f"${name_latex(edge.of)}$", f"${name_latex(edge.wrt)}$"
    if root.op == "fn" and root.args[0].op == "var":
        name = root.attr[0]
        slope = _SLOPES.get(name)
        return f"the slope of {name.replace('_', ' ')} at {wrt}" + (f", {slope}" if slope else "")
    if root.op == "matmul":
        return f"{wrt} enters {of} through a matrix product, and the gradient comes back through the other factor"
    if root.op in ("softmax", "log_softmax"):
        return "raising one entry of a softmax lowers all others, so each gradient is taken relative to their mean"
    if root.op == "correlate":
        return f"every entry of {wrt} takes part in several entries of {of}, and what they send back is added up"
    if root.op == "abstract":
        return f"how {of} answers to {wrt}; it depends on the function, which was left general"
    if edge.local is None:
        return f"the gradient at {of} sent back to {wrt}"
    if e.is_number(edge.local):
        return f"a change of {wrt} comes out {latex(edge.local)} times as large in {of}, wherever it is"
    if edge.local.op == "var":
        return f"${latex(edge.local)}$ is what {wrt} is multiplied by on its way into {of}"
    difference = edge.local.op == "add" and len(edge.local.args) == 2
    if difference and root.op in ("pow", "mul") and "power rule" in edge.rules:
        return "the error itself: how far the two values are apart, and in which direction"
    return f"how much {of} changes for a small change of {wrt}"


def kept(chain: Chain) -> tuple[list[str], list[str]]:
    """Return the computed values and the inputs that the derivatives use: what the forward pass must keep."""
    used = {name for gradient in chain.gradients.values() for name in e.names(gradient)}
    values = [name for name in chain.program.definitions if name in used]
    return values, [name for name in chain.program.inputs if name in used]


def vanishing(chain: Chain, numbers: Numbers | None, clip: float | None) -> list[str]:
    """Return lines on factors that go to zero or grow, with the numbers where values are given."""
    lines: dict[str, None] = {}
    moving = {edge.of for edge in chain.edges}
    for name, root in chain.program.definitions.items():
        for node in e.nodes(root) if name in moving else ():
            if node.op == "fn":
                function = FUNCTIONS[node.attr[0]]
                argument = latex(node.args[0])
                shown = node.attr[0].replace("_", " ")
                if function.flat:
                    lines[f"The slope of {shown} at ${argument}$ goes to 0 {function.flat}."] = None
                if function.steep:
                    lines[f"The slope of {shown} at ${argument}$ grows without bound {function.steep}."] = None
            elif node.op in ("softmax", "log_softmax"):
                lines[f"Where one entry of softmax of ${latex(node.args[0])}$ is near 1, its Jacobian is near 0."] = (
                    None
                )
    for divisor in _divisors(chain):
        lines[f"It divides by ${divisor}$, and blows up where that is near 0."] = None
    weights = [edge for edge in chain.edges if edge.local is not None and edge.local.op == "var"]
    repeated = {latex(edge.local) for edge in weights if sum(o.local is edge.local for o in weights) > 1 and edge.local}
    for weight in sorted(repeated):
        lines[f"${weight}$ is a factor of several steps: below 1 in size their product shrinks, above 1 it grows."] = (
            None
        )
    if numbers is not None:
        lines.update(dict.fromkeys(_with_numbers(chain, numbers)))
        lines.update(dict.fromkeys(_clipped(chain, numbers, clip)))
    elif clip is not None:
        lines[f"Clipping at {clip:g} multiplies the gradient by min(1, {clip:g}/norm); give values to see it."] = None
    return list(lines)


def _divisors(chain: Chain) -> list[str]:
    found: dict[str, None] = {}
    for node in e.nodes(chain.whole):
        if node.op == "pow" and node.args[1].op == "const" and node.args[1].attr < 0 and e.names(node.args[0]):
            found[latex(node.args[0])] = None
    return list(found)


def _with_numbers(chain: Chain, numbers: Numbers) -> list[str]:
    lines = []
    for (of, wrt), value in numbers.locals.items():
        factor = f"$\\partial {name_latex(of)} / \\partial {name_latex(wrt)}$ is {value:.3g} here"
        if value == 0:
            lines.append(f"{factor}: nothing comes back through it.")
        elif abs(value) < _SMALL:
            lines.append(f"{factor}: it shrinks the gradient {1 / abs(value):.3g} times.")
        elif abs(value) > _LARGE:
            lines.append(f"{factor}: it makes the gradient {abs(value):.3g} times as large.")
    sizes = {name: float(np.max(np.abs(gradient))) for name, gradient in numbers.gradients.items()}
    first, last = sizes[chain.program.output], sizes[chain.wrt]
    lines.append(
        f"At the given values the largest entry of the gradient goes from {first:.3g} at ${name_latex(chain.program.output)}$ "
        f"to {last:.3g} at ${name_latex(chain.wrt)}$."
    )
    return lines


def _clipped(chain: Chain, numbers: Numbers, clip: float | None) -> list[str]:
    if clip is None:
        return []
    norm = float(np.linalg.norm(np.ravel(numbers.gradients[chain.wrt])))
    factor = min(1.0, clip / norm) if norm else 1.0
    return [
        f"Its norm is {norm:.4g}; clipped at {clip:g} it is multiplied by min(1, {clip:g}/{norm:.4g}) = {factor:.4g}, "
        f"and keeps its direction."
    ]
