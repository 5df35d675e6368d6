"""From passages to an answer: the model begins, and what it writes is checked sentence by sentence.

passages -> without orders -> prompt -> the model's words -> thoughts apart -> other wordings -> marks -> Answer
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from lecta.answer import citations, prompt
from lecta.answer.quoting import whole_sentences
from lecta.answer.thinking import Spoken
from lecta.answer.wordings import LEFT, best_wordings, until_circle
from lecta.check import formulas, opinion, orders
from lecta.check.support import Checker
from lecta.errors import ChatError, PromptTooLongError
from lecta.protocols import ChatModel, Rewindable, TokenEmbedder
from lecta.types import Answer, Hit, Message, Sentence, Span

UNSUPPORTED = citations.UNSUPPORTED
_AKIN = 0.4
"""Support from which a sentence that is in doubt is about the same as the words that come nearest."""
OnText = Callable[[str], None]
"""Called with each piece of an answer as it is written."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told what, while an answer is written."""

    on_passages: Callable[[Sequence[Hit]], None] | None = None
    on_text: OnText | None = None
    on_thought: OnText | None = None
    on_recall: Callable[[], None] | None = None
    """What was written so far turned out to be thought."""
    on_sentence: Callable[[Sentence], None] | None = None
    """A sentence has ended and was checked."""
    on_draft: OnText | None = None
    """Called with the sentence that is being written, from its beginning; it may still become another."""

    def draft(self, sentence: str) -> None:
        """Show a sentence that is not whole or not checked yet."""
        if self.on_draft:
            self.on_draft(sentence)

    def show(self, text: str) -> None:
        """Show a piece of the answer."""
        if self.on_text:
            self.on_text(text)


class Answering:
    """Writes one answer, and keeps what became of it."""

    def __init__(
        self,
        chat: ChatModel,
        token_embedder: TokenEmbedder,
        max_tokens: int,
        listeners: Listeners,
        *,
        wordings: int = 0,
        strict: bool = False,
        keep_stopped: bool = False,
    ) -> None:
        """A sentence that no passage bears is said otherwise up to `wordings` times, where the model can go back.

        With `strict` unsupported sentences are left out; with `keep_stopped` Ctrl-C keeps what was written.
        """
        self._chat = chat
        self._token_embedder = token_embedder
        self._max_tokens = max_tokens
        self._listeners = listeners
        self._wordings = wordings
        self._strict = strict
        self._keep_stopped = keep_stopped
        self._sentences: list[Sentence] = []
        self._written: list[str] = []
        self._said: list[str] = []
        self._raw: list[str] = []  # as the model wrote it, numbers and all, once for each time it went back
        self._has_left = False
        self._headings = frozenset[str]()
        self._left_out: list[str] = []
        self._question, self._texts = "", list[str]()
        self._messages: list[Message] = []
        self._draft = ""
        self._quote: Callable[[str], str] = lambda sentence: ""
        self._first_at = 0.0
        self._told = 0

    def answer(
        self,
        question: str,
        hits: tuple[Hit, ...],
        started: float,
        uncovered: Sequence[str] = (),
        *,
        read: Sequence[Hit] = (),
        section: int = 0,
    ) -> Answer:
        """Let the model answer from passages; `started` is when the question came, by `time.perf_counter`.

        `uncovered` are parts of the question that the lectures do not treat; the answer says so. Where the model is to
        read something else than `hits`, which the answer is checked against, that is `read`, whose first `section`
        passages are kept as read. Raises `ChatError` when the model fails or writes nothing.
        """
        harmless, ordered = without_orders(hits)
        reading = without_orders(read)[0] if read else harmless
        given, stream = self._begun(question, reading, uncovered, section)
        shown = harmless if read else given
        hits = hits[: len(shown)]
        self._question, self._texts = question, [hit.passage.text for hit in shown]
        titled = [(hit.passage.title, hit.passage.text) for hit in shown]
        marker = formulas.Marker(self._texts)
        reply = Spoken(stream, self._listeners.on_thought)
        checker = Checker(self._texts, self._token_embedder, question, opinion.asking(self._chat, titled))
        judge = _judge(checker, hits, shown)
        self._quote = _quoting(checker, hits, self._texts)
        is_stopped = self._write(reply, judge, marker)
        ended = time.perf_counter()
        if self._strict and not self._text():
            self._show(prompt.NOT_COVERED)
        text = self._text() or self._nothing(reply.thinking)
        timings = {"first_token_ms": 1000 * ((self._first_at or ended) - started), "total_ms": 1000 * (ended - started)}
        answer = Answer(question, text, tuple(self._sentences), hits, self._chat.name, reply.thinking, timings=timings)
        said = "".join(self._said).strip()
        answer = replace(answer, said=said, stopped=is_stopped, orders=tuple(ordered), left_out=tuple(self._left_out))
        if prompt.is_refusal(text):
            return replace(answer, text=prompt.NOT_COVERED, sentences=(), abstained=True)
        if self._has_left:
            self._show(f"\n\n{LEFT}")
        if uncovered:
            self._show(f"\n\n{prompt.partly_covered(uncovered)}")
        return replace(answer, text=self._text(), formulas=marker.formulas(text))

    def _write(self, reply: Spoken, judge: Callable[[str], Sentence], marker: formulas.Marker) -> bool:
        """Show the answer as it is written; tell whether it was stopped."""
        try:
            for spoken in reply.tries():
                if self._written and self._listeners.on_recall:
                    self._listeners.on_recall()
                self._written.clear()
                self._said.clear()
                self._raw.clear()
                self._sentences.clear()
                self._left_out.clear()
                self._told = 0
                sentences = self._worded(spoken, judge, lambda: bool(reply.thinking))
                for piece in marker.mark(citations.judged(sentences, judge, self._sentences, strict=self._strict)):
                    self._show(piece)
                    self._tell_sentences()
        except KeyboardInterrupt:
            if self._keep_stopped and not self._strict:
                self._show(self._draft)
            if not self._keep_stopped or not self._text():
                raise
            return True
        return False

    def _worded(
        self, spoken: Iterable[str], judge: Callable[[str], Sentence], has_thought: Callable[[], bool]
    ) -> Iterator[str]:
        """Yield the sentences of an answer, those that no passage bears in other words where there are any.

        A model that thought before it answered does not go back: it would have to think anew.
        """
        chat = self._chat

        def write(begun: str, number: int) -> Iterator[str]:
            if not isinstance(chat, Rewindable) or not (self._wordings or number):
                return self._clean(spoken)
            if not begun and not number:
                return self._clean(until_circle(self._kept("", spoken)))
            begun = self._raw_of(begun)
            again = chat.stream(self._messages, self._max_tokens, begun=begun, seed=number)
            return self._clean(until_circle(self._kept(begun, again)))

        def tries() -> int:
            return self._wordings if isinstance(chat, Rewindable) and not has_thought() else 0

        def told(first: int) -> Iterator[str]:
            for sentence in best_wordings(
                lambda begun, number: write(begun, first + number),
                judge,
                tries,
                self._on_draft,
                self._on_left,
                self._quote,
            ):
                self._said.append(sentence)
                yield sentence

        yield from told(0)
        if not self._said and isinstance(chat, Rewindable) and not has_thought():
            yield from told(1)  # the likeliest words were none, or headings alone: others are drawn

    def _raw_of(self, begun: str) -> str:
        """Return a beginning as the model wrote it, so that it need not read it anew, or as it is."""
        for count in range(len(self._said), 0, -1):  # what was quoted the model never wrote
            told = "".join(self._said[:count])
            if begun.startswith(told):
                raws = (citations.raw_beginning(raw, told) for raw in reversed(self._raw))
                if (raw := next((raw for raw in raws if raw is not None), None)) is not None:
                    return raw + begun[len(told) :]
        return begun

    def _kept(self, begun: str, pieces: Iterable[str]) -> Iterator[str]:
        """Pass on what follows a beginning, and keep all of it."""
        place = len(self._raw)
        self._raw.append(begun)
        for piece in pieces:
            self._raw[place] += piece
            yield piece

    def _clean(self, spoken: Iterable[str]) -> Iterator[str]:
        words = citations.checked(spoken, 0)  # the model's own numbers go
        words = citations.without_headings(words, self._headings)
        return orders.cleaned(words, self._texts, self._question, self._left_out)

    def _on_left(self) -> None:
        self._has_left = True

    def _on_draft(self, sentence: str) -> None:
        self._first_at = self._first_at or time.perf_counter()
        self._draft = sentence
        self._listeners.draft(sentence)

    def _show(self, piece: str) -> None:
        piece = piece if self._written else piece.lstrip()
        if piece:
            self._first_at = self._first_at or time.perf_counter()
            self._draft = ""
            self._written.append(piece)
            self._listeners.show(piece)

    def _tell_sentences(self) -> None:
        """Tell of the sentences that have ended since."""
        new, self._told = self._sentences[self._told :], len(self._sentences)
        for sentence in new if self._listeners.on_sentence else ():
            self._listeners.on_sentence(sentence)  # type: ignore[misc]

    def _text(self) -> str:
        return "".join(self._written).strip()

    def _nothing(self, thinking: str) -> str:
        """Say why nothing was written."""
        if not thinking:
            raise ChatError(f"model {self._chat.name} wrote nothing; ask again or try another --model")
        raise ChatError(
            f"model {self._chat.name} thought for all of its max_tokens = {self._max_tokens} and wrote no "
            f"answer: set LECTA_MAX_TOKENS to {4 * self._max_tokens}, or try another --model"
        )

    def _begun(
        self, question: str, hits: tuple[Hit, ...], uncovered: Sequence[str], section: int = 0
    ) -> tuple[tuple[Hit, ...], Iterator[str]]:
        """Let the model begin, with as many of the best passages as it has room for."""
        while True:
            section = section if section <= len(hits) else 0
            self._messages = prompt.build_messages(question, hits, uncovered, section)
            self._headings = prompt.headings(hits)
            stream = self._chat.stream(self._messages, self._max_tokens)
            try:
                first = next(stream, "")
            except PromptTooLongError as error:
                if len(hits) == 1:
                    raise
                hits = hits[: max(1, min(len(hits) - 1, int(len(hits) * error.limit / error.tokens)))]
                continue
            return hits, itertools.chain([first], stream)


def without_orders(hits: Sequence[Hit]) -> tuple[tuple[Hit, ...], list[str]]:
    """Return passages without sentences that give orders to a model, and those sentences."""
    harmless, ordered = [], []
    for hit in hits:
        text, left_out = orders.without(hit.passage.text)
        harmless.append(replace(hit, passage=replace(hit.passage, text=text)) if left_out else hit)
        ordered += left_out
    return tuple(harmless), ordered


def _quoting(checker: Checker, hits: Sequence[Hit], texts: Sequence[str]) -> Callable[[str], str]:
    """Return what finds the words of slides or notes that say what a doubtful sentence tries to say.

    Speech is not quoted: it was heard, without its marks, and goes on and on.
    """

    def quote(sentence: str) -> str:
        if (checker.by_words(sentence).support or 0.0) < _AKIN or (span := checker.nearest(sentence)) is None:
            return ""
        if hits[span.passage - 1].passage.kind == "speech":
            return ""
        words = whole_sentences(texts[span.passage - 1], span.start, span.end, hits[span.passage - 1].passage.title)
        return "" if orders.is_order(words) or prompt.plain(words) != words else words

    return quote


def _judge(checker: Checker, hits: Sequence[Hit], shown: Sequence[Hit]) -> Callable[[str], Sentence]:
    """Return what judges a sentence by the passages; its spans are counted in the documents.

    What was shown of a passage may lack the orders in it; of such a passage no span is given.
    """
    is_whole = [one is other for one, other in zip(hits, shown, strict=True)]

    @cache  # a sentence is judged when it may be said otherwise, and when it is marked
    def judge(written: str) -> Sentence:
        if prompt.is_refusal(written):
            return Sentence(written)
        verdict = checker.check(written)
        starts = [hit.passage.start_index for hit in hits]
        spans = tuple(
            Span(span.passage, starts[span.passage - 1] + span.start, starts[span.passage - 1] + span.end)
            for span in verdict.spans
            if is_whole[span.passage - 1]
        )
        return Sentence(written, verdict.citations, verdict.support, verdict.supported, spans)

    return judge
