"""The one place that knows the order: read, chunk, embed, store, retrieve, answer."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from lecta import chunk, models, read
from lecta.answer import citations, prompt
from lecta.check.attribution import Attributor
from lecta.errors import ChatError, LibraryError, ReadError, UsageError
from lecta.protocols import ChatModel, Embedder
from lecta.read import naming
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
        self, paths: Iterable[str | Path], *, course: str | None = None, on_file: OnFile | None = None
    ) -> AddReport:
        """Read, chunk, embed and store files and folders; files that have not changed are left alone.

        A file that cannot be read is reported and holds up no other. Interrupted, the library is whole, and adding
        again completes it. Raises `LibraryError` when the library itself cannot be written.
        """
        started = time.perf_counter()
        found = [item for path in paths for item in _files(Path(path).expanduser(), course)]
        files = list({item.path.resolve(): item for item in found}.values())
        known = {record.path: record for record in self.store.documents()}
        named = {record.source: record.path for record in known.values()}
        reports: list[FileReport] = []
        waiting: list[tuple[FileReport, Entry]] = []

        def report(done: Iterable[FileReport]) -> None:
            for one in done:
                reports.append(one)
                if on_file:
                    on_file(one, len(reports), len(files))

        for file in files:
            outcome = self._prepare(file, known.get(str(file.path.resolve())), named)
            if isinstance(outcome, FileReport):
                report([outcome])
                continue
            waiting.append(outcome)
            if sum(len(entry.passages) for _, entry in waiting) >= _COMMIT_PASSAGES:
                report(self._commit(waiting))
                waiting = []
        report(self._commit(waiting))
        if any(one.status in ("added", "updated") for one in reports):
            self.store.settle()
        written = sum(one.passages for one in reports if one.status in ("added", "updated"))
        return AddReport(tuple(reports), written, time.perf_counter() - started)

    def remove(self, path: str | Path) -> list[DocumentRecord]:
        """Take a file, or every file under a folder, out of the library; the files themselves stay.

        `path` is a path on disk or a source as `documents()` shows it. Raises `LibraryError` when nothing matches.
        """
        wanted = Path(path).expanduser().resolve()
        matching = [
            record
            for record in self.documents()
            if record.source == str(path) or Path(record.path) == wanted or wanted in Path(record.path).parents
        ]
        if not matching:
            raise LibraryError(f"nothing in library {self.path} is at {path}; `lecta list` shows what there is")
        self.store.remove([record.id for record in matching])
        return matching

    def documents(self) -> list[DocumentRecord]:
        """Return what the library holds, ordered by course, lecture and source."""
        return self.store.documents()

    def document(self, source: str) -> Document | None:
        """Return one document with its text, by its source."""
        return self.store.document(source)

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
        embedder = self._given_embedder
        recipe = Recipe(
            reader=read.RECIPE,
            chunker=f"{chunk.RECIPE}/{self.settings.passage_size}",
            embedder=embedder.name if embedder else _MINILM[0],
            dimension=embedder.dimension if embedder else _MINILM[1],
        )
        return Store(self.path, recipe)

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

    # --- one file -----------------------------------------------------------------------------------------------------

    def _prepare(
        self, file: _File, before: DocumentRecord | None, named: dict[str, str]
    ) -> FileReport | tuple[FileReport, Entry]:
        """Read, chunk and embed one file, or say why not. `named` has the path of each source name taken."""
        shown = str(file.given)
        if not read.can_read(file.path):
            return FileReport(shown, "skipped", reason=f"lecta does not read {file.path.suffix or 'such files'} yet")
        try:
            sha256 = _sha256(file.path)
            course = file.course if file.course is not None else before.course if before else file.default_course
            if before and before.sha256 == sha256 and before.course == course:
                return FileReport(shown, "unchanged", before.passages)
            document = dataclasses.replace(
                read.read(file.path), source=_source(file, named), course=course, sha256=sha256
            )
        except ReadError as error:
            return FileReport(shown, "failed", reason=error.reason)
        except OSError as error:
            return FileReport(shown, "failed", reason=f"cannot be opened: {error.strerror or error}")
        document = dataclasses.replace(
            document,
            lecture=document.lecture or naming.lecture_number(file.path, file.root),
            title=document.title or naming.lecture_title(file.path, file.root, ""),
        )
        passages = chunk.chunk(document, self.settings.passage_size)
        if not passages:
            return FileReport(shown, "failed", reason="no text in it")
        words = [_words(passage) for passage in passages]
        entry = Entry(file.path, document, passages, words, self.embedder.embed_documents(words))
        reason = "; ".join(document.warnings)
        return FileReport(shown, "updated" if before else "added", len(passages), reason), entry

    def _commit(self, waiting: Sequence[tuple[FileReport, Entry]]) -> list[FileReport]:
        self.store.put([entry for _, entry in waiting])
        return [report for report, _ in waiting]


_WORD = re.compile(r"[^\W\d_]{2,}")
_FEW_WORDS = 5
_MINILM = ("all-MiniLM-L6-v2/int8", 384)  # held to lecta.embed.minilm by a test; importing that costs 0.15 s


@dataclasses.dataclass(frozen=True, slots=True)
class _File:
    """A file to add: where it is, how the user wrote it, and the folder that was given."""

    path: Path
    given: Path
    root: Path | None
    course: str | None
    """As the user said, or None."""
    default_course: str


def _files(given: Path, course: str | None) -> Iterator[_File]:
    """Yield a file, or the files under a folder in a stable order; hidden ones are left out.

    Raises `UsageError` for a path that does not exist, before anything is read.
    """
    if given.is_dir():
        default = given.resolve().name
        for path in sorted(given.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(given).parts)
            if not hidden and path.is_file():
                yield _File(path, path, given, course, default)
    elif given.exists():
        yield _File(given, given, None, course, given.resolve().parent.name)
    else:
        raise UsageError(f"there is no file or folder {given}")


def _source(file: _File, named: dict[str, str]) -> str:
    """Return the path as given, or the absolute one where another document already goes by that name."""
    given, absolute = file.given.as_posix(), str(file.path.resolve())
    return given if named.setdefault(given, absolute) == absolute else absolute


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _words(passage: Passage) -> str:
    """Return what a passage is matched by: what it stands under, and its text."""
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text


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
