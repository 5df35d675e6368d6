r"""LaTeX articles and lecture notes: sections, theorems and their like, with mathematics kept as LaTeX.

The preamble goes, commands are reduced to their words, `\input` and `\include` are followed inside the file's own
folder only. Frames of slides (beamer) have a reader of their own.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from lecta.errors import ReadError
from lecta.read import beamer
from lecta.read.outline import MAX_CHARACTERS, Outline, text_of_file
from lecta.types import Document

NAME = "latex/1"
SUFFIXES = frozenset({".tex", ".ltx", ".latex"})

_MAX_FILES = 200
_LEVELS = {
    "part": 1,
    "chapter": 2,
    "section": 3,
    "subsection": 4,
    "subsubsection": 5,
    "paragraph": 6,
    "subparagraph": 7,
}
_MATH = (
    r"(?:equation|align|alignat|flalign|gather|multline|eqnarray|displaymath|math|dmath|split|subequations"
    r"|IEEEeqnarray)\*?"
)
_CODE = r"(?:verbatim|Verbatim|lstlisting|minted|alltt|pycode)\*?"
_THEOREM = {
    "theorem": "Theorem", "thm": "Theorem", "lemma": "Lemma", "lem": "Lemma", "corollary": "Corollary",
    "cor": "Corollary", "proposition": "Proposition", "prop": "Proposition", "definition": "Definition",
    "defn": "Definition", "defi": "Definition", "dfn": "Definition", "example": "Example", "exmp": "Example",
    "remark": "Remark", "rem": "Remark", "proof": "Proof", "claim": "Claim", "exercise": "Exercise",
    "conjecture": "Conjecture", "axiom": "Axiom", "note": "Note", "fact": "Fact", "problem": "Problem",
    "solution": "Solution", "algorithm": "Algorithm", "abstract": "Abstract",
}  # fmt: skip
_KEPT = re.compile(
    rf"""
      \\begin\{{(?P<code>{_CODE})\}}(?:\[[^\]\n]*\])?(?P<lines>(?:(?!\\begin\{{(?P=code)\}}).){{0,200000}}?)\\end\{{(?P=code)\}}
    | \\(?:verb|lstinline)\*?(?P<bar>[|!+=~@"/])(?P<verb>[^\n]*?)(?P=bar)
    | (?P<comment>(?<!\\)%[^\n]*(?:\n[ \t]*)?)
    | (?P<math> \\begin\{{(?P<name>{_MATH})\}}(?:(?!\\begin\{{(?P=name)\}}).){{1,20000}}?\\end\{{(?P=name)\}}
        | \$\$.{{1,20000}}?\$\$ | \\\[(?:(?!\\\[).){{1,20000}}?\\\] | \\\((?:(?!\\\().){{1,5000}}?\\\)
        | (?<!\\)\$(?:[^$\\]|\\.){{1,5000}}?\$ )
    """,
    re.VERBOSE | re.DOTALL,
)
_PLACE = re.compile("\ue000(\\d+)\ue001")
_INPUT = re.compile(r"(?<!\\)%[^\n]*|\\(?:input|include|subfile)\s*\{([^{}]*)\}|\\input\s+([\w./-]+)")
_HEADING = re.compile(rf"\\({'|'.join(_LEVELS)})\*?\s*(?:\[[^\]]*\])?\s*(?=\{{)")
_NEW_THEOREM = re.compile(r"\\newtheorem\*?\{(\w+)\}(?:\[\w*\])?\{([^{}]*)\}")
_DROPPED = re.compile(
    r"\\(?:label|ref|eqref|autoref|cref|Cref|pageref|cite\w*|nocite|bibliography|bibliographystyle|index|vspace|hspace"
    r"|includegraphics|usepackage|input|include|subfile|setcounter|addtocounter|pagestyle|thispagestyle|newcommand"
    r"|renewcommand|providecommand|def|let|maketitle|tableofcontents|color|fontsize|setlength|graphicspath|newtheorem"
    r"|hypersetup|phantom|rule|addcontentsline|textcite|parencite|thanks)\*?(?![A-Za-z])(?:\\\w+)?(?:\s*\[[^\]]{0,200}\])*"
)
_LINK = re.compile(r"\\href\s*\{[^{}]*\}")
_SPECIAL = {"\\\\": "\n", "~": " ", "---": "—", "--": "–", "``": "“", "''": "”"}
_SPECIALS = re.compile(r"\\\\(?:\[[^\]]*\])?\*?|(?<!\\)~|---?|``|''")
_SYMBOLS = {
    "ldots": "…", "dots": "…", "textbackslash": "\\", "LaTeX": "LaTeX", "TeX": "TeX", "ss": "ß", "ae": "æ", "AE": "Æ",
    "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø", "aa": "å", "AA": "Å", "l": "ł", "L": "Ł", "i": "ı", "j": "ȷ", "S": "§",
    "copyright": "©", "par": "\n\n", "newline": "\n", "quad": " ", "qquad": " ", "textasciitilde": "~", "item": "\n- ",
}  # fmt: skip
_ACCENTS = dict(
    zip("`'^\"~=.uvHck", "\u0300\u0301\u0302\u0308\u0303\u0304\u0307\u0306\u030c\u030b\u0327\u0328", strict=True)
)
_ACCENT = re.compile(r"\\(?:([`'^\"~=.])\s*|([uvHck])(?=[\s{])\s*)\{?\\?([A-Za-z])\}?")


def read(path: Path) -> Document:
    """Read one LaTeX file, notes or beamer slides, with what it includes from its folder.

    Raises `ReadError` when it holds no text.
    """
    source = _Source(path.parent.resolve())
    text = source.expand(text_of_file(path), depth=0)
    if beamer.is_beamer(text):
        return beamer.document(text)
    theorems = dict(_THEOREM) | {name: plain(title) for name, title in _NEW_THEOREM.findall(text[:100_000])}
    title = _argument(text, r"\title")
    begin = re.search(r"\\begin\{document\}", text)
    body = text[begin.end() :] if begin else text
    body = re.split(r"\\end\{document\}|\\begin\{thebibliography\}|\\printbibliography", body, maxsplit=1)[0]
    outline = Outline()
    _write(outline, body, theorems)
    return outline.document(NAME, plain(title), tuple(source.warnings))


def plain(source: str) -> str:
    """Return the words of LaTeX source: mathematics and code as written, commands reduced to what they print.

    Private to this module until the readers share one.
    """
    text, kept = _set_aside(source)
    return _restore(_words(text), kept).strip()


@dataclass
class _Source:
    """Follows a file's inclusions."""

    folder: Path
    warnings: list[str] = field(default_factory=list)
    files: int = 0
    characters: int = 0

    def expand(self, text: str, depth: int) -> str:
        self.characters += len(text)
        if self.characters > MAX_CHARACTERS:
            raise ReadError(f"more than {MAX_CHARACTERS:,} characters with what it includes: split the file")

        def replace(match: re.Match[str]) -> str:
            name = (match.group(1) or match.group(2) or "").strip()
            return self.included(name, depth) if name else match.group()

        return _INPUT.sub(replace, text)

    def included(self, name: str, depth: int) -> str:
        """Return an included file's text, or nothing and a warning."""
        path = (self.folder / name).resolve()
        path = path if path.suffix else path.with_suffix(".tex")
        if not path.is_relative_to(self.folder):
            self.warnings.append(f"\\input{{{name}}} is outside the file's folder and was left out")
            return ""
        self.files += 1
        if depth > 5 or self.files > _MAX_FILES:
            self.warnings.append(f"\\input{{{name}}} is nested too deeply and was left out")
            return ""
        try:
            return self.expand(text_of_file(path), depth + 1)
        except (OSError, ReadError):
            self.warnings.append(f"\\input{{{name}}} could not be read and was left out")
            return ""


def _write(outline: Outline, body: str, theorems: dict[str, str]) -> None:
    text, kept = _set_aside(body)
    begins = re.compile(rf"\\begin\{{({'|'.join(map(re.escape, theorems))})\*?\}}\s*(?:\[([^\]]*)\])?")
    text = begins.sub(lambda match: _theorem(theorems[match.group(1)], match.group(2)), text)
    at = 0
    while heading := _HEADING.search(text, at):
        _paragraphs(outline, text[at : heading.start()], kept)
        words, at = _group(text, heading.end())
        outline.heading(_LEVELS[heading.group(1)], _restore(_words(words), kept))
    _paragraphs(outline, text[at:], kept)


def _theorem(name: str, title: str | None) -> str:
    return f"\n\n{name} ({title}). " if title else f"\n\n{name}. "


def _paragraphs(outline: Outline, text: str, kept: list[str]) -> None:
    for block in re.split(r"\n[ \t]*\n", _words(text)):
        lines = [" ".join(line.split()) if not line.startswith("  ") else line for line in block.split("\n")]
        outline.paragraph(_restore("\n".join(line for line in lines if line.strip()), kept))


def _set_aside(source: str) -> tuple[str, list[str]]:
    """Replace mathematics and code by marks, and drop comments."""
    kept: list[str] = []

    def replace(match: re.Match[str]) -> str:
        if match["comment"] is not None:
            return ""
        code = match["lines"] if match["code"] else f"`{match['verb']}`" if match["bar"] else None
        formula = re.sub(r"(?<!\\)%[^\n]*\n|\\(?:label|nonumber|notag)\b(?:\{[^{}]*\})?", "", match["math"] or "")
        kept.append(formula if code is None else code.strip("\n"))
        return f"\ue000{len(kept) - 1}\ue001"

    return _KEPT.sub(replace, _PLACE.sub("", source)), kept


def _restore(text: str, kept: list[str]) -> str:
    return _PLACE.sub(lambda match: kept[int(match.group(1))], text)


def _words(text: str) -> str:
    """Reduce commands to what they print."""
    text = _ACCENT.sub(_accent, text)
    text = _drop_arguments(_LINK.sub("", text))
    text = re.sub(r"\\item\s*\[([^\]]*)\]", r"\n- \1 ", text)
    text = re.sub(
        r"\\(?:begin|end)\{(?:tabular|tabularx|array|minipage|multicols|longtable)\*?\}(?:\[[^\]]*\]|\{[^{}]*\})*",
        "\n",
        text,
    )
    text = re.sub(r"\\(?:begin|end)\s*\{[^{}]*\}(?:\[[^\]\n]*\])?", "\n", text)
    text = _SPECIALS.sub(lambda match: _SPECIAL.get(match.group(), "\n"), text)
    text = re.sub(r"(?<!\\)&", " | ", text)
    text = re.sub(r"\\([A-Za-z]+)\*?[ \t]*(?:\[[^\]\n]*\])?", lambda match: _SYMBOLS.get(match.group(1), ""), text)
    text = re.sub(r"\\([^A-Za-z])", r"\1", re.sub(r"(?<!\\)[{}]", "", text))
    return re.sub(r" +([.,;:)])", r"\1", re.sub(r"[ \t]+", " ", text))


def _drop_arguments(text: str) -> str:
    """Remove commands whose arguments print no words, with their arguments."""
    parts, at = [], 0
    while match := _DROPPED.search(text, at):
        parts.append(text[at : match.start()])
        at = match.end()
        while (brace := re.compile(r"[ \t]*(?=\{)").match(text, at)) and at < len(text):
            _, at = _group(text, brace.end())
    return "".join([*parts, text[at:]])


def _group(text: str, at: int) -> tuple[str, int]:
    """Return what stands in the braces that open at `at`, and where they end; an unclosed group ends with its line."""
    depth = 0
    for match in re.compile(r"\\.|[{}]", re.DOTALL).finditer(text, at, at + 20_000):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0 and match.group() == "}":
            return text[at + 1 : match.start()], match.end()
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return text[at + 1 : end], end


def _argument(text: str, command: str) -> str:
    found = re.search(re.escape(command) + r"\s*(?:\[[^\]]*\])?\s*(?=\{)", text)
    return _group(text, found.end())[0] if found else ""


def _accent(match: re.Match[str]) -> str:
    mark = _ACCENTS[match.group(1) or match.group(2)]
    return unicodedata.normalize("NFC", match.group(3) + mark)
