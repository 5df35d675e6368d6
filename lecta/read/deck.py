"""Slides written in Markdown, `---` between them: Remark, Marp, reveal-md, Slidev and their relatives.

One section a slide. What lays a slide out is left out of the text: image tags, `class: section`, pauses (`~~~`, `--`),
HTML comments and tags. Mathematics and code stay as they are. `~~~ ~` shows a slide again with changes, and of its
first form only what the second does not repeat is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from lecta.errors import ReadError
from lecta.read.builds import Step, folded
from lecta.types import Document, Section

NAME = "deck/1"
SUFFIXES = frozenset({".md", ".markdown"})

SLIDE_BREAK = "\n\n"

_DIRECTIVE = re.compile(
    r"_?(marp|theme|paginate|class|section|style|name|layout|template|count|exclude|continued|size|math|transition"
    r"|header|footer|color|author|date|lang|title|subtitle|description|headingDivider|background[\w-]*|highlighter"
    r"|drawings|clicks|canvas|slideNumber|revealOptions|institute|keywords|url|image|aspectratio):(?:[ \t].*)?$"
)
_BREAK = re.compile(r"-{3}[ \t]*$")
_FENCE = re.compile(r"[ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+)*(`{3,}|~{3,}(?=\w))")
_PAUSE = re.compile(r"[ \t]*(?:~{3,}|--|#+)[ \t]*$")
_ALTERNATIVE = re.compile(r"[ \t]*~~~[ \t]+~+[ \t]*$")
_NOTES = re.compile(r"\?\?\?[ \t]*$")
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_IMAGE = re.compile(r"!\[[^\]\n]*\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(?:[ \t\n][^<>]*)?/?>")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_STYLE = re.compile(r"<(style|script)\b.*?</\1>", re.DOTALL | re.IGNORECASE)
# What is kept as it is: fenced code, inline code, displayed and inline mathematics.
_KEPT = re.compile(
    r"^[ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+)*(`{3,})[^\n]*\n.*?^[ \t]*\1[ \t]*$"
    r"|(`+)[^`\n]+\2|\$\$.+?\$\$|\\\[.+?\\\]|\$(?=\S)[^$\n]*(?:\n[^$\n]+)?\$",
    re.DOTALL | re.MULTILINE,
)
_WRAPPER = re.compile(r"(?:(?<=\s)|^|(?<=[\]*_(]))(?:\.[A-Za-z][\w-]*)+\[")


def read(path: Path) -> Document:
    """Read a file known to be a deck. Raises `ReadError` when it has no text."""
    from lecta.read.text import decode

    return document(decode(path.read_bytes()))


def is_deck(text: str) -> bool:
    """Tell slides from notes that have `---` as a ruled line here and there.

    Slides say so (Marp, pauses, `class:`), or are many, short, and each heading begins one.
    """
    front, slides = _split(text)
    if re.search(r"^marp:[ \t]*true", "\n".join(front), re.MULTILINE):
        return True
    if len(slides) < 4:
        return len(slides) > 1 and sum(_is_marked(slide) for slide in slides) >= 2
    if sum(_is_marked(slide) for slide in slides) >= 2:
        return True
    bodies = [_undirected(slide).strip() for slide in slides]
    lengths = sorted(len(body.split()) for body in bodies)
    begun = sum(body.startswith("#") for body in bodies)
    headings = sum(len(re.findall(r"^#{1,2} ", body, re.MULTILINE)) for body in bodies)
    return lengths[len(lengths) // 2] <= 120 and begun >= 0.6 * len(bodies) and begun >= 0.6 * headings


def _is_marked(slide: list[str]) -> bool:
    """Tell whether a slide has what only slides have."""
    first = next((line for line in slide if line.strip()), "")
    keys = re.match(r"_?(class|layout|template|background-image|section|style|count):", first)
    return bool(keys) or any(_ALTERNATIVE.match(line) or line.rstrip() in ("~~~", "--", "???") for line in slide)


def document(text: str) -> Document:
    """Make a document of a deck's source."""
    front, slides = _split(text)
    pieces: list[str] = []
    sections: list[Section] = []
    position = 0
    told = [_words(slide) for slide in slides]
    titles = [_title(words) for words in told]
    drawn = [any(_IMAGE.search(line) for line in slide) for slide in slides]
    into = folded([Step(*step) for step in zip(titles, told, drawn, strict=True)])
    for place, words in enumerate(told):
        if not words:
            continue
        if into[place] == place:
            sections.append(Section(position, position + len(words), page=place + 1, title=titles[place]))
        pieces.append(words)
        position += len(words) + len(SLIDE_BREAK)
    if not sections:
        raise ReadError("no text on any of its slides")
    named = next((line.partition(":")[2].strip().strip("\"'") for line in front if line.startswith("title:")), "")
    title = ": ".join(dict.fromkeys(part for part in (named, titles[0]) if part))
    return Document(SLIDE_BREAK.join(pieces), tuple(sections), kind="slides", reader=NAME, title=title)


def _split(text: str) -> tuple[list[str], list[list[str]]]:
    """Return the front matter's lines and the lines of each slide."""
    slides = _cut(text.split("\n"))
    if not any(line.strip() for line in slides[0]):
        if len(slides) > 2 and _is_front(slides[1]):
            return slides[1], slides[2:]  # "---" before and after, as in Marp
        return [], slides[1:]
    if _is_front(slides[0]):
        return slides[0], slides[1:]
    return [line for line in slides[0] if _DIRECTIVE.match(line)], slides


def _cut(lines: list[str]) -> list[list[str]]:
    """Cut lines at `---`, but not inside fenced code; code that never ends is none."""
    slides: list[list[str]] = [[]]
    fence = ""
    for line in lines:
        opened = _FENCE.match(line)
        if fence:
            bare = line.strip()
            fence = "" if bare.startswith(fence) and not bare.strip(fence[0]) else fence
        elif opened and not _BREAK.match(line):
            fence = opened[1]
        elif _BREAK.match(line):
            slides.append([])
            continue
        slides[-1].append(line)
    if fence:
        slides = [[]]
        for line in lines:
            if _BREAK.match(line):
                slides.append([])
            else:
                slides[-1].append(line)
    return slides


def _is_front(lines: list[str]) -> bool:
    """Tell whether lines are YAML, and begin with a key that decks have."""
    shown = [line for line in lines if line.strip()]
    yaml = all(re.match(r"[\w-]+:|[ \t]+\S|- |#|\}", line) for line in shown)
    return bool(shown) and yaml and bool(re.match(r"[\w-]+:", shown[0])) and not any(map(_HEADING.match, shown))


def _undirected(slide: list[str]) -> str:
    """Return a slide's lines without the directives at its top."""
    start = 0
    while start < len(slide) and (not slide[start].strip() or _DIRECTIVE.match(slide[start])):
        start += 1
    return "\n".join(slide[start:])


def _words(slide: list[str]) -> str:
    """Return what a slide says."""
    parts: list[list[str]] = [[]]
    for line in _undirected(slide).split("\n"):
        if _ALTERNATIVE.match(line):
            parts.append([])
        else:
            parts[-1].append(line)
    told = _without_repeats([_keeping("\n".join(part), _plain) for part in parts])
    return re.sub(r"\n{3,}", "\n\n", told).strip()


def _keeping(text: str, change: Callable[[str], str]) -> str:
    """Apply `change` to a text in which code and mathematics are hidden, and put them back."""
    kept: list[str] = []

    def hide(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\ue000{len(kept) - 1}\ue001"

    hidden = _KEPT.sub(hide, text.replace("\ue000", "").replace("\ue001", ""))
    return re.sub("\ue000(\\d+)\ue001", lambda match: kept[int(match[1])], change(hidden)).strip()


def _plain(text: str) -> str:
    """Return Markdown without what lays it out."""
    text = _STYLE.sub("", _COMMENT.sub("", text))
    text = _TAG.sub(lambda match: " " if match[0].lower().startswith("<br") else "", _IMAGE.sub("", text))
    lines = []
    for line in _unwrapped(text).split("\n"):
        if _NOTES.match(line):
            lines.append("Notes:")
        elif not _PAUSE.match(line):
            lines.append(line.rstrip().removesuffix("\\").rstrip())
    return "\n".join(lines)


def _unwrapped(text: str) -> str:
    """Take the wrappers from `.left-column[words]`, inner ones too."""
    for _ in range(200):
        match = _WRAPPER.search(text)
        end = _closing(text, match.end()) if match else -1
        if match is None or end < 0:
            return text
        text = text[: match.start()] + text[match.end() : end] + text[end + 1 :]
    return text


def _closing(text: str, start: int) -> int:
    depth = 1
    for place in range(start, len(text)):
        depth += {"[": 1, "]": -1}.get(text[place], 0)
        if not depth:
            return place
    return -1


def _without_repeats(parts: list[str]) -> str:
    """Join a slide's successive forms, without the paragraphs whose every line a later form has."""
    told = parts[-1]
    for part in reversed(parts[:-1]):
        later = _flat(told)
        fresh = [
            paragraph
            for paragraph in re.split(r"\n[ \t]*\n", part)
            if not all(_flat(line) in later for line in paragraph.split("\n"))
        ]
        told = "\n\n".join([*fresh, told.lstrip("\n")])
    return told


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _title(words: str) -> str:
    heading = _HEADING.search(words)
    first = next((line for line in words.split("\n") if line.strip()), "")
    return re.sub(r"[*_`]{1,2}(?=\S)|(?<=\S)[*_`]{1,2}", "", heading[1] if heading else first[:150]).strip()
