"""Answers to exam questions, beside those of the pipeline lecta grew from: how many sentences do the lectures bear?

usage: python -m benchmarks.answers QUESTIONS.jsonl LIBRARY KEPT.jsonl [--only N]

LIBRARY is a library of the course the questions are on. The plain pipeline is the original script's with the same
model: transcripts cut every 462 characters into pieces of 512, the nearest piece by MiniLM pasted into one prompt, the
reply taken as it is. Both answers go through the same support check, lecta's against its passages, the plain one
against its piece.

Replies are kept in KEPT.jsonl as they come, so that a run that was stopped goes on, and a later check can be tried on
the same words. Writes
benchmarks/results/answers.json and docs/exam-answers.md. The two answers take most of a minute on two cores.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from lecta.answer import citations
from lecta.as_json import answer_json
from lecta.check import opinion
from lecta.check.support import Checker
from lecta.evaluate.rows import read_jsonl
from lecta.library import Library
from lecta.protocols import ChatModel, Leaning, Vectors
from lecta.types import Message, Sentence

SIZE, OVERLAP = 512, 50
PROMPT = "Use the following context to answer the question.\n\nContext:\n{context}\n\nQuestion: {question}\n\nAnswer:"
SHOWN = 90
"""Characters of a question that the page shows."""


def main(questions: Path, folder: Path, kept: Path, only: int | None) -> None:
    """Let the model reply to every question, first all by lecta, then all by the plain pipeline; check and write."""
    rows = read_jsonl(questions, ("id", "question"))[:only]
    library = Library(folder)
    replies: dict[tuple[str, str], dict[str, Any]] = {}
    for row in read_jsonl(kept, ("id", "by", "reply")) if kept.exists() else []:
        replies[row["by"], row["id"]] = row
    pipelines: dict[str, Lecta | Plain] = {"lecta": Lecta(library), "plain": Plain(library)}
    with kept.open("a", encoding="utf-8") as stream:
        for by, pipeline in pipelines.items():
            for number, row in enumerate(rows, 1):
                if (by, row["id"]) not in replies:
                    started = time.perf_counter()
                    reply = {"id": row["id"], "by": by, "reply": pipeline.reply(row["question"])}
                    replies[by, row["id"]] = reply | {"seconds": round(time.perf_counter() - started, 2)}
                    stream.write(json.dumps(replies[by, row["id"]], ensure_ascii=False) + "\n")
                    stream.flush()
                print(f"{by} {number}/{len(rows)} {row['id']}", flush=True)
    results = [
        row | {by: checked(pipeline, row["question"], replies[by, row["id"]]) for by, pipeline in pipelines.items()}
        for row in rows
    ]
    summary = {by: figures([row[by] for row in results]) for by in pipelines}
    machine.write("answers", {"questions": len(results)} | summary)
    Path("docs/exam-answers.md").write_text(page(results, summary), encoding="utf-8")


def checked(pipeline: Lecta | Plain, question: str, reply: dict[str, Any]) -> dict[str, Any]:
    """Return what a pipeline makes of a reply, with the seconds that it took to write, None where none were kept."""
    return pipeline.answer(question, reply["reply"]) | {"seconds": reply.get("seconds")}


class Tape:
    """A chat model that hands on what another writes and remembers it, or says again what is given."""

    def __init__(self, model: ChatModel, said: str | None = None) -> None:
        self.name = model.name
        self._model = model
        self.said = said

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
        """Yield the reply of the model, or what is to be said again."""
        if self.said is not None:
            yield self.said
            return
        self.said = ""
        for piece in self._model.stream(messages, max_tokens):
            self.said += piece
            yield piece

    def leaning(self, messages: Sequence[Message], one: str, other: str) -> float | None:
        """Ask the model itself."""
        return self._model.leaning(messages, one, other) if isinstance(self._model, Leaning) else None


class Lecta:
    """`Library.ask` as it is."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def reply(self, question: str) -> str:
        """Return the answer without marks, what was said otherwise in its place; nothing where no model is asked."""
        return self._library.ask(question).said

    def answer(self, question: str, reply: str) -> dict[str, Any]:
        """Return the answer that `ask` makes of a reply, as `lecta ask --json` prints it."""
        return answer_json(self._over(Tape(self._library.chat, reply)).ask(question))

    def _over(self, tape: Tape) -> Library:
        return Library(self._library.path, settings=self._library.settings, embedder=self._library.embedder, chat=tape)


class Plain:
    """The original script's pipeline over the transcripts of a library."""

    def __init__(self, library: Library) -> None:
        self._library = library
        documents = [library.find(record.source) for record in library.documents()]
        self._pieces = [(d.source, piece) for d in documents if d.kind == "speech" for piece in _cut(d.text)]

    @cached_property
    def _vectors(self) -> Vectors:
        return self._library.embedder.embed_documents([piece for _, piece in self._pieces])

    def _nearest(self, question: str) -> tuple[str, str]:
        vector = self._library.embedder.embed_queries([question])[0]
        return self._pieces[int((self._vectors @ vector).argmax())]

    def reply(self, question: str) -> str:
        """Return what the model writes to the nearest piece."""
        message = Message("user", PROMPT.format(context=self._nearest(question)[1], question=question))
        return "".join(map(str, self._library.chat.stream([message], self._library.settings.max_tokens)))

    def answer(self, question: str, reply: str) -> dict[str, Any]:
        """Return the reply and its sentences, checked against the nearest piece."""
        source, piece = self._nearest(question)
        return {"source": source, "answer": reply.strip(), "sentences": self._checked(piece, reply)}

    def _checked(self, piece: str, reply: str) -> list[dict[str, Any]]:
        sentences: list[Sentence] = []
        asks = opinion.asking(self._library.chat, [("", piece)])
        checker = Checker([piece], self._library.token_embedder, ask=asks)

        def judge(sentence: str) -> Sentence:
            verdict = checker.check(sentence)
            return Sentence(sentence, verdict.citations, verdict.support, verdict.supported)

        for _ in citations.judged(citations.sentences(citations.checked([reply], 0)), judge, sentences):
            pass
        return [{"text": one.text, "supported": one.supported} for one in sentences]


def _cut(text: str) -> Iterator[str]:
    for start in range(0, max(len(text) - OVERLAP, 1), SIZE - OVERLAP):
        yield text[start : start + SIZE]


def figures(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the share of claims that are supported, over all answers, and what else counts."""
    claims = [one["supported"] for row in answers for one in row["sentences"] if one["supported"] is not None]
    seconds = [row["seconds"] for row in answers if row["seconds"] is not None]
    formulas = [one["status"] for row in answers for one in row.get("formulas", ())]
    return {
        "abstained": sum(row.get("abstained", False) for row in answers),
        "claims": len(claims),
        "supported": round(sum(claims) / max(len(claims), 1), 4),
        "formulas": {status: formulas.count(status) for status in sorted(set(formulas))},
        "words": float(np.median([len(row["answer"].split()) for row in answers])),
        "seconds": float(np.median(seconds)) if seconds else None,
    }


def page(results: Sequence[dict[str, Any]], summary: dict[str, Any]) -> str:
    """Return all answers side by side as Markdown; of a question its beginning."""
    ours, plain = summary["lecta"], summary["plain"]
    parts = [
        "# Answers to exam questions, side by side",
        f"{len(results)} questions, the same embedded model; unedited, written by `python -m benchmarks.answers`. "
        f"lecta's answers: {ours['supported']:.0%} of {ours['claims']} claims borne by the passages by lecta's own "
        f"check, {ours['abstained']} abstained. The plain pipeline's: {plain['supported']:.0%} of {plain['claims']} "
        "borne by the piece that it read.",
    ]
    for row in results:
        question = " ".join(row["question"].split())
        question = question if len(question) <= SHOWN else question[:SHOWN].rsplit(" ", 1)[0] + " ..."
        places = [f"{n}. {_place(one)}" for n, one in enumerate(row["lecta"]["passages"], 1)]
        parts += [f"## {row['id']}: {question}", "### lecta", row["lecta"]["answer"], "\n".join(places)]
        parts += ["### plain pipeline", row["plain"]["answer"], f"From {Path(row['plain']['source']).name}."]
    return "\n\n".join(parts) + "\n"


def _place(passage: dict[str, Any]) -> str:
    page_ = f", slide {passage['page']}" if passage["page"] is not None else ""
    return (
        f"lecture {passage['lecture']}, {Path(passage['source']).name}{page_}, from character {passage['start_index']}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=str(__doc__).split("usage: ")[1].split("\n", maxsplit=1)[0])
    parser.add_argument("questions", type=Path)
    parser.add_argument("library", type=Path)
    parser.add_argument("kept", type=Path)
    parser.add_argument("--only", type=int)
    given = parser.parse_args()
    main(given.questions, given.library, given.kept, given.only)
