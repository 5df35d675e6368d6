"""Make docs/answer.svg: what `lecta ask` shows on a terminal, from a real run on the sample course.

usage: python -m docs.picture [QUESTION]
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from lecta import Library
from lecta.console.answers import print_sources
from lecta.mathtext import readable
from lecta.settings import load

QUESTION = "What is the chain rule in backpropagation?"


def main(question: str) -> None:
    """Ask the library that LECTA_LIBRARY names and draw the answer."""
    answer = Library(settings=load()).ask(question)
    console = Console(record=True, width=100, force_terminal=True, highlight=False, file=io.StringIO())
    console.print(f'[bold green]$[/] lecta ask "{question}"\n')
    console.print(Markdown(readable(answer.text)))
    print_sources(answer, console)
    path = Path(__file__).parent / "answer.svg"
    svg = console.export_svg(title="lecta")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # fonts from a CDN; the reader's own do
    path.write_text(svg, encoding="utf-8")
    print(answer.text)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else QUESTION)
