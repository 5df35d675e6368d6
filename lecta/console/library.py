"""What the library holds, what became of files, which slide was shown when."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from lecta.console.screen import out
from lecta.in_words import clock
from lecta.types import AddReport, DocumentRecord, FileStatus, ReindexReport

if TYPE_CHECKING:
    from lecta.lectures import Lecture
    from lecta.timeline import Timeline

_STATUS_STYLE: dict[FileStatus, str] = {
    "added": "green",
    "updated": "green",
    "failed": "red",
    "skipped": "dim",
    "unchanged": "dim",
    "duplicate": "dim",
}


def print_add(report: AddReport) -> None:
    """Print what became of each file; those that changed nothing are only counted."""
    console = out()
    for file in report.files:
        is_renamed = file.status == "unchanged" and file.reason
        if (
            file.status not in ("added", "updated", "duplicate") and not is_renamed
        ):  # failures were shown on stderr as they came
            continue
        note = f"  ({file.reason})" if file.reason else ""
        count = f"  {file.passages} passages" if file.passages else ""
        console.print(
            f"[{_STATUS_STYLE[file.status]}]{file.status:9}[/] {escape(file.path)}{count}[dim]{escape(note)}[/]"
        )
    for source in report.gone:
        console.print(f"[dim]{'removed' if report.pruned else 'gone':9}[/] {escape(source)}")
    if report.gone and not report.pruned:
        console.print("[dim]take out what is gone from the disk with --prune[/]")
    unread = sorted({Path(file.path).suffix or "no suffix" for file in report.files if file.status == "skipped"})
    if unread:
        console.print(f"[dim]skipped   what lecta does not read: {escape(', '.join(unread))}[/]")
    counts: dict[str, int] = {}
    for file in report.files:
        counts[file.status] = counts.get(file.status, 0) + 1
    summary = ", ".join(f"{n} {status}" for status, n in counts.items()) or "no files"
    console.print(f"{summary}; {report.passages} passages in {report.seconds:.1f} s")


def print_reindex(report: ReindexReport) -> None:
    """Print what changed and what is to be added again."""
    console = out()
    changed = [f"{name} {report.was[name]} -> {now}" for name, now in report.now.items() if report.was[name] != now]
    if not changed:
        console.print(f"nothing to do: the library is made by embedder {report.now['embedder']}", markup=False)
        return
    done = f"{report.documents} files, {report.passages} passages in {report.seconds:.1f} s"
    console.print(f"{'; '.join(changed)}: {done}", markup=False)
    if report.read_again:
        folders = sorted({str(Path(source).parent) for source in report.read_again})
        console.print(
            f"{len(report.read_again)} files keep what an earlier reader read; to read them anew: "
            f"lecta add {' '.join(map(shlex.quote, folders))}",
            markup=False,
        )


def print_documents(records: Sequence[DocumentRecord]) -> None:
    """Print the library as a table ordered by course and lecture."""
    console = out()
    if not records:
        console.print("the library is empty: add lectures with `lecta add PATH`")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("course", "lecture", "kind", "passages", "title", "source"):
        table.add_column(column, justify="right" if column == "passages" else "left", overflow="fold")
    for record in records:
        lecture = "" if record.lecture is None else str(record.lecture)
        table.add_row(
            escape(record.course),
            lecture,
            record.kind,
            str(record.passages),
            escape(record.title),
            escape(record.source),
        )
    console.print(table)


def print_lectures(lectures: Sequence[Lecture]) -> None:
    """Print courses and their lectures in order, with how much there is of each kind."""
    console = out()
    if not lectures:
        console.print("the library is empty: add lectures with `lecta add PATH`")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("course", "lecture", "title", "slides", "speech", "notes", "passages", "aligned"):
        right = column not in ("course", "title")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for lecture in lectures:
        counts = [str(lecture.kinds.get(kind, "")) for kind in ("slides", "speech", "notes")]
        counts += [str(lecture.passages), str(lecture.aligned or "")]
        number = "" if lecture.number is None else str(lecture.number)
        table.add_row(escape(lecture.course), number, escape(lecture.title), *counts)
    console.print(table)


def print_explanation(report: dict[str, Any]) -> None:
    """Print what of a document is kept out of retrieval, and why."""
    console = out()
    share = f"{report['characters_indexed']:,} of {report['characters']:,} characters are indexed"
    console.print(f"{report['source']}: {share}; read by {report['reader']}", markup=False)
    for warning in report["warnings"]:
        console.print(f"warning: {warning}", markup=False)
    for part in report["left_out"]:
        page = f", page {part['page']}" if part["page"] else ""
        console.print(f"\n{part['reason']}{page}:", style="bold", markup=False)
        console.print(Text(part["text"]))
    if not report["left_out"]:
        console.print("nothing was marked as repeated, as an advertisement or as boilerplate")


def print_status(facts: dict[str, Any]) -> None:
    """Print facts a line each."""
    console = out()
    for name, value in facts.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        shown = _resident_shown(value) if name == "resident" else shown
        if shown != "":
            console.print(f"{name.replace('_', ' '):16} {shown}", markup=False)


def _resident_shown(value: dict[str, Any] | None) -> str:
    if value is None:
        return "none"
    does = "answering" if value["is_answering"] else f"ends in {value['seconds_left']} s"
    return f"process {value['pid']} with {value['model']}, {does}; `lecta stop` ends it"


def print_models(cache: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Print the models lecta knows."""
    console = out()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("model", "MB", "here", "licence", "purpose"):
        table.add_column(column, justify="right" if column == "MB" else "left")
    for row in rows:
        table.add_row(
            row["name"], f"{row['megabytes']:,}", "yes" if row["here"] else "no", row["licence"], row["purpose"]
        )
    console.print(table)
    console.print(f"in {cache}", markup=False, style="dim")


def print_timeline(timeline: Timeline) -> None:
    """Print when each slide is spoken about, a line for each change of slide."""
    console = out()
    titles = {page.number: page.title for page in timeline.pages}
    timed = all(moment.start_time is not None for moment in timeline.moments)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("time" if timed else "sentences", "slide", "confidence", "title"):
        table.add_column(column, justify="left" if column == "title" else "right", overflow="fold")
    for stretch in timeline.stretches():
        when = f"{stretch.first_cue}-{stretch.last_cue}"
        if stretch.start_time is not None and stretch.end_time is not None:
            when = f"{clock(stretch.start_time)}-{clock(stretch.end_time)}"
        page = "none" if stretch.page is None else str(stretch.page)
        table.add_row(when, page, f"{stretch.confidence:.2f}", escape(titles.get(stretch.page or 0, "")))
    console.print(table)
