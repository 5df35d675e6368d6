"""The whole road, with small real files; and once with the real models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lecta import ChatError, Library, LibraryError, UsageError
from lecta.answer.citations import UNSUPPORTED
from lecta.answer.prompt import NOT_COVERED
from lecta.errors import PromptTooLongError
from lecta.settings import load
from lecta.types import FileReport, Message
from tests.conftest import COURSE, LetterEmbedder


class Scripted:
    """A chat model that says what it is told to, and remembers what it was asked."""

    name = "scripted"

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces
        self.asked: list[Sequence[Message]] = []

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
        self.asked.append(messages)
        yield from self.pieces


def _statuses(library: Library, folder: Path) -> dict[str, str]:
    return {Path(report.path).name: report.status for report in library.add([folder]).files}


def test_adding_searching_changing_removing(library: Library, lectures: Path) -> None:
    assert set(_statuses(library, lectures).values()) == {"added"}
    assert library.search("multiply derivatives along a path").hits[0].passage.lecture == 2
    assert set(_statuses(library, lectures).values()) == {"unchanged"}

    changed = lectures / "lecture-03-transcript.txt"
    changed.write_text("so today we speak about convolution\n", encoding="utf-8")
    assert _statuses(library, lectures)[changed.name] == "updated"
    assert library.search("convolution", 1).hits[0].passage.text == "so today we speak about convolution"
    assert "attention" not in [hit.passage.text for hit in library.search("attention", 10).hits]

    library.remove(changed)
    assert [record.lecture for record in library.documents()] == [1, 2]
    library.remove(lectures)
    assert library.documents() == []
    assert library.search("gradient").hits == ()


def test_a_passage_is_a_slice_of_its_document(library: Library, lectures: Path) -> None:
    library.add([lectures])
    for hit in library.search("the", 50).hits:
        passage = hit.passage
        document = library.document(passage.source)
        assert document is not None
        assert passage.text == document.text[passage.start_index : passage.end_index]


def test_a_bad_file_holds_up_no_other(library: Library, lectures: Path) -> None:
    (lectures / "broken.pdf").write_bytes(b"%PDF-1.7 but no more")
    (lectures / "empty.txt").touch()
    (lectures / "binary.txt").write_bytes(bytes(range(256)))
    (lectures / "film.xyz").write_bytes(b"?")
    (lectures / ".hidden.txt").write_text("hidden")
    statuses = _statuses(library, lectures)
    assert statuses.pop("film.xyz") == "skipped"
    assert [name for name, status in statuses.items() if status == "failed"] == [
        "binary.txt",
        "broken.pdf",
        "empty.txt",
    ]
    assert sum(status == "added" for status in statuses.values()) == 3
    assert ".hidden.txt" not in statuses


def test_a_folder_that_does_not_exist_is_wrong_usage(library: Library, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file or folder"):
        library.add([tmp_path / "nothing"])


def test_interrupted_while_adding_the_library_is_whole_and_completes(library: Library, lectures: Path) -> None:
    def interrupt(report: FileReport, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.add([lectures], on_file=interrupt)
    assert "failed" not in _statuses(library, lectures).values()
    assert len(library.documents()) == 3
    assert library.store.count() == sum(record.passages for record in library.documents())


def test_the_same_file_by_two_paths_is_one_document(
    library: Library, lectures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add([lectures])
    monkeypatch.chdir(lectures)
    assert {report.status for report in library.add(["."]).files} == {"unchanged"}


def test_two_files_of_one_relative_name_keep_apart(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").write_text(f"the words of {name}")
        monkeypatch.chdir(tmp_path / name)
        library.add(["notes.txt"])
    sources = [record.source for record in library.documents()]
    assert len(set(sources)) == 2
    assert "notes.txt" in sources


def test_courses_and_filters(library: Library, lectures: Path) -> None:
    library.add([lectures], course="Deep Learning")
    assert {record.course for record in library.documents()} == {"Deep Learning"}
    assert {hit.passage.lecture for hit in library.search("the", 9, lecture=1).hits} == {1}
    assert {hit.passage.kind for hit in library.search("the", 9, kind="speech").hits} == {"speech"}
    assert library.search("the", course="another").hits == ()


def test_an_answer_cites_what_it_was_given(lectures: Path, tmp_path: Path, letters: LetterEmbedder) -> None:
    chat = Scripted(
        "<think>which one?</think>", "Multiply the local derivatives", " along the path [9]. Here ", "it is:"
    )
    library = Library(tmp_path / "library", settings=load(), embedder=letters, chat=chat)
    library.add([lectures])
    written: list[str] = []
    answer = library.ask("How do I differentiate a path?", on_text=written.append)
    number = next(n for n, hit in enumerate(answer.passages, 1) if "Multiply" in hit.passage.text)
    shown = f"Multiply the local derivatives along the path. [{number}] Here it is:"
    assert answer.text == "".join(written).strip() == shown
    assert [(s.citations, s.supported) for s in answer.sentences] == [((number,), True), ((), None)]
    (span,) = answer.sentences[0].spans
    document = library.document(answer.passages[number - 1].passage.source)
    assert document is not None
    assert document.text[span.start_index : span.end_index] == "Multiply the local derivatives along the path."
    assert answer.thinking == "which one?"
    assert not answer.abstained
    assert answer.timings["retrieve_ms"] <= answer.timings["first_token_ms"] <= answer.timings["total_ms"]
    (messages,) = chat.asked
    assert all(f"[{n}] (" in messages[-1].content for n in range(1, len(answer.passages) + 1))


def test_what_no_passage_bears_is_marked_or_left_out(lectures: Path, tmp_path: Path, letters: LetterEmbedder) -> None:
    true, false = "Multiply the local derivatives along the path.", "Zebras jump over quick foxes [1]."
    library = Library(tmp_path / "library", settings=load(), embedder=letters, chat=Scripted(true, " ", false))
    library.add([lectures])
    answer = library.ask("What is the chain rule?")
    assert [s.supported for s in answer.sentences] == [True, False]
    assert answer.sentences[1].citations == ()
    assert answer.text.endswith(f"Zebras jump over quick foxes. {UNSUPPORTED}")
    strict = library.ask("What is the chain rule?", strict=True)
    assert strict.text.startswith(true)
    assert "Zebras" not in strict.text
    assert [s.supported for s in strict.sentences] == [True]


def test_strict_says_not_covered_where_nothing_is_left(lectures: Path, tmp_path: Path, letters: LetterEmbedder) -> None:
    chat = Scripted("Here it is:\n", "Zebras jump over quick foxes.")
    library = Library(tmp_path / "library", settings=load(), embedder=letters, chat=chat)
    library.add([lectures])
    shown: list[str] = []
    answer = library.ask("What is the chain rule?", strict=True, on_text=shown.append)
    assert (answer.abstained, answer.text, answer.sentences) == (True, NOT_COVERED, ())
    assert "".join(shown) == NOT_COVERED


def test_not_covered_is_an_answer(lectures: Path, tmp_path: Path, letters: LetterEmbedder) -> None:
    chat = Scripted(NOT_COVERED[:10], NOT_COVERED[10:])
    library = Library(tmp_path / "library", settings=load(), embedder=letters, chat=chat)
    empty = library.ask("anything?")
    assert (empty.abstained, empty.text, chat.asked) == (True, NOT_COVERED, [])
    library.add([lectures])
    assert library.ask("Who won the world cup?").abstained


def test_an_empty_question_is_wrong_usage(library: Library) -> None:
    for question in ("", "  \n"):
        with pytest.raises(UsageError, match="empty"):
            library.search(question)


def test_a_silent_model_is_an_error(lectures: Path, tmp_path: Path, letters: LetterEmbedder) -> None:
    library = Library(tmp_path / "library", settings=load(), embedder=letters, chat=Scripted())
    library.add([lectures])
    with pytest.raises(ChatError, match="wrote nothing"):
        library.ask("anything?")


def test_more_passages_than_the_model_has_room_for(lectures: Path, tmp_path: Path, letters: LetterEmbedder) -> None:
    class Small(Scripted):
        def stream(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
            if "[3] (" in messages[-1].content:
                raise PromptTooLongError(3000, 2000)
            yield from super().stream(messages, max_tokens)

    library = Library(tmp_path / "library", settings=load(), embedder=letters, chat=Small("So it is [2]: And [3]:"))
    library.add([lectures])
    answer = library.ask("the gradient, the chain rule and attention", 3)
    assert len(answer.passages) == 2
    assert answer.text == "So it is: And:"


def test_another_passage_size_is_refused(library: Library, lectures: Path, letters: LetterEmbedder) -> None:
    library.add([lectures])
    with pytest.raises(LibraryError, match="places-1/256"):
        Library(library.path, settings=load(passage_size=256), embedder=letters).documents()


def test_models_by_name(tmp_path: Path) -> None:
    assert Library(tmp_path, settings=load(model="ollama:qwen3")).chat.name == "qwen3"
    with pytest.raises(UsageError, match=r"\.gguf"):
        Library(tmp_path, settings=load(model="gpt-17")).chat  # noqa: B018


# --- the real models --------------------------------------------------------------------------------------------------


def _rows() -> list[dict[str, object]]:
    return [json.loads(line) for line in (COURSE / "questions.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
def test_questions_on_the_sample_course_find_their_lecture(course_library: Library) -> None:
    rows = [row for row in _rows() if row["lecture"]]
    first = [course_library.search(str(row["question"]), 5).hits for row in rows]
    right = [row["lecture"] in {hit.passage.lecture for hit in hits} for row, hits in zip(rows, first, strict=True)]
    assert sum(right) >= 28, [row["id"] for row, ok in zip(rows, right, strict=True) if not ok]


@pytest.mark.slow
def test_a_real_model_answers_with_citations(course_library: Library, small_model: Path) -> None:
    pieces, drafts = list[str](), list[str]()
    question = "What is the chain rule in backpropagation?"
    answer = course_library.ask(question, 3, on_text=pieces.append, on_draft=drafts.append)
    assert len(drafts) > 10  # it streamed
    assert "".join(pieces).strip() == answer.text
    assert not answer.abstained
    assert answer.case  # the running example of the second lecture, with its numbers
    assert "= 0.3634" in answer.text
    assert answer.passages[answer.case.passage - 1].passage.lecture == 2
    cited = {n for sentence in answer.sentences for n in sentence.citations}
    assert cited
    assert 2 in {answer.passages[n - 1].passage.lecture for n in cited}
    again = course_library.ask("What is the chain rule in backpropagation?", 3)
    assert again.text == answer.text  # greedy


@pytest.mark.slow
def test_a_model_of_the_users_own(course_library: Library, small_model: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    shutil.copy(small_model, mine)
    chat = Library(tmp_path, settings=load(model=str(mine))).chat
    piece = next(iter(chat.stream([Message("user", "Say hello.")], 5)))
    assert piece.strip()


def test_a_file_that_is_no_model_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"not a model")
    with pytest.raises(ChatError, match="cannot be loaded"):
        Library(tmp_path, settings=load(model=str(tmp_path / "bad.gguf"))).chat  # noqa: B018


def test_a_derivation_that_a_question_states_is_worked_and_no_model_is_asked(library: Library, lectures: Path) -> None:
    library.add([lectures])
    shown: list[str] = []
    answer = library.ask("What is the derivative of sigmoid(w*x + b) with respect to w?", on_text=shown.append)
    assert (answer.model, answer.abstained, "".join(shown)) == ("lecta derive", False, answer.text)
    assert "chain rule" in answer.text
    assert "Checks" in answer.text
    assert answer.passages  # where the lectures treat it
