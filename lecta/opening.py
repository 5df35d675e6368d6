"""What takes long to start, begun while the rest of lecta is imported: the embedder, the processes that read files.

It imports next to nothing, so that it can come first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from lecta import embed, models
from lecta.settings import Settings

if TYPE_CHECKING:
    from lecta.protocols import Embedder
    from lecta.read.limits import Worker


def embedder_ahead(settings: Settings) -> Callable[[], Embedder] | None:
    """Begin to open MiniLM in a thread, 0.15 s; return what waits for it, and raises what opening raised.

    None where the settings name another embedder, or its files are not here yet. A library made by another has no use
    for it.
    """
    model = models.find(models.EMBEDDER)
    if settings.embedder not in ("", "minilm", embed.MINILM) or not models.is_cached(model, settings.models):
        return None
    folder, threads = settings.models / model.name, settings.thread_count

    def opened() -> Embedder:
        from lecta.embed.minilm import MiniLM

        return MiniLM(folder, threads)

    pool = ThreadPoolExecutor(1, thread_name_prefix="lecta-embedder")
    future = pool.submit(opened)
    pool.shutdown(wait=False)
    return future.result


def readers_ahead(settings: Settings) -> tuple[Worker, ...]:
    """Start the processes that read files, 0.3 s of another core: as `Library.add` would, once it knows its files."""
    from lecta.clean.alone import PREPARED
    from lecta.read import PROCESSES
    from lecta.read.limits import Worker

    workers = tuple(Worker(ocr=settings.ocr, after=PREPARED) for _ in range(PROCESSES))
    for worker in workers:
        with contextlib.suppress(OSError, RuntimeError):  # it starts, or says why not, when a file is there to read
            worker.start()
    return workers
