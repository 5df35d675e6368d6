"""Runs: their measures by hand, what they keep, how two are compared, and the page made of one."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import platformdirs
import pytest

from benchmarks import machine, retrieval
from lecta.errors import UsageError
from lecta.evaluate import beir, compare, exam, measures, report, runs
from lecta.evaluate.plots import Series, axis_top, bars, histogram, shares
from lecta.library import Library
from lecta.settings import load
from tests.conftest import COURSE, LetterEmbedder


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


# --- measures ---------------------------------------------------------------------------------------------------------


def test_measures_are_those_worked_out_by_hand() -> None:
    names = ["nDCG@10", "MAP@100", "MRR@10", "recall@10", "hit@1", "hit@5"]
    values = measures.measure(names, {"q": {"a": 1, "b": 1}}, {"q": ["x", "a", "y"]})["q"]
    assert list(values) == names
    gain = 1 / math.log2(3)
    assert list(values.values()) == pytest.approx([gain / (1 + gain), 1 / 2 / 2, 1 / 2, 1 / 2, 0, 1])


def test_grades_count_as_gains() -> None:
    values = measures.measure(["nDCG@10"], {"q": {"a": 2, "b": 1}}, {"q": ["b", "a"]})["q"]
    assert values["nDCG@10"] == pytest.approx((1 + 2 / math.log2(3)) / (2 + 1 / math.log2(3)))


def test_the_order_counts_and_not_the_names_of_what_was_found() -> None:
    items = [f"{number:03d}" for number in range(100)]  # trec_eval breaks ties by name
    values = measures.measure(["MRR@10", "recall@100"], {"q": {"099": 1}}, {"q": items[::-1]})["q"]
    assert list(values.values()) == [1, 1]


def test_a_question_without_results_measures_0_and_counts_in_the_mean() -> None:
    values = measures.measure(["MRR@10"], {"p": {"a": 1}, "q": {"a": 1}}, {"p": ["a"], "q": []})
    assert measures.means(list(values.values())) == {"MRR@10": 0.5}


def test_one_more_cutoff() -> None:
    assert measures.at(5, ["hit@1", "hit@5", "MRR@10"]) == ["hit@1", "hit@5", "MRR@10", "MRR@5"]
    assert measures.at(None, ["hit@1"]) == ["hit@1"]


# --- exams ------------------------------------------------------------------------------------------------------------

QUESTIONS: list[dict[str, Any]] = [
    {"id": "q1", "question": "gradient points uphill", "lecture": 1},
    {"id": 2, "question": "attention", "lecture": 3},
    {"id": "q3", "question": "multiply the local derivatives", "lecture": 9},
    {"id": "q4", "question": "Who won the match?", "lecture": None},
]


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "questions.jsonl", QUESTIONS)


def test_an_exam_ranks_lectures_and_keeps_what_was_found(library: Library, lectures: Path, questions: Path) -> None:
    library.add([lectures])
    run = exam.evaluate(library, questions, k=2)
    assert (run.queries, [result.id for result in run.results]) == (3, ["q1", "2", "q3"])
    assert [result.rank for result in run.results] == [1, 1, None]
    assert run.measures["hit@1"] == run.measures["MRR@10"] == run.measures["hit@2"] == pytest.approx(2 / 3)
    assert run.settings["embedder"] == "letters/1"
    assert not {"library", "api_key"} & run.settings.keys()
    best = run.results[0].found[0]
    assert (best.item, best.grade, best.rank, best.lecture) == ("1", 1, 1, 1)
    assert best.source.endswith("lecture-01-gradients.md")
    assert best.text == "Gradients The gradient points uphill."  # on one line
    assert [one.item for one in run.results[0].found if one.grade] == ["1"]
    assert len({one.item for one in run.results[0].found}) == len(run.results[0].found) == 3
    assert run.results[2].missed[0].text == "(the library holds no lecture 9)"


def test_an_exam_on_one_kind_of_material(library: Library, lectures: Path, questions: Path) -> None:
    library.add([lectures])
    run = exam.evaluate(library, questions, kind="speech")
    assert run.name == "questions, speech alone"
    assert [result.rank for result in run.results] == [None, 1, None]
    assert run.results[0].missed[0].text == "(the library holds no speech of lecture 1)"
    assert {one.kind for result in run.results for one in result.found} == {"speech"}


def test_an_exam_on_a_course_that_is_not_there(library: Library, lectures: Path, questions: Path) -> None:
    library.add([lectures])
    with pytest.raises(UsageError, match="holds nothing of course 'Dep Learning' and kind 'notes'"):
        exam.evaluate(library, questions, course="Dep Learning", kind="notes")


def test_the_measures_of_an_exam_are_those_of_its_ranks(course_library: Library) -> None:
    run = exam.evaluate(course_library, COURSE / "questions.jsonl")
    ranks = [result.rank for result in run.results]
    assert len(ranks) == 30
    for k in (1, 3, 5, 10):
        assert run.measures[f"hit@{k}"] == pytest.approx(sum(1 for rank in ranks if rank and rank <= k) / 30)
    assert run.measures["MRR@10"] == pytest.approx(sum(1 / rank for rank in ranks if rank) / 30)
    assert run.measures["hit@1"] > 0.8
    assert all(one.page for result in run.results for one in result.found if one.kind == "slides")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"id": 1, "question": "q", "lecture": None}], "no row with a lecture"),
        ([{"id": 1, "question": "q", "lecture": "two"}], "in row 1"),
        ([{"id": 1, "question": " ", "lecture": 1}], "the question is empty"),
        ([{"id": 1, "question": "q", "lecture": 1}, {"id": "1", "question": "p", "lecture": 1}], "two rows"),
    ],
)
def test_questions_that_cannot_be_used(library: Library, tmp_path: Path, rows: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        exam.evaluate(library, write_rows(tmp_path / "rows.jsonl", rows))


# --- collections ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A collection of four documents; query "d4" is one of them, and one judged document does not exist."""
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    folder = tmp_path / "animals"
    (folder / "qrels").mkdir(parents=True)
    documents = {"d1": "zebra zoo", "d2": "quick quokka", "d3": "lazy llama", "d4": "llama llama lazy"}
    write_rows(folder / "corpus.jsonl", [{"_id": key, "title": "", "text": text} for key, text in documents.items()])
    queries = {"q1": "quokka", "d4": "llama llama lazy", "q9": "not judged"}
    write_rows(folder / "queries.jsonl", [{"_id": key, "text": text} for key, text in queries.items()])
    table = "query-id\tcorpus-id\tscore\nq1\td2\t1\nq1\tgone\t1\nq1\td1\t0\nd4\td3\t2\n"
    (folder / "qrels" / "test.tsv").write_text(table, encoding="utf-8")
    return folder


def measured(folder: Path, letters: LetterEmbedder, steps: list[int] | None = None) -> runs.Run:
    collection = beir.read(folder, "test")
    counted = [] if steps is None else steps
    library = beir.indexed(collection, load(), embedder=letters, on_step=lambda done, total: counted.append(total))
    return beir.evaluate(library, collection)


def test_a_collection_is_measured_by_its_judgements(folder: Path, letters: LetterEmbedder) -> None:
    run = measured(folder, letters)
    assert (run.name, run.queries) == ("animals/test", 2)
    quokka, llama = run.results
    assert quokka.measures["recall@100"] == 0.5
    assert quokka.measures["nDCG@10"] == pytest.approx(1 / (1 + 1 / math.log2(3)))
    assert [(one.item, one.text) for one in quokka.missed] == [("gone", "(not in the corpus)")]
    assert llama.found[0].item == "d3"  # and not d4, the query itself
    assert llama.rank == llama.measures["nDCG@10"] == 1
    assert run.measures["recall@100"] == 0.75
    assert [one.grade for one in llama.found][:2] == [2, 0]


def test_a_corpus_is_indexed_once(folder: Path, letters: LetterEmbedder) -> None:
    steps: list[int] = []
    first = measured(folder, letters, steps)
    assert steps == [4]
    assert measured(folder, letters, steps).results == first.results
    assert steps == [4]


def test_a_judged_query_that_does_not_exist(folder: Path) -> None:
    with (folder / "qrels" / "test.tsv").open("a", encoding="utf-8") as stream:
        stream.write("q7\td1\t1\n")
    with pytest.raises(UsageError, match="judges query 'q7'"):
        beir.read(folder, "test")


# --- kept runs --------------------------------------------------------------------------------------------------------


def made(values: Sequence[float], *, name: str = "set", texts: str = "text {}") -> runs.Run:
    """Return a run whose questions 0, 1, ... have these values of nDCG@10."""
    results = [
        runs.Judged(str(number), texts.format(number), 1 if value else None, {"nDCG@10": value}, ())
        for number, value in enumerate(values)
    ]
    return runs.Run(name, {"nDCG@10": sum(values) / len(values)}, len(values), 0.5, tuple(results))


def test_half_a_surrogate_pair_is_kept_as_a_question_mark(tmp_path: Path) -> None:
    run = made([1], texts="\ud800 {}")
    runs.save(run, tmp_path / "run.json")
    report.save(run, tmp_path / "run.html")
    assert runs.load(tmp_path / "run.json").results[0].text == "? 0"


def test_a_run_is_read_as_it_was_kept(folder: Path, letters: LetterEmbedder, tmp_path: Path) -> None:
    run = measured(folder, letters)
    runs.save(run, tmp_path / "run.json")
    assert runs.load(tmp_path / "run.json") == run


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not a run"),
        ('{"measures": {"hit@1": 1}}', "is not a run"),
        ('{"cues": []}', "is not a run"),
        ('{"name": "", "measures": {}, "queries": 1, "seconds": 1, "settings": {}, "results": [3]}', "is not a run"),
    ],
)
def test_files_that_are_no_runs(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "a.json").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=says):
        runs.load(tmp_path / "a.json")


def test_a_file_that_cannot_be_written_is_said_before(tmp_path: Path) -> None:
    runs.check_target(tmp_path / "run.json")
    with pytest.raises(UsageError, match="there is no folder"):
        runs.check_target(tmp_path / "nowhere" / "run.json")
    with pytest.raises(UsageError, match="is a folder"):
        runs.check_target(tmp_path)


# --- two runs ---------------------------------------------------------------------------------------------------------


def test_the_randomisation_test_by_hand() -> None:
    assert compare.randomisation(np.array([0.5, 0.5, 0.5, 0.0])) == 2 / 8  # all signs alike, of 8 patterns
    assert compare.randomisation(np.array([1.0, -1.0])) == 1
    assert compare.randomisation(np.array([3.0, 1.0])) == 2 / 4
    assert compare.randomisation(np.zeros(5)) == 1


def test_random_patterns_come_near_all_patterns() -> None:
    differences = np.random.default_rng(1).normal(0.3, 1, 16)
    exact = compare.randomisation(differences)
    doubled = np.concatenate([differences, np.full(4, 1e-8)])  # 20 that move: sampled, and all but the same sums
    assert compare.randomisation(doubled) == pytest.approx(exact, abs=0.005)


def test_the_interval_holds_the_mean_and_is_the_same_every_time() -> None:
    differences = np.random.default_rng(2).normal(0.1, 1, 400)
    low, high = compare.bootstrap(differences)
    assert low < differences.mean() < high
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.1)  # 1.96 standard errors to each side
    assert compare.bootstrap(differences) == (low, high)
    assert compare.bootstrap(np.full(9, 0.25)) == (0.25, 0.25)


def test_two_runs_are_compared_on_what_they_share() -> None:
    result = compare.compare(made([0, 1, 0.5, 0.25]), made([1, 0.5, 0.5]))
    assert (result.queries, result.only_before, result.only_after) == (3, 1, 0)
    assert (result.before, result.after, result.difference) == pytest.approx((0.5, 2 / 3, 1 / 6))
    assert (result.better, result.worse, result.equal) == (1, 1, 1)
    assert [(change.id, change.before, change.after) for change in result.worst] == [("1", 1, 0.5)]
    assert [(change.id, change.rank_before, change.rank_after) for change in result.best] == [("0", None, 1)]
    assert result.p == 1  # of four patterns all reach 0.5


def test_runs_that_do_not_compare() -> None:
    with pytest.raises(UsageError, match=r"share no question: one is of set, the other of exam"):
        compare.compare(made([1]), made([1], name="exam", texts="another {}"))
    with pytest.raises(UsageError, match=r"no measure 'MAP' in common: choose nDCG@10"):
        compare.compare(made([1]), made([1]), "MAP")


# --- the page ---------------------------------------------------------------------------------------------------------


def test_histograms_by_hand() -> None:
    assert histogram([0, 0.1, 0.29, 0.3, 1, 1.5, -1], 0, 1, 10) == [2, 1, 1, 1, 0, 0, 0, 0, 0, 2]
    assert shares([1, 3]) == [0.25, 0.75]
    assert shares([0, 0]) == [0, 0]


def test_axes_end_at_a_round_number() -> None:
    assert [axis_top(count, False) for count in (0, 1, 3, 9, 10, 31, 477, 502)] == [2, 2, 4, 10, 10, 40, 500, 600]
    assert [axis_top(share, True) for share in (0, 0.2, 0.21, 1)] == [0.1, 0.2, 0.3, 1]


def test_bars_are_as_tall_as_their_values() -> None:
    svg = ElementTree.fromstring(
        bars([Series("a<b", [1, 4]), Series("c", [2, 0], "b")], ["x", "&"], title='"t"', x_axis="<x>", y_axis="y")
    )
    heights = [float(rect.attrib["height"]) for rect in svg.iter("rect")]
    assert heights == pytest.approx([heights[1] / 4, heights[1], heights[1] / 2, 0], abs=0.1)
    assert [rect[0].text for rect in svg.iter("rect")] == ["a<b, x: 1", "a<b, &: 4", "c, x: 2", "c, &: 0"]


class Tags(HTMLParser):
    """Collects tags, and fails when they are not closed in order."""

    EMPTY = ("meta", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href") or name.startswith("on")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_shows_the_worst_and_escapes_everything() -> None:
    evil = '<script>alert("x")</script>&\'"><img src=x onerror=alert(1)>'
    wrong = runs.Found(evil, 0, 1, 0.9, evil, "slides", 3, evil, 12, None, None, evil)
    right = runs.Found("7", 1, None, None, "rec.srt", "speech", 7, "Momentum", None, 61.0, 3725.0, "the velocity")
    judged = runs.Judged(evil, evil, None, {"nDCG@10": 0.0}, (wrong,), (right,))
    fine = runs.Judged("good", "What is it?", 1, {"nDCG@10": 1.0}, (replace(right, rank=1, score=1.0),))
    run = runs.Run(evil, {evil: 0.5}, 2, 0.1, (judged, fine), {evil: evil})
    page = report.html(run)
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    assert not tags.seen & {"script", "img", "link", "iframe"}
    assert tags.addresses == []
    assert "http" not in page
    assert "rec.srt · 1:01-62:05" in page
    assert "slide 12" in page
    worst = page[page.index("<h2>Worst") : page.index("<h2>All")]
    assert worst.count("<details>") == 1
    assert "not found" in worst
    assert "What is it?" not in worst


def test_a_page_of_a_perfect_run_and_of_one_that_found_nothing() -> None:
    assert "the right one came first every time" in report.html(made([1, 1]))
    assert report.html(made([0])).count("<p>nothing</p>") == 1


# --- the benchmark ----------------------------------------------------------------------------------------------------


def test_the_benchmark_measures_every_step(
    folder: Path, letters: LetterEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "RESULTS", tmp_path / "results")
    lectures = tmp_path / "course"
    lectures.mkdir()
    (lectures / "lecture-02-talk.srt").write_text("1\n00:00:01,000 --> 00:00:04,000\nquick quokka\n", encoding="utf-8")
    asked = write_rows(tmp_path / "asked.jsonl", [{"id": 1, "question": "quokka", "lecture": 2}])
    sets = [retrieval.collection(folder, "test", letters, ""), *retrieval.exams(asked, lectures, letters, "")]
    (tmp_path / "runs").mkdir()
    retrieval.main(sets, tmp_path / "runs")
    result = json.loads((tmp_path / "results" / "retrieval.json").read_text(encoding="utf-8"))
    names = [name for name, _ in retrieval.STEPS]
    assert [[row["step"] for row in one["steps"]] for one in result["sets"]] == [names] * 3
    assert result["sets"][0]["set"] == "animals/test"
    assert ["difference" in row for row in result["sets"][0]["steps"]] == [False] + [True] * (len(names) - 1)
    assert str(tmp_path) not in json.dumps(result)
    table = (tmp_path / "results" / "retrieval.md").read_text(encoding="utf-8")
    assert table.count("| BM25 alone | ") == 3
    assert len(list((tmp_path / "runs").iterdir())) == 3 * len(names)
