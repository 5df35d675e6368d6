"""A file on its way into the library: read, placed in its course, cleaned, cut, embedded.

path -> Document -> with course and lecture -> without repeats and advertisements -> Passages -> Entry
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lecta import chunk, read
from lecta.clean import boilerplate
from lecta.clean.dedupe import SeenInMemory, dedupe
from lecta.errors import UsageError
from lecta.lectures import Course, load_course
from lecta.lectures.naming import lecture_number, lecture_title, number_in_heading
from lecta.protocols import Embedder
from lecta.store import Entry
from lecta.types import Document, Passage, Section, Signature

REPEATED = "repeated: "
"""How the reason of a section begins that stands in another file, whose source follows."""

_TIMED = frozenset({"subtitles", "recording", "whisper"})


@dataclass(frozen=True, slots=True)
class File:
    """A file to add: where it is, how the user wrote it, and what the folder given says of it."""

    path: Path
    given: Path
    root: Path | None
    """The folder that was given, if one was."""
    course: str | None
    """As the user or `course.toml` says, or None."""
    default_course: str
    page: Course | None = None
    """The folder's `course.toml`."""


def find_files(paths: Iterable[str | Path], course: str | None) -> list[File]:
    """Return each file once, those with times first: of two transcripts the one with minutes is indexed.

    Raises `UsageError` for a path that does not exist or a `course.toml` that is wrong, before anything is read.
    """
    found = [file for path in paths for file in _files(Path(path).expanduser(), course)]
    unique = {file.path.resolve(): file for file in found}.values()
    return sorted(unique, key=lambda file: read.READERS.get(file.path.suffix.lower()) not in _TIMED)


def _files(given: Path, course: str | None) -> Iterator[File]:
    if given.is_dir():
        page = load_course(given)
        named = course if course is not None else (page.title or None if page else None)
        default = given.resolve().name
        for path in sorted(given.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(given).parts)
            if not hidden and path.is_file() and path.name != "course.toml":
                yield File(path, path, given, named, default, page)
    elif given.exists():
        yield File(given, given, None, course, given.resolve().parent.name)
    else:
        raise UsageError(f"there is no file or folder {given}")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Intake:
    """Makes store entries of files, and remembers the paragraphs it has seen."""

    def __init__(
        self, reading: read.Reading, embedder: Embedder, passage_size: int, signatures: Iterable[Signature]
    ) -> None:
        """`signatures` are of the paragraphs the library holds, oldest first."""
        self._reading = reading
        self._embedder = embedder
        self._passage_size = passage_size
        self._seen = SeenInMemory()
        self._seen.add(signatures)

    def entry(
        self, file: File, *, source: str, course: str, sha256: str, copy_of: str = "", heard: read.Heard | None = None
    ) -> Entry:
        """Read a file and make its entry; `copy_of` names a file with the same bytes. Raises `ReadError`."""
        document = self._reading.read(file.path, heard)
        document = _placed(dataclasses.replace(document, source=source, course=course, sha256=sha256), file)
        return self.clean_entry(file.path, document, copy_of)

    def clean_entry(self, path: Path, document: Document, copy_of: str = "") -> Entry:
        """Mark what a document repeats or advertises, and cut and embed the rest."""
        self._seen.remove(document.source)  # an older version of the same file
        document, _ = boilerplate.mark(document)
        deduped = dedupe(document, SeenInMemory() if copy_of else self._seen)
        document, signatures = deduped.document, deduped.signatures
        if copy_of:
            document = _exclude_all(document, f"{REPEATED}{copy_of}")
            signatures = tuple(dataclasses.replace(signature, copy_of=copy_of) for signature in signatures)
        self._seen.add(signatures)
        passages = chunk.chunk(document, self._passage_size)
        words = [_words(passage) for passage in passages]
        return Entry(path, document, passages, words, self._embedder.embed_documents(words), signatures)


def without_repeats(document: Document) -> Document:
    """Return a document in which nothing is marked as a repeat, to be compared anew."""
    sections = (
        dataclasses.replace(section, excluded="") if section.excluded.startswith(REPEATED) else section
        for section in document.sections
    )
    return dataclasses.replace(document, sections=tuple(sections))


def _placed(document: Document, file: File) -> Document:
    """Return the document with kind, lecture and title as `course.toml`, the file's names or its heading say."""
    inside = file.path.relative_to(file.root) if file.root else None
    entry = file.page.entry(inside) if file.page and inside else None
    kind = file.page.kind(inside) if file.page and inside else None
    number = entry.number if entry else None
    if number is None:
        number = lecture_number(file.path, file.root)
    if number is None:
        number = number_in_heading(document.title)
    title = (entry.title if entry else "") or document.title or lecture_title(file.path, file.root, "")
    return dataclasses.replace(document, kind=kind or document.kind, lecture=number, title=title)


def _exclude_all(document: Document, reason: str) -> Document:
    sections: tuple[Section, ...] = tuple(
        section if section.excluded else dataclasses.replace(section, excluded=reason) for section in document.sections
    )
    return dataclasses.replace(document, sections=sections)


def _words(passage: Passage) -> str:
    """Return what a passage is matched by: what it stands under, and its text."""
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text
