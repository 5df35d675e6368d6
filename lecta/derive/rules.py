"""How a change of each operation's result is pulled back to its arguments: the vector-Jacobian products.

For y = op(a, b, ...) and the gradient g of some number with respect to y (an array of y's shape), `pull_back` gives
the gradients with respect to a, b, ... : gᵀ·∂y/∂a and so on, each of its argument's shape. For numbers, g = 1 gives
the derivative itself. Sources: Griewank and Walther, Evaluating Derivatives (2008), ch. 3; Giles, Collected matrix
derivative results (2008), for the matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from lecta.derive import expr as e
from lecta.derive.expr import Expr, Shape, make
from lecta.derive.functions import FUNCTIONS, derivative

_HALF = e.const(Fraction(1, 2))

RULE_NAMES = {
    "add": "sum rule", "mul": "product rule", "pow": "power rule", "matmul": "product with a matrix",
    "outer": "outer product", "transpose": "transposition", "sum": "a sum passes its gradient to every term",
    "broadcast": "a repeated value adds up its gradients", "reshape": "same entries in another shape",
    "index": "one entry", "scatter": "one entry", "correlate": "convolution", "convolve": "convolution",
    "softmax": "derivative of softmax", "log_softmax": "derivative of log-softmax",
    "max": "the larger one gets the gradient", "abstract": "a function left general",
}  # fmt: skip


def pull_back(root: Expr, gradient: Expr, leaf: Expr) -> Expr:
    """Return the gradient that reaches `leaf` in `root` when `gradient` stands at `root`: the chain rule itself."""
    order = e.nodes(root)
    active = {leaf}
    for node in order:
        if any(arg in active for arg in node.args):
            active.add(node)
    arrived: dict[Expr, list[Expr]] = {root: [gradient]}
    for node in reversed(order):
        if node is leaf or node not in active or node not in arrived:
            continue
        whole = e.add(*arrived.pop(node))
        for arg, part in zip(node.args, local(node, whole), strict=True):
            if arg in active:
                arrived.setdefault(arg, []).append(part)
    return e.add(*arrived[leaf]) if leaf in arrived else e.zeros(leaf.shape)


def rule_names(root: Expr, leaf: Expr) -> list[str]:
    """Return the names of the rules used between `root` and `leaf`."""
    order = e.nodes(root)
    active = {leaf}
    found: dict[str, None] = {}
    for node in order:
        if not any(arg in active for arg in node.args):
            continue
        active.add(node)
        found.setdefault(_rule_name(node, active))
    return [name for name in reversed(found) if name] or ["the value itself"]


def _rule_name(node: Expr, active: set[Expr]) -> str:
    moving = [arg for arg in node.args if arg in active]
    if node.op == "fn":
        return f"derivative of {node.attr[0].replace('_', ' ')}"
    if node.op == "mul" and len(moving) == 1:
        divides = any(e.is_divisor(arg) and arg not in active for arg in node.args)
        return (
            "" if node.args[0].op == "const" and len(node.args) == 2 else f"constant factor{' (divided by)' * divides}"
        )
    if node.op == "pow":
        base, exponent = node.args
        if exponent in active:
            return "derivative of an exponential" if base not in active else "power with both parts changing"
        if e.is_number(exponent, -1):
            return "reciprocal rule"
        return "derivative of the square root" if exponent is _HALF else "power rule"
    return RULE_NAMES.get(node.op, node.op)


def local(node: Expr, g: Expr) -> list[Expr]:
    """Return the gradients with respect to each argument of one operation, given the one with respect to its result."""
    return _RULES[node.op](node, g)


def _fit(g: Expr, shape: Shape) -> Expr:
    """Sum a gradient over the axes along which a value of this shape was repeated."""
    if g.shape == shape:
        return g
    if shape == ():
        return e.total(g)
    if len(shape) < len(g.shape):
        g = e.total(g, 0)
    for axis, size in enumerate(shape):
        if size == 1 and g.shape[axis] != 1:
            g = e.total(g, axis, keep=True)
    return g


def _add(node: Expr, g: Expr) -> list[Expr]:
    return [_fit(g, arg.shape) for arg in node.args]


def _mul(node: Expr, g: Expr) -> list[Expr]:
    return [_fit(e.mul(g, *node.args[:at], *node.args[at + 1 :]), arg.shape) for at, arg in enumerate(node.args)]


def _pow(node: Expr, g: Expr) -> list[Expr]:
    base, exponent = node.args
    to_base = e.mul(g, exponent, e.power(base, e.sub(exponent, e.ONE)))
    to_exponent = e.ZERO if exponent.op == "const" else e.mul(g, node, e.fn("log", base))
    return [_fit(to_base, base.shape), _fit(to_exponent, exponent.shape)]


def _max(node: Expr, g: Expr) -> list[Expr]:
    left, right = node.args
    first = e.fn("step", e.sub(left, right))
    return [_fit(e.mul(g, first), left.shape), _fit(e.mul(g, e.sub(e.ONE, first)), right.shape)]


def _matmul(node: Expr, g: Expr) -> list[Expr]:
    a, b = node.args
    if len(a.shape) == 1 and len(b.shape) == 1:
        return [e.mul(g, b), e.mul(g, a)]
    if len(b.shape) == 1:
        return [e.outer(g, b), e.matmul(e.transpose(a), g)]
    return [e.matmul(g, e.transpose(b)), e.matmul(e.transpose(a), g)]


def _outer(node: Expr, g: Expr) -> list[Expr]:
    a, b = node.args
    return [e.matmul(g, b), e.matmul(e.transpose(g), a)]


def _transpose(node: Expr, g: Expr) -> list[Expr]:
    (arg,) = node.args
    return [e.transpose(g) if len(arg.shape) == 2 else e.reshape(g, arg.shape)]


def _sum(node: Expr, g: Expr) -> list[Expr]:
    (arg,) = node.args
    axis, keep = node.attr
    if axis is not None and not keep:
        g = e.reshape(g, tuple(1 if at == axis else size for at, size in enumerate(arg.shape)))
    return [e.broadcast(g, arg.shape)]


def _softmax(node: Expr, g: Expr) -> list[Expr]:
    return [e.mul(node, e.sub(g, _along_last(e.mul(g, node))))]


def _log_softmax(node: Expr, g: Expr) -> list[Expr]:
    (arg,) = node.args
    probabilities = make("softmax", (arg,), None, node.shape)
    return [e.sub(g, e.mul(probabilities, _along_last(g)))]


def _along_last(array: Expr) -> Expr:
    return e.total(array) if len(array.shape) == 1 else e.total(array, -1, keep=True)


def _index(node: Expr, g: Expr) -> list[Expr]:
    (arg,) = node.args
    return [make("scatter", (g,), node.attr, arg.shape)]


def _scatter(node: Expr, g: Expr) -> list[Expr]:
    return [make("index", (g,), node.attr, node.args[0].shape)]


def correlate(signal: Expr, kernel: Expr) -> Expr:
    """Return y[i] = Σ_j kernel[j]·signal[i+j]: the convolution of a convolutional layer, without padding."""
    return make("correlate", (signal, kernel), None, (signal.shape[0] - kernel.shape[0] + 1,))


def _correlate(node: Expr, g: Expr) -> list[Expr]:
    signal, kernel = node.args
    full = make("convolve", (g, kernel), None, signal.shape)
    return [full, correlate(signal, g)]


def _convolve(node: Expr, g: Expr) -> list[Expr]:
    left, right = node.args
    return [correlate(g, right), correlate(g, left)]


def _abstract(node: Expr, g: Expr) -> list[Expr]:
    name, orders = node.attr
    return [
        e.mul(g, make("abstract", node.args, (name, (*orders[:at], orders[at] + 1, *orders[at + 1 :])), node.shape))
        for at in range(len(node.args))
    ]


_RULES: dict[str, Callable[[Expr, Expr], list[Expr]]] = {
    "add": _add, "mul": _mul, "pow": _pow, "max": _max, "matmul": _matmul, "outer": _outer, "transpose": _transpose,
    "sum": _sum, "softmax": _softmax, "log_softmax": _log_softmax, "index": _index, "scatter": _scatter,
    "correlate": _correlate, "convolve": _convolve, "abstract": _abstract,
    "fn": lambda node, g: [e.mul(g, derivative(node))],
    "broadcast": lambda node, g: [_fit(g, node.args[0].shape)],
    "reshape": lambda node, g: [e.reshape(g, node.args[0].shape)],
}  # fmt: skip


def operations(node: Expr) -> int:  # noqa: PLR0911  # one for each kind
    """Return how many additions, multiplications and function values one operation takes."""
    size = math.prod(node.shape)
    if node.op in ("const", "sym", "var", "broadcast", "reshape", "transpose", "index", "scatter"):
        return 0
    if node.op in ("add", "mul"):
        return size * (len(node.args) - 1)
    if node.op == "matmul":
        return size * (2 * node.args[0].shape[-1] - 1)
    if node.op in ("correlate", "convolve"):
        return 2 * math.prod(node.args[0].shape) * math.prod(node.args[1].shape)
    if node.op == "sum":
        return max(math.prod(node.args[0].shape) - size, 0)
    if node.op in ("softmax", "log_softmax"):
        return 4 * size
    return size


def kinks(root: Expr) -> list[tuple[str, Expr]]:
    """Return the operations without a derivative somewhere: what to say of each, and what must not be zero."""
    found = []
    for node in e.nodes(root):
        if node.op == "fn" and FUNCTIONS[node.attr[0]].kink:
            found.append((f"{node.attr[0]} has no derivative {FUNCTIONS[node.attr[0]].kink}", node.args[0]))
        elif node.op == "max":
            found.append(("max has no derivative where both are equal; there the second gets all", e.sub(*node.args)))
    return found
