"""Answers and passages as JSON and back, without loss."""

from __future__ import annotations

from functools import cache
from typing import Any

from lecta.types import Answer, Hit


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def dump_answer(answer: Answer) -> Any:
    """Return an answer as JSON holds it."""
    return _adapter(Answer).dump_python(answer, mode="json")


def load_answer(value: Any) -> Answer:
    """Return the answer that was dumped. Raises `ValueError` for anything else."""
    answer: Answer = _adapter(Answer).validate_python(value)
    return answer


def dump_hits(hits: tuple[Hit, ...]) -> Any:
    """Return passages as JSON holds them."""
    return _adapter(tuple[Hit, ...]).dump_python(hits, mode="json")


def load_hits(value: Any) -> tuple[Hit, ...]:
    """Return the passages that were dumped. Raises `ValueError` for anything else."""
    hits: tuple[Hit, ...] = _adapter(tuple[Hit, ...]).validate_python(value)
    return hits
