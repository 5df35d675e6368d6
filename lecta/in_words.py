"""How a place, a question and an answer's formulas are told in a few words, the same at every door."""

from __future__ import annotations

from typing import get_args

from lecta.types import Answer, FormulaStatus, Passage, Place, Understanding


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


def formulas_line(answer: Answer) -> str:
    """Return how many formulas stand in the lectures, were checked, are wrong; only what states something counts."""
    stating = [formula for formula in answer.formulas if formula.is_statement]
    counts = [(status, sum(formula.status == status for formula in stating)) for status in get_args(FormulaStatus)]
    told = ", ".join(f"{count} {status}" for status, count in counts if count)
    return f"Formulas: {told}" if told else ""
