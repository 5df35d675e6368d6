"""all-MiniLM-L6-v2 on CTranslate2 in int8, made from the published safetensors with NumPy alone (no torch).

Model: Wang et al. 2020, MiniLM (arXiv 2002.10957), trained for sentences by Reimers and Gurevych's
sentence-transformers: mean of the last layer's token vectors, then unit length, at most 256 tokens.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import numpy.typing as npt
import platformdirs
from filelock import FileLock
from tokenizers import Tokenizer

from lecta.embed.batches import by_length
from lecta.errors import ModelError, first_line
from lecta.protocols import Tokens, Vectors

MAX_TOKENS = 256  # what the model was trained for; sentence-transformers cuts there too
_BATCH_TOKENS = 768  # padded tokens in a batch: what a layer makes of more does not stay in a core's cache
_AHEAD = 2  # batches of each core that are begun before they are asked for
_CONVERSION = "ct2-int8-1"
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_START, _STOP, _THE = 101, 102, 1996  # tokens of BERT's uncased vocabulary: [CLS], [SEP], "the"


class MiniLM:
    """The default embedder, 384 dimensions. Questions and documents are embedded alike."""

    name = "all-MiniLM-L6-v2/int8"
    dimension = 384

    def __init__(self, folder: Path, threads: int = 0) -> None:
        """Open the model whose published files are in `folder`; the first time they are converted beside them.

        `threads` batches are read at once, 0 for one on each core.
        """
        # Each batch has a core of its own. Cores that share one meet after every layer, and wait there spinning: a
        # search in a new process took 0.2 s of processor time more.
        self._threads = threads or os.cpu_count() or 1
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._encoder = _open(folder, self._threads)
        except Exception as error:  # tokenizers raises the bare class
            raise ModelError(
                f"the embedder in {folder} cannot be loaded ({first_line(error)}): run `lecta models verify`"
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (len(texts), 384)."""
        token_ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for batch, states in self._states(token_ids):
            for row, i in enumerate(batch):
                mean = states[row, : len(token_ids[i])].mean(axis=0)
                vectors[i] = mean / np.linalg.norm(mean)
        return vectors

    def embed_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the last layer's states of each text's tokens; long texts are read in stretches of like length."""
        encodings = self._whole_tokenizer.encode_batch(list(texts), add_special_tokens=False)
        stretches = [(i, part) for i, encoding in enumerate(encodings) for part in _stretches(encoding.ids)]
        states: list[npt.NDArray[np.float32]] = [np.empty((0, self.dimension), np.float32)] * len(stretches)
        for batch, output in self._states([[_START, *part, _STOP] for _, part in stretches]):
            for row, i in enumerate(batch):
                states[i] = output[row, 1 : len(stretches[i][1]) + 1]
        found = []
        for i, encoding in enumerate(encodings):
            parts = [state for (of, _), state in zip(stretches, states, strict=True) if of == i]
            vectors = np.concatenate(parts) if parts else np.empty((0, self.dimension), np.float32)
            spans = np.array(encoding.offsets, np.int64).reshape(-1, 2)
            found.append(Tokens(spans, vectors, _rarity(np.array(encoding.ids))))
        return found

    def _states(self, token_ids: Sequence[Sequence[int]]) -> Iterator[tuple[list[int], npt.NDArray[np.float32]]]:
        """Yield indices of texts and their last layer's states, (texts, longest, 384), batch by batch."""
        lengths = [len(ids) for ids in token_ids]
        batches = list(by_length(lengths, min(_BATCH_TOKENS, -(-sum(lengths) // self._threads))))

        def read(batch: list[int]) -> npt.NDArray[np.float32]:
            return np.asarray(self._encoder.forward_batch([list(token_ids[i]) for i in batch]).last_hidden_state)

        if len(batches) < 2 or self._threads < 2:
            yield from ((batch, read(batch)) for batch in batches)
            return
        with ThreadPoolExecutor(self._threads, thread_name_prefix="lecta-embed") as pool:
            # Longest first, so that cores end together; a few ahead and no more: a batch's states are a megabyte.
            begun: deque[tuple[list[int], Future[npt.NDArray[np.float32]]]] = deque()
            for batch in reversed(batches):
                begun.append((batch, pool.submit(read, batch)))
                if len(begun) > _AHEAD * self._threads:
                    first, states = begun.popleft()
                    yield first, states.result()
            yield from ((batch, states.result()) for batch, states in begun)

    @cached_property
    def _whole_tokenizer(self) -> Tokenizer:
        """One of its own that cuts nothing: another thread may be embedding."""
        tokenizer = Tokenizer.from_str(self._tokenizer.to_str())
        tokenizer.no_truncation()
        return tokenizer

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (len(texts), 384)."""
        return self.embed_documents(texts)

    def knows_word(self, word: str) -> bool:
        """Tell whether a word (lower case) is one piece of the model's vocabulary; such are right words."""
        return self._tokenizer.token_to_id(word) is not None


def _stretches(ids: Sequence[int]) -> list[list[int]]:
    count = -(-len(ids) // (MAX_TOKENS - 2))
    return [list(part) for part in np.array_split(np.array(ids), count)] if count else []


def _rarity(ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return 0..1 by the place in BERT's vocabulary, which from "the" on is ordered by frequency.

    Before it stand single characters: letters are variables or "a" and "I".
    """
    places = np.clip((np.log(np.maximum(ids - _THE + 1, 1)) - 3) / 7, 0.0, 1.0)
    return np.where(ids < _THE, 0.3, places).astype(np.float32)


# --- conversion -------------------------------------------------------------------------------------------------------


def _open(folder: Path, threads: int) -> ctranslate2.Encoder:
    """Open the converted model; one that is damaged is converted again, once."""
    _make_quick()
    converted = _converted(folder)
    options: dict[str, Any] = {"device": "cpu", "compute_type": "int8", "inter_threads": threads, "intra_threads": 1}
    try:
        return ctranslate2.Encoder(str(converted), **options)
    except (RuntimeError, ValueError):
        shutil.rmtree(converted)
        return ctranslate2.Encoder(str(_converted(folder)), **options)


@cache
def _make_quick() -> None:
    """Let CTranslate2 use all that the processor has, and glibc keep the memory that it uses again and again.

    CTranslate2 takes AVX-512 only where it is told to (a tenth less processor time), and asks for the memory of every
    layer anew: glibc gave it back to the system each time, and a fifth of the time went to the pages it got again.
    """
    features = getattr(getattr(np, "_core", None), "_multiarray_umath", None)
    if getattr(features, "__cpu_features__", {}).get("AVX512_ICL"):  # older ones slow down where it is used
        os.environ.setdefault("CT2_FORCE_CPU_ISA", "AVX512")
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None and "MALLOC_TRIM_THRESHOLD_" not in os.environ:
            mallopt(_MMAP_THRESHOLD, 32 << 20)  # the most; setting the other stops glibc from raising it by itself
            mallopt(_TRIM_THRESHOLD, 64 << 20)


def _converted(folder: Path) -> Path:
    """Return the model in CTranslate2's format, converting it once; safe with two processes at a time.

    It stands beside the published files or, where those cannot be written to, in the user's cache.
    """
    beside = folder / _CONVERSION
    if beside.is_dir() or os.access(folder, os.W_OK):
        return _converted_in(folder, folder)
    private = platformdirs.user_cache_path("lecta", appauthor=False) / "converted"
    private.mkdir(parents=True, exist_ok=True)
    return _converted_in(private, folder)


def _converted_in(place: Path, folder: Path) -> Path:
    converted = place / _CONVERSION
    if converted.is_dir():
        return converted
    with FileLock(place / f"{_CONVERSION}.lock"):
        if not converted.is_dir():
            scratch = place / f".converting-{os.getpid()}"
            scratch.mkdir()
            try:
                _specification(folder).save(str(scratch))
                scratch.replace(converted)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return converted


def _specification(folder: Path) -> Any:
    """Fill CTranslate2's encoder from the safetensors and quantise it."""
    from ctranslate2.specs import common_spec, transformer_spec
    from safetensors.numpy import load_file

    weights: dict[str, npt.NDArray[np.float32]] = load_file(folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    encoder = transformer_spec.TransformerEncoderSpec(
        config["num_hidden_layers"],
        config["num_attention_heads"],
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=2,
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
    )
    encoder.embeddings[0].weight = weights["embeddings.word_embeddings.weight"]
    encoder.embeddings[1].weight = weights["embeddings.token_type_embeddings.weight"]
    encoder.position_encodings.encodings = weights["embeddings.position_embeddings.weight"]
    encoder.scale_embeddings = False
    _set_norm(encoder.layernorm_embedding, weights, "embeddings.LayerNorm")
    for i, layer in enumerate(encoder.layer):
        _set_layer(layer, weights, f"encoder.layer.{i}.")
    specification = transformer_spec.TransformerEncoderModelSpec(encoder, pooling_layer=False)
    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    specification.register_vocabulary(sorted(vocabulary, key=vocabulary.__getitem__))
    specification.config.unk_token = "[UNK]"
    specification.config.layer_norm_epsilon = config["layer_norm_eps"]
    specification.validate()
    specification.optimize(quantization="int8")
    return specification


def _set_layer(layer: Any, weights: dict[str, npt.NDArray[np.float32]], prefix: str) -> None:
    projections = [f"{prefix}attention.self.{name}" for name in ("query", "key", "value")]
    layer.self_attention.linear[0].weight = np.concatenate([weights[f"{name}.weight"] for name in projections])
    layer.self_attention.linear[0].bias = np.concatenate([weights[f"{name}.bias"] for name in projections])
    _set_linear(layer.self_attention.linear[1], weights, f"{prefix}attention.output.dense")
    _set_norm(layer.self_attention.layer_norm, weights, f"{prefix}attention.output.LayerNorm")
    _set_linear(layer.ffn.linear_0, weights, f"{prefix}intermediate.dense")
    _set_linear(layer.ffn.linear_1, weights, f"{prefix}output.dense")
    _set_norm(layer.ffn.layer_norm, weights, f"{prefix}output.LayerNorm")


def _set_norm(spec: Any, weights: dict[str, npt.NDArray[np.float32]], prefix: str) -> None:
    spec.gamma, spec.beta = weights[f"{prefix}.weight"], weights[f"{prefix}.bias"]


def _set_linear(spec: Any, weights: dict[str, npt.NDArray[np.float32]], prefix: str) -> None:
    spec.weight, spec.bias = weights[f"{prefix}.weight"], weights[f"{prefix}.bias"]
