"""The embedder, opened in a thread while the rest of lecta is imported: 0.15 s of another core.

It imports next to nothing, so that it can come first.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from lecta import embed, models
from lecta.settings import Settings

if TYPE_CHECKING:
    from lecta.protocols import Embedder


def embedder_ahead(settings: Settings) -> Callable[[], Embedder] | None:
    """Begin to open MiniLM; return what waits for it, and raises what opening raised.

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
