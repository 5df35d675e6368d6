"""What the command line shows: progress on stderr, results on stdout. Nothing is decided here.

On a terminal answers are rendered as Markdown while they are written; into a pipe goes plain text.
"""

from __future__ import annotations

import contextlib
import shlex
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, get_args

from rich.console import Console, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from lecta.mathtext import readable
from lecta.types import (
    AddReport,
    Answer,
    Document,
    DocumentRecord,
    FileReport,
    FileStatus,
    Formula,
    FormulaStatus,
    Hit,
    Passage,
    Place,
    ReindexReport,
    SearchResult,
    Sentence,
    Understanding,
    WorkedCase,
)

if TYPE_CHECKING:
    from lecta.evaluate.compare import Comparison
    from lecta.lectures import Lecture
    from lecta.library import Library
    from lecta.timeline import Timeline

_STATUS_STYLE: dict[FileStatus, str] = {
    "added": "green",
    "updated": "green",
    "failed": "red",
    "skipped": "dim",
    "unchanged": "dim",
    "duplicate": "dim",
}


_PIPE_WIDTH = 400
"""Columns of what is no terminal: a table is as wide as what stands in it, and nothing is broken within a word."""


def _out() -> Console:
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, soft_wrap=True, width=_PIPE_WIDTH)


def _err() -> Console:
    return Console(stderr=True, highlight=False)


# --- places -----------------------------------------------------------------------------------------------------------


def clock(seconds: float) -> str:
    """Return a time in a recording as a person writes it: 23:41 or 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def place(passage: Passage) -> str:
    """Return where a passage stands, and what is beside it: "slide 12, 23:41-24:10", "characters 78254-78742"."""
    beside = passage.beside or Place("")
    if passage.page is not None:
        printed = f" (printed {passage.label})" if passage.label and passage.label != str(passage.page) else ""
        spoken = _times(beside)
        return f"{'slide' if passage.kind == 'slides' else 'page'} {passage.page}{printed}" + (
            f", {spoken}" if spoken else ""
        )
    shown = f"slide {beside.page}, " if beside.page is not None else ""
    return shown + (_times(passage) or f"characters {passage.start_index}-{passage.end_index}")


def _times(of: Passage | Place) -> str:
    if of.start_time is None or of.end_time is None:
        return ""
    return f"{clock(of.start_time)}-{clock(of.end_time)}"


# --- JSON, by the contract --------------------------------------------------------------------------------------------


def hits_json(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Return passages as `--json` prints them."""
    names = (
        "text", "source", "kind", "course", "lecture", "title", "page", "start_time", "end_time",
        "start_index", "end_index", "label", "speaker",
    )  # fmt: skip
    also = ("source", "page", "start_time", "end_time")
    return [
        {"rank": rank, "score": round(hit.score, 6)}
        | {name: getattr(hit.passage, name) for name in names}
        | _beside_json(hit.passage)
        | {"also": [{name: getattr(place, name) for name in also} for place in hit.also]}
        for rank, hit in enumerate(hits, 1)
    ]


def _beside_json(passage: Passage) -> dict[str, Any]:
    """Return what is beside a passage, and page and times from there where the passage has none itself."""
    if passage.beside is None:
        return {"beside": None}
    filled = {
        name: getattr(passage, name) if getattr(passage, name) is not None else getattr(passage.beside, name)
        for name in ("page", "start_time", "end_time")
    }
    return filled | {"beside": asdict(passage.beside)}


def _timings_json(timings: Any) -> dict[str, float]:
    return {name: round(value, 1) for name, value in timings.items()}


def search_json(found: SearchResult) -> dict[str, Any]:
    """Return what `lecta search --json` prints."""
    return {
        "question": found.question,
        "passages": hits_json(found.hits),
        "timings": _timings_json(found.timings),
        "understood": understood_json(found.understood),
    }


def understood_json(understood: Understanding | None) -> dict[str, Any] | None:
    """Return how a question was read, as `--json` prints it."""
    if understood is None:
        return None
    return {
        "question": understood.standalone,
        "filters": {name: value for name, value in asdict(understood.filters).items() if value not in (None, ())},
        "order": understood.order,
        "expansions": [list(pair) for pair in understood.expansions],
        "corrections": [list(pair) for pair in understood.corrections],
        "notes": list(understood.notes),
    }


def print_understood(understood: Understanding | None, question: str) -> None:
    """Print in one dim line on stderr, on a terminal, how a question was read where that is not as it stands."""
    console = _err()
    parts = understood_parts(understood, question)
    if parts and console.is_terminal:
        console.print(f"[dim]{escape('; '.join(parts))}[/]")


def understood_parts(understood: Understanding | None, question: str) -> list[str]:
    """Return what was done with a question beyond searching its words."""
    if understood is None:
        return []
    filters = understood.filters
    parts = [f"asked as: {understood.standalone}"] if understood.standalone != question else []
    if filters.lecture is not None:
        parts.append(f"lecture {filters.lecture}")
    if filters.lectures is not None:
        parts.append(f"lectures {', '.join(map(str, filters.lectures))}")
    parts += [filters.kind] if filters.kind else []
    parts += [f'with "{phrase}"' for phrase in filters.phrases]
    parts += [f"{understood.order.removesuffix(' mention')} places first"] if understood.order else []
    parts += [f"also {form}" for form in dict.fromkeys(form for _, form in understood.expansions)]
    return parts + list(understood.notes)


def answer_json(answer: Answer) -> dict[str, Any]:
    """Return what `lecta ask --json` prints."""
    return {
        "question": answer.question,
        "answer": answer.text,
        "thinking": answer.thinking,
        "abstained": answer.abstained,
        "sentences": [sentence_json(sentence) for sentence in answer.sentences],
        "formulas": [formula_json(formula) for formula in answer.formulas],
        "worked_case": _case_json(answer.case),
        "passages": hits_json(answer.passages),
        "model": answer.model,
        "timings": _timings_json(answer.timings),
        "understood": understood_json(answer.understood),
        "coverage": answer.coverage.verdict if answer.coverage else None,
        "coverage_probability": round(answer.coverage.probability, 4) if answer.coverage else None,
        "not_covered": list(answer.coverage.missing) if answer.coverage else [],
        "orders": list(answer.orders),
        "left_out": list(answer.left_out),
    }


def sentence_json(sentence: Sentence) -> dict[str, Any]:
    """Return a checked sentence as `--json` prints it."""
    return {
        "text": sentence.text,
        "citations": list(sentence.citations),
        "support": None if sentence.support is None else round(sentence.support, 4),
        "supported": sentence.supported,
        "spans": [asdict(span) for span in sentence.spans],
    }


def formula_json(formula: Formula) -> dict[str, Any]:
    """Return a checked formula as `--json` prints it."""
    return {name: getattr(formula, name) for name in ("latex", "status", "correction", "passage")}


def _case_json(case: WorkedCase | None) -> dict[str, Any] | None:
    if case is None:
        return None
    return {"expression": case.expression, "wrt": case.wrt, "derivative": case.derivative, "passage": case.passage}


def timeline_json(timeline: Timeline) -> dict[str, Any]:
    """Return what `lecta align --json` prints."""
    return {"cues": [asdict(moment) | {"confidence": round(moment.confidence, 4)} for moment in timeline.moments]}


# --- progress ---------------------------------------------------------------------------------------------------------


OnFile = Callable[[FileReport, int, int], None]
OnHeard = Callable[[str, str], None]


class Shown(TypedDict):
    """What `Library.add` tells while it goes on."""

    on_file: OnFile
    on_heard: OnHeard
    on_embedded: Callable[[int, int], None]


@contextlib.contextmanager
def adding(quiet: bool) -> Iterator[Shown]:
    """Show a bar of files while they are added, where in a long one its reader is, and every file that fails.

    Once they are found by their words the bar is of passages.
    """
    console = _err()
    bar = Progress(
        TextColumn("{task.fields[deed]}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.description}"), console=console, transient=True, disable=quiet or not console.is_terminal,
    )  # fmt: skip
    task = bar.add_task("", total=None, deed="reading")

    def on_file(report: FileReport, done: int, total: int) -> None:
        bar.update(task, completed=done, total=total, description="")
        if report.status == "failed":
            console.print(f"[red]failed[/] {escape(report.path)}: {escape(report.reason)}", soft_wrap=True)

    def on_heard(path: str, where: str) -> None:
        bar.update(task, description=escape(f"{Path(path).name}: {where}"))

    def on_embedded(done: int, total: int) -> None:
        words = "found by words; making vectors"
        bar.update(task, completed=done, total=total, deed="embedding", description=words)

    with bar:
        yield {"on_file": on_file, "on_heard": on_heard, "on_embedded": on_embedded}


def _download_bar(deed: str) -> Progress:
    console = _err()
    return Progress(
        TextColumn(f"{deed} {{task.description}}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip


@contextlib.contextmanager
def fetching(deed: str = "fetching") -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar of bytes for each model."""
    bar = _download_bar(deed)
    tasks: dict[str, Any] = {}

    def on_fetch(name: str, done: int, total: int) -> None:
        if name not in tasks:
            tasks[name] = bar.add_task(name, total=total)
        bar.update(tasks[name], completed=done)

    with bar:
        yield on_fetch


def on_fetch() -> Callable[[str, int, int], None]:
    """Return a callback that shows a bar only once a model really is fetched, for commands that seldom need one."""
    bars: dict[str, Progress] = {}
    announced: set[str] = set()

    def show(name: str, done: int, total: int) -> None:
        if name not in bars:
            bars[name] = _download_bar("fetching")
            bars[name].add_task(name, total=total)
            bars[name].start()
            if bars[name].disable and name not in announced:
                announced.add(name)
                _err().print(f"lecta: fetching {name} ({total / 1e6:,.0f} MB), once")
        bar = bars[name]
        bar.update(bar.task_ids[0], completed=done)
        if done >= total:
            bar.stop()

    return show


@contextlib.contextmanager
def counting(what: str, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar of steps."""
    console = _err()
    bar = Progress(
        TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console, transient=True,
        disable=quiet or not console.is_terminal,
    )  # fmt: skip
    task = bar.add_task("", total=None)
    with bar:
        yield lambda done, total: bar.update(task, completed=done, total=total)


# --- answers ----------------------------------------------------------------------------------------------------------


class Listener:
    """Shows an answer while it is written: whole paragraphs as Markdown, the one being written below them."""

    def __init__(self, quiet: bool, show_docs: bool, show_thinking: bool) -> None:
        self._quiet, self._show_docs, self._show_thinking = quiet, show_docs, show_thinking
        self._thinking_since = 0.0
        self._console = _out()
        self._text = ""
        self._live: Live | None = None
        self._started = time.monotonic()

    def start(self) -> None:
        """Say that something is going on, until the first words come."""
        if not self._quiet and self._console.is_terminal:
            self._show(Text("searching ...", style="dim"))

    def on_passages(self, hits: Sequence[Hit]) -> None:
        """Show what was found, if asked to, and that the model is reading it."""
        if self._quiet:
            return
        if self._show_docs:
            self._hide()
            print_hits(hits)
        if self._console.is_terminal:
            self._show(Text(f"reading {len(hits)} passages ...", style="dim"))

    def on_thought(self, piece: str) -> None:
        """Show that the model is thinking and for how long; what, if asked to."""
        if self._quiet:
            return
        is_first = not self._thinking_since
        self._thinking_since = self._thinking_since or time.monotonic()
        if self._show_thinking:
            self._hide()
            if is_first and not self._console.is_terminal:
                self._console.file.write("<think>\n")
            self._console.print(Text(piece.lstrip() if is_first else piece, style="dim"), end="", soft_wrap=True)
        elif self._console.is_terminal:
            self._show(Text(f"thinking ... {time.monotonic() - self._thinking_since:.0f} s", style="dim"))

    def on_recall(self) -> None:
        """Say that what was shown as the answer was the model thinking."""
        self._text = ""
        if self._quiet:
            return
        self._hide()
        self._console.print("\n(the model was thinking until here)\n", style="dim", markup=False)

    def _end_thinking(self) -> None:
        if not self._thinking_since:
            return
        seconds, self._thinking_since = time.monotonic() - self._thinking_since, 0.0
        self._hide()
        if self._show_thinking:
            self._console.print("\n" if self._console.is_terminal else "\n</think>\n")
        elif self._console.is_terminal:
            self._console.print(f"thought for {seconds:.0f} s (--show-thinking shows what)", style="dim", markup=False)

    def on_text(self, piece: str) -> None:
        """Show the next piece of the answer."""
        if self._quiet:
            return
        self._end_thinking()
        if not self._console.is_terminal:
            self._console.file.write(piece)
            self._console.file.flush()
            return
        self._text += piece
        whole, cut, rest = self._text.rpartition("\n\n")
        if cut and whole.count("```") % 2 == 0 and whole.count("$$") % 2 == 0:
            self._hide()
            self._console.print(_markdown(whole), "")
            self._text = rest
        self._show(_markdown(self._text))

    def on_draft(self, sentence: str) -> None:
        """Show the sentence that is being written behind what stays."""
        if not self._quiet and self._console.is_terminal:
            self._end_thinking()
            self._show(_markdown(self._text + sentence))

    def finish(self) -> None:
        """Print what is left for good."""
        self._end_thinking()
        self._hide()
        if self._text.strip():
            self._console.print(_markdown(self._text))
        elif not self._quiet and not self._console.is_terminal:
            self._console.file.write("\n")

    def pause(self) -> None:
        """Take away what is shown for the moment, so that something else can be printed."""
        self._hide()

    def _show(self, shown: Any) -> None:
        if self._live is None:
            self._live = Live(console=self._console, transient=True, refresh_per_second=8)
            self._live.start()
        self._live.update(shown)

    def _hide(self) -> None:
        if self._live is not None:
            self._live.update(Text(""))
            self._live.stop()
            self._live = None


def _markdown(text: str) -> RenderableType:
    from rich.markdown import Markdown  # 50 ms, and adding shows none

    return Markdown(readable(text))


def print_markdown(text: str) -> None:
    """Print Markdown: rendered on a terminal, as it is into a pipe."""
    console = _out()
    if console.is_terminal:
        console.print(_markdown(text))
    else:
        console.file.write(text)


@contextlib.contextmanager
def answering(quiet: bool, show_docs: bool, show_thinking: bool = False) -> Iterator[Listener]:
    """Show an answer while it is written; on Ctrl-C or an error what was written stays on the screen."""
    listener = Listener(quiet, show_docs, show_thinking)
    listener.start()
    try:
        yield listener
    finally:
        listener.finish()


def print_note(line: str) -> None:
    """Print a line that is no result."""
    _err().print(line, markup=False, style="dim")


def print_sources(answer: Answer, console: Console | None = None) -> None:
    """Print the passages an answer cites and how its formulas fared: a table on a terminal, lines into a pipe."""
    console = console or _out()
    _print_cited(answer, console)
    _print_nearest(answer, console)
    formulas = formulas_line(answer)
    if formulas:
        console.print(f"\n{formulas}", markup=False)


def formulas_line(answer: Answer) -> str:
    """Return how many formulas stand in the lectures, were checked, are wrong; only what states something counts."""
    stating = [formula for formula in answer.formulas if formula.is_statement]
    counts = [(status, sum(formula.status == status for formula in stating)) for status in get_args(FormulaStatus)]
    told = ", ".join(f"{count} {status}" for status, count in counts if count)
    return f"Formulas: {told}" if told else ""


def _print_nearest(answer: Answer, console: Console) -> None:
    """Print where the lectures come nearest to a question that they do not cover, a line for each lecture."""
    if not answer.abstained or not answer.passages:
        return
    places: dict[tuple[str, int | None], str] = {}
    for hit in answer.passages:
        one = hit.passage
        lecture = f"lecture {one.lecture}" if one.lecture is not None else one.source
        places.setdefault((one.course, one.lecture), f"{lecture}, {place(one)}")
    console.print(f"\nNearest: {'; '.join(list(places.values())[:3])}", markup=False)


def _print_cited(answer: Answer, console: Console) -> None:
    cited = answer.cited
    if answer.abstained or not answer.passages:
        return
    shown = cited or list(range(1, len(answer.passages) + 1))
    heading = "Sources" if cited else "Found, not cited"
    rows = [(number, answer.passages[number - 1].passage) for number in shown]
    if not console.is_terminal:
        console.print(f"\n{heading}:", markup=False)
        for number, passage in rows:
            lecture = f"lecture {passage.lecture}, " if passage.lecture is not None else ""
            console.print(f"[{number}] {passage.source}, {lecture}{place(passage)}", markup=False)
        return
    table = Table(title=heading, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for column in ("", "lecture", "place", "title", "file"):
        table.add_column(column, overflow="fold")
    for number, passage in rows:
        lecture = "" if passage.lecture is None else str(passage.lecture)
        table.add_row(f"\\[{number}]", lecture, place(passage), escape(passage.title), escape(passage.source))
    console.print("", table)


def print_hits(hits: Sequence[Hit]) -> None:
    """Print passages with their places."""
    console = _out()
    if not hits:
        console.print("nothing found")
    for rank, hit in enumerate(hits, 1):
        passage = hit.passage
        lecture = f"lecture {passage.lecture} · " if passage.lecture is not None else ""
        title = f" · {passage.title}" if passage.title else ""
        where = escape(f"{lecture}{place(passage)}{title}")
        console.print(f"[bold]{rank}[/]  {where}  [dim]{escape(passage.source)}  {hit.score:.3f}[/]")
        console.print(Text(passage.text), "")


# --- tables -----------------------------------------------------------------------------------------------------------


def print_add(report: AddReport) -> None:
    """Print what became of each file; those that changed nothing are only counted."""
    console = _out()
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


def reindex_json(report: ReindexReport) -> dict[str, Any]:
    """Return what `lecta reindex --json` prints."""
    return {
        "documents": report.documents,
        "passages": report.passages,
        "seconds": round(report.seconds, 3),
        "was": dict(report.was),
        "now": dict(report.now),
        "read_again": list(report.read_again),
    }


def print_reindex(report: ReindexReport) -> None:
    """Print what changed and what is to be added again."""
    console = _out()
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
    console = _out()
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


def list_json(lectures: Sequence[Lecture], records: Sequence[DocumentRecord]) -> dict[str, Any]:
    """Return what `lecta list --json` prints."""
    columns = ("source", "kind", "course", "lecture", "title", "passages", "characters", "reader", "sha256")
    return {
        "lectures": [
            {
                "course": lecture.course,
                "order": lecture.order,
                "number": lecture.number,
                "title": lecture.title,
                "date": lecture.date.isoformat() if lecture.date else None,
                "kinds": dict(lecture.kinds),
                "passages": lecture.passages,
                "aligned": lecture.aligned,
                "sources": list(lecture.sources),
            }
            for lecture in lectures
        ],
        "documents": [{name: getattr(record, name) for name in columns} for record in records],
    }


def print_lectures(lectures: Sequence[Lecture]) -> None:
    """Print courses and their lectures in order, with how much there is of each kind."""
    console = _out()
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


def explain_json(document: Document) -> dict[str, Any]:
    """Return what of a document is kept out of retrieval, and why."""
    kept = sum(s.end_index - s.start_index for s in document.sections if not s.excluded)
    return {
        "source": document.source,
        "reader": document.reader,
        "characters": len(document.text),
        "characters_indexed": kept,
        "warnings": list(document.warnings),
        "left_out": [
            {
                "reason": section.excluded,
                "page": section.page,
                "start_time": section.start_time,
                "text": document.text_of(section),
            }
            for section in document.sections
            if section.excluded
        ],
    }


def print_explanation(report: dict[str, Any]) -> None:
    """Print what of a document is kept out of retrieval, and why."""
    console = _out()
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


def status_facts(library: Library) -> dict[str, Any]:
    """Return what `lecta status` prints."""
    from lecta import models

    records, lectures, kept = library.documents(), library.lectures(), library.states.kept()
    both = [lecture for lecture in lectures if lecture.kinds.keys() >= {"slides", "speech"}]
    return {
        "library": str(library.path),
        "files": len(records),
        "passages": library.store.count(),
        "without_vectors": library.store.bare_count(),
        "courses": sorted({record.course for record in records}),
        "lectures": len(lectures),
        "aligned": sum(lecture.aligned > 0 for lecture in both),
        "not_aligned": [
            f"{one.course} {one.title if one.number is None else f'lecture {one.number}'}"
            for one in both
            if not one.aligned
        ],
        "megabytes": round(_folder_size(library.path) / 1e6, 1),
        "embedder": library.store.recipe.embedder,
        "chunker": library.store.recipe.chunker,
        "reader": library.store.recipe.reader,
        "models": str(library.settings.models),
        "model": library.model_name,
        "states": kept.states,
        "states_megabytes": round(kept.bytes / 1e6, 1),
        "states_limit": kept.limit // 1_000_000,
        "states_hits": kept.hits,
        "models_here": [
            name for name, model in models.MODELS.items() if models.is_cached(model, library.settings.models)
        ],
    }


def print_status(facts: dict[str, Any]) -> None:
    """Print facts a line each."""
    console = _out()
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
    console = _out()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("model", "MB", "here", "licence", "purpose"):
        table.add_column(column, justify="right" if column == "MB" else "left")
    for row in rows:
        table.add_row(
            row["name"], f"{row['megabytes']:,}", "yes" if row["here"] else "no", row["licence"], row["purpose"]
        )
    console.print(table)
    console.print(f"in {cache}", markup=False, style="dim")


def print_measures(result: dict[str, Any]) -> None:
    """Print measures a line each."""
    console = _out()
    width = max(12, *map(len, result["measures"]))
    for name, value in result["measures"].items():
        console.print(f"{name:{width}} {value:.4f}")
    console.print(f"{result['queries']} queries in {result['seconds']:.1f} s")


def print_answerable(result: dict[str, Any]) -> None:
    """Print the measures and how many questions of each label were refused."""
    for name, count in result["refused"].items():
        if result["of"][name]:
            _out().print(f"{count} of {result['of'][name]} {name} questions refused")
    print_measures(result)


def print_comparison(comparison: Comparison, before: str, after: str) -> None:
    """Print means, difference, its interval and test, and the questions that changed most."""
    console = _out()
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


def print_timeline(timeline: Timeline) -> None:
    """Print when each slide is spoken about, a line for each change of slide."""
    console = _out()
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


def print_alignment(result: dict[str, Any]) -> None:
    """Print the measures of each lecture and the reliability curve."""
    console = _out()
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
    console = _out()
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
    console.print(f"{cost['sentence']:.1f} ms a sentence, after {cost['references']:.1f} ms for its references\n")
    print_measures(result)


def _folder_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
