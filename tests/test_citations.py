"""Citations: only numbers that were given, and each with its sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lecta.answer.citations import UNSUPPORTED, checked, judged, sentences, without_numbers
from lecta.types import Sentence


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


TEXT = "See Fig. 2 e.g. here. It is $a. B$ so [2]. Then:\n- one item\n- two\n\n# Heading\n$$a.\nB$$\nLast words"
VERDICTS = {
    "See Fig. 2 e.g. here.": Sentence("", (1,), 0.9, True),
    "It is $a. B$ so.": Sentence("", (), 0.1, False),
    "- one item": Sentence("", (2, 1), 0.8, True),
    "- two": Sentence("", (), 0.2, False),
    "$$a.\nB$$": Sentence("", (3,), 0.7, True),
    "Last words": Sentence("", (1,), 0.9, True),
}


def _judge(written: str) -> Sentence:
    return VERDICTS.get(written, Sentence(""))  # headings and transitions claim nothing


@pytest.mark.parametrize("size", [1, 3, 100])
def test_every_sentence_gets_its_mark_and_the_models_own_numbers_go(size: int) -> None:
    found: list[Sentence] = []
    pieces = [TEXT[i : i + size] for i in range(0, len(TEXT), size)]
    assert "".join(judged(sentences(checked(pieces, 0)), _judge, found)) == (
        f"See Fig. 2 e.g. here. [1] It is $a. B$ so. {UNSUPPORTED} Then:\n- one item [2][1]\n- two {UNSUPPORTED}\n\n"
        "# Heading\n$$a.\nB$$ [3]\nLast words [1]"
    )
    assert [(s.text, s.citations) for s in found] == [
        ("See Fig. 2 e.g. here.", (1,)),
        ("It is $a. B$ so.", ()),
        ("Then:", ()),
        ("one item", (2, 1)),
        ("two", ()),
        ("Heading", ()),
        ("$$a.\nB$$", (3,)),
        ("Last words", (1,)),
    ]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_strict_leaves_out_what_is_not_supported_and_transitions_to_nothing(size: int) -> None:
    text = f"No. Then:\n- two\n\n{TEXT} So:\n- two"
    found: list[Sentence] = []
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    shown = "".join(judged(sentences(checked(pieces, 0)), _judge, found, strict=True))
    assert UNSUPPORTED not in shown
    assert "two" not in shown
    assert "See Fig. 2 e.g. here. [1] Then:\n- one item [2][1]" in shown
    assert not shown.endswith(":")
    assert all(s.supported is not False for s in found)


def test_strict_shows_nothing_where_nothing_is_supported() -> None:
    found: list[Sentence] = []
    assert "".join(judged(sentences(checked(["Then:\n- two\n- two"], 0)), _judge, found, strict=True)) == ""
    assert found == []


def test_a_mark_does_not_break_a_fence() -> None:
    shown = "".join(judged(sentences(["```\nrm"]), lambda _: Sentence("", (), 0.1, False), []))
    assert shown == f"```\nrm {UNSUPPORTED}"
    shown = "".join(judged(sentences(["```\nrm\n```"]), lambda _: Sentence("", (), 0.1, False), []))
    assert shown == f"```\nrm\n```\n{UNSUPPORTED}"


def test_a_conversation_carries_no_numbers() -> None:
    assert without_numbers("It rises [1]. So [2, 3] it is $x \\in [0, 1]$.") == "It rises. So it is $x \\in [0, 1]$."
