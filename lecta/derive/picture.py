"""The computational graph as a picture: values on the nodes, local derivatives on the arrows, gradients flowing back.

What is drawn is plain SVG, the same every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np

from lecta.derive import expr as e
from lecta.derive.chain import Chain, Edge
from lecta.derive.layers import Place, place
from lecta.derive.result import Derivation, Numbers
from lecta.derive.show import text

_CHARACTER, _LINE, _ROW_GAP, _ARROW_ROOM = 7.3, 17, 28, 104  # pixels; 12-pixel monospaced letters
_LONGEST = 34  # characters of a formula on a node
_STYLE = (
    "text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#1b1f24}"
    ".node{fill:#fff;stroke:#57606a}.input{fill:#f6f8fa}.wrt{fill:#fff8c5;stroke:#9a6700}"
    ".out{fill:#ddf4ff;stroke:#0969da}"
    ".way{fill:none;stroke:#57606a;stroke-width:1.2}"
    ".back{fill:none;stroke:#cf222e;stroke-width:1.2;stroke-dasharray:5 3}"
    ".still{stroke:#afb8c1}.gradient{fill:#cf222e}.value{fill:#0550ae}.local{fill:#57606a}"
    ".halo{paint-order:stroke;stroke:#fff;stroke-width:4px}"
)


@dataclass(frozen=True)
class Box:
    """One node: its middle, its size, and its lines of text with their classes."""

    x: float
    y: float
    width: float
    height: float
    lines: tuple[tuple[str, str], ...]


def svg(derivation: Derivation) -> str:
    """Return the picture as an SVG document."""
    chain, numbers = derivation.chain, derivation.numbers
    boxes, ways = layout(chain, numbers)
    locals_ = {(edge.wrt, edge.of): edge for edge in chain.edges}
    drawn = [_arrow(ways[way], boxes, way, locals_.get(way), numbers) for way in ways]
    drawn += [_node(name, box, chain) for name, box in boxes.items()]
    width = max(box.x + box.width / 2 for box in boxes.values()) + 20
    height = max(box.y + box.height / 2 for box in boxes.values()) + 30
    title = f"{chain.program.output} and its gradient with respect to {chain.wrt}"
    legend = "→ forward: values    ⇠ backward: the gradient of the result, multiplied by the derivative on each arrow"
    width = max(width, len(legend) * _CHARACTER + 20)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height + 16:.0f}" width="{width:.0f}" '
            f'height="{height + 16:.0f}" role="img" aria-label="{escape(title)}">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style>",
            '<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0L8 4L0 8z" fill="#57606a"/></marker><marker id="from" viewBox="0 0 8 8" refX="7" refY="4" '
            'markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#cf222e"/></marker></defs>',
            '<rect width="100%" height="100%" fill="#fff"/>',
            *drawn,
            f'<text x="10" y="{height + 6:.0f}" class="local">{escape(legend)}</text>',
            "</svg>\n",
        ]
    )


def layout(
    chain: Chain, numbers: Numbers | None
) -> tuple[dict[str, Box], dict[tuple[str, str], list[tuple[float, float]]]]:
    """Return a box for every value, and for every arrow the points it bends at; layers go from left to right."""
    program = chain.program
    arrows = [(name, of) for of, root in program.definitions.items() for name in e.names(root)]
    arrows = _reaching(arrows, program.output)
    known = {name for arrow in arrows for name in arrow} | {program.output}
    lines = {name: _lines(name, chain, numbers) for name in known}
    sizes = {name: _size(found) for name, found in lines.items()}
    column = max(width for width, _ in sizes.values()) + _ARROW_ROOM
    row = max(height for _, height in sizes.values()) + _ROW_GAP
    places, ways = place(arrows, program.output)

    def pixels(where: Place) -> tuple[float, float]:
        return (where[0] + 0.5) * column, (where[1] + 0.5) * row + 10

    boxes = {
        name: Box(*pixels(places[name]), *sizes[name], lines[name]) for name in sorted(known, key=places.__getitem__)
    }
    return boxes, {arrow: [pixels(where) for where in way] for arrow, way in ways.items()}


def _reaching(arrows: list[tuple[str, str]], output: str) -> list[tuple[str, str]]:
    """Return the arrows that lead to the output."""
    wanted = {output}
    for start, end in reversed(arrows):
        if end in wanted:
            wanted.add(start)
    return [arrow for arrow in arrows if arrow[1] in wanted]


def _lines(name: str, chain: Chain, numbers: Numbers | None) -> tuple[tuple[str, str], ...]:
    root = chain.program.definitions.get(name)
    shape = chain.program.shape(name)
    head = f"{name} = {_cut(text(root))}" if root is not None else name
    if shape:
        head += f"  [{'x'.join(map(str, shape))}]"
    lines = [(head, "")]
    if numbers is not None and name in numbers.values:
        lines.append((f"= {_figure(numbers.values[name])}", "value"))
    if name in chain.gradients:
        of = f"∂{chain.program.output}/∂{name}"
        lines.append((f"{of} = {_figure(numbers.gradients[name])}" if numbers is not None else of, "gradient"))
    return tuple(lines)


def _cut(shown: str) -> str:
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def _figure(value: np.ndarray) -> str:
    if value.shape == ():
        return f"{float(value):.4g}"
    if value.size <= 4:
        return "[" + " ".join(f"{number:.3g}" for number in value.ravel().tolist()) + "]"
    return f"norm {float(np.linalg.norm(value)):.3g}"


def _size(lines: tuple[tuple[str, str], ...]) -> tuple[float, float]:
    return max(len(line) for line, _ in lines) * _CHARACTER + 16, len(lines) * _LINE + 10


def _node(name: str, box: Box, chain: Chain) -> str:
    kind = "wrt" if name == chain.wrt else "out" if name == chain.program.output else ""
    kind = kind or ("input" if name in chain.program.inputs else "node")
    left, top = box.x - box.width / 2, box.y - box.height / 2
    written = "".join(
        f'<text x="{left + 8:.1f}" y="{top + 5 + _LINE * (number + 0.75):.1f}" class="{style}">{escape(line)}</text>'
        for number, (line, style) in enumerate(box.lines)
    )
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="6" '
        f'class="node {kind}"/>{written}'
    )


def _arrow(
    points: list[tuple[float, float]],
    boxes: dict[str, Box],
    way: tuple[str, str],
    edge: Edge | None,
    numbers: Numbers | None,
) -> str:
    start, end = boxes[way[0]], boxes[way[1]]
    inner = points[1:-1]
    path = [(start.x + start.width / 2, start.y), *inner, (end.x - end.width / 2 - 1, end.y)]
    line = _curve(path)
    if edge is None:
        return f'<path d="{line}" class="way still" marker-end="url(#to)"/>'
    back = _curve([(x, y + 8) for x, y in reversed(path)])
    label = text(edge.local) if edge.local is not None else "Jᵀ·"
    label = label if len(label) <= 13 else label[:12] + "…"
    number = ""
    x, y = (path[0][0] + path[1][0]) / 2, (path[0][1] + path[1][1]) / 2
    if numbers is not None and (edge.of, edge.wrt) in numbers.locals:
        value = f"{numbers.locals[edge.of, edge.wrt]:.3g}"
        number = f'<text x="{x:.1f}" y="{y + 22:.1f}" text-anchor="middle" class="value halo">{value}</text>'
    return (
        f'<path d="{line}" class="way" marker-end="url(#to)"/><path d="{back}" class="back" marker-end="url(#from)"/>'
        f'<text x="{x:.1f}" y="{y - 6:.1f}" text-anchor="middle" class="local halo">{escape(label)}</text>{number}'
    )


def _curve(path: list[tuple[float, float]]) -> str:
    """Return a smooth line through points, level at each."""
    drawn = f"M{path[0][0]:.1f} {path[0][1]:.1f}"
    for (x1, y1), (x2, y2) in pairwise(path):
        middle = (x1 + x2) / 2
        drawn += f"C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    return drawn
