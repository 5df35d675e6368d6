"""Slides shown step by step: pages that only grow into the last of them are told once, by the last.

Pure: pages come as titles and words. Nothing is folded that would take a word out of the index: every word of a
folded page stands on the page it is folded into.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lecta.types import Section

SLIDE_BREAK = "\n\n"


@dataclass(frozen=True, slots=True)
class Step:
    """What the folding needs to know of a page."""

    title: str
    text: str
    drawn: bool = False
    """The page shows something beside its words, such as a picture: a title alone does not make it a build's step."""


def folded(steps: Sequence[Step]) -> list[int]:
    """Return for each page the place of the page that tells it: its own, or the last page of its build."""
    into = list(range(len(steps)))
    words = [_words(step.text) for step in steps]
    for place in range(len(steps) - 2, -1, -1):
        if _grows(steps[place], steps[place + 1], words[place], words[place + 1]):
            into[place] = into[place + 1]
    return into


def assembled(slides: Sequence[tuple[str, str, bool]]) -> tuple[str, tuple[Section, ...]]:
    """Return the text of slides, given as title, words and whether they are drawn, and a section for each.

    A slide without words, or that only grows into the next, has no section; `page` counts all slides from 1.
    """
    into = folded([Step(*slide) for slide in slides])
    pieces: list[str] = []
    sections: list[Section] = []
    position = 0
    for place, (title, words, _) in enumerate(slides):
        if not words:
            continue
        if into[place] == place:
            sections.append(Section(position, position + len(words), page=place + 1, title=title))
        pieces.append(words)
        position += len(words) + len(SLIDE_BREAK)
    return SLIDE_BREAK.join(pieces), tuple(sections)


def _grows(step: Step, following: Step, words: Counter[str], later: Counter[str]) -> bool:
    """Tell whether the next page has the same title and every word of this one, to one in fifty."""
    if not words or step.title != following.title:
        return False
    if step.drawn and words == _words(step.title):
        return False
    lost = words - later
    return lost.total() <= words.total() / 50 and not any(letter.isalpha() for word in lost for letter in word)


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+|[^\w\s]", text.lower()))
