"""Formulas of an answer: looked up, checked, marked; nothing true is called wrong, nothing is evaluated as code."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from lecta.check.formulas import Marker, check
from lecta.check.formulas.claims import Claims
from lecta.check.formulas.finding import find
from lecta.check.formulas.lookup import canonical
from lecta.check.formulas.process import Mathematician
from lecta.check.formulas.reading import UnreadableError, read
from lecta.check.formulas.tokens import tokenize

TRUE = [
    r"$\frac{d}{dx} x^2 = 2x$",
    r"$\frac{d}{dx}\left(x^2 \sin x\right) = 2x\sin x + x^2 \cos x$",
    r"Let $f(x) = \sin(x^2)$. Then $f'(x) = 2x\cos(x^2)$ and $f''(x) = 2\cos(x^2) - 4x^2\sin(x^2)$.",
    r"The derivative of $x^2 \sin x$ with respect to $x$ is $2x\sin x + x^2\cos x$.",
    r"The derivative of \(f(t) = e^{-3t}\) is \(f'(t) = -3e^{-3t}\).",
    "The derivative of sin(x**2) is 2x cos(x**2).",
    r"$\sigma'(h) = \sigma(h)(1-\sigma(h))$",
    r"$\frac{∂σ(x)}{∂x} = σ(x) ⋅ \big(1-σ(x)\big)$",
    r"$\sigma(x) = \frac{1}{1+\exp(-x)}$",
    r"$\frac{d}{dx}\tanh(x) = 1-\tanh^2(x) = \frac{1}{\cosh^2 x}$",
    r"$$\frac{d}{dx}[f(g(x))] = f'(g(x)) \cdot g'(x)$$",
    r"With $h = w_1 x$, $a = \sigma(h)$ and $\hat{y} = w_2 a$: $$\frac{\partial L}{\partial w_1} = "
    r"\frac{\partial L}{\partial \hat{y}} \cdot w_2 \cdot \sigma'(h) \cdot x$$",
    r"$L = \frac{1}{2}(y - t)^2$ gives $\frac{\partial L}{\partial y} = y - t$",
    r"$\sin^2 x + \cos^2 x = 1$",
    r"$\frac{d}{dx} (x+1)(x-1) = 2x$",
    r"$\log(ab) = \log a + \log b$",
    r"$\tanh(x) = 2\sigma(2x) - 1$",
    r"$0.5 \cdot 4 = 2$",
    r"$\sigma(1) \approx 0.731$",
    r"$\frac{d}{dx}\ln(x) = \frac1x$",
    r"$$\begin{aligned} \frac{d}{dx} (x+1)^2 &= 2(x+1) \\ &= 2x + 2 \end{aligned}$$",
    "The gradient of $f(w) = (w x - y)^2$ with respect to $w$ is $2x(wx - y)$.",
]
FALSE = [
    (r"$\frac{d}{dx} x^2 = 3x$", "2 x"),
    (r"The derivative of $x^2 \sin x$ is $2x\sin x - x^2\cos x$.", r"x^{2} \cos{\left(x \right)} + 2 x"),
    (r"Let $f(x) = \sin(x^2)$. Then $f'(x) = \cos(x^2)$.", r"f'(x) = 2 x \cos{\left(x^{2} \right)}"),
    ("The derivative of sin(x**2) is cos(x**2).", "2 x"),
    (r"$\sigma'(h) = \sigma(h)(1+\sigma(h))$", r"1 - \sigma\left(h\right)"),
    (r"$\frac{d}{dx}[f(g(x))] = f'(g(x))$", r"g'\left(x\right)"),
    (r"$(a+b)^2 = a^2+b^2$", "2 a b"),
    (r"$0.5 \cdot 4 = 2.1$", "= 2"),
    (r"If $y = e^{2x}$, then $\frac{dy}{dx} = e^{2x}$.", "2 e^{2 x}"),
    (r"$L = \frac{1}{2}(y - t)^2$ gives $\frac{\partial L}{\partial y} = 2(y - t)$", r"\partial y} = y - t"),
    (r"`f(x) = x**3`, so `f'(x) = 3*x`", "3 x^{2}"),
]
OPEN = [
    r"$h = W_1 x + b$",
    r"$x^2 = 2x$",
    r"Set $f'(x) = 0$ where $f(x) = x^2 - x$.",
    r"$\nabla_\theta L(\theta) = \mathbb{E}[x]$",
    r"$𝔼[2x⋅𝔼[x]] = 2(𝔼[x])^2$",
    r"$\mathbf{h}^T \mathbf{w} = 3$",
    r"$p(y|x) = \mathrm{softmax}(z)$",
    r"$\frac{\partial L}{\partial w} = \delta x$",
    r"$\frac{dy}{dx} = ky$",
    r"$w = w - \alpha g$",
    r"$y_i = \sum_j w_{ij} x_j$",
    r"It costs $5 and then $6.",
    r"$x^{(i)} = 2$",
    r"It is not true that $(a+b)^2 = a^2 + b^2$.",
]


@pytest.mark.parametrize("text", TRUE)
def test_what_is_true_is_checked(text: str) -> None:
    found = {formula.status for formula in check(text, [])}
    assert "checked" in found and "wrong" not in found


@pytest.mark.parametrize(("text", "right"), FALSE)
def test_what_is_false_is_wrong_with_the_right_one_beside_it(text: str, right: str) -> None:
    wrong = [formula for formula in check(text, []) if formula.status == "wrong"]
    assert len(wrong) == 1
    assert right in wrong[0].correction


@pytest.mark.parametrize("text", OPEN)
def test_what_cannot_be_decided_is_not(text: str) -> None:
    assert {formula.status for formula in check(text, [])} <= {"not checkable"}


def test_a_formula_is_found_in_the_lectures_whatever_its_spelling() -> None:
    passages = [
        r"The gradient: $\frac{\partial L}{\partial w} = \delta\, x$ and $h = W x + b$.",
        "then ∂L/∂b = δ and σ(x) = 1/(1 + e−x) holds",
    ]
    for latex, passage in (
        (r"\dfrac{\partial L}{\partial w}=\delta \cdot x", 1),
        (r"\frac{d L}{d w} = x \delta", 1),
        (r"h=\mathbf{W}x+b", 1),
        (r"\frac{\partial L}{\partial b} = \delta", 2),
        (r"\sigma(x) = \frac{1}{1 + e^{-x}}", 2),
    ):
        formula = check(f"So ${latex}$.", passages)[0]
        assert (formula.status, formula.passage) == ("in the lectures", passage), latex


def test_the_beginning_of_a_formula_is_not_the_formula() -> None:
    assert check(r"$h = W x$", [r"$h = W x + b$"])[0].status == "not checkable"
    assert check(r"$h = W$", [r"$h = W^2$"])[0].status == "not checkable"


def test_what_is_wrong_is_wrong_though_its_terms_stand_in_the_lectures() -> None:
    formula = check("The derivative of $x^2$ is $x^2$.", ["Consider $x^2$."])[-1]
    assert (formula.status, formula.passage) == ("wrong", 1)


def test_places_are_those_of_the_text() -> None:
    text = r"First \(a + b\), then $$\frac{d}{dx} x^3 = 3x^2$$ and `f(x) = x**2`, `f'(x) = 2*x`."
    for formula in check(text, []):
        assert formula.latex in text[formula.start_index : formula.end_index]


def test_a_wrong_formula_is_marked_while_it_is_written() -> None:
    text = r"Let $f(x) = x^2$. Then $f'(x) = 3x$. So the slope is $3$."
    marker = Marker([])
    pieces = list(marker.mark(text[at : at + 5] for at in range(0, len(text), 5)))
    shown = "".join(pieces)
    assert r"$f'(x) = 3x$ **(this formula is wrong; right: $f'(x) = 2 x$)**. So" in shown
    for formula in marker.formulas(shown):
        assert shown[formula.start_index : formula.end_index] == f"${formula.latex}$"
    true = r"Let $f(x) = x^2$. Then $f'(x) = 2x$."
    assert "".join(Marker([]).mark([true])) == true


def test_a_hang_holds_nothing_up() -> None:
    mathematician = Mathematician()
    try:
        mathematician.ask({"left": ["num", "1"], "right": ["num", "1"]})
        started = time.perf_counter()
        power = ["pow", ["add", *(["sym", f"x_{n}"] for n in range(12))], ["num", "60"]]
        found = mathematician.ask({"left": ["neg", power], "correct": True, "simplify": True}, seconds=1)
        assert found["how"] == "it takes too long" and time.perf_counter() - started < 20
        again = mathematician.ask({"left": ["num", "1"], "right": ["num", "2"]})
        assert again["verdict"] == "differs"
    finally:
        mathematician.close()


def test_towers_and_huge_input_are_left_alone() -> None:
    assert check(r"$9^{9^{9^{9}}} = 3$", [])[0].status == "not checkable"
    assert check(f"${'x + ' * 5000}x = 2$", [])[0].status == "not checkable"
    assert check(f"${'(' * 300}x{')' * 300} = 2 x$", [])[0].status == "not checkable"
    assert check(f"${'{' * 300}$", [])[0].status == "not checkable"


def _garbage() -> Iterator[str]:
    formulas = [*TRUE, *(text for text, _ in FALSE), *OPEN]
    for n, text in enumerate(formulas):
        yield text[: 7 + n % 30]
        yield "$" + text[3::2] + "$"
        yield "$" + text.replace("}", "", 1).replace("$", "") + "$"
        yield r"\(" + text[::-1] + r"\)"


def test_garbage_is_no_error() -> None:
    def ask(question: dict[str, object]) -> dict[str, object]:
        return {"verdict": "undecided", "how": "", "latex": "", "unknown": [], "independent": False}

    for text in _garbage():
        assert Claims(text, find(text), ask).decide() is not None
        check(text, [text], ask=ask)


def test_nothing_is_evaluated(tmp_path: object) -> None:
    mark = f"{tmp_path}/mark"
    for code in (f"open('{mark}','w').close()", f"__import__('os').system('touch {mark}')", "f.__class__.__base__"):
        for text in (f"`{code} = 1`", f"${code} = 1$", f"The derivative of `{code}` is `1`."):
            check(text, [])
    assert not os.path.lexists(mark)


def test_uncertain_readings_are_told() -> None:
    assert len(read(tokenize("1/2x"))) == 2
    assert len(read(tokenize(r"2x \cos(x)"))) == 1
    with pytest.raises(UnreadableError):
        read(tokenize(r"\mathbf{x}^T \mathbf{w}"))


def test_one_spelling() -> None:
    spellings = (r"\frac{\partial L}{\partial w_1}", "∂L/∂w₁", r"\dfrac {d L}{d w_{1}}", r"\partial L / \partial w_1")
    assert len({tuple(canonical(tokenize(one))) for one in spellings}) == 1
