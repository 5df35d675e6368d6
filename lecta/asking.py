"""A question on its way in: read against what the library holds, its conversation and its words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lecta.answer.rewrite import standalone
from lecta.errors import ChatError, first_line
from lecta.protocols import ChatModel, Embedder
from lecta.question import Landmark, Meeting, understand
from lecta.question.followup import by_rule, is_faithful, is_followup
from lecta.question.lexicon import Lexicon
from lecta.question.words import stem
from lecta.store import Store
from lecta.types import Filters, Hit, Message, Passage, Understanding

if TYPE_CHECKING:
    from lecta.lectures import Lecture

ORDERED = 50
"""Passages among which the first or last place is looked for."""

_TREATS = 0.6  # of the best score: less only mentions a thing beside another
_WORD = re.compile(r"[^\W_]+")


class Asking:
    """Reads questions against one library."""

    def __init__(self, store: Store, embedder: Callable[[], Embedder]) -> None:
        """`embedder` is opened when a word is looked up that the library does not hold."""
        self._store = store
        self._embedder = embedder
        self._lexicon = ("", Lexicon())

    # --- what `lecta.question.Shelf` wants ----------------------------------------------------------------------------

    @property
    def lexicon(self) -> Lexicon:
        """The library's words, read again when they have changed."""
        name, read = self._store.lexicon()
        if name != self._lexicon[0]:
            self._lexicon = (name, Lexicon.from_json(read()))
        return self._lexicon[1]

    def is_word(self, word: str) -> bool:
        """Tell whether the embedder knows a word as a whole, where it has a vocabulary to tell."""
        knows: Callable[[str], bool] | None = getattr(self._embedder(), "knows_word", None)
        return knows is not None and knows(word)

    def is_held(self, word: str) -> bool:
        """Tell whether the index holds a word or an inflection of it."""
        return bool(self._store.search_words(word, 1, Filters()))

    def holds(self, filters: Filters) -> bool:
        """Tell whether any passage passes the filters."""
        return self._store.holds(filters)

    def _lectures(self) -> list[Lecture]:
        from lecta.lectures import group  # 20 ms, and few questions name one

        return self._store.remembered("lectures", lambda: group(self._store.documents()))

    def meetings(self, course: str | None) -> list[Meeting]:
        """Return the library's numbered lectures."""
        return [
            Meeting(lecture.course, lecture.number, lecture.date.isoformat() if lecture.date else "")
            for lecture in self._lectures()
            if lecture.number is not None and course in (None, lecture.course)
        ]

    def landmarks(self, event: str, course: str | None) -> list[Landmark]:
        """Return where an event of the course is spoken of: lectures by title, then headings within lectures."""
        pattern = re.compile(_event_pattern(event), re.IGNORECASE)
        marks = [
            Landmark(one.course, one.number, one.date.isoformat() if one.date else "", False, f'"{one.title}"')
            for one in self._lectures()
            if course in (None, one.course) and pattern.search(one.title)
        ]
        for passage in self._store.titled(event.split(maxsplit=1)[0][:3], course):
            if passage.lecture is not None and pattern.search(passage.title):
                name = f'"{passage.title}" in {passage.source}'
                marks.append(Landmark(passage.course, passage.lecture, "", True, name))
        return marks

    # --- the question -------------------------------------------------------------------------------------------------

    def understand(
        self, question: str, given: Filters, history: Sequence[Message], chat: Callable[[], ChatModel] | None = None
    ) -> Understanding:
        """Read a question after a conversation. With `chat` a follow-up is rewritten by the model, else by a rule."""
        alone, notes = question, tuple[str, ...]()
        if history and is_followup(question, history):
            alone, notes = self._alone(question, history, chat)
        understood = understand(alone, given, self)
        return replace(understood, notes=(*notes, *understood.notes))

    def _alone(
        self, question: str, history: Sequence[Message], chat: Callable[[], ChatModel] | None
    ) -> tuple[str, tuple[str, ...]]:
        if chat is not None:
            try:
                rewritten = standalone(question, history, chat())
            except ChatError as error:
                return by_rule(question, history), (f"the model did not rewrite the question: {first_line(error)}",)
            if is_faithful(rewritten, question, history):
                return rewritten, ()
        return by_rule(question, history), ()

    def in_order(self, understood: Understanding, hits: Sequence[Hit], k: int) -> list[Hit]:
        """Return the `k` first hits; where it asks for the first or last place, those that treat its topic lead.

        A passage treats a topic when it holds its words and has a good score; such are put in the order of the course:
        by lecture, then by how far into its file they stand.
        """
        if not understood.order or not hits:
            return list(hits[:k])
        least = 0 if "mention" in understood.order else _TREATS * hits[0].score
        treating = [hit for hit in hits if hit.score >= least and _treats(hit.passage, understood)]
        lengths = {record.source: record.characters for record in self._store.documents()} if treating else {}

        def place(hit: Hit) -> tuple[str, int, float]:
            passage = hit.passage
            lecture = 10_000 if passage.lecture is None else passage.lecture
            return passage.course, lecture, passage.start_index / max(lengths.get(passage.source, 1), 1)

        treating.sort(key=place, reverse=understood.order.startswith("last"))
        return [*treating, *(hit for hit in hits if hit not in treating)][:k]


def _event_pattern(event: str) -> str:
    return r"\bmid-?\s?terms?\b" if event == "midterm" else rf"\b{re.escape(event)}\b"


def _treats(passage: Passage, understood: Understanding) -> bool:
    held = {stem(word) for word in _WORD.findall(f"{passage.title} {passage.text}".lower())}
    other: dict[str, set[str]] = {}
    for word, form in (*understood.expansions, *understood.corrections):
        other.setdefault(word.lower(), set()).update(form.lower().split())
    return all(
        stem(word) in held or (word in other and all(stem(form) in held for form in other[word]))
        for word in understood.topic
    )
