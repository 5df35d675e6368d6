"""Speech of the library laid beside the slides of its lecture: what is on screen while it is said, and the other way.

    a lecture's documents as stored -> cues and pages with the vectors their passages have -> aligned -> Place beside

Nothing is embedded: a cue means what the passage it is in means. docs/alignment.md has what that costs.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lecta.align import MOST_PAGES, Alignment, Cue, Page, align_vectors
from lecta.align.chain import Array
from lecta.align.stretches import over, spoken_about
from lecta.intake import words_of
from lecta.lectures import group
from lecta.store import Besides, Store, Stored
from lecta.timeline import pages_of
from lecta.types import Document, DocumentRecord, Place

RECIPE = "beside-1"
"""Changes when the same documents would be laid beside each other otherwise, or matched by other words."""

LEAST_FIT = 0.075
"""Nats a word (`Alignment.fit`) below which slides are of another lecture than speech."""
LEAST_SHARE = 0.1
"""Of the words, that a deck must have where a lecture has several."""
LEAST_CONFIDENCE = 0.5
"""Of a passage, below which it has no place beside it."""

MOST_CUES = 6000
"""Some six hours; memory grows with the square of it, at 6,000 to 1 GB."""

_LONGEST = 30
"""Words of a cue where there are no times; some transcripts have no full stops."""

OnLecture = Callable[[str], None]
"""Called with a file of the lecture that is being aligned."""


def align_lectures(store: Store, on_lecture: OnLecture | None = None) -> None:
    """Align every lecture whose slides or speech are not what they were when it was aligned last, each in one step."""
    for records, aligned in _stale(store.documents()):
        if on_lecture:
            on_lecture(next((r.source for r in records if r.kind == "speech"), records[0].source))
        store.lay_beside([record.id for record in records], aligned, lay_beside)


def _stale(records: Sequence[DocumentRecord]) -> Iterator[tuple[list[DocumentRecord], str]]:
    """Yield the slides and speech of each lecture that must be aligned, and what they are to be marked with."""
    by_source = {record.source: record for record in records}
    for lecture in group(records):
        members = [by_source[source] for source in lecture.sources]
        members = [record for record in members if record.kind in ("slides", "speech")]
        has_both = len({record.kind for record in members if record.passages}) == 2
        aligned = _fingerprint(members) if has_both else ""
        if any(record.aligned != aligned for record in members):
            yield members, aligned


def _fingerprint(records: Sequence[DocumentRecord]) -> str:
    said = "\n".join(sorted(f"{record.id} {record.sha256} {record.kind} {record.passages}" for record in records))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


# --- one lecture ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Deck:
    """The pages of all slides of a lecture, one after the other, numbered through from 1."""

    pages: list[Page]
    vectors: Array
    origin: list[tuple[str, Page]]
    """Of each page the source and the page as it is numbered there."""


def lay_beside(documents: Sequence[Stored]) -> list[Besides]:
    """Return what stands beside the passages of a lecture's slides and speech, in the order given."""
    beside: dict[str, dict[int, Place]] = defaultdict(dict)  # source -> number of the passage
    shown: dict[str, dict[int, str]] = defaultdict(dict)  # -> the words of the slide
    told: dict[tuple[str, int], list[Place]] = defaultdict(list)
    slides = [one for one in documents if one.document.kind == "slides" and one.passages]
    for spoken in documents:
        if spoken.document.kind != "speech" or not spoken.passages:
            continue
        cues, spans = cues_and_spans(spoken.document)
        vectors = vectors_of(spoken, spans)
        fitting = _fitting(slides, cues, vectors)
        if fitting is None:
            continue
        deck, found = fitting
        source = spoken.document.source
        for number, passage in enumerate(spoken.passages):
            page, sure = over(found.moments, spans, passage.start_index, passage.end_index)
            if page is not None and sure >= LEAST_CONFIDENCE:
                slide_source, slide = deck.origin[page - 1]
                beside[source][number] = Place(slide_source, slide.number, title=slide.title, confidence=round(sure, 4))
                shown[source][number] = context(slide)
        for page, place in _times(found, spans, source):
            told[deck.origin[page - 1][0], deck.origin[page - 1][1].number].append(place)
    for one in slides:
        for number, passage in enumerate(one.passages):
            places = told.get((one.document.source, passage.page or 0))
            if places:
                beside[one.document.source][number] = max(places, key=_length)
    return [_besides(one, beside[one.document.source], shown[one.document.source]) for one in documents]


def _fitting(slides: Sequence[Stored], cues: Sequence[Cue], vectors: Array) -> tuple[_Deck, Alignment] | None:
    """Return the slides that go with what is said, and how; None where there are none.

    Several files may be the parts of one deck, so they are tried together, and the one that fits worst is left out
    until all do.
    """
    decks = [_deck(one) for one in slides]
    decks = [deck for deck in decks if 0 < len(deck.pages) <= MOST_PAGES]
    while decks and 0 < len(cues) <= MOST_CUES:
        whole = _joined(decks)
        if len(whole.pages) > MOST_PAGES:
            decks.pop()
            continue
        found = align_vectors(cues, whole.pages, vectors, whole.vectors)
        ends = np.cumsum([len(deck.pages) for deck in decks])
        fits = [found.fit(int(end) - len(deck.pages), int(end)) for deck, end in zip(decks, ends, strict=True)]
        if all(fit >= LEAST_FIT and share >= LEAST_SHARE for fit, share in fits):
            return whole, found
        del decks[min(range(len(decks)), key=lambda place: (fits[place][1] >= LEAST_SHARE, fits[place]))]
    return None


def _joined(decks: Sequence[_Deck]) -> _Deck:
    origin = [place for deck in decks for place in deck.origin]
    pages = [replace(page, number=number) for number, (_, page) in enumerate(origin, 1)]
    return _Deck(pages, np.concatenate([deck.vectors for deck in decks]), origin)


def _deck(slides: Stored) -> _Deck:
    """Return the pages of slides; one means what its passages mean, by their length, and nothing where it has none."""
    pages = pages_of(slides.document)
    places = {page.number: place for place, page in enumerate(pages)}
    vectors = np.zeros((len(pages), slides.vectors.shape[1]))
    for passage, vector in zip(slides.passages, slides.vectors, strict=True):
        if passage.page is not None:
            vectors[places[passage.page]] += vector.astype(np.float64) * len(passage.text)
    return _Deck(list(pages), _unit(vectors), [(slides.document.source, page) for page in pages])


def cues_and_spans(document: Document) -> tuple[list[Cue], list[tuple[int, int]]]:
    """Return what is said, cue by cue, and where in the document's text each stands; of text without times, sentences.

    A sentence that is too long is cut into even pieces.
    """
    if all(section.start_time is not None for section in document.sections):
        cues = [Cue(document.text_of(s), s.start_time, s.end_time) for s in document.sections]
        return cues, [(section.start_index, section.end_index) for section in document.sections]
    spans = [
        span
        for section in document.sections
        for sentence in _sentences(document.text, section.start_index, section.end_index)
        for span in _pieces(document.text, *sentence)
    ]
    return [Cue(" ".join(document.text[start:end].split())) for start, end in spans], spans


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    from sentencex import segment

    for sentence in segment("en", text[start:end]):  # the sentences joined are the text
        yield start, start + len(sentence)
        start += len(sentence)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    words = [(start + word.start(), start + word.end()) for word in re.finditer(r"\S+", text[start:end])]
    count = -(-len(words) // _LONGEST)
    for piece in range(count):
        part = words[piece * len(words) // count : (piece + 1) * len(words) // count]
        yield part[0][0], part[-1][1]


def vectors_of(spoken: Stored, spans: Sequence[tuple[int, int]]) -> Array:
    """Return for each span the unit vector of the passages it is in, or of the nearest."""
    starts = np.array([passage.start_index for passage in spoken.passages])
    ends = np.array([passage.end_index for passage in spoken.passages])
    first, last = np.array(spans).reshape(-1, 2).T
    common = np.minimum(ends, last[:, None]) - np.maximum(starts, first[:, None])
    nearest = common == common.max(axis=1, keepdims=True)  # below 0: how far it is away
    return _unit(np.where(common.max(axis=1, keepdims=True) > 0, np.maximum(common, 0), nearest) @ spoken.vectors)


def context(slide: Page) -> str:
    """Return the words of a slide by which what is said over it is found as well."""
    return slide.text if slide.text.startswith(slide.title) else f"{slide.title}\n{slide.text}"


def _times(found: Alignment, spans: Sequence[tuple[int, int]], source: str) -> Iterator[tuple[int, Place]]:
    """Yield for each page that is spoken about the longest stretch of the speech that is about it."""
    for page, stretches in spoken_about(found.moments).items():
        sure = [stretch for stretch in stretches if stretch.confidence >= LEAST_CONFIDENCE]
        if sure:
            longest = sure[0]
            start, end = spans[longest.first_cue - 1][0], spans[longest.last_cue - 1][1]
            times = (longest.start_time, longest.end_time)
            yield page, Place(source, None, *times, start, end, confidence=round(longest.confidence, 4))


def _length(place: Place) -> float:
    if place.start_time is not None and place.end_time is not None:
        return place.end_time - place.start_time
    return ((place.end_index or 0) - (place.start_index or 0)) / 15  # characters a second, about


def _besides(one: Stored, beside: dict[int, Place], shown: dict[int, str]) -> Besides:
    passages = tuple(replace(passage, beside=beside.get(number)) for number, passage in enumerate(one.passages))
    words = [words_of(passage) for passage in passages]
    words = [f"{text}\n{shown[number]}" if number in shown else text for number, text in enumerate(words)]
    return Besides(passages, words)


def _unit(vectors: Array) -> Array:
    result: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return result
