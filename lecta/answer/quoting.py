"""The whole sentences of a passage around some of its words, as an answer can quote them.

Rather none than one that says something else without its surroundings.
"""

from __future__ import annotations

import re

_BULLET = "-*+•–—▪◦‣·○●■"
_ABBREVIATIONS = ("e.g.", "i.e.", "cf.", "vs.", "al.", "etc.", "resp.", "Fig.", "Eq.", "Sec.", "No.", "Dr.", "Prof.")
_NOT_AFTER = "".join(rf"(?<!\b{re.escape(one)})" for one in _ABBREVIATIONS)
_ITEM = rf"(?:[{_BULLET}]|\(?(?:\d{{1,3}}|[a-zA-Z])[.)]|#{{1,6}}|>|\|)\s"
_ENDS = re.compile(rf"(?<=[.!?]){_NOT_AFTER}(?=\s)|\n[^\S\n]*\n|\n(?=[^\S\n]*{_ITEM})")
_MARK = re.compile(rf"^{_ITEM}+")
_QUOTABLE = re.compile(r"[\"“(_*$]*[^\W\d_].*[.!][\"”)_*]*", re.DOTALL)
_UNQUOTABLE = re.compile(
    r"\$\$|```|\|\s|#{1,6} |https?:|www\.|\]\(|<\||\[\d+\]|[a-z]- [a-z]|\\(?:begin|end|cite|ref|label|item)\b|(?<!\\)% "
)
_POINTS_BACK = re.compile(
    r"(?:This|That|These|Those|It|Its|They|Their|He|She|Such|Both|Here|However|Therefore|Thus|Hence|Instead|Otherwise"
    r"|Then|So|But|And|Or|Also|Moreover|Conversely|Similarly|Show|Prove|Exercise|True or false)\b"
)
_DENIES = re.compile(
    r"\b(?:mistakes?|myths?|misconceptions?|wrong|false|pitfalls?|not|never|exercises?)\b", re.IGNORECASE
)
_SHORT = re.compile(r"[^\n]{0,40}(?<![.!?,;:])\n")
_FEWEST, _MOST = 5, 60  # words


def whole_sentences(text: str, start: int, end: int, title: str = "") -> str:
    """Return the sentences that the characters from `start` to `end` are of, on one line.

    "" where that is no prose (a heading, an item without a full stop, part of a table, formulas cut in two), where it
    points back to what stands before, asks or orders something, or stands under a heading that may deny it. `title` is
    what the passage may begin with.

    >>> whole_sentences("A list:\\n- It rises,\\n  slowly but ever.\\n- Waves fall,\\n  slowly but ever.", 38, 42)
    'Waves fall, slowly but ever.'
    >>> whole_sentences("Common mistakes:\\n- Waves fall,\\n  slowly but ever.", 20, 24)
    ''
    """
    lead = len(title) if title and text.startswith(title) else 0
    ends = [lead, *(match.end() for match in _ENDS.finditer(text) if match.end() > lead), len(text)]
    first = max((at for at in ends if at <= start), default=0)
    last = min((at for at in ends if at >= end), default=len(text))
    if first == 0 and _SHORT.match(text) and not _MARK.match(text):  # a title or the beginning
        return ""
    words = _MARK.sub("", " ".join(text[first:last].split()))
    if not _FEWEST <= len(words.split()) <= _MOST or words.count("$") % 2 or _UNQUOTABLE.search(words):
        return ""
    if not _QUOTABLE.fullmatch(words) or not words.lstrip('"“(_*$')[:1].isupper() or _POINTS_BACK.match(words):
        return ""
    return "" if _DENIES.search(_heading(text[:first], title)) else words


def _heading(before: str, title: str) -> str:
    """Return the last line before a sentence that ends in a colon or is a heading, with the passage's title."""
    lines = [line for line in before.splitlines() if line.rstrip().endswith(":") or line.startswith("#")]
    return " ".join([title, *lines[-1:]])
