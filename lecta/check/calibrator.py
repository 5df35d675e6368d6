"""The numbers support is judged by, and how they weigh evidence. `benchmarks.support` makes the file.

Small regression trees added up (Friedman 2001). Each feature may only push in the direction that makes sense of it,
more words borne never lower the support, which keeps the trees from learning chance.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("parameters.json")

Node = tuple[int, float, int, int]
"""Of a tree: the feature asked for (-1 in a leaf), the bound or the leaf's value, the node at or below, the other."""


@dataclass(frozen=True, slots=True)
class Calibrator:
    """Trees and the features they ask for."""

    features: tuple[str, ...]
    trees: tuple[tuple[Node, ...], ...]
    base: float
    """Log-odds before any tree."""
    usual: Mapping[str, float]
    """Medians of evidence that tells how references were cut on the web, and nothing of a lecture's passages."""
    calibration: tuple[float, float] = (1.0, 0.0)
    """Slope and offset on the log-odds, so that a probability is how often such a claim is supported (Platt 1999)."""

    def probability(self, evidence: Mapping[str, float]) -> float:
        """Return the probability (0..1) that a claim with this evidence is supported."""
        values = [evidence[name] for name in self.features]
        slope, offset = self.calibration
        odds = slope * (self.base + sum(_leaf(tree, values) for tree in self.trees)) + offset
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


def _leaf(tree: Sequence[Node], values: Sequence[float]) -> float:
    feature, value, low, high = tree[0]
    while feature >= 0:
        feature, value, low, high = tree[low if values[feature] <= value else high]
    return value


@cache
def shipped() -> Mapping[str, Calibrator]:
    """Return the calibrators that come with lecta.

    "references" weighs all evidence, also what tells how references were cut on the web; "answers", for passages that
    are all cut alike, weighs what carries over to them.
    """
    return from_json(FILE.read_text(encoding="utf-8"))


def from_json(text: str) -> dict[str, Calibrator]:
    """Read what `to_json` wrote."""
    return {name: _calibrator(fields) for name, fields in json.loads(text).items()}


def to_json(calibrators: Mapping[str, Calibrator]) -> str:
    """Write calibrators by name, a tree a line, rounded to four decimals."""
    return "{" + ",\n".join(f"{json.dumps(name)}: {_fields(one)}" for name, one in calibrators.items()) + "}\n"


def _calibrator(fields: Mapping[str, Any]) -> Calibrator:
    slope, offset = fields["calibration"]
    trees = tuple(tuple((int(f), float(v), int(a), int(b)) for f, v, a, b in tree) for tree in fields["trees"])
    return Calibrator(tuple(fields["features"]), trees, fields["base"], fields["usual"], (slope, offset))


def _fields(calibrator: Calibrator) -> str:
    trees = ",\n  ".join(
        json.dumps([[f, round(v, 4), a, b] for f, v, a, b in tree], separators=(",", ":")) for tree in calibrator.trees
    )
    head = json.dumps({"features": calibrator.features, "base": round(calibrator.base, 4),
                       "usual": {name: round(value, 4) for name, value in calibrator.usual.items()},
                       "calibration": [round(number, 4) for number in calibrator.calibration]})  # fmt: skip
    return f'{head[:-1]},\n "trees": [\n  {trees}\n ]}}'
