"""Nodes of a graph in layers from left to right, few arrows crossing: a small form of Sugiyama's method (1981).

Our own since a picture in the documentation must come out the same every time: fast-sugiyama's layout differs from
run to run, grandalf is GPL or EPL and no longer kept, and Graphviz is a program beside Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

Node = str | tuple[str, str, int]  # a value, or where a long arrow passes a layer
Place = tuple[int, float]  # layer from the left, row from the top

_SWEEPS = 8


def place(arrows: Sequence[tuple[str, str]], last: str) -> tuple[dict[str, Place], dict[tuple[str, str], list[Place]]]:
    """Return the place of every node, and for every arrow the places it goes through; `last` is rightmost."""
    depth = _depths(arrows, last)
    deepest = max(depth.values())
    layer: dict[Node, int] = {name: deepest - steps for name, steps in depth.items()}
    chains: dict[tuple[str, str], list[Node]] = {}
    for start, end in dict.fromkeys(arrows):
        between = [(start, end, at) for at in range(layer[start] + 1, layer[end])]
        layer |= {node: node[2] for node in between}
        chains[start, end] = [start, *between, end]
    links = [link for chain in chains.values() for link in pairwise(chain)]
    rows = _rows(layer, links)
    at = {node: (layer[node], rows[node]) for node in layer}
    nodes = {node: where for node, where in at.items() if isinstance(node, str)}
    return nodes, {arrow: [at[node] for node in chain] for arrow, chain in chains.items()}


def _depths(arrows: Sequence[tuple[str, str]], last: str) -> dict[str, int]:
    """Return the longest way from each node to the last: an input stands just before it is first needed."""
    depth = {last: 0}
    for _ in range(len(arrows) + 1):
        changed = False
        for start, end in arrows:
            if end in depth and depth.get(start, -1) < depth[end] + 1:
                depth[start] = depth[end] + 1
                changed = True
        if not changed:
            break
    return depth


def _rows(layer: dict[Node, int], links: list[tuple[Node, Node]]) -> dict[Node, float]:
    layers: list[list[Node]] = [[] for _ in range(max(layer.values()) + 1)]
    for node, number in layer.items():
        layers[number].append(node)
    before: dict[Node, list[Node]] = {node: [] for node in layer}
    after: dict[Node, list[Node]] = {node: [] for node in layer}
    for start, end in links:
        before[end].append(start)
        after[start].append(end)
    row: dict[Node, float] = {node: float(number) for nodes in layers for number, node in enumerate(nodes)}
    for sweep in range(_SWEEPS):
        beside = after if sweep % 2 == 0 else before
        for nodes in reversed(layers) if sweep % 2 == 0 else layers:
            nodes.sort(key=lambda node: _mean((row[other] for other in beside[node]), row[node]))
            row.update({node: float(number) for number, node in enumerate(nodes)})
    for sweep in range(_SWEEPS):
        for nodes in reversed(layers) if sweep % 2 == 0 else layers:
            wanted = [_mean((row[other] for other in (*before[node], *after[node])), row[node]) for node in nodes]
            row.update(dict(zip(nodes, _spaced(wanted), strict=True)))
    top = min(row.values())
    return {node: value - top for node, value in row.items()}


def _mean(values: Iterable[float], otherwise: float) -> float:
    found = list(values)
    return sum(found) / len(found) if found else otherwise


def _spaced(wanted: list[float]) -> list[float]:
    """Keep the order and one row between neighbours, as near as may be to what is wanted."""
    placed: list[float] = []
    for value in wanted:
        placed.append(value if not placed else max(value, placed[-1] + 1))
    shift = (sum(wanted) - sum(placed)) / len(placed)
    return [value + shift for value in placed]
