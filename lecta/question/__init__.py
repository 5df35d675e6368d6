"""question -> what is searched: filters, phrases, other forms of its words, its mathematics, and the conversation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from lecta.question import mathematics, phrases, scope, spelling
from lecta.question.lexicon import Lexicon
from lecta.question.scope import FIRST, LAST, Scope
from lecta.question.words import STOP, topic
from lecta.types import Filters, Understanding

_FORMULA = re.compile(r"\$[^$]*\$|\\[A-Za-z]+|`[^`]*`")
_NAME = re.compile(r"(?<!\w)[^\W\d_]+(?!\w)")


@dataclass(frozen=True, slots=True)
class Meeting:
    """A lecture of the library, as far as a question can point at it."""

    course: str
    number: int
    date: str
    """ "2024-02-26", or empty."""


@dataclass(frozen=True, slots=True)
class Landmark:
    """Where in a course an event is spoken of: a midterm of its own, or a heading within a lecture."""

    course: str
    number: int | None
    date: str
    is_within: bool
    """A heading in lecture `number`, so that the event comes after it."""
    name: str
    """How a note names the place."""


class Shelf(Protocol):
    """What must be known of a library to read a question."""

    @property
    def lexicon(self) -> Lexicon:
        """Its words."""

    def is_word(self, word: str) -> bool:
        """Tell whether a word is known to be one, in the library or not; False where that is not known."""

    def is_held(self, word: str) -> bool:
        """Tell whether the index holds a word or an inflection of it."""

    def holds(self, filters: Filters) -> bool:
        """Tell whether any passage passes the filters."""

    def meetings(self, course: str | None) -> list[Meeting]:
        """Return its numbered lectures."""

    def landmarks(self, event: str, course: str | None) -> list[Landmark]:
        """Return where an event is spoken of in a title or a heading."""


def understand(question: str, given: Filters, shelf: Shelf) -> Understanding:
    """Read a question against a library. `given` are the filters of the call, which are kept whatever it says."""
    unquoted, quoted = phrases.take(question)
    found = scope.take(unquoted)
    notes: list[str] = []
    filters = _with_phrases(
        _with_kind(_with_lectures(given, found, shelf, notes), found, shelf, notes), quoted, shelf, notes
    )
    rest = found.rest if topic(found.rest) else unquoted
    names = [name for name in _NAME.findall(_FORMULA.sub(" ", rest)) if name.lower() not in STOP]
    corrections = _corrections(names, shelf)
    wrong = {word for word, _ in corrections}
    right_names = [name for name in names if name not in wrong] + [right for _, right in corrections]
    expansions = _expansions(rest, right_names, shelf)
    mathematical = mathematics.terms(rest)
    notes += [f'"{word}" is nowhere in the library; "{right}" is searched as well' for word, right in corrections]
    told = [right for _, right in corrections]
    other = [form for _, form in expansions]
    said = [*told, *(form for _, form in expansions if " " in form), *mathematics.spoken(rest)]
    return Understanding(
        text=f"{rest} ({', '.join(dict.fromkeys(said))})" if said else rest,
        words=" ".join([rest, *told]),
        also=" ".join(dict.fromkeys([*other, *mathematical])),
        filters=filters,
        standalone=question,
        order=found.order,
        topic=tuple(topic(found.rest)),
        expansions=tuple(expansions),
        corrections=tuple(corrections),
        notes=tuple(notes),
    )


# --- filters ----------------------------------------------------------------------------------------------------------


def _with_lectures(given: Filters, found: Scope, shelf: Shelf, notes: list[str]) -> Filters:
    if not (found.spans or found.lists or found.events):
        return given
    words = [words for _, words in found.spans] + [words for _, words in found.lists] + [e[2] for e in found.events]
    if given.lecture is not None:
        notes.append(f'"{"; ".join(words)}" is not used: lecture {given.lecture} was asked for with the call')
        return given
    meetings = shelf.meetings(given.course)
    numbers = {meeting.number for meeting in meetings}
    asked = [(_inside(span, meetings, said, notes), said) for span, said in found.spans]
    asked += [(numbers & set(listed), said) for listed, said in found.lists]
    course = given.course
    for side, event, said in found.events:
        marks = shelf.landmarks(event, given.course)
        course, beside = _beside((side, event, said), marks, course, meetings, notes)
        asked.append((beside, said))
    wanted: set[int] | None = None
    for inside, said in asked:
        if inside is None:
            continue  # a note says why
        narrowed = inside if wanted is None else wanted & inside
        if narrowed:
            wanted = narrowed
        else:
            notes.append(f'"{said}" is not used: no such lecture is in the library')
    if wanted is None:
        return given
    if len(wanted) == 1:
        return replace(given, course=course, lecture=min(wanted))
    return replace(given, course=course, lectures=tuple(sorted(wanted)))


def _inside(span: scope.Span, meetings: Sequence[Meeting], said: str, notes: list[str]) -> set[int] | None:
    """Return the lectures in a span, or None (with a note) where courses end at different ones."""
    numbers = {meeting.number for meeting in meetings}
    low, high = span
    ends: dict[int, int] = {}
    for mark, pick in ((FIRST, min), (LAST, max)):
        if mark in span:
            of_courses = {pick(m.number for m in meetings if m.course == c) for c in {m.course for m in meetings}}
            if len(of_courses) > 1:
                notes.append(f'"{said}" is not used: the library holds several courses; choose one with --course')
                return None
            ends[mark] = next(iter(of_courses), 0)
    is_open = (low in ends and high is None) or (high in ends and low is None)
    low, high = ends.get(low, low) if low is not None else None, ends.get(high, high) if high is not None else None
    inside = {n for n in numbers if (low is None or n >= low) and (high is None or n <= high)}
    return inside - set(ends.values()) if is_open else inside


def _beside(
    asked: tuple[str, str, str],
    marks: Sequence[Landmark],
    course: str | None,
    meetings: Sequence[Meeting],
    notes: list[str],
) -> tuple[str | None, set[int] | None]:
    """Return the course and the lectures on one side of an event; None (with a note) where nothing says where it is."""
    side, event, said = asked
    placed = [(mark, before) for mark in marks if (before := _before(mark, meetings)) is not None]
    if not placed:
        notes.append(f'"{said}" is not used: nothing in the library says where the {event} is')
        return course, None
    if len({mark.course for mark, _ in placed}) > 1:
        notes.append(f'"{said}" is not used: several courses have a {event}; choose one with --course')
        return course, None
    # An entry of its own says more than a heading; of several headings the last, for the first may only announce it.
    mark, before = min(placed, key=lambda item: (item[0].is_within, not item[0].date, -len(item[1])))
    own = {mark.number} if mark.number is not None and not mark.is_within else set()
    numbers = {meeting.number for meeting in meetings if meeting.course == mark.course}
    shown = f"after lecture {max(before)}" if before else "before all lectures"
    notes.append(f"the {event} is {shown} ({mark.name})")
    return mark.course, before if side == "before" else numbers - before - own


def _before(mark: Landmark, meetings: Sequence[Meeting]) -> set[int] | None:
    """Return the lectures before a landmark, or None where neither a date nor a number says so."""
    own = [meeting for meeting in meetings if meeting.course == mark.course]
    if mark.is_within and mark.number is not None:
        return {meeting.number for meeting in own if meeting.number <= mark.number}
    if mark.date and any(meeting.date for meeting in own):
        return {meeting.number for meeting in own if meeting.date and meeting.date < mark.date}
    if mark.number is not None:
        return {meeting.number for meeting in own if meeting.number < mark.number}
    return None


def _with_kind(filters: Filters, found: Scope, shelf: Shelf, notes: list[str]) -> Filters:
    if found.kind is None or found.kind == filters.kind:
        return filters
    if filters.kind is not None:
        notes.append(f'"{found.kind_words}" is not used: {filters.kind} was asked for with the call')
        return filters
    narrowed = replace(filters, kind=found.kind)
    if shelf.holds(narrowed):
        return narrowed
    notes.append(f'"{found.kind_words}" is not used: the library has no {found.kind} there')
    return filters


def _with_phrases(filters: Filters, quoted: Sequence[str], shelf: Shelf, notes: list[str]) -> Filters:
    for phrase in quoted:
        narrowed = replace(filters, phrases=(*filters.phrases, phrase))
        if shelf.holds(narrowed):
            filters = narrowed
        else:
            notes.append(f'no passage there holds "{phrase}"; its words are searched')
    return filters


# --- words ------------------------------------------------------------------------------------------------------------


def _corrections(names: Sequence[str], shelf: Shelf) -> list[tuple[str, str]]:
    """Return what the library does not hold, in no form, and the nearest it does; names in capitals are left alone."""
    lexicon = shelf.lexicon
    found: list[tuple[str, str]] = []
    if not lexicon.counts:
        return found
    for name in dict.fromkeys(names):
        word = name.lower()
        if len(word) < 4 or name.isupper() or word in lexicon.counts or word in lexicon.compounds:
            continue
        if any(spelling.variants(word, lexicon)) or shelf.is_held(word):
            continue
        if right := spelling.correction(word, lexicon, is_word=shelf.is_word(word)):
            found.append((name, right))
    return found


def _expansions(text: str, names: Sequence[str], shelf: Shelf) -> list[tuple[str, str]]:
    lexicon = shelf.lexicon
    words = [name.lower() for name in names]
    found = list(spelling.abbreviations(text, lexicon))
    found += [(word, form) for word in words for form in spelling.variants(word, lexicon)]
    found += spelling.compounds(words, text, lexicon, shelf.is_held)
    return list(dict.fromkeys(found))
