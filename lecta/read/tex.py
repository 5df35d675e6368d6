"""LaTeX to words, mathematics kept as LaTeX. For beamer slides and for notes.

pylatexenc parses and turns accents, quotes and dashes to characters; here it is told what lays a page out and says
nothing, and what is mathematics.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from lecta.errors import ReadError, first_line

MOST_CHARACTERS = 2_000_000
"""A book of 800 pages; pylatexenc takes some 5 s a megabyte."""

_OVERLAID = (
    "item|only|onslide|uncover|visible|invisible|alt|temporal|alert|structure|textbf|textit|textsl|textrm|textsf|emph"
    "|color|textcolor|includegraphics|action|hyperlink|hypertarget|label|node|draw|pause|bibitem|cite"
)
_SPEC = r"<[\d\s,+\-.|@():a-z]*>"
_OVERLAY = re.compile(rf"(\\(?:{_OVERLAID})\*?|\\begin\{{[A-Za-z*]+\}}){_SPEC}")
_DEFAULT_OVERLAY = re.compile(rf"(\\begin\{{[A-Za-z*]+\}}(?:\[[^\]]*\])?)\[{_SPEC}\]")
_PAUSE = re.compile(r"\\pause(?![A-Za-z])(?:\[\d+\])?")
_DRAWING = re.compile(r"\\begin\{(tikzpicture|pspicture|asy|pgfpicture|filecontents\*?)\}.*?\\end\{\1\}", re.DOTALL)
_BODY = re.compile(r"\\begin\{document\}(.*?)(?:\\end\{document\}|\Z)", re.DOTALL)

_COMMENT = re.compile(r"\\begin\{(verbatim|lstlisting|minted)\}.*?\\end\{\1\}|\\.|\n[ \t]*%[^\n]*|%[^\n]*", re.DOTALL)
"""Verbatim text and escaped signs, which stay, and comments: a line of its own, or the rest of one."""

# Name to the kinds of argument it takes: [ optional, { required, * a star. Neither it nor they are words.
_SILENT = {
    "includegraphics": "*[[{",
    "graphicspath": "{",
    "vspace": "*{",
    "hspace": "*{",
    "vskip": "",
    "label": "{",
    "cite": "[[{",
    "citep": "*[[{",
    "citet": "*[[{",
    "footnotesize": "",
    "setlength": "{{",
    "addtolength": "{{",
    "setcounter": "{{",
    "addtocounter": "{{",
    "setbeamertemplate": "{[{",
    "setbeamercolor": "*{{",
    "setbeamerfont": "*{{",
    "setbeamercovered": "{",
    "beamertemplatenavigationsymbolsempty": "",
    "usetheme": "[{",
    "usecolortheme": "[{",
    "usepackage": "[{",
    "resizebox": "*{{",
    "scalebox": "{[",
    "transfade": "[",
    "transdissolve": "[",
    "titlepage": "",
    "maketitle": "",
    "tableofcontents": "[",
    "framebreak": "",
    "bibliography": "{",
    "bibliographystyle": "{",
    "input": "{",
    "include": "{",
    "movie": "[{{",
    "color": "[{",
    "columncolor": "[{",
    "rowcolor": "[{",
    "logo": "{",
    "hyperlink": "{",
    "hypertarget": "{",
    "newcommand": "*{[[{",
    "renewcommand": "*{[[{",
    "providecommand": "*{[[{",
    "DeclareMathOperator": "*{{",
    "definecolor": "{{{",
    "centering": "",
    "bigskip": "",
    "medskip": "",
    "smallskip": "",
    "vfill": "",
    "hfill": "",
    "newpage": "",
    "clearpage": "",
    "noindent": "",
    "hline": "",
    "toprule": "",
    "midrule": "",
    "bottomrule": "",
    "cmidrule": "[{",
    "column": "[{",
    "index": "{",
    "thispagestyle": "{",
    "pagestyle": "{",
    "pagenumbering": "{",
    "only": "",
    "onslide": "",
    "uncover": "",
    "visible": "",
}
_SECOND_ONLY = {"textcolor": "[{{", "href": "{{", "colorbox": "[{{", "parbox": "[[[{{", "multicolumn": "{{{"}
_SETTINGS = {
    "itemize": "[",
    "enumerate": "[",
    "description": "[",
    "columns": "[",
    "column": "[{",
    "minipage": "[[[{",
    "figure": "[",
    "table": "[",
    "wrapfigure": "[{[{",
    "adjustbox": "{",
    "tabular": "[{",
    "tabular*": "{[{",
    "tabularx": "{[{",
    "overprint": "[",
    "overlayarea": "{{",
    "thebibliography": "{",
    "multicols": "{",
    "textblock*": "{(",
}
"""Environments whose arguments lay them out; their contents are words."""
_MATHEMATICS = ("equation", "align", "gather", "multline", "eqnarray", "alignat", "flalign", "displaymath", "dmath")


def plain(tex: str) -> str:
    """Return the words of a piece of LaTeX: lists as "- item", tables as "a | b", mathematics as it is written.

    Raises `ReadError` when it is nested without end, or longer than `MOST_CHARACTERS`.
    """
    if len(tex) > MOST_CHARACTERS:
        raise ReadError(f"{len(tex):,} characters of LaTeX in one file: more than {MOST_CHARACTERS:,}")
    tex = _DRAWING.sub("", _PAUSE.sub("", _OVERLAY.sub(r"\1", _DEFAULT_OVERLAY.sub(r"\1", tex))))
    walker_type, converter, context = _tools()
    try:
        nodes, _, _ = walker_type(tex, latex_context=context, tolerant_parsing=True).get_latex_nodes()
        words: str = converter.nodelist_to_text(nodes)
    except RecursionError:
        raise ReadError("damaged: LaTeX nested without end") from None
    except Exception as error:  # the parser is tolerant, and yet: IndexError, ValueError on what is no LaTeX
        raise ReadError(f"not LaTeX that can be read ({type(error).__name__}: {first_line(error)})") from error
    words = re.sub(r"[ \t]+\n", "\n", words)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"\n\s*\n(?=- )|\n[ \t](?=\S)", "\n", words)).strip()


def body(tex: str) -> str:
    """Return what stands between \\begin{document} and \\end{document}, or all of it."""
    match = _BODY.search(tex)
    return match[1] if match else tex


def without_comments(tex: str) -> str:
    r"""Return LaTeX without its comments; "\%" is no comment, nor is a "%" in verbatim text."""
    return _COMMENT.sub(lambda match: "" if match[0].startswith(("%", "\n")) else match[0], tex)


@cache
def _tools() -> tuple[Any, Any, Any]:
    """Build the parser's and the writer's vocabularies, once a process (pylatexenc: 0.1 s)."""
    from pylatexenc import latex2text, latexwalker, macrospec

    walker = latexwalker.get_default_latex_context_db()
    silent = [macrospec.MacroSpec(name, kinds) for name, kinds in {**_SILENT, **_SECOND_ONLY}.items()]
    settings = [macrospec.EnvironmentSpec(name, kinds.replace("(", "{")) for name, kinds in _SETTINGS.items()]
    maths = [
        macrospec.EnvironmentSpec(name + star, "{" if name == "alignat" else "", is_math_mode=True)
        for name in _MATHEMATICS
        for star in ("", "*")
    ]
    walker.add_context_category("lecta", prepend=True, macros=silent, environments=[*settings, *maths])
    writer = latex2text.get_default_latex_context_db()
    writer.add_context_category(
        "lecta",
        prepend=True,
        macros=[
            *(latex2text.MacroTextSpec(name, "") for name in _SILENT),
            *(latex2text.MacroTextSpec(name, _last_argument) for name in _SECOND_ONLY),
            latex2text.MacroTextSpec("item", _item),
            latex2text.MacroTextSpec("framesubtitle", "%s\n"),
            latex2text.MacroTextSpec("caption", "%(2)s\n"),
            latex2text.MacroTextSpec("footnote", " (%(2)s)"),
        ],
        environments=[
            *(latex2text.EnvironmentTextSpec(name, "\n%s\n") for name in _SETTINGS),
            *(
                latex2text.EnvironmentTextSpec(name + star, _verbatim, discard=False)
                for name in _MATHEMATICS
                for star in ("", "*")
            ),
            *(latex2text.EnvironmentTextSpec(name, _code) for name in ("verbatim", "lstlisting", "minted")),
        ],
        specials=[latex2text.SpecialsTextSpec("&", " | ")],
    )
    converter = latex2text.LatexNodes2Text(
        latex_context=writer, math_mode="verbatim", strict_latex_spaces=False, keep_comments=False
    )
    return latexwalker.LatexWalker, converter, walker


def _last_argument(node: Any, l2tobj: Any) -> str:
    arguments = [argument for argument in node.nodeargd.argnlist if argument is not None] if node.nodeargd else []
    return str(l2tobj.nodelist_to_text([arguments[-1]])) if arguments else ""


def _item(node: Any, l2tobj: Any) -> str:
    label = node.nodeargd.argnlist[0] if node.nodeargd and node.nodeargd.argnlist else None
    # The space after it is the source's own, for "\item[Key] words" as for "\item words".
    return "\n-" + (f" {l2tobj.nodelist_to_text([label])}:" if label is not None else " ")


def _verbatim(node: Any) -> str:
    return "\n" + str(node.latex_verbatim()).strip() + "\n"


def _code(node: Any) -> str:
    """Return what stands between an environment's \\begin and \\end as it is, less their options."""
    inside = re.sub(r"\A\\begin\{\w+\}(\[[^\]]*\])?(\{\w+\})?|\\end\{\w+\}\Z", "", str(node.latex_verbatim()))
    return "\n" + inside.strip("\n") + "\n"
