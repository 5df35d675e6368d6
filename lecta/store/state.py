"""`state.json`: which versions of the tables are the library, and where they are."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from lecta.errors import LibraryError, first_line
from lecta.store.layout import GENERATION, RECIPE_FILE, STATE_FILE, Recipe


@dataclass(frozen=True, slots=True)
class State:
    """What the library is: a version of each table, and whether their indexes are up to date."""

    versions: dict[str, int] = field(default_factory=dict)
    is_settled: bool = True
    """Indexes hold everything."""
    is_embedded: bool = True
    """Every passage has its vector."""
    folder: str = ""
    """Where the tables and their recipe are, within the library's folder."""
    since: float = 0.0
    """Seconds since the epoch when it became that folder; what was there before goes an hour later."""
    lexicon: str = ""
    """The file with what was made of all passages' texts when the indexes last held everything, or empty."""
    stamp: tuple[int, int] = field(default=(0, 0), compare=True)
    """Which file said so: a library that was deleted and made anew may have the same versions."""


def read_state(folder: Path) -> State:
    """Return the state of a library; of one that is not there yet, one that names no table. Raises `LibraryError`."""
    try:
        with (folder / STATE_FILE).open(encoding="utf-8") as stream:
            about = os.fstat(stream.fileno())
            given = json.load(stream)
        place = (given.get("folder", ""), given.get("since", 0.0), given.get("lexicon", ""))
        is_embedded, stamp = given.get("is_embedded", True), (about.st_ino, about.st_mtime_ns)
        return State(given["versions"], given["is_settled"], is_embedded, *place, stamp=stamp)
    except (FileNotFoundError, NotADirectoryError):
        return State()
    except (AttributeError, OSError, KeyError, TypeError, ValueError) as error:
        raise LibraryError(f"cannot open library {folder}: {STATE_FILE}: {cause(error)}") from error


def made_recipe(folder: Path) -> Recipe | None:
    """Return the recipe that a library was made by, or None where there is no library that this lecta can open."""
    try:
        made = json.loads((folder / read_state(folder).folder / RECIPE_FILE).read_text(encoding="utf-8"))
        return Recipe(**made)
    except (OSError, TypeError, ValueError, LibraryError):  # opening says what is wrong
        return None


def number_of(folder: str) -> int:
    """Return which of the folders for tables it is; the library's own is 0."""
    return int(folder.removeprefix(GENERATION) or 0)


def cause(error: BaseException) -> str:
    """Return in a line what Lance or the system raised, with what to do where that is known."""
    text = str(error)
    if "No space left" in text or "os error 28" in text:
        return "no space left on the disk; make room and add again, what was there is whole"
    if "Permission denied" in text or "Read-only file system" in text:
        return "no permission to write there; choose another folder with --library or LECTA_LIBRARY"
    if isinstance(error, NotADirectoryError | FileExistsError):
        return "it is not a folder; choose another with --library or LECTA_LIBRARY"
    return first_line(error)
