"""The one place that knows the order: read, chunk, embed, store, retrieve, answer."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from lecta import chunk, embed, models, read
from lecta.asking import ORDERED, Asking
from lecta.errors import LibraryError, UsageError, first_line
from lecta.protocols import ChatModel, Embedder, ReadsAhead
from lecta.question import mathematics
from lecta.retrieve.hybrid import hybrid_search
from lecta.retrieve.joining import join_neighbours
from lecta.settings import Settings
from lecta.store import FORMAT, Recipe, Store, document_id, made_recipe
from lecta.types import (
    AddReport,
    Answer,
    Coverage,
    Document,
    DocumentRecord,
    FileReport,
    Filters,
    Hit,
    Kind,
    Message,
    Passage,
    ReindexReport,
    SearchResult,
    Sentence,
)

if TYPE_CHECKING:
    from lecta.adding import Adding, OnHeard
    from lecta.answer.states import States
    from lecta.answering import Listeners, OnText
    from lecta.conversations import Conversations
    from lecta.covering import Covering
    from lecta.embed.minilm import MiniLM
    from lecta.embedding import OnEmbedded
    from lecta.intake import Intake
    from lecta.lectures import Lecture
    from lecta.read.limits import Worker
    from lecta.read.picture import Picture, Pictures
    from lecta.readahead import OnSection
    from lecta.reindexing import OnDocument
    from lecta.sections import Reading

ALIGNER = "beside-1"
"""Held to `lecta.aligning.RECIPE` by a test. Importing that costs 0.1 s, as do adding and answering: a search in a
process of its own should not wait for what it does not use."""

OnFile = Callable[[FileReport, int, int], None]
"""Called with each file's report, files done and files in all."""
OnFetch = Callable[[str, int, int], None]
"""Called while a model is fetched, with its name, bytes done and bytes in all."""


class Library:
    """Lectures that can be searched and asked.

    >>> library = Library("~/index")                      # doctest: +SKIP
    >>> library.add(["~/lectures/deep-learning"])         # doctest: +SKIP
    >>> library.ask("What is the chain rule?").text       # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        settings: Settings | None = None,
        embedder: Embedder | None = None,
        chat: ChatModel | None = None,
        on_fetch: OnFetch | None = None,
        ahead: Callable[[], Embedder] | None = None,
        readers: tuple[Worker, ...] = (),
    ) -> None:
        """Open the library in folder `path`, which need not exist yet; models load when they are first needed.

        `embedder` and `chat` replace the ones the settings name. By `lecta.opening`: `ahead` returns a MiniLM that is
        being opened, and is asked where the library wants one; `readers` are the processes that the first `add` uses.
        """
        self.settings = settings or Settings()
        self.path = _user_path(path) if path is not None else self.settings.library
        self._given_embedder = embedder
        self._given_chat = chat
        self._read_by: tuple[Store, Asking] | None = None
        self._on_fetch = on_fetch
        self._ahead = ahead
        self._readers = readers
        self._store: Store | None = None
        self._embedder: tuple[tuple[str, int], Embedder] | None = None
        self._pictures: Pictures | None = None
        self._opening = threading.RLock()  # searches run in several threads, and each part is opened once

    # --- what it holds ------------------------------------------------------------------------------------------------

    def add(
        self,
        paths: Iterable[str | Path],
        *,
        course: str | None = None,
        prune: bool = False,
        names: Mapping[Path, str] = MappingProxyType({}),
        on_file: OnFile | None = None,
        on_heard: OnHeard | None = None,
        on_embedded: OnEmbedded | None = None,
    ) -> AddReport:
        """Read, chunk, embed and store files and folders; files that have not changed are left alone.

        First every file is stored and found by its words, then passages get their vectors: `on_embedded` is called with
        those done and those in all. A file that cannot be read is reported and holds up no other. With `prune` what
        came from the folders given and is no longer there is taken out. `names` says what files are called where that
        is not their name on the disk, with folders before it if there are any: uploads, which are stored under names of
        lecta's. Interrupted, the library is whole, and adding again completes it. Raises `LibraryError` when it cannot
        be written.
        """
        from lecta.intake import find_files

        started = time.perf_counter()
        given = [Path(path) for path in paths]
        files = find_files(given, course, leave_out=self.path, names=names)
        reports: list[FileReport] = []
        for report in self._adding().run(files, self._reading_options(), on_heard, on_embedded):
            reports.append(report)
            if on_file:
                on_file(report, len(reports), len(files))
        gone = self._gone(given)
        if prune:
            self._take_out(gone)
        written = sum(one.passages for one in reports if one.status in ("added", "updated"))
        sources = tuple(record.source for record in gone)
        return AddReport(tuple(reports), written, time.perf_counter() - started, sources, prune)

    def remove(self, path: str | Path) -> list[DocumentRecord]:
        """Take a file, or every file under a folder, out of the library; the files themselves stay.

        `path` is a path on disk or a source as `documents()` shows it. What stood in other files as well is found
        there from now on. Raises `LibraryError` when nothing matches.
        """
        matching = self._at(path)
        self._take_out(matching)
        self.states.clear()  # nothing of what was taken out is left behind
        return matching

    def reindex(self, *, on_document: OnDocument | None = None) -> ReindexReport:
        """Make the library anew by the embedder, passage size and reader that are set, from the texts it holds.

        What there was is found until all is made; then one step puts the new in its place. Interrupted, reindexing
        again goes on where it stopped; what is added meanwhile is taken along. Raises `LibraryError`.
        """
        from lecta.reindexing import Reindexing

        made = made_recipe(self.path)
        if made is None:
            raise LibraryError(f"library {self.path} is empty: add lectures with `lecta add PATH`")
        recipe, embedder = replace(self._recipe(made), dimension=0), self._new_embedder(made)
        return Reindexing(
            Store(self.path, replace(made, format=FORMAT)), replace(recipe, dimension=embedder.dimension), embedder
        ).run(self.settings.passage_size, on_document)

    def _new_embedder(self, made: Recipe) -> Embedder:
        """Return the embedder that is set, with no regard to the length of the vectors there are."""
        return self._given_embedder or self._open_embedder(self._recipe(made).embedder, 0)

    def _take_out(self, records: Sequence[DocumentRecord]) -> None:
        if records:
            self.store.remove([record.id for record in records])
            self._adding().mend()

    def _gone(self, given: Sequence[Path]) -> list[DocumentRecord]:
        """Return what came from under the folders given and is no longer on the disk."""
        folders = [path.expanduser().resolve() for path in given if path.expanduser().is_dir()]
        return [
            record
            for record in self.documents()
            if any(folder in Path(record.path).parents for folder in folders) and not os.path.lexists(record.path)
        ]

    def _adding(self) -> Adding:
        from lecta.adding import Adding

        return Adding(self.store, self._make_intake, lambda: self.embedder)

    def _make_intake(self) -> Intake:
        from lecta.intake import Intake

        dimension = self.store.recipe.dimension or self.embedder.dimension  # a server's is not known before it is asked
        return Intake(dimension, self.settings.passage_size, self.store.signatures())

    def _reading_options(self) -> read.Options:
        from lecta.intake import AFTER_READING

        def speech_model() -> Path:
            name = self.settings.speech_model
            if name in models.MODELS:
                return models.fetch(name, self.settings.models, self._fetch_progress(name))
            return Path(name).expanduser()

        settings, transcripts = self.settings, self.path / "transcripts"
        begun, self._readers = self._readers, ()  # another `add` may run beside the first
        return read.Options(
            settings.ocr, speech_model, transcripts, settings.language, after=AFTER_READING, begun=begun
        )

    def documents(self) -> list[DocumentRecord]:
        """Return what the library holds, ordered by course, lecture and source."""
        return self.store.documents()

    def document(self, source: str) -> Document | None:
        """Return one document with its text, by its source."""
        return self.store.document(source)

    def passages(self, record: DocumentRecord) -> list[Passage]:
        """Return the passages of one document, in its order."""
        entry = self.store.stored(record)
        return list(entry.passages) if entry else []

    def find(self, path: str | Path) -> Document:
        """Return one document with its text, by a path on disk or its source. Raises `LibraryError`."""
        document = self.store.document(self._at(path)[0].source)
        if document is None:
            raise LibraryError(f"{path} was removed from library {self.path} just now")
        return document

    def _at(self, path: str | Path) -> list[DocumentRecord]:
        try:
            wanted = _user_path(path).resolve()
        except (OSError, RuntimeError) as error:
            raise LibraryError(f"{path} cannot be followed: {first_line(error)}") from error
        matching = [
            record
            for record in self.documents()
            if record.source == str(path) or Path(record.path) == wanted or wanted in Path(record.path).parents
        ]
        if not matching:
            raise LibraryError(f"nothing in library {self.path} is at {path}; `lecta list --files` shows what there is")
        return matching

    def lectures(self) -> list[Lecture]:
        """Return the lectures that the documents make, in the order of their courses."""
        from lecta.lectures import group

        return group(self.documents())

    def id_of(self, path: Path) -> str:
        """Return the id that the document of a file has, whether it is in the library or not."""
        return document_id(path)

    def picture(self, record: DocumentRecord, page: int, width: int = 1280) -> Picture:
        """Draw a page of a document, from 1, `width` pixels wide, and tell where on it each word stands.

        Raises `ReadError` where the file is gone, its pages cannot be drawn, or it has no such page.
        """
        from lecta.read.picture import Pictures

        with self._opening:
            self._pictures = self._pictures or Pictures()
        return self._pictures.picture(Path(record.path), page, width)

    @property
    def suffixes(self) -> frozenset[str]:
        """Of the files that can be read, lower case and with the dot."""
        return frozenset(read.READERS)

    # --- what it answers ----------------------------------------------------------------------------------------------

    def search(
        self,
        question: str,
        k: int | None = None,
        *,
        course: str | None = None,
        lecture: int | None = None,
        kind: Kind | None = None,
        history: Sequence[Message] = (),
    ) -> SearchResult:
        """Return the passages that treat a question, best first. Raises `UsageError` for an empty question.

        A question that asks for lectures or material ("in lecture 3", "on the slides") is searched there; `course`,
        `lecture` and `kind` hold whatever it says. `history` is the conversation before it.
        """
        filters = Filters(course, lecture, kind)
        return self._search(question, k, filters, history, join=self.settings.join, spread=self.settings.variety)

    def _search(
        self,
        question: str,
        k: int | None,
        filters: Filters,
        history: Sequence[Message] = (),
        *,
        keep: Callable[[Passage], bool] = lambda passage: True,
        chat: Callable[[], ChatModel] | None = None,
        join: bool = False,
        spread: bool = False,
    ) -> SearchResult:
        question = question.encode("utf-8", "replace").decode()  # a shell can hand over bytes that are no text
        if not question.strip():
            raise UsageError("the question is empty: write what you want to know")
        if k is not None and k < 1:
            raise UsageError(f"k is {k}: ask for at least one passage")
        started = time.perf_counter()
        wanted = self.settings.passages if k is None else k
        understood = self._asking.understand(question, filters, history, chat)
        read = time.perf_counter()
        vector = self.embedder.embed_queries([understood.text])[0]
        embedded = time.perf_counter()
        hits = hybrid_search(
            self.store,
            understood.words,
            vector,
            max(wanted, ORDERED) if understood.order else wanted,
            also=understood.also,
            filters=understood.filters,
            dense_weight=self.settings.dense_weight,
            candidates=self.settings.candidates,
            title_weight=self.settings.title_weight,
            variety=self.settings.variety,
            spread=spread and not understood.order and len(understood.topic) <= _NAMED,
            keep=keep,
            more=wanted if join else 0,
            unrelated=embed.unrelated(self.embedder.name),
        )
        hits = self._asking.in_order(understood, hits, 2 * wanted if join else wanted)
        hits = join_neighbours(hits, wanted, self.store.text_of) if join else hits
        also = self.store.also([hit.passage for hit in hits])
        hits = [replace(hit, also=(*hit.also, *places)) for hit, places in zip(hits, also, strict=True)]
        ended = time.perf_counter()
        timings = {
            "embed_ms": 1000 * (embedded - read),
            "search_ms": 1000 * (ended - embedded + read - started),
            "total_ms": 1000 * (ended - started),
        }
        return SearchResult(question, tuple(hits), timings, understood)

    def ask(
        self,
        question: str,
        k: int | None = None,
        *,
        course: str | None = None,
        lecture: int | None = None,
        kind: Kind | None = None,
        history: Sequence[Message] = (),
        strict: bool = False,
        on_passages: Callable[[Sequence[Hit]], None] | None = None,
        on_text: OnText | None = None,
        on_thought: OnText | None = None,
        on_recall: Callable[[], None] | None = None,
        on_draft: OnText | None = None,
        on_sentence: Callable[[Sentence], None] | None = None,
        keep_stopped: bool = False,
    ) -> Answer:
        """Answer a question from the lectures; each sentence is checked as it ends and tied to what bears it.

        With `strict`, sentences that no passage bears are left out instead of marked. `on_passages` is called as soon
        as they are found, `on_draft` with the sentence that is being written, `on_text` with what stays, `on_sentence`
        when one was checked. A follow-up to `history`, the conversation before it, is first rewritten by the model to
        stand alone.

        What the model thinks before it answers goes to `on_thought`; `on_recall` says that what was written so far
        turned out to be thought. With `keep_stopped` Ctrl-C ends the answer, which keeps what was written and is
        marked as stopped. Raises `ChatError` when the model fails.
        """
        from lecta.answer import prompt
        from lecta.answering import Answering, Listeners
        from lecta.worked import is_about_chain_rule, worked

        if self._given_chat is None:
            _is_served(self.settings.model)  # a wrong name is told before the search, and where no model is asked
        started = time.perf_counter()
        filters = Filters(course, lecture, kind)
        found = self._search(question, k, filters, history, keep=_says_something, chat=lambda: self.chat)
        understood = found.understood
        alone = understood.standalone if understood else question
        retrieved = {"retrieve_ms": 1000 * (time.perf_counter() - started)}
        listeners = Listeners(on_passages, on_text, on_thought, on_recall, on_sentence, on_draft)
        if on_passages:
            on_passages(found.hits)
        if derivation := worked(alone):
            return self._given(Answer(question, derivation, (), found.hits, DERIVED), found, listeners, started)
        coverage = self._coverage(found, filters)
        if not found.hits or (coverage and coverage.verdict == "not covered"):
            answer = Answer(question, prompt.NOT_COVERED, (), found.hits, self.model_name, abstained=True)
            return self._given(replace(answer, coverage=coverage), found, listeners, started)
        answering = Answering(
            self.chat,
            self.token_embedder,
            self.settings.max_tokens,
            listeners,
            wordings=self.settings.wordings,
            strict=strict,
            keep_stopped=keep_stopped,
        )
        missing = coverage.missing if coverage else ()
        with self._asked(alone, found.hits) as plan:
            answer = answering.answer(alone, plan.shown, started, missing, read=plan.read, section=plan.section)
        answer = _trimmed(answer, len(found.hits))
        if is_about_chain_rule(alone) and not answer.abstained and not answer.stopped:
            answer = self._with_case(answer, alone, filters, listeners)
        timings = retrieved | dict(answer.timings)
        return replace(answer, question=question, understood=understood, coverage=coverage, timings=timings)

    @contextlib.contextmanager
    def _asked(self, question: str, hits: tuple[Hit, ...]) -> Iterator[Reading]:
        """Yield what the model is to read; reading ahead waits meanwhile."""
        from lecta import sections
        from lecta.readahead import ReadAhead

        chat, states = self.chat, self.states
        if not isinstance(chat, ReadsAhead) or not chat.keeps_states:
            yield sections.Reading(hits, (), 0)
            return
        ahead = ReadAhead(self.store, states)
        with ahead.asking():
            ranked = sections.of_hits(hits, self.store.passages_of)
            plan = sections.plan(question, hits, ranked, self.embedder, lambda one: ahead.is_read(one, chat))
            if ranked and not plan.section:
                ahead.want(ranked[0][0])
            yield plan

    def read_ahead(self, count: int | None = None, on_section: OnSection | None = None) -> int:
        """Let the model read up to `count` sections that will probably be asked for; return how many it read.

        It waits while a question runs. Raises `UsageError` where states are not kept: by a setting, or by a model on a
        server, and `LibraryError` when another process reads ahead.
        """
        from lecta.readahead import ReadAhead

        chat = self.chat
        if not isinstance(chat, ReadsAhead) or not chat.keeps_states:
            reason = "the setting states_mb is 0" if not self.states.limit else f"{chat.name} keeps no states"
            raise UsageError(f"nothing can be read ahead: {reason}")
        self.states.fit()
        ahead = ReadAhead(self.store, self.states)
        return ahead.run(chat, self.settings.read_ahead if count is None else count, on_section)

    def wants_reading(self) -> bool:
        """Tell whether a question was asked on a section that was not read."""
        from lecta import readahead

        return self.keeps_states and bool(readahead.wanted(self.states))

    @property
    def keeps_states(self) -> bool:
        """Tell whether what the model reads can be kept and the model is on this machine, without loading it."""
        name = self.settings.model
        if not self.states.limit or self._given_chat or _is_served(name):
            return False
        if name in models.CHAT or name in models.CHAT.values():
            return models.is_cached(models.find(name), self.settings.models)
        return Path(name).is_file()

    @property
    def states(self) -> States:
        """Where the embedded model keeps what it has read."""
        from lecta.answer.states import States

        return States(self.path / "states", self.settings.states_mb * 1_000_000)

    def _with_case(self, answer: Answer, question: str, filters: Filters, listeners: Listeners) -> Answer:
        """Show and return an answer with a case worked from the best passage that defines a network."""
        from lecta.worked import states_network, with_case

        found = self._search(question, 1, filters, keep=lambda passage: states_network(passage.text))
        worked_out = with_case(answer, found.hits[0]) if found.hits else answer
        if worked_out.case:
            listeners.show(f"\n\n{worked_out.case.markdown}")
        return worked_out

    def _given(self, answer: Answer, found: SearchResult, listeners: Listeners, started: float) -> Answer:
        """Show an answer that no model wrote."""
        listeners.show(answer.text)
        took = 1000 * (time.perf_counter() - started)
        timings = {"retrieve_ms": found.timings["total_ms"], "first_token_ms": took, "total_ms": took}
        return replace(answer, understood=found.understood, timings=timings)

    def coverage(self, question: str) -> Coverage:
        """Tell whether the library answers a question, without writing an answer."""
        found = self._search(question, None, Filters(), keep=_says_something)
        judged = self._coverage(found, Filters()) if found.hits else Coverage("not covered", 0.0)
        return judged or Coverage("covered", 1.0)

    def coverage_features(self, question: str) -> dict[str, float]:
        """Return what `coverage` judges a question by; the calibrator is trained on it."""
        found = self._search(question, None, Filters(), keep=_says_something)
        return self._covering(Filters()).features(found)

    def _coverage(self, found: SearchResult, filters: Filters) -> Coverage | None:
        """Tell whether the passages answer the question, where that is asked and was calibrated for the embedder."""
        if not self.settings.answerable or not found.hits or found.understood is None:
            return None
        if not embed.is_own(self.embedder.name):
            return None
        return self._covering(filters).judge(found.understood, found.hits, self.settings.answerable)

    def _covering(self, filters: Filters) -> Covering:
        from lecta.covering import Covering

        def search(part: str) -> Sequence[Hit]:
            return self._search(part, None, filters, keep=_says_something).hits

        # Calibrated with MiniLM's cosines, whichever model finds the passages.
        knows = self.token_embedder if embed.is_own(self.embedder.name) else self.embedder
        return Covering(knows, self._asking.lexicon.counts, search)

    @cached_property
    def conversations(self) -> Conversations:
        """The conversations kept in the library's folder."""
        from lecta.conversations import Conversations

        return Conversations(self.path / "conversations")

    # --- its parts, opened when first needed --------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """The tables. Opening raises `LibraryError` when another recipe made them than was asked for."""
        recipe = self.recipe
        with self._opening:
            if self._store is None or self._store.recipe != recipe:
                self._store = Store(self.path, recipe)
            return self._store

    @property
    def _asking(self) -> Asking:
        """What reads questions against the tables; another process may have put others in their place."""
        store = self.store
        with self._opening:
            if self._read_by is None or self._read_by[0] is not store:
                self._read_by = store, Asking(store, lambda: self.embedder)
            return self._read_by[1]

    @property
    def recipe(self) -> Recipe:
        """The reader, chunker and embedder that the settings make; the dimension is 0 until the embedder is asked."""
        return self._recipe(made_recipe(self.path))

    def _recipe(self, made: Recipe | None) -> Recipe:
        """Return the recipe of the settings; what they leave open is as in the library that was `made`."""
        if self._given_embedder:
            name, dimension = self._given_embedder.name, self._given_embedder.dimension
        else:
            own = made.embedder if made and embed.is_known(made.embedder) else embed.MINILM
            name = embed.recorded_name(self.settings.embedder) if self.settings.embedder else own
            known = made.dimension if made and made.embedder == name else 0
            dimension = embed.OWN_DIMENSION if embed.is_own(name) else known
        chunker = f"{chunk.RECIPE}/{self.settings.passage_size}/{mathematics.RECIPE}"
        return Recipe(read.RECIPE, chunker, name, dimension, ALIGNER)

    @property
    def embedder(self) -> Embedder:
        """The model that makes vectors: the one given or set, else the library's own."""
        if self._given_embedder:
            return self._given_embedder
        recipe = self.recipe
        with self._opening:
            if self._embedder is None or self._embedder[0] != (recipe.embedder, recipe.dimension):
                opened = self._open_embedder(recipe.embedder, recipe.dimension)
                self._embedder = (recipe.embedder, recipe.dimension or opened.dimension), opened
            return self._embedder[1]

    def _open_embedder(self, name: str, dimension: int) -> Embedder:
        settings = self.settings
        if name == embed.MINILM and self._ahead is not None:
            return self._ahead()
        if name == embed.MINILM:
            from lecta.embed.minilm import MiniLM

            folder = models.fetch(models.EMBEDDER, settings.models, self._fetch_progress(models.EMBEDDER))
            return MiniLM(folder, settings.thread_count)
        if name == embed.BGE:
            from lecta.embed.bge import BgeSmall

            folder = models.fetch(models.BGE, settings.models, self._fetch_progress(models.BGE))
            return BgeSmall(folder, settings.thread_count)
        kind = name.partition(":")[0]
        if kind == "st":
            from lecta.embed.sentences import SentenceTransformersEmbedder

            return SentenceTransformersEmbedder(name, settings.thread_count)
        from lecta.embed.server import ServerEmbedder

        # The chat model's server serves the embedder too, unless it is of the other kind; its key goes nowhere else.
        others = {"openai": "ollama", "ollama": "openai"}[kind]
        is_shared = not settings.embedder_base_url and not settings.model.startswith(f"{others}:")
        return ServerEmbedder(
            name,
            base_url=settings.base_url if is_shared else settings.embedder_base_url,
            api_key=settings.embedder_api_key or (settings.api_key if is_shared else ""),
            dimension=dimension,
        )

    @cached_property
    def token_embedder(self) -> MiniLM:
        """The model that the checks were calibrated with, which know no other."""
        from lecta.embed.minilm import MiniLM

        if isinstance(self.embedder, MiniLM):
            return self.embedder
        folder = models.fetch(models.EMBEDDER, self.settings.models, self._fetch_progress(models.EMBEDDER))
        return MiniLM(folder, self.settings.thread_count)

    @property
    def model_name(self) -> str:
        """The name of the model that answers, without loading it."""
        return self._given_chat.name if self._given_chat else models.CHAT.get(self.settings.model, self.settings.model)

    @cached_property
    def chat(self) -> ChatModel:
        """The model that answers."""
        return self._given_chat or _open_chat(self.settings, self._fetch_progress, self.states)

    def _fetch_progress(self, name: str) -> models.Progress | None:
        on_fetch = self._on_fetch
        return None if on_fetch is None else lambda done, total: on_fetch(name, done, total)


_WORD = re.compile(r"[^\W\d_]{2,}")
_FEW_WORDS = 5
_NAMED = 3
"""Content words up to which a question names a thing, which several lectures may treat; more ask one thing about it."""
DERIVED = "lecta derive"
"""What a derivation names as its model."""


def _user_path(path: str | Path) -> Path:
    """Return a path with "~" resolved. Raises `UsageError` when that user does not exist."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{path}: {error}") from error


def _says_something(passage: Passage) -> bool:
    """Tell whether a passage has words beyond its title; a title slide helps to find a lecture, not to answer."""
    return len(set(_WORD.findall(passage.text.lower())) - set(_WORD.findall(passage.title.lower()))) >= _FEW_WORDS


def _trimmed(answer: Answer, found: int) -> Answer:
    """Return an answer without the last of its passages that were read beside those found and are cited nowhere."""
    cited = {n for sentence in answer.sentences for n in sentence.citations}
    cited |= {formula.passage for formula in answer.formulas if formula.passage}
    return replace(answer, passages=answer.passages[: max([found, *cited])])


def _is_served(model: str) -> bool:
    """Tell whether a setting names a model of a server. Raises `UsageError` for a name of no known form."""
    kind, _, name = model.partition(":")
    if kind in ("openai", "ollama") and name:
        return True
    if model in models.CHAT or model in models.CHAT.values() or Path(model).suffix == ".gguf":
        return False
    raise UsageError(f"no model {model!r}: use {', '.join(models.CHAT)}, a .gguf file, openai:NAME or ollama:NAME")


def _open_chat(
    settings: Settings, progress: Callable[[str], models.Progress | None], states: States | None = None
) -> ChatModel:
    """Open the model the settings name; `states` is where an embedded one keeps what it has read.

    Raises `UsageError` for a name of no known form.
    """
    if _is_served(settings.model):
        kind, _, name = settings.model.partition(":")
        from lecta.answer.server import OLLAMA, ServerChat

        base_url = settings.base_url or (OLLAMA if kind == "ollama" else "")
        return ServerChat(name, base_url=base_url, api_key=settings.api_key)
    path, shown, ours = Path(settings.model).expanduser(), settings.model, False
    if settings.model in models.CHAT or settings.model in models.CHAT.values():
        model = models.find(settings.model)
        path = models.fetch(model.name, settings.models, progress(model.name)) / model.files[0].name
        shown, ours = model.name, True
    from lecta.answer.llama import LlamaChat

    return LlamaChat(
        path,
        name=shown,
        context_tokens=settings.context_tokens,
        threads=settings.thread_count,
        states=states,
        engine=settings.engine,
        copy=ours,
    )
