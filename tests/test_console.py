"""What a terminal shows."""

from __future__ import annotations

import pytest

from lecta.in_words import clock, place
from lecta.mathtext import readable
from lecta.types import Passage


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"so $\frac{\partial L}{\partial w}$ is", "so ∂L/∂w is"),
        (r"then \(\sigma(x)\) and $\hat{m}_t$", "then σ(x) and m̂\\_t"),
        ("before\n$$a + b$$\nafter", "before\n\n\na + b\n\n\nafter"),
        ("it costs $5 and $6 more", "it costs $5 and $6 more"),
        ("no mathematics at all", "no mathematics at all"),
    ],
)
def test_formulas_are_readable_on_a_terminal(written: str, shown: str) -> None:
    assert readable(written) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (61.9, "1:01"), (1421, "23:41"), (3723, "1:02:03")])
def test_times_are_written_as_a_person_does(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_places() -> None:
    passage = Passage("text", 5, 9, "a.pdf", "slides", page=13, label="12")
    assert place(passage) == "slide 13 (printed 12)"
    assert place(Passage("text", 5, 9, "a.vtt", "speech", start_time=1421.0, end_time=1450.0)) == "23:41-24:10"
    assert place(Passage("text", 5, 9, "a.txt", "notes")) == "characters 5-9"
