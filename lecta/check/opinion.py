"""A language model's own yes or no: is everything that a sentence says stated in an excerpt?

Words and meaning leave some sentences in doubt, of which a model, asked, knows more than they do. Its log-odds are
weighed with the support; docs/checking.md has what both are worth together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from lecta.check.evidence import Match, Passages, Span
from lecta.check.words import without_citations
from lecta.errors import ChatError, PromptTooLongError
from lecta.protocols import ChatModel, Leaning
from lecta.types import Message

MODEL = "qwen2.5-coder-1.5b"
"""The model whose log-odds the weights below are of; no other is asked."""
YES, NO = "Yes", "No"
DOUBT = 0.16
"""Distance from 0.5 of a claim's support up to which a model is asked about it."""
WEIGHTS, OFFSET = (0.773, 0.616), -0.584
"""Of the support's and the model's log-odds; fitted to 400 claims by `benchmarks.opinion`.

A later run, with marks where one reference ends and another begins, gave 0.779, 0.608 and -0.576."""

Opinion = Callable[[str, Sequence[Span]], float | None]
"""Returns a model's log-odds that passages say all that a sentence says, by the words of theirs that it may rest on;
None where it has no opinion."""

_SYSTEM = "You check claims against an excerpt."
_ASKED = "Is everything in exactly this claim stated in the excerpt? Answer Yes or No."
_ENOUGH, _ROOM, _LONGEST = 650, 900, 1400  # characters of an excerpt: when it is full, more where windows are long


def asking(chat: ChatModel, passages: Sequence[tuple[str, str]]) -> Opinion | None:
    """Return what asks a model about passages, each a title and a text; None where its log-odds are of no known worth.

    A model that fails is not asked again: a sentence is then judged by words and meaning alone.
    """
    if chat.name != MODEL or not isinstance(chat, Leaning):
        return None
    has_failed = False

    def ask(sentence: str, spans: Sequence[Span]) -> float | None:
        nonlocal has_failed
        if has_failed:
            return None
        try:
            return chat.leaning(conversation(sentence, cited(passages, spans)), YES, NO)
        except PromptTooLongError:
            return None
        except ChatError:
            has_failed = True
            return None

    return ask


def conversation(sentence: str, shown: str) -> list[Message]:
    """Return what the model is asked about an excerpt, to reply with `YES` or `NO`; the seam is behind the excerpt."""
    before = f"Excerpt:\n{shown}"
    asked = f"{before}\n\nClaim: {without_citations(sentence)}\n{_ASKED}"
    return [Message("system", _SYSTEM), Message("user", asked, (len(before),))]


def probability(support: float, leaning: float) -> float:
    """Return the probability (0..1) that the excerpt bears a sentence: logistic regression on the log-odds of both.

    `support` is the one by words and meaning, `leaning` the model's log-odds of `YES` against `NO`.
    """
    odds = WEIGHTS[0] * log_odds(support) + WEIGHTS[1] * leaning + OFFSET
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


def log_odds(support: float) -> float:
    """Return the log-odds of a probability, those of none and of all made finite."""
    sure = min(max(support, 1e-6), 1 - 1e-6)
    return math.log(sure / (1 - sure))


def cited(passages: Sequence[tuple[str, str]], spans: Sequence[Span]) -> str:
    """Return the passages that spans are of, under their titles; around the spans where they are long together."""
    numbers = list(dict.fromkeys(span.passage for span in spans))
    is_long = sum(len(passages[number - 1][1]) for number in numbers) > _LONGEST
    parts = []
    for number in numbers:
        title, text = passages[number - 1]
        own = [span for span in spans if span.passage == number]
        if is_long:
            first, last = min(span.start for span in own), max(span.end for span in own)
            text = _around(text, first, last, _LONGEST // len(numbers))
        parts.append(f"{title}\n{text}".strip())
    return "\n\n".join(parts)


def _around(text: str, start: int, end: int, room: int) -> str:
    """Return `room` characters of a text around some of them, which are all kept."""
    if len(text) <= room:
        return text
    first = max(0, min(start - max(0, room - (end - start)) // 2, len(text) - room))
    last = max(first + room, end)
    return ("[...] " if first else "") + text[first:last].strip() + (" [...]" if last < len(text) else "")


def excerpt(texts: Sequence[str], passages: Passages, found: Match) -> str:
    """Return the sentences of texts that come nearest to a claim, in their order; `passages` are the texts, read."""
    chosen: set[int] = set()
    size = 0
    for window in (-found.scores).argsort(kind="stable"):
        first, stop = passages.windows[window]
        new = [piece for piece in range(first, stop) if piece not in chosen]
        length = sum(passages.pieces[piece][2] - passages.pieces[piece][1] for piece in new)
        if chosen and size + length > _ROOM:
            continue
        chosen.update(new)
        size += length
        if size > _ENOUGH:
            break
    parts, before = list[str](), (-1, -1)
    for piece in sorted(chosen):
        place, start, end = passages.pieces[piece]
        follows = not parts or before == (place, piece - 1)
        parts.append(("" if follows else "[...] ") + texts[place][start:end].strip())
        before = place, piece
    return " ".join(parts)[:_LONGEST]
