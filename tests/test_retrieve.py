"""Fusion, titles and variety, with numbers a reader can check by hand."""

from __future__ import annotations

import pytest

from lecta.retrieve.fusion import convex_sum, reciprocal_rank
from lecta.retrieve.hybrid import hybrid_search
from lecta.retrieve.joining import LONGEST, join_neighbours
from lecta.retrieve.titles import DEPTH, by_title, title_share
from lecta.retrieve.variety import keep_kinds, spread_lectures
from lecta.types import Filters, Hit, Kind, Passage
from tests.conftest import LetterEmbedder


def _hit(name: str, score: float, kind: Kind = "slides") -> Hit:
    return Hit(Passage(name, 0, len(name), name, kind), score)


def test_convex_sum_divides_by_the_best_and_weighs() -> None:
    fused = convex_sum({"a": 10.0, "b": 5.0}, {"b": 0.8, "a": 0.4, "c": 0.2}, dense_weight=0.5)
    assert fused == pytest.approx({"a": 0.5 + 0.25, "b": 0.25 + 0.5, "c": 0.125})
    assert list(fused) == ["a", "b", "c"]  # equal scores keep the order they came in


def test_convex_sum_gives_what_the_dense_list_lacks_its_last_score() -> None:
    assert convex_sum({"a": 1.0}, {"b": 0.8, "c": 0.4}, 0.5)["a"] == pytest.approx(0.5 + 0.25)


def test_convex_sum_without_matching_words_ranks_by_vectors() -> None:
    assert list(convex_sum({}, {"b": 0.2, "c": 0.4}, 0.5)) == ["c", "b"]
    assert convex_sum({}, {}, 0.5) == {}


def test_reciprocal_rank_fusion_is_that_of_the_paper() -> None:
    fused = reciprocal_rank([["a", "b"], ["b", "c"]])
    assert fused == pytest.approx({"b": 1 / 62 + 1 / 61, "a": 1 / 61, "c": 1 / 62})
    assert next(iter(fused)) == "b"


def test_the_nearest_of_each_kind_stays_among_the_first() -> None:
    ranked = [_hit("s1", 1.0), _hit("s2", 0.9), _hit("s3", 0.8), _hit("s4", 0.7), _hit("talk", 0.4, "speech")]
    dense = [_hit("s1", 0.66), _hit("talk", 0.64, "speech"), _hit("s2", 0.5)]
    assert [hit.passage.source for hit in keep_kinds(ranked, dense, 3)] == ["s1", "s2", "talk"]


def test_a_kind_that_is_far_off_gets_no_place() -> None:
    ranked = [_hit("s1", 1.0), _hit("s2", 0.9), _hit("s3", 0.8), _hit("talk", 0.4, "speech")]
    dense = [_hit("s1", 0.66), _hit("talk", 0.3, "speech")]
    assert [hit.passage.source for hit in keep_kinds(ranked, dense, 3)] == ["s1", "s2", "s3"]


def _of(lecture: int | None, score: float, name: str = "a") -> Hit:
    return Hit(Passage(name, 0, 1, name, "slides", lecture=lecture), score)


def test_lectures_take_turns_where_their_scores_are_near() -> None:
    ranked = [_of(2, 1.0), _of(2, 0.99), _of(2, 0.98), _of(5, 0.96), _of(7, 0.5), _of(2, 0.49)]
    spread = spread_lectures(ranked)
    assert [hit.passage.lecture for hit in spread] == [2, 5, 2, 2, 7, 2], "0.96 is more than 0.99 * 0.95; 0.5 is not"
    assert [hit.score for hit in spread] == [1.0, 0.96, 0.99, 0.98, 0.5, 0.49], "as they matched"


def test_files_of_no_lecture_are_each_their_own() -> None:
    ranked = [_of(None, 1.0, "a"), _of(None, 0.99, "a"), _of(None, 0.97, "b")]
    assert [hit.passage.source for hit in spread_lectures(ranked)] == ["a", "b", "a"]


class _Lists:
    """An index whose two lists are given."""

    def __init__(self, words: list[Hit], dense: list[Hit]) -> None:
        self.words, self.dense = words, dense

    def search(
        self, question: str, vector: object, k: int, filters: Filters, also: str = ""
    ) -> tuple[list[Hit], list[Hit]]:
        return (self.words[:k] if question else []), ([] if vector is None else self.dense[:k])


@pytest.mark.parametrize(("weight", "first"), [(0.0, "by words"), (1.0, "by meaning")])
def test_the_weight_decides_between_words_and_meaning(weight: float, first: str, letters: LetterEmbedder) -> None:
    index = _Lists([_hit("by words", 3.0)], [_hit("by meaning", 0.9)])
    vector = letters.embed_queries(["q"])[0]
    hits = hybrid_search(index, "q", vector, 2, filters=Filters(), dense_weight=weight, candidates=10)
    assert hits[0].passage.source == first


@pytest.mark.parametrize(("variety", "third"), [(True, "talk"), (False, "s3")])
def test_variety_can_be_left_out(variety: bool, third: str, letters: LetterEmbedder) -> None:
    slides = [_hit("s1", 1.0), _hit("s2", 0.9), _hit("s3", 0.8)]
    index = _Lists(slides, [_hit("s1", 0.66), _hit("talk", 0.64, "speech"), _hit("s2", 0.5)])
    vector = letters.embed_queries(["q"])[0]
    hits = hybrid_search(index, "q", vector, 3, filters=Filters(), dense_weight=0.3, candidates=9, variety=variety)
    assert [hit.passage.source for hit in hits] == ["s1", "s2", third]


def _under(title: str, score: float) -> Hit:
    return Hit(Passage("words", 0, 5, title, "slides", title=title), score)


def test_the_place_that_is_about_a_thing_comes_before_one_that_mentions_it() -> None:
    ranked = [_under("Regularisation", 1.0), _under("Initialisation", 0.9), _under("Dropout layers", 0.8)]

    def order(weight: float) -> list[str]:
        return [hit.passage.title for hit in by_title(ranked, "what is dropout in layers?", weight)]

    assert order(0.0) == ["Regularisation", "Initialisation", "Dropout layers"]
    assert order(0.2) == ["Dropout layers", "Regularisation", "Initialisation"]


def test_what_stands_below_the_depth_stays_there() -> None:
    ranked = [_under("Dropout layers" if i == DEPTH else f"Page {i}", 1 - i / 1000) for i in range(DEPTH + 2)]
    assert [hit.passage for hit in by_title(ranked, "dropout layers", 0.5)] == [hit.passage for hit in ranked]


def test_one_word_of_a_long_title_is_only_a_mention() -> None:
    wanted = frozenset({"chain", "rule"})
    assert title_share(wanted, "The chain rule") == 1.0
    assert title_share(wanted, "Chain") == 0.5
    assert title_share(wanted, "Markov chain Monte Carlo") == pytest.approx(0.125)
    assert title_share(wanted, "") == 0.0


TEXT = "The loss is a number. Its gradient points uphill. " * 40


def _part(start: int, end: int, score: float = 1.0, page: int = 1) -> Hit:
    return Hit(Passage(TEXT[start:end], start, end, "notes.md", "notes", page=page), score)


def _slice(source: str, start: int, end: int) -> str:
    return TEXT[start:end]


def test_passages_that_follow_each_other_become_one_place() -> None:
    hits = join_neighbours(
        [_part(50, 99, 0.9), _part(400, 450, 0.8), _part(0, 49, 0.7), _part(100, 149, 0.6)], 3, _slice
    )
    assert [(hit.passage.start_index, hit.passage.end_index, hit.score) for hit in hits] == [
        (0, 149, 0.9),
        (400, 450, 0.8),
    ]
    assert all(hit.passage.text == TEXT[hit.passage.start_index : hit.passage.end_index] for hit in hits)


def test_what_is_apart_on_another_page_or_too_long_is_not_joined() -> None:
    assert len(join_neighbours([_part(0, 49), _part(60, 99)], 5, _slice)) == 2
    assert len(join_neighbours([_part(0, 49), _part(50, 99, page=2)], 5, _slice)) == 2
    assert len(join_neighbours([_part(0, LONGEST - 9), _part(LONGEST - 8, LONGEST + 99)], 5, _slice)) == 2


def test_a_neighbour_beyond_the_last_place_still_joins() -> None:
    hits = join_neighbours([_part(0, 49), _part(400, 450), _part(50, 99)], 1, _slice)
    assert [hit.passage.end_index for hit in hits] == [99]
