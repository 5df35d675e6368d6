"""Each paragraph once: repeated paragraphs within and across files, found by MinHash.

A paragraph repeats another when its words are the same, or nearly so (Jaccard similarity of three-word shingles, the
MinHash estimate at least 0.8) and its numbers, mathematics and negations are the same in the same order: "x_1" is not
"x_2", and "is" is not "is not". A slide repeats only as a whole and word for word.

What repeats is cut in runs: neighbours that repeat neighbours. A run must hold enough words of prose, so that a
recurring slide line, a formula or "okay, so" is never dropped alone, and a short line goes only with its surroundings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import chain
from typing import Protocol

from lecta.clean.paragraphs import Paragraph, exclude, paragraphs
from lecta.types import Document, Signature

MIN_WORDS = 8
"""A paragraph of fewer words of prose is looked up only beside a repeated one."""
MIN_RUN = 20
"""Words of prose a run of repeated paragraphs must hold to be cut."""
MIN_SPEECH_RUN = 40
"""The same where the paragraphs are sentences of running text: speakers say a sentence again and mean it."""
SIMILARITY = 0.8
"""Least MinHash estimate; with 64 permutations its standard error there is 0.05."""

_PERMUTATIONS, _ROWS = 64, 4  # 16 bands of 4: a pair at 0.8 is missed once in 4,000, one at 0.5 looked at in 64 of 100
_SEED = 20261
_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)*")
_PROSE = re.compile(r"(?<![\\\w])[^\W\d_]{2,}(?:['’][^\W\d_]+)?")
_FACT = re.compile(
    r"\d+(?:[.,]\d+)*|[^\w\s.,;:!?'\"“”‘’()\[\]*`–—…-]|\\\w+|\b(?![aAI]\b)[^\W\d_]\b(?:_\w+)?|\b\w*\d\w*\b"
)
_NEGATIONS = frozenset({"not", "no", "never", "none", "cannot", "without", "nor", "neither", "nicht", "kein", "pas"})


class Seen(Protocol):
    """The paragraphs of the files before this one."""

    def like(self, signature: Signature) -> Iterable[Signature]:
        """Return paragraphs that share `exact` or a band with this one, indexed ones only (`copy_of` empty)."""

    def at(self, source: str, ordinal: int) -> Signature | None:
        """Return one paragraph by its place."""


@dataclass
class SeenInMemory:
    """`Seen` for one run or one file; the store keeps the same rows in a table."""

    rows: dict[tuple[str, int], Signature] = field(default_factory=dict)
    _keys: dict[int, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    _sources: dict[str, list[tuple[str, int]]] = field(default_factory=dict)

    def add(self, signatures: Iterable[Signature], *, is_repeat: bool = False) -> None:
        """Remember paragraphs; one that repeats another is known by its place only, for the other stands for both."""
        for signature in signatures:
            place = (signature.source, signature.ordinal)
            self.rows[place] = signature
            self._sources.setdefault(signature.source, []).append(place)
            if signature.words >= MIN_WORDS and not signature.copy_of and not is_repeat:
                alone = (place,)  # one for all keys: there are 17 of each paragraph
                for key in {signature.exact, *signature.bands}:
                    if (others := self._keys.setdefault(key, alone)) is not alone:
                        self._keys[key] = (*others, place)

    def like(self, signature: Signature) -> list[Signature]:
        """Return paragraphs that share `exact` or a band with this one, oldest first."""
        alike = [places for key in (signature.exact, *signature.bands) if (places := self._keys.get(key))]
        return [self.rows[place] for place in dict.fromkeys(chain.from_iterable(alike)) if place in self.rows]

    def at(self, source: str, ordinal: int) -> Signature | None:
        """Return one paragraph by its place."""
        return self.rows.get((source, ordinal))

    def remove(self, source: str) -> None:
        """Forget a file."""
        for place in self._sources.pop(source, ()):
            self.rows.pop(place, None)


@dataclass(frozen=True, slots=True)
class Repeat:
    """One paragraph of this document and the place where it already stands."""

    start_index: int
    end_index: int
    of: Signature


@dataclass(frozen=True, slots=True)
class Deduped:
    """A document with its repeats marked, what they repeat, and the signatures to remember."""

    document: Document
    repeats: tuple[Repeat, ...]
    signatures: tuple[Signature, ...]


def signatures_of(document: Document) -> tuple[Signature, ...]:
    """Return the signatures of a document's paragraphs, none compared yet."""
    return tuple(_signature(document.source, i, paragraph) for i, paragraph in enumerate(_paragraphs(document)))


def _paragraphs(document: Document) -> list[Paragraph]:
    return paragraphs(document, whole=document.kind == "slides")


def dedupe(document: Document, seen: Seen, made: Sequence[Signature] | None = None) -> Deduped:
    """Mark every paragraph that stands earlier in this document or in `seen` as `excluded="repeated: <source>"`.

    `document.source` names it. `seen` must not hold an older version of the same file. `made` are the document's
    `signatures_of`, where they are there already.
    """
    own = SeenInMemory()
    signatures: list[Signature] = []
    originals: list[Signature | None] = []
    for signature in signatures_of(document) if made is None else made:
        originals.append(_original(signature, document, (own, seen), originals[-1] if originals else None))
        signatures.append(signature)
        own.add([signature], is_repeat=originals[-1] is not None)
    if not any(originals):  # as in most files
        return Deduped(document, (), tuple(signatures))
    _join_short(signatures, originals, (own, seen))
    found = _paragraphs(document)
    runs = _long_enough(found, signatures, originals)
    repeats = [Repeat(found[i].start, found[i].end, of) for run in runs for i in run if (of := originals[i])]
    spans = [(repeat.start_index, repeat.end_index, f"repeated: {repeat.of.source}") for repeat in repeats]
    cut: dict[int, Signature] = {}
    for i in sorted(i for run in runs for i in run):
        if of := originals[i]:  # of a paragraph that is cut itself, what that one repeats
            cut[i] = cut.get(of.ordinal, of) if of.source == document.source else of
    kept = tuple(_with_original(signature, cut.get(i)) for i, signature in enumerate(signatures))
    return Deduped(exclude(document, _merged(document.text, spans)), tuple(repeats), kept)


def _original(
    signature: Signature, document: Document, places: Sequence[Seen], before: Signature | None
) -> Signature | None:
    """Return the paragraph that this one repeats: the one that continues the run before, else the oldest."""
    if signature.words < MIN_WORDS:
        return None
    word_for_word = document.kind == "slides"
    found = [row for seen in places for row in seen.like(signature) if _same(row, signature, word_for_word)]
    if before is not None:
        for row in found:
            if row.source == before.source and 0 < row.ordinal - before.ordinal <= 2:
                return row
    return found[0] if found else None


def _same(row: Signature, signature: Signature, word_for_word: bool) -> bool:
    if row.exact == signature.exact:
        return True
    if word_for_word or row.facts != signature.facts or not row.digest or not signature.digest:
        return False
    agree = sum(a == b for a, b in zip(row.digest, signature.digest, strict=True))
    return agree >= SIMILARITY * _PERMUTATIONS


def _join_short(signatures: Sequence[Signature], originals: list[Signature | None], places: Sequence[Seen]) -> None:
    """Add the short paragraphs that stand beside a repeated one here as they do there. Changes `originals`."""
    for step, order in ((1, range(len(signatures))), (-1, reversed(range(len(signatures))))):
        for i in order:
            beside = originals[i - step] if 0 <= i - step < len(signatures) else None
            if originals[i] is not None or beside is None or signatures[i].words >= MIN_WORDS:
                continue
            for seen in places:
                row = seen.at(beside.source, beside.ordinal + step)
                is_itself = row is not None and row.source == signatures[i].source and row.ordinal >= i
                if row is not None and not is_itself and row.exact == signatures[i].exact:
                    originals[i] = row
                    break


def _long_enough(
    found: Sequence[Paragraph], signatures: Sequence[Signature], originals: Sequence[Signature | None]
) -> list[list[int]]:
    """Return the runs of repeated paragraphs that hold enough prose to be cut."""
    runs: list[list[int]] = []
    for i, original in enumerate(originals):
        before = originals[i - 1] if i else None
        if original is None:
            continue
        if before is not None and before.source == original.source and 0 < original.ordinal - before.ordinal <= 2:
            runs[-1].append(i)
        else:
            runs.append([i])
    return [
        run
        for run in runs
        if sum(signatures[i].words for i in run) >= (MIN_SPEECH_RUN if found[run[0]].is_sentence else MIN_RUN)
    ]


def _merged(text: str, spans: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Join neighbouring spans of one reason with only white space between, so that sections stay few."""
    joined: list[tuple[int, int, str]] = []
    for start, end, reason in spans:
        if joined and joined[-1][2] == reason and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], end, reason)
        else:
            joined.append((start, end, reason))
    return joined


def _signature(source: str, ordinal: int, paragraph: Paragraph) -> Signature:
    words = [word.lower().replace("’", "'") for word in _WORD.findall(paragraph.text)]
    facts = _FACT.findall(paragraph.text) + [word for word in words if word in _NEGATIONS or word.endswith("n't")]
    prose = len(_PROSE.findall(paragraph.text))
    exact = _hash(" ".join(words) + "\n" + " ".join(facts))
    digest = _digest(words) if prose >= MIN_WORDS else ()
    bands = tuple([_hash(f"{i}:{digest[i : i + _ROWS]}") for i in range(0, len(digest), _ROWS)])
    return Signature(
        source, ordinal, paragraph.start, paragraph.end, exact, _hash(" ".join(facts)), prose, digest, bands
    )


def _with_original(signature: Signature, of: Signature | None) -> Signature:
    return replace(signature, copy_of=of.source, copy_exact=of.exact) if of else signature


def _digest(words: Sequence[str]) -> tuple[int, ...]:
    from rensa import RMinHash

    sketch = RMinHash(num_perm=_PERMUTATIONS, seed=_SEED)
    sketch.update([" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))])
    return tuple(sketch.digest())


def _hash(text: str) -> int:
    """Return 63 bits, the same on every machine and in every run: fits a signed 64-bit column."""
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big") >> 1
