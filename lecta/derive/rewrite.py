"""Expressions rewritten: parts replaced by others, and simplified anew on the way."""

from __future__ import annotations

from collections.abc import Callable

from lecta.derive import expr as e
from lecta.derive.node import Expr, make


def rebuild(node: Expr, args: tuple[Expr, ...]) -> Expr:  # noqa: PLR0911  # one for each operation
    """Return the same operation on other arguments of the same shapes, simplified anew."""
    if args == node.args:
        return node
    simple: dict[str, Callable[..., Expr]] = {
        "add": e.add, "mul": e.mul, "pow": e.power, "max": e.larger, "matmul": e.matmul, "outer": e.outer,
        "transpose": e.transpose,
    }  # fmt: skip
    if node.op in simple:
        return simple[node.op](*args)
    if node.op == "fn":
        return e.fn(node.attr[0], args[0], *node.attr[1:])
    if node.op == "broadcast":
        return e.broadcast(args[0], node.shape)
    if node.op == "sum":
        return e.total(args[0], *node.attr)
    if node.op == "reshape":
        return e.reshape(args[0], node.shape)
    return make(node.op, args, node.attr, node.shape)


def replace(root: Expr, table: dict[Expr, Expr]) -> Expr:
    """Return `root` with whole subexpressions replaced; the largest match wins."""
    wanted = [root]
    done: dict[Expr, Expr] = dict(table)
    while wanted:
        node = wanted[-1]
        if node in done:
            wanted.pop()
            continue
        missing = [arg for arg in node.args if arg not in done]
        if missing:
            wanted.extend(missing)
        else:
            done[node] = rebuild(node, tuple(done[arg] for arg in node.args))
            wanted.pop()
    return done[root]
