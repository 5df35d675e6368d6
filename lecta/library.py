"""The one place that knows the order: read, chunk, embed, store, retrieve, answer."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from lecta import chunk, models, read
from lecta.adding import Adding, OnHeard
from lecta.answer import citations, prompt
from lecta.check.support import Checker
from lecta.errors import ChatError, LibraryError, PromptTooLongError, UsageError, first_line
from lecta.intake import Intake, find_files
from lecta.lectures import Lecture, group
from lecta.protocols import ChatModel, Embedder, TokenEmbedder
from lecta.retrieve.hybrid import hybrid_search
from lecta.settings import Settings
from lecta.store import Recipe, Store
from lecta.types import (
    AddReport,
    Answer,
    Document,
    DocumentRecord,
    FileReport,
    Filters,
    Hit,
    Kind,
    Passage,
    SearchResult,
    Sentence,
    Span,
)

OnText = Callable[[str], None]
"""Called with each piece of an answer as it is written."""
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
    ) -> None:
        """Open the library in folder `path`, which need not exist yet; models load when they are first needed.

        `embedder` and `chat` replace the ones the settings name.
        """
        self.settings = settings or Settings()
        self.path = _user_path(path) if path is not None else self.settings.library
        self._given_embedder = embedder
        self._given_chat = chat
        self._on_fetch = on_fetch

    # --- what it holds ------------------------------------------------------------------------------------------------

    def add(
        self,
        paths: Iterable[str | Path],
        *,
        course: str | None = None,
        prune: bool = False,
        on_file: OnFile | None = None,
        on_heard: OnHeard | None = None,
    ) -> AddReport:
        """Read, chunk, embed and store files and folders; files that have not changed are left alone.

        A file that cannot be read is reported and holds up no other. With `prune` what came from the folders given
        and is no longer there is taken out. Interrupted, the library is whole, and adding again completes it. Raises
        `LibraryError` when the library itself cannot be written.
        """
        started = time.perf_counter()
        given = [Path(path) for path in paths]
        files = find_files(given, course, leave_out=self.path)
        reports: list[FileReport] = []
        for report in Adding(self.store, self._make_intake).run(files, self._reading_options(), on_heard):
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
        return matching

    def _take_out(self, records: Sequence[DocumentRecord]) -> None:
        if records:
            self.store.remove([record.id for record in records])
            Adding(self.store, self._make_intake).compare_again()
            self.store.settle()

    def _gone(self, given: Sequence[Path]) -> list[DocumentRecord]:
        """Return what came from under the folders given and is no longer on the disk."""
        folders = [path.expanduser().resolve() for path in given if path.expanduser().is_dir()]
        return [
            record
            for record in self.documents()
            if any(folder in Path(record.path).parents for folder in folders) and not os.path.lexists(record.path)
        ]

    def _make_intake(self) -> Intake:
        return Intake(self.embedder, self.settings.passage_size, self.store.signatures())

    def _reading_options(self) -> read.Options:
        def speech_model() -> Path:
            name = self.settings.speech_model
            if name in models.MODELS:
                return models.fetch(name, self.settings.models, self._fetch_progress(name))
            return Path(name).expanduser()

        return read.Options(self.settings.ocr, speech_model, self.path / "transcripts", self.settings.language)

    def documents(self) -> list[DocumentRecord]:
        """Return what the library holds, ordered by course, lecture and source."""
        return self.store.documents()

    def document(self, source: str) -> Document | None:
        """Return one document with its text, by its source."""
        return self.store.document(source)

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
        return group(self.documents())

    # --- what it answers ----------------------------------------------------------------------------------------------

    def search(
        self,
        question: str,
        k: int | None = None,
        *,
        course: str | None = None,
        lecture: int | None = None,
        kind: Kind | None = None,
    ) -> SearchResult:
        """Return the passages that treat a question, best first. Raises `UsageError` for an empty question."""
        return self._search(question, k, Filters(course, lecture, kind))

    def _search(
        self, question: str, k: int | None, filters: Filters, keep: Callable[[Passage], bool] = lambda passage: True
    ) -> SearchResult:
        question = question.encode("utf-8", "replace").decode()  # a shell can hand over bytes that are no text
        if not question.strip():
            raise UsageError("the question is empty: write what you want to know")
        if k is not None and k < 1:
            raise UsageError(f"k is {k}: ask for at least one passage")
        started = time.perf_counter()
        vector = self.embedder.embed_queries([question])[0]
        embedded = time.perf_counter()
        hits = hybrid_search(
            self.store,
            question,
            vector,
            self.settings.passages if k is None else k,
            filters=filters,
            dense_weight=self.settings.dense_weight,
            candidates=self.settings.candidates,
            keep=keep,
        )
        also = self.store.also([hit.passage for hit in hits])
        hits = [replace(hit, also=places) for hit, places in zip(hits, also, strict=True)]
        ended = time.perf_counter()
        timings = {
            "embed_ms": 1000 * (embedded - started),
            "search_ms": 1000 * (ended - embedded),
            "total_ms": 1000 * (ended - started),
        }
        return SearchResult(question, tuple(hits), timings)

    def ask(
        self,
        question: str,
        k: int | None = None,
        *,
        course: str | None = None,
        lecture: int | None = None,
        kind: Kind | None = None,
        strict: bool = False,
        on_passages: Callable[[Sequence[Hit]], None] | None = None,
        on_text: OnText | None = None,
    ) -> Answer:
        """Answer a question from the lectures; each sentence is checked as it ends and tied to what bears it.

        With `strict`, sentences that no passage bears are left out instead of marked. `on_passages` is called as soon
        as they are found and `on_text` with each piece of the answer. Raises `ChatError` when the model fails.
        """
        started = time.perf_counter()
        found = self._search(question, k, Filters(course, lecture, kind), keep=_says_something)
        timings = {"retrieve_ms": 1000 * (time.perf_counter() - started)}
        if on_passages:
            on_passages(found.hits)
        if not found.hits:
            if on_text:
                on_text(prompt.NOT_COVERED)
            timings |= dict.fromkeys(("first_token_ms", "total_ms"), 1000 * (time.perf_counter() - started))
            return Answer(question, prompt.NOT_COVERED, (), (), self.model_name, abstained=True, timings=timings)
        thoughts: list[str] = []
        written: list[str] = []
        hits, stream = self._begun(question, found.hits)
        judge = _judge(Checker([hit.passage.text for hit in hits], self.token_embedder), hits)
        sentences: list[Sentence] = []
        spoken = citations.checked(citations.without_thinking(stream, thoughts), 0)  # the model's own numbers go
        for piece in filter(None, citations.judged(spoken, judge, sentences, strict=strict)):
            timings.setdefault("first_token_ms", 1000 * (time.perf_counter() - started))
            written.append(piece)
            if on_text:
                on_text(piece)
        timings["total_ms"] = 1000 * (time.perf_counter() - started)
        text = "".join(written).strip()
        if not text and strict:
            text = prompt.NOT_COVERED
            if on_text:
                on_text(text)
        if not text:
            raise ChatError(f"model {self.model_name} wrote nothing; ask again or try another --model")
        thinking = "".join(thoughts).strip()
        return _answer(question, text, sentences, thinking=thinking, hits=hits, model=self.model_name, timings=timings)

    def _begun(self, question: str, hits: tuple[Hit, ...]) -> tuple[tuple[Hit, ...], Iterator[str]]:
        """Let the model begin, with as many of the best passages as it has room for."""
        while True:
            stream = self.chat.stream(prompt.build_messages(question, hits), self.settings.max_tokens)
            try:
                first = next(stream, "")
            except PromptTooLongError as error:
                if len(hits) == 1:
                    raise
                hits = hits[: max(1, min(len(hits) - 1, int(len(hits) * error.limit / error.tokens)))]
                continue
            return hits, itertools.chain([first], stream)

    # --- its parts, opened when first needed --------------------------------------------------------------------------

    @cached_property
    def store(self) -> Store:
        """The tables. Opening raises `LibraryError` when another recipe made them."""
        return Store(self.path, self.recipe)

    @property
    def recipe(self) -> Recipe:
        """The reader, chunker and embedder that the settings make."""
        embedder = self._given_embedder
        return Recipe(
            reader=read.RECIPE,
            chunker=f"{chunk.RECIPE}/{self.settings.passage_size}",
            embedder=embedder.name if embedder else _MINILM[0],
            dimension=embedder.dimension if embedder else _MINILM[1],
        )

    @cached_property
    def embedder(self) -> Embedder:
        """The model that makes vectors."""
        if self._given_embedder:
            return self._given_embedder
        folder = models.fetch(models.EMBEDDER, self.settings.models, self._fetch_progress(models.EMBEDDER))
        from lecta.embed.minilm import MiniLM

        return MiniLM(folder, self.settings.thread_count)

    @cached_property
    def token_embedder(self) -> TokenEmbedder:
        """The model that the support check compares words with; its calibrator knows this one only."""
        if isinstance(self.embedder, TokenEmbedder) and self.embedder.name == _MINILM[0]:
            return self.embedder
        folder = models.fetch(models.EMBEDDER, self.settings.models, self._fetch_progress(models.EMBEDDER))
        from lecta.embed.minilm import MiniLM

        return MiniLM(folder, self.settings.thread_count)

    @property
    def model_name(self) -> str:
        """The name of the model that answers, without loading it."""
        return self._given_chat.name if self._given_chat else models.CHAT.get(self.settings.model, self.settings.model)

    @cached_property
    def chat(self) -> ChatModel:
        """The model that answers."""
        return self._given_chat or _open_chat(self.settings, self._fetch_progress)

    def _fetch_progress(self, name: str) -> models.Progress | None:
        on_fetch = self._on_fetch
        return None if on_fetch is None else lambda done, total: on_fetch(name, done, total)


_WORD = re.compile(r"[^\W\d_]{2,}")
_FEW_WORDS = 5
_MINILM = ("all-MiniLM-L6-v2/int8", 384)  # held to lecta.embed.minilm by a test; importing that costs 0.15 s


def _user_path(path: str | Path) -> Path:
    """Return a path with "~" resolved. Raises `UsageError` when that user does not exist."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{path}: {error}") from error


def _says_something(passage: Passage) -> bool:
    """Tell whether a passage has words beyond its title; a title slide helps to find a lecture, not to answer."""
    return len(set(_WORD.findall(passage.text.lower())) - set(_WORD.findall(passage.title.lower()))) >= _FEW_WORDS


def _judge(checker: Checker, hits: Sequence[Hit]) -> Callable[[str], Sentence]:
    """Return what judges a sentence by the passages; its spans are counted in the documents."""

    def judge(written: str) -> Sentence:
        if prompt.is_refusal(written):
            return Sentence(written)
        verdict = checker.check(written)
        starts = [hit.passage.start_index for hit in hits]
        spans = tuple(
            Span(span.passage, starts[span.passage - 1] + span.start, starts[span.passage - 1] + span.end)
            for span in verdict.spans
        )
        return Sentence(written, verdict.citations, verdict.support, verdict.supported, spans)

    return judge


def _answer(
    question: str,
    text: str,
    sentences: Sequence[Sentence],
    *,
    thinking: str,
    hits: tuple[Hit, ...],
    model: str,
    timings: dict[str, float],
) -> Answer:
    if prompt.is_refusal(text):
        return Answer(question, prompt.NOT_COVERED, (), hits, model, thinking, abstained=True, timings=timings)
    return Answer(question, text, tuple(sentences), hits, model, thinking, timings=timings)


def _open_chat(settings: Settings, progress: Callable[[str], models.Progress | None]) -> ChatModel:
    """Open the model the settings name. Raises `UsageError` for a name of no known form."""
    kind, _, name = settings.model.partition(":")
    if kind in ("openai", "ollama") and name:
        from lecta.answer.server import OLLAMA, ServerChat

        base_url = settings.base_url or (OLLAMA if kind == "ollama" else "")
        return ServerChat(name, base_url=base_url, api_key=settings.api_key)
    path, shown = Path(settings.model).expanduser(), settings.model
    if settings.model in models.CHAT or settings.model in models.CHAT.values():
        model = models.find(settings.model)
        path = models.fetch(model.name, settings.models, progress(model.name)) / model.files[0].name
        shown = model.name
    elif path.suffix != ".gguf":
        raise UsageError(
            f"no model {settings.model!r}: use {', '.join(models.CHAT)}, a .gguf file, openai:NAME or ollama:NAME"
        )
    from lecta.answer.llama import LlamaChat

    return LlamaChat(path, name=shown, context_tokens=settings.context_tokens, threads=settings.thread_count)
