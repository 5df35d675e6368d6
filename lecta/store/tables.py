"""The folder of a library: its tables opened as they are published, and changed by one writer at a time."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Hashable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import lance
import pyarrow as pa
from filelock import FileLock

from lecta.errors import LibraryError
from lecta.store.layout import FORMAT, RECIPE_FILE, STATE_FILE, TABLES, Recipe, Row
from lecta.store.state import State, cause, read_state


class Tables:
    """The tables of one library, as its state names them for readers and as a writer has made them so far."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        """Open a library folder, which need not exist yet. Raises `LibraryError` when another recipe made it."""
        self.folder = folder
        self.recipe = recipe
        self._opened: dict[str, tuple[State, Any]] = {}
        self._session = lance.Session()  # type: ignore[attr-defined]
        self._checked: str | None = None
        self._memory: tuple[State, dict[Hashable, Any]] = (State(), {})
        self._check_recipe()

    def _table(self, name: str) -> Any | None:
        """Return a table as the state names it, or None before anything was added.

        It is kept open with its indexes until the state is another; opening anew takes longer than a search.
        """
        state = self._state()
        version = state.versions.get(name)
        if version is None:
            return None
        published, table = self._opened.get(name) or (None, None)
        if published != state:
            with self._failing("open"):
                if state.folder != self._checked:  # made or reindexed by another process since
                    self._check_recipe()
                table = lance.dataset(str(self.folder / state.folder / name), version=version, session=self._session)
            self._opened[name] = (state, table)
        return table

    def _rows(self, name: str, **scan: Any) -> list[Row]:
        """Return rows of a table, none before anything was added. Raises `LibraryError` when its files are damaged."""
        table = self._table(name)
        if table is None:
            return []
        with self._failing("read"):
            rows: list[Row] = table.to_table(**scan).to_pylist()
            return rows

    def _latest(self, name: str) -> Any | None:
        """Return a table as this writer has made it so far."""
        path = self._home() / name
        if not any((path / "_versions").glob("*.manifest")):
            return None
        return lance.dataset(str(path))

    def _state(self) -> State:
        return read_state(self.folder)

    def _home(self) -> Path:
        """Return the folder of the tables."""
        return self.folder / self._state().folder

    @contextlib.contextmanager
    def _writing(self, deed: str) -> Iterator[State]:
        """Hold the library's lock over one change, begun from the state that is published."""
        with self._failing(deed):
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock"):
                self._check_recipe()
                state = self._state()
                recipe = self.folder / state.folder / RECIPE_FILE
                if not recipe.exists():
                    self._replace_file(recipe, asdict(self.recipe))
                self._roll_back(state)
                yield state

    def _publish(self, state: State) -> None:
        """Make the tables as they are now the library."""
        tables = {name: self._latest(name) for name in TABLES}
        versions = {name: table.version for name, table in tables.items() if table is not None}
        self._write_state(replace(state, versions=versions))

    def _write_state(self, state: State) -> None:
        content = asdict(state)
        del content["stamp"]
        self._replace_file(self.folder / STATE_FILE, content)

    def _roll_back(self, state: State) -> None:
        """Undo what a writer left that was killed before it published."""
        for name in TABLES:
            table, version = self._latest(name), state.versions.get(name)
            if version is None:
                shutil.rmtree(self._home() / name, ignore_errors=True)
            elif table is not None and table.version != version:
                old: Any = lance.dataset(str(self._home() / name), version=version)
                old.restore()

    def _replace_file(self, path: Path, content: dict[str, Any]) -> None:
        partial = path.with_name(f"{path.name}.partial")
        with partial.open("w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)

    def _check_recipe(self) -> None:
        place = self._state().folder
        path = self.folder / place / RECIPE_FILE
        try:
            made = json.loads(path.read_text(encoding="utf-8"))
            newer = made["format"] > FORMAT
        except (FileNotFoundError, NotADirectoryError):
            return
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise LibraryError(f"cannot open library {self.folder}: {RECIPE_FILE}: {cause(error)}") from error
        if newer:
            raise LibraryError(
                f"library {self.folder} was made by a newer lecta (format {made['format']}): upgrade lecta"
            )
        if made["format"] < FORMAT:
            raise LibraryError(
                f"library {self.folder} was made by an older lecta (format {made['format']}, now {FORMAT}): "
                "add your lectures to another folder with --library, or remove this one and add them again"
            )
        wanted = asdict(self.recipe)
        if not self.recipe.dimension:  # an embedder that has not been asked yet
            wanted["dimension"] = made.get("dimension")
        differing = [name for name in wanted if made.get(name) != wanted[name]]
        if differing and self._checked not in (None, place):
            raise LibraryError(f"library {self.folder} was reindexed by another process just now: do this again")
        if differing:
            was = ", ".join(f"{name} {made.get(name)!r}" for name in differing)
            now = ", ".join(f"{name} {wanted[name]!r}" for name in differing)
            way = (
                "add your lectures" if "format" in differing else "change it with `lecta reindex`, or add your lectures"
            )
            raise LibraryError(
                f"library {self.folder} was made with {was} and now {now} is set: set it back, {way} to another folder "
                "with --library"
            )
        self.recipe = replace(self.recipe, dimension=made.get("dimension", self.recipe.dimension))
        self._checked = place

    def _check_length(self, found: set[int]) -> None:
        if not self.recipe.dimension and len(found) == 1:
            self.recipe = replace(self.recipe, dimension=found.pop())
        elif found != {self.recipe.dimension}:
            raise LibraryError(
                f"embedder {self.recipe.embedder!r} gave vectors of {', '.join(map(str, sorted(found)))} numbers and "
                f"library {self.folder} holds {self.recipe.dimension}: run `lecta reindex --embedder` with its name"
            )

    @contextlib.contextmanager
    def _failing(self, deed: str) -> Iterator[None]:
        """Turn what Lance and the system raise into one clear line."""
        try:
            yield
        except LibraryError:
            raise
        except (OSError, RuntimeError, ValueError, pa.ArrowException) as error:
            raise LibraryError(f"cannot {deed} library {self.folder}: {cause(error)}") from error
