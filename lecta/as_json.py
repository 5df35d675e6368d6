"""What `--json` prints and the API answers with, by the contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lecta.types import (
    AddReport,
    Answer,
    Document,
    DocumentRecord,
    Formula,
    Hit,
    Passage,
    ReindexReport,
    SearchResult,
    Sentence,
    Understanding,
    WorkedCase,
)

if TYPE_CHECKING:
    from lecta.lectures import Lecture
    from lecta.library import Library
    from lecta.timeline import Timeline


# --- searches and answers ---------------------------------------------------------------------------------------------


def search_json(found: SearchResult) -> dict[str, Any]:
    """Return what `lecta search --json` prints."""
    return {
        "question": found.question,
        "passages": hits_json(found.hits),
        "timings": _timings_json(found.timings),
        "understood": understood_json(found.understood),
    }


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


def _timings_json(timings: Any) -> dict[str, float]:
    return {name: round(value, 1) for name, value in timings.items()}


# --- the library ------------------------------------------------------------------------------------------------------


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


def add_json(report: AddReport) -> dict[str, Any]:
    """Return what `lecta add --json` prints."""
    return {
        "files": [
            {"path": f.path, "status": f.status, "passages": f.passages, "reason": f.reason} for f in report.files
        ],
        "passages": report.passages,
        "seconds": round(report.seconds, 3),
        "gone": list(report.gone),
    }


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


def _folder_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0


def timeline_json(timeline: Timeline) -> dict[str, Any]:
    """Return what `lecta align --json` prints."""
    return {"cues": [asdict(moment) | {"confidence": round(moment.confidence, 4)} for moment in timeline.moments]}
