"""Words of a question: which of them carry its content."""

from __future__ import annotations

import re

WORD = re.compile(r"[^\W_]+")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


STOP = _set(
    "a about above actually after again all also am an and any are aren as at be because been before being below "
    "between both but by can cannot come could did didn do does doesn doing don down during each either else ever "
    "every few for from further get gets give given go goes had has have having he her here him his how however i if "
    "in into is isn it its itself just kind let like ll made make makes many may me might mine more most much must my "
    "need neither no nor not now of off on once one only or other others our out over own please re really same say "
    "says see shall she should so some something still such than that the their them themselves then there these they "
    "thing things this those through to too under until up upon us use used uses using ve very want was wasn way we "
    "well were what when where whether which while who whom whose why will with within without would yes yet you your"
)
"""Words that carry no content in any question."""

ASKING = _set(
    "answer calculate called compare compute computed define definition derive describe detail discuss draw example "
    "examples explain explained explanation find follow following formula formulate happen happens illustrate lecture "
    "lectures list mean means meaning mention mentioned formally briefly outline pinpoint prove question show sketch "
    "state tell understand whole word work works write written exactly detail details difference differences"
)
"""Words of asking, which say what is wanted of a topic and not which."""


def content(text: str) -> list[str]:
    """Return the words of a text that carry content, lower case, each once; a letter alone counts if it is no article.

    >>> content("What is the slope of the sigmoid?")
    ['slope', 'sigmoid']
    """
    return list(dict.fromkeys(word for word in (w.lower() for w in WORD.findall(text)) if word not in STOP))


def topic(text: str) -> list[str]:
    """Return the content words that name what a question is about, without words of asking."""
    return [word for word in content(text) if word not in ASKING]


def stem(word: str) -> str:
    """Return what a word shares with its inflections, roughly: for comparing a question with a conversation."""
    for ending in ("ations", "ation", "ings", "ing", "ies", "ied", "es", "ed", "er", "ly", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word
