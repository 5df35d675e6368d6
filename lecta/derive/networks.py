"""A network that a text defines step by step, in the text's own notation: "h = w_1 x, a = σ(h), L = ½(a − y)²"."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from lecta.derive.expr import names
from lecta.derive.program import Program, key, read_program
from lecta.errors import ExpressionError

STAGES = 3
"""Values that must follow from each other: of fewer there is no chain to show."""

_LONGEST = 20_000  # characters of a text that are looked at
_MARKS = re.compile(r"\$\$?|\\[()\[\]]|`|\*\*|&|\\tag\{[^}]*\}")
_BETWEEN = re.compile(
    r"[,;]\s+|,?\s+(?:with|and|where|take|for|let)\s+|\n+|\\\\|\\q?quad(?![A-Za-z])|[.:?!](?:\s+|$)", re.I
)
_NAME = r"(?:\\(?:hat|bar|tilde)\s*\{?\s*[A-Za-z]\}?|\\[a-z]+|[A-Za-zα-ωŷ])(?:_\{?\w+\}?|[₀-₉]+|\d+)?"
_EQUATION = re.compile(rf"(?:.*?\s)??(?P<name>{_NAME})\s*=\s*(?P<value>[^=]+?)\s*(?:=.*)?$", re.DOTALL)
_NUMBER = re.compile(r"[-−]?\s*\d+(?:\.\d+)?")
_ARRAYS = re.compile(r"\\(?:boldsymbol|mathbf|bm|top|intercal|lVert|odot)|[ᵀ⊙∥‖]|\^\{?T\b")
_DERIVATIVE = re.compile(r"\\partial|∂|['′]|\bd\w/d\w|\\nabla|∇")
_GAP = re.compile(r"(?<=[\w)₀-₉])[ ]+(?=[A-Za-zα-ωŷ(\\])")
_SUBSCRIPT = re.compile("[₀-₉]+")
_DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_PLAIN = str.maketrans({"²": "^2", "³": "^3", "½": "(1/2)", "¼": "(1/4)"})


@dataclass(frozen=True, slots=True)
class Network:
    """What `derive` is to be called with."""

    expression: str
    wrt: str
    values: str
    """Of every input, as the text gives them; empty where it gives not all of them."""


def read_network(text: str) -> Network | None:
    """Return the longest chain of values that a text defines, down to the weight that is furthest from the result.

    None where fewer than `STAGES` follow from each other, or where they are vectors or matrices: a line of text does
    not say what is a matrix, and to take it for a number would be wrong.

    >>> read_network("$h = w x$, $a = tanh(h)$ and $L = (a - y)^2$; $w = 2$").wrt
    'w'
    """
    if text.count("=") < STAGES or len(text) > _LONGEST:
        return None
    equations = _equations(_SUBSCRIPT.sub(lambda match: "_" + match[0].translate(_DIGITS), text))
    definitions: dict[str, tuple[str, str]] = {}
    for name, value in equations:
        if not _NUMBER.fullmatch(value):
            definitions.setdefault(key(name), (name, value))
    program = _program(definitions)
    if program is None:
        return None
    depth = _depths(program)
    if depth[program.output] < STAGES or not all(name.lstrip("\\")[0].islower() for name in program.inputs):
        return None
    kept = [f"{name} = {definitions[key(name)][1]}" for name in program.definitions]
    far = _distances(program)
    wrt = max(program.inputs, key=lambda name: (far.get(name, -1), name.lstrip("\\").startswith(("w", "θ", "theta"))))
    begin = min(equations.index(definitions[key(name)]) for name in program.definitions)
    values = {key(name): value for name, value in reversed(equations[begin:]) if _NUMBER.fullmatch(value)}
    given = {name: values.get(key(name)) for name in program.inputs}
    numbers = ", ".join(f"{name} = {value}" for name, value in given.items()) if all(given.values()) else ""
    return Network("; ".join(kept), wrt, numbers)


def _equations(text: str) -> list[tuple[str, str]]:
    """Return what names are said to be, in the order of the text: expressions that can be read, and numbers."""
    found: list[tuple[str, str]] = []
    for part in _BETWEEN.split(_MARKS.sub(" ", text)):
        match = _EQUATION.match(part.strip())
        if match is None or _ARRAYS.search(part) or _DERIVATIVE.search(part):
            continue
        value = match["value"].translate(_PLAIN).strip()
        if _NUMBER.fullmatch(value):
            found.append((_name(match["name"]), value.replace("−", "-").replace(" ", "")))
        elif readable := _readable(match["name"], value):
            found.append((_name(match["name"]), readable))
    return found


@lru_cache(4096)
def _name(written: str) -> str:
    """Return a name as `derive` has it: "\\hat y" is y_hat."""
    try:
        return read_program(f"{written} = 2*free", "free").output
    except ExpressionError:
        return written


def _readable(name: str, value: str) -> str:
    """Return the right side of a definition in a notation that is read, or "" where it is none."""
    for form in (value, _GAP.sub("*", value)):
        if _one(f"{name} = {form}"):
            return form
    return ""


def _one(text: str) -> Program | None:
    """Return the program of a text, derived by the input that keeps most of it."""
    defined = {key(_name(item.partition(" = ")[0])) for item in text.split("; ")}
    programs = []
    for name in dict.fromkeys(_name(one) for one in re.findall(_NAME, text)):
        if key(name) not in defined:
            with suppress(ExpressionError, RecursionError):
                programs.append(read_program(text, name))
    return max(programs, key=lambda one: len(one.definitions), default=None)


def _program(definitions: dict[str, tuple[str, str]]) -> Program | None:
    """Return the program that most of the definitions make: the ones that a value does not need are left out."""
    best: Program | None = None
    for last, (name, value) in definitions.items():
        others = [f"{other} = {theirs}" for own, (other, theirs) in definitions.items() if own != last]
        program = _needed(others, f"{name} = {value}")
        if program and (best is None or len(program.definitions) > len(best.definitions)):
            best = program
    return best


def _needed(others: list[str], last: str) -> Program | None:
    """Return the program of a definition with those among others that it needs, directly or through others."""
    kept, program = [last], _one(last)
    while program is not None:
        missing = [other for other in others if other not in kept and _defines(other, program)]
        if not missing:
            return program
        kept = [*missing, *kept]
        program = _one("; ".join(kept))
    return None


def _defines(definition: str, program: Program) -> bool:
    return key(definition.partition(" = ")[0]) in {key(name) for name in program.inputs}


def _depths(program: Program) -> dict[str, int]:
    """Return how many definitions lie between a value and its furthest input."""
    depth = dict.fromkeys(program.inputs, 0)
    for name, root in program.definitions.items():
        depth[name] = 1 + max((depth.get(one, 0) for one in names(root)), default=0)
    return depth


def _distances(program: Program) -> dict[str, int]:
    """Return how many definitions lie between an input or a value and the result, on the longest way."""
    far = {program.output: 0}
    for name, root in reversed(program.definitions.items()):
        for one in names(root):
            far[one] = max(far.get(one, 0), far.get(name, 0) + 1)
    return far
