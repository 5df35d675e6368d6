"""After changes: indexes, the lexicon, what is old; and a library made anew by another recipe."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, Self

from lecta.store.layout import GENERATION, LEXICON, RECIPE_FILE, TABLES, Recipe
from lecta.store.rows import texts_of
from lecta.store.state import State, made_recipe, number_of
from lecta.store.writing import Writer, index_signatures

_KEEP_VERSIONS = timedelta(hours=1)  # a reader that opened the library before a change still finds its files
_FRAGMENTS = 16  # more small files than this are rewritten as one


class Upkeep(Writer):
    """Keeps the tables quick and small, and puts others in their place."""

    def settle(self, make_lexicon: Callable[[Iterator[str]], dict[str, Any]] | None = None) -> None:
        """Bring indexes up to date and join small files; call after a run of changes.

        What `make_lexicon` makes of all passages' texts is kept beside the tables and published with them.
        """
        if self._state().is_settled:
            return
        with self._writing("index") as state:
            passages, signatures = self._latest("passages"), self._latest("signatures")
            bare = 0 if passages is None or state.is_embedded else passages.count_rows("vector IS NULL")
            if passages is not None:
                self._index(passages, not bare)
            if signatures is not None:
                index_signatures(signatures)
            for name in TABLES:
                table = self._latest(name)
                if table is not None and len(table.get_fragments()) > _FRAGMENTS:
                    table.optimize.compact_files()
            lexicon = self._write_lexicon(make_lexicon) if make_lexicon else ""
            self._publish(replace(state, is_settled=not bare, is_embedded=not bare, lexicon=lexicon))
            for name in TABLES:
                table = self._latest(name)
                if table is not None:
                    table.cleanup_old_versions(older_than=_KEEP_VERSIONS)
            self._forget_lexicons(lexicon)
            self._clear_old(state)

    def _write_lexicon(self, make: Callable[[Iterator[str]], dict[str, Any]]) -> str:
        """Write what is made of all texts to a file of its own; it is part of the library once the state names it."""
        passages = self._latest("passages")
        if passages is None:
            return ""
        name = f"{LEXICON}{passages.version}.json"
        self._replace_file(self._home() / name, make(texts_of(passages)))
        return name

    def _forget_lexicons(self, current: str) -> None:
        """Take away older ones, once no reader that has just read the state is about to open them."""
        for path in self._home().glob(f"{LEXICON}*.json"):
            if path.name != current and time.time() - path.stat().st_mtime > _KEEP_VERSIONS.total_seconds():
                path.unlink(missing_ok=True)

    def _clear_old(self, state: State) -> None:
        """Delete the tables that were the library before it was reindexed, an hour later."""
        if not state.folder or time.time() - state.since < _KEEP_VERSIONS.total_seconds():
            return
        for path in [*map(self.folder.joinpath, TABLES), *self.folder.glob(f"{GENERATION}*")]:
            if path.is_dir() and (path.name in TABLES or number_of(path.name) < number_of(state.folder)):
                shutil.rmtree(path, ignore_errors=True)

    def successor(self, recipe: Recipe) -> Self:
        """Return the store in which this library is made anew, begun already or empty; `replace_by` puts it in place.

        It lies in a folder of the library. What was begun by yet another recipe is deleted.
        """
        with self._writing("reindex") as state:
            folder = self.folder / f"{GENERATION}{number_of(state.folder) + 1}"
            made = made_recipe(folder)
            if made is not None and made != recipe:
                shutil.rmtree(folder)
            return type(self)(folder, recipe)

    @contextlib.contextmanager
    def replace_by(self, successor: Self) -> Iterator[None]:
        """Let no other writer in over the last changes of the successor, then make it the library, in one step.

        Readers who had opened the old tables can read them for an hour.
        """
        with self._writing("reindex"):
            yield
            made = successor._state()
            if not (successor.folder / RECIPE_FILE).exists():  # of a library that holds nothing
                successor.folder.mkdir(exist_ok=True)
                self._replace_file(successor.folder / RECIPE_FILE, asdict(successor.recipe))
            self._write_state(replace(made, folder=successor.folder.name, since=time.time()))
        self.recipe = successor.recipe
