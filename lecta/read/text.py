"""Plain text: notes, Markdown, and transcripts without times, such as Whisper's .txt.

The document's text is the file's text with line ends made "\\n" and a byte-order mark dropped, so an offset here is
an offset into what `open(path).read()` returns.
"""

from __future__ import annotations

import re
from pathlib import Path

from lecta.errors import ReadError
from lecta.types import Document, Kind, Section

NAME = "text/1"
SUFFIXES = frozenset({".txt", ".text", ".md", ".markdown"})

_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_SLIDE_BREAK = re.compile(r"^---[ \t]*$", re.MULTILINE)
_MARKDOWN = frozenset({".md", ".markdown"})


def read(path: Path) -> Document:
    """Read a text file; Markdown is cut at headings, or at `---` where it is a deck of slides."""
    text = decode(path.read_bytes())
    if not text.strip():
        raise ReadError("the file has no text")
    if path.suffix.lower() not in _MARKDOWN:
        return Document(text, (Section(0, len(text)),), kind=_kind(path, text), reader=NAME)
    is_deck = len(_SLIDE_BREAK.findall(text)) >= 3
    sections = _slides(text) if is_deck else _headed(text)
    heading = _HEADING.search(text)
    return Document(
        text,
        tuple(sections),
        kind="slides" if is_deck else "notes",
        reader=NAME,
        title=heading.group(1).strip() if heading else "",
    )


def decode(data: bytes) -> str:
    """Return the text of a file's bytes in UTF-8, UTF-16 or, by guess, an older encoding; line ends become "\\n".

    Raises `ReadError` when the bytes are not text.
    """
    from charset_normalizer import from_bytes  # 20 ms, and most files are UTF-8

    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        best = None if b"\0" in data else from_bytes(data).best()
        if best is None:
            raise ReadError("not a text file: its bytes are in no known encoding") from None
        text = str(best)
    control = sum(1 for character in text if character < " " and character not in "\t\n\r\f\v")
    if control > len(text) / 100:
        raise ReadError("not a text file: it is full of control characters")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _kind(path: Path, text: str) -> Kind:
    """Guess whether plain text is speech or notes.

    A transcript says so in its name or folder, or is long lines of prose without any heading or list.
    """
    hints = f"{path.parent.name}/{path.stem}".lower()
    if any(word in hints for word in ("transcript", "subtitle", "caption", "speech", "recording", "whisper")):
        return "speech"
    return "notes"


def _slides(text: str) -> list[Section]:
    starts = [0, *(match.end() + 1 for match in _SLIDE_BREAK.finditer(text))]
    ends = [*(match.start() for match in _SLIDE_BREAK.finditer(text)), len(text)]
    sections = []
    for page, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        heading = _HEADING.search(text, start, max(start, end))
        title = heading.group(1).strip() if heading else ""
        if start < end:
            sections.append(Section(start, end, page=page, title=title))
    return sections


def _headed(text: str) -> list[Section]:
    headings = list(_HEADING.finditer(text))
    if not headings:
        return [Section(0, len(text))]
    sections = [Section(0, headings[0].start())] if text[: headings[0].start()].strip() else []
    ends = [*(match.start() for match in headings[1:]), len(text)]
    for match, end in zip(headings, ends, strict=True):
        sections.append(Section(match.start(), end, title=match.group(1).strip()))
    return sections
