"""What variety earns: lectures found for topics that several treat, and what it costs where one lecture is right.

A lecture treats a topic when its slides, speech and notes name it at least `NAMED` times; topics that two lectures or
more treat are asked for ("What is dropout?"). Subtopic recall (Zhai, Cohen and Lafferty 2003, "Beyond independent
relevance", SIGIR) is the share of these lectures that is among the first five passages, of at most five. Exam
questions, each of one lecture, show the price: the share of their first five passages that is of the right one.

usage: python -m benchmarks.variety LIBRARY QUESTIONS.jsonl [--topics benchmarks/data/topics.txt]

LIBRARY is a folder that `lecta add --library` made of the course.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks import machine
from lecta.library import Library
from lecta.retrieve import variety
from lecta.settings import load

K, NAMED = 5, 10
STEPS: list[tuple[str, bool, float]] = [
    ("none", False, 1.0),
    ("kinds", True, 1.0),
    ("kinds and lectures", True, variety.AGAIN),
]
"""Name, setting `variety`, and what a lecture's next passage is multiplied by."""


def main() -> None:
    """Measure every step and write benchmarks/results/variety.json."""
    parser = argparse.ArgumentParser(description="what variety earns and costs")
    parser.add_argument("library", type=Path, help="a library of one course")
    parser.add_argument("questions", type=Path, help='rows {"question", "lecture"}')
    parser.add_argument("--topics", type=Path, default=Path(__file__).parent / "data" / "topics.txt")
    given = parser.parse_args()
    topics = given.topics.read_text(encoding="utf-8").splitlines()
    exam = [json.loads(line) for line in given.questions.read_text(encoding="utf-8").splitlines()]
    treated = treating(Library(given.library, settings=load()), topics)
    steps = []
    for name, setting, again in STEPS:
        with mock.patch.object(variety, "AGAIN", again):
            measured = measure(Library(given.library, settings=load(variety=setting)), treated, exam)
        steps.append({"variety": name} | measured)
    machine.write("variety", {"topics": len(treated), "exam_questions": len(exam), "steps": steps})


def treating(library: Library, topics: list[str]) -> dict[str, set[int]]:
    """Return for each topic the lectures that treat it, where there are at least two."""
    said: dict[int, list[str]] = defaultdict(list)
    for passage in library.store.passages():
        if passage.lecture is not None:
            said[passage.lecture].append(_plain(passage.text))
    texts = {lecture: " ".join(parts) for lecture, parts in said.items()}
    found = {
        topic: {n for n, text in texts.items() if len(re.findall(rf"\b{_plain(topic)}", text)) >= NAMED}
        for topic in topics
    }
    return {topic: lectures for topic, lectures in found.items() if len(lectures) > 1}


def measure(library: Library, treated: Mapping[str, set[int]], exam: list[dict[str, Any]]) -> dict[str, float]:
    """Return means over topics and over exam questions, of the first five passages."""
    found = {topic: _lectures(library, f"What is {topic}?") for topic in treated}
    right = [[n == row["lecture"] for n in _lectures(library, row["question"])] for row in exam]
    recall = [len({*found[topic]} & lectures) / min(K, len(lectures)) for topic, lectures in treated.items()]
    precise = [statistics.fmean(n in lectures for n in found[topic]) for topic, lectures in treated.items()]
    return {
        "topics_subtopic_recall": round(statistics.fmean(recall), 3),
        "topics_precision": round(statistics.fmean(precise), 3),
        "exam_share_of_right_lecture": round(statistics.fmean(map(statistics.fmean, right)), 3),
        "exam_hit": round(statistics.fmean(any(one) for one in right), 3),
    }


def _lectures(library: Library, question: str) -> list[int | None]:
    return [hit.passage.lecture for hit in library.search(question, K).hits]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


if __name__ == "__main__":
    main()
