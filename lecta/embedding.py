"""The vectors of passages that were stored without them: equal texts once, in order of length, stored bit by bit.

Killed at any moment, the passages that have theirs keep them; whoever adds next makes the rest.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from filelock import FileLock, Timeout

from lecta.intake import words_of
from lecta.protocols import Embedder, Vectors
from lecta.store import Bare, Store

OnEmbedded = Callable[[int, int], None]
"""Called with the passages that have their vectors and those in all that were without."""

_WINDOW = 8192  # passages put in order of length at a time; a few megabytes of text
_AT_ONCE = 256  # texts between two looks at the clock: a second or two on two cores, which wait for each other after
_COMMIT_SECONDS = 3.0  # no more work than this, and one part, is lost by a kill; a commit takes a tenth of a second


def give_vectors(
    store: Store,
    embedder: Callable[[], Embedder],
    on_embedded: OnEmbedded | None = None,
    ids: Sequence[str] | None = None,
) -> None:
    """Give every passage of the library, or of the documents `ids`, its vector; `embedder` is opened where one lacks.

    One process does this for a library at a time. Another waits until that is done or gone, and does what is left;
    with `ids` it leaves them to the one that is at it. Raises what the embedder and the store raise.
    """
    if not store.bare(1, ids):
        return
    lock = FileLock(store.folder / ".vectors.lock")
    if not _acquired(lock, store, on_embedded, is_waiting=ids is None):
        return
    try:
        done, total = 0, store.bare_count()
        while bare := store.bare(_WINDOW, ids):
            for given in _in_parts(store, embedder(), bare):
                done += given
                if on_embedded:
                    on_embedded(min(done, total), total)
    finally:
        lock.release()


def _acquired(lock: FileLock, store: Store, on_embedded: OnEmbedded | None, *, is_waiting: bool) -> bool:
    total = store.bare_count()
    while True:
        try:
            lock.acquire(timeout=1.0 if is_waiting else 0.0)
            return True
        except Timeout:
            if not is_waiting:
                return False
            if on_embedded:
                on_embedded(max(total - store.bare_count(), 0), total)


def _in_parts(store: Store, embedder: Embedder, bare: Sequence[Bare]) -> Iterator[int]:
    """Embed and store; yield how many passages each part was. A part is stored while the next is embedded."""
    alike: dict[str, list[Bare]] = defaultdict(list)
    for one in bare:
        alike[words_of(one)].append(one)
    texts = sorted(alike, key=len)
    ready: list[Bare] = []
    vectors: list[Vectors] = []
    storing: list[tuple[Future[None], int]] = []
    committed = time.monotonic()
    with ThreadPoolExecutor(1, thread_name_prefix="lecta-store") as pool:
        for start in range(0, len(texts), _AT_ONCE):
            part = texts[start : start + _AT_ONCE]
            for text, vector in zip(part, embedder.embed_documents(part), strict=True):
                ready += alike[text]
                vectors += [vector] * len(alike[text])
            if time.monotonic() - committed > _COMMIT_SECONDS or start + _AT_ONCE >= len(texts):
                yield from _stored(storing)
                storing.append((pool.submit(store.give_vectors, ready, np.stack(vectors)), len(ready)))
                ready, vectors, committed = [], [], time.monotonic()
        yield from _stored(storing)


def _stored(storing: list[tuple[Future[None], int]]) -> Iterator[int]:
    """Wait for what is being stored and yield how many passages that is. Raises what storing raised."""
    while storing:
        future, count = storing.pop()
        future.result()
        yield count
