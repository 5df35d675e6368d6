"""What one measurement of ranking keeps: every question, what was found for it, and its measures.

A run is a JSON file, so that a later one can be compared with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lecta.errors import UsageError
from lecta.settings import Settings
from lecta.types import Hit

EXCERPT = 240
"""Characters of a text that are kept, enough to recognise it."""


@dataclass(frozen=True, slots=True)
class Found:
    """One ranked thing: a document of a collection, or a lecture by its best passage."""

    item: str
    """Its id, or the lecture's number."""
    grade: int
    """How relevant it is by the judgements; 0 is not."""
    rank: int | None = None
    """From 1; None for a relevant one that was not found."""
    score: float | None = None
    source: str = ""
    kind: str = ""
    lecture: int | None = None
    title: str = ""
    page: int | None = None
    start_time: float | None = None
    end_time: float | None = None
    text: str = ""
    """Its beginning."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One question, what was found for it, and how good that is."""

    id: str
    text: str
    rank: int | None
    """Of the first relevant thing, or None."""
    measures: Mapping[str, float]
    found: tuple[Found, ...]
    """The first ten, and every relevant one below them."""
    missed: tuple[Found, ...] = ()
    """The relevant ones that were not found."""


@dataclass(frozen=True, slots=True)
class Run:
    """A set of questions measured once."""

    name: str
    """Of the set of questions, "scifact/train"."""
    measures: Mapping[str, float]
    """Means over the questions."""
    queries: int
    seconds: float
    results: tuple[Judged, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the ranking was made with."""


def found(item: str, grade: int, rank: int, hit: Hit) -> Found:
    """Return what is kept of a hit."""
    passage = hit.passage
    return Found(
        item, grade, rank, round(hit.score, 6), passage.source, passage.kind, passage.lecture, passage.title,
        passage.page, passage.start_time, passage.end_time, excerpt(passage.text),
    )  # fmt: skip


def excerpt(text: str) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1].rstrip() + "…"


def described(settings: Settings, embedder: str) -> dict[str, Any]:
    """Return what a ranking depends on; no folders and no keys."""
    left_out = {"library", "models", "model", "base_url", "api_key", "speech_model", "language", "ocr"}
    left_out |= {
        "embedder",
        "embedder_base_url",
        "embedder_api_key",
        "passages",
        "max_tokens",
        "context_tokens",
        "threads",
    }
    return {"embedder": embedder} | settings.model_dump(mode="json", exclude=left_out)


def to_json(run: Run) -> dict[str, Any]:
    """Return a run as `lecta eval --json` prints it."""
    return asdict(run)


def check_target(path: Path) -> None:
    """Raise `UsageError` when a file cannot be written there, before minutes are spent on what goes into it."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file in it")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {path.parent}")


def save(run: Run, path: Path) -> None:
    """Write a run as JSON."""
    text = json.dumps(to_json(run), ensure_ascii=False, indent=1) + "\n"
    path.write_text(text, encoding="utf-8", errors="replace")  # JSON can spell half a surrogate pair


def load(path: Path) -> Run:
    """Read a run. Raises `UsageError` when the file is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}; keep a run with --out FILE") from error
    try:
        results = tuple(_judged(row) for row in content["results"])
        return Run(
            str(content["name"]), dict(content["measures"]), int(content["queries"]), float(content["seconds"]),
            results, dict(content["settings"]),
        )  # fmt: skip
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path} is not a run of `lecta eval beir` or `exam`: keep one with --out FILE") from error


def _judged(row: dict[str, Any]) -> Judged:
    return Judged(
        str(row["id"]),
        str(row["text"]),
        row["rank"],
        {str(name): float(value) for name, value in row["measures"].items()},
        tuple(Found(**one) for one in row["found"]),
        tuple(Found(**one) for one in row["missed"]),
    )
