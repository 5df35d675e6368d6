"""Are two sides equal? SymPy for derivatives and their form, mpmath at random points for the verdict.

This runs in a process of its own (`python -m lecta.check.formulas.mathematics`, questions and answers as lines of
JSON), because no bound on a formula's length bounds what SymPy may do with it: whoever asks can end it. What comes in
are trees of `reading`, never text to be evaluated.
"""

from __future__ import annotations

import contextlib
import json
import operator
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mpmath
import sympy as sp

from lecta.check.formulas.reading import Tree, nodes

DIGITS = 30
POINTS = 240
"""Points tried at most; 8 with all values positive and 8 with any sign are enough."""
ENOUGH = 8
FEWEST = 4
"""Points of a common domain that a verdict needs."""
CLEARLY = 1e-6
"""Relative difference from which two values differ; below EQUAL they are equal, between the two nothing is said."""
EQUAL = 1e-12
VANISHING = 1e-20
SECONDS = 1.2
"""Of the processor, for the points of one pair of sides."""
LIMIT = 2.0
"""Seconds of the processor for one question."""
TOO_LONG = "it takes too long"
MAX_EXPONENT = 1000
_SCALES = ((0.05, 1.0), (0.2, 2.0), (0.5, 4.0), (1.0, 12.0), (8.0, 60.0))
_BRANCHING = 0.25
"""Share of equal points from which a difference may be a matter of branches, and is no proof."""


class UndecidedError(Exception):
    """No verdict is possible; the message says why."""


class sigmoid(sp.Function):  # type: ignore[misc] # noqa: N801 - SymPy prints the class's name
    """1 / (1 + exp(-x)), kept as a name so that its derivative is written with it."""

    def fdiff(self, argindex: int = 1) -> Any:
        """Return s (1 - s)."""
        return self * (1 - self)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"\sigma{power}\left({printer._print(self.args[0])}\right)"


class relu(sp.Function):  # type: ignore[misc] # noqa: N801
    """The larger of 0 and x."""

    def fdiff(self, argindex: int = 1) -> Any:
        """Return the step function."""
        return sp.Heaviside(self.args[0])

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"\mathrm{{ReLU}}{power}\left({printer._print(self.args[0])}\right)"


_KNOWN: dict[str, Callable[[Any], Any]] = {
    name: getattr(sp, name)
    for name in re.findall(
        r"\w+",
        "sin cos tan cot sec csc sinh cosh tanh coth sech csch exp log sqrt erf sign asin acos atan acot asec acsc "
        "asinh acosh atanh acoth",
    )
} | {
    "abs": sp.Abs,
    "sigmoid": sigmoid,
    "relu": relu,
    "softplus": lambda x: sp.log(1 + sp.exp(x)),
    "silu": lambda x: x * sigmoid(x),
}


def _step(x: Any, _: Any = None) -> Any:
    return mpmath.mpf(x > 0)


_NUMERIC = [
    {
        "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
        "relu": lambda x: max(mpmath.mpf(0), x),
        "Heaviside": _step,
    },
    "mpmath",
]


class Builder:
    """Makes SymPy expressions of trees, by the definitions of the text around them."""

    def __init__(self, question: dict[str, Any], trees: Sequence[Tree], *, shallow: bool = False) -> None:
        """Take definitions from a question; `shallow` puts them in only where they are differentiated."""
        self.functions: dict[str, Any] = question.get("functions", {})
        self.symbols: dict[str, Tree] = question.get("symbols", {})
        self.sigma = question.get("sigma", "sigmoid")
        self.shallow = shallow
        self.unknown: set[str] = set()
        self.independent = False
        self.names: dict[str, Any] = {}
        self._depends = self._dependents(trees)

    def symbol(self, name: str) -> Any:
        """Return the real symbol that stands for a name."""
        if name not in self.names:
            self.names[name] = sp.Symbol(f"v{len(self.names)}", real=True)
        return self.names[name]

    def build(self, tree: Tree, held: frozenset[str] = frozenset(), top: bool = False) -> Any:
        """Return a tree's expression; names in `held` stay symbols. Raises `UndecidedError`."""
        kind, *parts = tree
        if kind == "num":
            if len(parts[0]) > 20:
                raise UndecidedError("a long number")
            return sp.Rational(parts[0])
        if kind == "sym":
            return self._symbol(parts[0], held, top)
        if kind in ("fun", "prime", "d"):
            return self._function(kind, parts, held)
        if kind == "call":
            return _KNOWN[parts[0]](self.build(parts[1], held))
        return _operated(kind, [self.build(part, held) for part in parts])

    def _function(self, kind: str, parts: list[Any], held: frozenset[str]) -> Any:
        if kind == "fun":
            return self._apply(parts[0], [self.build(part, held) for part in parts[1:]], held)
        return (self._primed if kind == "prime" else self._derived)(parts[0], parts[1], held)

    def _symbol(self, name: str, held: frozenset[str], top: bool) -> Any:
        if name in held:
            return self.symbol(name)
        if name in self.symbols and (top or not self.shallow):
            return self.build(self.symbols[name], held | {name})
        if name in self._depends:
            return self._unknown(name, [self.build(["sym", on], held | {name}) for on in self._depends[name]])
        constants = {"e": sp.E, "\\pi": sp.pi}
        return constants[name] if name in constants and name not in self.symbols else self.symbol(name)

    def _apply(self, name: str, arguments: list[Any], held: frozenset[str]) -> Any:
        if name in self.functions:
            parameters, body = self.functions[name]
            if len(parameters) != len(arguments):
                raise UndecidedError(f"{name} has another number of arguments")
            inner = {self.symbol(parameter): value for parameter, value in zip(parameters, arguments, strict=True)}
            shadowed = frozenset(parameters)
            others = {key: value for key, value in self.functions.items() if key != name}
            question = {"functions": others, "symbols": self.symbols, "sigma": self.sigma}
            without = type(self)(question, [body])
            without.names = self.names
            built = without.build(body, held | shadowed).xreplace(inner)
            self.unknown |= without.unknown
            return built
        if name == "\\sigma" and len(arguments) == 1:
            return _KNOWN[self.sigma](arguments[0])
        return self._unknown(name, arguments)

    def _unknown(self, name: str, arguments: Sequence[Any]) -> Any:
        self.unknown.add(name)
        return _some_function(name, arguments)

    def _primed(self, order: int, tree: Tree, held: frozenset[str]) -> Any:
        if order > 4:
            raise UndecidedError("a high derivative")
        if tree[0] in ("fun", "call"):
            if len(tree) != 3:
                raise UndecidedError("a prime on a function of several arguments")
            inner = sp.Symbol("t0", real=True)
            applied = _KNOWN[tree[1]](inner) if tree[0] == "call" else self._apply(tree[1], [inner], held)
            return applied.diff(inner, order).xreplace({inner: self.build(tree[2], held)})
        if tree[0] == "sym" and tree[1] in self.functions and len(self.functions[tree[1]][0]) == 1:
            parameter = self.functions[tree[1]][0][0]
            return self._apply(tree[1], [self.symbol(parameter)], held).diff(self.symbol(parameter), order)
        if tree[0] == "sym" and tree[1] not in self.symbols:
            raise UndecidedError(f"{tree[1]} is not defined")
        built = self.build(tree, held, top=True)
        by_name = {name: symbol for name, symbol in self.names.items() if symbol in built.free_symbols}
        wanted = list(by_name) if len(by_name) == 1 else [name for name in ("x", "t") if name in by_name]
        if not wanted:
            raise UndecidedError("differentiated by what?")
        return built.diff(by_name[wanted[0]], order)

    def _derived(self, variables: list[str], tree: Tree, held: frozenset[str]) -> Any:
        if len(variables) > 4:
            raise UndecidedError("a high derivative")
        inside = held | set(variables)
        if tree[0] == "sym" and tree[1] in self.functions:
            built = self._apply(tree[1], [self.symbol(name) for name in self.functions[tree[1]][0]], inside)
        else:
            built = self.build(tree, inside, top=True)
        self.independent |= any(self.symbol(name) not in built.free_symbols for name in variables)
        built = built.diff(*[self.symbol(name) for name in variables])
        if self.shallow:
            return built
        back = {
            self.symbol(name): self._symbol(name, held, top=False)
            for name in variables
            if name not in held and (name in self.symbols or name in self._depends)
        }
        return built.xreplace(back)

    def _dependents(self, trees: Sequence[Tree]) -> dict[str, list[str]]:
        """Return on what each name depends that is differentiated but not defined: ∂L/∂y makes L a function of y.

        What it depends on through another (L on x, where y depends on x) is left out.
        """
        found: dict[str, set[str]] = {}
        for tree in trees:
            for node in nodes(tree, "d"):
                name = node[2][1] if node[2][0] == "sym" else ""
                if name and name not in self.symbols and name not in self.functions:
                    found.setdefault(name, set()).update(set(node[1]) - {name})

        def reached(name: str, seen: frozenset[str]) -> set[str]:
            if name in seen or len(seen) > 12:
                return set()
            direct = set(found.get(name, ())) | {part[1] for part in nodes(self.symbols.get(name, ["num", "0"]), "sym")}
            return direct.union(*(reached(one, seen | {name}) for one in direct))

        return {
            name: sorted(v for v in on if not any(v in reached(u, frozenset((name,))) for u in on - {v}))
            for name, on in found.items()
        }


def _operated(kind: str, parts: list[Any]) -> Any:
    """Return a sum, product, quotient, power or negative of expressions."""
    if kind == "pow" and parts[1].is_number and not abs(sp.N(parts[1])) <= MAX_EXPONENT:
        raise UndecidedError("a large exponent")
    operations: dict[str, Callable[..., Any]] = {
        "add": sp.Add, "mul": sp.Mul, "neg": operator.neg, "div": operator.truediv, "pow": operator.pow
    }  # fmt: skip
    return operations[kind](*parts)


def _some_function(name: str, arguments: Sequence[Any]) -> Any:
    """Return a smooth function without symmetries in place of an unknown one: what holds for any holds for it."""
    numbers = random.Random(name)
    total = sum(sp.Rational(numbers.randint(30, 170), 100) * argument for argument in arguments)
    return (
        sp.sin(total + sp.Rational(numbers.randint(10, 90), 100)) + sp.Rational(numbers.randint(20, 70), 100) * total**2
    )


def judge(question: dict[str, Any]) -> dict[str, Any]:
    """Answer one question: {"left", "right", "functions", "symbols", "sigma", "slack"} -> {"verdict", ...}.

    The verdict is "equal", "positive" (equal where all symbols are positive), "differs" or "undecided".
    """
    trees = [question["left"], question["right"]]
    builder = Builder(question, trees)
    try:
        left, right = builder.build(trees[0]), builder.build(trees[1])
        verdict, how = compare(left, right, question.get("slack", 0.0))
    except UndecidedError as error:
        return {"verdict": "undecided", "how": str(error), "unknown": [], "independent": False}
    return {
        "verdict": verdict,
        "how": how,
        "unknown": sorted(builder.unknown),
        "independent": builder.independent,
        "constant": not left.free_symbols,
    }


def compare(left: Any, right: Any, slack: float = 0.0) -> tuple[str, str]:
    """Return a verdict on two expressions and how it was reached."""
    return ("equal", "symbolically") if left == right else _compare_at_points(left, right, slack)


def _compare_at_points(left: Any, right: Any, slack: float) -> tuple[str, str]:
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    with mpmath.workdps(DIGITS):
        call = sp.lambdify(symbols, [left, right], modules=_NUMERIC)
        if not symbols:
            return _compare_numbers(call, slack)
        counts = _count(call, len(symbols))
    equal, different, positive_equal, positive_different = counts
    if equal + different < FEWEST:
        is_zero = sp.simplify(left - right) == 0
        return ("equal", "symbolically") if is_zero else ("undecided", "no common domain was found")
    if not different:
        return "equal", f"at {equal} points"
    if positive_equal >= FEWEST and not positive_different and not left.has(sp.Abs, relu, sp.Heaviside, sp.sign):
        return "positive", f"at {positive_equal} points with positive values"
    if different >= FEWEST and equal <= _BRANCHING * (equal + different):
        return "differs", f"at {different} points"
    return "undecided", "equal in parts"


def _compare_numbers(call: Callable[..., Any], slack: float) -> tuple[str, str]:
    try:
        left, right = (mpmath.mpmathify(value) for value in call())
    except (ArithmeticError, ValueError) as error:
        raise UndecidedError("no value") from error
    if not (mpmath.isfinite(left) and mpmath.isfinite(right)):
        raise UndecidedError("no value")
    gap, size = abs(left - right), max(abs(left), abs(right))
    if gap <= max(slack, EQUAL * size):
        return "equal", "calculated" if gap <= EQUAL * size else "rounded"
    return ("differs", "calculated") if gap > CLEARLY * size else ("undecided", "nearly equal")


def _count(call: Callable[..., Any], dimension: int) -> tuple[int, int, int, int]:
    """Return at how many points the sides are equal and differ, and how many of them have positive values only."""
    tallies = {(is_positive, is_equal): 0 for is_positive in (True, False) for is_equal in (True, False)}
    started = time.process_time()
    for is_positive, point in _points(dimension):
        seen = tallies[is_positive, True] + tallies[is_positive, False]
        if seen >= ENOUGH:
            if all(tallies[p, True] + tallies[p, False] >= ENOUGH for p in (True, False)):
                break
            continue
        if time.process_time() - started > SECONDS:
            break
        same = _same(call, point)
        if same is not None:
            tallies[is_positive, same] += 1
    return (
        tallies[True, True] + tallies[False, True],
        tallies[True, False] + tallies[False, False],
        tallies[True, True],
        tallies[True, False],
    )


def _points(dimension: int) -> Iterator[tuple[bool, list[Any]]]:
    numbers = random.Random(20)
    for turn in range(POINTS):
        signs = [1 if turn % 2 == 0 else numbers.choice((1, -1)) for _ in range(dimension)]
        if turn % 2 and min(signs) > 0:
            signs[numbers.randrange(dimension)] = -1
        yield turn % 2 == 0, [sign * mpmath.mpf(numbers.uniform(*numbers.choice(_SCALES))) for sign in signs]


def _same(call: Callable[..., Any], point: list[Any]) -> bool | None:
    """Tell whether the sides agree at a point; None where one is not real there or nothing can be said."""
    try:
        left, right = (mpmath.mpmathify(value) for value in call(*point))
    except (ArithmeticError, ValueError, TypeError, mpmath.libmp.libhyper.NoConvergence):
        return None
    reals = []
    for value in (left, right):
        if not mpmath.isfinite(value) or abs(mpmath.im(value)) > EQUAL * abs(mpmath.re(value)) + VANISHING:
            return None
        reals.append(mpmath.re(value))
    gap, size = abs(reals[0] - reals[1]), max(abs(reals[0]), abs(reals[1]))
    if size < VANISHING:
        return None
    if gap <= EQUAL * size:
        return True
    return False if gap > CLEARLY * size else None


class _Abstract(Builder):
    """Keeps functions that are not known as names, with primes for their derivatives."""

    def _unknown(self, name: str, arguments: Sequence[Any]) -> Any:
        if len(arguments) != 1 or name in self._depends:
            raise UndecidedError(f"{name} is not known")
        return _named_function(name)(*arguments)


def _named_function(name: str) -> Any:
    def printed(one: Any, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        text = rf"{name}\left({printer._print(one.args[0])}\right)"
        return rf"\left({text}\right){power}" if power else text

    def primed(one: Any, _: int = 1) -> Any:
        return _named_function(name + "'")(*one.args)

    return type(name, (sp.Function,), {"nargs": 1, "fdiff": primed, "_latex": printed})


def correct(question: dict[str, Any]) -> dict[str, Any]:
    """Return the left side worked out, in LaTeX, in the notation of the formula: {"latex": ...}.

    A number comes with "decimals" of them where the formula shows decimals. Raises `UndecidedError`.
    """
    builder = _Abstract(question, [question["left"]], shallow=True)
    built = builder.build(question["left"])
    decimals = question.get("decimals", 0)
    if built.is_number and decimals and built.is_real:
        return {"latex": f"{float(built):.{min(decimals + 2, 12)}f}".rstrip("0").rstrip(".")}
    names = {symbol: name for name, symbol in builder.names.items()}

    def latex(one: Any) -> str:
        return str(sp.latex(one, symbol_names=names))

    candidates = [built]
    if question.get("simplify"):
        candidates += [sp.simplify(built), sp.factor(built)]
    if not question.get("is_derivative"):  # (a + b)^2 = ... is not answered by itself
        candidates = [one for one in (*candidates, sp.expand(built)) if one != built] or [built]
    return {"latex": latex(min(candidates, key=lambda one: (len(latex(one)), one.count_ops())))}


def main() -> None:
    """Answer questions from standard input, a line of JSON each, until it closes."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    sys.set_int_max_str_digits(5000)
    out = sys.stdout
    sys.stdout = sys.stderr
    print("{}", file=out, flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        try:
            with _limited(LIMIT):
                answer = correct(question) if question.get("correct") else judge(question)
        except Exception as error:  # SymPy raises many kinds; none may end the process
            how = TOO_LONG if isinstance(error, TimeoutError) else type(error).__name__
            answer = {"verdict": "undecided", "how": how, "latex": "", "unknown": [], "independent": False}
        print(json.dumps(answer), file=out, flush=True)


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise `TimeoutError` after so much time of the processor; where there is no such clock, whoever asks ends us."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


if __name__ == "__main__":
    main()
