"""What the tools take and return, as an assistant is told of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from lecta.types import Kind

Question = Annotated[str, Field(description="In plain words; it may name lectures or material: 'in lecture 3'.")]
Count = Annotated[int | None, Field(ge=1, le=50, description="Passages to find; 5 where nothing else is set.")]
CourseName = Annotated[str | None, Field(description="Only this course, by its name in `list_lectures`.")]
LectureNumber = Annotated[int | None, Field(ge=0, le=9999, description="Only the lecture of this number.")]
KindName = Annotated[Kind | None, Field(description="Only slides, speech or notes.")]


class DocumentOut(BaseModel):
    """A file of a lecture, whose text is a resource."""

    uri: str
    source: str
    kind: Kind


class LectureOut(BaseModel):
    """A lecture and its documents."""

    course: str
    number: int | None
    title: str
    date: str | None = Field(description="As 2024-02-26.")
    passages: int
    documents: list[DocumentOut]


class LecturesOut(BaseModel):
    """The lectures, in the order of their courses."""

    lectures: list[LectureOut]


class PassageOut(BaseModel):
    """A passage and where it stands; with page and times of what stands beside it, where it has none itself."""

    uri: str = Field(description="What `read_passage` takes.")
    where: str = Field(description="To cite it by: 'Lecture 4, slide 12, 23:41-24:10'.")
    text: str
    source: str
    kind: Kind
    course: str
    lecture: int | None
    title: str
    page: int | None = Field(description="Page or slide, from 1.")
    start_time: float | None = Field(description="Seconds of the recording.")
    end_time: float | None


class FoundOut(BaseModel):
    """Passages for a question, best first."""

    question: str
    passages: list[PassageOut]
    notes: list[str] = Field(description="How the question was read, where that is not as it stands.")


class ReadingOut(BaseModel):
    """A passage between those before and after it in its document."""

    document: str
    before: list[PassageOut]
    passage: list[PassageOut] = Field(description="More than one where search had joined neighbours.")
    after: list[PassageOut]


class SentenceOut(BaseModel):
    """A sentence of an answer, checked."""

    text: str
    citations: list[int] = Field(description="Numbers from 1 into `passages`, of those that bear it.")
    support: float | None = Field(description="Probability that they do; null where it claims nothing.")
    supported: bool | None


class AnswerOut(BaseModel):
    """An answer and what it rests on."""

    question: str
    answer: str = Field(description="Markdown; [1] cites the first passage, '(not in the lectures)' marks the rest.")
    abstained: bool = Field(description="Whether the lectures do not treat the question.")
    sentences: list[SentenceOut]
    passages: list[PassageOut]
    model: str
    notes: list[str]
