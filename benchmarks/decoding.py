"""Writing with guesses against plain greedy decoding, by ik_llama.cpp and by llama.cpp: in what time?

usage: python -m benchmarks.decoding QUESTIONS.jsonl LIBRARY [--only N] [--tokens 200] [--model MODEL]

Each question's prompt is the one that `ask` makes of the passages found. The reply is written after the prompt is read:
in each way, the order in turns; the seconds are those from its first piece to its end. With guesses and without
ik_llama.cpp must write the same words. The engines round otherwise, so a reply of the one may part from the other's;
seconds are compared by the token. Writes benchmarks/results/decoding.json.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine
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


WAYS = ("llama.cpp", "ik, token by token", "ik")


def main(questions: Path, folder: Path, only: int | None, tokens: int, model: str | None) -> None:
    """Write every reply in each way and compare."""
    plain = Library(folder, settings=load(model=model, states_mb=0, engine="llama.cpp"))
    other = Library(folder, settings=load(model=model, states_mb=0, engine="ik"), embedder=plain.embedder)
    quick: Any = other.chat
    guesses = quick.guesses
    rows = []
    for number, row in enumerate(read_jsonl(questions, ("id", "question"))[:only]):
        listening = Listening()
        Library(folder, settings=plain.settings, embedder=plain.embedder, chat=listening).ask(row["question"])
        if not listening.messages:  # refused without a model
            continue
        for chat in (plain.chat, quick):
            list(chat.stream(listening.messages, 1))  # the prompt is read
        turn = number % len(WAYS)
        order = (*WAYS[turn:], *WAYS[:turn])
        written = {}
        for way in order:
            quick.guesses = guesses if way == "ik" else 0
            chat = plain.chat if way == "llama.cpp" else quick
            written[way] = timed(chat, listening.messages, tokens)
        if min(one["tokens"] for one in written.values()) > 8:
            same = {way: written["ik"]["text"] == written[way]["text"] for way in WAYS}
            rows.append({"id": row["id"], "same_words": same, **written})
            print({way: round(rate(written[way]), 1) for way in WAYS}, flush=True)
    machine.write("decoding", summary(rows, plain.chat.name))


def rate(written: dict[str, Any]) -> float:
    """Return tokens a second."""
    return float(written["tokens"] / written["seconds"])


def summary(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return what stands in the result."""
    result: dict[str, Any] = {"model": name, "replies": len(rows)}
    for way in WAYS:
        tokens, seconds = (sum(row[way][key] for row in rows) for key in ("tokens", "seconds"))
        ratios = [rate(row[way]) / rate(row["llama.cpp"]) for row in rows]
        result[way] = {
            "tokens": tokens,
            "tokens_per_second": round(tokens / seconds, 2),
            "median_ratio": round(median(ratios), 3),
            "least_ratio": round(min(ratios), 3),
            "same_words": sum(row["same_words"][way] for row in rows),
        }
    return result


def timed(chat: Any, messages: Sequence[Message], tokens: int) -> dict[str, Any]:
    """Return a reply's text, its tokens after the first piece, and the seconds from its first piece to its end."""
    started, pieces = 0.0, list[str]()
    for piece in chat.stream(messages, tokens):
        started = started or time.perf_counter()
        pieces.append(piece)
    text = "".join(pieces)
    return {"text": text, "tokens": chat.count_tokens(text) - 1, "seconds": time.perf_counter() - started}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=str(__doc__).split("usage: ")[1].split("\n", maxsplit=1)[0])
    parser.add_argument("questions", type=Path)
    parser.add_argument("library", type=Path)
    parser.add_argument("--only", type=int)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--model")
    given = parser.parse_args()
    main(given.questions, given.library, given.only, given.tokens, given.model)
