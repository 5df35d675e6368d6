"""Which files make one lecture, and in which order the lectures of a course come. Pure functions over paths.

A folder may say it outright in `course.toml`:

    title = "Deep Learning"

    [[lecture]]
    number = 2
    title = "Training neural networks"
    date = 2024-02-26
    files = ["02/*.pdf", "transcripts/*-02-*.txt"]

    [[kind]]
    kind = "speech"
    files = ["transcripts/*.txt"]

Files are globs inside the folder: `*` and `?` stay within one folder, `**` crosses folders. The first entry that
matches a file counts; what no entry names is grouped by its number, folder and date as without the page.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Protocol, get_args

from lecta.errors import UsageError, first_line
from lecta.lectures.naming import lecture_date, lecture_number, lecture_title, number_in_heading, title_in_heading
from lecta.types import Kind

FILE_NAME = "course.toml"


class Row(Protocol):
    """What is needed of a file; `lecta.types.DocumentRecord` has it."""

    @property
    def source(self) -> str:
        """The path as given."""

    @property
    def kind(self) -> Kind:
        """What it is."""

    @property
    def course(self) -> str:
        """Its course, or empty."""

    @property
    def lecture(self) -> int | None:
        """Its number where the file says so."""

    @property
    def title(self) -> str:
        """Its first heading."""

    @property
    def date(self) -> str:
        """ "2024-02-26" where it is known, else empty."""

    @property
    def passages(self) -> int:
        """How many it gave."""

    @property
    def beside(self) -> int:
        """How many of them have a place beside them."""


@dataclass(frozen=True, slots=True)
class Lecture:
    """Files of one lecture. Lectures of a course come in the order of `order`, which counts from 1."""

    course: str
    order: int
    number: int | None
    title: str
    date: datetime.date | None
    sources: tuple[str, ...]
    kinds: Mapping[str, int]
    """Files of each kind."""
    passages: int
    aligned: int = 0
    """Passages of speech that know their slide."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One `[[lecture]]` of `course.toml`."""

    number: int | None
    title: str
    date: datetime.date | None
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """What `course.toml` says."""

    title: str = ""
    lectures: tuple[Entry, ...] = ()
    kinds: tuple[tuple[Kind, tuple[str, ...]], ...] = ()

    def entry(self, inside: PurePath) -> Entry | None:
        """Return the lecture that names a file, given its path inside the course's folder."""
        return next((entry for entry in self.lectures if _matches(inside, entry.files)), None)

    def kind(self, inside: PurePath) -> Kind | None:
        """Return the kind that the page gives a file."""
        return next((kind for kind, files in self.kinds if _matches(inside, files)), None)


def load_course(folder: Path) -> Course | None:
    """Return what a folder's `course.toml` says, or None without one. Raises `UsageError` naming file and key."""
    path = folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {first_line(error)}") from error
    return parse_course(text, str(path))


def parse_course(text: str, where: str = FILE_NAME) -> Course:
    """Return what a `course.toml` says. Raises `UsageError` naming `where` and the key."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where} is no TOML: {first_line(error)}") from error
    page = _Table(where, "", data)
    course = Course(
        title=page.text("title"),
        lectures=tuple(_entry(table) for table in page.tables("lecture")),
        kinds=tuple((_kind(table), table.globs("files")) for table in page.tables("kind")),
    )
    page.done()
    numbers = [entry.number for entry in course.lectures if entry.number is not None]
    twice = next((number for number in numbers if numbers.count(number) > 1), None)
    if twice is not None:
        raise UsageError(f"{where}: lecture.number {twice} is given twice")
    return course


def group(rows: Iterable[Row], root: PurePath | None = None, course: Course | None = None) -> list[Lecture]:
    """Return the lectures that files make, in order: by course, then number, date and name.

    `root` is the folder that was added: names above it say nothing. Each row is in exactly one lecture.
    """
    placed = [_place(row, root, course) for row in rows]
    placed = _in_series(placed)
    groups: dict[tuple[str, str, object], list[_Placed]] = {}
    for place in placed:
        groups.setdefault(place.key, []).append(place)
    lectures = [_lecture(members) for members in groups.values()]
    lectures.sort(key=_order)
    orders: dict[str, int] = {}
    ordered = []
    for lecture in lectures:
        orders[lecture.course] = orders.get(lecture.course, 0) + 1
        ordered.append(replace(lecture, order=orders[lecture.course]))
    return ordered


@dataclass(frozen=True, slots=True)
class _Placed:
    """A file and what is known of its lecture."""

    row: Row
    path: PurePath
    number: int | None
    date: datetime.date | None
    title: str
    is_given: bool
    """`course.toml` says it."""

    @property
    def key(self) -> tuple[str, str, object]:
        """Files with equal keys are one lecture."""
        if self.number is not None:
            return self.row.course, "number", self.number
        if self.is_given:
            return self.row.course, "title", self.title
        if self.date is not None:
            return self.row.course, "date", self.date
        return self.row.course, "name", _lone_name(self.path)


def _lone_name(path: PurePath) -> str:
    """Return what unnumbered, undated files of one lecture share: a name, or the folder of "slides" and "notes"."""
    return lecture_title(path, None, "").casefold()


def _place(row: Row, root: PurePath | None, course: Course | None) -> _Placed:
    path = PurePath(row.source)
    inside = path.relative_to(root) if root is not None and path.is_relative_to(root) else path
    entry = course.entry(inside) if course else None
    if entry is not None:
        return _Placed(row, path, entry.number, entry.date, entry.title, is_given=True)
    number = row.lecture if row.lecture is not None else lecture_number(path, root)
    number = number_in_heading(row.title) if number is None else number
    title = lecture_title(path, root, row.title)
    date = datetime.date.fromisoformat(row.date) if row.date else lecture_date(path, root)
    return _Placed(row, path, number, date, title, is_given=False)


def _in_series(placed: Sequence[_Placed]) -> list[_Placed]:
    """Number "ai-10" where its neighbours "ai-01" to "ai-09" have numbers, though alone it may be a name."""
    series = {_pattern(place.path) for place in placed if place.number is not None and not place.is_given}
    found = []
    for place in placed:
        digits = re.findall(r"\d+", place.path.stem)
        if place.number is None and not place.is_given and _pattern(place.path) in series and digits:
            title = title_in_heading(place.row.title) or place.title
            found.append(replace(place, number=int(digits[-1]), title=title))
        else:
            found.append(place)
    return found


def _pattern(path: PurePath) -> tuple[str, str]:
    """Return a file's folder and its name with the last number blanked, empty when there is none."""
    stem, count = re.subn(r"\d{1,2}(?=\D*$)", "#", path.stem)
    return str(path.parent), stem if count else f"{path.stem}\0"


def _lecture(members: Sequence[_Placed]) -> Lecture:
    kinds: dict[str, int] = {}
    for place in members:
        kinds[place.row.kind] = kinds.get(place.row.kind, 0) + 1
    numbers = [place.number for place in members if place.number is not None]
    dates = [place.date for place in members if place.date is not None]
    return Lecture(
        course=members[0].row.course,
        order=0,
        number=numbers[0] if numbers else None,
        title=_best_title(members),
        date=min(dates, default=None),
        sources=tuple(sorted(place.row.source for place in members)),
        kinds=kinds,
        passages=sum(place.row.passages for place in members),
        aligned=sum(place.row.beside for place in members if place.row.kind == "speech"),
    )


def _best_title(members: Sequence[_Placed]) -> str:
    """Return the title given, else a slide deck's, else notes', else speech's; "Lecture 4" only where nobody knows."""
    rank = {"slides": 0, "notes": 1, "speech": 2}
    bare = re.compile(r"(?:Lecture|Week|Chapter|W|L) ?\d+|\d{4}-\d\d-\d\d|", re.IGNORECASE)
    best = min(
        members,
        key=lambda p: (not (p.is_given and p.title), bool(bare.fullmatch(p.title)), rank[p.row.kind], p.row.source),
    )
    return best.title or (f"Lecture {best.number}" if best.number is not None else best.path.stem)


def _order(lecture: Lecture) -> tuple[object, ...]:
    """Numbered lectures first, then dated ones, then by name."""
    number = lecture.number
    return (
        lecture.course.casefold(),
        (0, number) if number is not None else (1, 0) if lecture.date else (2, 0),
        lecture.date or datetime.date.max,
        lecture.title.casefold(),
        lecture.sources,
    )


def _entry(table: _Table) -> Entry:
    entry = Entry(table.number("number"), table.text("title"), table.date("date"), table.globs("files"))
    table.done()
    if entry.number is None and not entry.title:
        raise UsageError(f"{table.where}: {table.name} needs a number or a title")
    return entry


def _kind(table: _Table) -> Kind:
    kind = table.text("kind")
    table.globs("files")
    table.done()
    for known in get_args(Kind):
        if kind == known:
            return known  # type: ignore[no-any-return]
    raise UsageError(f'{table.where}: {table.name}.kind is "{kind}", not slides, speech or notes')


class _Table:
    """Takes values out of a table with errors that name the file and the key."""

    def __init__(self, where: str, name: str, data: Mapping[str, Any]) -> None:
        self.where = where
        self.name = name
        self._data = data
        self._known: list[str] = []

    def _take(self, key: str, kind: type[object], what: str) -> Any:
        self._known.append(key)
        value = self._data.get(key)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise UsageError(f"{self.where}: {self._path(key)} is {value!r}, not {what}")
        return value

    def _path(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def text(self, key: str) -> str:
        return str(self._take(key, str, "a text in quotes") or "").strip()

    def number(self, key: str) -> int | None:
        value = self._take(key, int, "a whole number")
        if value is not None and not 0 <= value <= 999:
            raise UsageError(f"{self.where}: {self._path(key)} is {value}, not between 0 and 999")
        return None if value is None else int(value)

    def date(self, key: str) -> datetime.date | None:
        value = self._take(key, datetime.date, "a date such as 2024-02-26")
        return value.date() if isinstance(value, datetime.datetime) else value

    def tables(self, key: str) -> list[_Table]:
        values = self._take(key, list, f"a list of tables [[{key}]]") or []
        for value in values:
            if not isinstance(value, dict):
                raise UsageError(f"{self.where}: {self._path(key)} is no list of tables [[{key}]]")
        return [_Table(self.where, f"{self._path(key)}[{i}]", value) for i, value in enumerate(values, 1)]

    def globs(self, key: str) -> tuple[str, ...]:
        values = self._take(key, list, 'a list such as ["02/*.pdf"]')
        if not values:
            raise UsageError(f'{self.where}: {self._path(key)} is missing: give a list such as ["02/*.pdf"]')
        for value in values:
            self._check_glob(key, value)
        return tuple(value.replace("\\", "/") for value in values)

    def _check_glob(self, key: str, value: object) -> None:
        shown = f"{self.where}: {self._path(key)} holds {value!r}"
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f"{shown}, not a path or a pattern")
        glob = value.replace("\\", "/")
        if glob.startswith(("/", "~")) or re.match(r"[A-Za-z]:", glob) or ".." in glob.split("/"):
            raise UsageError(f"{shown}, which leaves the folder: give a path inside it")
        if glob.count("[") != glob.count("]"):
            raise UsageError(f"{shown}, a pattern with an unclosed bracket")

    def done(self) -> None:
        """Refuse keys that nobody asked for."""
        unknown = sorted(set(self._data) - set(self._known))
        if unknown:
            known = ", ".join(sorted(self._known))
            raise UsageError(f'{self.where}: unknown key "{self._path(unknown[0])}"; known are {known}')


def _matches(inside: PurePath, globs: Iterable[str]) -> bool:
    return any(_pattern_of(glob).fullmatch(inside.as_posix()) for glob in globs)


def _pattern_of(glob: str) -> re.Pattern[str]:
    """Return a glob as a regular expression; a folder's name stands for all that is in it."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[!?[^\]/]+\])", glob.removeprefix("./").rstrip("/"))
    meaning = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pattern = ""
    for part in parts:
        if part in meaning:
            pattern += meaning[part]
        elif part.startswith("[") and part.endswith("]"):
            inner = part[1:-1].replace("\\", "\\\\")
            pattern += f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
        else:
            pattern += re.escape(part)
    try:
        return re.compile(pattern + "(?:/.*)?")
    except re.error:
        return re.compile(re.escape(glob))
