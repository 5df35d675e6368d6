r"""Markdown notes: sections under their headings, links and images reduced to their words.

Mathematics (`$...$`, `$$...$$`, `\(...\)`, `\[...\]`, `\begin{align}...`) and code stay as written: they are set aside
before the parser, which would take `_` and `\\` in them for its own. Decks of slides have a reader of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lecta.read import deck
from lecta.read.outline import Outline, text_of_file
from lecta.types import Document

if TYPE_CHECKING:
    from markdown_it.token import Token

NAME = "markdown/1"
SUFFIXES = frozenset({".md", ".markdown", ".mdown", ".mkd", ".qmd", ".rmd"})

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title[ \t]*:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")
_CODE_OR_MATH = re.compile(
    r"""
      (?P<code> ^(?P<fence>[ ]{0,3}(?:`{3,}|~{3,})).*?(?:^(?P=fence)[`~]*[ \t]*$|\Z) | (?P<ticks>`+)(?!`).{1,2000}?(?<!`)(?P=ticks)(?!`) )
    | (?P<comment> <!--.*?(?:-->|\Z) )
    | (?P<math> \$\$.{1,20000}?\$\$ | \\\[(?:(?!\\\[).){1,20000}?\\\] | \\\((?:(?!\\\().){1,2000}?\\\)
        | \\begin\{(?P<name>(?:equation|align|gather|multline|eqnarray|cases|split|math|displaymath|array|[bpvV]?matrix)\*?)\}(?:(?!\\begin\{(?P=name)\}).){1,20000}?\\end\{(?P=name)\}
        | (?<![\\$\w])\$(?![\s$])(?:[^$\\\n]|\\.|\n(?!\s*\n)){1,1000}?(?<![\s\\])\$(?![\d$]) )
    """,  # noqa: E501
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_MAX_BRACKETS = 5_000
_PLACE = re.compile("\ue000(\\d+)\ue001")


def read(path: Path) -> Document:
    """Read one Markdown file, notes or a deck of slides. Raises `ReadError` when it holds no text."""
    text = text_of_file(path)
    if deck.is_deck(text):
        return deck.document(text)
    outline = Outline()
    title = add(outline, text)
    return outline.document(NAME, title)


def add(outline: Outline, text: str, level: int = 0) -> str:
    """Add Markdown to an outline, its headings `level` deeper, and return the title its front matter gives."""
    from markdown_it import MarkdownIt  # 50 ms

    front = _FRONT_MATTER.match(text)
    title = ""
    if front and re.search(r"^[\w-]+[ \t]*:", front.group(1) or "", re.MULTILINE):
        found = _TITLE.search(front.group(1))
        title = found.group(1).strip("\"'") if found else ""
        text = text[front.end() :]
    text, kept = _set_aside(text)
    if (
        text.count("[") > _MAX_BRACKETS and text.count("[") > len(text) / 50
    ):  # each is looked for its end: 6 s for 200 kB
        text = text.replace("[", "\\[")
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    _Walk(outline, kept, level).blocks(tokens)
    return title


def _set_aside(text: str) -> tuple[str, list[str]]:
    """Replace mathematics by marks from the private use area, drop comments, and leave code alone."""
    kept: list[str] = []

    def replace(match: re.Match[str]) -> str:
        if match["code"] is not None:
            return match.group()
        if match["comment"] is not None:
            return ""
        kept.append(match.group())
        return f"\ue000{len(kept) - 1}\ue001"

    return _CODE_OR_MATH.sub(replace, _PLACE.sub("", text)), kept


class _Walk:
    """Writes the parser's tokens as plain text."""

    def __init__(self, outline: Outline, kept: Sequence[str], level: int) -> None:
        self.outline = outline
        self.kept = kept
        self.level = level
        self.lists: list[int | None] = []
        self.list_lines: list[str] = []
        self.marker = ""
        self.row: list[str] = []
        self.table: list[str] = []
        self.in_cell = False

    def blocks(self, tokens: Sequence[Token]) -> None:
        """Walk a flat list of block tokens."""
        heading = 0
        for token in tokens:
            if token.type == "heading_open":
                heading = int(token.tag[1])
            elif token.type == "inline" and heading:
                self.outline.heading(heading + self.level, self.inline(token.children or []))
                heading = 0
            elif token.type == "inline" and self.in_cell:
                self.row.append(self.inline(token.children or []))
            elif token.type == "inline":
                self.text(self.inline(token.children or []))
            elif token.type in {"fence", "code_block"}:
                self.text(self.restore(token.content))
            elif token.type == "html_block":
                self.text(_TAG.sub("", _COMMENT.sub("", self.restore(token.content))).strip())
            else:
                self.structure(token)

    def structure(self, token: Token) -> None:
        """Follow lists and tables."""
        kind = token.type
        if kind in {"bullet_list_open", "ordered_list_open"}:
            self.lists.append(int(token.attrGet("start") or 1) if kind.startswith("ordered") else None)
        elif kind in {"bullet_list_close", "ordered_list_close"}:
            self.lists.pop()
            if not self.lists:
                self.outline.paragraph("\n".join(self.list_lines))
                self.list_lines = []
        elif kind == "list_item_open":
            number = self.lists[-1]
            self.marker = "- " if number is None else f"{number}. "
            self.lists[-1] = None if number is None else number + 1
        elif kind in {"td_open", "th_open", "td_close", "th_close"}:
            self.in_cell = kind.endswith("open")
        elif kind == "tr_close":
            self.table.append(" | ".join(self.row))
            self.row = []
        elif kind == "table_close":
            table, self.table = self.table, []
            self.text("\n".join(table))

    def text(self, text: str) -> None:
        """Add a block where the walk stands: in a table's cell, a list's item, or the page."""
        if self.lists:
            indent = "  " * (len(self.lists) - 1)
            lines = text.rstrip().split("\n")
            self.list_lines.append(indent + (self.marker or "  ") + lines[0])
            self.list_lines += [f"{indent}  {line}" for line in lines[1:]]
            self.marker = ""
        else:
            self.outline.paragraph(text)

    def inline(self, children: Sequence[Token]) -> str:
        """Return the words of inline tokens."""
        parts = []
        for token in children:
            if token.type in {"softbreak", "hardbreak"}:
                parts.append("\n")
            elif token.type == "code_inline":
                parts.append(f"`{token.content}`")
            elif token.type == "image":
                parts.append(self.inline(token.children or []) if _says_something(token.content) else "")
            elif token.type == "html_inline":
                parts.append("\n" if token.content.lower().startswith("<br") else "")
            else:
                parts.append(token.content)
        return self.restore("".join(parts)).strip()

    def restore(self, text: str) -> str:
        """Put the mathematics back."""
        return _PLACE.sub(lambda match: self.kept[int(match.group(1))], text)


def _says_something(alternative: str) -> bool:
    """Tell an image's description from layout directives ("w=42%,f=right") and file names."""
    return not re.fullmatch(r"(?:[\w-]+=[^,\s]*,?)*|[\w./-]+\.(?:png|jpe?g|gif|svgz?|pdf|webp)|image|img", alternative)
