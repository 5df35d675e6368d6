"""An answer as HTML: chips for its citations, marks for what no lecture bears and for its formulas.

The text of an answer carries its marks ("[1][3]", "(not in the lectures)", "(this formula is wrong; ...)"), as a
terminal shows them. Here they are found again and shown as what they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from lecta.answering import UNSUPPORTED
from lecta.types import Formula, Hit, Sentence, WorkedCase
from lecta.web import labels, markup
from lecta.web.markup import Insert, Stretch

_WRONG = re.compile(r" \*\*\(this formula is wrong(?:; right: \$(?P<right>.+?)\$)?\)\*\*", re.DOTALL)
_MARK = re.compile(rf"\s(?:{re.escape(UNSUPPORTED)}|(?P<numbers>(?:\[\d+\])+))")
_CLASS = {"in the lectures": "borne", "checked": "right"}  # a wrong one has its mark in the text


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer as far as it is written; `Answer` has all of these too."""

    text: str
    sentences: Sequence[Sentence] = ()
    formulas: Sequence[Formula] = ()
    passages: Sequence[Hit] = ()
    case: WorkedCase | None = None


def html_blocks(draft: Draft) -> list[str]:
    """Return an answer as HTML, one piece for each paragraph, list or other block.

    A chip is a button with `data-cite="N"`, the number of its passage from 1.
    """
    inserts = [_wrong(match) for match in _WRONG.finditer(draft.text)]
    stretches = []
    for sentence, start, end in _placed(draft.text, inserts, draft.sentences):
        mark = _MARK.match(draft.text, end)
        if sentence.supported is False:
            stretches.append(Stretch(start, end))
        if mark and mark.group("numbers") and sentence.citations:
            inserts.append(Insert(end, mark.end(), _chips(sentence.citations, draft.passages)))
        elif mark and sentence.supported is False:
            inserts.append(Insert(end, mark.end(), _unborne()))
    if draft.case:
        inserts += _case(draft.text, draft.case, draft.passages)
    return markup.blocks(
        draft.text, inserts, stretches, wrap='<span class="unborne">', status=_statuses(draft.formulas)
    )


def summary(sentences: Sequence[Sentence]) -> str:
    """Return how the sentences of an answer fared, in words."""
    claims = [sentence for sentence in sentences if sentence.supported is not None]
    if not claims:
        return ""
    borne = sum(sentence.supported is True for sentence in claims)
    return f"{borne} of {labels.count(len(claims), 'statement')} borne by your lectures"


def _placed(text: str, cuts: Sequence[Insert], sentences: Sequence[Sentence]) -> list[tuple[Sentence, int, int]]:
    """Find the sentences in the text, in which marks of wrong formulas may stand."""
    bare, places = _without(text, cuts)
    found, at = [], 0
    for sentence in sentences:
        start = bare.find(sentence.text, at) if sentence.text else -1
        if start < 0:
            continue
        at = start + len(sentence.text)
        found.append((sentence, places[start], places[at - 1] + 1))
    return [(sentence, start, _past(end, cuts)) for sentence, start, end in found]


def _without(text: str, cuts: Sequence[Insert]) -> tuple[str, list[int]]:
    """Return the text without the cuts, and where each of its characters stands in the text."""
    places: list[int] = []
    at = 0
    for cut in cuts:
        places += range(at, cut.start_index)
        at = cut.end_index
    places += range(at, len(text))
    return "".join(text[place] for place in places), places


def _past(end: int, cuts: Sequence[Insert]) -> int:
    """Return where a sentence ends with the mark of a wrong formula right behind it."""
    return next((cut.end_index for cut in cuts if cut.start_index == end), end)


def _chips(numbers: Sequence[int], passages: Sequence[Hit]) -> str:
    chips = "".join(_chip(number, passages) for number in numbers if 1 <= number <= len(passages))
    return f'<span class="chips">{chips}</span>' if chips else ""


def _chip(number: int, passages: Sequence[Hit]) -> str:
    passage = passages[number - 1].passage
    spoken = escape(f"Source {number}: {labels.spoken(passage)}")
    title = escape(labels.heading(passage))
    return (
        f'<button type="button" class="chip {passage.kind}" data-cite="{number}" aria-label="{spoken}" '
        f'title="{title}">{escape(labels.chip(passage))}</button>'
    )


def _case(text: str, case: WorkedCase, passages: Sequence[Hit]) -> list[Insert]:
    """Return the chip of the passage that a worked case is about; its heading names the number."""
    start, named = text.rfind(case.markdown), f"[{case.passage}]"
    at = text.find(named, start) if start >= 0 else -1
    return [Insert(at, at + len(named), _chips((case.passage,), passages))] if at >= 0 else []


def _unborne() -> str:
    return '<span class="mark unborne-mark">not in the lectures</span>'


def _wrong(match: re.Match[str]) -> Insert:
    right = match.group("right")
    told = f"; right: {markup.mathml(right)}" if right else ""
    return Insert(*match.span(), f'<span class="mark wrong-mark">this formula is wrong{told}</span>')


def _statuses(formulas: Sequence[Formula]) -> Callable[[markup.Formula], str]:
    by_start = {formula.start_index: formula for formula in formulas if formula.is_statement}

    def status(shown: markup.Formula) -> str:
        formula = by_start.get(shown.start_index)
        if formula is None or formula.status not in _CLASS:
            return ""
        return f'<span class="mark formula-mark {_CLASS[formula.status]}">{formula.status}</span>'

    return status
