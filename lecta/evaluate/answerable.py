"""Does lecta know which questions it can answer?

Rows with passages (or a file in SQuAD 2's own format) ask of those passages alone, by the near-miss calibrator, and of
a language model if one is given; rows without are searched for in a library, by the calibrator that `lecta ask` refuses
by. Balanced accuracy is the mean of the shares of answerable and of unanswerable questions that are told right; AUROC
the chance that an answerable one has the higher probability.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lecta.check import answerable, second_look
from lecta.errors import PromptTooLongError, UsageError
from lecta.evaluate.rows import read_jsonl
from lecta.library import Library
from lecta.protocols import ChatModel, Embedder, Leaning
from lecta.question.words import topic

Judged = tuple[int, float]
"""The label and the probability."""


def read(path: Path) -> list[dict[str, Any]]:
    """Return rows {"question", "label"} and, where the file has them, "passages". Raises `UsageError`."""
    if path.suffix == ".json":
        return _squad(path)
    rows = read_jsonl(path, ("question", "label"))
    for number, row in enumerate(rows, 1):
        if row["label"] not in (0, 1) or not isinstance(row["question"], str) or not row["question"].strip():
            raise UsageError(f"{path}, row {number}: the label is not 0 or 1, or the question is no text")
        passages = row.get("passages", [""])
        if not isinstance(passages, list) or not passages or not all(isinstance(one, str) for one in passages):
            raise UsageError(f"{path}, row {number}: the passages are no list of texts")
        if ("passages" in row) != ("passages" in rows[0]):
            raise UsageError(f"{path} has rows with and without passages: make it two files")
    return rows


def _squad(path: Path) -> list[dict[str, Any]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))["data"]
        return [
            {
                "article": article.get("title", ""),
                "question": asked["question"],
                "passages": [part["context"]],
                "label": int(not asked["is_impossible"]),
            }
            for article in data
            for part in article["paragraphs"]
            for asked in part["qas"]
        ]
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path} is not in SQuAD 2's format: {error!r}") from error


def sampled(rows: Sequence[dict[str, Any]], count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return `count` rows, as many answerable ones as not. Raises `UsageError` where there are not as many."""
    chance = random.Random(seed)
    groups = [[row for row in rows if row["label"] == label] for label in (1, 0)]
    if min(map(len, groups)) < count // 2:
        raise UsageError(f"there are not {count // 2} questions of each label to sample")
    return [row for group in groups for row in chance.sample(group, count // 2)]


def evaluate(
    rows: Sequence[Mapping[str, Any]],
    library: Library,
    *,
    ask_model: bool = False,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Judge every question, of its own passages or of the library; with `ask_model` by its model as well, of passages.

    Raises `UsageError` where there is no library, or a model that cannot be asked.
    """
    with_passages = "passages" in rows[0]
    if ask_model and not with_passages:
        raise UsageError("a model is asked of rows with passages: leave it out, or give such rows")
    if not with_passages and not library.store.count():
        raise UsageError(f"library {library.path} is empty: add the course first, or give rows with passages")
    model = library.chat if ask_model else None  # loaded only now, which takes a second
    started = time.perf_counter()
    threshold = 0.5 if with_passages else library.settings.answerable or 0.5
    judged: list[Judged] = []
    told: list[dict[str, Any]] = []
    for number, row in enumerate(rows, 1):
        if with_passages:
            chance = _near(row, library, model)
        else:
            coverage = library.coverage(row["question"])
            chance = coverage.probability
            row = dict(row) | {"coverage": coverage.verdict}  # noqa: PLW2901
        judged.append((row["label"], chance))
        told.append({name: row[name] for name in ("id", "question", "label", "coverage") if name in row})
        told[-1]["probability"] = round(chance, 4)
        on_step(number, len(rows))
    refused = {
        name: sum(label == wanted and chance < threshold for label, chance in judged)
        for name, wanted in (("answerable", 1), ("unanswerable", 0))
    }
    counts = {
        name: sum(label == wanted for label, _ in judged) for name, wanted in (("answerable", 1), ("unanswerable", 0))
    }
    return {
        "measures": measures(judged, threshold),
        "queries": len(judged),
        "seconds": round(time.perf_counter() - started, 3),
        "calibrator": "topic" if not with_passages else second_look.CALIBRATOR if model else "near miss",
        "model": model.name if model else None,
        "refused": refused,
        "of": counts,
        "questions": told,
    }


def _near(row: Mapping[str, Any], library: Library, model: ChatModel | None) -> float:
    """Return the probability that a row's passages answer it."""
    chance = near(row["question"], row["passages"], library.token_embedder)
    if model:
        with suppress(PromptTooLongError):  # by words and meaning alone
            chance = second_look.probability(chance, leaning(model, row["question"], row["passages"]))
    return chance


def near(question: str, passages: Sequence[str], embedder: Embedder) -> float:
    """Return the probability that passages on the topic of a question say what it asks."""
    found = answerable.features(answerable.Asked(question, tuple(topic(question)), {}), passages, embedder)
    return answerable.shipped()["near miss"].probability(found)


def leaning(model: ChatModel, question: str, passages: Sequence[str]) -> float:
    """Return a model's log-odds that passages say what is asked. Raises `UsageError` where it does not show them."""
    asked = second_look.conversation(question, passages)
    found = model.leaning(asked, second_look.YES, second_look.NO) if isinstance(model, Leaning) else None
    if found is None:
        raise UsageError(f"model {model.name} does not show how likely its words are: use `default`, with engine ik")
    return found


def measures(judged: Sequence[Judged], threshold: float) -> dict[str, float]:
    """Return balanced accuracy and AUROC; a measure that needs both labels is left out where there is one."""
    yes = [chance for label, chance in judged if label]
    no = [chance for label, chance in judged if not label]
    shares = [sum(c >= threshold for c in yes) / len(yes)] if yes else []
    shares += [sum(c < threshold for c in no) / len(no)] if no else []
    found = {"balanced accuracy" if yes and no else "accuracy": sum(shares) / len(shares)}
    if yes and no:
        wins = sum((a > b) + (a == b) / 2 for a in yes for b in no)
        found["AUROC"] = wins / (len(yes) * len(no))
    return found
