"""What the REST API takes and gives, as pydantic models: they check requests and make the description at /openapi.json.

What is found and answered has the form that `lecta search --json` and `lecta ask --json` print.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lecta.types import FileStatus, FormulaStatus, Kind

_LONGEST = 4000  # characters of a question; the model's context is about as long


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty: write what you want to know")
    return text


QuestionText = Annotated[
    str,
    Field(min_length=1, max_length=_LONGEST, examples=["What is the chain rule in backpropagation?"]),
    AfterValidator(_said),
]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Turn(_Request):
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str = Field(max_length=20_000)


class SearchRequest(_Request):
    """What to look for, and where."""

    question: QuestionText
    k: int | None = Field(None, ge=1, le=50, description="Passages to find; the setting `passages` if left out.")
    course: str | None = Field(
        None, max_length=500, description="Only this course.", examples=["Backpropagation and around"]
    )
    lecture: int | None = Field(None, ge=0, le=9999, description="Only this lecture.")
    kind: Kind | None = Field(None, description="Only this kind of material.")
    history: list[Turn] = Field([], max_length=40, description="The conversation before, oldest first.")


class AskRequest(SearchRequest):
    """What you want to know."""

    strict: bool = Field(False, description="Leave out what no passage bears, instead of marking it.")
    stream: bool = Field(False, description="Answer with server-sent events; an Accept header asks for that as well.")
    keep: bool = Field(False, description="Keep question and answer in a conversation.")
    conversation: str = Field("", max_length=64, description="The kept conversation that it goes on with.")


class FeedbackRequest(_Request):
    """What you think of an answer."""

    question: QuestionText
    answer: str = Field(max_length=100_000, examples=["The chain rule multiplies the local derivatives. [1]"])
    verdict: Literal["good", "bad"]
    comment: str = Field("", max_length=10_000)
    conversation: str = Field("", max_length=64)


class TitleRequest(_Request):
    """A title for a conversation; empty is its first question again."""

    title: str = Field(max_length=200, examples=["Chain rule"])


class Problem(BaseModel):
    """Why something was not done."""

    error: str = Field(
        description="One line: what failed, with what value, and what to do.",
        examples=["k: Input should be less than or equal to 50"],
    )


class Place(BaseModel):
    """Where else something stands."""

    model_config = ConfigDict(extra="allow")

    source: str
    page: int | None
    start_time: float | None
    end_time: float | None


class Passage(BaseModel):
    """A passage: `text` is the document's from `start_index` to `end_index`."""

    rank: int = Field(examples=[1])
    score: float = Field(examples=[0.91])
    text: str = Field(examples=["The chain rule: multiply along the path, add over the paths."])
    document: str | None = Field(description="The id of its document.")
    source: str
    kind: Kind
    course: str
    lecture: int | None
    title: str
    page: int | None = Field(description="From 1; of speech, the slide it is spoken over.")
    start_time: float | None = Field(description="Seconds; of slides, when they are spoken about.")
    end_time: float | None
    start_index: int
    end_index: int
    label: str
    speaker: str
    beside: Place | None
    also: list[Place]


class Understood(BaseModel):
    """How the question was read."""

    question: str
    filters: dict[str, Any]
    order: str
    expansions: list[list[str]]
    corrections: list[list[str]]
    notes: list[str]


class Found(BaseModel):
    """Passages for a question, best first."""

    question: str
    passages: list[Passage]
    timings: dict[str, float] = Field(description="Milliseconds.")
    understood: Understood | None


class Span(BaseModel):
    """The very words that bear a sentence."""

    passage: int
    start_index: int
    end_index: int


class Sentence(BaseModel):
    """A sentence of the answer and what bears it."""

    text: str = Field(examples=["The chain rule multiplies the local derivatives."])
    citations: list[int] = Field(description="Ranks of passages.", examples=[[1]])
    support: float | None = Field(description="0..1; null where it claims nothing.", examples=[0.93])
    supported: bool | None = Field(examples=[True])
    spans: list[Span]


class Formula(BaseModel):
    """A formula of the answer, checked."""

    latex: str
    status: FormulaStatus
    correction: str
    passage: int | None


class WorkedCase(BaseModel):
    """A derivative of a network that the lectures define, worked and checked without a model."""

    expression: str
    wrt: str
    derivative: str = Field(description="In SymPy's syntax.")
    passage: int


class Answer(BaseModel):
    """An answer, and what it rests on."""

    question: str
    answer: str = Field(examples=["The chain rule multiplies the local derivatives. [1]"])
    thinking: str = Field(examples=[""])
    abstained: bool = Field(examples=[False])
    sentences: list[Sentence]
    formulas: list[Formula]
    worked_case: WorkedCase | None
    passages: list[Passage]
    model: str
    timings: dict[str, float] = Field(description="Milliseconds.")
    understood: Understood | None
    coverage: str | None
    coverage_probability: float | None
    not_covered: list[str]
    orders: list[str]
    left_out: list[str]
    stopped: bool
    conversation: str | None
    warning: str


class Document(BaseModel):
    """A document of the library."""

    id: str
    source: str
    kind: Kind
    course: str
    lecture: int | None
    title: str
    date: str
    passages: int
    characters: int
    uploaded: bool = Field(description="Its file came through the server, and goes with it.")


class Section(BaseModel):
    """A stretch of a document."""

    text: str
    start_index: int
    end_index: int
    page: int | None
    start_time: float | None
    end_time: float | None
    title: str
    excluded: str = Field(description="Why it is kept out of retrieval, or empty.")


class WholeDocument(Document):
    """A document with its text."""

    sections: list[Section]
    warnings: list[str]


class Upload(BaseModel):
    """A file on its way into the library."""

    id: str
    name: str = Field(examples=["lecture-06/slides.pdf"])
    course: str | None
    size: int = Field(description="Bytes that have come.", examples=[184_320])
    status: Literal["receiving", "waiting", "reading"] | FileStatus
    where: str = Field(description='Where in it its reader is: "page 12".')
    passages: int
    reason: str
    document: str = Field(description="The id of the document it became, or empty.")


class Documents(BaseModel):
    """What the library holds."""

    documents: list[Document]


class Uploads(BaseModel):
    """What came in since the server started."""

    uploads: list[Upload]


class Lecture(BaseModel):
    """The files of one lecture."""

    course: str
    order: int
    number: int | None
    title: str
    date: str | None
    kinds: dict[str, int]
    passages: int
    aligned: int
    sources: list[str]
    documents: list[str] = Field(description="The ids of its documents.")


class Lectures(BaseModel):
    """The lectures of the library."""

    lectures: list[Lecture]


class Word(BaseModel):
    """A word on a page; its box in shares of the page, from the top left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    marked: bool = Field(description="It stands in one of the quotes.")


class Page(BaseModel):
    """A page of slides."""

    page: int
    pages: int
    width: int
    height: int
    words: list[Word]


class Conversation(BaseModel):
    """A conversation that is kept."""

    id: str
    title: str
    turns: int
    last: str | None = Field(description="When the last question was asked, in UTC.")


class Conversations(BaseModel):
    """The conversations that are kept, the last one first."""

    conversations: list[Conversation]


class KeptTurn(BaseModel):
    """A question and its answer."""

    asked: str
    answer: dict[str, Any] = Field(description="As /api/ask gave it.")


class WholeConversation(Conversation):
    """A conversation with what was said."""

    answers: list[KeptTurn]


class Status(BaseModel):
    """How the server is."""

    version: str
    model: str
    documents: int
    waiting: int = Field(description="Questions that are being answered or wait.")
    fetching: dict[str, Any] | None = Field(description="The model that is being fetched, and how far.")
