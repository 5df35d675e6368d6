"""Answers to exam questions, beside those of the pipeline lecta grew from: how many sentences do the lectures bear?

usage: python -m benchmarks.answers QUESTIONS.jsonl LIBRARY KEPT.jsonl [--only N]

LIBRARY is a library of the course the questions are on. The plain pipeline is the original script's with the same
model: transcripts cut every 462 characters into pieces of 512, the nearest piece by MiniLM pasted into one prompt, the
reply taken as it is. Both answers go through the same support check, lecta's against its passages, the plain one
against its piece.

Answers are kept in KEPT.jsonl as they come, so that a run that was stopped goes on. Writes
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
from lecta import console
from lecta.answer import citations
from lecta.check.support import Checker
from lecta.evaluate.rows import read_jsonl
from lecta.library import Library
from lecta.protocols import Vectors
from lecta.types import Message, Sentence

SIZE, OVERLAP = 512, 50
PROMPT = "Use the following context to answer the question.\n\nContext:\n{context}\n\nQuestion: {question}\n\nAnswer:"
SHOWN = 90
"""Characters of a question that the page shows."""


def main(questions: Path, folder: Path, kept: Path, only: int | None) -> None:
    """Answer every question, first all by lecta, then all by the plain pipeline; write the figures and the page."""
    rows = read_jsonl(questions, ("id", "question"))[:only]
    library = Library(folder)
    done: dict[tuple[str, str], dict[str, Any]] = {}
    for row in read_jsonl(kept, ("id", "by", "answer")) if kept.exists() else []:
        done[row["by"], row["id"]] = row["answer"]
    pipelines = {"lecta": Lecta(library).answered, "plain": Plain(library).answered}
    with kept.open("a", encoding="utf-8") as stream:
        for by, answered in pipelines.items():
            for number, row in enumerate(rows, 1):
                if (by, row["id"]) not in done:
                    answer = answered(row["question"])
                    done[by, row["id"]] = answer
                    kept_row = {"id": row["id"], "by": by, "answer": answer}
                    stream.write(json.dumps(kept_row, ensure_ascii=False) + "\n")
                    stream.flush()
                print(f"{by} {number}/{len(rows)} {row['id']}", flush=True)
    results = [row | {by: done[by, row["id"]] for by in pipelines} for row in rows]
    summary = {by: figures([row[by] for row in results]) for by in pipelines}
    machine.write("answers", {"questions": len(results)} | summary)
    Path("docs/exam-answers.md").write_text(page(results, summary), encoding="utf-8")


class Lecta:
    """`Library.ask` as it is."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def answered(self, question: str) -> dict[str, Any]:
        """Return the answer as `lecta ask --json` prints it, with the seconds it took."""
        started = time.perf_counter()
        answer = console.answer_json(self._library.ask(question))
        return answer | {"seconds": round(time.perf_counter() - started, 2)}


class Plain:
    """The original script's pipeline over the texts of a library."""

    def __init__(self, library: Library) -> None:
        self._library = library
        documents = [library.find(record.source) for record in library.documents()]
        self._pieces = [(d.source, piece) for d in documents if d.kind == "speech" for piece in _cut(d.text)]

    @cached_property
    def _vectors(self) -> Vectors:
        return self._library.embedder.embed_documents([piece for _, piece in self._pieces])

    def answered(self, question: str) -> dict[str, Any]:
        """Return the reply to the nearest piece and its sentences, checked against that piece."""
        started = time.perf_counter()
        vector = self._library.embedder.embed_queries([question])[0]
        source, piece = self._pieces[int((self._vectors @ vector).argmax())]
        message = Message("user", PROMPT.format(context=piece, question=question))
        reply = "".join(map(str, self._library.chat.stream([message], self._library.settings.max_tokens)))
        seconds = round(time.perf_counter() - started, 2)
        return {"source": source, "answer": reply.strip(), "sentences": self._checked(piece, reply), "seconds": seconds}

    def _checked(self, piece: str, reply: str) -> list[dict[str, Any]]:
        sentences: list[Sentence] = []
        checker = Checker([piece], self._library.token_embedder)

        def judge(sentence: str) -> Sentence:
            verdict = checker.check(sentence)
            return Sentence(sentence, verdict.citations, verdict.support, verdict.supported)

        for _ in citations.judged(citations.checked([reply], 0), judge, sentences):
            pass
        return [{"text": one.text, "supported": one.supported} for one in sentences]


def _cut(text: str) -> Iterator[str]:
    for start in range(0, max(len(text) - OVERLAP, 1), SIZE - OVERLAP):
        yield text[start : start + SIZE]


def figures(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the share of claims that are supported, over all answers, and what else counts."""
    claims = [one["supported"] for row in answers for one in row["sentences"] if one["supported"] is not None]
    formulas = [one["status"] for row in answers for one in row.get("formulas", ())]
    return {
        "abstained": sum(row.get("abstained", False) for row in answers),
        "claims": len(claims),
        "supported": round(sum(claims) / max(len(claims), 1), 4),
        "formulas": {status: formulas.count(status) for status in sorted(set(formulas))},
        "words": float(np.median([len(row["answer"].split()) for row in answers])),
        "seconds": float(np.median([row["seconds"] for row in answers])),
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
