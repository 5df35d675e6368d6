"""Slides as PowerPoint, Markdown and LaTeX."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lecta.errors import ReadError
from lecta.read import beamer, deck, markdown, pptx, tex
from lecta.types import Document


def words(document: Document) -> list[str]:
    return [document.text_of(section) for section in document.sections]


# PowerPoint


def presentation(path: Path) -> Path:
    from pptx import Presentation
    from pptx.util import Inches

    show: Any = Presentation()
    first = show.slides.add_slide(show.slide_layouts[1])
    first.shapes.title.text = "Convolution"
    first.placeholders[1].text = "Weights are shared.\nShifts commute."
    first.notes_slide.notes_text_frame.text = "Say why sharing helps."
    second = show.slides.add_slide(show.slide_layouts[5])
    second.shapes.title.text = "Sizes"
    table = second.shapes.add_table(2, 2, Inches(1), Inches(4), Inches(4), Inches(1)).table
    for row, cells in enumerate([("Layer", "Size"), ("conv1", "55")]):
        for column, cell in enumerate(cells):
            table.cell(row, column).text = cell
    group = second.shapes.add_group_shape()
    for left, label in ((5, "to the right"), (1, "to the left")):
        group.shapes.add_textbox(Inches(left), Inches(2), Inches(2), Inches(1)).text_frame.text = label
    second._element.set("show", "0")
    show.save(str(path))
    return path


def test_powerpoint_with_notes_tables_and_groups(tmp_path: Path) -> None:
    document = pptx.read(presentation(tmp_path / "a.pptx"))
    assert [(section.page, section.title) for section in document.sections] == [(1, "Convolution"), (2, "Sizes")]
    assert words(document)[0] == "Convolution\nWeights are shared.\nShifts commute.\nNotes: Say why sharing helps."
    assert words(document)[1] == "Sizes\nto the left\nto the right\nLayer | Size\nconv1 | 55"
    assert document.warnings == ("slide 2 is hidden in the show",)


def test_a_shape_with_a_formula_is_read(tmp_path: Path) -> None:
    """PowerPoint wraps such shapes in a choice, which python-pptx passes over."""
    from lxml import etree

    path = presentation(tmp_path / "a.pptx")
    from pptx import Presentation

    show: Any = Presentation(str(path))
    shape = show.slides[0].placeholders[1]._element
    choice = etree.fromstring(
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        '<mc:Choice Requires="a14"/><mc:Fallback/></mc:AlternateContent>'
    )
    shape.addprevious(choice)
    choice[0].append(shape)
    show.save(str(path))
    assert "Shifts commute." in words(pptx.read(path))[0]


def test_what_is_no_powerpoint_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.pptx"
    path.write_bytes(b"no zip")
    with pytest.raises(ReadError, match="not a PowerPoint file"):
        pptx.read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word.xml", "<a/>")
    with pytest.raises(ReadError, match="not a PowerPoint file"):
        pptx.read(path)
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    with pytest.raises(ReadError, match="locked by a password"):
        pptx.read(path)


def test_half_a_powerpoint_says_so(tmp_path: Path) -> None:
    path = presentation(tmp_path / "a.pptx")
    data = path.read_bytes()
    for part in (0.2, 0.5, 0.9, 0.99):
        path.write_bytes(data[: int(len(data) * part)])
        with pytest.raises(ReadError):
            pptx.read(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.pptx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ppt/slides/slide1.xml", b"")
    # The directory at the end says 3 GB; nothing of that size has to be written for the test.
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 3 * 2**30)
    path.write_bytes(data)
    with pytest.raises(ReadError, match="would unpack to 3,072 MB"):
        pptx.read(path)


# Markdown

MARKDOWN = """title: Course, Lecture 2
class: title

# Networks

---
section: Training
class: section
# Training

---
# Descent

![w=42%,f=right](valley.svgz)
We go down by $\\theta ← \\theta - \\alpha <g>$.<br>

~~~
- <b>slowly</b>, and .red[carefully]

```python
a = "---"  # ![not an image](x)
---
```
<!-- a comment -->

---
# Choice

Kinds:
- plain

~~~ ~
# Choice

Kinds:
- plain, as it was
- fancy

---
# Empty

![](picture.png)
"""


def test_a_deck_without_its_layout() -> None:
    document = deck.document(MARKDOWN)
    assert document.title == "Course, Lecture 2: Networks"
    assert [(section.page, section.title) for section in document.sections] == [
        (1, "Networks"),
        (2, "Training"),
        (3, "Descent"),
        (4, "Choice"),
        (5, "Empty"),
    ]
    assert words(document)[1] == "# Training"
    assert words(document)[2] == (
        "# Descent\n\nWe go down by $\\theta ← \\theta - \\alpha <g>$.\n\n- slowly, and carefully\n\n"
        '```python\na = "---"  # ![not an image](x)\n---\n```'
    )
    assert words(document)[3] == "# Choice\n\nKinds:\n- plain, as it was\n- fancy"


def test_front_matter_between_rules_and_presenter_notes() -> None:
    document = deck.document(
        "---\nmarp: true\ntitle: Optics\n---\n# Light\n\nIt is fast.\n???\nMention Rømer.\n---\n# End\n"
    )
    assert document.title == "Optics: Light"
    assert words(document) == ["# Light\n\nIt is fast.\nNotes:\nMention Rømer.", "# End"]


def test_notes_with_rules_are_no_deck() -> None:
    part = "Prose that goes on for many lines, as notes do, with no slide in sight. " * 12
    notes = "# Notes\n\n" + "\n\n---\n\n".join(f"## Part {n}\n{part}\n\n## More of {n}\n{part}" for n in range(5))
    assert not deck.is_deck(notes)
    assert not deck.is_deck("# One page\n\nwith a rule\n\n---\n\nand no more")
    assert deck.is_deck(MARKDOWN)
    assert deck.is_deck("\n---\n".join(f"# Slide {n}\n\n- a point\n- another" for n in range(6)))


def test_markdown_goes_to_the_reader_it_is_for(tmp_path: Path) -> None:
    path = tmp_path / "lecture.md"
    path.write_text(MARKDOWN, encoding="utf-8")
    assert markdown.read(path).kind == "slides"
    path.write_text("# Notes\n\nwords\n", encoding="utf-8")
    assert markdown.read(path).kind == "notes"


# LaTeX

BEAMER = r"""\documentclass[aspectratio=169]{beamer}
\title[Short]{Networks \& Friends}
\begin{document}
\frame{\titlepage}
\begin{frame}[fragile]{Gradient \emph{Descent}} % not a word
\begin{itemize}[<+->]
  \item<1-> Go \textbf{down} with $\theta - \eta \nabla_\theta L$ \pause
  \item[Rate] 50\% na\"ive, $a<b$
\end{itemize}
\includegraphics<2>[width=0.5\textwidth]{valley.pdf}
\vspace{1em}
\begin{align*} y &= Wx + b \\ z &= \sigma(y) \end{align*}
\begin{verbatim}
for x in y: print(x % 2)
\end{verbatim}
\end{frame}
\begin{frame}
\frametitle{Sums}
\only<2>{Once.}
\begin{tikzpicture}\node at (0,0) {unsaid};\end{tikzpicture}
\note{Ask the room.}
\end{frame}
\end{document}
"""


def test_beamer_frames() -> None:
    document = beamer.document(BEAMER)
    assert document.title == "Networks & Friends"
    assert [(section.page, section.title) for section in document.sections] == [
        (1, "Networks & Friends"),
        (2, "Gradient Descent"),
        (3, "Sums"),
    ]
    assert words(document)[1] == (
        "Gradient Descent\n\n- Go down with $\\theta - \\eta \\nabla_\\theta L$\n- Rate: 50% naïve, $a<b$\n\n"
        "\\begin{align*} y &= Wx + b \\\\ z &= \\sigma(y) \\end{align*}\n\nfor x in y: print(x % 2)"
    )
    assert words(document)[2] == "Sums\n\nOnce.\n\nNotes: Ask the room."


def test_beamer_is_told_from_an_article() -> None:
    assert beamer.is_beamer(BEAMER)
    assert beamer.is_beamer("\\begin{frame}{Part of a deck}\\end{frame}")
    assert not beamer.is_beamer("\\documentclass{article}\\begin{document}\\begin{frame}\\end{frame}")


@pytest.mark.parametrize("damaged", ["{" * 50_000, "\\begin{itemize}" * 5_000, "\\frac{" * 20_000, "$" * 1001])
def test_damaged_latex_is_read_or_refused(damaged: str) -> None:
    try:
        tex.plain(damaged)
    except ReadError as error:
        assert "\n" not in error.reason
