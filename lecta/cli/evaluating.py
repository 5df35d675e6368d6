"""Measurements: `eval exam`, `beir`, `compare`, `align`, `support`, `answerable`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lecta.cli.options import CourseOption, JsonOption, KindOption, LibraryOption
from lecta.cli.shared import library_at, print_json, settings_with

if TYPE_CHECKING:
    from lecta.evaluate.runs import Run

app = typer.Typer(
    rich_markup_mode=None, help="Measure retrieval and answers on questions with known answers.", no_args_is_help=True
)
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


@app.command("exam")
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
    from lecta.console.progress import counting
    from lecta.evaluate import exam

    _check_targets(out, report)
    opened = library_at(library)
    with counting("questions", quiet=as_json) as on_step:
        run = exam.evaluate(opened, questions, course=course, kind=kind.value if kind else None, k=k, on_step=on_step)
    _give(run, as_json, out, report)


@app.command("beir")
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
    from lecta.console.progress import counting
    from lecta.evaluate import beir

    _check_targets(out, report)
    collection = beir.read(folder, split)
    with counting("documents", quiet=as_json) as on_step:
        library = beir.indexed(collection, settings_with(), on_step=on_step)
    with counting("queries", quiet=as_json) as on_step:
        run = beir.evaluate(library, collection, k=k, on_step=on_step)
    _give(run, as_json, out, report)


@app.command("compare")
def eval_compare(
    before: Annotated[Path, typer.Argument(metavar="A.json", help="A run kept with --out.", show_default=False)],
    after: Annotated[Path, typer.Argument(metavar="B.json", help="Another of these questions.", show_default=False)],
    measure: Annotated[str, typer.Option("--measure", help="Which measure.")] = "nDCG@10",
    as_json: JsonOption = False,
) -> None:
    """Is run B better than run A, question by question, or is it chance?"""
    from lecta.console.measures import print_comparison
    from lecta.evaluate import compare, runs

    comparison = compare.compare(runs.load(before), runs.load(after), measure)
    if as_json:
        print_json(compare.to_json(comparison))
    else:
        print_comparison(comparison, str(before), str(after))


@app.command("align")
def eval_align(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Each has transcript.srt, slides.pdf, labels.jsonl.", show_default=False),
    ],
    as_json: JsonOption = False,
) -> None:
    """Is each cue put on the slide that was shown? F1 and accuracy for each lecture, and what confidence means."""
    from lecta.console.measures import print_alignment
    from lecta.console.progress import counting
    from lecta.evaluate import align

    opened = library_at(None)
    with counting("lectures", quiet=as_json) as on_step:
        result = align.evaluate(folders, opened.embedder, on_step=on_step)
    if as_json:
        print_json(result)
    else:
        print_alignment(result)


@app.command("support")
def eval_support(
    claims: Annotated[
        Path,
        typer.Argument(
            metavar="CLAIMS.jsonl", help='Rows {"claim","references":[...],"label":0|1}.', show_default=False
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="MODEL", help="Ask this one of claims in doubt: default.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Is support told from its lack? Balanced accuracy, AUROC, calibration and milliseconds a sentence."""
    from lecta.console.measures import print_support
    from lecta.console.progress import counting
    from lecta.evaluate import support

    opened = library_at(None, model=model)
    with counting("claims", quiet=as_json) as on_step:
        chat = opened.chat if model is not None else None
        result = support.evaluate(claims, opened.token_embedder, chat, on_step=on_step)
    if as_json:
        print_json(result)
    else:
        print_support(result)


@app.command("answerable")
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
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="MODEL", help="Ask this one too: default, small, a GGUF.", show_default=False),
    ] = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Is it told which questions are answered, by their passages or a library? Balanced accuracy and AUROC."""
    from lecta.console.measures import print_answerable
    from lecta.console.progress import counting
    from lecta.evaluate import answerable

    rows = answerable.read(questions)
    rows = answerable.sampled(rows, sample, seed) if sample else rows
    with counting("questions", quiet=as_json) as on_step:
        opened = library_at(library, model=model)
        result = answerable.evaluate(rows, opened, ask_model=model is not None, on_step=on_step)
    if as_json:
        print_json(result)
    else:
        print_answerable(result)


def _check_targets(*paths: Path | None) -> None:
    from lecta.evaluate import runs

    for path in paths:
        if path is not None:
            runs.check_target(path)


def _give(run: Run, as_json: bool, out: Path | None, report: Path | None) -> None:
    """Print a run and write the files asked for."""
    from lecta.console.measures import print_measures
    from lecta.evaluate import report as page
    from lecta.evaluate import runs

    if as_json:
        print_json(runs.to_json(run))
    else:
        print_measures({"measures": run.measures, "queries": run.queries, "seconds": run.seconds})
    if out is not None:
        runs.save(run, out)
    if report is not None:
        page.save(run, report)
