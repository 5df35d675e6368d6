"""What the tools say: addresses of documents and passages, results as text to read, errors in a line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, ValidationError

from lecta.errors import LectaError, first_line
from lecta.in_words import clock, place, understood_parts
from lecta.mcp_server.schemas import DocumentOut, LectureOut, PassageOut
from lecta.types import Answer, Document, DocumentRecord, Passage, SearchResult, Section

DOCUMENT = "lecta://documents/{document}"
PASSAGE = "lecta://documents/{document}/passages/{span}"
PASSAGE_URI = re.compile(r"lecta://documents/([0-9a-f]{32})/passages/(\d{1,12})-(\d{1,12})")


def document_uri(key: str) -> str:
    """Return the address of a document, by its id."""
    return DOCUMENT.format(document=key)


def document_out(record: DocumentRecord) -> DocumentOut:
    """Return a document as the tools name it."""
    return DocumentOut(uri=document_uri(record.id), source=record.source, kind=record.kind)


def passage_out(passage: Passage, key: str) -> PassageOut:
    """Return a passage of the document with an id as the tools give it."""
    beside = passage.beside
    row = {name: getattr(passage, name) for name in PassageOut.model_fields if hasattr(passage, name)}
    for name in ("page", "start_time", "end_time") if beside else ():
        row[name] = row[name] if row[name] is not None else getattr(beside, name)
    span = f"{passage.start_index}-{passage.end_index}"
    where = f"{lecture_of(passage)}, {place(passage)}"
    return PassageOut(**row, uri=PASSAGE.format(document=key, span=span), where=where)


def lecture_of(of: Passage | DocumentRecord) -> str:
    """Return what a lecture is called, by its number or its file."""
    return of.source if of.lecture is None else f"Lecture {of.lecture}"


def said(text: str, value: BaseModel) -> CallToolResult:
    """Return a result as text to read and as data."""
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=value.model_dump(mode="json")
    )


def one_line(tool: str, error: Exception) -> str:
    """Return what went wrong with a tool, for the model that called it."""
    cause = error.__cause__
    if isinstance(error, LectaError) or cause is None:
        return first_line(error, 500)
    if isinstance(cause, ValidationError):
        wrong = cause.errors()[0]
        name = ".".join(map(str, wrong["loc"]))
        given = "" if wrong["type"] == "missing" else f", not {wrong['input']!r:.100}"
        return f"{tool}: argument {name}: {wrong['msg']}{given}"
    if isinstance(cause, LectaError):
        return first_line(cause, 500)
    return f"lecta failed ({type(cause).__name__}: {first_line(cause)})"


def passage_text(mark: int | str, passage: PassageOut) -> str:
    """Return "[1] Lecture 4, slide 12, 23:41-24:10: its words" and what it is called."""
    shown = f"[{mark}] " if isinstance(mark, int) else f"{mark} " if mark else ""
    about = "; ".join(filter(None, [passage.course, passage.title, passage.source, passage.uri]))
    return f"{shown}{passage.where}: {passage.text.strip()}\n({about})"


def lecture_line(lecture: LectureOut) -> str:
    """Return a lecture and its documents, a line each."""
    number = "" if lecture.number is None else f"Lecture {lecture.number}: "
    date = f" ({lecture.date})" if lecture.date else ""
    line = f"{lecture.course}: {number}{lecture.title}{date}, {lecture.passages} passages"
    return "\n".join([line, *(f"  {one.kind}: {one.uri} ({one.source})" for one in lecture.documents)])


def notes(of: SearchResult | Answer, question: str) -> list[str]:
    """Return how a question was read, where that is not as it stands."""
    told = "; ".join(understood_parts(of.understood, question))
    return [f"(read as: {told})"] if told else []


def sources(answer: Answer, passages: Sequence[PassageOut]) -> list[str]:
    """Return a list of what is cited; of an answer that abstains, of where the lectures come nearest."""
    numbers = list(range(1, len(passages) + 1))[:3] if answer.abstained else answer.cited
    heading = "Nearest in the lectures:" if answer.abstained else "Sources:"
    rows = [(number, passages[number - 1]) for number in numbers]
    lines = [f"[{number}] {one.where}: {one.title or one.source} ({one.uri})" for number, one in rows]
    return ["\n".join([heading, *lines])] if lines else []


def text_with_places(document: Document) -> str:
    """Return a document's text with a line before each page, and the time before each cue."""
    lines: list[str] = []
    page: int | None = None
    for section in document.sections:
        if section.page is not None and section.page != page:
            page = section.page
            lines.append(f"[{'slide' if document.kind == 'slides' else 'page'} {page}]")
        lines.append(_timed(section) + document.text_of(section).strip())
    return "\n".join(lines)


def _timed(section: Section) -> str:
    return "" if section.start_time is None else f"[{clock(section.start_time)}] "


def one_paragraph(text: str | None) -> str:
    """Return a docstring without its line breaks."""
    return " ".join((text or "").split())
