"""How soon an answer begins, and how long it takes, with the state of 1,500 tokens kept and without.

usage: python -m benchmarks.first_token LIBRARY [--tokens 1500] [--rounds 3] [--model MODEL]

A section of the longest document is read ahead; questions on it are asked in alternation of a model that holds nothing
and keeps nothing, and of one that holds nothing and finds the state on the disk; the words must be the same ones. Then
a question is asked as in a library of which nothing was read: short passages, the system's text kept and not.
Writes benchmarks/results/first_token.json.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine
from lecta.answer import prompt
from lecta.answer.llama import LlamaChat
from lecta.answer.states import States
from lecta.library import Library
from lecta.sections import UNREAD, shortened
from lecta.settings import load
from lecta.types import Hit, Message, Passage

QUESTIONS = (
    "What is explained here, and how is it computed? Explain it in about 150 words.",
    "Which definitions and formulas are given, and what do they mean? Explain them in about 150 words.",
    "What are the advantages and disadvantages of what is described? Explain them in about 150 words.",
)
LIMIT = 1_000_000_000


def main(folder: Path, tokens: int, rounds: int, model: str | None) -> None:
    """Measure in alternation and write."""
    library = Library(folder, settings=load(model=model))
    chat = library.chat
    if not isinstance(chat, LlamaChat):
        raise SystemExit("an embedded model is wanted: --model default or small")
    section = stretch(library, chat, tokens)
    hits = tuple(Hit(passage, 0.0) for passage in section)
    with tempfile.TemporaryDirectory() as kept:
        states, none = States(Path(kept), LIMIT), States(Path(kept), 0)
        chat._states = states
        beginning = prompt.build_messages("", hits, section=len(hits))
        started = time.perf_counter()
        chat.read_ahead(beginning)
        reading = time.perf_counter() - started
        rows = []
        for number in range(rounds):
            messages = prompt.build_messages(QUESTIONS[number % len(QUESTIONS)], hits, section=len(hits))
            without = asked(chat, messages, none, 0)
            rows.append({"without": without, "with": asked(chat, messages, states, library.settings.max_tokens)})
            if not rows[-1]["with"]["text"].startswith(without["text"]):
                raise SystemExit(f"a state changed the words: {rows[-1]}")
            print(rows[-1], flush=True)
        short = fresh(library, chat, states)
    firsts = {way: [row[way]["first"] for row in rows] for way in ("without", "with")}
    result = {
        "model": chat.name,
        "tokens": sum(chat.count_tokens(hit.passage.text) for hit in hits),
        "state_bytes": states_bytes(chat, beginning),
        "reading_ahead_seconds": round(reading, 2),
        "first_token_seconds": {way: round(median(one), 3) for way, one in firsts.items()},
        "times_sooner": round(median(a / b for a, b in zip(firsts["without"], firsts["with"], strict=True)), 1),
        "whole_answers": [{key: row["with"][key] for key in ("words", "tokens", "total")} for row in rows],
        "first_question_of_a_fresh_library": short,
    }
    machine.write("first_token", result)


def stretch(library: Library, chat: LlamaChat, tokens: int) -> list[Passage]:
    """Return passages that follow each other, about `tokens` tokens of them, from amid the longest document."""
    longest = max(library.documents(), key=lambda record: record.characters)
    passages = library.store.passages_of(longest.source)
    chosen: list[Passage] = []
    for passage in passages[len(passages) // 2 :]:
        if sum(chat.count_tokens(one.text) for one in chosen) >= tokens:
            break
        chosen.append(passage)
    return chosen


def asked(chat: LlamaChat, messages: list[Message], states: States, limit: int) -> dict[str, Any]:
    """Return when a model that holds nothing began to answer, when it ended, and what it wrote; limit 0: one piece."""
    chat._states = states if states.limit else None
    chat._context.keep(0)
    started = time.perf_counter()
    first, pieces = 0.0, []
    for piece in chat.stream(messages, limit or 4):
        first = first or time.perf_counter() - started
        pieces.append(piece)
    text = "".join(pieces)
    total = round(time.perf_counter() - started, 2)
    return {"first": first, "total": total, "words": len(text.split()), "tokens": chat.count_tokens(text), "text": text}


def fresh(library: Library, chat: LlamaChat, states: States) -> dict[str, Any]:
    """Return when a question begins to be answered of a library of which nothing was read."""
    question = "What is the universal approximation theorem and what does it say about neural networks?"
    started = time.perf_counter()
    hits = library.search(question).hits
    found = time.perf_counter() - started
    messages = prompt.build_messages(question, shortened(question, hits, library.embedder, UNREAD))
    chosen = time.perf_counter() - started
    first = asked(chat, messages, States(Path(), 0), 0)["first"]
    again = asked(chat, messages, states, 0)["first"]
    return {
        "passages_seconds": round(found, 3),
        "first_token_seconds": round(chosen + first, 2),
        "first_token_seconds_system_text_kept": round(chosen + again, 2),
    }


def states_bytes(chat: LlamaChat, messages: list[Message]) -> int:
    """Return how large the state of what is kept of a conversation is."""
    chat._states = None
    ends, steps = chat.laid(messages)
    chat._context.read(steps[: ends[-2]])
    return len(chat._context.state())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=str(__doc__).split("usage: ")[1].split("\n", maxsplit=1)[0])
    parser.add_argument("library", type=Path)
    parser.add_argument("--tokens", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model")
    given = parser.parse_args()
    main(given.library, given.tokens, given.rounds, given.model)
