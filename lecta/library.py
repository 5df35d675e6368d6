"""The one place that knows the order: read, chunk, embed, store, retrieve, answer."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from lecta import chunk, models, read
from lecta.answer import citations, prompt
from lecta.check.attribution import Attributor
from lecta.errors import ChatError, LibraryError, ReadError, UsageError
from lecta.intake import REPEATED, File, Intake, find_files, sha256_of, without_repeats
from lecta.lectures import Lecture, group
from lecta.protocols import ChatModel, Embedder
from lecta.retrieve.hybrid import hybrid_search
from lecta.settings import Settings
from lecta.store import Entry, Recipe, Store
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
)

OnText = Callable[[str], None]
"""Called with each piece of an answer as it is written."""
OnFile = Callable[[FileReport, int, int], None]
"""Called with each file's report, files done and files in all."""
OnHeard = Callable[[str, str], None]
"""Called with a file and where in it its reader is, for files that take long."""
OnFetch = Callable[[str, int, int], None]
"""Called while a model is fetched, with its name, bytes done and bytes in all."""

_COMMIT_PASSAGES = 256  # a commit costs about 30 ms; this many passages cost seconds to embed


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
        self.path = Path(path).expanduser() if path is not None else self.settings.library
        self._given_embedder = embedder
        self._given_chat = chat
        self._on_fetch = on_fetch

    # --- what it holds ------------------------------------------------------------------------------------------------

    def add(
        self,
        paths: Iterable[str | Path],
        *,
        course: str | None = None,
        on_file: OnFile | None = None,
        on_heard: OnHeard | None = None,
    ) -> AddReport:
        """Read, chunk, embed and store files and folders; files that have not changed are left alone.

        A file that cannot be read is reported and holds up no other. Interrupted, the library is whole, and adding
        again completes it. Raises `LibraryError` when the library itself cannot be written.
        """
        started = time.perf_counter()
        files = find_files(paths, course)
        reports: list[FileReport] = []

        def report(done: Iterable[FileReport]) -> None:
            for one in done:
                reports.append(one)
                if on_file:
                    on_file(one, len(reports), len(files))

        with read.Reading(self._reading_options()) as reading:
            adding = _Adding(self, reading)
            self._compare_again(adding.intake, gone=None)
            for file in files:
                report(adding.take(file, on_heard))
            report(adding.commit())
            self._compare_again(adding.intake, gone=adding.updated)
        if adding.changed:
            self.store.settle()
        written = sum(one.passages for one in reports if one.status in ("added", "updated"))
        return AddReport(tuple(reports), written, time.perf_counter() - started)

    def remove(self, path: str | Path) -> list[DocumentRecord]:
        """Take a file, or every file under a folder, out of the library; the files themselves stay.

        `path` is a path on disk or a source as `documents()` shows it. What stood in other files as well is found
        there from now on. Raises `LibraryError` when nothing matches.
        """
        matching = self._at(path)
        self.store.remove([record.id for record in matching])
        with read.Reading() as reading:
            self._compare_again(_Adding(self, reading).intake, gone=None)
        return matching

    def _compare_again(self, intake: _LazyIntake, gone: Collection[str] | None) -> None:
        """Index what repeated a file that is `gone` or changed, which may now be the only place of its words.

        None stands for every file that is repeated by others and no longer in the library: removed just now, or by a
        process that was killed before it came to this.
        """
        copies = self.store.copies()
        if not copies:
            return
        records = {record.source: record for record in self.documents()}
        affected = {
            source
            for source, original in copies
            if source in records and source != original
            and (original in gone if gone is not None else original not in records)
        }  # fmt: skip
        entries = []
        for source in sorted(affected):
            document = self.store.document(source)
            if document is not None:
                entries.append(intake().clean_entry(Path(records[source].path), without_repeats(document)))
        self.store.put(entries)

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
        wanted = Path(path).expanduser().resolve()
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
        if not question.strip():
            raise UsageError("the question is empty: write what you want to know")
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
        on_passages: Callable[[Sequence[Hit]], None] | None = None,
        on_text: OnText | None = None,
    ) -> Answer:
        """Answer a question from the lectures, with the passages each sentence cites.

        `on_passages` is called as soon as they are found and `on_text` with each piece of the answer. Raises
        `ChatError` when the model fails.
        """
        started = time.perf_counter()
        found = self._search(question, k, Filters(course, lecture, kind), keep=_says_something)
        timings = {"retrieve_ms": 1000 * (time.perf_counter() - started)}
        if on_passages:
            on_passages(found.hits)
        if not found.hits:
            if on_text:
                on_text(prompt.NOT_COVERED)
            return Answer(question, prompt.NOT_COVERED, (), (), self.model_name, abstained=True, timings=timings)
        thoughts: list[str] = []
        written: list[str] = []
        attributor = Attributor([hit.passage.text for hit in found.hits], self.embedder)
        stream = self.chat.stream(prompt.build_messages(question, found.hits), self.settings.max_tokens)
        spoken = citations.without_thinking(stream, thoughts)
        for piece in citations.cited(citations.checked(spoken, len(found.hits)), attributor.cite):
            timings.setdefault("first_token_ms", 1000 * (time.perf_counter() - started))
            written.append(piece)
            if on_text:
                on_text(piece)
        timings["total_ms"] = 1000 * (time.perf_counter() - started)
        text = "".join(written).strip()
        if not text:
            raise ChatError(f"model {self.model_name} wrote nothing; ask again or try another --model")
        return _answer(question, text, "".join(thoughts).strip(), found.hits, self.model_name, timings)

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


class _LazyIntake:
    """An intake made when the first file wants it: adding unchanged files loads neither embedder nor signatures."""

    def __init__(self, library: Library, reading: read.Reading) -> None:
        self._library, self._reading = library, reading

    def __call__(self) -> Intake:
        return self._intake

    @cached_property
    def _intake(self) -> Intake:
        library = self._library
        return Intake(self._reading, library.embedder, library.settings.passage_size, library.store.signatures())


class _Adding:
    """One run of `Library.add`: files wait until there are enough to be worth a commit."""

    def __init__(self, library: Library, reading: read.Reading) -> None:
        self._store = library.store
        self.intake = _LazyIntake(library, reading)
        records = self._store.documents()
        self._known = {record.path: record for record in records}
        self._named = {record.source: record.path for record in records}
        self._by_content = {record.sha256: record.path for record in reversed(records)}
        self._waiting: list[tuple[FileReport, Entry]] = []
        self.updated: set[str] = set()
        self.changed = False

    def take(self, file: File, on_heard: OnHeard | None) -> list[FileReport]:
        """Prepare one file; return the reports of files that are settled by now."""
        outcome = self._prepare(file, on_heard)
        if isinstance(outcome, FileReport):
            return [outcome]
        self._waiting.append(outcome)
        if sum(len(entry.passages) for _, entry in self._waiting) < _COMMIT_PASSAGES:
            return []
        return self.commit()

    def commit(self) -> list[FileReport]:
        """Write the files that wait and return their reports."""
        self._store.put([entry for _, entry in self._waiting])
        reports = [report for report, _ in self._waiting]
        self.changed = self.changed or bool(reports)
        self._waiting = []
        return reports

    def _prepare(self, file: File, on_heard: OnHeard | None) -> FileReport | tuple[FileReport, Entry]:
        """Make a file's entry, or say why there is none."""
        shown = str(file.given)
        absolute = str(file.path.resolve())
        before = self._known.get(absolute)
        if not read.can_read(file.path):
            return FileReport(shown, "skipped", reason=f"lecta does not read {file.path.suffix or 'such files'}")
        try:
            sha256 = sha256_of(file.path)
            course = file.course if file.course is not None else before.course if before else file.default_course
            if before and before.sha256 == sha256 and before.course == course:
                return FileReport(shown, "unchanged", before.passages)
            source = self._source(file.given.as_posix(), absolute)
            first = self._by_content.setdefault(sha256, absolute)
            copy_of = "" if first == absolute else next((s for s, path in self._named.items() if path == first), "")
            heard = None if on_heard is None else lambda where: on_heard(shown, where)
            entry = self.intake().entry(file, source=source, course=course, sha256=sha256, copy_of=copy_of, heard=heard)
        except ReadError as error:
            seldom = file.path.suffix.lower() in read.SELDOM_LECTURES and "not a transcript" in error.reason
            return FileReport(shown, "skipped" if seldom else "failed", reason=error.reason)
        except OSError as error:
            return FileReport(shown, "failed", reason=f"cannot be read: {error.strerror or error}")
        if before:
            self.updated.add(source)
        return _file_report(shown, entry, copy_of, is_new=before is None), entry

    def _source(self, given: str, absolute: str) -> str:
        """Return the path as given, or the absolute one where another document already goes by that name."""
        return given if self._named.setdefault(given, absolute) == absolute else absolute


def _file_report(shown: str, entry: Entry, copy_of: str, *, is_new: bool) -> FileReport:
    warnings = "; ".join(entry.document.warnings)
    if copy_of:
        return FileReport(shown, "duplicate", reason=f"the same bytes as {copy_of}")
    if not entry.passages:
        reasons = sorted({section.excluded for section in entry.document.sections if section.excluded})
        if any(reason.startswith(REPEATED) for reason in reasons):
            return FileReport(shown, "duplicate", reason="; ".join([*reasons, warnings]).strip("; "))
        return FileReport(shown, "skipped", reason="; ".join(reasons) or "no words in it")
    return FileReport(shown, "added" if is_new else "updated", len(entry.passages), warnings)


_WORD = re.compile(r"[^\W\d_]{2,}")
_FEW_WORDS = 5
_MINILM = ("all-MiniLM-L6-v2/int8", 384)  # held to lecta.embed.minilm by a test; importing that costs 0.15 s


def _says_something(passage: Passage) -> bool:
    """Tell whether a passage has words beyond its title; a title slide helps to find a lecture, not to answer."""
    return len(set(_WORD.findall(passage.text.lower())) - set(_WORD.findall(passage.title.lower()))) >= _FEW_WORDS


def _answer(
    question: str, text: str, thinking: str, hits: tuple[Hit, ...], model: str, timings: dict[str, float]
) -> Answer:
    if prompt.is_refusal(text):
        return Answer(question, prompt.NOT_COVERED, (), hits, model, thinking, abstained=True, timings=timings)
    return Answer(question, text, citations.sentences(text, len(hits)), hits, model, thinking, timings=timings)


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
