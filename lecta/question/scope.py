"""Which lectures and which material a question asks for, and whether the first or last place: its own words say so.

Only wordings that cannot well mean something else are read as filters, and only their words are taken out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from lecta.types import Kind

FIRST, LAST = -1, -2
"""Bounds of a span that stand for the first and the last lecture there is."""

_CARDINALS = re.findall(
    r"\w+",
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty",
)
_ORDINALS = re.findall(
    r"\w+",
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth",
)
_VALUES = {word: n for words in (_CARDINALS, _ORDINALS) for n, word in enumerate(words, 1)}

_N = rf"(?:\d{{1,3}}(?![\d.]*\d|\w)|(?:{'|'.join(_CARDINALS)})\b)"
_NTH = rf"(?:\d{{1,3}}(?:st|nd|rd|th)|{'|'.join(_ORDINALS)})\b"
_LECTURE = r"(?:lectures?|lect?s?\.?|lessons?)"
_LEAD = r"(?:\b(?:in|from|of|during|within|at|on|for|by)\s+)?(?:\bthe\s+)?"
_TO = r"(?:\s*[-–—]\s*|\s+(?:to|through|until|till|up\s+to)\s+)"
_NO_EVENT = r"(?!\s+(?:question|problem|solution|set|data))"  # "after the exam question on ..."
_EVENT = rf"(?P<event>mid-?\s?terms?(?:\s+(?:exam|test))?|final\s+exam|exam|quiz)\b{_NO_EVENT}"
_SIDE = r"(?P<side>(?:right\s+|just\s+)?(?:before|prior\s+to|after|since|following|until|up\s+to|through))"
_SPEAKER = r"(?:he|she|they|(?:the|our|my)\s+(?:lecturer|professor|prof|teacher|instructor|speaker))"
_WHOSE = r"(?:the|his|her|their|my|our|these)"
_SAY = r"(?:say|tell|mention|explain|talk)"
_APPEARS = r"(?:appears?|comes?\s+up|occurs?|shows?\s+up)"
_TREATED = (
    r"(?:mentioned|introduced|defined|discussed|explained|covered|shown|treated|presented|brought\s+up|talked\s+about|"
    r"referred\s+to)"
)
_MET = (
    r"(?:mention|introduce|define|discuss|explain|cover|show|see|meet|talk\s+about|hear\s+(?:of|about)|come\s+across)"
)

Order = Literal["", "first", "last", "first mention", "last mention"]
Span = tuple[int | None, int | None]
"""From this lecture to that one, both included; None is no bound."""


@dataclass(slots=True)
class Scope:
    """What was found, and the question without it."""

    rest: str
    spans: list[tuple[Span, str]] = field(default_factory=list)
    """Lectures asked for, each with the words that say so; all of them hold."""
    lists: list[tuple[tuple[int, ...], str]] = field(default_factory=list)
    """The same, where single lectures are listed."""
    events: list[tuple[Literal["before", "after"], str, str]] = field(default_factory=list)
    """Which side of which event of the course ("midterm"), and the words."""
    kind: Kind | None = None
    kind_words: str = ""
    order: Order = ""


def take(question: str) -> Scope:
    """Return the filters and the order that a question's words ask for, and the question without them.

    >>> take("What is dropout in lectures two to 4?").spans
    [((2, 4), 'in lectures two to 4')]
    """
    scope = Scope(question)
    for pattern, note in _RULES:
        scope.rest = pattern.sub(lambda match, note=note: note(scope, match), scope.rest)  # type: ignore[misc]
    scope.rest = _tidy(scope.rest) if scope.rest != question else question
    return scope


def _value(text: str) -> int:
    digits = re.match(r"\d+", text)
    return int(digits.group()) if digits else _VALUES[text.lower()]


def _numbers(text: str) -> Iterator[int]:
    for match in re.finditer(rf"{_N}|{_NTH}", text, re.IGNORECASE):
        yield _value(match.group())


def _range(scope: Scope, match: re.Match[str]) -> str:
    first, last = _value(match["low"]), _value(match["high"])
    scope.spans.append(((min(first, last), max(first, last)), match.group().strip()))
    return " "


def _listed(scope: Scope, match: re.Match[str]) -> str:
    scope.lists.append((tuple(dict.fromkeys(_numbers(match["list"]))), match.group().strip()))
    return " "


def _beside(scope: Scope, match: re.Match[str]) -> str:
    words = match.group().strip()
    n = _bound(match)
    side = " ".join(match["side"].lower().split())
    if side.endswith(("until", "to", "through")) and "prior" not in side:
        span: Span = (None, n)
    elif side.endswith(("before", "prior to")):
        span = (None, n - 1 if n > 0 else n)
    elif side == "since":
        span = (n, None)
    else:
        span = (n + 1 if n > 0 else n, None)
    scope.spans.append((span, words))
    return " "


def _onwards(scope: Scope, match: re.Match[str]) -> str:
    scope.spans.append(((_bound(match), None), match.group().strip()))
    return " "


def _single(scope: Scope, match: re.Match[str]) -> str:
    n = _bound(match)
    scope.spans.append(((n, n), match.group().strip()))
    return " "


def _bound(match: re.Match[str]) -> int:
    groups = match.groupdict()
    if groups.get("n"):
        return _value(groups["n"])
    end = (groups.get("end") or "").lower()
    return LAST if end in ("last", "final", "latest") or end.startswith("most") else FIRST


def _event(scope: Scope, match: re.Match[str]) -> str:
    side: Literal["before", "after"] = (
        "after" if re.search(r"after|since|following", match["side"], re.IGNORECASE) else "before"
    )
    event = re.sub(r"[\s-]+", " ", match["event"].lower())
    name = "midterm" if event.startswith("mid") else event
    scope.events.append((side, name, match.group().strip()))
    return " "


def _kind(kind: Kind) -> Callable[[Scope, re.Match[str]], str]:
    def note(scope: Scope, match: re.Match[str]) -> str:
        if scope.kind is not None:
            return match.group()
        scope.kind, scope.kind_words = kind, match.group().strip()
        return " "

    return note


def _order(order: Order, keep: str = "") -> Callable[[Scope, re.Match[str]], str]:
    """Note an order; `keep` names the group that stays in the question."""

    def note(scope: Scope, match: re.Match[str]) -> str:
        if scope.order:
            return match.group()
        scope.order = order
        if re.search(r"mention|occur|appear|comes? up|show up|referred|used", match.group(), re.IGNORECASE):
            scope.order = "first mention" if order == "first" else "last mention"
        return f" {match[keep]} " if keep else " "

    return note


def _rule(pattern: str, note: Callable[[Scope, re.Match[str]], str]) -> tuple[re.Pattern[str], Callable[..., str]]:
    return re.compile(pattern, re.IGNORECASE), note


_WHEN = r"(?:when|where|in\s+(?:which|what)\s+lecture|(?:which|what)\s+lecture|on\s+(?:which|what)\s+slide)"
_REST = r"(?P<rest>.{1,120}?)"
_ENDS = r"(?P<end>last|final|latest|most\s+recent|opening)"
_RULES = (
    # "lectures 2 to 4", "between lectures 2 and 4"; "and" is a range only after "between"
    _rule(rf"\bbetween\s+(?:the\s+)?{_LECTURE}\s*(?P<low>{_N})\s+and\s+(?:{_LECTURE}\s*)?(?P<high>{_N})", _range),
    _rule(
        rf"{_LEAD}\b{_LECTURE}\s*(?P<low>{_N}){_TO}(?:{_LECTURE}\s*)?(?P<high>{_N})",
        _range,
    ),
    _rule(
        rf"{_LEAD}\b{_LECTURE}\s*(?P<list>{_N}(?:\s*,\s*{_N})*\s*,?\s+(?:and|or|&)\s+(?:{_LECTURE}\s*)?{_N})", _listed
    ),
    _rule(rf"\b{_SIDE}\s+(?:the\s+)?{_LECTURE}\s*(?:number\s+|no\.?\s*|#\s*)?(?P<n>{_N})", _beside),
    _rule(rf"\b{_SIDE}\s+(?:the\s+)?(?:(?P<n>{_NTH})|{_ENDS})\s+{_LECTURE}(?!\w)", _beside),
    _rule(rf"\b(?:from|since|starting\s+(?:with|in))\s+{_LECTURE}\s*(?P<n>{_N})\s+(?:on|onwards?)\b", _onwards),
    _rule(rf"\b{_SIDE}\s+(?:the|our|my)\s+{_EVENT}", _event),
    _rule(rf"{_LEAD}\b(?:lecture|lec\.?|lesson)\s*(?:number\s+|no\.?\s*|#\s*)?(?P<n>{_N})", _single),
    _rule(rf"{_LEAD}(?<!\w)(?P<n>{_NTH})\s+(?:lecture|lesson)\b", _single),
    _rule(rf"{_LEAD}\b{_ENDS}\s+(?:lecture|lesson)\b", _single),
    # what material
    _rule(rf"\b(?:on|in|from)\s+{_WHOSE}\s+(?:lecture\s+)?slides?\b(?!\s*\d)", _kind("slides")),
    _rule(r"\b(?:on\s+)?(?:which|what)\s+slides?\b", _kind("slides")),
    _rule(rf"\b(?:in|from)\s+{_WHOSE}\s+(?:lecture\s+)?notes\b", _kind("notes")),
    _rule(
        rf"\b(?:what|how|why)\s+(?:exactly\s+)?(?:did|does|do|has|had)\s+{_SPEAKER}\s+{_SAY}\b(?:\s+(?:to\s+)?us\b)?"
        r"(?:\s+(?:about|on|of)\b)?",
        _kind("speech"),
    ),
    _rule(rf"\bdid\s+{_SPEAKER}\s+{_SAY}\b", _kind("speech")),
    _rule(r"\b(?:what\s+was\s+said|what\s+is\s+said)(?:\s+(?:about|on|of))?\b", _kind("speech")),
    _rule(r"\b(?:in|on|from)\s+the\s+(?:recordings?|transcripts?|subtitles)\b", _kind("speech")),
    # the first or the last place
    _rule(rf"\b{_WHEN}\b{_REST}\bfirst\s+(?:{_TREATED}|{_APPEARS}|used)\b", _order("first", "rest")),
    _rule(rf"\b{_WHEN}\s+(?:did|do|does)\s+(?:we|they|he|she|it|you)\s+first\s+{_MET}\b", _order("first")),
    _rule(rf"\b{_WHEN}\s+(?:did|do|does)\s+{_REST}\s+first\s+{_APPEARS}", _order("first", "rest")),
    _rule(r"\b(?:the\s+)?(?:first|earliest)\s+(?:mention|appearance|occurrence|introduction)\s+of\b", _order("first")),
    _rule(r"\bfirst\s+mentioned\b|\bmentioned\s+first\b|\bfor\s+the\s+first\s+time\b", _order("first")),
    _rule(r"\b(?:the\s+)?first\s+time\s+(?:that\s+)?(?:we|they|he|she)\s+\w+\b", _order("first")),
    _rule(rf"\b{_WHEN}\b{_REST}\b(?:last|most\s+recently)\s+(?:{_TREATED}|used)\b", _order("last", "rest")),
    _rule(rf"\b{_WHEN}\s+(?:did|do|does)\s+(?:we|they|he|she|it|you)\s+last\s+{_MET}\b", _order("last")),
    _rule(r"\b(?:the\s+)?(?:last|latest|most\s+recent)\s+(?:mention|appearance|occurrence)\s+of\b", _order("last")),
    _rule(rf"\b(?:last\s+mentioned|mentioned\s+last|most\s+recently(?:\s+{_TREATED})?)\b", _order("last")),
)  # fmt: skip


def _tidy(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s+([,.;:?!])", r"\1", text)
    text = re.sub(r"^[\s,.;:–-]+|[\s,;:–-]+$", "", text)
    return re.sub(r"([,;:])(?=[,.;:?!])", "", text).strip()
