"""Another wording for a sentence that no passage bears: the model goes back to where it began and says it otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lecta.answer.citations import sentences
from lecta.types import Sentence

_SAME = 0.7  # share of the words of both from which two sentences are the same


def best_wordings(
    write: Callable[[str, int], Iterator[str]],
    judge: Callable[[str], Sentence],
    tries: Callable[[], int],
    on_draft: Callable[[str], None] = lambda sentence: None,
) -> Iterator[str]:
    """Yield the sentences of an answer, each as it was borne, or as it was first said where no wording was.

    `write` yields the words that follow a beginning of the answer, for 0 the likeliest ones, for 1, 2, ... up to
    `tries()` others, which is asked when a sentence is not borne. A
    wording that says again what was said does not count. Where the model, asked again, ends the answer instead, it
    ends, unless nothing was borne yet. `on_draft` is called with a sentence while it grows.

    >>> said = {("", 0): ["It sings.", " Loudly."], ("", 1): ["It rises."], ("It rises.", 0): [" It falls."]}
    >>> borne = {"It rises.": True, "It falls.": True}
    >>> judge = lambda text: Sentence(text, supported=borne.get(text, False))
    >>> list(best_wordings(lambda begun, number: iter(said[begun, number]), judge, lambda: 1))
    ['It rises.', ' It falls.']
    """
    text, has_borne = "", False
    following = sentences(write("", 0), on_draft)
    while (sentence := next(following, "")) != "":
        verdict = judge(sentence.strip())
        if verdict.supported is False and (times := tries()):
            other = _other(write, judge, times, text, on_draft)
            if other is None and has_borne:
                return
            sentence = other or sentence
            verdict = judge(sentence.strip())
            following = sentences(write(text + sentence, 0), on_draft)
        yield sentence
        text += sentence
        has_borne = has_borne or verdict.supported is True


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
        if sentence.strip() and judge(sentence.strip()).supported and not _was_said(sentence, text):
            return sentence
    return None if ended else ""


def _was_said(sentence: str, text: str) -> bool:
    words = _words(sentence)
    return any(len(words & said) >= _SAME * len(words | said) for said in map(_words, sentences([text])))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
