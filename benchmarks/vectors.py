"""How long exact cosine search takes by size of the library: what `lecta.store.EXACT_BELOW` was chosen by.

usage: python -m benchmarks.vectors [SIZE ...]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa

from benchmarks import machine

DIMENSION, QUERIES = 384, 15


def main(sizes: list[int]) -> None:
    """Measure every size and write benchmarks/results/vectors.json."""
    machine.write("vectors", {"dimension": DIMENSION, "queries": QUERIES, "sizes": [measure(size) for size in sizes]})


def measure(size: int) -> dict[str, float]:
    """Return median and slowest milliseconds of the ten nearest of `size` unit vectors, after one warm-up."""
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "vectors")
        for start in range(0, size, 100_000):
            rows = random.standard_normal((min(100_000, size - start), DIMENSION), np.float32)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            column = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), DIMENSION)
            lance.write_dataset(pa.table({"vector": column}), path, mode="append" if start else "create")
        table = lance.dataset(path)
        times = []
        for _ in range(QUERIES + 1):
            query = random.standard_normal(DIMENSION, np.float32)
            started = time.perf_counter()
            table.to_table(
                columns=["_distance"],
                nearest={"column": "vector", "q": query, "k": 10, "metric": "cosine"},
                with_row_id=True,
            )
            times.append(1000 * (time.perf_counter() - started))
    return {
        "passages": size,
        "median_ms": round(statistics.median(times[1:]), 1),
        "slowest_ms": round(max(times[1:]), 1),
    }


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [4_000, 20_000, 100_000, 200_000, 500_000])
