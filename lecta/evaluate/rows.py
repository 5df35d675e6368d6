"""Files of questions and judgements, one JSON object a line."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from lecta.errors import UsageError


def read_jsonl(path: Path, required: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the rows of a JSON-lines file. Raises `UsageError` naming the line that is wrong and what it lacks."""
    rows = []
    try:
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                if not line.strip():
                    continue
                row = json.loads(line)
                missing = [name for name in required if not isinstance(row, dict) or name not in row]
                if missing:
                    raise UsageError(f"{path}, line {number} has no {', '.join(missing)}")
                rows.append(row)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not JSON, one object a line: {error}") from error
    if not rows:
        raise UsageError(f"{path} has no rows")
    return rows


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Return judgements of a BEIR qrels file: query id -> document id -> grade."""
    qrels: dict[str, dict[str, int]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                qrels.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path} is not a qrels table (query-id, corpus-id, score, tab between): {error!r}") from error
    return qrels
