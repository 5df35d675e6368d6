"""Make minilm-reference.json: all-MiniLM-L6-v2 in float32, computed with NumPy alone, apart from any runtime.

usage: python tests/data/make_minilm_reference.py MODEL_DIR > tests/data/minilm-reference.json
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file
from tokenizers import Tokenizer

TEXTS = [
    "the chain rule in backpropagation",
    "What is the receptive field of a convolution?",
    "∂L/∂w₁ = ∂L/∂ŷ · w₂ · σ′(h) · x",
    "We multiply the derivative that comes in by the local derivative of the node, and pass the product on.",
    "Adam keeps a running mean of the gradient and of its square, and divides one by the root of the other.",
]
Array = npt.NDArray[np.float32]


def main(folder: Path) -> None:
    """Print a JSON list of {"text", "vector"}."""
    weights = load_file(folder / "model.safetensors")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    rows = [{"text": text, "vector": embed(weights, tokenizer.encode(text).ids)} for text in TEXTS]
    print(json.dumps([{"text": r["text"], "vector": [round(float(x), 6) for x in r["vector"]]} for r in rows]))


def embed(weights: dict[str, Array], ids: list[int]) -> Array:
    """Return the unit vector of a text's tokens, shape (384,)."""
    names = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    words, positions, types = (weights[f"embeddings.{name}.weight"] for name in names)
    x = norm(weights, "embeddings.LayerNorm", words[ids] + positions[: len(ids)] + types[0])
    for i in range(6):
        x = layer(weights, f"encoder.layer.{i}.", x)
    mean: Array = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


def layer(weights: dict[str, Array], prefix: str, x: Array) -> Array:
    """Return one transformer layer's output, shape (tokens, 384), post-norm as in BERT."""
    q, k, v = (heads(linear(weights, f"{prefix}attention.self.{name}", x)) for name in ("query", "key", "value"))
    scores = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
    attention = np.exp(scores - scores.max(-1, keepdims=True))
    attention /= attention.sum(-1, keepdims=True)
    mixed = (attention @ v).transpose(1, 0, 2).reshape(x.shape)
    x = norm(
        weights, f"{prefix}attention.output.LayerNorm", x + linear(weights, f"{prefix}attention.output.dense", mixed)
    )
    inner = linear(weights, f"{prefix}intermediate.dense", x)
    gelu = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
    return norm(
        weights, f"{prefix}output.LayerNorm", x + linear(weights, f"{prefix}output.dense", gelu.astype(np.float32))
    )


def heads(x: Array) -> Array:
    """Split (tokens, 384) into (12, tokens, 32)."""
    return x.reshape(len(x), 12, 32).transpose(1, 0, 2)


def linear(weights: dict[str, Array], prefix: str, x: Array) -> Array:
    """Return x W^T + b."""
    return x @ weights[f"{prefix}.weight"].T + weights[f"{prefix}.bias"]


def norm(weights: dict[str, Array], prefix: str, x: Array) -> Array:
    """Return layer normalisation over the last axis, epsilon 1e-12."""
    centred = x - x.mean(-1, keepdims=True)
    scaled: Array = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
    return scaled * weights[f"{prefix}.weight"] + weights[f"{prefix}.bias"]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
