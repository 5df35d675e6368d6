"""Embedders behind an OpenAI-compatible server: Ollama, vLLM, llama-server, the cloud."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from lecta.errors import ModelError, first_line
from lecta.protocols import Vectors

OLLAMA = "http://127.0.0.1:11434/v1"
_BATCH = 64  # passages of 512 characters: some 8,000 tokens, below what servers take in one request


class ServerEmbedder:
    """A model by name on a server that speaks the OpenAI embeddings protocol. Questions are embedded as documents."""

    def __init__(self, name: str, *, base_url: str, api_key: str = "", dimension: int = 0) -> None:
        """`name` is "openai:NAME" or "ollama:NAME"; `dimension` is the library's, 0 before there is one.

        Nothing is sent before the first text.
        """
        self.name = name
        self._base_url = base_url or (OLLAMA if name.startswith("ollama:") else "")
        self._api_key = api_key
        self._dimension = dimension

    @property
    def dimension(self) -> int:
        """Length of a vector; where it is not known yet, the server is asked. Raises `ModelError`."""
        if not self._dimension:
            self._asked(["dimension"])
        return self._dimension

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (len(texts), dimension). Raises `ModelError` when the server fails."""
        vectors = [self._asked(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        return np.concatenate(vectors) if vectors else np.empty((0, self.dimension), np.float32)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (len(texts), dimension). Raises `ModelError` when the server fails."""
        return self.embed_documents(texts)

    @cached_property
    def _client(self) -> Any:
        import openai  # 0.75 s

        # A server of one's own wants no key, but the client wants some text.
        key = self._api_key or os.environ.get("OPENAI_API_KEY") or "none"
        return openai.OpenAI(base_url=self._base_url or None, api_key=key, max_retries=2)

    def _asked(self, texts: Sequence[str]) -> Vectors:
        import openai

        client = self._client
        where = f"the server at {client.base_url}"
        try:
            reply = client.embeddings.create(
                model=self.name.partition(":")[2], input=list(texts), encoding_format="float"
            )
            rows = [item.embedding for item in sorted(reply.data, key=lambda item: item.index)]
            vectors = np.array(rows, np.float32)
        except openai.APIConnectionError as error:
            raise ModelError(
                f"no server answers at {client.base_url} for embedder {self.name}: start it or set "
                "LECTA_EMBEDDER_BASE_URL"
            ) from error
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise ModelError(
                f"{where} wants another key for embedder {self.name}: set LECTA_EMBEDDER_API_KEY"
            ) from error
        except openai.OpenAIError as error:
            raise ModelError(f"{where} refused embedder {self.name}: {first_line(error)}") from error
        except (AttributeError, TypeError, ValueError) as error:  # what came back is no such JSON
            raise ModelError(f"{where} gave embedder {self.name} no vectors: {first_line(error)}") from error
        return self._checked(vectors, len(texts), where)

    def _checked(self, vectors: Vectors, count: int, where: str) -> Vectors:
        """Return the vectors at unit length, if there are as many, and as long, as there must be."""
        if vectors.ndim != 2 or len(vectors) != count or not vectors.shape[1]:
            raise ModelError(f"{where} gave embedder {self.name} {len(vectors)} vectors for {count} texts")
        if self._dimension and vectors.shape[1] != self._dimension:
            raise ModelError(
                f"{where} gave embedder {self.name} vectors of {vectors.shape[1]} numbers and the library holds "
                f"{self._dimension}: it is another model by that name; run `lecta reindex --embedder {self.name}`"
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise ModelError(f"{where} gave embedder {self.name} a vector that has no direction")
        self._dimension = vectors.shape[1]
        unit: Vectors = vectors / lengths
        return unit
