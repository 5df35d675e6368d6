"""Furniture and builds, on pages small enough to check by hand."""

from __future__ import annotations

from lecta.read.builds import Step, folded
from lecta.read.furniture import Page, split
from lecta.read.layout import Piece, joined, lines_of, title_of

BODY, FOOT, HEAD = 200.0, 380.0, 20.0


def at(text: str, left: float, top: float, size: float = 10.0) -> Piece:
    return Piece(text, left, top, left + 5 * len(text), top + size, size)


def page(*pieces: Piece) -> Page:
    return Page(pieces, 720, 405)


def furniture(pages: list[Page]) -> list[list[str]]:
    return [[piece.text for piece in part.furniture] for part in split(pages)]


def test_the_same_words_in_the_same_place_on_many_pages_are_furniture() -> None:
    pages = [page(at(f"fact {letter}", 50, BODY), at("A course", 50, FOOT)) for letter in "abcd"]
    assert furniture(pages) == [["A course"]] * 4


def test_two_pages_are_not_many() -> None:
    pages = [page(at(f"fact {letter}", 50, BODY), at("A course", 50, FOOT)) for letter in "ab"]
    assert furniture(pages) == [[], []]


def test_the_same_words_in_the_middle_or_in_other_places_stay() -> None:
    pages = [page(at("note", 300, BODY), at("see below", 100 * number, FOOT)) for number in range(4)]
    assert furniture(pages) == [[]] * 4


def test_a_list_of_sections_at_the_side_is_furniture_and_labels_on_some_pages_are_not() -> None:
    pages = [page(at("fact", 300, BODY), at("Introduction", 10, BODY)) for _ in range(4)]
    assert furniture(pages) == [["Introduction"]] * 4
    pages += [page(at("fact", 300, BODY)) for _ in range(6)]
    assert furniture(pages) == [[]] * 10


def test_a_counter_is_known_by_its_rise_and_is_the_label() -> None:
    pages = [page(at("fact", 300, BODY), at(str(number), 700, FOOT)) for number in (1, 2, 2, 3)]
    assert [part.label for part in split(pages)] == ["1", "2", "2", "3"]


def test_numbers_that_do_not_rise_are_no_counter() -> None:
    pages = [page(at("fact", 300, BODY), at(str(year), 700, FOOT)) for year in (1986, 2012, 1958, 1997)]
    assert [part.label for part in split(pages)] == [""] * 4
    assert furniture(pages) == [[]] * 4


def test_a_number_inside_a_footer_is_the_label() -> None:
    pages = [page(at("fact", 50, BODY), at(f"Lecture 4 - {number} April 13", 50, FOOT)) for number in (7, 8, 9)]
    assert [part.label for part in split(pages)] == ["7", "8", "9"]


def test_words_with_numbers_on_few_pages_are_what_those_pages_say() -> None:
    pages = [page(at(f"fact {letter}", 50, BODY)) for letter in "abcdefghi"]
    pages += [page(at("fact", 50, BODY), at(f"Check-in 2.{number}", 50, HEAD)) for number in (1, 2, 3)]
    assert furniture(pages) == [[]] * 12


def test_the_name_of_a_part_in_a_header_is_furniture_from_its_second_page_on() -> None:
    parts = ["Part one", "Part one", "Part two", "Part two", "Alone", "Part two"]
    pages = [page(at("A course", 50, 5), at(part, 400, 5), at("fact", 300, BODY)) for part in parts]
    assert [len(pieces) for pieces in furniture(pages)] == [2, 2, 2, 2, 1, 2]


def test_slides_printed_on_larger_paper_have_their_edges_where_the_words_end() -> None:
    pages = [page(at("Top", 50, 80), at("fact", 300, BODY), at(f"{number}", 350, 300)) for number in (1, 2, 3)]
    assert [part.label for part in split(pages)] == ["1", "2", "3"]


def test_numbers_in_changing_places_below_all_else_count_the_pages() -> None:
    pages = [page(at("fact", 300, 100), at(f"{number}", 70 * number, 240 + 9 * number)) for number in (1, 2, 3, 4)]
    assert [part.label for part in split(pages)] == ["1", "2", "3", "4"]


def test_a_title_is_no_header() -> None:
    pages = [page(at("Case study", 50, HEAD, 24), at(f"fact {letter}", 50, BODY)) for letter in "abcd"]
    assert furniture(pages) == [[]] * 4


def test_a_page_is_folded_into_the_next_that_has_all_its_words() -> None:
    steps = [Step("T", "T a"), Step("T", "T a b"), Step("T", "T a b c"), Step("U", "U a b c d")]
    assert folded(steps) == [2, 2, 2, 3]


def test_no_word_is_lost_by_folding() -> None:
    assert folded([Step("T", "T a b"), Step("T", "T b c")]) == [0, 1]


def test_a_picture_under_a_title_is_a_page_of_its_own() -> None:
    assert folded([Step("T", "T", drawn=True), Step("T", "T a")]) == [0, 1]
    assert folded([Step("T", "T"), Step("T", "T a")]) == [1, 1]


def test_an_index_joins_the_line_it_stands_at() -> None:
    lines = lines_of([at("weights", 0, 100), at("sum", 80, 100), at("ij", 50, 104, 6), at("next", 0, 120)])
    assert joined(lines) == "weights ij sum\nnext"


def test_a_word_known_with_its_hyphen_keeps_it() -> None:
    lines = [(Piece("a well", 0, 0, 30, 10, hyphen=True),), (Piece("known fact", 0, 12, 50, 22),)]
    assert joined(lines) == "a wellknown fact"
    assert joined(lines, frozenset({"well-known"})) == "a well-known fact"


def test_the_title_is_the_largest_print_above_and_no_sum_sign() -> None:
    lines = [(at("Overview", 0, 20, 24),), (at("x", 0, 90), at("∑", 9, 85, 30), at("of all terms", 20, 90))]
    assert title_of(lines, 405) == "Overview"
    assert title_of([(at("12", 0, 20),), (at("Words", 0, 40),)], 405) == "Words"
