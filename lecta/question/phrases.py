"""Quoted phrases, which must stand in a passage as they are."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"\"([^\"]{2,120})\"|“([^”]{2,120})”|«([^»]{2,120})»|„([^“”]{2,120})[“”]")
_LONGEST = 12  # words; more is a passage pasted into the question, not a term looked for


def take(question: str) -> tuple[str, tuple[str, ...]]:
    """Return the question without its quotation marks, and the phrases that stood in them.

    >>> take('what is "bias correction" for?')
    ('what is bias correction for?', ('bias correction',))
    """
    phrases: list[str] = []

    def bare(match: re.Match[str]) -> str:
        phrase = next(group for group in match.groups() if group).strip(" ,.;:?!")
        if re.search(r"\w\w", phrase) and len(phrase.split()) <= _LONGEST:
            phrases.append(" ".join(phrase.split()))
        return phrase

    return _QUOTED.sub(bare, question), tuple(dict.fromkeys(phrases))
