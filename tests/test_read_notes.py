"""Notes and books, made here small and real: every section where it stands, mathematics and code as written."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lecta.errors import ReadError
from lecta.read import docx, epub, html, latex, markdown, notebook
from lecta.read.outline import Outline
from lecta.types import Document


def _sections(document: Document) -> list[tuple[str, str]]:
    return [(section.title, " ".join(document.text_of(section).split())) for section in document.sections]


def _write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# Markdown


def _markdown(tmp_path: Path, text: str) -> Document:
    return markdown.read(_write(tmp_path / "notes.md", text))


def test_markdown_sections_stand_under_their_headings(tmp_path: Path) -> None:
    document = _markdown(tmp_path, "Before.\n\n# Entropy\n## Idea\nWords *here*.\n\nSetext\n------\nMore.\n")
    assert document.title == "Entropy"
    assert document.kind == "notes"
    assert _sections(document) == [("", "Before."), ("Idea", "Entropy Idea Words here."), ("Setext", "Setext More.")]


def test_markdown_front_matter_gives_the_title_and_goes(tmp_path: Path) -> None:
    document = _markdown(tmp_path, '---\ntitle: "Chain rule"\ntags: [a]\n---\nText.\n')
    assert (document.title, document.text.strip()) == ("Chain rule", "Text.")


def test_markdown_keeps_mathematics_and_code_to_the_letter(tmp_path: Path) -> None:
    formulas = [
        "$a_1 b_1 * c_2 * d$",
        "$$\nx_1 \\\\\n\ny_*\n$$",
        r"\(p_i < q_i\)",
        "\\begin{align}\n a &= b_1 \\\\\n\\end{align}",
    ]
    code = 'print("$HOME", a_1, "*b*")  # not a heading\n# nor this'
    document = _markdown(
        tmp_path, "\n\n".join(formulas) + f"\n\n```python\n{code}\n```\n\nUse `a_b*c` for $5 and $6.\n"
    )
    for kept in [*formulas, code, "`a_b*c` for $5 and $6."]:
        assert kept in document.text
    assert len(document.sections) == 1


def test_markdown_links_and_images_become_their_words(tmp_path: Path) -> None:
    text = "See [the *paper*](http://x.org/a_b 'T'), ![w=42%,f=right](a.svgz) ![loss over time](b.png) "
    text += "<!-- no -->[r][1].\n\n[1]: http://x\n"
    assert _markdown(tmp_path, text).text.split() == ["See", "the", "paper,", "loss", "over", "time", "r."]


def test_markdown_lists_tables_and_quotes_keep_their_shape(tmp_path: Path) -> None:
    text = "- one\n  - inner\n- two\n\n3. three\n4. four\n\n| a | b |\n|---|---|\n| $x$ | 2 |\n\n> quoted\n"
    assert _markdown(tmp_path, text).text.split("\n\n")[:4] == [
        "- one\n  - inner\n- two",
        "3. three\n4. four",
        "a | b\n$x$ | 2",
        "quoted",
    ]


# LaTeX


LATEX = r"""
\documentclass{article} \newtheorem{satz}{Satz}
\newcommand{\secret}{preamble}
\title{Notes on \emph{entropy}\thanks{nobody}}
\begin{document}
\maketitle
It costs 5\% of caf\'e. % a remark
\section[short]{Entropy of $X_1$\label{sec:e}}
We \textbf{define}~it~\cite[p.~3]{shannon} as
\begin{align}
 H &= -\sum_i p_i \log p_i % inside
\end{align}
\begin{satz}[Jensen] Let \(x_1\) be. \end{satz}
\subsection{Code}
\begin{lstlisting}[language=C]
int x = 100 % 7; /* {kept} */
\end{lstlisting}
\begin{itemize}\item one \item two\end{itemize}
\input{part} \input{../outside} \input{missing}
\end{document}
ignored
"""


def test_latex_becomes_words_with_its_mathematics(tmp_path: Path) -> None:
    folder = tmp_path / "course"
    folder.mkdir()
    _write(tmp_path / "outside.tex", "never")
    _write(folder / "part.tex", r"\subsection{Part} Included.")
    document = latex.read(_write(folder / "notes.tex", LATEX))
    assert document.title == "Notes on entropy"
    assert _sections(document) == [
        ("", "It costs 5% of café."),
        (
            "Entropy of $X_1$",
            r"Entropy of $X_1$ We define it as \begin{align} H &= -\sum_i p_i \log p_i \end{align} "
            r"Satz (Jensen). Let \(x_1\) be.",
        ),
        ("Entropy of $X_1$ > Code", "Code int x = 100 % 7; /* {kept} */ - one - two"),
        ("Entropy of $X_1$ > Part", "Part Included."),
    ]
    assert document.warnings == (
        r"\input{../outside} is outside the file's folder and was left out",
        r"\input{missing} could not be read and was left out",
    )


def test_latex_that_includes_itself_ends(tmp_path: Path) -> None:
    document = latex.read(_write(tmp_path / "loop.tex", r"Words. \input{loop} \input{loop}"))
    assert document.warnings


# HTML


PAGE = """<!DOCTYPE html><html><head><title>Entropy | Example University</title><script>var x = 1</script></head><body>
<div class="top-menu"><a href="1">Home</a> <a href="2">Study</a></div>
<div id="sidebar"><ul><li><a>One</a></li><li><a>Two</a></li><li><a>Three</a></li><li><a>Four</a></li></ul></div>
<div class="text"><h1>Entropy<a class="headerlink">¶</a></h1>
<p>The entropy is <span class="katex"><span class="katex-mathml"><math><semantics><mi>H</mi>
<annotation encoding="application/x-tex">H(X)=-\\sum p</annotation></semantics></math></span><span class="katex-html"
aria-hidden="true">drawn</span></span> in bits, and it is small when we know much about the variable.</p>
<h2>Cross-entropy</h2><p>With <code>np.log</code>,
<span class="MathJax_Preview"></span><span class="MathJax">drawn</span>
<script type="math/tex">q_i</script> and <script type="math/tex; mode=display">\\int x</script>.</p>
<ol><li>first <b>item</b><ul><li>inner</li></ul></li><li>second</li></ol>
<pre><code>for x in y:
    print(x &lt; 3)
</code></pre><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>
<p>Also <math alttext="x^2"><mi>x</mi></math>, \\(y_1\\), and
<span class="mwe-math-element"><math>
<annotation encoding="application/x-tex">{\\displaystyle z_1}</annotation></math><img
class="mwe-math-fallback-image-inline mwe-math" alt="z_1"></span>.</p></div>
<div class="cookie-banner">We use cookies.</div><footer>All rights reserved.</footer></body></html>"""


def test_html_is_reduced_to_its_article(tmp_path: Path) -> None:
    document = html.read(_write(tmp_path / "page.html", PAGE))
    assert document.title == "Entropy"
    assert document.text.strip().split("\n\n") == [
        "Entropy",
        r"The entropy is $H(X)=-\sum p$ in bits, and it is small when we know much about the variable.",
        "Cross-entropy",
        r"With `np.log`, $q_i$ and $$\int x$$.",
        "1. first item\n  - inner\n2. second",
        "for x in y:\n    print(x < 3)",
        "a | b\n1 | 2",
        r"Also $x^2$, \(y_1\), and $z_1$.",
    ]
    assert [section.title for section in document.sections] == ["Entropy", "Cross-entropy"]


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-2", "utf-16"])
def test_html_encodings(tmp_path: Path, encoding: str) -> None:
    page = f"<html><head><meta charset='{encoding}'></head><body><p>Příliš žluťoučký kůň pěl ódy</p></body></html>"
    document = html.read(_write(tmp_path / "a.html", page.encode(encoding)))
    assert "Příliš žluťoučký kůň" in document.text


def test_html_keeps_the_main_element_and_a_page_without_paragraphs(tmp_path: Path) -> None:
    document = html.read(_write(tmp_path / "a.html", "<body><nav>Menu</nav><main>Just words.<br>And more.</main>"))
    assert document.text.split() == ["Just", "words.", "And", "more."]


def test_a_web_archive_is_read(tmp_path: Path) -> None:
    archive = "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n"
    archive += "--x\nContent-Type: text/html\n\n<p>Kept.</p>\n--x--\n"
    assert html.read(_write(tmp_path / "a.mhtml", archive)).text.strip() == "Kept."


# Word


_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_M = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
STYLES = f"""<w:styles {_W}>
<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
<w:style w:styleId="H2"><w:name w:val="heading 2"/></w:style>
<w:style w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="H2"/></w:style></w:styles>"""
BODY = """
<w:p><w:pPr><w:pStyle w:val="berschrift1"/></w:pPr><w:r><w:t>Entropy</w:t></w:r></w:p>
<w:p><w:r><w:t>It is </w:t></w:r><w:del><w:r><w:delText>not </w:delText></w:r></w:del>
<w:ins><w:r><w:t>small: </w:t></w:r></w:ins>
<m:oMath><m:f><m:num><m:r><m:t>α</m:t></m:r></m:num><m:den><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t>
</m:r></m:sup></m:sSup></m:den></m:f></m:oMath></w:p>
<w:p><w:pPr><w:pStyle w:val="Mine"/></w:pPr><w:r><w:t>Bits</w:t></w:r></w:p>
<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>one</w:t></w:r></w:p>
<w:p><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr></w:pPr>
<w:hyperlink><w:r><w:t>two</w:t></w:r></w:hyperlink></w:p>
<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
<w:p><m:oMathPara><m:oMath><m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub><m:r><m:t>i</m:t></m:r></m:sub><m:sup/>
<m:e><m:rad><m:deg/><m:e><m:r><m:t>p</m:t></m:r></m:e></m:rad></m:e></m:nary></m:oMath></m:oMathPara></w:p>"""


def _docx(path: Path, body: str, declared: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "word/document.xml", f"<w:document {_W} {_M}><w:body>{body}</w:body></w:document>" + " " * declared
        )
        archive.writestr("word/styles.xml", STYLES)
    return path


def test_word_headings_lists_tables_and_equations(tmp_path: Path) -> None:
    document = docx.read(_docx(tmp_path / "notes.docx", BODY))
    assert _sections(document) == [
        ("Entropy", r"Entropy It is small: $\frac{\alpha}{x^{2}}$"),
        ("Bits", r"Bits - one - two a | b $$\sum_{i} \sqrt{p}$$"),
    ]


# Jupyter


def test_notebook_cells_and_short_outputs(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Gradients\n", "Of $f_1$."]},
        {
            "cell_type": "code",
            "source": "x = 1\nx",
            "outputs": [
                {"output_type": "stream", "text": ["1\n"] * 40},
                {"output_type": "display_data", "data": {"image/png": "AAAA" * 999, "text/plain": "<Figure size 1x1>"}},
                {"output_type": "error", "ename": "ValueError", "evalue": "bad", "traceback": ["long"] * 50},
            ],
        },
        {"cell_type": "markdown", "source": "## More\nWords."},
    ]
    document = notebook.read(_write(tmp_path / "a.ipynb", json.dumps({"nbformat": 4, "cells": cells})))
    ones = " ".join(["1"] * 12)
    assert document.title == "Gradients"
    assert _sections(document) == [
        ("Gradients", f"Gradients Of $f_1$. x = 1 x {ones} … ValueError: bad"),
        ("More", "More Words."),
    ]


def test_notebook_of_format_3(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "heading", "level": 1, "source": "Old"},
        {"cell_type": "code", "input": "y = 2", "outputs": []},
    ]
    document = notebook.read(
        _write(tmp_path / "a.ipynb", json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}))
    )
    assert document.text.split() == ["Old", "y", "=", "2"]


# E-books


CONTAINER = """<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="O/p.opf"/></rootfiles></container>"""
NAV = '<html xmlns="http://www.w3.org/1999/xhtml"><body><a href="two.xhtml#x">Second</a></body></html>'
FIRST = "<?xml version='1.0' encoding='utf-8'?><html><body><h1>First</h1><p>Ångström.</p></body></html>"
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>
<dc:title>A Book</dc:title></metadata><manifest>
<item id="b" href="two.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="one%20.xhtml" media-type="application/xhtml+xml"/>
<item id="g" href="gone.xhtml" media-type="application/xhtml+xml"/>
<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/></manifest>
<spine><itemref idref="n"/><itemref idref="a"/><itemref idref="g"/><itemref idref="b"/></spine></package>"""


def _epub(path: Path, **more: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("O/p.opf", PACKAGE)
        archive.writestr("O/nav.xhtml", NAV)
        archive.writestr("O/one .xhtml", FIRST)
        archive.writestr("O/two.xhtml", "<html><body><p>Later words.</p></body></html>")
        for name, text in more.items():
            archive.writestr(f"META-INF/{name}.xml", text)
    return path


def test_book_chapters_come_in_the_order_of_the_spine(tmp_path: Path) -> None:
    document = epub.read(_epub(tmp_path / "book.epub"))
    assert document.title == "A Book"
    assert _sections(document) == [("First", "First Ångström."), ("Second", "Second Later words.")]
    assert document.warnings == ("chapter O/gone.xhtml: not an e-book: O/gone.xhtml is missing",)


def test_a_locked_book_is_said_to_be(tmp_path: Path) -> None:
    locked = '<encryption><CipherReference URI="O/two.xhtml"/></encryption>'
    with pytest.raises(ReadError, match="digital rights"):
        epub.read(_epub(tmp_path / "book.epub", encryption=locked))


# All of them


READERS = [
    (markdown, ".md"), (latex, ".tex"), (html, ".html"), (html, ".mhtml"), (docx, ".docx"),
    (notebook, ".ipynb"), (epub, ".epub"),
]  # fmt: skip


@pytest.mark.parametrize(("reader", "suffix"), READERS)
@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\x03" * 2000,
        b"   \n",
        b"PK\x03\x04" + b"\x00" * 500,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 500,
        b"[" * 200_000,
        b'{"cells": [{"cell_type": "code", "source": 3, "outputs": {"a": 1}}]}',
        b"<" * 50_000,
        b"\\[" * 20_000 + b"\\begin{verbatim}" * 5_000,
        b"<div><ul><li>" * 20_000,
        b"[![" * 10_000,
    ],
    ids=range(10),
)
@pytest.mark.timeout(60)
def test_a_broken_file_is_an_error_of_one_line_or_its_words(
    tmp_path: Path, reader: ModuleType, suffix: str, data: bytes
) -> None:
    assert suffix in reader.SUFFIXES
    try:
        document = reader.read(_write(tmp_path / f"a{suffix}", data))
    except ReadError as error:
        assert error.reason
        assert "\n" not in error.reason
    else:
        assert document.reader == reader.NAME


def test_a_zip_bomb_is_refused_unopened(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="would be 120 MB"):
        docx.read(_docx(tmp_path / "bomb.docx", "", declared=120_000_000))


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w") as archive:
        body = "<w:p><w:r><w:t>&a;&b;words</w:t></w:r></w:p>"
        archive.writestr("word/document.xml", f"{bomb}<w:document {_W}><w:body>{body}</w:body></w:document>")
    text = docx.read(path).text if _can_read(path) else ""
    assert "root:" not in text


def _can_read(path: Path) -> bool:
    try:
        docx.read(path)
    except ReadError:
        return False
    return True


_PIECES = st.lists(
    st.sampled_from(
        [
            "# One\n",
            "## Two\n",
            "Words here.\n\n",
            "$a_1$ ",
            "- item\n",
            "\n",
            "```\ncode\n```\n",
            "###\n",
            "Text\n===\n",
        ]
    ),
    min_size=1,
)


@given(_PIECES)
def test_sections_are_in_order_inside_the_text_and_apart(pieces: list[str]) -> None:
    outline = Outline()
    markdown.add(outline, "".join(pieces))
    try:
        document = outline.document("markdown/1")
    except ReadError:
        return
    at = 0
    for section in document.sections:
        assert at == section.start_index < section.end_index
        assert document.text_of(section).strip()
        at = section.end_index
    assert at == len(document.text)
