"""Speech beside its slides in the library: found on its own, kept up to date, used for matching and in citations."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

import lecta.library
from lecta import aligning
from lecta.as_json import answer_json, list_json, search_json, status_facts
from lecta.errors import LibraryError
from lecta.in_words import place
from lecta.library import Library
from lecta.settings import load
from lecta.store import FORMAT, Store
from lecta.types import Answer, Filters, Hit, Passage
from tests.conftest import COURSE, LetterEmbedder

OPTIMISERS = COURSE / "lecture-03-optimisers"
CONVOLUTION = COURSE / "lecture-04-convolution"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One lecture: slides and subtitles."""
    lecture = tmp_path / "course" / "lecture-03"
    lecture.mkdir(parents=True)
    for name in ("slides.pdf", "recording.vtt"):
        shutil.copy(OPTIMISERS / name, lecture / name)
    return lecture


def _of(library: Library, kind: str) -> list[Passage]:
    return [passage for passage in library.store.passages() if passage.kind == kind]


def _spoken(path: Path) -> str:
    """Return the words of subtitles, a line for each cue, without times."""
    return "\n".join(re.findall(r"(?<=\n)(?!\d+\n|\d\d:|WEBVTT)\S.*", path.read_text(encoding="utf-8")))


def test_the_library_knows_what_aligned_it_without_importing_that() -> None:
    assert lecta.library.ALIGNER == aligning.RECIPE


# --- what is found ----------------------------------------------------------------------------------------------------


def test_speech_of_the_sample_course_knows_its_slide(course_library: Library) -> None:
    shown: dict[int, list[int]] = {}
    for row in map(json.loads, (COURSE / "alignment.jsonl").read_text(encoding="utf-8").splitlines()):
        shown.setdefault(row["lecture"], []).append(row["page"])
    speech = _of(course_library, "speech")
    right = 0
    for passage in speech:
        document = course_library.document(passage.source)
        assert document is not None
        assert passage.lecture is not None
        pages = [
            page
            for section, page in zip(document.sections, shown[passage.lecture], strict=True)
            if section.start_index >= passage.start_index and section.end_index <= passage.end_index
        ]
        if passage.beside is not None:
            assert passage.beside.source == passage.source.replace("recording.vtt", "slides.pdf")
            assert passage.beside.title
            assert aligning.LEAST_CONFIDENCE <= (passage.beside.confidence or 0) <= 1
            right += passage.beside.page in pages
    assert right >= 0.9 * len(speech)


def test_slides_of_the_sample_course_know_when_they_were_spoken_about(course_library: Library) -> None:
    slides = _of(course_library, "slides")
    told = [passage.beside for passage in slides if passage.beside is not None]
    assert len(told) >= 0.85 * len(slides)
    for beside in told:
        assert beside.source.endswith("recording.vtt")
        assert beside.page is None
        assert beside.start_time is not None
        assert beside.end_time is not None
        assert beside.start_time < beside.end_time


def test_texts_stay_as_they_stand_in_their_files(course_library: Library) -> None:
    for passage in course_library.store.passages():
        document = course_library.document(passage.source)
        assert document is not None
        assert passage.text == document.text[passage.start_index : passage.end_index]


def test_a_transcript_without_times_goes_by_its_order(folder: Path, library: Library) -> None:
    (folder / "recording.txt").write_text(_spoken(folder / "recording.vtt"), encoding="utf-8")
    (folder / "recording.vtt").unlink()
    library.add([folder.parent])
    speech, slides = _of(library, "speech"), _of(library, "slides")
    pages = [passage.beside.page for passage in speech if passage.beside and passage.beside.page]
    assert len(pages) >= 0.7 * len(speech)
    assert pages == sorted(pages)
    text = library.find(folder / "recording.txt").text
    momentum = next(passage for passage in slides if passage.title == "Momentum")
    assert momentum.beside is not None
    assert momentum.beside.start_time is None
    assert "velocity" in text[momentum.beside.start_index : momentum.beside.end_index]
    assert re.fullmatch(r"slide 5(?: \(printed 4\))?", place(momentum))


def test_slides_of_another_lecture_are_left_alone(folder: Path, library: Library) -> None:
    shutil.copy(CONVOLUTION / "slides.pdf", folder / "slides.pdf")
    library.add([folder.parent])
    assert not any(passage.beside for passage in library.store.passages())
    facts = status_facts(library)
    assert (facts["lectures"], facts["aligned"], len(facts["not_aligned"])) == (1, 0, 1)


def test_of_two_decks_only_the_one_that_fits_counts(folder: Path, library: Library) -> None:
    shutil.copy(CONVOLUTION / "slides.pdf", folder / "other.pdf")
    library.add([folder.parent])
    sources = {passage.beside.source for passage in _of(library, "speech") if passage.beside}
    assert sources == {str(folder / "slides.pdf")}


def test_decks_in_two_parts_are_one(folder: Path, library: Library) -> None:
    """The second half of the slides as Markdown: pages of both are named, each by its own number."""
    from pypdfium2 import PdfDocument

    whole = PdfDocument(folder / "slides.pdf")
    half = len(whole) // 2
    for name, pages in (("part-1.pdf", range(half)), ("part-2.pdf", range(half, len(whole)))):
        part = PdfDocument.new()
        part.import_pages(whole, list(pages))
        part.save(folder / name)
    whole.close()
    (folder / "slides.pdf").unlink()
    library.add([folder.parent])
    named = [passage.beside for passage in _of(library, "speech") if passage.beside]
    assert {Path(beside.source).name for beside in named} == {"part-1.pdf", "part-2.pdf"}
    assert all(beside.page and beside.page <= half + 1 for beside in named)


# --- what it is used for ----------------------------------------------------------------------------------------------


def test_a_misheard_term_is_found_by_its_slide(folder: Path, library: Library) -> None:
    said = (folder / "recording.vtt").read_text(encoding="utf-8")
    assert "Adam" in said
    (folder / "recording.vtt").write_text(said.replace("Adam", "at him"), encoding="utf-8")
    library.add([folder / "recording.vtt"], course="course")
    spoken = Filters(kind="speech")
    assert library.store.search_words("Adam", 5, spoken) == []
    library.add([folder.parent], course="course")
    found = [hit.passage for hit in library.store.search_words("Adam", 5, spoken)]
    assert any("at him" in passage.text for passage in found)
    assert not any("Adam" in passage.text for passage in found)


def test_citations_show_slide_and_minutes(course_library: Library) -> None:
    for kind in ("slides", "speech"):
        passage = next(passage for passage in _of(course_library, kind) if passage.beside)
        assert re.fullmatch(r"slide \d+(?: \(printed .*\))?, \d+:\d\d-\d+:\d\d", place(passage))
        hits = (Hit(passage, 1.0),)
        row = answer_json(Answer("?", "", (), hits, "m"))["passages"][0]
        assert isinstance(row["page"], int)
        assert row["start_time"] < row["end_time"]
        assert row["beside"]["source"] == (passage.beside.source if passage.beside else "")
    notes = next(passage for passage in course_library.store.passages() if passage.kind == "notes")
    assert answer_json(Answer("?", "", (), (Hit(notes, 1.0),), "m"))["passages"][0]["beside"] is None
    found = search_json(course_library.search("momentum", 1))
    assert set(found["passages"][0]) >= {"page", "start_time", "end_time", "beside"}


def test_lists_count_what_is_aligned(course_library: Library) -> None:
    lectures = list_json(course_library.lectures(), course_library.documents())["lectures"]
    spoken = [passage for passage in _of(course_library, "speech") if passage.beside]
    assert sum(lecture["aligned"] for lecture in lectures) == len(spoken) > 0
    assert status_facts(course_library)["aligned"] == 5


# --- kept up to date --------------------------------------------------------------------------------------------------


def test_adding_again_does_nothing(folder: Path, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.add([folder.parent])
    before = (library.path / "state.json").read_bytes()
    monkeypatch.setattr(aligning, "lay_beside", None)  # calling it would fail
    library.add([folder.parent])
    assert (library.path / "state.json").read_bytes() == before


def test_removing_the_slides_takes_the_pages_from_the_speech(folder: Path, tmp_path: Path, library: Library) -> None:
    library.add([folder.parent])
    library.remove(folder / "slides.pdf")
    assert not any(passage.beside for passage in library.store.passages())
    alone = Library(tmp_path / "alone", settings=load(), embedder=LetterEmbedder())
    alone.add([folder / "recording.vtt"], course="course")
    tables = [one.store._table("passages").to_table().sort_by("number") for one in (library, alone)]  # type: ignore[union-attr]
    assert tables[0]["words"].to_pylist() == tables[1]["words"].to_pylist()
    assert tables[0]["vector"].to_pylist() == tables[1]["vector"].to_pylist()
    assert not any(record.aligned for record in library.documents())


def test_slides_that_go_are_named_by_no_passage_even_before_aligning_again(folder: Path, library: Library) -> None:
    library.add([folder.parent])
    record = next(record for record in library.documents() if record.kind == "slides")
    library.store.remove([record.id])
    assert not any(passage.beside for passage in library.store.passages())


def test_only_lectures_that_changed_are_aligned_again(folder: Path, library: Library) -> None:
    other = folder.parent / "lecture-04"
    shutil.copytree(CONVOLUTION, other)
    library.add([folder.parent])
    shutil.copy(OPTIMISERS / "slides.pdf", other / "slides.pdf")  # now the wrong ones
    aligned: list[str] = []
    library.add([other], on_heard=lambda path, where: aligned.append(path))
    assert {Path(path).parent.name for path in aligned if path.endswith(".vtt")} == {"lecture-04"}
    assert {passage.lecture for passage in library.store.passages() if passage.beside} == {3}


def test_a_renamed_deck_keeps_its_place_beside_the_speech(folder: Path, library: Library) -> None:
    library.add([folder.parent])
    pages = [passage.beside.page for passage in _of(library, "speech") if passage.beside]
    (folder / "slides.pdf").rename(folder / "deck.pdf")
    library.add([folder.parent])
    beside = [passage.beside for passage in _of(library, "speech") if passage.beside]
    assert {Path(one.source).name for one in beside} == {"deck.pdf"}
    assert [one.page for one in beside] == pages


@pytest.mark.parametrize("moment", ["before", "between"])
def test_killed_while_aligning_the_library_is_whole_and_completed_by_the_next_add(
    folder: Path, library: Library, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    class Killed(BaseException):
        pass

    def killed(*given: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        if moment == "before":
            patched.setattr(aligning, "lay_beside", killed)
        else:  # passages are written, nothing is published
            publish = Store._publish
            patched.setattr(
                Store, "_publish", lambda self, state: killed() if self._latest("documents").count_rows("beside > 0")
                else publish(self, state),
            )  # fmt: skip
        with pytest.raises(Killed):
            library.add([folder.parent])
    assert len(library.documents()) == 2
    assert not any(passage.beside for passage in library.store.passages())
    assert library.search("momentum").hits
    report = library.add([folder.parent])
    assert {file.status for file in report.files} == {"unchanged"}
    assert any(passage.beside for passage in _of(library, "speech"))


def test_a_library_of_an_older_format_is_refused_with_one_line(folder: Path, library: Library) -> None:
    library.add([folder / "recording.vtt"])
    path = library.path / "library.json"
    recipe = json.loads(path.read_text(encoding="utf-8"))
    del recipe["aligner"]
    path.write_text(json.dumps(recipe | {"format": FORMAT - 1}), encoding="utf-8")
    with pytest.raises(LibraryError, match="older lecta"):
        Library(library.path, settings=load(), embedder=LetterEmbedder()).documents()
