"""Texts of like length together, so that little is spent on padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def by_length(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Yield indices in batches of like length, of `most` padded tokens, about; the shortest first.

    >>> list(by_length([2000, 10, 900], 2048))
    [[1, 2], [0]]
    """
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[i] * (len(batch) + 1) > most:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch
