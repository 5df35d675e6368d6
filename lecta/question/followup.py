"""Follow-up questions: "and for ReLU?" means something only after what was asked before."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lecta.question.words import ASKING, STOP, WORD, content, stem, topic
from lecta.types import Message

_OPENING = re.compile(
    r"^\s*(?:(?:and|but|so|ok(?:ay)?|then|also|or|well|hm+)\b[\s,]*)*"
    r"(?P<and>(?:what|how)\s+about\b|why(?:\s+(?:not|so|is\s+that))?\s*\?*$|how\s+so|how\s+come|and\b|but\b|or\b|also\b)",
    re.IGNORECASE,
)
_AND = re.compile(
    r"^\s*(?:and|but|or|also|so|then)\b(?!\s+(?:why|how|what)\s+(?:is|are|does|do)\s+\w+\s+\w+\s+\w+)", re.IGNORECASE
)
_PRONOUN = re.compile(
    r"\b(?:it|its|they|them|their|theirs|these|those|this|the\s+(?:same|other|former|latter|first\s+one|second\s+one)|"
    r"(?:does|do|did|can|will|would|is|was)\s+that|that\s+(?:is|was|does|one|case|way|mean|method|work|formula|term|rule)|"
    r"(?:of|about|for|with|in|from|to|by|is|does|like|than|after|before)\s+that(?=\s*(?:[?.,!]|$))|ones?(?=\s*[?.,!]|\s*$))\b",
    re.IGNORECASE,
)
_EXPLETIVE = re.compile(
    r"\b(?:is|was)\s+it\s+(?:possible|necessary|true|better|important|useful|enough|called|that)\b|"
    r"\bit\s+(?:is|was)\s+(?:possible|necessary|true|better|important|useful|called)\b|\bdoes\s+it\s+mean\s+(?:for|to|that)\b|"
    r"\b(?:does|do|did|will)\s+it\s+take\b|\bthis\s+(?:course|lecture|week|class)\b|\bthat\s+it\b",
    re.IGNORECASE,
)
_COMPLEMENT = re.compile(
    r"^(?P<head>.*\S)\s+(?:of|for|in|with|on|by)\s+(?P<rest>[^?.!]*)[?.!]*\s*$", re.IGNORECASE | re.DOTALL
)
_FEW = 6  # content words; a longer question says itself what it is about
_LONGEST = 40  # words of a question that a model made


def is_followup(question: str, history: Sequence[Message]) -> bool:
    """Tell whether a question leans on the conversation: it opens like one, has a pronoun, or names nothing.

    >>> is_followup("why?", [Message("user", "What is momentum?")])
    True
    """
    if not _asked(history):
        return False
    words = topic(question)
    if len(words) > _FEW:
        return False
    if not words or _OPENING.search(question) or _AND.search(question):
        return True
    return bool(_PRONOUN.search(_EXPLETIVE.sub(" ", question)))


def by_rule(question: str, history: Sequence[Message]) -> str:
    """Return a follow-up with the content words of what was asked before behind it, or the question as it is.

    Where it puts another thing in the place of the last ("and for ReLU?" after "the slope of the sigmoid"), the last is
    left out.

    >>> by_rule("and for ReLU?", [Message("user", "What is the slope of the sigmoid?")])
    'and for ReLU? (slope)'
    """
    asked = _asked(history)
    carried: list[str] = []
    for number in range(len(asked) - 1, -1, -1):
        carried = _carried(question, asked[number])
        if carried and not is_followup(asked[number], [Message("user", before) for before in asked[:number]]):
            break
        if carried and number:  # a follow-up itself: what it leans on comes along
            before = [Message("user", text) for text in asked[:number]]
            carried = _carried(question, by_rule(asked[number], before))
            break
    return f"{question.strip()} ({' '.join(carried)})" if carried else question


def is_faithful(rewritten: str, question: str, history: Sequence[Message]) -> bool:
    """Tell whether a model's rewriting can be used: it keeps the follow-up's content and adds only what was said."""
    if not rewritten or "\n" in rewritten or len(rewritten.split()) > _LONGEST:
        return False
    new = {stem(word) for word in topic(rewritten)}
    own = {stem(word) for word in topic(question)}
    said = own | {stem(word) for message in history for word in content(message.content)}
    return own <= new and new <= said and bool(new - own)


def _asked(history: Sequence[Message]) -> list[str]:
    return [message.content for message in history if message.role == "user" and message.content.strip()]


def _carried(question: str, before: str) -> list[str]:
    own = {stem(word) for word in topic(question)}
    if own and (_OPENING.search(question) or _AND.search(question)) and not _PRONOUN.search(question):
        match = _COMPLEMENT.match(re.sub(r"\([^()]*\)\s*$", "", before))
        if match and topic(match["head"]):
            tail = re.search(r"\(([^()]*)\)\s*$", before)
            before = f"{match['head']} {tail.group(1) if tail else ''}"
    kept = [word for word in WORD.findall(before) if word.lower() not in STOP and word.lower() not in ASKING]
    return [word for word in dict.fromkeys(kept) if stem(word.lower()) not in own]
