"""Sections and what is read of them; the real cut, the real embedder."""

from __future__ import annotations

from pathlib import Path

import pytest

from lecta.errors import LibraryError, UsageError
from lecta.library import Library
from lecta.readahead import ReadAhead, conversation
from lecta.sections import ELSEWHERE, LONGEST, UNREAD, cut, likely, of_hits, plan, sentences, shortened
from lecta.settings import load
from lecta.types import Hit, Passage


def passage(number: int, text: str = "", source: str = "a.md", title: str = "") -> Passage:
    """Return the passage of a document at a place."""
    text = text or f"Sentence {number} says something of its own. " * 12
    return Passage(text, 1000 * number, 1000 * number + len(text), source, "notes", title=title)


def test_a_document_is_cut_into_sections_of_about_equal_length_whatever_is_asked() -> None:
    passages = [passage(number) for number in range(50)]
    sections = cut(passages)
    assert [one for section in sections for one in section.passages] == passages
    lengths = [sum(len(one.text) for one in section.passages) for section in sections]
    assert max(lengths) <= LONGEST + len(passages[0].text)
    assert min(lengths) > LONGEST / 2
    assert cut(passages[:1])[0].passages == (passages[0],)
    assert cut([]) == []


def test_the_section_with_the_best_hits_leads() -> None:
    documents = {source: [passage(number, source=source) for number in range(50)] for source in ("a.md", "b.md")}
    hits = [Hit(documents["b.md"][3], 1.0), Hit(documents["a.md"][40], 0.9), Hit(documents["b.md"][4], 0.8)]
    ranked = of_hits(hits, lambda source: documents[source])
    assert [section.place[0] for section, _ in ranked] == ["b.md", "a.md"]
    assert sum(share for _, share in ranked) == pytest.approx(1)
    assert all(ranked[0][0].holds(hit.passage) for hit in (hits[0], hits[2]))


def test_sentences_keep_formulas_whole() -> None:
    text = "The loss is defined for all targets below.\n$$\nL = -\\sum_k y_k \\log p_k.\n$$\nIt is what is minimised."
    units = sentences(text)
    assert all(unit.count("$$") % 2 == 0 for unit in units)
    assert "".join(text.split()) == "".join("".join(units).split())


@pytest.mark.slow
def test_what_was_not_read_is_shortened_to_what_bears_on_the_question(course_library: Library) -> None:
    question = "Why is the gradient of the sigmoid small?"
    hits = course_library.search(question, 10).hits
    assert sum(len(hit.passage.text) for hit in hits) > UNREAD
    short = shortened(question, hits, course_library.embedder, UNREAD)
    assert UNREAD / 2 < sum(len(hit.passage.text) for hit in short) <= UNREAD + 100
    assert short[0] == hits[0]
    assert shortened(question, hits[:1], course_library.embedder, 10_000) == hits[:1]
    elsewhere = shortened(question, hits[:2], course_library.embedder, ELSEWHERE)
    assert sum(len(hit.passage.text) for hit in elsewhere) <= ELSEWHERE + 100


@pytest.mark.slow
def test_a_section_that_was_read_is_taken_and_every_passage_of_it_can_be_cited(course_library: Library) -> None:
    question = "What is the chain rule in backpropagation?"
    hits = course_library.search(question).hits
    ranked = of_hits(hits, course_library.store.passages_of)
    section = ranked[0][0]
    reading = plan(question, hits, ranked, course_library.embedder, lambda one: one == section)
    assert reading.section == len(section.passages)
    assert tuple(hit.passage for hit in reading.read[: reading.section]) == section.passages
    assert reading.shown[: len(hits)] == hits
    places = [(hit.passage.source, hit.passage.start_index, hit.passage.end_index) for hit in reading.shown]
    for one in section.passages:
        assert any(s == one.source and a <= one.start_index and one.end_index <= b for s, a, b in places)
    assert plan(question, hits, ranked, course_library.embedder, lambda one: False).section == 0


def test_slides_that_define_are_read_first() -> None:
    slide = Passage("Definition: a norm is a function.", 0, 33, "s.pdf", "slides", title="Norms")
    speech = Passage("so yes well okay then let us go on", 0, 34, "t.vtt", "speech")
    assert [one.passages[0] for one in likely([[speech], [slide]])] == [slide, speech]


@pytest.mark.slow
def test_a_question_is_answered_from_what_was_read_ahead(
    tmp_path: Path, lectures: Path, minilm_folder: Path, small_model: Path
) -> None:
    settings = load(model="small", threads=1, context_tokens=2048, max_tokens=24, answerable=0)
    library = Library(tmp_path / "library", settings=settings)
    library.add([lectures])
    question = "What does the chain rule say?"
    before = library.ask(question)
    assert library.states.kept().hits == 0
    assert library.wants_reading()
    told: list[tuple[int, int]] = []
    assert library.read_ahead(1, lambda done, count: told.append((done, count))) == 1
    assert told == [(0, 1), (1, 1)]
    assert not library.wants_reading()
    again = Library(library.path, settings=settings)
    section = of_hits(again.search(question).hits, again.store.passages_of)[0][0]
    assert again.chat.has_read(conversation(section))  # type: ignore[attr-defined]  # what the question wanted
    answer = again.ask(question)
    assert answer.text
    assert before.text
    assert again.states.kept().hits >= 1


def test_two_readers_ahead_at_once_and_none_where_nothing_is_kept(tmp_path: Path, lectures: Path) -> None:
    library = Library(tmp_path / "library", settings=load(states_mb=0, model="ollama:qwen3"))
    with pytest.raises(UsageError, match="states_mb"):
        library.read_ahead(1)
    library = Library(tmp_path / "library", settings=load(model="ollama:qwen3"))
    with pytest.raises(UsageError, match="keeps no states"):
        library.read_ahead(1)
    ahead = ReadAhead(library.store, library.states)
    with ahead._alone(), pytest.raises(LibraryError, match="another process"):
        ReadAhead(library.store, library.states).run(None, 1)  # type: ignore[arg-type]


def test_reading_ahead_waits_while_a_question_runs(tmp_path: Path) -> None:
    import threading
    import time

    library = Library(tmp_path / "library", settings=load(model="ollama:qwen3"))
    ahead = ReadAhead(library.store, library.states)
    passed: list[float] = []
    with ahead.asking():

        def wait() -> None:
            ahead._pause()
            passed.append(time.monotonic())

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.5)
        assert not passed
    waiting.join(5)
    assert passed
