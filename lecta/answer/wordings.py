"""Another wording for a sentence that no passage bears: the model goes back to where it began and says it otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from lecta.answer import prompt
from lecta.answer.citations import sentences
from lecta.types import Sentence

LEFT = "Here the model left the lectures, and the answer ends."
"""The sentence that ends an answer which would go on without them."""

_SAME = 0.7  # share of the words of both from which two sentences are the same
_ITEM = re.compile(r"[-*+]\s|\d+[.)]\s")
_PROSE = 4  # words
_CIRCLE = re.compile(r"\s*(.{2,60}?)\1{11,}", re.DOTALL)  # in a text read backwards: at its end alone, which is quick
_TAIL = 800  # characters in which a circle is looked for
_ASTRAY = 2  # sentences in a row, none of which was borne in any wording


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
    """Tell whether a text ends in words or signs that are said a dozen times; the dashes of a table are none."""
    found = _CIRCLE.match(text[: -_TAIL - 1 : -1])
    return bool(found and re.search(r"\w", found[1]))


def best_wordings(
    write: Callable[[str, int], Iterator[str]],
    judge: Callable[[str], Sentence],
    tries: Callable[[], int],
    on_draft: Callable[[str], None] = lambda sentence: None,
) -> Iterator[str]:
    """Yield the sentences of an answer, each as it was borne, or as it was first said where no wording was.

    `write` yields the words that follow a beginning of the answer, for 0 the likeliest ones, for 1, 2, ... up to
    `tries()` others, which is asked when a sentence is not borne or says again what was said. A wording that does that
    does not count. Where the model only repeats itself the answer ends; so it does where the model, asked again, ends
    it, unless nothing was borne yet. Where two sentences in a row are not borne in any wording, `LEFT` ends it.
    `on_draft` is called with a sentence as it grows.

    >>> said = {("", 0): ["It sings.", " Loudly."], ("", 1): ["It rises."], ("It rises.", 0): [" It falls."]}
    >>> borne = {"It rises.": True, "It falls.": True}
    >>> judge = lambda text: Sentence(text, supported=borne.get(text, False))
    >>> list(best_wordings(lambda begun, number: iter(said[begun, number]), judge, lambda: 1))
    ['It rises.', ' It falls.']
    """
    said, has_borne, astray = list[str](), False, 0
    following = sentences(write("", 0), on_draft)
    while (sentence := next(following, "")) != "":
        if prompt.is_heading(sentence):
            continue
        verdict, repeats = judge(sentence.strip()), _repeats(sentence, said)
        times = tries() if repeats or verdict.supported is False else 0
        if times:
            text = "".join(said)
            other = _other(write, judge, times, text, on_draft)
            if other is None and has_borne:
                return
            sentence, repeats = other or sentence, repeats and not other
            verdict = judge(sentence.strip())
            following = sentences(write(text + sentence, 0), on_draft)
        if repeats:
            return
        yield sentence
        said.append(sentence)
        has_borne = has_borne or verdict.supported is True
        if verdict.supported is not None:
            astray = 0 if verdict.supported else astray + 1
        if times and astray >= _ASTRAY and has_borne:
            yield f"\n\n{LEFT}"
            return


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
        if sentence.strip() and judge(sentence.strip()).supported and not _is_told(sentence, text):
            return sentence
    return None if ended else ""


def _repeats(sentence: str, said: list[str]) -> bool:
    """Tell whether a sentence goes round in a circle, is prose that was said, or ends a run that was said before.

    Lines of two algorithms may well be the same.

    >>> _repeats("- $a$", ["- $a$", "- $b$", "Then:"]), _repeats("- $b$", ["- $a$", "- $b$", "- $a$"])
    (False, True)
    """
    lines = [" ".join(one.split()) for one in (*said, sentence)]
    is_prose = not _ITEM.match(lines[-1]) and len(re.findall(r"[^\W\d_]{2,}", lines[-1])) >= _PROSE
    if (is_prose and lines[-1] in lines[:-1]) or _is_circle(sentence):
        return True
    return any(lines[-size:] == lines[-2 * size : -size] for size in range(1, len(lines) // 2 + 1))


def _is_told(sentence: str, text: str) -> bool:
    if _is_circle(sentence):
        return True
    words = _words(sentence)
    return any(len(words & said) >= _SAME * len(words | said) for said in map(_words, sentences([text])))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
