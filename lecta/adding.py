"""One run of `Library.add`: which files are new, changed or renamed; read ahead, committed together, then embedded.

A passage is stored, and found by its words, before its vector is made: reading a course takes seconds, embedding it a
minute.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lecta import read
from lecta.aligning import align_lectures
from lecta.embedding import OnEmbedded, give_vectors
from lecta.errors import LibraryError, ModelError, ReadError, first_line
from lecta.intake import REPEATED, File, Intake, sha256_of, without_repeats
from lecta.lectures.naming import lecture_number
from lecta.protocols import Embedder
from lecta.question import lexicon
from lecta.store import Entry, Store, document_id, shown_path
from lecta.types import Document, DocumentRecord, FileReport

OnHeard = Callable[[str, str], None]
"""Called with a file and where in it its reader is, for files that take long."""

_COMMIT_SECONDS = 2.0  # no more work than this, and one file, is lost by a kill
_COMMIT_PASSAGES = 8192  # some 10 MB


@dataclass(frozen=True, slots=True)
class _Job:
    """A file that must be read, and what is known of it."""

    file: File
    absolute: str
    source: str
    course: str
    sha256: str
    before: DocumentRecord | None


def lexicon_of(texts: Iterator[str]) -> dict[str, Any]:
    """Return the words of all passages' texts as the store keeps them."""
    return lexicon.mine(texts).to_json()


class Adding:
    """Adds files to a store."""

    def __init__(self, store: Store, make_intake: Callable[[], Intake], embedder: Callable[[], Embedder]) -> None:
        """`make_intake` is called when the first file has to be read, `embedder` when a passage lacks its vector."""
        self._store = store
        self._make_intake = make_intake
        self._embedder = embedder
        records = store.documents()
        self._known = {record.path: record for record in records}
        self._named = {record.source: record.path for record in records}
        self._by_content = {record.sha256: record.source for record in reversed(records)}
        self._waiting: list[tuple[FileReport, Entry]] = []
        self._committed = time.monotonic()

    def run(
        self,
        files: Sequence[File],
        options: read.Options,
        on_heard: OnHeard | None = None,
        on_embedded: OnEmbedded | None = None,
    ) -> Iterator[FileReport]:
        """Yield a report for each file; those that were read, once they are stored."""
        self.compare_again()
        jobs: list[_Job] = []
        for file in files:
            planned = self._plan(file)
            if isinstance(planned, _Job):
                jobs.append(planned)
            else:
                yield planned
        with read.Reading(options) as reading:
            names = {job.file.path: str(job.file.given) for job in jobs}
            heard = None if on_heard is None else _by_name(names, on_heard)
            for job, document in zip(jobs, reading.read_all([job.file.path for job in jobs], heard), strict=True):
                yield from self._take(job, document)
            yield from self._commit()
        self.finish(on_heard, on_embedded)

    def finish(self, on_heard: OnHeard | None = None, on_embedded: OnEmbedded | None = None) -> None:
        """Do what is left to do for documents and what their change asks of others: compare, embed, align, index."""
        self.compare_again()
        give_vectors(self._store, self._embedder, on_embedded)
        self._settle(on_heard)

    def mend(self) -> None:
        """Do what a removal asks of other documents; what another run is embedding just now is left to it."""
        give_vectors(self._store, self._embedder, ids=self.compare_again())
        self._settle()

    def _settle(self, on_heard: OnHeard | None = None) -> None:
        align_lectures(self._store, None if on_heard is None else lambda source: on_heard(source, "finding its slides"))
        self._store.settle(lexicon_of)

    def compare_again(self) -> list[str]:
        """Index what repeated words that are gone: changed or removed, by this run or one that was killed.

        Returns the ids of the documents that this was done for.
        """
        orphans = self._store.orphans()
        if not orphans:
            return []
        entries = []
        for record in self._store.documents():
            document = self._store.document(record.source) if record.source in orphans else None
            if document is not None:
                entries.append(self._intake.clean_entry(Path(record.path), without_repeats(document)))
        self._store.put(entries)
        return [document_id(entry.path) for entry in entries]

    @cached_property
    def _intake(self) -> Intake:
        return self._make_intake()

    # --- before reading -----------------------------------------------------------------------------------------------

    def _plan(self, file: File) -> FileReport | _Job:
        """Say what is known of a file without reading it as a document."""
        shown = shown_path(file.given)
        if shown != str(file.given):
            return FileReport(shown, "failed", reason="its name is not valid text; rename it")
        if not read.can_read(file.path):
            return FileReport(shown, "skipped", reason=f"lecta does not read {file.path.suffix or 'such files'}")
        try:
            absolute, sha256 = str(file.path.resolve()), sha256_of(file.path)
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
            return FileReport(shown, "failed", reason=f"cannot be read: {getattr(error, 'strerror', '') or error}")
        before = self._known.get(absolute)
        course = file.course if file.course is not None else before.course if before else file.default_course
        if before and before.sha256 == sha256 and before.course == course and not _is_placed_anew(file, before):
            return FileReport(shown, "unchanged", before.passages)
        if before is None and (moved := self._moved(file, sha256)) is not None:
            source = self._source(file.given.as_posix(), absolute)
            self._store.rename(moved, file.path, source)
            self._known[absolute] = replace(moved, source=source, path=absolute)
            return FileReport(shown, "unchanged", moved.passages, f"renamed from {moved.source}")
        # A known file keeps its name: its signatures go by it.
        source = before.source if before else self._source(file.given.as_posix(), absolute)
        if before and self._by_content.get(before.sha256) == source:  # it no longer holds those bytes
            del self._by_content[before.sha256]
        return _Job(file, absolute, source, course, sha256, before)

    def _moved(self, file: File, sha256: str) -> DocumentRecord | None:
        """Return the record of a file with these bytes that is no longer where it was."""
        for record in self._known.values():
            if record.sha256 == sha256 and not os.path.lexists(record.path):
                number = lecture_number(file.called, file.root)
                return record if number is None or number == record.lecture else None
        return None

    def _source(self, given: str, absolute: str) -> str:
        """Return the path as given, or the absolute one where another document already goes by that name."""
        return given if self._named.setdefault(given, absolute) == absolute else absolute

    # --- after reading ------------------------------------------------------------------------------------------------

    def _take(self, job: _Job, document: Document | ReadError | ModelError) -> Iterator[FileReport]:
        outcome = self._prepare(job, document)
        if isinstance(outcome, FileReport):
            yield outcome
            return
        self._waiting.append(outcome)
        is_enough = sum(len(entry.passages) for _, entry in self._waiting) >= _COMMIT_PASSAGES
        if is_enough or time.monotonic() - self._committed > _COMMIT_SECONDS:
            yield from self._commit()

    def _prepare(self, job: _Job, document: Document | ReadError | ModelError) -> FileReport | tuple[FileReport, Entry]:
        shown = str(job.file.given)
        if isinstance(document, ReadError | ModelError):
            seldom = job.file.path.suffix.lower() in read.SELDOM_LECTURES and "not a transcript" in str(document)
            return FileReport(shown, "skipped" if seldom else "failed", reason=str(document))
        copy_of = self._by_content.get(job.sha256, "")
        copy_of = "" if copy_of == job.source else copy_of
        try:
            entry = self._intake.entry(job.file, document, job.source, job.course, job.sha256, copy_of)
        except (LibraryError, ModelError):
            raise
        except Exception as error:  # a mistake of ours in one file holds up no other
            reason = f"lecta failed on it ({type(error).__name__}: {first_line(error)})"
            return FileReport(shown, "failed", reason=reason)
        self._by_content.setdefault(job.sha256, job.source)
        return _report(shown, entry, copy_of, is_new=job.before is None), entry

    def _commit(self) -> list[FileReport]:
        self._store.put([entry for _, entry in self._waiting])
        reports = [report for report, _ in self._waiting]
        self._waiting = []
        self._committed = time.monotonic()
        return reports


def _by_name(names: dict[Path, str], on_heard: OnHeard) -> Callable[[Path, str], None]:
    return lambda path, where: on_heard(names[path], where)


def _is_placed_anew(file: File, before: DocumentRecord) -> bool:
    """Tell whether `course.toml` now says something else of a file than it did when it was added."""
    entry, kind = file.said()
    return bool(
        (kind and kind != before.kind)
        or (entry and entry.number is not None and entry.number != before.lecture)
        or (entry and entry.title and entry.title != before.title)
        or (entry and entry.date and entry.date.isoformat() != before.date)
    )


def _report(shown: str, entry: Entry, copy_of: str, *, is_new: bool) -> FileReport:
    warnings = "; ".join(entry.document.warnings)
    if copy_of:
        return FileReport(shown, "duplicate", reason=f"the same bytes as {copy_of}")
    if not entry.passages:
        reasons = sorted({section.excluded for section in entry.document.sections if section.excluded})
        if any(reason.startswith(REPEATED) for reason in reasons):
            return FileReport(shown, "duplicate", reason="; ".join([*reasons, warnings]).strip("; "))
        return FileReport(shown, "skipped", reason="; ".join(reasons) or "no words in it")
    return FileReport(shown, "added" if is_new else "updated", len(entry.passages), warnings)
