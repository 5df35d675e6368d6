"""The command line: `lecta add`, `search`, `ask`, `chat`, `list`, `remove`, `reindex`, `align`, `derive`, ...

There is no logic here.

`--json` prints one JSON document on stdout and nothing else there; progress and warnings go to stderr. Exit status:
0 done, 1 something failed, 2 wrong usage, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from lecta import __version__
from lecta.errors import LectaError, UsageError

if TYPE_CHECKING:
    from lecta.evaluate.runs import Run
    from lecta.library import Library
    from lecta.settings import Settings

app = typer.Typer(
    name="lecta",
    help="Answers from your own lectures, with the file, the page and the minute each sentence rests on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: quick, and "[default: 5]" is text
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(rich_markup_mode=None, help="The models' weights: list, fetch, check.", no_args_is_help=True)
eval_app = typer.Typer(
    rich_markup_mode=None, help="Measure retrieval and answers on questions with known answers.", no_args_is_help=True
)
app.add_typer(models_app, name="models")
app.add_typer(eval_app, name="eval")


class KindName(StrEnum):
    """`lecta.types.Kind` for the command line."""

    slides = "slides"
    speech = "speech"
    notes = "notes"


LibraryOption = Annotated[
    Path | None,
    typer.Option("--library", metavar="DIR", help="Folder of the library. [env: LECTA_LIBRARY]", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
CountOption = Annotated[
    int | None, typer.Option("-k", min=1, max=50, help="Passages to find. [default: 5]", show_default=False)
]
CourseOption = Annotated[str | None, typer.Option("--course", help="Only this course.", show_default=False)]
LectureOption = Annotated[
    int | None, typer.Option("--lecture", min=0, max=9999, help="Only this lecture.", show_default=False)
]
KindOption = Annotated[KindName | None, typer.Option("--kind", help="Only this kind of material.", show_default=False)]
CutoffOption = Annotated[
    int | None, typer.Option("-k", min=1, max=100, help="Measure at this rank as well.", show_default=False)
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE.json", help="Keep the run, for `eval compare`.", show_default=False),
]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE.html", help="Write a page with plots and the worst.", show_default=False),
]
ThinkingOption = Annotated[bool, typer.Option("--show-thinking", help="Print what the model thinks aloud.")]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="default, small, a .gguf file, openai:NAME or ollama:NAME. [env: LECTA_MODEL]",
        show_default=False,
    ),
]


def main() -> None:
    """Run the command line; every error of lecta's becomes one line and an exit status."""
    for stream in (sys.stdout, sys.stderr):  # Windows' pipes are not UTF-8 by themselves
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for them takes 50 ms, and lecta has none
    try:
        app()
    except LectaError as error:
        _complain(str(error))
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        _complain("stopped")
        sys.exit(130)
    except (BrokenPipeError, SystemExit) as error:
        if not _lost_its_reader(error):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        _complain(f"{error.strerror or error}: {error.filename or 'the system gives no file name'}")
        sys.exit(1)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"lecta {__version__}")
        raise typer.Exit


@app.command()
def add(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders.", show_default=False)],
    course: Annotated[
        str | None, typer.Option("--course", help="Name of the course. [default: the folder's]", show_default=False)
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Take out what came from these folders and is gone from the disk.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and add what changes in these folders.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing unless something changed.")] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read lectures and make them searchable; files that have not changed are left alone."""
    import gc

    gc.set_threshold(50_000)  # what is known of paragraphs stays: to look through it every 700 objects took a tenth
    from lecta import console

    opened = _open(library)
    with console.adding(quiet=as_json) as shown:
        report = opened.add(paths, course=course, prune=prune, **shown)
    if as_json:
        _print_json(
            {
                "files": [
                    {"path": f.path, "status": f.status, "passages": f.passages, "reason": f.reason}
                    for f in report.files
                ],
                "passages": report.passages,
                "seconds": round(report.seconds, 3),
                "gone": list(report.gone),
            }
        )
    elif not quiet or report.gone or any(file.status in ("added", "updated", "failed") for file in report.files):
        console.print_add(report)
    if watch:
        _watch(opened, paths, course, prune=prune, as_json=as_json)
        return
    if sys.stderr.isatty() and not as_json and any(file.status in ("added", "updated") for file in report.files):
        _read_in_background(opened)
    if not report.files:
        raise LectaError(f"no files in {', '.join(map(str, paths))}")
    if any(file.status == "failed" for file in report.files) or not any(
        file.status in ("added", "updated", "unchanged", "duplicate") for file in report.files
    ):
        raise typer.Exit(1)


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="What to look for.", show_default=False)],
    k: CountOption = None,
    course: CourseOption = None,
    lecture: LectureOption = None,
    kind: KindOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the passages that treat a question."""
    from lecta import console

    opened = _open(library, is_asked=True)
    found = opened.search(question, k, course=course, lecture=lecture, kind=kind.value if kind else None)
    if as_json:
        _print_json(console.search_json(found))
    else:
        _warn_if_empty(opened)
        console.print_understood(found.understood, question)
        console.print_hits(found.hits)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.", show_default=False)],
    k: CountOption = None,
    show_docs: Annotated[bool, typer.Option("--show-docs", help="Print the passages before the answer.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Leave out what no passage bears, instead of marking it.")
    ] = False,
    show_thinking: ThinkingOption = False,
    model: ModelOption = None,
    course: CourseOption = None,
    lecture: LectureOption = None,
    kind: KindOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the lectures, with sources."""
    from lecta import resident
    from lecta.resident import client

    settings = _settings(library=library, model=model)
    filters = {"course": course, "lecture": lecture, "kind": kind.value if kind else None}
    options: dict[str, Any] = {"k": k, "strict": strict} | filters
    from lecta import console

    with console.answering(quiet=as_json, show_docs=show_docs, show_thinking=show_thinking) as listener:

        def on_empty() -> None:
            if not as_json:
                listener.pause()
                _complain(_is_empty(settings.library))

        answer = client.ask(settings, question, options, listener, on_empty)
        is_warm = answer is not None
        if answer is None:
            opened = _opened(settings, is_asked=True)
            if not as_json and not opened.store.count():
                on_empty()
            answer = opened.ask(
                question,
                **options,
                on_passages=listener.on_passages,
                on_text=listener.on_text,
                on_thought=listener.on_thought,
                on_recall=listener.on_recall,
                on_draft=listener.on_draft,
            )
    if as_json:
        _print_json(console.answer_json(answer))
    else:
        console.print_sources(answer)
        console.print_understood(answer.understood, question)
    if not is_warm:
        resident.start(settings)
    if not as_json and sys.stderr.isatty():
        _read_what_was_missed(settings)


@app.command()
def stop(library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """End the process that stays after `ask` with everything loaded."""
    from lecta.resident import client

    was_there = client.stop(_settings(library=library))
    if as_json:
        _print_json({"stopped": was_there})
    else:
        typer.echo("stopped" if was_there else "none was there")


@app.command()
def chat(
    conversation: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="A conversation; its first letters do. [default: the last]", show_default=False
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a conversation.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="Show the conversations that are kept.")] = False,
    export: Annotated[bool, typer.Option("--export", help="Print a conversation as Markdown.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there instead.", show_default=False)
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the conversation named.")] = False,
    k: CountOption = None,
    show_thinking: ThinkingOption = False,
    model: ModelOption = None,
    course: CourseOption = None,
    lecture: LectureOption = None,
    kind: KindOption = None,
    library: LibraryOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document a line for each answer.")] = False,
) -> None:
    """Ask and ask on: a conversation, on a terminal or a question a line from a pipe."""
    from lecta import chatting
    from lecta import export as exporting

    asked = [
        name
        for name, given in (("resume", resume), ("list", list_all), ("export", export), ("delete", delete))
        if given
    ]
    if len(asked) > 1:
        raise UsageError(f"--{asked[0]} and --{asked[1]} are two things: give one of them")
    if conversation is not None and asked in ([], ["list"]):
        raise UsageError(
            f"{conversation!r} is taken for a conversation: write --resume, --export or --delete before it"
        )
    if out is not None and not export:
        raise UsageError("--out says where --export writes: give both")
    opened = _open(library, model=model)
    if list_all:
        chatting.list_conversations(opened.conversations, as_json=as_json)
    elif export:
        exporting.export(opened.conversations.find(conversation or "", chatting.warn), out)
    elif delete:
        if conversation is None:
            raise UsageError("--delete wants the conversation's id: `lecta chat --list` shows it")
        typer.echo(f"deleted {opened.conversations.delete(conversation)}")
    else:
        options = chatting.Options(k, course, lecture, kind.value if kind else None, show_thinking, as_json)
        old = opened.conversations.find(conversation or "", chatting.warn) if resume else None
        _warn_if_empty(opened)
        if not chatting.Chat(opened, options, old).run():
            raise typer.Exit(1)


@app.command("list")
def list_(
    files: Annotated[bool, typer.Option("--files", help="One line for each file instead of each lecture.")] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the courses and lectures in the library."""
    from lecta import console

    opened = _open(library)
    if as_json:
        _print_json(console.list_json(opened.lectures(), opened.documents()))
    elif files:
        console.print_documents(opened.documents())
    else:
        console.print_lectures(opened.lectures())


@app.command()
def remove(
    path: Annotated[str, typer.Argument(help="A file or folder that was added.", show_default=False)],
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a file, or all files of a folder, out of the library; the files themselves stay."""
    removed = _open(library).remove(path)
    if as_json:
        _print_json({"removed": [record.source for record in removed]})
    else:
        typer.echo(f"removed {len(removed)} file{'s' * (len(removed) != 1)}")


@app.command()
def reindex(
    embedder: Annotated[
        str | None,
        typer.Option(
            "--embedder",
            help="minilm, openai:NAME, ollama:NAME or st:NAME_OR_FOLDER. [env: LECTA_EMBEDDER]",
            show_default=False,
        ),
    ] = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the library anew by another embedder or passage size; the old one serves until that is done."""
    from lecta import console

    opened = _open(library, embedder=embedder)
    with console.counting("files", quiet=as_json) as on_document:
        report = opened.reindex(on_document=on_document)
    if as_json:
        _print_json(console.reindex_json(report))
    else:
        console.print_reindex(report)


@app.command("read-ahead")
def read_ahead(
    sections: Annotated[
        int | None,
        typer.Option("--sections", min=0, max=10_000, help="Sections to read. [default: 64]", show_default=False),
    ] = None,
    library: LibraryOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the model read what will probably be asked for, so that answers begin at once; waits while a question runs.

    Ctrl-C keeps what was read.
    """
    from lecta import console

    opened = _open(library, model=model)
    if hasattr(os, "nice"):
        os.nice(10)
    with console.counting("sections", quiet=as_json) as on_section:
        done = opened.read_ahead(sections, on_section)
    kept = opened.states.kept()
    if as_json:
        _print_json({"read": done, "states": kept.states, "bytes": kept.bytes, "limit": kept.limit})
    else:
        typer.echo(f"read {done} section{'s' * (done != 1)} ahead; {kept.states} states take {kept.bytes / 1e6:.0f} MB")


@app.command()
def status(
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="PATH", help="Say of a file what was left out, and why.", show_default=False),
    ] = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where the library and the models are, and how much they hold."""
    from lecta import console
    from lecta.resident import client

    opened = _open(library)
    if explain is not None:
        report = console.explain_json(opened.find(explain))
        if as_json:
            _print_json(report)
        else:
            console.print_explanation(report)
        return
    facts = console.status_facts(opened) | {"resident": client.status(opened.settings)}
    if as_json:
        _print_json(facts)
    else:
        console.print_status(facts)


@app.command()
def align(
    subtitles: Annotated[
        Path, typer.Argument(metavar="SUBTITLES", help="Subtitles or another transcript.", show_default=False)
    ],
    slides: Annotated[Path, typer.Argument(metavar="SLIDES", help="The slides of that lecture.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Find out which slide is spoken about when."""
    from lecta import console
    from lecta.timeline import align_files

    opened = _open(None)
    timeline = align_files(subtitles, slides, opened.embedder, ocr=opened.settings.ocr)
    if as_json:
        _print_json(console.timeline_json(timeline))
    else:
        console.print_timeline(timeline)


@app.command()
def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 is any that is free.")] = 8765,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen at; others than this machine's own want a token.")
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option("--token", help="What every request must bring. [env: LECTA_SERVE_TOKEN]", show_default=False),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    model: ModelOption = None,
    library: LibraryOption = None,
) -> None:
    """Serve the library: a page, a REST API and an OpenAI-compatible one, until Ctrl-C."""
    from lecta import web
    from lecta.serve import run
    from lecta.serve.app import create_app
    from lecta.serve.desk import Desk
    from lecta.serve.safety import safety_for
    from lecta.serve.uploads import Limits

    settings = _settings(library=library, model=model, serve_token=token)
    names = settings.serve_names.split(",")
    safety = safety_for(host, settings.serve_token, names, settings.upload_megabytes * 1_000_000)
    desk = Desk.opened(settings, Limits(settings.upload_megabytes, settings.upload_files))
    taken = run.bound(host, port)
    address = run.address_of(taken)
    visited = f"{address}?token={settings.serve_token}" if settings.serve_token else address

    def on_ready() -> None:
        typer.echo(f"lecta is at {address} (stop with Ctrl-C)")
        if open_browser:
            run.visit(visited)

    app = create_app(desk, safety)
    web.mount(app, desk)
    run.run(app, taken, on_ready)


@app.command()
def mcp(
    course: CourseOption = None,
    model: ModelOption = None,
    library: LibraryOption = None,
) -> None:
    """Let an assistant search, read and ask: a server of the Model Context Protocol on stdin and stdout."""
    from lecta import mcp_server

    mcp_server.run(_settings(library=library, model=model), course)


class FormulaCommand(typer.core.TyperCommand):
    """A command whose argument may begin with a minus, as -cosh(x) does, and is no option for that."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put a space before what begins like an option and is none."""
        options = {name for param in self.get_params(ctx) for name in (*param.opts, *param.secondary_opts)}
        known = [arg.partition("=")[0] in options or arg == "--" or not arg.startswith("-") for arg in args]
        spaced = [arg if option else f" {arg}" for arg, option in zip(args, known, strict=True)]
        return super().parse_args(ctx, spaced)


@app.command(cls=FormulaCommand)
def derive(
    expression: Annotated[
        str, typer.Argument(help="Assignments or one formula, Python or LaTeX; or a .txt file.", show_default=False)
    ],
    wrt: Annotated[str, typer.Option("--wrt", metavar="VARIABLE", help="Derive by this.", show_default=False)],
    numeric: Annotated[
        str | None,
        typer.Option("--numeric", metavar="NAME=VALUE,...", help="Show the numbers there.", show_default=False),
    ] = None,
    clip: Annotated[
        float | None, typer.Option("--clip", min=0, help="Say what clipping its norm at this does.", show_default=False)
    ] = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Draw the graph into this file.", show_default=False)
    ] = None,
    jax: Annotated[bool, typer.Option("--jax/--no-jax", help="Check by JAX too, where it is installed.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Work out a derivative by the chain rule, step by step, and check it three ways."""
    from lecta.derive import derive as work_out
    from lecta.derive import read_source

    found = work_out(read_source(expression.removeprefix(" ")), wrt, values=numeric, clip=clip, jax=jax)
    if svg is not None:
        svg.write_text(found.svg(), encoding="utf-8")
    if as_json:
        _print_json(found.to_json())
    else:
        from lecta import console

        console.print_markdown(found.markdown)


@models_app.command("list")
def models_list(as_json: JsonOption = False) -> None:
    """Show the models lecta knows and which are here."""
    from lecta import console, models

    cache = _settings().models
    rows = [
        {
            "name": model.name,
            "purpose": model.purpose,
            "megabytes": round(model.size / 1e6),
            "licence": model.licence,
            "here": models.is_cached(model, cache),
        }
        for model in models.MODELS.values()
    ]
    if as_json:
        _print_json({"folder": str(cache), "models": rows})
    else:
        console.print_models(cache, rows)


@models_app.command("pull")
def models_pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Models. [default: those `ask` needs]", show_default=False),
    ] = None,
    from_file: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Take a file you have instead of the network.", show_default=False),
    ] = None,
) -> None:
    """Fetch models ahead of time; what is here is not fetched again."""
    from lecta import console, models

    cache = _settings().models
    wanted = names or [models.EMBEDDER, models.CHAT["default"]]
    if from_file is not None:
        if len(wanted) != 1 or not names:
            raise typer.BadParameter("--from takes one model's name", param_hint="--from")
        typer.echo(models.supply(wanted[0], from_file, cache))
        return
    for name in wanted:
        with console.fetching() as on_fetch:
            folder = models.fetch(name, cache, lambda done, total, name=name: on_fetch(name, done, total))  # type: ignore[misc]
        typer.echo(folder)


@models_app.command("verify")
def models_verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Models. [default: all that are here]", show_default=False),
    ] = None,
) -> None:
    """Read models again and compare their checksums."""
    from lecta import console, models

    cache = _settings().models
    wanted = names or [name for name, model in models.MODELS.items() if models.is_cached(model, cache)]
    if not wanted:
        raise LectaError(f"no model is in {cache}: run `lecta models pull`")
    for name in wanted:
        with console.fetching("checking") as on_fetch:
            models.verify(name, cache, lambda done, total, name=name: on_fetch(name, done, total))  # type: ignore[misc]
        typer.echo(f"{models.find(name).name}: SHA-256 is right")


@eval_app.command("exam")
def eval_exam(
    questions: Annotated[
        Path, typer.Argument(metavar="QUESTIONS.jsonl", help='Rows {"id","question","lecture"}.', show_default=False)
    ],
    course: CourseOption = None,
    kind: KindOption = None,
    k: CutoffOption = None,
    out: OutOption = None,
    report: ReportOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Does search find the lecture that treats an exam question? Lecture-level hit@k, MRR and nDCG."""
    from lecta import console
    from lecta.evaluate import exam

    _check_targets(out, report)
    opened = _open(library)
    with console.counting("questions", quiet=as_json) as on_step:
        run = exam.evaluate(opened, questions, course=course, kind=kind.value if kind else None, k=k, on_step=on_step)
    _give(run, as_json, out, report)


@eval_app.command("beir")
def eval_beir(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Has corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv.", show_default=False),
    ],
    split: Annotated[str, typer.Option("--split", help="Which qrels.")] = "test",
    k: CutoffOption = None,
    out: OutOption = None,
    report: ReportOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure ranking on a collection in BEIR's format: nDCG@10, MAP, MRR, recall, hit@k."""
    from lecta import console
    from lecta.evaluate import beir

    _check_targets(out, report)
    collection = beir.read(folder, split)
    with console.counting("documents", quiet=as_json) as on_step:
        library = beir.indexed(collection, _settings(), on_step=on_step)
    with console.counting("queries", quiet=as_json) as on_step:
        run = beir.evaluate(library, collection, k=k, on_step=on_step)
    _give(run, as_json, out, report)


@eval_app.command("compare")
def eval_compare(
    before: Annotated[Path, typer.Argument(metavar="A.json", help="A run kept with --out.", show_default=False)],
    after: Annotated[Path, typer.Argument(metavar="B.json", help="Another of these questions.", show_default=False)],
    measure: Annotated[str, typer.Option("--measure", help="Which measure.")] = "nDCG@10",
    as_json: JsonOption = False,
) -> None:
    """Is run B better than run A, question by question, or is it chance?"""
    from lecta import console
    from lecta.evaluate import compare, runs

    comparison = compare.compare(runs.load(before), runs.load(after), measure)
    if as_json:
        _print_json(compare.to_json(comparison))
    else:
        console.print_comparison(comparison, str(before), str(after))


@eval_app.command("align")
def eval_align(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Each has transcript.srt, slides.pdf, labels.jsonl.", show_default=False),
    ],
    as_json: JsonOption = False,
) -> None:
    """Is each cue put on the slide that was shown? F1 and accuracy for each lecture, and what confidence means."""
    from lecta import console
    from lecta.evaluate import align

    opened = _open(None)
    with console.counting("lectures", quiet=as_json) as on_step:
        result = align.evaluate(folders, opened.embedder, on_step=on_step)
    if as_json:
        _print_json(result)
    else:
        console.print_alignment(result)


@eval_app.command("support")
def eval_support(
    claims: Annotated[
        Path,
        typer.Argument(
            metavar="CLAIMS.jsonl", help='Rows {"claim","references":[...],"label":0|1}.', show_default=False
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Is support told from its lack? Balanced accuracy, AUROC, calibration and milliseconds a sentence."""
    from lecta import console
    from lecta.evaluate import support

    opened = _open(None)
    with console.counting("claims", quiet=as_json) as on_step:
        result = support.evaluate(claims, opened.token_embedder, on_step=on_step)
    if as_json:
        _print_json(result)
    else:
        console.print_support(result)


@eval_app.command("answerable")
def eval_answerable(
    questions: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help='Rows {"question","passages","label"}, without passages to search a library, or SQuAD 2 (.json).',
            show_default=False,
        ),
    ],
    sample: Annotated[
        int | None,
        typer.Option("--sample", min=2, help="As many questions, half of each label.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the sample.")] = 0,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Is it told which questions are answered, by their passages or a library? Balanced accuracy and AUROC."""
    from lecta import console
    from lecta.evaluate import answerable

    rows = answerable.read(questions)
    rows = answerable.sampled(rows, sample, seed) if sample else rows
    with console.counting("questions", quiet=as_json) as on_step:
        result = answerable.evaluate(rows, _open(library), on_step=on_step)
    if as_json:
        _print_json(result)
    else:
        console.print_answerable(result)


def _watch(library: Library, paths: list[Path], course: str | None, *, prune: bool, as_json: bool) -> None:
    """Add what changes until Ctrl-C; a burst of changes is one round."""
    import watchfiles

    from lecta import console

    if as_json:
        raise typer.BadParameter("--watch goes on for ever and cannot print one JSON document", param_hint="--watch")
    console.print_note("watching; stop with Ctrl-C")
    own = str(library.path.resolve())
    for changes in watchfiles.watch(*paths, debounce=2000, step=500):
        if all(path.startswith(own) for _, path in changes):
            continue
        with console.adding(quiet=False) as shown:
            report = library.add(paths, course=course, prune=prune, **shown)
        if any(file.status not in ("unchanged", "skipped") for file in report.files) or report.gone:
            console.print_add(report)


# --- shared by the commands -------------------------------------------------------------------------------------------


def _settings(**given: Any) -> Settings:
    from lecta import settings

    return settings.load(**given)


def _open(library: Path | None, *, is_asked: bool = False, **given: Any) -> Library:
    return _opened(_settings(library=library, **given), is_asked=is_asked)


def _opened(settings: Settings, *, is_asked: bool) -> Library:
    """Return the library; where it `is_asked` its embedder is opened while the rest of lecta is imported."""
    from lecta.opening import embedder_ahead

    ahead = embedder_ahead(settings) if is_asked else None
    from lecta import console
    from lecta.library import Library

    return Library(settings=settings, on_fetch=console.on_fetch(), ahead=ahead)


def _read_what_was_missed(settings: Settings) -> None:
    """Let the section that a question missed be read in the background, for the next."""
    opened = _opened(settings, is_asked=False)
    if opened.wants_reading():
        _read_in_background(opened, "--sections", "1")


def _read_in_background(library: Library, *options: str) -> None:
    """Start `lecta read-ahead` on its own, where it is wanted and the model is here."""
    import subprocess

    if not library.settings.read_ahead or not library.keeps_states:
        return
    with contextlib.suppress(OSError):
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "lecta",
                "read-ahead",
                "--library",
                str(library.path.absolute()),
                "--model",
                library.settings.model,
                *options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def _warn_if_empty(library: Library) -> None:
    if not library.store.count():
        _complain(_is_empty(library.path))


def _is_empty(folder: Path) -> str:
    return f"library {folder} is empty: add lectures with `lecta add PATH`"


def _check_targets(*paths: Path | None) -> None:
    from lecta.evaluate import runs

    for path in paths:
        if path is not None:
            runs.check_target(path)


def _give(run: Run, as_json: bool, out: Path | None, report: Path | None) -> None:
    """Print a run and write the files asked for."""
    from lecta import console
    from lecta.evaluate import report as page
    from lecta.evaluate import runs

    if as_json:
        _print_json(runs.to_json(run))
    else:
        console.print_measures({"measures": run.measures, "queries": run.queries, "seconds": run.seconds})
    if out is not None:
        runs.save(run, out)
    if report is not None:
        page.save(run, report)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))


def _lost_its_reader(error: BaseException | None) -> bool:
    """Tell whether the reader of what is printed went away (`lecta list | head`); rich and typer exit with 1 then."""
    return error is not None and (isinstance(error, BrokenPipeError) or _lost_its_reader(error.__context__))


def _complain(line: str) -> None:
    with contextlib.suppress(OSError):
        print(f"lecta: {line}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
