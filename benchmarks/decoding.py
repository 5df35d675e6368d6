"""Writing with drafts against plain greedy decoding: the same tokens, in what time?

usage: python -m benchmarks.decoding QUESTIONS.jsonl LIBRARY [--only N] [--tokens 200] [--model MODEL]

Each question's prompt is the one that `ask` makes of the passages found. The reply is written twice after the prompt is
read, plain and with drafts, the first of the two in turns; the seconds are those from its first piece to its end. Any
difference in the words is an error. Writes benchmarks/results/decoding.json.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine
from lecta.answer.llama import LlamaChat
from lecta.evaluate.rows import read_jsonl
from lecta.library import Library
from lecta.settings import load
from lecta.types import Message


class Listening:
    """A chat model that writes down what it is asked."""

    name = "listening"
    messages: Sequence[Message] = ()

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
        """Keep the conversation."""
        self.messages = messages
        yield "So."


def main(questions: Path, folder: Path, only: int | None, tokens: int, model: str | None) -> None:
    """Write every reply twice and compare."""
    library = Library(folder, settings=load(model=model, states_mb=0))
    chat = library.chat
    if not isinstance(chat, LlamaChat):
        raise SystemExit("an embedded model is wanted: --model default or small")
    rows = []
    for number, row in enumerate(read_jsonl(questions, ("id", "question"))[:only]):
        listening = Listening()
        Library(folder, settings=library.settings, embedder=library.embedder, chat=listening).ask(row["question"])
        if not listening.messages:  # refused without a model
            continue
        list(chat.stream(listening.messages, 1))  # the prompt is read
        written = {
            drafts: timed(chat, listening.messages, tokens, drafts) for drafts in (number % 2 == 0, number % 2 != 0)
        }
        if written[True]["text"] != written[False]["text"]:
            raise SystemExit(
                f"{row['id']}: drafts changed the words\n{written[False]['text']}\n---\n{written[True]['text']}"
            )
        plain, drafted = (written[drafts]["seconds"] for drafts in (False, True))
        count = chat.count_tokens(written[True]["text"])
        if count > 8:
            rows.append(
                {"id": row["id"], "tokens": count, "plain": plain, "drafted": drafted, "ratio": plain / drafted}
            )
            print(rows[-1], flush=True)
    total = {way: sum(row[way] for row in rows) for way in ("plain", "drafted", "tokens")}
    machine.write(
        "decoding",
        {
            "model": chat.name,
            "replies": len(rows),
            "same_words": True,
            "tokens": total["tokens"],
            "plain_tokens_per_second": round(total["tokens"] / total["plain"], 2),
            "drafted_tokens_per_second": round(total["tokens"] / total["drafted"], 2),
            "ratio_of_totals": round(total["plain"] / total["drafted"], 3),
            "median_ratio": round(median(row["ratio"] for row in rows), 3),
            "least_ratio": round(min(row["ratio"] for row in rows), 3),
            "cost_of_a_call": [round(chat.costs.of(drafted), 2) for drafted in range(3)],
        },
    )


def timed(chat: LlamaChat, messages: Sequence[Message], tokens: int, drafts: bool) -> dict[str, Any]:
    """Return a reply's text and the seconds from its first piece to its end."""
    chat.drafts = drafts
    started, pieces = 0.0, list[str]()
    for piece in chat.stream(messages, tokens):
        started = started or time.perf_counter()
        pieces.append(piece)
    return {"text": "".join(pieces), "seconds": time.perf_counter() - started}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=str(__doc__).split("usage: ")[1].split("\n", maxsplit=1)[0])
    parser.add_argument("questions", type=Path)
    parser.add_argument("library", type=Path)
    parser.add_argument("--only", type=int)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--model")
    given = parser.parse_args()
    main(given.questions, given.library, given.only, given.tokens, given.model)
