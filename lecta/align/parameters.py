"""The numbers alignment goes by, and how they weigh evidence and moves. `benchmarks.alignment` makes the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from lecta.align.chain import Array
from lecta.align.evidence import FEATURES

FILE = Path(__file__).with_name("parameters.json")
MOVES = ("+1", "+2", "+3", "on", "-1", "-2", "back")
"""Kinds of moves by pages; "on" and "back" are further than the others and cost by the logarithm of the distance."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Logarithms of weights, all learned; `calibration` turns a posterior into a confidence."""

    evidence: Mapping[str, float]
    moves: Mapping[str, float]
    distance: float
    leave: float
    """By the logarithm of a cue's length over the time a page has on average."""
    start: float
    """By how far into the slides the first cue is, 0..10."""
    end: float
    """By how far before the last slide the last cue is, 0..10."""
    calibration: tuple[float, float] = (1.0, 0.0)
    """Slope and offset on the log-odds (Platt 1999)."""

    def evidence_of(self, features: Array) -> Array:
        """Weigh features (cues, pages, features) to the logarithms a chain takes, (cues, pages)."""
        result: Array = features @ np.array([self.evidence[name] for name in FEATURES])
        before = np.arange(result.shape[1]) / result.shape[1]
        result[0] -= self.start * 10 * before
        result[-1] -= self.end * 10 * (1 - before)
        return result

    def jump(self, pages: int) -> Array:
        """Return the weight of a move between any two pages, (pages, pages); 0 for staying."""
        kinds, distances = kinds_of_moves(pages)
        logs = np.array([self.moves[name] for name in MOVES])
        return np.where(kinds >= 0, np.exp(logs[kinds] + self.distance * distances), 0.0)

    def leave_at(self, moments: Array) -> Array:
        """Return the weight of moving on before each cue but the first."""
        result: Array = np.exp(np.clip(self.leave * moments, -10, 10))
        return result

    def confidence(self, posterior: Array) -> Array:
        """Return how often a page of this posterior is the one shown, where one is."""
        slope, offset = self.calibration
        sure = np.clip(posterior, 1e-6, 1 - 1e-6)
        result: Array = 1 / (1 + np.exp(-(slope * np.log(sure / (1 - sure)) + offset)))
        return result


def kinds_of_moves(pages: int) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.int64]], Array]:
    """Return for each pair of pages the place of its move in `MOVES` (-1: staying) and the logarithmic distance."""
    steps = np.arange(pages) - np.arange(pages)[:, None]
    kinds = np.select(
        [steps == 0, steps > 3, steps > 0, steps < -2],
        [-1, MOVES.index("on"), steps - 1, MOVES.index("back")],
        3 - steps,
    )
    distances = np.log(np.maximum(np.where(steps > 3, steps - 3, np.where(steps < -2, -steps - 2, 1)), 1))
    return kinds, distances


@cache
def shipped() -> Parameters:
    """Return the parameters that come with lecta."""
    return from_json(FILE.read_text(encoding="utf-8"))


def from_json(text: str) -> Parameters:
    """Read what `to_json` wrote."""
    fields = json.loads(text)
    return Parameters(**{**fields, "calibration": tuple(fields["calibration"])})


def to_json(parameters: Parameters) -> str:
    """Write parameters, rounded to four decimals."""
    fields = asdict(parameters)
    return json.dumps(_rounded(fields), indent=1) + "\n"


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value
