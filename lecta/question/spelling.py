"""Other forms of a question's words that the library holds: inflections, other spellings, compounds, corrections."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from lecta.question.lexicon import Lexicon
from lecta.question.words import STOP

_LEAST = 3
_HYPHENED = re.compile(r"(?<![\w-])([^\W\d_]+)[-‐‑–]([^\W\d_]+)(?![\w-])")
# Plurals that Snowball's rules do not lead to their singular: "matrices" and "matrix" have two stems there.
_ENDINGS = (
    ("ices", "ix", 2), ("ices", "ex", 2), ("ix", "ices", 2), ("ex", "ices", 2), ("ses", "s", 2), ("s", "ses", 3),
    ("es", "is", 2), ("is", "es", 2), ("a", "um", 3), ("um", "a", 3), ("a", "on", 4), ("on", "a", 4), ("us", "i", 4),
    ("i", "us", 4), ("ves", "f", 4), ("f", "ves", 4), ("lve", "lution", 3), ("lution", "lve", 3),
)  # fmt: skip
"""Ending, what may stand for it, and how many letters must stand before it: "minus" is no singular of "mini"."""

_BRITISH = tuple(
    (re.compile(british), american, re.compile(american_), british_)
    for british, american, american_, british_ in (
        (r"is(?=(?:e|ed|es|er|ers|ing|ation|ations)$)", "iz", r"iz(?=(?:e|ed|es|er|ers|ing|ation|ations)$)", "is"),
        (r"ys(?=(?:e|ed|es|er|ers|ing)$)", "yz", r"yz(?=(?:e|ed|es|er|ers|ing)$)", "ys"),
        (r"our(?=(?:s|ed|ing|al|hoods?|able|ite|ful)?$)", "or", r"or(?=(?:s|ed|ing|al|hoods?|able|ite|ful)?$)", "our"),
        (r"ll(?=(?:ed|ing|er|ers)$)", "l", r"(?<=[aeiou])l(?=(?:ed|ing|er|ers)$)", "ll"),
        (r"tre(?=s?$)", "ter", r"ter(?=s?$)", "tre"),
        (r"nce(?=s?$)", "nse", r"nse(?=s?$)", "nce"),
        (r"ogue(?=s?$)", "og", r"og(?=s?$)", "ogue"),
    )
)  # fmt: skip


def variants(word: str, lexicon: Lexicon) -> Iterator[str]:
    """Yield forms of a word that the library holds and that stemming does not bring together with it.

    >>> lexicon = Lexicon({"matrix": 9, "optimiser": 4})
    >>> list(variants("matrices", lexicon)), list(variants("optimizers", lexicon))
    (['matrix'], ['optimiser'])
    """
    ends = () if word.endswith(("ss", "sses")) else _ENDINGS
    forms = [
        word[: -len(old)] + new for old, new, least in ends if word.endswith(old) and len(word) - len(old) >= least
    ]
    for british, american, american_, british_ in _BRITISH:
        for form in {british.sub(american, word), american_.sub(british_, word)} - {word}:
            forms += [form, form.removesuffix("s"), f"{form}s"]
    held = [form for form in dict.fromkeys(forms) if form != word and form in lexicon.counts]
    yield from held[:1]


def compounds(
    words: list[str], text: str, lexicon: Lexicon, is_held: Callable[[str], bool]
) -> Iterator[tuple[str, str]]:
    """Yield (as asked, as the library writes it) for words it writes together that the question does not, or apart.

    `words` are the question's, in order and lower case; a pair that the question joins with a hyphen in `text` may
    be a word the library only holds inflected ("over-fit").
    """
    hyphened = set(_HYPHENED.findall(text.lower()))
    for first, second in pairwise(words):
        joined = first + second
        if min(len(first), len(second)) < _LEAST:
            continue
        is_one = (first, second) in hyphened  # "over-fit" is one word, "over there" is not
        if (joined in lexicon.counts and (is_one or not {first, second} & STOP)) or (is_one and is_held(joined)):
            yield f"{first} {second}", joined
    for word in words:
        is_apart = len(word) > 2 * _LEAST and word not in lexicon.counts
        apart = lexicon.compounds.get(word) or (halves(word, lexicon) if is_apart else "")
        if apart:
            yield word, apart


def halves(word: str, lexicon: Lexicon) -> str:
    """Return a word the library does not hold as two it does, the pair whose rarer half is the most frequent."""
    splits = (
        (min(lexicon.counts.get(word[:n], 0), lexicon.counts.get(word[n:], 0)), f"{word[:n]} {word[n:]}")
        for n in range(_LEAST, len(word) - _LEAST + 1)
        if word[:n] not in STOP
    )
    count, best = max(splits, default=(0, ""))
    return best if count >= 2 else ""


def correction(word: str, lexicon: Lexicon, *, is_word: bool = False) -> str:
    """Return the word of the library nearest to one it does not hold, or "".

    It begins with the same letter and is one edit away (a letter more, less, other, or two swapped), from seven letters
    on two; only one where the word is a right one (`is_word`) that may be meant. Of several the nearest, then the most
    frequent.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    limit = 1 if len(word) < 7 or is_word else 2
    near = [
        (distance, -lexicon.counts.get(other, 1), other)
        for length in range(len(word) - limit, len(word) + limit + 1)
        for other, distance, _ in process.extract(
            word, lexicon.by_length.get(length, ()), scorer=OSA.distance, score_cutoff=limit, limit=None
        )
        if other[0] == word[0]
    ]
    return min(near)[2] if near else ""


def abbreviations(text: str, lexicon: Lexicon) -> Iterator[tuple[str, str]]:
    """Yield (as asked, the other form) for abbreviations of the library in a text, and long forms it abbreviates.

    A short form in small letters counts when it is no common word ("sgd", not "it"); a plural does ("GANs").
    """
    for name in dict.fromkeys(re.findall(r"(?<!\w)[A-Za-z][\w-]*(?!\w)", text)):
        singular_ = name[:-1] if name.endswith("s") and name[:-1].isupper() else name
        short = singular_ if singular_ in lexicon.abbreviations else lexicon.short_forms.get(name.lower(), "")
        if short and (short == singular_ or (len(name) >= _LEAST and name.lower() not in STOP)):
            yield name, lexicon.abbreviations[short][0]
    asked = (singular(word) for word in re.findall(r"[^\W_]+", text.lower()))
    folded = f" {' '.join(asked)} "
    for short, longs in lexicon.abbreviations.items():
        for long in longs:
            if f" {' '.join(map(singular, long.split()))} " in folded:
                yield long, short


def singular(word: str) -> str:
    """Return a word without the s of a plural: enough to compare two spellings of one long form."""
    return word[:-1] if word.endswith("s") and len(word) > _LEAST and not word.endswith("ss") else word
