"""The chain rule, worked and checked: reading, rules, the answer, the checks, the picture, the command."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy
from typer.testing import CliRunner

from lecta.cli import app
from lecta.derive import derive, recognise
from lecta.derive import expr as e
from lecta.derive.chain import work
from lecta.derive.exactly import digit_arithmetic
from lecta.derive.functions import FUNCTIONS, derivative
from lecta.derive.picture import layout
from lecta.derive.program import read_program
from lecta.derive.rules import pull_back
from lecta.derive.show import latex, name_latex, text
from lecta.derive.symbolic import DIGITS
from lecta.derive.working import read_chain
from lecta.errors import DerivationError, ExpressionError
from tests.conftest import ROOT

NETWORK = "h = W1*x; a = sigmoid(h); y = W2*a; L = (y - t)**2/2"
ERRORS = (ROOT / "tests" / "data" / "derive-errors.tsv").read_text(encoding="utf-8").splitlines()


def _whole(expression: str, wrt: str) -> str:
    return text(read_chain(expression, wrt).whole)


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("python", "written"),
    [
        ("sigmoid(w_1*x + b)", r"\sigma(w_1 x + b)"),
        ("x**2/(1 + x)", r"\frac{x^2}{1 + x}"),
        ("sqrt(x)*exp(-x)", r"\sqrt{x} e^{-x}"),
        ("(yhat - y)**2/2", r"\frac12 (\hat{y} - y)^{2}"),
        ("sin(2*x)**2", r"\sin^2 2x"),
        ("log(x) + tanh(x)", r"\ln x + \tanh\left(x\right)"),
        ("abs(x - theta)", r"|x - \theta|"),
        ("max(0, x)", r"\max(0, x)"),
        ("x**(1/3)", r"\sqrt[3]{x}"),
    ],
)
def test_latex_is_read_as_python_is(python: str, written: str) -> None:
    wrt = "yhat" if "hat" in python else "w_1" if "w_1" in python else "x"
    plain = read_program(f"f = {python}", wrt).definitions["f"]
    assert latex(plain) == latex(read_program(f"f = {written}", wrt.replace("yhat", r"\hat{y}")).definitions["f"])


def test_sums_over_indices_in_both_notations() -> None:
    python = _whole("w: 3; x: 3; y = sum(w[i]*x[i], i, 1, 3)", "w")
    written = _whole(r"w: 3; x: 3; y = \sum_{i=1}^{3} w_i x_i", "w")
    assert python == written
    assert derive("w: 3; x: 3; y = sum(w[i]*x[i]**2, i, 1, 3)", "w", jax=False).checks.symbolic.agrees


def test_the_order_of_assignments_is_free_and_comments_are_left_out() -> None:
    assert _whole("y = a**2  # the square\na = 3*x", "x") == _whole("a = 3*x; y = a**2", "x") == "6*a"


def test_a_value_in_between_can_be_derived_by() -> None:
    assert _whole(NETWORK, "a") == "(y - t)*W2"


def test_a_value_used_twice_is_one_step() -> None:
    chain = read_chain("exp(x**2)*sin(exp(x**2))", "x")
    shown = {name: text(root) for name, root in chain.program.definitions.items()}
    assert shown == {"u_1": "x**2", "u_2": "exp(u_1)", "y": "u_2*sin(u_2)"}


@pytest.mark.parametrize("line", ERRORS, ids=lambda line: line.split("\t")[2][:30])
def test_an_error_is_one_clear_line(line: str) -> None:
    wrt, fragment, expression = line.split("\t")
    with pytest.raises(ExpressionError) as caught:
        derive(expression, wrt, jax=False)
    assert fragment in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ":" in str(caught.value)  # what to do comes after it


def test_there_are_a_hundred_of_them() -> None:
    assert len(ERRORS) >= 100


def test_nothing_is_evaluated_as_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for expression in ("open('made','w')", "exec(x)", "x.__class__", "(lambda: x)()", "`touch made`", "f'{x}'"):
        with pytest.raises(ExpressionError):
            derive(expression, "x", jax=False)
    assert list(tmp_path.iterdir()) == []


# --- rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_each_functions_derivative_is_that_of_its_definition(name: str) -> None:
    x = e.var("x")
    node = e.fn(name, x, *FUNCTIONS[name].parameters)
    arithmetic = digit_arithmetic()
    points = {"acosh": (1.5, 3.0), "asec": (1.5, -2.0), "acsc": (1.5, -2.0), "acoth": (1.5, -2.0), "log": (0.3, 2.0)}

    def value(root: e.Expr, at: object) -> object:
        from lecta.derive.evaluate import compute

        return compute([root], {"x": at}, arithmetic)[0]

    with mpmath.workdps(DIGITS):
        for point in points.get(name, (0.4, 0.7) if name == "asech" else (0.4, -0.7)):
            exact = mpmath.diff(lambda u: value(node, u), mpmath.mpf(point))
            assert abs(exact - value(derivative(node), mpmath.mpf(point))) < 1e-12


def test_what_is_pulled_back_through_a_matrix_product() -> None:
    w, x, g = e.var("W", (3, 2)), e.var("x", (2,)), e.var("g", (3,))
    product = e.matmul(w, x)
    assert text(pull_back(product, g, w)) == "outer(g, x)"
    assert text(pull_back(product, g, x)) == "W.T@g"


def test_simple_forms() -> None:
    x, y = e.var("x"), e.var("y")
    assert e.add(x, e.neg(x)) is e.ZERO
    assert e.mul(x, e.power(x, e.const(-1))) is e.ONE
    assert e.mul(e.sqrt(e.mul(e.const(2), x)), e.sqrt(e.mul(e.const(2), x))) is e.mul(e.const(2), x)
    assert e.add(x, y, x) is e.add(e.mul(e.const(2), x), y)


def test_names_in_latex() -> None:
    assert name_latex("W1") == "W_{1}"
    assert name_latex("y_hat") == name_latex("yhat") == r"\hat{y}"
    assert name_latex("theta_ij") == r"\theta_{ij}"


# --- the answer -------------------------------------------------------------------------------------------------------


def test_the_two_layer_network_of_the_textbook_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """∂L/∂w₁ = ∂L/∂ŷ · w₂ · σ'(h) · x, the loss left general."""
    monkeypatch.setattr("lecta.derive.symbolic.PROOF_SECONDS", 30.0)  # what is proved, however busy the machine is
    found = derive("h = w_1*x; a = sigmoid(h); yhat = w_2*a; L = L(yhat, y)", "w_1", jax=False)
    expected = (
        r"\frac{\partial L}{\partial w_{1}} = \frac{\partial L}{\partial \hat{y}} \cdot w_{2} \cdot "
        r"\sigma'\left(h\right) \cdot x"
    )
    assert f"$${expected}$$" in found.markdown
    product = (
        r"\frac{\partial L}{\partial \hat{y}} \cdot \frac{\partial \hat{y}}{\partial a} \cdot "
        r"\frac{\partial a}{\partial h} \cdot \frac{\partial h}{\partial w_{1}}"
    )
    assert product in found.markdown
    assert found.checks.symbolic.agrees
    assert found.checks.symbolic.proved
    assert found.checks.differences.agrees


def test_the_paths_are_added_up() -> None:
    found = derive("h = w*x; y = h**2 + 3*h; L = y*w", "w", jax=False)
    assert found.chain.path_count() == 2
    w, x = sympy.symbols("w x")
    assert sympy.simplify(sympy.sympify(found.derivative) - sympy.diff(((w * x) ** 2 + 3 * w * x) * w, w)) == 0


def test_very_many_paths_are_counted_and_not_written_out() -> None:
    layers = "".join(f"a{n} = sin(h{n - 1}); h{n} = h{n - 1}*w/2 + a{n}; " for n in range(1, 11))
    found = derive(f"h0 = w*x; {layers} L = h10", "w", jax=False)
    assert found.chain.path_count() > 1000
    assert len(found.markdown) < 60_000


def test_arrays_give_vector_jacobian_products_with_shapes() -> None:
    found = derive("W: 3x2; x: 2; t: 3; y = tanh(W*x); L = sum((y - t)**2)/2", "W", jax=False)
    last = found.steps[-1]
    assert (last.of_shape, last.wrt_shape) == ((3,), (3, 2))
    assert last.latex == r"\bar{W} = \bar{u}_{1} \, x^{\top}"
    assert found.derivative == "outer((y - t).*(1 - y**2), x)"


def test_softmax_with_cross_entropy_gives_the_difference() -> None:
    assert _whole("z: 3; t: 3; p = softmax(z); L = cross_entropy(p, t)", "z") == "p*sum(t) - t"


def test_an_array_result_is_taken_with_a_gradient_that_arrives() -> None:
    assert _whole("z: 3; p = softmax(z)", "z") == "p.*(v - sum(v.*p))"


def test_numbers_and_clipping() -> None:
    found = derive(NETWORK, "W1", values="W1=0.5, x=1, W2=2, t=1", clip=0.05, jax=False)
    assert found.numbers is not None
    sigma = 1 / (1 + np.exp(-0.5))
    expected = (2 * sigma - 1) * 2 * sigma * (1 - sigma)
    assert float(found.numbers.gradients["W1"]) == pytest.approx(expected, rel=1e-12)
    assert "clipped at 0.05" in found.markdown


@pytest.mark.parametrize(
    ("values", "fragment"),
    [
        ("W1=1", "values are missing for x, W2, t"),
        ("W1=1, q=2", "'q=2' gives no value of an input"),
        ("W1=one", "'one' is no value"),
        ("W1=[1, 2]", "'W1' is a number"),
        ("W1=__import__('os')", "is no value"),
    ],
)
def test_wrong_values_are_one_line(values: str, fragment: str) -> None:
    with pytest.raises(ExpressionError, match="(?s)" + fragment.replace("[", r"\[")):
        derive(NETWORK, "W1", values=values, jax=False)


def test_a_kink_is_named_with_what_is_used_there() -> None:
    found = derive("relu(w*x)", "w", values="w=0, x=1", jax=False)
    assert "relu has no derivative at 0, where 0 is used" in found.markdown
    assert found.numbers is not None
    assert float(found.numbers.gradients["w"]) == 0
    assert float(_at(derive("max(0, w)", "w", values="w=0", jax=False))) == 0


def _at(found: object) -> float:
    return float(found.numbers.gradients["w"])  # type: ignore[attr-defined]


# --- the checks can fail ----------------------------------------------------------------------------------------------


def test_a_wrong_rule_is_caught_by_every_check(monkeypatch: pytest.MonkeyPatch) -> None:
    right = FUNCTIONS["tanh"]
    wrong = type(right)(lambda u, s: e.add(e.ONE, e.power(s, e.const(2))), right.latex)
    monkeypatch.setitem(FUNCTIONS, "tanh", wrong)
    with pytest.raises(DerivationError) as caught:
        derive("tanh(w*x)", "w")
    assert "SymPy" in str(caught.value)
    assert "finite differences" in str(caught.value)
    assert "JAX" in str(caught.value)


def test_a_wrong_rule_of_arrays_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from lecta.derive import rules

    monkeypatch.setitem(rules._RULES, "softmax", lambda node, g: [e.mul(node, g)])
    with pytest.raises(DerivationError, match=r"SymPy.*finite differences"):
        derive("z: 3; t: 3; L = sum(t*softmax(z))", "z", jax=False)


def test_the_check_by_jax_says_when_it_was_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = derive("sin(x)", "x")
    assert found.checks.reverse.error is None
    assert "not run: JAX is not installed (pip install 'lecta[jax]')" in found.markdown


def test_no_real_value_is_checked_with_complex_ones() -> None:
    found = derive("atanh(2 + x**2)", "x", jax=False)
    assert found.checks.differences.complex_values
    assert found.checks.differences.agrees


def test_simplification_that_would_not_end_is_stopped() -> None:
    from lecta.derive.bounded import within

    def for_ever() -> None:
        while True:
            sympy.expand((sympy.Symbol("x") + 1) ** 30)

    assert within(0.1, for_ever) is None
    assert within(5.0, lambda: 3) == 3


def test_the_chain_is_that_of_a_program_without_steps_added() -> None:
    program = read_program("sin(cos(x))", "x")
    assert [edge.of for edge in work(program, "x").edges] == ["y"]
    assert [edge.of for edge in read_chain("sin(cos(x))", "x").edges] == ["y", "u_1"]


@pytest.mark.parametrize(
    "expression", ["x**1000000", "exp(exp(exp(exp(exp(x)))))", "x**x**x**x", "5 + 0*x", "sign(x)*x"]
)
def test_what_is_large_or_flat_or_jumps_ends_and_agrees(expression: str) -> None:
    assert derive(expression, "x", jax=False).checks.symbolic.agrees


def test_a_network_too_long_to_write_out_is_shown_step_by_step() -> None:
    layers = "; ".join(f"h{n} = tanh(h{n - 1}*w + h{n - 1})" for n in range(1, 60))
    found = derive(f"h0 = x; {layers}", "w", jax=False)
    assert found.checks.symbolic.agrees is None
    assert "too large for SymPy" in found.markdown
    assert found.checks.differences.agrees
    assert len(found.markdown) < 100_000


# --- the picture ------------------------------------------------------------------------------------------------------


def test_the_picture_has_every_value_and_no_two_in_one_place() -> None:
    found = derive(
        "h = W1*x; a = sigmoid(h); y = W2*a + x; L = (y - t)**2/2", "W1", values="W1=1,x=1,W2=1,t=0", jax=False
    )
    tree = ET.fromstring(found.svg())
    words = " ".join(node.text or "" for node in tree.iter("{http://www.w3.org/2000/svg}text"))
    assert "a = sigmoid(h)" in words
    assert "∂L/∂W1" in words
    boxes, ways = layout(found.chain, found.numbers)
    assert set(boxes) == {"W1", "x", "h", "a", "W2", "y", "t", "L"}
    assert ("x", "y") in ways
    places = list(boxes.values())
    for number, one in enumerate(places):
        for other in places[number + 1 :]:
            apart = (
                abs(one.x - other.x) >= (one.width + other.width) / 2
                or abs(one.y - other.y) >= (one.height + other.height) / 2
            )
            assert apart, (one, other)


# --- questions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "expression", "wrt"),
    [
        ("What is the derivative of sigmoid(w*x+b) with respect to w?", "sigmoid(w*x+b)", "w"),
        (r"What is the derivative of $\sigma(w_1 x + b)$ with respect to $w_1$?", r"\sigma(w_1 x + b)", "w_1"),
        ("What is the gradient of L = (y-t)**2/2 with respect to w where y = w*x?", "y = w*x; L = (y-t)**2/2", "w"),
        ("What is dL/dw where L = (y-t)^2 and y = w*x?", "y = w*x; L = (y-t)^2", "w"),
        ("derivative of sin(x)/x?", "sin(x)/x", "x"),
        (r"Compute $\frac{\partial}{\partial w} \sigma(w x)$", r"\sigma(w x)", "w"),
    ],
)
def test_a_question_that_states_an_expression(question: str, expression: str, wrt: str) -> None:
    found = recognise(question)
    assert found is not None
    assert (found.expression, found.wrt) == (expression, wrt)


@pytest.mark.parametrize(
    "question",
    [
        "What is a derivative?",
        "What is the derivative of the loss with respect to the weights?",
        "Why is the gradient of tanh small with respect to large inputs?",
        "How do we differentiate between L1 and L2 regularization?",
        "What is the chain rule in backpropagation?",
        "What is the derivative of log-likelihood with respect to theta?",
    ],
)
def test_a_question_that_states_none(question: str) -> None:
    assert recognise(question) is None


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_prints_the_contract_as_json(tmp_path: Path) -> None:
    picture = tmp_path / "graph.svg"
    result = CliRunner().invoke(app, ["derive", NETWORK, "--wrt", "W1", "--json", "--no-jax", "--svg", str(picture)])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert {"expression", "wrt", "steps", "derivative", "latex", "markdown", "checks"} <= set(found)
    assert [(step["of"], step["wrt"]) for step in found["steps"]] == [("L", "y"), ("y", "a"), ("a", "h"), ("h", "W1")]
    assert found["checks"]["symbolic"] is True
    assert found["checks"]["numeric_max_relative_error"] < 1e-8
    names = sympy.symbols("W1 x W2 t")
    w1, x, w2, t = names
    expected = sympy.diff((w2 / (1 + sympy.exp(-w1 * x)) - t) ** 2 / 2, w1)
    difference = sympy.sympify(found["derivative"]) - expected
    assert abs(difference.subs(dict(zip(names, (0.3, -0.7, 1.1, 0.2), strict=True))).evalf()) < 1e-12
    assert picture.read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize("expression", ["-cosh(x)", "-x", "--x", "-h*x", "-1/5*atanh(x/5)", "- x", "-(x + 1)"])
def test_an_expression_may_begin_with_a_minus(expression: str) -> None:
    result = CliRunner().invoke(app, ["derive", expression, "--wrt", "x", "--json", "--no-jax"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["expression"] == expression
    reference = sympy.diff(sympy.sympify(expression), sympy.Symbol("x"))
    assert sympy.simplify(sympy.sympify(found["derivative"]) - reference) == 0


def test_the_command_reads_a_file_and_prints_markdown() -> None:
    path = ROOT / "examples" / "derivations" / "maml.txt"
    result = CliRunner().invoke(app, ["derive", str(path), "--wrt", "w", "--no-jax"])
    assert result.exit_code == 0
    assert result.stdout.startswith("## The gradient of $L$ with respect to $w$")


def test_the_command_says_what_is_wrong_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    from lecta.cli import main

    sys.argv[1:], before = ["derive", "sigmoyd(x)", "--wrt", "x"], sys.argv[1:]
    try:
        with pytest.raises(SystemExit) as stopped:
            main()
    finally:
        sys.argv[1:] = before
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "lecta: unknown function 'sigmoyd' at character 1: did you mean 'sigmoid'?\n"
