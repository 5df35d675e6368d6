"""The whole sentences of a passage around some of its words, as an answer can quote them."""

from __future__ import annotations

import re

_ENDS = re.compile(r"(?<=[.!?])(?=\s)|\n\s*\n|\n(?=\s*(?:[-*+]|\d+[.)]|#|>|\|)\s)")
_MARK = re.compile(r"^(?:[-*+>]|\d+[.)])\s+")
_QUOTABLE = re.compile(r"[A-Z\"“(_*].*[.!?][\"”)_*]*", re.DOTALL)
_FEWEST, _MOST = 5, 60  # words
_TITLE = re.compile(r"\s*[^\n]{1,40}(?<![.!?,;:])\n(?=\s*[A-Z])")  # a short line before a sentence


def whole_sentences(text: str, start: int, end: int) -> str:
    """Return the sentences that the characters from `start` to `end` are of, on one line.

    "" where that is no prose: a heading, an item without a full stop, part of a table, or formulas cut in two.

    >>> whole_sentences("A list:\\n- It rises,\\n  slowly but ever. It falls.", 15, 20)
    'It rises, slowly but ever.'
    >>> whole_sentences("The moon\\nIt rises, slowly but ever.", 15, 20)
    'It rises, slowly but ever.'
    >>> whole_sentences("# It rises, slowly but ever", 2, 8)
    ''
    """
    ends = [0, *(match.end() for match in _ENDS.finditer(text)), len(text)]
    first = max(at for at in ends if at <= start)
    last = min(at for at in ends if at >= end)
    words = text[first:last]
    while title := _TITLE.match(words):
        words = words[title.end() :]
    words = _MARK.sub("", " ".join(words.split()))
    is_whole = words.count("$") % 2 == 0 and not re.search(r"\$\$|```|\|\s|\\(?:begin|end)\{|#{1,6} ", words)
    if not is_whole or not _FEWEST <= len(words.split()) <= _MOST or not _QUOTABLE.fullmatch(words):
        return ""
    return words
