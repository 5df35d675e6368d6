"""The worked answer as Markdown with LaTeX: the idea, the steps, the product, what each factor means, the checks."""

from __future__ import annotations

from lecta.derive import expr as e
from lecta.derive.chain import MAX_PATHS, Chain, Edge, gradient_name
from lecta.derive.expr import Expr
from lecta.derive.functions import FUNCTIONS
from lecta.derive.meaning import factor_meaning, kept, vanishing
from lecta.derive.program import spoken_shape, used_inputs
from lecta.derive.result import Checks, Numbers
from lecta.derive.rewrite import replace
from lecta.derive.show import factor_latex, latex, name_latex, shape_latex
from lecta.derive.size import WRITTEN, written_size
from lecta.derive.verdict import check_text

_IDEA = (
    "A value that is computed in steps changes with its input by the product of what each step does: for $f(g(x))$,\n\n"
    r"$$\frac{d}{dx}\,f(g(x)) = f'(g(x)) \cdot g'(x).$$"
)
_SUM_IDEA = "Where a value is used more than once, every way from it to the result adds its own product."
_ARRAY_IDEA = (
    r"For vectors and matrices the gradient goes backwards: $\bar{y}$ stands for the gradient of the result with "
    "respect to $y$ (an array of the shape of $y$), and each step turns the gradient at its output into the gradient "
    "at its input. That is the vector-Jacobian product; the Jacobian itself is never written out."
)


def shown_whole(chain: Chain) -> Expr:
    """Return the whole gradient, or where that is too long to write out, its last step."""
    return chain.whole if written_size(chain.whole) <= WRITTEN else chain.gradients[chain.wrt]


def partial(of: str, wrt: str) -> str:
    """Return ∂of/∂wrt as LaTeX."""
    return rf"\frac{{\partial {name_latex(of)}}}{{\partial {name_latex(wrt)}}}"


def short_form(edge: Edge, chain: Chain) -> str | None:
    """Return σ'(h) where the step is one function of its input, else None."""
    root = chain.program.definitions[edge.of]
    if root.op == "fn" and root.args[0].op == "var" and root.attr[0] not in ("exp", "log", "abs", "step", "sign"):
        return rf"{FUNCTIONS[root.attr[0]].latex}'\left({name_latex(edge.wrt)}\right)"
    return None


def edge_latex(edge: Edge, chain: Chain) -> str:
    """Return a step as LaTeX: ∂a/∂h = σ'(h) = a(1 - a), or for arrays the vector-Jacobian product."""
    if edge.local is not None:
        short = short_form(edge, chain)
        middle = f"{short} = " if short else ""
        value = latex(edge.local)
        return f"{partial(edge.of, edge.wrt)} = {value if value == partial(edge.of, edge.wrt) else middle + value}"
    given = gradient_name(edge.of)
    if edge.of == chain.program.output and chain.program.shape(edge.of) == ():
        product = replace(edge.product, {e.var(given): e.ONE})
    else:
        product = edge.product
    arrow = "" if _is_only_way(edge, chain) else r"\ \text{from } " + name_latex(edge.of)
    return rf"{name_latex(gradient_name(edge.wrt))}{arrow} = {latex(product)}"


def _is_only_way(edge: Edge, chain: Chain) -> bool:
    return sum(other.wrt == edge.wrt for other in chain.edges) == 1


def explain(chain: Chain, checks: Checks, numbers: Numbers | None, clip: float | None) -> str:
    """Return the worked answer."""
    parts = [
        f"## The gradient of {_math(chain.program.output)} with respect to {_math(chain.wrt)}",
        _idea(chain),
        _setting(chain),
        _steps(chain),
        _product(chain, checks.symbolic.latex) if chain.program.scalar else _array_result(chain),
        _meanings(chain),
        _kept(chain),
        _vanishing(chain, numbers, clip),
        _numbers(chain, numbers) if numbers else "",
        check_text(checks),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def explain_briefly(chain: Chain, numbers: Numbers | None) -> str:
    """Return the steps, their product and the numbers, without a heading; for a chain of numbers with few ways."""
    program = chain.program
    setting = ", ".join(f"${name_latex(name)} = {latex(root)}$" for name, root in program.definitions.items())
    lines = [f"Given {setting}: how does {_math(program.output)} change with {_math(chain.wrt)}?", ""]
    lines += [f"{number}. ${edge_latex(edge, chain)}$" for number, edge in enumerate(chain.edges, 1)]
    lines += ["", _product(chain, "")]
    if numbers:
        given = ", ".join(f"${name_latex(name)} = {_number(numbers.values[name])}$" for name in used_inputs(program))
        total = float(numbers.gradients[chain.wrt])
        lines += ["", f"With {given}: ${partial(program.output, chain.wrt)} = {_terms(chain, numbers)} = {total:.4g}$."]
    return "\n".join(lines)


def _terms(chain: Chain, numbers: Numbers) -> str:
    """Return the products along the ways from the variable, as numbers."""
    ways = [[_signed(numbers.locals[edge.of, edge.wrt]) for edge in path] for path in chain.paths()]
    return " + ".join(r" \cdot ".join(way) for way in ways)


def _math(name: str) -> str:
    return f"${name_latex(name)}$"


def _idea(chain: Chain) -> str:
    lines = ["**The idea.** " + (_ARRAY_IDEA if not chain.program.scalar else _IDEA)]
    if chain.path_count() > 1:
        lines.append(_SUM_IDEA)
    return "\n\n".join(lines)


def _setting(chain: Chain) -> str:
    program = chain.program
    lines = ["**The function.** Let:", ""]
    inputs = used_inputs(program)
    plain = [_math(name) for name, shape in inputs.items() if not shape and name != chain.wrt]
    for name, shape in inputs.items():
        if shape:
            kind = "vector of" if len(shape) == 1 else "matrix of"
            lines.append(f"* {_math(name)} be a {kind} ${shape_latex(shape)}$ numbers.")
    if plain:
        lines.append(f"* {', '.join(plain)} be given numbers.")
    if program.inputs[chain.wrt] == ():
        lines.append(f"* {_math(chain.wrt)} be the number we derive by.")
    for name, root in program.definitions.items():
        extra = ""
        if name in program.derived:
            of, wrt = program.derived[name]
            extra = f"{partial(of, wrt)} = "
        size = f" ({spoken_shape(root.shape)})" if root.shape else ""
        lines.append(f"* ${name_latex(name)} = {extra}{latex(root)}${size}")
    if program.shape(program.output):
        lines.append(
            f"* $v$ be the gradient that arrives at {_math(program.output)} from what follows ("
            f"{spoken_shape(program.shape(program.output))}): {_math(program.output)} is an array, and what is derived "
            rf"is $v^{{\top}} {name_latex(program.output)}$."
        )
    lines += ["", "The graph, from the variable to the result:", "", "```text", *graph_lines(chain), "```"]
    return "\n".join(lines)


def graph_lines(chain: Chain) -> list[str]:
    """Return the ways from the variable to the result, one a line."""
    lines = [" → ".join([chain.wrt, *(edge.of for edge in reversed(path))]) for path in chain.paths()]
    count = chain.path_count()
    if count > MAX_PATHS:
        lines.append(f"... and {count - MAX_PATHS} more, {count} in all")
    return lines or [f"{chain.wrt} does not reach {chain.program.output}"]


def _steps(chain: Chain) -> str:
    lines = ["**The steps.** Each by its own rule:", ""]
    if not chain.program.scalar and chain.program.shape(chain.program.output) == ():
        first = name_latex(gradient_name(chain.program.output))
        lines[0] = f"**The steps.** From the result backwards, beginning with ${first} = 1$:"
    for number, edge in enumerate(chain.edges, 1):
        shapes = ""
        if edge.local is None:
            of, wrt = (spoken_shape(chain.program.shape(name)) for name in (edge.of, edge.wrt))
            shapes = f"; the gradient at {_math(edge.of)} is {of}, the one at {_math(edge.wrt)} is {wrt}"
        lines.append(
            f"{number}. **{_math(edge.of)} with respect to {_math(edge.wrt)}:** ${edge_latex(edge, chain)}$ "
            f"({', '.join(edge.rules)}{shapes})"
        )
    return "\n".join(lines)


def _product(chain: Chain, written_out: str) -> str:
    """Write the product along each path, the sum over them, the substitution and the final form."""
    whole = partial(chain.program.output, chain.wrt)
    paths, count = chain.paths(), chain.path_count()
    if not paths:
        return f"No way leads from {_math(chain.wrt)} to {_math(chain.program.output)}, so\n\n$${whole} = 0$$"
    if count > MAX_PATHS:
        return _by_values(chain, whole, written_out)
    written = [r" \cdot ".join(partial(edge.of, edge.wrt) for edge in path) for path in paths]
    names = [r" \cdot ".join(_factor(edge, chain, short=True) for edge in path) for path in paths]
    values = [r" \cdot ".join(_factor(edge, chain, short=False) for edge in path) for path in paths]
    lines = []
    if any(len(path) > 1 for path in paths) or count > 1:
        ways = "the product along the way" if count == 1 else f"the sum over {count} ways, each a product"
        lines += [f"**The chain rule** gives {ways}:", _display(whole, written), "Substituting the steps:"]
    else:
        lines.append("**The result** is this one step:")
    lines.append(_display(whole, names))
    if values != names:
        lines.append(_display(whole, values))
    final = latex(shown_whole(chain))
    if _bare(final) not in (_bare(" ".join(values)), _bare(" ".join(names))):
        lines += ["and put together:", f"$${whole} = {final}$$"]
    if written_out and len(written_out) < 1500 and _bare(written_out) != _bare(final):
        lines += ["Written in the inputs alone:", f"$${whole} = {written_out}$$"]
    return "\n\n".join(lines)


def _bare(shown: str) -> str:
    """Return LaTeX without what only spaces it out, to see whether two formulas are the same."""
    for part in (r"\cdot", r"\,", r"\left", r"\right", " ", "{", "}"):
        shown = shown.replace(part, "")
    return shown


def _factor(edge: Edge, chain: Chain, *, short: bool) -> str:
    local = edge.local if edge.local is not None else e.ONE
    return (short_form(edge, chain) if short else None) or factor_latex(local)


def _display(left: str, terms: list[str]) -> str:
    if len(terms) == 1:
        return f"$${left} = {terms[0]}$$"
    lines = [
        rf"{left} ={'&' if not number else '&+'} {term}" if not number else rf"&+ {term}"
        for number, term in enumerate(terms)
    ]
    return "$$\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}$$"


def _by_values(chain: Chain, whole: str, written_out: str) -> str:
    """Write the sum over very many paths as it is computed: value by value, backwards."""
    output = chain.program.output
    lines = [
        f"**The chain rule** gives a sum over {chain.path_count()} ways. It is computed value by value, from the "
        rf"result backwards, with $\bar{{y}} = \partial {name_latex(output)} / \partial y$ for every value $y$:",
    ]
    for name, gradient in chain.gradients.items():
        lines.append(f"$${name_latex(gradient_name(name))} = {latex(gradient)}$$")
    lines.append(f"and the last of these is ${whole}$.")
    if written_out and len(written_out) < 1500:
        lines += ["Written in the inputs alone:", f"$${whole} = {written_out}$$"]
    return "\n\n".join(lines)


def _array_result(chain: Chain) -> str:
    shape = spoken_shape(chain.program.inputs[chain.wrt])
    count = chain.path_count()
    name = name_latex(gradient_name(chain.wrt))
    lines = []
    sums = [
        f"$${name_latex(gradient_name(value))} = {latex(gradient)}$$"
        for value, gradient in chain.gradients.items()
        if sum(edge.wrt == value for edge in chain.edges) > 1
    ]
    if sums:
        ways = f"{count} ways" if count > 1 else "more than one step"
        lines += [f"**The chain rule** adds up what comes back ({ways} in all):", *sums]
    output = f"\\partial {name_latex(chain.program.output)}"
    if chain.program.shape(chain.program.output):
        output = rf"\partial (v^{{\top}} {name_latex(chain.program.output)})"
    final = latex(shown_whole(chain))
    lines.append("**The chain rule**, the steps put into each other:" if not sums else "All steps put into each other:")
    if len(final) > 1500:
        lines[-1] = f"Put into each other the steps give a formula of {len(final)} characters; the steps say it better."
        final = latex(chain.gradients[chain.wrt])
        lines.append(rf"$$\frac{{{output}}}{{\partial {name_latex(chain.wrt)}}} = {name} = {final}$$")
    else:
        lines.append(rf"$$\frac{{{output}}}{{\partial {name_latex(chain.wrt)}}} = {name} = {final}$$")
    lines.append(f"It has the shape of {_math(chain.wrt)}: {shape}.")
    return "\n\n".join(lines)


def _meanings(chain: Chain) -> str:
    lines = ["**What each factor means.**", ""]
    lines += [f"* {_what(edge)}: {factor_meaning(edge, chain)}." for edge in chain.edges]
    return "\n".join(lines)


def _what(edge: Edge) -> str:
    if edge.local is not None:
        return f"${partial(edge.of, edge.wrt)}$"
    return f"{_math(edge.of)} back to {_math(edge.wrt)}"


def _kept(chain: Chain) -> str:
    values, inputs = kept(chain)
    if not values and not inputs:
        return ""
    computed = f"{', '.join(map(_math, values))} from the forward pass" if values else "no value of the forward pass"
    given = f", and the inputs {', '.join(map(_math, inputs))}" if inputs else ""
    return f"**What is kept.** The backward pass uses {computed}{given}."


def _vanishing(chain: Chain, numbers: Numbers | None, clip: float | None) -> str:
    lines = vanishing(chain, numbers, clip)
    return "\n".join(["**Where it vanishes or blows up.**", "", *(f"* {line}" for line in lines)]) if lines else ""


def _numbers(chain: Chain, numbers: Numbers) -> str:
    lines = ["**With numbers.**", "", "| value | is | gradient of the result |", "| --- | --- | --- |"]
    for name, value in numbers.values.items():
        gradient = numbers.gradients.get(name)
        lines.append(f"| {_math(name)} | {_number(value)} | {_number(gradient) if gradient is not None else ''} |")
    paths = chain.paths()
    if chain.program.scalar and paths and chain.path_count() <= MAX_PATHS:
        total = float(numbers.gradients[chain.wrt])
        lines += ["", f"$${partial(chain.program.output, chain.wrt)} = {_terms(chain, numbers)} = {total:.6g}$$"]
    return "\n".join(lines)


def _signed(number: float) -> str:
    return f"{number:.4g}" if number >= 0 else f"({number:.4g})"


def _number(value: object) -> str:
    import numpy as np

    array = np.asarray(value)
    if not array.shape:
        return f"{float(array):.6g}"
    return "`" + np.array2string(array, precision=4, separator=", ", suppress_small=False).replace("\n", "") + "`"
