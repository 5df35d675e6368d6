"""Sections: coherent stretches of one lecture, which a model reads ahead and answers from.

A document is cut into sections once, whatever is asked, so that what was read for one question serves the next.

hits -> the section that holds the best of them, if it was read -> its passages, and short ones from elsewhere
     -> none was read -> fewer and shorter passages
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lecta.protocols import Embedder
from lecta.types import Hit, Passage

LONGEST = 3600
"""Characters in a section, about 1,000 tokens of lecture: their state takes 29 MB."""
ELSEWHERE = 500
"""Characters from outside the section: 130 tokens, two and a half seconds on two cores."""
UNREAD = 1400
"""Characters read where no section was: with the question under ten seconds on two cores."""

_CLOSE = 0.6  # of the best section's weight: a section that was read is taken before a better one that was not
_ALONE = 0.7  # of all weight in one section: nothing from elsewhere is read
_RANK = 1.0  # added to a rank from 0, as a hit weighs its reciprocal
_SHORT = 60  # characters: a shorter sentence is read with the one after it
_CONTEXT = 0.08  # of cosine, that a sentence gains beside one that is read


@dataclass(frozen=True, slots=True)
class Section:
    """Passages of one document that follow each other."""

    passages: tuple[Passage, ...]

    @property
    def place(self) -> tuple[str, int, int]:
        """Source, and the characters from which to which it goes."""
        return self.passages[0].source, self.passages[0].start_index, self.passages[-1].end_index

    def hits(self) -> tuple[Hit, ...]:
        """Return its passages as hits of no score."""
        return tuple(Hit(passage, 0.0) for passage in self.passages)

    def holds(self, passage: Passage) -> bool:
        """Tell whether a passage begins in it."""
        source, start, end = self.place
        return passage.source == source and start <= passage.start_index < end


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model is to read for a question."""

    shown: tuple[Hit, ...]
    """What answers are checked against and cite: the passages found, then the others of the section."""
    read: tuple[Hit, ...]
    """In the order in which it is read."""
    section: int
    """Of `read`, passages of a section whose state was kept; 0 where none was."""


def cut(passages: Sequence[Passage]) -> list[Section]:
    """Return the sections of one document, of about equal length; `passages` are all it has, in order."""
    whole = sum(len(passage.text) for passage in passages)
    if not whole:
        return []
    size = whole / math.ceil(whole / LONGEST)
    sections: list[list[Passage]] = [[]]
    done = 0
    for passage in passages:
        if sections[-1] and done + len(passage.text) / 2 > size * len(sections):
            sections.append([])
        sections[-1].append(passage)
        done += len(passage.text)
    return [Section(tuple(section)) for section in sections]


def of_hits(hits: Sequence[Hit], passages_of: Callable[[str], Sequence[Passage]]) -> list[tuple[Section, float]]:
    """Return the sections that hold hits and their share of the weight, best first; `hits` are best first."""
    weights: dict[tuple[str, int, int], float] = {}
    sections: dict[tuple[str, int, int], Section] = {}
    documents: dict[str, list[Section]] = {}
    for rank, hit in enumerate(hits):
        source = hit.passage.source
        if source not in documents:
            documents[source] = cut(passages_of(source))
        for section in documents[source]:
            if section.holds(hit.passage):
                sections[section.place] = section
                weights[section.place] = weights.get(section.place, 0.0) + 1 / (rank + 1 + _RANK)
    total = sum(weights.values())
    ranked = sorted(weights, key=lambda place: -weights[place])
    return [(sections[place], weights[place] / total) for place in ranked]


def plan(
    question: str,
    hits: Sequence[Hit],
    ranked: Sequence[tuple[Section, float]],
    embedder: Embedder,
    is_read: Callable[[Section], bool],
) -> Reading:
    """Return what to read: a section that was read, and short passages from elsewhere; else short passages alone."""
    for section, share in ranked:
        if share < _CLOSE * ranked[0][1]:
            break
        if is_read(section):
            outside = [hit for hit in hits if not section.holds(hit.passage)]
            more = () if share >= _ALONE else shortened(question, outside, embedder, ELSEWHERE)
            inside = [hit.passage for hit in hits if section.holds(hit.passage)]
            others = tuple(hit for hit in section.hits() if not any(_within(hit.passage, one) for one in inside))
            return Reading((*hits, *others), (*section.hits(), *more), len(section.passages))
    return Reading(tuple(hits), shortened(question, hits, embedder, UNREAD), 0)


def shortened(question: str, hits: Sequence[Hit], embedder: Embedder, limit: int) -> tuple[Hit, ...]:
    """Return hits, best first, cut down to `limit` characters in all.

    The best are whole as far as they fit; of the others the sentences are left that bear on the question most, one
    beside another counting a little more than by its own cosine. Hits of which nothing is left are left out.
    """
    whole = 0
    while whole < len(hits) and len(hits[whole].passage.text) <= limit:
        limit -= len(hits[whole].passage.text)
        whole += 1
    units = [(number, unit) for number, hit in enumerate(hits[whole:], whole) for unit in sentences(hit.passage.text)]
    texts = _chosen(units, _cosines(question, hits, units, embedder), limit) if limit >= _SHORT and units else {}
    rest = ((hits[number], text) for number, text in sorted(texts.items()))
    return (*hits[:whole], *(replace(hit, passage=replace(hit.passage, text=text)) for hit, text in rest))


def _cosines(question: str, hits: Sequence[Hit], units: Sequence[tuple[int, str]], embedder: Embedder) -> list[float]:
    """Return the cosine of each unit, under its title, with the question."""
    vectors = embedder.embed_documents([f"{hits[number].passage.title}. {unit}" for number, unit in units])
    return [float(one) for one in vectors @ embedder.embed_queries([question])[0]]


def _chosen(units: Sequence[tuple[int, str]], cosines: Sequence[float], limit: int) -> dict[int, str]:
    """Return, by the number of its hit, the text of the units that fit, the best chosen first."""
    chosen: set[int] = set()
    while True:
        fitting = [i for i, (_, unit) in enumerate(units) if i not in chosen and len(unit) <= limit]
        if not fitting:
            break
        best = max(fitting, key=lambda i: cosines[i] + _CONTEXT * len({i - 1, i + 1} & chosen))
        chosen.add(best)
        limit -= len(units[best][1])
    parts: dict[int, list[tuple[int, str]]] = {}
    for i in sorted(chosen):
        parts.setdefault(units[i][0], []).append((i, units[i][1]))
    return {number: _joined(part) for number, part in parts.items()}


def sentences(text: str) -> list[str]:
    """Return the sentences and lines of a text; short ones go with what follows them, and no formula is cut."""
    from sentencex import segment

    units = [one.strip() for line in text.splitlines() for one in segment("en", line) if one.strip()]
    joined: list[str] = []
    for unit in units:
        if joined and (len(joined[-1]) < _SHORT or joined[-1].count("$$") % 2):
            joined[-1] += f"\n{unit}"
        else:
            joined.append(unit)
    return joined


def likely(documents: Sequence[Sequence[Passage]]) -> list[Section]:
    """Return sections, those first that will likely be asked for: slides, and what defines and names things."""
    sections = [section for passages in documents for section in cut(passages)]
    return sorted(sections, key=lambda section: -_promise(section))


_DEFINES = re.compile(
    r"\b(?:definition|theorem|lemma|algorithm|is (?:a|an|the|called|defined)|we (?:define|call))\b", re.I
)


def _promise(section: Section) -> float:
    titles = {passage.title for passage in section.passages if passage.title}
    defining = sum(len(_DEFINES.findall(passage.text)) for passage in section.passages)
    return 4.0 * (section.passages[0].kind != "speech") + min(len(titles), 4) / 2 + min(defining, 8) / 4


def _within(inner: Passage, outer: Passage) -> bool:
    return (
        inner.source == outer.source and outer.start_index <= inner.start_index and inner.end_index <= outer.end_index
    )


def _joined(units: Sequence[tuple[int, str]]) -> str:
    """Return units as one text, with a mark where something was left out between them."""
    text, last = "", None
    for i, unit in units:
        text += ("" if last is None else "\n" if i == last + 1 else "\n[...]\n") + unit
        last = i
    return text
