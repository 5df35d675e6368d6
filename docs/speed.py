"""Tables of docs/speed.md, from the results in benchmarks/results; where one is missing, the command that makes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


def _result(name: str) -> dict[str, Any] | None:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _machine(result: dict[str, Any]) -> str:
    machine = result["machine"]
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, load before {machine['load_before']}"
    )


def paired() -> str:
    """Return the table of lecta beside the original pipeline."""
    result = _result("paired")
    if result is None:
        return "Not measured yet: `python -m benchmarks.paired COURSE`."
    rows = [
        f"{result['course']}, {result['files']} files; medians of {result['rounds']} rounds; {_machine(result)}.",
        "",
        "| | original | lecta | times less |",
        "| --- | --- | --- | --- |",
    ]
    for name in ("build", "cold search", "ask"):
        for measure, shown in (
            ("seconds", "seconds"),
            ("first_token_seconds", "first token, seconds"),
            ("processor_seconds", "processor seconds"),
            ("peak_mb", "memory at its peak, MB"),
        ):
            step = result.get(name)
            if step and measure in step["baseline"]:
                cells = [step[who][measure] for who in ("baseline", "lecta")]
                ratio = step["times_less"].get(measure, "")
                rows.append(f"| {name}: {shown} | {cells[0]:.2f} | {cells[1]:.2f} | {ratio} |")
        if name == "build":
            rows.append(
                f"| found by their words after, seconds | | {result['build']['lecta']['by_words_seconds']:.2f} | |"
            )
    rows += ["", "![Seconds and memory of both](speed-paired.svg)"]
    return "\n".join(rows)


def limits() -> str:
    """Return the table of each stage beside what the machine allows."""
    result = _result("limits")
    if result is None:
        return "Not measured yet: `python -m benchmarks.limits`."
    embedding, reading, writing = result["embedding"], result["reading"], result["writing"]
    return "\n".join(
        [
            f"Medians of {result['rounds']}; {_machine(result)}: memory is read at {result['bandwidth_gb_s']} GB/s, "
            f"NumPy multiplies float32 matrices at {result['float32_gflop_s']} GFLOP/s.",
            "",
            "| stage | speed | bound by | share of it |",
            "| --- | --- | --- | --- |",
            f"| embedding, passages of {embedding['tokens_a_passage']} tokens | {embedding['passages_s']} passages/s | "
            f"arithmetic | {embedding['share_of_float32']} |",
            f"| reading a prompt, {reading['model']} | {reading['tokens_s']} tokens/s | arithmetic | "
            f"{reading['share_of_float32']} |",
            f"| writing, the same | {writing['tokens_s']} tokens/s | bandwidth: "
            f"{writing['tokens_s_by_bandwidth']} tokens/s | {writing['share_of_bandwidth']} |",
        ]
    )
