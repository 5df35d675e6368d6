"""Many at once on one server: 20 people search while 3 questions are answered, on the machine's own cores.

usage: python -m benchmarks.serving [SEARCHES_EACH] [MODEL] [ASKERS] [SEARCHERS]

A real `lecta serve` on the sample course, real HTTP on loopback. Each searcher asks, reads for a moment (drawn from an
exponential distribution with a mean of 5 seconds, always the same draws), and asks again. What counts are searches that
began and ended while the model was at work; beside it stands the same load without anybody asking. The machine must be
otherwise idle.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks import machine

COURSE = Path(__file__).parents[1] / "examples" / "course"
THINKING_SECONDS = 5.0


@dataclass
class Seen:
    """What the clients saw."""

    searches: list[tuple[float, float]] = field(default_factory=list)
    """Begin and end, seconds."""
    answers: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def main(searches: int, model: str, askers: int, searchers: int) -> None:
    """Measure and write benchmarks/results/serving.json."""
    questions = [json.loads(line)["question"] for line in (COURSE / "questions.jsonl").open(encoding="utf-8")]
    with tempfile.TemporaryDirectory() as folder, _server(folder, model) as url:
        httpx.post(f"{url}/api/ask", json={"question": questions[0]}, timeout=600).raise_for_status()  # loads the model
        alone = Seen()
        _run(url, questions, alone, searches, searchers, askers=0)
        busy = Seen()
        _run(url, questions, busy, searches, searchers, askers)
    machine.write(
        "serving",
        {
            "searchers": searchers,
            "askers": askers,
            "model": model,
            "mean_pause_s": THINKING_SECONDS,
            "searching_alone": _measures(alone.searches),
            "while_answers_are_written": _measures(_during(busy)),
            "answers": [
                {name: answer[name] for name in ("places_seen", "passages_s", "first_text_s", "total_s")}
                for answer in busy.answers
            ],
            "errors": alone.errors + busy.errors,
        },
    )


@contextlib.contextmanager
def _server(folder: str, model: str) -> Iterator[str]:
    environment = os.environ | {"LECTA_LIBRARY": f"{folder}/library", "PYTHONUNBUFFERED": "1"}
    lecta = [sys.executable, "-m", "lecta"]
    subprocess.run([*lecta, "add", str(COURSE)], env=environment, check=True, capture_output=True)
    command = [*lecta, "serve", "--port", "0", "--no-open", "--model", model]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[3].rstrip("/")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _run(url: str, questions: Sequence[str], seen: Seen, searches: int, searchers: int, askers: int) -> None:
    people = [
        threading.Thread(target=_search, args=(url, questions, seen, searches, number)) for number in range(searchers)
    ] + [
        threading.Thread(target=_ask, args=(url, questions[number % len(questions)], seen)) for number in range(askers)
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()


def _search(url: str, questions: Sequence[str], seen: Seen, searches: int, number: int) -> None:
    draw = random.Random(number)
    with httpx.Client(timeout=60) as client:
        for _ in range(searches):
            time.sleep(draw.expovariate(1 / THINKING_SECONDS))
            begun = time.perf_counter()
            try:
                found = client.post(f"{url}/api/search", json={"question": draw.choice(questions)})
                found.raise_for_status()
                assert found.json()["passages"]
            except (httpx.HTTPError, AssertionError) as error:
                seen.errors.append(f"search: {type(error).__name__}: {error}")
            seen.searches.append((begun, time.perf_counter()))


def _ask(url: str, question: str, seen: Seen) -> None:
    begun = time.perf_counter()
    answer: dict[str, Any] = {"begun": begun, "places_seen": [], "passages_s": None, "first_text_s": None}
    try:
        with httpx.stream("POST", f"{url}/api/ask", json={"question": question, "stream": True}, timeout=900) as reply:
            reply.raise_for_status()
            name = ""
            for line in reply.iter_lines():
                name = line.removeprefix("event: ") if line.startswith("event: ") else name
                if line.startswith("data: "):
                    _note(answer, name, json.loads(line.removeprefix("data: ")), time.perf_counter() - begun, seen)
    except httpx.HTTPError as error:
        seen.errors.append(f"ask: {type(error).__name__}: {error}")
    answer["ended"] = time.perf_counter()
    answer["total_s"] = round(answer["ended"] - begun, 1)
    seen.answers.append(answer)


def _note(answer: dict[str, Any], name: str, data: dict[str, Any], after: float, seen: Seen) -> None:
    if name == "queued":
        answer["places_seen"].append(data["place"])
    elif name == "passages" and answer["passages_s"] is None:
        answer["passages_s"] = round(after, 2)
    elif name in ("draft", "text") and answer["first_text_s"] is None:
        answer["first_text_s"] = round(after, 1)
    elif name == "error":
        seen.errors.append(f"ask: {data['error']}")


def _during(seen: Seen) -> list[tuple[float, float]]:
    """Return the searches that began and ended while an answer was being written."""
    if not seen.answers:
        return []
    first = min(answer["begun"] for answer in seen.answers)
    last = max(answer["ended"] for answer in seen.answers)
    return [search for search in seen.searches if first <= search[0] and search[1] <= last]


def _measures(searches: Sequence[tuple[float, float]]) -> dict[str, Any]:
    took = sorted(1000 * (end - begin) for begin, end in searches)
    if len(took) < 2:
        return {"searches": len(took)}
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    return {
        "searches": len(took),
        "p50_ms": round(cuts[49], 1),
        "p95_ms": round(cuts[94], 1),
        "p99_ms": round(cuts[98], 1),
        "max_ms": round(took[-1], 1),
    }


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        int(given[0]) if given else 20,
        given[1] if len(given) > 1 else "default",
        int(given[2]) if len(given) > 2 else 3,
        int(given[3]) if len(given) > 3 else 20,
    )
