"""How near each stage is to what this machine allows: its memory bandwidth and arithmetic, and the models beside them.

usage: python -m benchmarks.limits [--model default] [--rounds 5]

Bandwidth is that of reading one large array with every core; arithmetic that of NumPy's float32 matrix product.
Writing a token reads the whole model once, so bandwidth bounds it; reading a prompt and embedding passages multiply
matrices, so arithmetic bounds them. Where a processor multiplies bytes faster than floats, a share may be above 1.
Writes benchmarks/results/limits.json, which docs/speed.md shows.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from lecta import models
from lecta.library import Library
from lecta.settings import Settings, load
from lecta.types import Message

NOTES = Path(__file__).parents[1] / "examples" / "course"
_ARRAY_MB, _SIDE = 512, 2048
_PROMPT_TOKENS, _WRITTEN_TOKENS, _PASSAGES = 512, 64, 128
_LAYERS, _WIDTH, _INNER = 6, 384, 1536  # of MiniLM


def main() -> None:
    """Measure in alternation and write."""
    parser = argparse.ArgumentParser(description="how near each stage is to what this machine allows")
    parser.add_argument("--model", default="default")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    settings = load(model=given.model)
    library = Library(settings=settings)
    passages = _passages()
    token_ids = [len(one.vectors) + 2 for one in library.token_embedder.embed_tokens(passages)]
    taken: dict[str, list[float]] = {"bandwidth": [], "arithmetic": [], "embed": [], "read": [], "write": []}
    for _ in range(given.rounds):
        taken["bandwidth"].append(_bandwidth(settings.thread_count))
        taken["arithmetic"].append(_arithmetic())
        taken["embed"].append(len(passages) / _seconds(lambda: library.embedder.embed_documents(passages)))
        read, written = _chat(library)
        taken["read"].append(read)
        taken["write"].append(written)
    machine.write("limits", _result(settings, taken, token_ids))


def _result(settings: Settings, taken: dict[str, list[float]], token_ids: list[int]) -> dict[str, Any]:
    median = {name: statistics.median(values) for name, values in taken.items()}
    model = models.find(settings.model)
    parameters = _parameters(settings.models / model.name / model.files[0].name)
    work = statistics.mean(_embedding_work(count) for count in token_ids)
    return {
        "rounds": len(taken["embed"]),
        "bandwidth_gb_s": round(median["bandwidth"] / 1e9, 1),
        "float32_gflop_s": round(median["arithmetic"] / 1e9, 1),
        "embedding": {
            "passages_s": round(median["embed"], 1),
            "tokens_a_passage": round(statistics.mean(token_ids), 1),
            "share_of_float32": round(median["embed"] * work / median["arithmetic"], 3),
        },
        "reading": {
            "model": model.name,
            "tokens_s": round(median["read"], 1),
            "share_of_float32": round(median["read"] * 2 * parameters / median["arithmetic"], 3),
        },
        "writing": {
            "tokens_s": round(median["write"], 1),
            "tokens_s_by_bandwidth": round(median["bandwidth"] / model.size, 1),
            "share_of_bandwidth": round(median["write"] * model.size / median["bandwidth"], 3),
        },
    }


def _bandwidth(threads: int) -> float:
    """Return bytes read a second, by every core at once; each sums its own part, far larger than the caches."""
    parts = np.array_split(np.ones(_ARRAY_MB * 2**20 // 8), threads)
    with ThreadPoolExecutor(threads) as pool:
        took = _seconds(lambda: list(pool.map(np.sum, parts)))
    return float(_ARRAY_MB * 2**20 / took)


def _arithmetic() -> float:
    """Return float32 operations a second of a large matrix product."""
    matrix = np.ones((_SIDE, _SIDE), np.float32)
    return 2 * _SIDE**3 / _seconds(lambda: matrix @ matrix)


def _embedding_work(tokens: int) -> float:
    """Return the operations of one passage: the layers' matrices, and attention, which grows with its square."""
    layer = 4 * _WIDTH**2 + 2 * _WIDTH * _INNER
    return float(_LAYERS * tokens * (2 * layer + 4 * tokens * _WIDTH))


def _chat(library: Library) -> tuple[float, float]:
    """Return tokens read and tokens written a second, with nothing read ahead."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(NOTES.rglob("*.md")))
    chat: Any = library.chat  # a GGUF model, which counts tokens
    count = chat.count_tokens
    prompt = text[: int(len(text) * _PROMPT_TOKENS / count(text))]
    # Another beginning each time, so that nothing a model keeps of an earlier prompt helps.
    messages = [Message("user", f"{time.monotonic_ns()}\n{prompt}\nRetell this at length.")]
    started = time.perf_counter()
    pieces = iter(chat.stream(messages, _WRITTEN_TOKENS))
    written = [next(pieces)]
    first = time.perf_counter()
    written += pieces
    ended = time.perf_counter()
    return count(messages[0].content) / (first - started), (count("".join(written)) - 1) / (ended - first)


def _parameters(gguf: Path) -> int:
    """Return how many weights a model has."""
    import cyllama.llama.llama_cpp as llama

    options = llama.LlamaModelParams()
    options.n_gpu_layers = 0
    return int(llama.LlamaModel(str(gguf), options).n_params)


def _passages() -> list[str]:
    """Return pieces of the length that lecta cuts, from the sample course's notes."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(NOTES.rglob("*.md")))
    starts = range(0, max(len(text) - 480, 1), max((len(text) - 480) // _PASSAGES, 1))
    return [text[start : start + 480] for start in starts][:_PASSAGES]


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
