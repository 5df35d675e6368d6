"""A conversation as Markdown: questions, answers as they were written, and where each source stands."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from lecta.errors import LectaError, UsageError
from lecta.in_words import place
from lecta.types import Answer, Conversation, Hit


def markdown(conversation: Conversation) -> str:
    """Return a conversation as a page of Markdown; answers and their mathematics stay as they were written."""
    parts = [_mark(conversation)]
    for number, turn in enumerate(conversation.turns, 1):
        answer = turn.answer
        parts.append(f"## {number}. {' '.join(answer.question.split())}")
        parts.append(answer.text + ("\n\n*(stopped here)*" if answer.stopped else ""))
        if sources := _sources(answer):
            parts.append(sources)
        parts.append(f"<sub>{turn.asked[:16].replace('T', ' ')} UTC, {answer.model}</sub>")
    return "\n\n".join(parts) + "\n"


def export(conversation: Conversation, out: Path | None) -> None:
    """Print a conversation as Markdown, or write it to a file.

    Raises `UsageError` for a file that is there and is no earlier export of this conversation.
    """
    text = markdown(conversation)
    if out is None:
        sys.stdout.write(text)
        return
    out = out.expanduser()
    try:
        if out.exists() and not out.read_bytes().startswith(_mark(conversation).encode()):
            raise UsageError(f"{out} is there already and is no export of this conversation: name another file")
        partial = out.with_name(f".{out.name}.part")
        partial.write_text(text, encoding="utf-8")
        partial.replace(out)
    except OSError as error:
        raise LectaError(f"cannot write {out}: {error.strerror or error}") from error


def _mark(conversation: Conversation) -> str:
    return f"<!-- lecta conversation {conversation.id} -->"


def _sources(answer: Answer) -> str:
    """Return a list of the passages that are cited."""
    cited = answer.cited
    return "\n".join(["Sources:", "", *(_source(n, answer.passages[n - 1]) for n in cited)]) if cited else ""


def _source(number: int, hit: Hit) -> str:
    passage = hit.passage
    lecture = f", lecture {passage.lecture}" if passage.lecture is not None else ""
    title = f": {_plain(passage.title)}" if passage.title else ""
    fence = "``" if "`" in passage.source else "`"
    return f"- [{number}] {fence}{passage.source}{fence}{lecture}, {place(passage)}{title}"


def _plain(text: str) -> str:
    """Return a title without what Markdown would take for its own; mathematics stays."""
    parts = re.split(r"(\$[^$]+\$)", " ".join(text.split()))
    return "".join(part if i % 2 else re.sub(r"([*_`\[\]<>#])", r"\\\1", part) for i, part in enumerate(parts))
