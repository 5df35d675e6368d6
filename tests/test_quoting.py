"""Which words of a passage an answer may quote."""

from __future__ import annotations

import pytest

from lecta.answer.quoting import whole_sentences


def _quoted(text: str, words: str, title: str = "") -> str:
    start = text.index(words)
    return whole_sentences(text, start, start + len(words), title)


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("Momentum helps. Each step adds\nto the last one.", "adds", "Each step adds to the last one."),
        (
            "- Rates matter, e.g. those\n  of Fig. 2 below.\n- Others do not.",
            "those",
            "Rates matter, e.g. those of Fig. 2 below.",
        ),
        ("Steps\n\n• Walk against the gradient of it.\n• Repeat.", "Walk", "Walk against the gradient of it."),
        ("2. Add the gradients where\nthey all meet.\n3. Go on.", "meet", "Add the gradients where they all meet."),
        ("Über allem. Äpfel fallen hier immer nach unten.", "fallen", "Äpfel fallen hier immer nach unten."),
    ],
)
def test_sentences_are_quoted_whole(text: str, words: str, shown: str) -> None:
    assert _quoted(text, words) == shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It is not true that\nAdam always converges to a good minimum.", "Adam"),
        ("Common mistakes:\n\n- The learning rate does not matter at all.", "learning"),
        ("## Myths\n\nThe learning rate is of no matter at all.", "learning"),
        ("True or false? Dropout is used at test time.\nTrue or false: it is so.", "false: it"),
        ("Adam is fast. This makes it converge in a few steps.", "makes"),
        ("A question. Why does the loss of it fall so fast?", "loss"),
        ("A task. Show that the loss of it is convex.", "loss"),
        ("A list:\n- the gradient of the loss", "gradient"),
        ("Read on. Visit [this page](http://example.org/?q=1) for all of it.", "Visit"),
        ("Read on. Momentum was introduced by Polyak [3] and it damps noise.", "Polyak"),
        ("Rows. | x is small | y is big | z is none.", "small"),
        ("So. The loss is $$y = x and more of that.", "loss"),
        ("So. The gradi- ent points uphill all the time.", "uphill"),
        ("Momentum\nThe loss falls in every single step.", "loss"),
    ],
)
def test_what_may_mean_something_else_alone_is_not(text: str, words: str) -> None:
    assert _quoted(text, words) == ""


def test_the_title_a_passage_begins_with_is_left_out() -> None:
    text = "Momentum\nThe loss falls in every single step."
    assert _quoted(text, "loss", "Momentum") == "The loss falls in every single step."
    assert _quoted(text, "loss", "Common mistakes") == ""


def test_long_passages_take_no_time() -> None:
    assert (
        _quoted("\n " * 20_000 + "The loss falls in every single step.", "loss")
        == "The loss falls in every single step."
    )
