"""The nouns that pass between the rooms. All are frozen; none knows how it was made.

path -> Document -> Passage -> Hit -> Answer
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["slides", "speech", "notes"]
"""What a document is: shown, said or written."""

FileStatus = Literal["added", "updated", "unchanged", "duplicate", "skipped", "failed"]
"""What became of one file given to `Library.add`."""


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a document that has one place: a page of slides, a cue of speech, a part of notes.

    Sections are in order and do not overlap. Text of the document that lies in no section (running headers, layout
    directives) is kept but never becomes part of a passage.
    """

    start_index: int
    """First character, counted in `Document.text`."""
    end_index: int
    """One past the last character."""
    page: int | None = None
    """1-based: the PDF page or the number of the slide."""
    start_time: float | None = None
    """Seconds from the start of the recording."""
    end_time: float | None = None
    title: str = ""
    """The slide's title or the heading it stands under."""
    label: str = ""
    """The number printed on the page, where it differs in kind from `page` ("12", "iv")."""
    speaker: str = ""
    confidence: float | None = None
    """0..1, where the words were recognised by a machine (OCR, speech recognition) and it says how sure it was."""
    excluded: str = ""
    """Why this section is kept out of retrieval ("advertisement"), or empty."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file, read: its text and where each stretch of it stands.

    A reader fills what the file itself says; the library adds `source`, `course` and, where the file does not say,
    `lecture`.
    """

    text: str
    sections: tuple[Section, ...]
    kind: Kind
    reader: str
    """The reader and its version, for example "pdf/1"."""
    title: str = ""
    source: str = ""
    """The path as given when the file was added."""
    course: str = ""
    lecture: int | None = None
    sha256: str = ""
    """Of the file's bytes."""
    date: str = ""
    """Of the lecture, "2024-02-26", where `course.toml` says it."""
    warnings: tuple[str, ...] = ()
    """What could not be read and was left out, one clear line each."""

    def text_of(self, section: Section) -> str:
        """Return the words of one of this document's sections."""
        return self.text[section.start_index : section.end_index]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which file something stands."""

    source: str
    page: int | None = None
    start_time: float | None = None
    end_time: float | None = None
    start_index: int | None = None
    end_index: int | None = None
    """Characters of the file's text, where it has neither pages nor times."""
    title: str = ""
    """Of the slide."""
    confidence: float | None = None
    """0..1, where the place was found out and not read."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What is found and cited: `text == document.text[start_index:end_index]`, always."""

    text: str
    start_index: int
    end_index: int
    source: str
    kind: Kind
    course: str = ""
    lecture: int | None = None
    title: str = ""
    page: int | None = None
    start_time: float | None = None
    end_time: float | None = None
    label: str = ""
    speaker: str = ""
    beside: Place | None = None
    """Of speech: the slide it was said over. Of slides: from when to when they were spoken about. See `lecta.align`."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What is remembered of one paragraph, so that a later file is compared without reading this one again."""

    source: str
    ordinal: int
    """0-based, among the paragraphs of its document."""
    start_index: int
    end_index: int
    exact: int
    """63 bits of the words and the signs of mathematics, without case, spacing and punctuation."""
    facts: int
    """63 bits of the numbers, mathematics and negations in order."""
    words: int
    """Of prose."""
    digest: tuple[int, ...] = ()
    """MinHash, 64 values of 32 bits; empty for short paragraphs."""
    bands: tuple[int, ...] = ()
    """Keys, one for each 4 values of `digest`, of which similar paragraphs are likely to share one."""
    copy_of: str = ""
    """Source of the copy that is indexed in place of this one; empty where this one is."""
    copy_exact: int = 0
    """`exact` of that copy, which may differ from this one in a word."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage and how well it matched, higher is better; scores compare within one search only."""

    passage: Passage
    score: float
    also: tuple[Place, ...] = ()
    """Where the same words stand as well; they are indexed once."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which part of the library to search; None means all of it."""

    course: str | None = None
    lecture: int | None = None
    kind: Kind | None = None
    lectures: tuple[int, ...] | None = None
    """Any of these."""
    phrases: tuple[str, ...] = ()
    """Each stands in the passage, whatever its case, spacing and hyphens."""


@dataclass(frozen=True, slots=True)
class Understanding:
    """How a question was read: what of it is a filter, and what is searched."""

    text: str
    """What is embedded: the question on its own, without the words that became filters."""
    words: str
    """What BM25 matches: the same, without what was put in for a model of language."""
    filters: Filters = field(default_factory=Filters)
    """Those given with the call and those the question asks for."""
    also: str = ""
    """What BM25 matches as well, with less weight: other forms of its words, and terms of its mathematics."""
    standalone: str = ""
    """The question as it reads without the conversation before it."""
    order: Literal["", "first", "last", "first mention", "last mention"] = ""
    """Where the question asks for the first or the last place that treats something, or only mentions it."""
    topic: tuple[str, ...] = ()
    """Its content words, which a first or last place must hold."""
    expansions: tuple[tuple[str, str], ...] = ()
    """What is searched as well: ("SGD", "stochastic gradient descent")."""
    corrections: tuple[tuple[str, str], ...] = ()
    """Words the library does not hold and the nearest it does, which is searched as well."""
    notes: tuple[str, ...] = ()
    """What could not be done as asked, a line each."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Passages for a question, best first (where it asks for the first or last place, in that order)."""

    question: str
    hits: tuple[Hit, ...]
    timings: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds: embed_ms, search_ms, total_ms."""
    understood: Understanding | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """The very words that bear a sentence."""

    passage: int
    """1-based number into `Answer.passages`."""
    start_index: int
    """First character, counted in the document, as `Passage.start_index` is."""
    end_index: int
    """One past the last character."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer and the passages that bear it, whatever the model cited.

    `support` is the probability (0..1) that the passages bear the sentence and `supported` the verdict; both are None
    where it claims nothing (a heading, a transition).
    """

    text: str
    citations: tuple[int, ...] = ()
    """1-based numbers into `Answer.passages`, best first; none where the sentence is not supported."""
    support: float | None = None
    supported: bool | None = None
    spans: tuple[Span, ...] = ()
    """At least one for each citation."""


FormulaStatus = Literal["in the lectures", "checked", "wrong", "not checkable"]
"""What is known of a formula in an answer."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula of an answer, looked up in the passages and checked by mathematics."""

    latex: str
    """As it was written, without the marks around it."""
    start_index: int
    """First character in `Answer.text`, the marks with it."""
    end_index: int
    status: FormulaStatus
    correction: str = ""
    """What is right, in LaTeX, where the formula is wrong and that can be said."""
    reason: str = ""
    """How the status came about: "differs at 16 points", "is a definition"."""
    passage: int | None = None
    """1-based number into `Answer.passages` of the first that has the formula."""

    @property
    def is_statement(self) -> bool:
        """Whether the formula says something, an equation or a result, and is not just a symbol or a term."""
        return self.status in ("checked", "wrong") or any(sign in self.latex for sign in ("=", "\\approx", "≈", "≝"))


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether the lectures answer a question, decided before anything is written."""

    verdict: Literal["covered", "partly", "not covered"]
    probability: float
    """Calibrated, that the lectures treat what is asked (0..1)."""
    missing: tuple[str, ...] = ()
    """The parts of the question that nothing treats, where it is partly covered."""


@dataclass(frozen=True, slots=True)
class WorkedCase:
    """A derivative of a network that the lectures define, worked and checked without a model."""

    expression: str
    wrt: str
    derivative: str
    """In SymPy's syntax."""
    passage: int
    """The passage that defines the network, counted from 1."""
    markdown: str
    """As it stands in the answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What lecta says to a question, and what it rests on."""

    question: str
    text: str
    sentences: tuple[Sentence, ...]
    passages: tuple[Hit, ...]
    model: str
    thinking: str = ""
    abstained: bool = False
    timings: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds: retrieve_ms, first_token_ms, total_ms."""
    understood: Understanding | None = None
    formulas: tuple[Formula, ...] = ()
    coverage: Coverage | None = None
    """None where that was not asked: it is switched off, or another embedder than MiniLM made the library."""
    orders: tuple[str, ...] = ()
    """Sentences of the passages that give orders to a model, which it was not shown."""
    left_out: tuple[str, ...] = ()
    """Links and commands of the answer that no passage bears."""
    stopped: bool = False
    """Whether it was stopped while it was written."""
    case: WorkedCase | None = None
    """What lecta worked itself and put behind what the model wrote."""
    said: str = ""
    """What the model wrote, without numbers and marks; what was said otherwise is gone."""

    @property
    def cited(self) -> list[int]:
        """The passages that it rests on, counted from 1, in order."""
        numbers = {number for sentence in self.sentences for number in sentence.citations}
        return sorted(numbers | {self.case.passage} if self.case else numbers)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of a conversation and its answer."""

    answer: Answer
    asked: str
    """When, in UTC: "2024-02-26T14:03:11+00:00"."""

    @property
    def messages(self) -> tuple[Message, Message]:
        """The question as it reads on its own, and the answer."""
        understood = self.answer.understood
        question = (understood.standalone if understood else "") or self.answer.question
        return Message("user", question), Message("assistant", self.answer.text)


@dataclass(frozen=True, slots=True)
class Conversation:
    """Questions and answers that belong together, in order."""

    id: str
    """Made by lecta: eight letters and digits."""
    turns: tuple[Turn, ...] = ()
    name: str = ""
    """What the user called it, or empty."""

    @property
    def title(self) -> str:
        """Its name, or the first question."""
        return self.name or (self.turns[0].answer.question if self.turns else "")

    @property
    def history(self) -> tuple[Message, ...]:
        """Its last six turns as `Library.ask` takes them, each question as it reads on its own."""
        return tuple(message for turn in self.turns[-6:] for message in turn.messages)


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file given to `Library.add`."""

    path: str
    status: FileStatus
    passages: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AddReport:
    """What `Library.add` did."""

    files: tuple[FileReport, ...]
    passages: int
    """Passages written by this call."""
    seconds: float
    gone: tuple[str, ...] = ()
    """Sources under the folders given whose files are no longer there."""
    pruned: bool = False
    """Whether they were taken out of the library."""


@dataclass(frozen=True, slots=True)
class ReindexReport:
    """What `Library.reindex` did."""

    was: Mapping[str, str | int]
    """The reader, chunker, embedder and dimension that had made the library."""
    now: Mapping[str, str | int]
    documents: int
    passages: int
    seconds: float
    read_again: tuple[str, ...] = ()
    """Sources whose text is still that of another version of the reader: adding them again reads them anew."""


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document as the library lists it, without its text."""

    id: str
    source: str
    path: str
    """Absolute; the identity of the file."""
    kind: Kind
    course: str
    lecture: int | None
    title: str
    sha256: str
    reader: str
    date: str
    passages: int
    characters: int
    aligned: str = ""
    """With what it was aligned last: equal for all the slides and speech of a lecture that are up to date."""
    beside: int = 0
    """How many of its passages have a place beside them."""


class Thought(str):
    """A piece of a chat model's reply that it thought aloud before it answered."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation with a chat model."""

    role: Literal["system", "user", "assistant"]
    content: str
    seams: tuple[int, ...] = ()
    """Characters of the content after which it may go on otherwise: what stands before is worth keeping as read."""
