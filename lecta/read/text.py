"""Plain text: notes, and transcripts with or without times, such as Whisper's .txt.

The document's text is the file's text with line ends made "\\n" and a byte-order mark dropped, so an offset here is
an offset into what `open(path).read()` returns; only the times in
front of a transcript's lines are left out.
"""

from __future__ import annotations

from pathlib import Path

from lecta.errors import ReadError
from lecta.types import Document, Kind, Section

NAME = "text/2"
SUFFIXES = frozenset({".txt", ".text"})


def read(path: Path) -> Document:
    """Read a text file. Raises `ReadError` when it is no text or empty."""
    from lecta.read.cues import document
    from lecta.read.stamped import stamped_cues

    text = decode(path.read_bytes())
    if not text.strip():
        raise ReadError("the file has no text")
    if cues := stamped_cues(text):
        return document(cues, NAME)
    return Document(text, (Section(0, len(text)),), kind=_kind(path), reader=NAME)


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


def _kind(path: Path) -> Kind:
    """Guess by the name of the file or its folder whether plain text is speech; else it is notes."""
    hints = f"{path.parent.name}/{path.stem}".lower()
    words = ("transcript", "subtitle", "caption", "speech", "recording", "whisper")
    return "speech" if any(word in hints for word in words) else "notes"
