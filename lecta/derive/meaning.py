"""What a factor of the chain means, what the forward pass keeps for it, and where it vanishes or blows up."""

from __future__ import annotations

import numpy as np

from lecta.derive import expr as e
from lecta.derive.chain import Chain, Edge
from lecta.derive.functions import FUNCTIONS
from lecta.derive.result import Numbers
from lecta.derive.show import latex, name_latex
from lecta.derive.size import written_size

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


def factor_meaning(edge: Edge, chain: Chain) -> str:  # noqa: PLR0911  # one for each kind
    """Return in words what one step does to a change."""
    root = chain.program.definitions[edge.of]
    of, wrt = f"${name_latex(edge.of)}$", f"${name_latex(edge.wrt)}$"
    if root.op == "fn" and root.args[0].op == "var":
        name = root.attr[0]
        slope = _SLOPES.get(name)
        return f"the slope of {name.replace('_', ' ')} at {wrt}" + (f", {slope}" if slope else "")
    if root.op in ("softmax", "log_softmax"):
        return "raising one entry of a softmax lowers all others, so each gradient is taken relative to their mean"
    if root.op == "correlate":
        return f"every entry of {wrt} takes part in several entries of {of}, and what they send back is added up"
    if root.op == "abstract":
        return f"how {of} answers to {wrt}; it depends on the function, which was left general"
    if edge.local is None:
        return _array_meaning(edge, of, wrt)
    if e.is_number(edge.local):
        number = latex(edge.local)
        times = {"1": "as it is", "-1": "with its sign turned"}.get(number, f"${number}$ times as large")
        return f"a change of {wrt} comes out {times} in {of}, wherever it is"
    if edge.local.op == "var" and edge.local.attr == edge.wrt:
        return f"{wrt} itself, since {of} is half its square"
    if edge.local.op == "var":
        return f"${latex(edge.local)}$ is what {wrt} is multiplied by on its way into {of}"
    difference = edge.local.op == "add" and len(edge.local.args) == 2
    if difference and root.op in ("pow", "mul") and "power rule" in edge.rules:
        return "the error itself: how far the two values are apart, and in which direction"
    return f"how much {of} changes for a small change of {wrt}"


def _array_meaning(edge: Edge, of: str, wrt: str) -> str:  # noqa: PLR0911  # one for each kind
    number, product = e.coefficient(edge.product)
    if product.op == "var":
        return "the gradient passes " + ("unchanged: nothing on this way makes it smaller" if number == 1 else "scaled")
    if product.op == "outer":
        return f"each entry of {wrt} gets the gradient at its output times the value at its input"
    if product.op == "matmul":
        transposed = any(arg.op == "transpose" for arg in product.args)
        way = "the same factor, transposed" if transposed else "the other factor of the product"
        return f"the gradient at {of} goes back through {way}"
    if product.op == "sum" or product.shape == ():
        return f"{wrt} served every entry of {of}, and their gradients are added up"
    if product.op == "broadcast":
        return f"every entry of {wrt} has the same part in {of}, and gets the same gradient"
    difference = any(node.op == "add" for node in product.args) and "power rule" in edge.rules
    if difference:
        return "the error itself: how far the two values are apart, and in which direction"
    return f"the gradient at {of} times how much {of} changes with {wrt}, entry by entry"


def kept(chain: Chain) -> tuple[list[str], list[str]]:
    """Return the computed values and the inputs that the derivatives use: what the forward pass must keep."""
    used = {name for gradient in chain.gradients.values() for name in e.names(gradient)}
    values = [name for name in chain.program.definitions if name in used]
    return values, [name for name in chain.program.inputs if name in used]


def vanishing(chain: Chain, numbers: Numbers | None, clip: float | None) -> list[str]:
    """Return lines on factors that go to zero or grow, with the numbers where values are given."""
    lines: dict[str, None] = dict.fromkeys(_slopes(chain))
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


def _slopes(chain: Chain) -> list[str]:
    """Return a line for each function on the way whose slope goes to zero or grows, with all its arguments."""
    moving = {edge.of for edge in chain.edges}
    found: dict[tuple[str, str], dict[str, None]] = {}
    for name, root in chain.program.definitions.items():
        for node in e.nodes(root) if name in moving else ():
            argument = f"${latex(node.args[0])}$" if node.args else ""
            if node.op == "fn":
                function, shown = FUNCTIONS[node.attr[0]], node.attr[0].replace("_", " ")
                if function.flat:
                    found.setdefault((shown, f"goes to 0 {function.flat}"), {})[argument] = None
                if function.steep:
                    found.setdefault((shown, f"grows without bound {function.steep}"), {})[argument] = None
            elif node.op in ("softmax", "log_softmax"):
                found.setdefault(("softmax", "goes to 0 where one of its entries is near 1"), {})[argument] = None
    return [f"The slope of {shown} at {', '.join(at)} {what}." for (shown, what), at in found.items()]


def _divisors(chain: Chain) -> list[str]:
    found: dict[str, None] = {}
    for node in e.nodes(chain.whole):
        if e.is_divisor(node) and e.names(node.args[0]) and written_size(node) < 100:
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
        f"At the given values the largest entry of the gradient goes from {first:.3g} at "
        f"${name_latex(chain.program.output)}$ to {last:.3g} at ${name_latex(chain.wrt)}$."
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
