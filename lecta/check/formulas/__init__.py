"""Is the mathematics of an answer right?

Every formula is looked up in the passages. Equations that say something which mathematics can decide (a derivative, an
identity, a number) are read into a tree, tried with SymPy and at random points, and come out as checked or as wrong, a
wrong one with the right one beside it. docs/formulas.md tells what is read and what is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lecta.check.formulas.claims import Ask, Claims, Verdict
from lecta.check.formulas.finding import Found, find
from lecta.check.formulas.lookup import Lectures
from lecta.check.formulas.process import MATHEMATICIAN, NO_ANSWER
from lecta.types import Formula

MAX_FORMULAS = 200
"""Formulas of one answer that are looked at; an answer has some twenty."""

MAX_SLOW = 2
"""Questions of one answer that may run into the time limit; the rest of its formulas are not checkable."""


def check(answer_text: str, passages: Sequence[str], *, ask: Ask | None = None) -> tuple[Formula, ...]:
    """Return the formulas of an answer in order, each with its status.

    `ask` puts a question to `mathematics` and is there for tests; by default it goes to a process of its own, which
    holds no answer up for more than two seconds a formula.
    """
    return _check(answer_text, Lectures(passages), ask or MATHEMATICIAN.ask)


def _check(text: str, lectures: Lectures, ask: Ask) -> tuple[Formula, ...]:
    found = find(text)[:MAX_FORMULAS]
    verdicts = Claims(text, found, Patience(ask)).decide()
    formulas = (_formula(one, verdict, lectures) for one, verdict in zip(found, verdicts, strict=True))
    return tuple(formula for formula in formulas if formula is not None)


class Patience:
    """Asks no more once a few formulas took too long."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._slow = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more is asked."""
        return self._slow >= MAX_SLOW

    def __call__(self, question: dict[str, Any]) -> dict[str, Any]:
        """Ask, while there is patience."""
        if self.is_over:
            return NO_ANSWER
        found = self._ask(question)
        self._slow += found.get("how") == NO_ANSWER["how"]
        return found


def _formula(found: Found, verdict: Verdict, lectures: Lectures) -> Formula | None:
    """Put together what the lectures and what mathematics say of a formula; None for what is no formula after all.

    What is wrong is wrong though it stands in the lectures, where it may be said of something else; the passage is
    named all the same.
    """
    is_wrong = verdict.status == "wrong"
    passage = lectures.find(found) or (None if is_wrong else lectures.find_loosely(found))
    states = "=" in found.text or verdict.status in ("checked", "wrong")
    if found.style != "latex" and (not states or (passage is None and verdict.status == "not checkable")):
        return None
    place = (found.text, found.start, found.end)
    if is_wrong:
        return Formula(*place, "wrong", verdict.correction, verdict.reason, passage)
    if passage is not None:
        return Formula(*place, "in the lectures", "", verdict.reason, passage)
    return Formula(*place, "checked" if verdict.status == "checked" else "not checkable", "", verdict.reason)


class Marker:
    """Checks an answer while it is written and puts a mark behind each formula that is wrong."""

    def __init__(self, passages: Sequence[str], *, ask: Ask | None = None) -> None:
        """Take the texts of the passages in the order of their numbers."""
        self._lectures = Lectures(passages)
        self._ask = ask or MATHEMATICIAN.ask
        self._starts = ask is None
        self._text = ""
        self._checked = 0
        self._marks: list[tuple[int, str]] = []
        self._marked: set[int] = set()
        self._formulas: tuple[Formula, ...] = ()

    def mark(self, pieces: Iterable[str]) -> Iterator[str]:
        """Pass a stream of text on; behind a formula that is wrong comes what is right."""
        for piece in pieces:
            if self._starts and ("$" in piece or "\\" in piece or "derivative" in piece):
                MATHEMATICIAN.start()  # it loads while the model writes
                self._starts = False
            last = 0
            for end in _CLOSING.finditer(piece):
                yield piece[last : end.end()]
                self._text += piece[last : end.end()]
                last = end.end()
                yield from self._look()
            yield piece[last:]
            self._text += piece[last:]
        yield from self._look()

    def formulas(self, text: str) -> tuple[Formula, ...]:
        """Return the formulas of the answer as it was passed on; `text` is that answer, without space at its ends."""
        lead = len(self._text) - len(self._text.lstrip())
        placed = []
        for one in self._formulas:
            before = sum(len(mark) for at, mark in self._marks if at <= one.start_index) - lead
            within = sum(len(mark) for at, mark in self._marks if one.start_index < at < one.end_index)
            start, end = one.start_index + before, one.end_index + before + within
            if text[start:end].find(one.latex[:1]) >= 0:
                placed.append(Formula(one.latex, start, end, one.status, one.correction, one.reason, one.passage))
        return tuple(placed)

    def _look(self) -> Iterator[str]:
        """Check what was written so far, and yield a mark for each formula that has turned out wrong."""
        if not _MAY_HOLD.search(self._text, self._checked):
            return
        self._checked = max(0, len(self._text) - 1)
        self._formulas = _check(self._text, self._lectures, self._ask)
        for one in self._formulas:
            if one.status == "wrong" and one.start_index not in self._marked:
                self._marked.add(one.start_index)
                right = f"; right: ${one.correction}$" if one.correction else ""
                mark = f" **(this formula is wrong{right})**"
                self._marks.append((len(self._text), mark))
                yield mark


_CLOSING = re.compile(r"\$\$|\$|\\\]|\\\)|`|\n")
_MAY_HOLD = re.compile(r"\$|\\\]|\\\)|`|=|derivative|\d")
