"""LaTeX in an answer as a terminal can show it: Unicode, on lines of their own where it was displayed."""

from __future__ import annotations

import re

_DISPLAYED = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]", re.DOTALL)
_INLINE = re.compile(r"(?<![\\$])\$([^$\n]+?)\$(?!\d)|\\\((.+?)\\\)")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")


def readable(markdown: str) -> str:
    """Return Markdown with its formulas in Unicode, escaped so that Markdown leaves them alone.

    What cannot be converted stays as it was written.

    >>> readable(r"so $\\frac{\\partial L}{\\partial w}$")
    'so ∂L/∂w'
    """
    shown = _DISPLAYED.sub(lambda match: f"\n\n{_unicode(match.group(1) or match.group(2))}\n\n", markdown)
    return _INLINE.sub(lambda match: _unicode(match.group(1) or match.group(2)), shown)


def _unicode(latex: str) -> str:
    from pylatexenc.latex2text import LatexNodes2Text  # 60 ms, and many answers have no formula

    try:
        text = LatexNodes2Text(math_mode="text").latex_to_text(latex)
    except Exception:  # the parser raises several kinds on what a model may write; the source is better than nothing
        return f"`{latex.strip()}`"
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
