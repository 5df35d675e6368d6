"""What the page writes on its chips, lists and marks. Plain text; whoever puts it into HTML escapes it."""

from __future__ import annotations

from lecta.in_words import clock, place
from lecta.types import Passage, Place

ICONS = {"slides": "co_present", "speech": "mic", "notes": "description"}
KINDS = {"slides": "Slides", "speech": "Speech", "notes": "Notes"}


def chip(passage: Passage) -> str:
    """Return where a passage stands, as short as can be: "L4 · slide 12 · 23:41"."""
    beside = passage.beside or Place("")
    page = passage.page if passage.page is not None else beside.page
    start = passage.start_time if passage.start_time is not None else beside.start_time
    is_slide = passage.kind == "slides" or passage.page is None
    parts = [f"L{passage.lecture}"] if passage.lecture is not None else []
    parts += [f"{'slide' if is_slide else 'page'} {page}"] if page is not None else []
    parts += [clock(start)] if start is not None else []
    if page is None and start is None:
        parts.append(passage.kind)
    return " · ".join(parts)


def spoken(passage: Passage) -> str:
    """Return the same for the ear: "lecture 4, slides, slide 12, at 23:41"."""
    words = [f"lecture {passage.lecture}"] if passage.lecture is not None else [name(passage.source)]
    words.append(passage.kind)
    short = chip(passage).split(" · ")
    words += [f"at {part}" if ":" in part else part for part in short if " " in part or ":" in part]
    return ", ".join(words)


def where(passage: Passage) -> str:
    """Return the same in full: "Lecture 4 · slide 12, 23:41-24:10"."""
    lecture = f"Lecture {passage.lecture} · " if passage.lecture is not None else ""
    is_placed = passage.page is not None or passage.start_time is not None
    return lecture + (place(passage) if is_placed else passage.kind)


def heading(passage: Passage) -> str:
    """Return the title that a passage stands under, of speech that of the slide beside it; or its file's name."""
    beside = passage.beside.title if passage.beside and passage.kind == "speech" else ""
    return beside or passage.title or name(passage.source)


def name(source: str) -> str:
    """Return a file's name, with the folder it is in."""
    return "/".join(source.replace("\\", "/").split("/")[-2:])


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "slide"), count(2, "slide")
    ('1 slide', '2 slides')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
