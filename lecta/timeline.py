"""A recording's words and its slides, two files, put side by side: read, then aligned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lecta import align, read
from lecta.align import Cue, Moment, Page
from lecta.align.stretches import Stretch, stretches
from lecta.errors import ReadError, UsageError
from lecta.protocols import Embedder
from lecta.types import Document

_SUBTITLES = "subtitles"


@dataclass(frozen=True, slots=True)
class Timeline:
    """Which page each cue is over, and what the pages are."""

    moments: tuple[Moment, ...]
    """In the order of the file, numbered from 1 as there; of a transcript without cues, its sentences."""
    pages: tuple[Page, ...]

    def stretches(self) -> list[Stretch]:
        """Return from when to when each page is spoken about, in the order it is said."""
        return stretches(sorted(self.moments, key=lambda moment: moment.start_time or 0.0))


def align_files(speech: Path, slides: Path, embedder: Embedder, *, ocr: bool = True) -> Timeline:
    """Read subtitles (or a transcript) and slides and align them.

    Raises `ReadError` where a file cannot be read, `UsageError` where one does not hold what it should.
    """
    cues, pages = read_speech(speech), read_slides(slides, ocr=ocr)
    if len(pages) > align.MOST_PAGES:
        raise UsageError(f"{slides} has {len(pages)} pages: give the slides of one lecture, {align.MOST_PAGES} at most")
    order = sorted(range(len(cues)), key=lambda place: cues[place].start_time or 0.0)
    moments = align.align([cues[place] for place in order], pages, embedder)
    numbered = [replace(moment, cue=place + 1) for place, moment in zip(order, moments, strict=True)]
    return Timeline(tuple(sorted(numbered, key=lambda moment: moment.cue)), pages)


def read_speech(path: Path) -> tuple[Cue, ...]:
    """Return what is said: the cues of subtitles as the file has them, or the cues or sentences of another transcript.

    Raises `ReadError` naming the file.
    """
    try:
        document = read.read(path)
    except ReadError as error:
        raise ReadError(f"{path}: {error.reason}") from error
    if read.READERS[path.suffix.lower()] == _SUBTITLES:
        from lecta.read import subtitles

        return tuple(Cue(cue.text, cue.start, cue.end) for cue in subtitles.cues(path))
    return cues_of(document)


def cues_of(document: Document) -> tuple[Cue, ...]:
    """Return a document's sections with times as cues; where there are no times, its sentences."""
    if all(section.start_time is not None for section in document.sections):
        return tuple(Cue(document.text_of(s), s.start_time, s.end_time) for s in document.sections)
    return tuple(Cue(sentence) for section in document.sections for sentence in _sentences(document.text_of(section)))


def _sentences(text: str) -> Iterator[str]:
    from sentencex import segment

    yield from (" ".join(sentence.split()) for sentence in segment("en", text) if sentence.strip())


def read_slides(path: Path, *, ocr: bool = True) -> tuple[Page, ...]:
    """Return every page of slides: each step of a build by itself, and pages without words too.

    Raises `ReadError` naming the file, `UsageError` for a file without pages.
    """
    with read.Reading(read.Options(ocr=ocr, every_page=True)) as reading:
        try:
            document = reading.read(path)
        except ReadError as error:
            raise ReadError(f"{path}: {error.reason}") from error
    pages = pages_of(document)
    if not pages:
        raise UsageError(f"{path} has no pages: give slides as PDF, PowerPoint or another file with pages")
    return pages


def pages_of(document: Document) -> tuple[Page, ...]:
    """Return a document's pages in order; sections of one page are joined."""
    texts: dict[int, list[str]] = {}
    titles: dict[int, str] = {}
    for section in document.sections:
        if section.page is not None:
            texts.setdefault(section.page, []).append(document.text_of(section))
            titles.setdefault(section.page, section.title)
    return tuple(Page(page, titles[page], "\n".join(parts)) for page, parts in sorted(texts.items()))
