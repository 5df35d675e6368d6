"""Citations: only numbers that were given, and each with its sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lecta.answer.citations import checked, cited, sentences, without_numbers


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("It holds [1].", "It holds [1]."),
        ("It holds [7].", "It holds."),
        ("It holds [1][7].", "It holds [1]."),
        ("It holds [1, 7, 2].", "It holds [1, 2]."),
        ("It holds [1-2].", "It holds [1, 2]."),
        ("word[9] and a[9] and x_2[9] and \\theta}[9]", "word and a[9] and x_2[9] and \\theta}[9]"),
        ("the interval [0.5] and [x]", "the interval [0.5] and [x]"),
        ("cut off [1", "cut off [1"),
        (r"on $[0, 1]^D$ it is \(f \colon [0, 7] \to R\) [7].", r"on $[0, 1]^D$ it is \(f \colon [0, 7] \to R\)."),
        (r"so \[ x \in [0, 9] \] and `a [9]` hold [9]", r"so \[ x \in [0, 9] \] and `a [9]` hold"),
        ("it costs 5 $ [9]\nand $x [9]\nmore [9]", "it costs 5 $\nand $x [9]\nmore"),
    ],
)
def test_invented_numbers_never_reach_the_user(written: str, shown: str) -> None:
    for size in (1, 2, 3, 100):
        pieces = [written[i : i + size] for i in range(0, len(written), size)]
        assert "".join(checked(pieces, 2)) == shown


@given(st.text(st.sampled_from("ab [1]29,-. \n"), max_size=60), st.integers(1, 5))
def test_a_stream_is_checked_the_same_however_it_is_cut(text: str, size: int) -> None:
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert "".join(checked(pieces, 2)) == "".join(checked([text], 2))


def test_sentences_carry_their_citations_wherever_the_mark_stands() -> None:
    found = sentences("First it rises [1]. Then it falls. [2] Last it rests[1][3][9].", 3)
    assert [(s.text, s.citations) for s in found] == [
        ("First it rises.", (1,)),
        ("Then it falls.", (2,)),
        ("Last it rests.", (1, 3)),
    ]


def test_formulas_lists_and_code_are_not_cut() -> None:
    text = "The loss is $L = 0.5 (y - t)^2. $ here.\n\n$$a. B = c$$\n\n- one item [2]\n- another\n\n`x. Y` stays."
    assert [s.text for s in sentences(text, 3)] == [
        "The loss is $L = 0.5 (y - t)^2. $ here.",
        "$$a. B = c$$",
        "one item",
        "another",
        "`x. Y` stays.",
    ]


def test_an_interval_is_no_citation() -> None:
    (sentence,) = sentences(r"The loss on $[1, 2]$ and \([1]\) is small [3].", 3)
    assert sentence.citations == (3,)
    assert r"$[1, 2]$ and \([1]\)" in sentence.text


@pytest.mark.parametrize("size", [1, 3, 100])
def test_sentences_without_a_mark_get_one(size: int) -> None:
    text = "See Fig. 2 e.g. here. It is $a. B$ so [2]. Then:\n- one item\n- two\n\n# Heading\nLast words"
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    seen: list[str] = []

    def cite(sentence: str) -> tuple[int, ...]:
        seen.append(sentence)
        return (1,)

    marked = "".join(cited(checked(pieces, 2), cite))
    assert marked == (
        "See Fig. 2 e.g. here. [1] It is $a. B$ so [2]. Then:\n- one item [1]\n- two [1]\n\n# Heading\nLast words [1]"
    )
    assert seen == ["See Fig. 2 e.g. here.", "- one item", "- two", "Last words"]


def test_nothing_is_claimed_to_be_checked() -> None:
    assert all(s.support is None and s.supported is None for s in sentences("One. Two [1].", 1))


def test_a_conversation_carries_no_numbers() -> None:
    assert without_numbers("It rises [1]. So [2, 3] it is $x \\in [0, 1]$.") == "It rises. So it is $x \\in [0, 1]$."
