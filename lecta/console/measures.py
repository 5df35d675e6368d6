"""What `lecta eval` measures."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from lecta.console.screen import out

if TYPE_CHECKING:
    from lecta.evaluate.compare import Comparison


def print_measures(result: dict[str, Any]) -> None:
    """Print measures a line each."""
    console = out()
    width = max(12, *map(len, result["measures"]))
    for name, value in result["measures"].items():
        console.print(f"{name:{width}} {value:.4f}")
    console.print(f"{result['queries']} queries in {result['seconds']:.1f} s")


def print_answerable(result: dict[str, Any]) -> None:
    """Print the measures and how many questions of each label were refused."""
    for name, count in result["refused"].items():
        if result["of"][name]:
            out().print(f"{count} of {result['of'][name]} {name} questions refused")
    print_measures(result)


def print_comparison(comparison: Comparison, before: str, after: str) -> None:
    """Print means, difference, its interval and test, and the questions that changed most."""
    console = out()
    c = comparison
    width = max(10, len(before), len(after))
    console.print(f"{c.measure} over the {c.queries} questions in both", markup=False)
    for name, value in ((before, f"{c.before:.4f}"), (after, f"{c.after:.4f}"), ("difference", f"{c.difference:+.4f}")):
        console.print(f"{name:{width}}  {value:>7}", markup=False)
    low, high = c.interval
    chance = f"p = {c.p:.4f}" if c.p >= 0.0001 else "p < 0.0001"
    console.print(f"95 % interval {low:+.4f} to {high:+.4f}; {chance} (randomisation test)", markup=False)
    console.print(f"better {c.better}, worse {c.worse}, equal {c.equal}", markup=False)
    if c.only_before or c.only_after:
        console.print(f"left out: {c.only_before} only in {before}, {c.only_after} only in {after}", markup=False)
    for heading, changes in (("lost most", c.worst), ("gained most", c.best)):
        if changes:
            console.print(f"\n{heading}:", style="bold", markup=False)
        for change in changes:
            ranks = f"rank {change.rank_before or '-'} -> {change.rank_after or '-'}"
            question = textwrap.shorten(change.text, 100, placeholder=" …")
            console.print(f"{change.after - change.before:+.4f}  {ranks}  {change.id}  {question}", markup=False)


def print_alignment(result: dict[str, Any]) -> None:
    """Print the measures of each lecture and the reliability curve."""
    console = out()
    names = [name for name in result["measures"] if name != "calibration error"]
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("lecture", "cues", *names, "seconds"):
        table.add_column(column, justify="left" if column == "lecture" else "right")
    for row in result["lectures"]:
        figures = [f"{row[name]:.4f}" for name in names]
        table.add_row(escape(row["lecture"]), str(row["cues"]), *figures, f"{row['seconds']:.1f}")
    console.print(table, "")
    curve = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("confidence", "cues", "mean", "right"):
        curve.add_column(column, justify="right")
    for row in result["reliability"]:
        curve.add_row(
            f"{row['from']:.1f}-{row['to']:.1f}", str(row["cues"]), f"{row['confidence']:.3f}", f"{row['right']:.3f}"
        )
    console.print(curve, "")
    hidden = result["not_shown"]
    console.print(
        f"no page is named for {hidden['no_page_named']} of the {hidden['cues']} cues without a shown slide\n"
    )
    print_measures(result | {"measures": {f"mean {k}" if k in names else k: v for k, v in result["measures"].items()}})


def print_support(result: dict[str, Any]) -> None:
    """Print the reliability curve, the measures and what a sentence costs."""
    console = out()
    curve = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("probability", "claims", "mean", "supported"):
        curve.add_column(column, justify="right")
    for row in result["reliability"]:
        curve.add_row(
            f"{row['from']:.1f}-{row['to']:.1f}",
            str(row["claims"]),
            f"{row['support']:.3f}",
            f"{row['supported']:.3f}",
        )
    console.print(curve, "")
    cost = result["milliseconds"]
    console.print(f"{cost['sentence']:.1f} ms a sentence, after {cost['references']:.1f} ms for its references")
    if result["asked"]:
        console.print(f"{result['model']} was asked about {result['asked']}, {cost['model']:.0f} ms each", markup=False)
    console.print()
    print_measures(result)
