"""Markdown with mathematics as HTML that is safe to show: nothing that was written becomes markup of its own.

text -> stretches replaced by single characters -> Markdown -> HTML -> characters replaced by their HTML

HTML in the text is shown as text. Pictures are not loaded, links keep their address only. Formulas become MathML, which
browsers show and screen readers read; LaTeX that cannot be read is shown as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_FIRST = 0xF0000  # of a plane for private use: no text has these characters, and each stands for a piece of HTML
_MOST = 0xFFFD
_OPEN, _CLOSE = "\ue000", "\ue001"
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")

# The same forms as lecta/check/formulas/finding.py looks for. Code comes first, so that a formula in it stays code.
_MARKED = re.compile(
    r"(?P<code>```.*?(?:```|\Z)|`[^`\n]+`)|\$\$(?P<a>.+?)\$\$|\\\[(?P<b>.+?)\\\]|\\\((?P<c>.+?)\\\)"
    r"|(?<![\\$\w])\$(?P<d>[^$\n]+?)\$(?!\d)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Insert:
    """HTML that is shown in place of `text[start_index:end_index]`, which may be empty."""

    start_index: int
    end_index: int
    html: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Characters that are wrapped in an element."""

    start_index: int
    end_index: int


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula in a text, its marks with it."""

    latex: str
    start_index: int
    end_index: int
    is_displayed: bool


def formulas(text: str) -> list[Formula]:
    """Return the formulas of a text in order; what is in code is none.

    >>> [formula.latex for formula in formulas(r"so `$x$` is $y$ and \\(z\\)")]
    ['y', 'z']
    """
    found = []
    for match in _MARKED.finditer(text):
        kind = match.lastgroup or "code"
        latex = match.group(kind)
        is_money = kind == "d" and latex[0].isspace() and latex[-1].isspace() and " " in latex.strip()
        if kind != "code" and not is_money:
            found.append(Formula(latex.strip(), match.start(), match.end(), kind in "ab"))
    return found


def blocks(
    text: str,
    inserts: Sequence[Insert] = (),
    stretches: Sequence[Stretch] = (),
    *,
    wrap: str = "<mark>",
    status: Callable[[Formula], str] = lambda formula: "",
) -> list[str]:
    """Return a text as HTML, one piece for each paragraph, list or other block.

    `stretches` are put in the element that `wrap` opens. `status` returns HTML that follows a formula. Of inserts and
    formulas that lie in one another the first is shown.
    """
    text = _PRIVATE.sub("\ufffd", text)
    shown = [Insert(f.start_index, f.end_index, _formula(f) + status(f)) for f in formulas(text)]
    pieces = _disjoint([*inserts, *shown])
    source, filled = _marked(text, pieces[:_MOST], stretches)
    env = {"pieces": filled, "wrap": wrap, "open": False}
    parser = _parser()
    tokens = parser.parse(source, env)
    return [parser.renderer.render(block, parser.options, env) for block in _top(tokens)]


def mathml(latex: str, *, is_displayed: bool = False) -> str:
    """Return LaTeX as MathML, or as code where it cannot be read.

    >>> mathml("x")
    '<math><mi>x</mi></math>'
    """
    from math_core import LatexError

    try:
        made = _converter().convert_with_local_state(latex, displaystyle=is_displayed)
    except LatexError:
        made = ""
    return made if is_mathml(made) else f'<code class="latex">{escape(latex)}</code>'


def _formula(formula: Formula) -> str:
    made = mathml(formula.latex, is_displayed=formula.is_displayed)
    if not formula.is_displayed:
        return made
    return f'<span class="formula" tabindex="0" role="group" aria-label="Formula">{made}</span>'  # it may scroll


@cache
def _converter() -> Any:
    from math_core import LatexToMathML

    return LatexToMathML(fancy_error=False, max_expansions=100)


_ELEMENT = re.compile(r"<(/?)([a-z]+)((?: [a-z-]+=\"[^\"<>]*\")*) ?/?>")
_ATTRIBUTES = re.compile(r' ([a-z-]+)="')
_LOADING = re.compile(r' style="[^"]*[(\\@]')  # url(...) and the like
_ELEMENTS = re.compile(
    r"math|mrow|mi|mn|mo|ms|mtext|mspace|mfrac|msqrt|mroot|msub|msup|msubsup|munder|mover|munderover|mmultiscripts"
    r"|mprescripts|mtable|mtr|mtd|mpadded|mphantom|mstyle|menclose|span"
)
_HARMLESS = re.compile(
    r"display|displaystyle|scriptlevel|mathvariant|stretchy|symmetric|minsize|maxsize|lspace|rspace|width|height|depth"
    r"|voffset|linethickness|accent|accentunder|form|fence|separator|largeop|movablelimits|columnalign|dir|columnlines"
    r"|rowlines|rowspacing|columnspacing|columnspan|rowspan|notation|class|style"
)


def is_mathml(made: str) -> bool:
    """Tell whether a converter wrote nothing but the elements and attributes of mathematics."""
    if not made.startswith("<math"):
        return False
    for match in _ELEMENT.finditer(made):
        names = _ATTRIBUTES.findall(match.group(3))
        if not _ELEMENTS.fullmatch(match.group(2)) or not all(map(_HARMLESS.fullmatch, names)):
            return False
    return "<" not in _ELEMENT.sub("", made) and not _LOADING.search(made)


def _disjoint(pieces: Sequence[Insert]) -> list[Insert]:
    kept: list[Insert] = []
    for piece in sorted(pieces, key=lambda piece: (piece.start_index, piece.end_index)):
        if not kept or piece.start_index >= kept[-1].end_index:
            kept.append(piece)
    return kept


def _marked(text: str, pieces: Sequence[Insert], stretches: Sequence[Stretch]) -> tuple[str, list[str]]:
    """Return the text with a character for each piece and around each stretch, and the pieces' HTML."""
    edges: list[tuple[int, int, str | Insert]] = [(piece.start_index, 1, piece) for piece in pieces]
    for stretch in stretches:
        start, end = _around(stretch, pieces)
        edges += [(start, 2, _OPEN), (end, 0, _CLOSE)]  # at one place a stretch ends, a piece follows, another begins
    parts, at, filled = list[str](), 0, list[str]()
    for start, _, mark in sorted(edges, key=lambda edge: edge[:2]):
        parts.append(text[at:start])
        at = max(at, start)
        if isinstance(mark, Insert):
            parts.append(chr(_FIRST + len(filled)))
            filled.append(mark.html)
            at = mark.end_index
        else:
            parts.append(mark)
    return "".join([*parts, text[at:]]), filled


def _around(stretch: Stretch, pieces: Sequence[Insert]) -> tuple[int, int]:
    """Return where a stretch begins and ends; a piece that is cut by it is in it as a whole."""
    start, end = stretch.start_index, stretch.end_index
    for piece in pieces:
        if piece.start_index < start < piece.end_index:
            start = piece.start_index
        if piece.start_index < end < piece.end_index:
            end = piece.end_index
    return start, end


def _top(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield the tokens of each block that is in no other."""
    block: list[Token] = []
    for token in tokens:
        block.append(token)
        if token.level == 0 and token.nesting <= 0:
            yield block
            block = []


class _Renderer(RendererHTML):
    """Puts each piece of HTML in place of its character, in text and in code and nowhere else."""

    def text(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return escaped text with its pieces, each run of a stretch in an element of its own."""
        return _filled(tokens[idx].content, env)

    def code_inline(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return a code span."""
        return f"<code>{_filled(tokens[idx].content, env)}</code>"

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return a block of code; it may scroll, so that the keyboard must reach it."""
        return f'<pre tabindex="0"><code>{_filled(tokens[idx].content, env)}</code></pre>\n'

    fence = code_block

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return a link to another site, which is told nothing; any other address leads nowhere."""
        href = str(tokens[idx].attrGet("href") or "")
        if not re.match(r"https?://[!-~]+$", href):
            return "<a>"
        return f'<a href="{escape(href)}" target="_blank" rel="noopener noreferrer nofollow">'

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return a table in a frame that scrolls."""
        return '<div class="table" tabindex="0" role="group" aria-label="Table"><table>'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """End the table and its frame."""
        return "</table></div>\n"


def _filled(text: str, env: EnvType) -> str:
    parts = []
    for run in re.split(f"([{_OPEN}{_CLOSE}])", text):
        if run in (_OPEN, _CLOSE):
            env["open"] = run == _OPEN
        elif run:
            html = _PRIVATE.sub(lambda match: _piece(match.group(), env), escape(run))
            parts.append(_wrapped(html, env["wrap"]) if env["open"] else html)
    return "".join(parts)


def _wrapped(html: str, wrap: str) -> str:
    return f"{wrap}{html}</{wrap.strip('<>').split()[0]}>"


def _piece(character: str, env: EnvType) -> str:
    place = ord(character) - _FIRST
    pieces: list[str] = env["pieces"]
    return pieces[place] if 0 <= place < len(pieces) else ""


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)
    return parser.enable(["table", "strikethrough"]).disable(["image", "html_block", "html_inline", "reference"])
