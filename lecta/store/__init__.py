"""Lance tables: `documents`, `passages` and `signatures`, in one folder; every change is atomic over all three.

`state.json` names the version of each table that is the library, and the folder they are in (the library's own until it
is reindexed), and is replaced in one step at the end of a change.
Readers open those versions and never wait. Writers take turns by a file lock, which the kernel frees when a process
dies; whoever finds versions newer than the state names, left by a writer that was killed, goes back to the state first.

Words are found by Lance's BM25 index (Snowball stemming for English), vectors exactly, by reading them all, up to
`EXACT_BELOW` passages. What has been written since an index was built is searched as well. A passage may be stored
before it has a vector, which is null until `give_vectors`; it is found by its words.
"""

from __future__ import annotations

from lecta.store.entries import Bare, Besides, Entry, Stored, document_id, shown_path
from lecta.store.layout import EXACT_BELOW, FORMAT, Recipe
from lecta.store.searching import Searcher
from lecta.store.state import made_recipe
from lecta.store.upkeep import Upkeep

__all__ = [
    "EXACT_BELOW", "FORMAT", "Bare", "Besides", "Entry", "Recipe", "Store", "Stored", "document_id", "made_recipe",
    "shown_path",
]  # fmt: skip


class Store(Searcher, Upkeep):
    """One library's tables. Satisfies `lecta.protocols.PassageIndex`."""
