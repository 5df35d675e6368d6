"""A file on its way into the library: read, placed in its course, cleaned, cut; its vectors come later.

path -> Document -> with course and lecture -> without repeats and advertisements -> Passages -> Entry
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from lecta import chunk, read
from lecta.clean.alone import PREPARED, Cleaned, cleaned, received
from lecta.clean.dedupe import SeenInMemory, dedupe
from lecta.errors import UsageError, first_line
from lecta.lectures import Course, load_course
from lecta.lectures import Entry as LectureEntry
from lecta.lectures.naming import lecture_number, lecture_title, number_in_heading
from lecta.question import mathematics
from lecta.store import Bare, Entry, shown_path
from lecta.types import Document, Kind, Passage, Section, Signature

REPEATED = "repeated: "
"""How the reason of a section begins that stands in another file, whose source follows."""

AFTER_READING = read.After(PREPARED, received)
"""What the processes that read files do with them. `Intake` does it itself for a document that comes otherwise."""

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
    name: Path | None = None
    """What it is called, where that is not its name on the disk."""

    @property
    def called(self) -> Path:
        """The path whose words say which lecture it is."""
        return self.name or self.path

    def said(self) -> tuple[LectureEntry | None, Kind | None]:
        """Return what `course.toml` says of the file: its lecture and its kind."""
        if self.page is None or self.root is None:
            return None, None
        inside = self.path.relative_to(self.root)
        return self.page.entry(inside), self.page.kind(inside)


def find_files(
    paths: Iterable[str | Path],
    course: str | None,
    leave_out: Path | None = None,
    names: Mapping[Path, str] = MappingProxyType({}),
) -> list[File]:
    """Return each file once, those with times first: of two transcripts the one with minutes is indexed.

    `leave_out` is a folder that is no lecture: the library's own. `names` says what files among `paths` are called,
    where that is not their name on the disk. Raises `UsageError` for a path that does not exist
    or a `course.toml` that is wrong, before anything is read.
    """
    found: list[File] = []
    for path in paths:
        try:
            found += _files(Path(path).expanduser(), course, leave_out.resolve() if leave_out else None)
        except (OSError, RuntimeError) as error:  # RuntimeError: no such user, or a loop of links
            reason = getattr(error, "strerror", "") or first_line(error)
            raise UsageError(f"cannot read {shown_path(Path(path))}: {reason}") from error
    found = [_renamed(file, names[file.given]) if file.given in names else file for file in found]
    unique = {file.path.absolute(): file for file in found}.values()
    return sorted(unique, key=lambda file: read.READERS.get(file.path.suffix.lower()) not in _TIMED)


def _renamed(file: File, name: str) -> File:
    """Return a file under another name; the first of its folders is its course, unless one was given."""
    called = Path(name)
    course = called.parts[0] if len(called.parts) > 1 else "Added"
    return dataclasses.replace(file, given=called, name=called, default_course=course)


def _files(given: Path, course: str | None, leave_out: Path | None) -> Iterator[File]:
    if given.is_dir():
        page = load_course(given)
        named = course if course is not None else (page.title or None if page else None)
        default = given.resolve().name
        for path in _walk(given, leave_out):
            yield File(path, path, given, named, default, page)
    elif given.is_file():
        yield File(given, given, None, course, given.resolve().parent.name)
    elif given.exists():
        raise UsageError(f"{given} is neither a file nor a folder")
    else:
        raise UsageError(f"there is no file or folder {shown_path(given)}")


def _walk(folder: Path, leave_out: Path | None) -> Iterator[Path]:
    """Yield the files under a folder in a stable order, hidden ones left out. Links to folders are not followed.

    Raises `OSError` for a folder that may not be read: what is in it would be missed without a word.
    """
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.name == "course.toml":
            continue
        if entry.is_dir() and not entry.is_symlink():
            if entry.resolve() != leave_out:
                yield from _walk(entry, leave_out)
        elif entry.is_file():
            yield entry


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Intake:
    """Makes store entries of documents, and remembers the paragraphs it has seen."""

    def __init__(self, dimension: int, passage_size: int, signatures: Iterable[Signature]) -> None:
        """`dimension` is of the vectors to come; `signatures` are of the paragraphs the library holds, oldest first."""
        self._no_vectors = np.empty((0, dimension), np.float32)
        self._passage_size = passage_size
        self._seen = SeenInMemory()
        self._seen.add(signatures)

    def entry(self, file: File, document: Document, source: str, course: str, sha256: str, copy_of: str) -> Entry:
        """Make the entry of a file that was read; `copy_of` names a document with the same bytes, or is empty."""
        document = _placed(dataclasses.replace(document, source=source, course=course, sha256=sha256), file)
        return self.clean_entry(file.path, document, copy_of)

    def clean_entry(self, path: Path, document: Document, copy_of: str = "") -> Entry:
        """Mark what a document repeats or advertises, and cut the rest."""
        self._seen.remove(document.source)  # an older version of the same file
        clean = document if isinstance(document, Cleaned) else cleaned(document)
        deduped = dedupe(clean, SeenInMemory() if copy_of else self._seen, clean.signatures())
        document, signatures = deduped.document, deduped.signatures
        if copy_of:
            document = _exclude_all(document, f"{REPEATED}{copy_of}")
            signatures = self._of_copy(signatures, copy_of)
        self._seen.add(signatures)
        passages = chunk.chunk(document, self._passage_size)
        words = [words_of(passage) for passage in passages]
        formulas = [" ".join(mathematics.terms(text)) for text in words]
        return Entry(path, document, passages, words, self._no_vectors, signatures, formulas)

    def _of_copy(self, signatures: Iterable[Signature], copy_of: str) -> tuple[Signature, ...]:
        """Return the signatures of a whole copy: of each paragraph, where it is indexed."""
        first = {row.exact: row for row in self._seen.rows.values() if row.source == copy_of and row.copy_of}
        return tuple(
            dataclasses.replace(signature, copy_of=of.copy_of, copy_exact=of.copy_exact)
            if (of := first.get(signature.exact))
            else dataclasses.replace(signature, copy_of=copy_of, copy_exact=signature.exact)
            for signature in signatures
        )


def without_repeats(document: Document) -> Document:
    """Return a document in which nothing is marked as a repeat, to be compared anew."""
    sections = (
        dataclasses.replace(section, excluded="") if section.excluded.startswith(REPEATED) else section
        for section in document.sections
    )
    return dataclasses.replace(document, sections=tuple(sections))


def _placed(document: Document, file: File) -> Document:
    """Return the document with kind, lecture and title as `course.toml`, the file's names or its heading say."""
    entry, kind = file.said()
    if isinstance(document, Cleaned) and kind not in (None, document.kind):
        document = document.undone()
    number = entry.number if entry else None
    if number is None:
        number = lecture_number(file.called, file.root)
    if number is None:
        number = number_in_heading(document.title)
    title = (entry.title if entry else "") or document.title or lecture_title(file.called, file.root, "")
    date = entry.date.isoformat() if entry and entry.date else ""
    return dataclasses.replace(document, kind=kind or document.kind, lecture=number, title=title, date=date)


def _exclude_all(document: Document, reason: str) -> Document:
    sections: tuple[Section, ...] = tuple(
        section if section.excluded else dataclasses.replace(section, excluded=reason) for section in document.sections
    )
    return dataclasses.replace(document, sections=sections)


def words_of(passage: Passage | Bare) -> str:
    """Return what a passage is matched and embedded by: what it stands under, and its text."""
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text
