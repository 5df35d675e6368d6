"""Slides written in LaTeX with beamer: one section a frame, its title, its mathematics as LaTeX."""

from __future__ import annotations

import re
from pathlib import Path

from lecta.errors import ReadError
from lecta.read.beats import beat
from lecta.read.builds import assembled
from lecta.read.tex import MOST_CHARACTERS, body, plain, without_comments
from lecta.types import Document

NAME = "beamer/1"
SUFFIXES = frozenset({".tex"})

_CLASS = re.compile(r"\\documentclass\s*(?:\[[^\]]*\])?\s*\{(?:beamer|ltx-talk)\}")
_FRAME = re.compile(
    r"\\begin\s*\{frame\}(?P<words>.*?)\\end\s*\{frame\}|\\frame\s*(?:<[^>]*>)?\s*(?:\[[^\]]*\])?\s*\{", re.DOTALL
)
# What may follow \begin{frame}: <overlay>[<default>][options]{title}{subtitle}
_OPENING = re.compile(r"\s*(?:<[^<>]*>)?(?:\s*\[[^\]]*\])*[ \t]*\n?")
_TITLE = re.compile(r"\\frametitle\s*(?:<[^<>]*>)?\s*(?:\[[^\]]*\])?\s*(?=\{)")
_NAMED = re.compile(r"\\title\s*(?:\[[^\]]*\])?\s*(?=\{)")
_NOTE = re.compile(r"\\note\s*(?:<[^<>]*>)?\s*(?:\[[^\]]*\])?\s*(?=\{)")


def is_beamer(tex: str) -> bool:
    """Tell slides from other LaTeX: by the class, or by frames in a file that is a part of another."""
    if _CLASS.search(tex):
        return True
    return "\\documentclass" not in tex and bool(re.search(r"\\begin\s*\{frame\}", tex))


def read(path: Path) -> Document:
    """Read a file known to be beamer slides. Raises `ReadError` when it has no frame with words."""
    from lecta.read.text import decode

    return document(decode(path.read_bytes()))


def document(tex: str) -> Document:
    """Make a document of a deck's source; `page` counts the frames from 1."""
    if len(tex) > MOST_CHARACTERS:
        raise ReadError(f"{len(tex):,} characters of LaTeX in one file: more than {MOST_CHARACTERS:,}")
    tex = without_comments(tex)
    named = _NAMED.search(tex)
    title = _one_line(plain(_group(tex, named.end())[0])) if named else ""
    frames = []
    for number, frame in enumerate(_frames(body(tex)), 1):
        beat(f"frame {number}")
        frames.append(_frame(frame, title))
    text, sections = assembled(frames)
    if not sections:
        raise ReadError("no text in any of its frames" if frames else "beamer slides without a frame")
    return Document(text, sections, kind="slides", reader=NAME, title=title or sections[0].title)


def _frames(tex: str) -> list[str]:
    r"""Return the inside of each frame, also of the old \frame{...}."""
    frames = []
    position = 0
    while match := _FRAME.search(tex, position):
        words = match["words"]
        position = match.end()
        if words is None:
            words, position = _group(tex, match.end() - 1)
        frames.append(words)
    return frames


def _frame(tex: str, deck: str) -> tuple[str, str, bool]:
    """Return a frame's title, its text, and whether it shows a picture."""
    opening = _OPENING.match(tex)
    tex = tex[opening.end() :] if opening else tex
    title, subtitle = "", ""
    if tex.startswith("{"):  # {title}{subtitle}, either may be missing
        title, end = _group(tex, 0)
        tex = tex[end:]
        if tex.startswith("{"):
            subtitle, end = _group(tex, 0)
            tex = tex[end:]
    elif found := _TITLE.search(tex):
        title, end = _group(tex, found.end())
        tex = tex[: found.start()] + tex[end:]
    drawn = bool(re.search(r"\\includegraphics|\\begin\{tikzpicture\}", tex))
    heading = _one_line(plain(title))
    if not title and re.search(r"\\titlepage|\\maketitle", tex):
        heading = deck
    tex = _NOTE.sub(lambda _: "\n\nNotes: ", tex)
    words = "\n\n".join(filter(None, (heading, _one_line(plain(subtitle)), plain(tex))))
    return heading or _one_line(words.split("\n", 1)[0])[:150], words, drawn


def _group(tex: str, start: int) -> tuple[str, int]:
    """Return the inside of the braces that open at `start`, and the place after them."""
    depth, place = 0, start
    while place < len(tex):
        character = tex[place]
        if character == "\\":
            place += 1  # an escaped brace is none
        depth += {"{": 1, "}": -1}.get(character, 0)
        place += 1
        if not depth:
            return tex[start + 1 : place - 1], place
    return tex[start + 1 :], len(tex)


def _one_line(text: str) -> str:
    return " ".join(text.split())
