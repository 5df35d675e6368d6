"""Mathematics that lecta works itself: networks read from lectures, and the case put behind an answer."""

from __future__ import annotations

import pytest

from lecta import derive
from lecta.types import Answer, Hit, Passage
from lecta.worked import is_about_chain_rule, with_case

LATEX = (
    r"Worked example. $h = w_1 x$, $a = \sigma(h)$, $\hat y = w_2 a$, $L = \tfrac12(\hat y - y)^2$ "
    r"with $x = 2$, $w_1 = 0.5$, $w_2 = 2$, $y = 1$. Then $\frac{\partial L}{\partial w_1} = 0.3634$."
)
SLIDE = "The running example\nh = w₁·x, a = σ(h), ŷ = w₂·a, L = ½·(ŷ − y)²\nTake x = 2, w₁ = 0.5, w₂ = 2, y = 1:\nx\n2"


@pytest.mark.parametrize("text", [LATEX, SLIDE], ids=["latex", "slide"])
def test_a_network_is_read_in_the_lectures_notation_and_worked_to_its_numbers(text: str) -> None:
    found = derive.read_network(text)
    assert found
    derivation = derive.derive(found.expression, found.wrt, values=found.values, jax=False)
    assert [step.wrt for step in derivation.steps][-1] == found.wrt
    assert derivation.numbers
    assert float(derivation.numbers.gradients[found.wrt]) == pytest.approx(0.36343, abs=1e-5)


@pytest.mark.parametrize(
    "text",
    [
        "The loss is small. The gradient is large.",
        "$u = x^2$ and $y = 3u$; at $x = 1$",  # two stages
        r"$\boldsymbol h = \boldsymbol W x$, $a = \sigma(h)$, $L = (a - y)^2$",  # matrices
        r"$Z = W X$, $A = tanh(Z)$, $L = A^2$",  # capitals: likely matrices
        r"$\frac{dL}{da} = 2a$, $\frac{da}{dh} = 1$, $\frac{dh}{dw} = x$",  # derivatives, not definitions
        "a = b; b = c; c = a",  # a circle
        "width = 3, height = 4, depth = 5, area = width height",
        "= = = = =",
        "x = " + "(" * 500 + ", y = 2x, z = 3y",
    ],
)
def test_what_defines_no_network_is_left_alone(text: str) -> None:
    assert derive.read_network(text) is None


def test_values_before_the_network_belong_to_something_else() -> None:
    found = derive.read_network("At $x = 1$ it is $24$. " + LATEX.replace("$x = 2$, ", ""))
    assert found
    assert not found.values  # x is not given


def _hit(text: str, source: str) -> Hit:
    return Hit(Passage(text, 0, len(text), source, "notes"), 1.0)


def test_a_case_cites_the_passage_that_defines_it() -> None:
    other, network = _hit("Multiply the local derivatives.", "a.md"), _hit(LATEX, "b.md")
    answer = Answer("What is the chain rule?", "Rates multiply. [1]", (), (other,), "model")
    worked = with_case(answer, network)
    assert worked.case
    assert (worked.case.passage, worked.passages) == (2, (other, network))
    assert worked.text.startswith("Rates multiply. [1]\n\n**A worked case**, the network of [2]")
    assert worked.cited == [2]
    assert "= 0.3634" in worked.text
    assert with_case(worked, network).passages == (other, network)  # cited again, not listed again
    assert with_case(answer, other) == answer


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the chain rule in backpropagation?", True),
        ("How does back-propagation work?", True),
        ("Explain the backward pass of a network.", True),
        ("What is dropout?", False),
        ("Which rule of thumb sets the chain length?", False),
    ],
)
def test_which_questions_want_a_case(question: str, expected: bool) -> None:
    assert is_about_chain_rule(question) is expected
