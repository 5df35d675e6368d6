"""Any model of sentence-transformers, by its name on the hub or its folder; an extra, for it brings torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lecta.errors import ModelError, first_line
from lecta.protocols import Vectors

EXTRA = "pip install 'lecta[sentence-transformers]'"
_BATCH = 32


class SentenceTransformersEmbedder:
    """A sentence-transformers model, with the prompts that it names for questions and for documents."""

    def __init__(self, name: str, threads: int = 0) -> None:
        """Load the model of "st:NAME_OR_FOLDER". Raises `ModelError` when it or the extra is not there."""
        self.name = name
        try:
            import torch
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise ModelError(f"embedder {name} needs an extra: {EXTRA}") from error
        if threads:
            torch.set_num_threads(threads)
        try:
            self._model: Any = SentenceTransformer(self.name.partition(":")[2])
            self.dimension = int(self._model.encode(["dimension"]).shape[1])
        except Exception as error:  # of the hub, of safetensors, of torch
            raise ModelError(f"embedder {name} cannot be loaded: {first_line(error)}") from error

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (len(texts), dimension)."""
        return self._embedded(self._model.encode_document, texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (len(texts), dimension)."""
        return self._embedded(self._model.encode_query, texts)

    def _embedded(self, encode: Callable[..., Any], texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        vectors = encode(
            list(texts), batch_size=_BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        unit: Vectors = np.asarray(vectors, np.float32)
        return unit
