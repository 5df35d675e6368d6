"""Answers from sections that were read ahead, beside answers from all that was found: are they as good?

usage: python -m benchmarks.read_ahead QUESTIONS.jsonl LIBRARY KEPT.jsonl [--only N] [--exact N] [--model MODEL]

Each question is answered three times as `ask` does it, other wordings and all: `full`, the passages found, read at
question time; `section`, the section that holds the best of them, its state kept, and short passages from elsewhere;
`short`, as in a library of which nothing was read. For the first `--exact` questions the section is also read at
question time, and the model's likeliest words must be the same ones.

Support is the share of an answer's claims that its passages bear, by lecta's check. Covered facts are the share of the
question's ten nearest sentences, among the passages found, that the answer bears by the same check, turned around.
Replies are kept in KEPT.jsonl as they come; a run that was stopped goes on (with another version of lecta, in a new
file). States are kept in the library's folder.
Writes benchmarks/results/read_ahead.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.answers import Tape
from lecta.answer.llama import LlamaChat
from lecta.answer.states import States
from lecta.check.support import Checker
from lecta.evaluate.rows import read_jsonl
from lecta.library import Library
from lecta.protocols import ChatModel
from lecta.sections import sentences
from lecta.settings import load
from lecta.types import Message

FACTS = 10
WAYS = ("full", "section", "short")


class Writer:
    """The model, which has read nothing."""

    rewinds = True

    def __init__(self, model: LlamaChat) -> None:
        self.name = model.name
        self._model = model
        self.messages: Sequence[Message] = ()
        self.first = 0.0

    def stream(self, messages: Sequence[Message], max_tokens: int, *, begun: str = "", seed: int = 0) -> Iterator[str]:
        """Yield the reply, and note when it began."""
        self.messages = messages
        started = time.perf_counter()
        for piece in self._model.stream(messages, max_tokens, begun=begun, seed=seed):
            self.first = self.first or time.perf_counter() - started
            yield piece

    def leaning(self, messages: Sequence[Message], one: str, other: str) -> float | None:
        """Ask the model beside its reply."""
        return self._model.leaning(messages, one, other)


class Reader(Writer):
    """The model, which reads the section while no clock runs, or never."""

    keeps_states = True

    def __init__(self, model: LlamaChat, *, reads: bool) -> None:
        super().__init__(model)
        self._reads = reads
        self.reading = 0.0

    def has_read(self, messages: Sequence[Message]) -> bool:
        """Read up to the seam where sections are to be read."""
        started = time.perf_counter()
        try:
            return self._reads and self._model.read_ahead(messages, lambda: None)
        finally:
            self.reading += time.perf_counter() - started

    def read_ahead(self, messages: Sequence[Message], pause: Callable[[], None]) -> bool:
        """Keep nothing of one's own."""
        return self.has_read(messages)


class Told(Tape):
    """What such a model has said, told again."""

    keeps_states = True

    def __init__(self, model: ChatModel, said: str, *, reads: bool) -> None:
        super().__init__(model, said)
        self._reads = reads

    def has_read(self, messages: Sequence[Message]) -> bool:
        """Tell what the model would."""
        return self._reads

    def read_ahead(self, messages: Sequence[Message], pause: Callable[[], None]) -> bool:
        """Read nothing."""
        return self._reads


def main(questions: Path, folder: Path, kept: Path, only: int | None, exact: int, model: str | None) -> None:
    """Have every question answered in each way, check, and write."""
    library = Library(folder, settings=load(model=model))
    chat = library.chat
    if not isinstance(chat, LlamaChat):
        raise SystemExit("an embedded model is wanted: --model default or small")
    rows = read_jsonl(questions, ("id", "question"))[:only]
    replies: dict[tuple[str, str], dict[str, Any]] = {}
    for row in read_jsonl(kept, ("id", "way", "reply")) if kept.exists() else []:
        replies[row["id"], row["way"]] = row
    answers: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    same = []
    with kept.open("a", encoding="utf-8") as stream:
        for number, row in enumerate(rows, 1):
            for way in WAYS:
                if (row["id"], way) not in replies:
                    replies[row["id"], way] = replied(library, chat, row, way, exact=number <= exact)
                    stream.write(json.dumps(replies[row["id"], way], ensure_ascii=False) + "\n")
                    stream.flush()
                reply = replies[row["id"], way]
                answers[way].append(judged(library, chat, row["question"], way, reply))
                same += [reply["same"]] if "same" in reply else []
                print(f"{number}/{len(rows)} {row['id']} {way} {json.dumps(answers[way][-1])}", flush=True)
    ways = {way: figures(answers[way]) for way in WAYS}
    machine.write("read_ahead", {"questions": len(rows), "model": chat.name, "same_words": same} | ways)


def replied(library: Library, chat: LlamaChat, row: dict[str, Any], way: str, *, exact: bool) -> dict[str, Any]:
    """Return a new reply, with its seconds and, where asked for, whether a state changes a word."""
    writer = Writer(chat) if way == "full" else Reader(chat, reads=way == "section")
    answer = over(library, writer).ask(row["question"])
    reply: dict[str, Any] = {
        "id": row["id"],
        "way": way,
        "reply": answer.said,
    }
    if writer.messages:
        read = writer.reading if isinstance(writer, Reader) else 0.0
        reply |= {
            "seconds": round(answer.timings["total_ms"] / 1000 - read, 2),
            "first": round(writer.first, 2),
        }
    if exact and way == "section" and writer.messages:
        greedy = "".join(chat.stream(writer.messages, library.settings.max_tokens))
        reply["same"] = "".join(without_states(chat, writer.messages, library)) == greedy
    return reply


def over(library: Library, chat: ChatModel) -> Library:
    """Return the library with another model."""
    return Library(library.path, settings=library.settings, embedder=library.embedder, chat=chat)


def without_states(chat: LlamaChat, messages: Sequence[Message], library: Library) -> list[str]:
    """Return the reply of a model that holds nothing and keeps nothing."""
    kept, chat._states = chat._states, States(library.path / "none", 0)
    chat._context.keep(0)
    try:
        return list(chat.stream(messages, library.settings.max_tokens))
    finally:
        chat._states = kept


def judged(library: Library, chat: LlamaChat, question: str, way: str, reply: dict[str, Any]) -> dict[str, Any]:
    """Return what the check says of a reply."""
    told = Tape(chat, reply["reply"]) if way == "full" else Told(chat, reply["reply"], reads=way == "section")
    answer = over(library, told).ask(question)
    claims = [one.supported for one in answer.sentences if one.supported is not None]
    facts = nearest(library, question)
    checker = Checker([answer.text], library.token_embedder)
    covered = [bool(checker.check(fact).supported) for fact in facts] if not answer.abstained else [False] * len(facts)
    return {
        "claims": len(claims),
        "supported": sum(claims),
        "facts": len(facts),
        "covered": sum(covered),
        "abstained": answer.abstained,
        "words": len(answer.text.split()),
        "seconds": reply.get("seconds"),
        "first": reply.get("first"),
    }


def nearest(library: Library, question: str) -> list[str]:
    """Return the sentences of the passages found that are nearest to a question."""
    units = [unit for hit in library.search(question).hits for unit in sentences(hit.passage.text)]
    if not units:
        return []
    vector = library.embedder.embed_queries([question])[0]
    order = np.argsort(-(library.embedder.embed_documents(units) @ vector), kind="stable")
    return [units[i] for i in order[:FACTS]]


def figures(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return shares over all answers, and medians."""
    firsts = [row["first"] for row in answers if row["first"] is not None]
    seconds = [row["seconds"] for row in answers if row["seconds"] is not None]
    return {
        "claims": sum(row["claims"] for row in answers),
        "supported": round(sum(row["supported"] for row in answers) / max(sum(row["claims"] for row in answers), 1), 4),
        "covered_facts": round(
            sum(row["covered"] for row in answers) / max(sum(row["facts"] for row in answers), 1), 4
        ),
        "abstained": sum(row["abstained"] for row in answers),
        "words": float(np.median([row["words"] for row in answers])),
        "seconds": float(np.median(seconds)) if seconds else None,
        "first_token_seconds": float(np.median(firsts)) if firsts else None,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=str(__doc__).split("usage: ")[1].split("\n", maxsplit=1)[0])
    parser.add_argument("questions", type=Path)
    parser.add_argument("library", type=Path)
    parser.add_argument("kept", type=Path)
    parser.add_argument("--only", type=int)
    parser.add_argument("--exact", type=int, default=3)
    parser.add_argument("--model")
    given = parser.parse_args()
    main(given.questions, given.library, given.kept, given.only, given.exact, given.model)
