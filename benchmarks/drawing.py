"""Bars as an SVG that stands on its own, for pages in docs/: readable on a light and on a dark ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _NAMES, _ROW, _TITLE, _GAP = 720, 190, 24, 26, 14
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#555}.title{font-weight:600}.bar{fill:#3b7dd8}.other{fill:#9aa5b1}"
    "@media(prefers-color-scheme:dark){text{fill:#bbb}}"
)


@dataclass(frozen=True, slots=True)
class Panel:
    """One measure: what it is, and for each name a value. Names that begin with "lecta" stand out."""

    title: str
    rows: Sequence[tuple[str, float]]


def bars(panels: Sequence[Panel]) -> str:
    """Return an SVG document with the panels one below the other, each to its own scale, which begins at 0."""
    parts: list[str] = []
    y = 0.0
    for panel in panels:
        y += _TITLE
        parts.append(f'<text x="0" y="{y - 8:.0f}" class="title">{escape(panel.title)}</text>')
        longest = max((value for _, value in panel.rows), default=0.0) or 1.0
        for name, value in panel.rows:
            width = (_WIDTH - _NAMES - 80) * value / longest
            kind = "bar" if name.startswith("lecta") else "other"
            parts.append(
                f'<text x="{_NAMES - 8}" y="{y + 16:.0f}" text-anchor="end">{escape(name)}</text>'
                f'<rect x="{_NAMES}" y="{y + 3:.0f}" width="{width:.1f}" height="{_ROW - 6}" rx="2" class="{kind}"/>'
                f'<text x="{_NAMES + width + 6:.1f}" y="{y + 16:.0f}">{shown(value)}</text>'
            )
            y += _ROW
        y += _GAP
    described = escape("; ".join(f"{p.title}: " + ", ".join(f"{n} {shown(v)}" for n, v in p.rows) for p in panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y:.0f}" role="img" aria-label="{described}">'
        f"<style>{_STYLE}</style>{''.join(parts)}</svg>\n"
    )


def shown(value: float) -> str:
    """Return a number as a person reads it.

    >>> shown(0.8123), shown(23.46), shown(736.2)
    ('0.81', '23.5', '736')
    """
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
