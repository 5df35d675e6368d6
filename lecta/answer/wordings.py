"""What becomes of a reply's sentences: said otherwise where no passage surely bears them, and an end to circles.

In place of such a sentence stand the lecture's own words; where there are none to quote, the model goes back to where
it began and says it otherwise. What it says again is left out; where it goes round in a circle, or has left the
lectures, the answer ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from lecta.answer.citations import sentences
from lecta.types import Sentence

LEFT = "Here the model left the lectures, and the answer ends."
"""The sentence behind an answer that would have gone on without them."""

_FIRM = 0.75
"""Support from which a sentence is not said otherwise, and that another wording must have: of several the check takes
the one that deceives it best. By reading, of 16 citations below it 4 bore their sentence wholly, of 84 above 78."""
_SAME = 0.7  # share of the words of both from which two sentences are the same
_ITEM = re.compile(r"[-*+|]|\d+[.)]\s")
_MARKED = re.compile(r"\s*(?:(?:[-*+]|\d+[.)])\s+)?")  # the space and the mark of an item before a sentence
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$|\\\[.*?\\\]|\\\(.*?\\\)", re.DOTALL)
_PROSE = 4  # words beside formulas
_ASTRAY = 2  # sentences in a row, none of which was borne in any wording
_CIRCLE = re.compile(r"\s*(.{2,60}?)\1{11,}", re.DOTALL)  # in a text read backwards: at its end alone, which is quick
_TAIL = 800  # characters in which a circle is looked for
_LONG = 300  # characters of a circle that has no letters: digits and the dashes of a table are repeated with reason


def until_circle(pieces: Iterable[str]) -> Iterator[str]:
    r"""Yield the pieces of a reply until they go round in a circle.

    >>> len("".join(until_circle(iter([r"$a\quad"] + [r"\quad"] * 500))))
    62
    """
    tail = ""
    for piece in pieces:
        yield piece
        tail = (tail + piece)[-_TAIL:]
        if _is_circle(tail):
            return


def _is_circle(text: str) -> bool:
    """Tell whether a text ends in something that is said a dozen times."""
    found = _CIRCLE.match(text[: -_TAIL - 1 : -1])
    return bool(found and (re.search(r"[^\W\d_]", found[1]) or len(found[0]) >= _LONG))


def best_wordings(
    write: Callable[[str, int], Iterator[str]],
    judge: Callable[[str], Sentence],
    tries: Callable[[], int],
    on_draft: Callable[[str], None] = lambda sentence: None,
    on_left: Callable[[], None] = lambda: None,
    quote: Callable[[str], str] = lambda sentence: "",
) -> Iterator[str]:
    """Yield the sentences of an answer, each as it was borne, or as it was first said where no wording was.

    `quote` returns what a passage says in place of a sentence in doubt, or ""; it is asked before the model.
    `write` yields the words that follow a beginning of the answer, for 0 the likeliest ones, for 1, 2, ... up to
    `tries()` others, asked when a sentence is not surely borne. A wording that says again what was said does not
    count. Where the model, asked again, ends the answer instead, it ends, unless nothing was borne yet. Prose that was
    said is left out, and the second in a row ends the answer. So do two sentences in a row that are not borne in any
    wording, four where none was before; `on_left` is called where the model would have gone on. A model that cannot go
    back is not ended. `on_draft` is called with a sentence as it grows.

    >>> said = {("", 0): ["It sings.", " Loudly."], ("", 1): ["It rises."], ("It rises.", 0): [" It falls."]}
    >>> borne = {"It rises.": True, "It falls.": True}
    >>> judge = lambda text: Sentence(text, supported=borne.get(text, False))
    >>> list(best_wordings(lambda begun, number: iter(said[begun, number]), judge, lambda: 1))
    ['It rises.', ' It falls.']
    """
    said, has_borne, astray, again = list[str](), False, 0, 0
    following = sentences(write("", 0), on_draft)
    while (sentence := next(following, "")) != "":
        verdict, times = judge(sentence.strip()), tries()
        again = again + 1 if times and _repeats(sentence, said) else 0
        if again > 1 or (again and not _is_prose(sentence)):
            return
        if again:
            continue
        if times and (_is_doubtful(verdict) or _is_circle(sentence)):
            text = "".join(said)
            is_lost = not verdict.supported
            quoted = _quoted(quote, judge, sentence, text)
            other = quoted or _other(write, judge, times, text, on_draft)
            if (other is None and has_borne and is_lost) or (not other and _is_circle(sentence)):
                return
            sentence = other or sentence
            verdict = judge(sentence.strip()) if not (quoted and is_lost) else verdict
            following = sentences(write(text + sentence, 0), on_draft)
        yield sentence
        said.append(sentence)
        has_borne = has_borne or verdict.supported is True
        if verdict.supported is not None:
            astray = 0 if verdict.supported else astray + 1
        if times and astray >= (_ASTRAY if has_borne else 2 * _ASTRAY):
            if next(following, "").strip():
                on_left()
            return


def _is_doubtful(verdict: Sentence) -> bool:
    """Tell whether a sentence claims something that passages may not bear."""
    return verdict.supported is not None and not _is_firm(verdict)


def _is_firm(verdict: Sentence) -> bool:
    return verdict.supported is True and (verdict.support is None or verdict.support >= _FIRM)


def _quoted(quote: Callable[[str], str], judge: Callable[[str], Sentence], sentence: str, text: str) -> str:
    """Return what a passage says in place of a sentence, with the space and the mark before it, if it is not told yet.

    Only in place of prose: formulas, code and rows of a table mean what they say.
    """
    mark = _MARKED.match(sentence)
    before = mark[0] if mark else ""
    own = sentence[len(before) :].strip()
    if not _is_prose(own) or re.search(r"```|\$\$|\\\[", own) or own[0] in "|#":
        return ""
    found = (one.strip() for one in sentences([quote(own)]))
    words = " ".join(one for one in found if one and not _is_told(one, text))
    return before + words if words and _is_firm(judge(words)) else ""


def _other(
    write: Callable[[str, int], Iterator[str]],
    judge: Callable[[str], Sentence],
    tries: int,
    text: str,
    on_draft: Callable[[str], None],
) -> str | None:
    """Return a wording that is borne, "" where none is, or None where the model rather ends the answer."""
    ended = False
    for number in range(1, tries + 1):
        sentence = next(sentences(write(text, number), on_draft), "")
        ended = ended or not sentence.strip()
        if sentence.strip() and _is_firm(judge(sentence.strip())) and not _is_told(sentence, text):
            return sentence
    return None if ended else ""


def _repeats(sentence: str, said: list[str]) -> bool:
    """Tell whether a sentence is prose that was said, or ends a run of lines that was said twice before.

    Lines of two algorithms may well be the same, and so may layers of a network.

    >>> _repeats("- $a$", ["- $a$", "- $a$"]), _repeats("- $b$", ["- $a$", "- $b$", "- $a$"])
    (True, False)
    """
    lines = [" ".join(one.split()) for one in (*said, sentence)]
    if _is_prose(sentence) and lines[-1] in lines[:-1]:
        return True
    return any(
        lines[-size:] == lines[-2 * size : -size] == lines[-3 * size : -2 * size]
        for size in range(1, len(lines) // 3 + 1)
    )


def _is_prose(sentence: str) -> bool:
    """Tell whether a sentence is neither an item, nor a row, nor a formula."""
    words = re.findall(r"[^\W\d_]{2,}", _FORMULA.sub(" ", sentence))
    return not _ITEM.match(sentence.strip()) and len(words) >= _PROSE


def _is_told(sentence: str, text: str) -> bool:
    """Tell whether a wording says again what stands in a text, or goes round in a circle."""
    words = _words(sentence)
    said = map(_words, sentences([text]))
    return _is_circle(sentence) or any(len(words & one) >= _SAME * len(words | one) for one in said)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
