"""Formulas that nothing bears: what a sentence may not say although its words are borne."""

from __future__ import annotations

import pytest

from lecta.check.formulas.finding import find
from lecta.check.formulas.lookup import Lectures
from lecta.check.invented import Invented

CHAIN = (
    r"$$\frac{\partial L}{\partial w_1} = \frac{\partial L}{\partial \hat y} \cdot \frac{\partial \hat y}{\partial h}"
    r" \cdot \frac{\partial h}{\partial w_1}$$"
)
ATTENTION = r"$$\mathrm{softmax}\left(\frac{QK^T}{\sqrt{d_k}}\right)V$$"


def is_marked(sentence: str, *passages: str, question: str = "") -> bool:
    invented = Invented(passages, Lectures(passages), question)
    return invented.is_in(sentence, range(1, len(passages) + 1))


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        (r"Here $W^{(l-1)}$ is a matrix.", r"$z^{(l)} = W^{(l-1)} a^{(l-1)} + b^{(l-1)}$"),
        (r"The last factor is $\frac{\partial h}{\partial w_1}$.", CHAIN),
        (r"It is $\mathrm{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)$.", ATTENTION),
        ("So $b = c + d$ and $a = b + c$.", "$$\\begin{aligned} a &= b + c \\\\ b &= c + d \\end{aligned}$$"),
        ("So $a = b + c = d + e$.", "$$\\begin{aligned} a &= b + c \\\\[2pt] &= d + e \\end{aligned}$$"),
        ("So $a = b + c$.", "\\begin{align}\na &= b + c\n\\end{align}"),
        (r"So $P(x_t | z_{<t}) = f(x_t; z_{<t})$.", "We have $P(x_t|z_{<t})\n= f(x_t; z_{<t})$ here."),
        (r"Here $y = 2 + x$.", r"$$y = 2 + x \quad \text{and} \quad z = 4x + 1$$"),
        (r"It is $x \to \frac12 x + 3 y$.", r"$x \to \frac{1}{2} x + 3 y$"),
        (r"It is $w^* = \operatorname*{argmin}_w L(w)$.", r"$w^* = \arg\min_w L(w)$"),
        (r"It is $\lVert w + b \rVert$.", r"It is $\|w + b\|$."),
    ],
)
def test_a_formula_of_the_passage_however_it_is_spelt_or_a_part_of_it_is_borne(sentence: str, passage: str) -> None:
    assert not is_marked(sentence, passage)
    assert is_marked(sentence, r"Something else: $f(u) = v^2 + 7 u$.")


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        (r"The kernel is $q(x_t | x_0)$.", r"$q(x_{1:T} | x_0) = \prod_{t=1}^T q(x_t | x_{t-1})$"),
        (r"It is $\mathrm{Var}(w) = 2n$.", r"It is $\mathrm{Var}(w) = \frac{2}{n}$."),
        (r"It is $\mathrm{Var}(w) = 2^n$.", r"It is $\mathrm{Var}(w) = 2n$."),
        (r"So $\frac{\partial L}{\partial h} = \frac{\partial L}{\partial w_1} \cdot w_1$.", CHAIN),
    ],
)
def test_a_formula_that_says_something_else_is_not(sentence: str, passage: str) -> None:
    assert is_marked(sentence, passage)


def test_a_formula_of_the_question_is_no_invention() -> None:
    sentence = r"For $L = (wx + b - y)^2 + \lambda w^2$ it is so."
    assert is_marked(sentence, CHAIN)
    assert not is_marked(sentence, CHAIN, question=r"Differentiate $L = (wx + b - y)^2 + \lambda w^2$.")


def test_it_is_only_asked_where_all_passages_cited_write_formulas_out() -> None:
    sentence = r"It is $\mu = \frac{1}{n} \sum_i x_i$."
    assert is_marked(sentence, CHAIN)
    assert not is_marked(sentence, CHAIN, "the mean is µ = 1 n n X i=1 xi")
    assert not is_marked(sentence, "A vector of $n$ numbers. It costs $5 in the US and $6 here.")


def test_what_mathematics_has_no_time_for_is_not_held_against_a_sentence() -> None:
    slow = {"verdict": "undecided", "how": "it takes too long", "latex": "", "unknown": [], "independent": False}
    invented = Invented([CHAIN], Lectures([CHAIN]), ask=lambda question: slow)
    sentence = r"So $\frac{d}{dx} x^2 = 3 x$ and $\frac{d}{dx} x^3 = 2 x$."
    assert not invented.is_in(sentence, [1])
    assert is_marked(sentence, CHAIN)


def test_levels_count_where_the_passage_marks_its_formulas() -> None:
    (formula,) = find(r"$y = x + w^2$")
    assert Lectures(["y = x + w 2"]).find_loosely(formula) == 1
    assert Lectures(["$y = x + w 2$"]).find_loosely(formula) is None
