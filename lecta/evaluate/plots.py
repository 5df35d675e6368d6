"""Bars as SVG, with colours from the page's style: `--a` and `--b` for two series, `--dim` for axes, `--text`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 12, 12, 44


@dataclass(frozen=True, slots=True)
class Series:
    """Values in equal bins, in the colour `colour` ("a" or "b")."""

    name: str
    values: Sequence[float]
    colour: str = "a"


def histogram(values: Sequence[float], low: float, high: float, bins: int) -> list[int]:
    """Return how many values lie in each of `bins` equal parts of low..high; what is outside goes to the ends."""
    counts = [0] * bins
    width = (high - low) / bins
    for value in values:
        counts[min(max(int((value - low) / width + 1e-9), 0), bins - 1)] += 1
    return counts


def shares(counts: Sequence[int]) -> list[float]:
    """Return counts as shares of their sum."""
    total = sum(counts) or 1
    return [count / total for count in counts]


def bars(
    series: Sequence[Series],
    labels: Sequence[str],
    *,
    title: str,
    x_axis: str,
    y_axis: str,
    percent: bool = False,
    between: bool = False,
    every: int = 1,
) -> str:
    """Return bars for one or two series of equal length, as an SVG element.

    `labels` name the bars; with `between` their edges, one more than there are bars. Each `every`th is written below.
    Hovering over a bar shows its name and value.
    """
    count = len(series[0].values)
    top = axis_top(max((value for one in series for value in one.values), default=0), percent)
    step = (WIDTH - _LEFT - _RIGHT) / count
    thick = step * 0.86 / len(series)
    floor = HEIGHT - _BOTTOM
    parts = [_axes(top, percent, x_axis, y_axis)]
    for number, one in enumerate(series):
        for place, value in enumerate(one.values):
            tall = (floor - _TOP) * value / top
            x = _LEFT + place * step + step * 0.07 + number * thick
            what = f"{_span(labels, place, between)}: {_shown(value, percent)}"
            what = f"{one.name}, {what}" if len(series) > 1 else what
            parts.append(
                f'<rect x="{x:.1f}" y="{floor - tall:.1f}" width="{thick:.1f}" height="{tall:.1f}" rx="1.5"'
                f' class="{one.colour}"><title>{escape(what)}</title></rect>'
            )
    for place in range(0, len(labels), every):
        x = _LEFT + place * step + (0 if between else step / 2)
        parts.append(f'<text x="{x:.1f}" y="{floor + 16}" text-anchor="middle">{escape(labels[place])}</text>')
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}" class="plot">'
        + "".join(parts)
        + "</svg>"
    )


def axis_top(highest: float, percent: bool) -> float:
    """Return a round number not below `highest`; of a count its half is whole, too."""
    if percent:
        return math.ceil(round(highest * 10, 6)) / 10 or 0.1
    power = 10 ** max(math.floor(math.log10(highest)), 0) if highest > 0 else 1
    return float(next(n * power for n in (1, 2, 3, 4, 5, 6, 8, 10) if n * power >= highest and n * power % 2 == 0))


def _axes(top: float, percent: bool, x_axis: str, y_axis: str) -> str:
    floor, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    middle = (_TOP + floor) / 2
    lines = [
        f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" class="grid"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_shown(value, percent)}</text>'
        for value, y in ((0, floor), (top / 2, middle), (top, _TOP))
    ]
    names = (
        f'<text x="{(_LEFT + right) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_axis)}</text>'
        f'<text x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})">{escape(y_axis)}</text>'
    )
    return "".join(lines) + names


def _span(labels: Sequence[str], place: int, between: bool) -> str:
    return f"{labels[place]} to {labels[place + 1]}" if between else labels[place]


def _shown(value: float, percent: bool) -> str:
    if percent:
        return f"{100 * value:.0f} %"
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"
