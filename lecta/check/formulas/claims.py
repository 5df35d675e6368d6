"""What an answer claims with its formulas, and whether it is so.

A claim is an equation between two sides, or a sentence such as "the derivative of $x^2$ is $2x$". Definitions
(`h = w x`, `f(x) = x^2`) are no claims; they are kept for the claims that use them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any

from lecta.check.formulas.finding import MAX_LENGTH, Found, statements
from lecta.check.formulas.reading import Tree, UnreadableError, names_in, nodes, read, sides
from lecta.check.formulas.tokens import Token, spelling

Ask = Callable[[dict[str, Any]], dict[str, Any]]
"""Puts a question to `mathematics`."""

_EQUATIONS = frozenset("=≈≝≡")
_CONDITION = re.compile(
    r"\b(?:solv\w+|set|setting|equation|roots?|solutions?|fixed point|if|when|whenever|where|assum\w+|suppose|provided|"
    r"satisf\w+|constraint|condition|such that|updat\w+|for which|let|until|stationary|minimum|maximum|vanish\w*)\b",
    re.IGNORECASE,
)
_EQUATION_WORDS = re.compile(
    r"\b(?:solv\w+|set|setting|roots?|for which|satisf\w+|differential equation|condition|requir\w+|stationary|optimum"
    r"|minimum|maximum|if|whenever|unless|not|wrong|incorrect|mistake|instead of|rather than|misconception)\b",
    re.IGNORECASE,
)
_AT_A_POINT = re.compile(r"^\s*,?\s*(?:at|when|for|where|if|whenever|only|near)\b", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:not|wrong|incorrect|mistake\w*|instead of|rather than|misconception|never|forget\w*)\b", re.IGNORECASE
)

_CONSTANTS = frozenset(("e", "\\pi"))
_MAY_BE_EQUATION = "may be an equation to solve"
_MARK = "\ue000"  # of a formula in a text whose formulas are taken out; its number and \ue001 follow


@dataclass
class Verdict:
    """What came of one formula's claims."""

    status: str = ""
    """"checked", "wrong", "not checkable", or "" while nothing was claimed."""
    reason: str = ""
    correction: str = ""

    def add(self, other: Verdict) -> None:
        """Take another claim of the same formula in: one wrong claim makes it wrong, one open one leaves it open."""
        order = ("", "checked", "not checkable", "wrong")
        if order.index(other.status) > order.index(self.status):
            self.status, self.reason, self.correction = other.status, other.reason, other.correction


@dataclass
class Statement:
    """One equation of a formula, or one expression."""

    formula: int
    raw: list[str]
    """What stands on each side, as it was written."""
    parts: list[list[Token]]
    signs: list[str]
    trees: list[list[Tree] | None] = field(default_factory=list)
    """The readings of each side; None where there is none."""
    trouble: str = ""


@dataclass
class _Definitions:
    """What names stand for, in the order in which the text says so; the newest is used first."""

    functions: dict[str, list[tuple[list[str], Tree]]] = field(default_factory=dict)
    symbols: dict[str, list[Tree]] = field(default_factory=dict)
    values: dict[str, list[Tree]] = field(default_factory=dict)

    def environments(self) -> Iterator[dict[str, Any]]:
        """Yield the ways to read the names, the likeliest first."""
        newest: dict[str, Any] = {
            "functions": {k: v[-1] for k, v in self.functions.items()},
            "symbols": {k: v[-1] for k, v in self.symbols.items()},
        }
        yield newest
        for name, bodies in self.functions.items():
            for body in bodies[:-1][-3:]:
                yield newest | {"functions": newest["functions"] | {name: body}}
        for name, trees in self.symbols.items():
            for tree in trees[:-1][-3:]:
                yield newest | {"symbols": newest["symbols"] | {name: tree}}
        if newest["symbols"]:
            yield newest | {"symbols": {}}
        if self.values:
            yield newest | {"symbols": newest["symbols"] | {k: v[-1] for k, v in self.values.items()}}

    def leaves(self, tree: Tree) -> set[str]:
        """Return the symbols of a tree and of all that they are defined by."""
        found: set[str] = set()
        waiting = names_in(tree) | {node[1] for node in nodes(tree, "fun")}
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found.add(name)
            for other in self.symbols.get(name, []):
                waiting |= names_in(other) | {node[1] for node in nodes(other, "fun")}
            for parameters, body in self.functions.get(name, []):
                waiting |= names_in(body) | {node[1] for node in nodes(body, "fun")} | set(parameters)
        return found


class Claims:
    """The claims of one text, decided in the order of the text."""

    def __init__(self, text: str, found: Sequence[Found], ask: Ask) -> None:
        """Read the formulas of a text."""
        self._found, self._ask = found, ask
        self._masked = _masked(text, found)
        self._statements = [statement for n, one in enumerate(found) for statement in _read_statements(n, one)]
        functions = {name for statement in self._statements for name in _named_functions(statement)}
        self._has_sigma_symbol = any(_has_bare_sigma(statement) for statement in self._statements)
        for statement in self._statements:
            _fill_trees(statement, functions)
        self._defined = _Definitions()

    def decide(self) -> list[Verdict]:
        """Return a verdict for each formula."""
        verdicts = [Verdict() for _ in self._found]
        sentences = list(self._sentences())
        for statement in self._statements:
            verdicts[statement.formula].add(self._decide(statement))
        for claim in sentences:
            verdict = self._sentence(*claim)
            if verdict.status:
                target = verdicts[claim[2]]
                if target.status == "not checkable" and verdict.status == "checked":
                    target.status = ""
                target.add(verdict)
        for verdict in verdicts:
            if not verdict.status:
                verdict.status, verdict.reason = "not checkable", verdict.reason or "states nothing to check"
        return verdicts

    # --- equations ---

    def _decide(self, statement: Statement) -> Verdict:
        if not statement.signs:
            return Verdict()
        if set(statement.signs) - _EQUATIONS:
            return Verdict("not checkable", "is no equation")
        verdict = Verdict()
        for n, sign in enumerate(statement.signs):
            left, right = statement.trees[n], statement.trees[n + 1]
            if left is None or right is None:
                verdict.add(Verdict("not checkable", f"is not understood: {statement.trouble}"))
                continue
            if n == 0 and self._define(left[0], right[0], sign):
                if verdict.status == "":
                    verdict.reason = "is a definition"
                if len(statement.signs) == 1:
                    verdict.add(Verdict("not checkable", "is a definition"))
                continue
            verdict.add(self._pair(statement, n, left, right))
        return verdict

    def _define(self, left: Tree, right: Tree, sign: str) -> bool:
        """Keep a definition. One that follows from what is known is a claim."""
        if sign == "≈":
            return False
        if left[0] == "fun" and all(part[0] == "sym" for part in left[2:]):
            return self._define_function(left, right)
        if left[0] == "sym" and left[1] not in names_in(right) and left[1] not in _CONSTANTS:
            return self._define_symbol(left, right)
        return False

    def _define_function(self, left: Tree, right: Tree) -> bool:
        name, parameters = left[1], [part[1] for part in left[2:]]
        is_recursive = any(node[1] == name for node in nodes(right, "fun"))
        known = self._defined.functions.get(name, [])
        if (parameters, right) in known:
            return True
        if is_recursive or len(set(parameters)) < len(parameters):
            return False
        if (known or name == "\\sigma") and self._holds(left, right):
            return False
        self._defined.functions.setdefault(name, []).append((parameters, right))
        return True

    def _define_symbol(self, left: Tree, right: Tree) -> bool:
        name = left[1]
        known = self._defined.symbols.get(name, [])
        if not names_in(right) and not nodes(right, "fun"):
            if not known:
                self._defined.values.setdefault(name, []).append(right)
        elif right not in known:
            if known and self._holds(left, right):
                return False
            if not nodes(right, "d") and not nodes(right, "prime"):
                self._defined.symbols.setdefault(name, []).append(right)
        return True

    def _holds(self, left: Tree, right: Tree) -> bool:
        return any(
            self._ask({"left": left, "right": right} | env)["verdict"] == "equal"
            for env in islice(self._defined.environments(), 3)
        )

    def _pair(self, statement: Statement, n: int, left: list[Tree], right: list[Tree]) -> Verdict:
        """Decide one equality."""
        is_derivative = bool(nodes(left[0], "d") or nodes(left[0], "prime"))
        sign = statement.signs[n]
        numeric = not names_in(right[0]) and not nodes(right[0], "fun")
        if sign == "≈" and not numeric:
            return Verdict("not checkable", "is an approximation")
        slack = _slack(statement.parts[n], statement.parts[n + 1], sign)
        outcome, how, first = self._try(left, right, slack)
        if outcome == "equal":
            return Verdict("checked", how)
        reason = how
        if outcome == "differs":
            gate = self._derivative_gate if is_derivative else self._identity_gate
            reason = gate(left[0], right[0], first, self._context(statement.formula))
            if not reason and _rounded_inputs(statement.parts[n]):
                reason = "is rounded"
            if not reason:
                shown = statement.raw[n] if n < len(statement.raw) else spelling(statement.parts[n])
                decimals = max(
                    (len(t.text.partition(".")[2]) for t in statement.parts[n + 1] if t.kind == "number"), default=0
                )
                return Verdict("wrong", how, self._correction(left[0], shown, decimals))
        return Verdict("not checkable", reason)

    def _try(self, left: Sequence[Tree], right: Sequence[Tree], slack: float = 0.0) -> tuple[str, str, dict[str, Any]]:
        """Try every reading under every definition: "equal" where one fits, "differs" where none can."""
        environments = list(islice(self._defined.environments(), 8))
        if _uses_sigma(*left, *right) and "\\sigma" not in self._defined.functions:
            environments += [environment | {"sigma": "tanh"} for environment in environments[:1]]
        first: dict[str, Any] = {}
        outcomes = []
        pairs = list(islice(product(left, right), 6))
        for environment, (one, other) in islice(product(environments, pairs), 24):
            found = self._ask({"left": one, "right": other, "slack": slack} | environment)
            first = first or found
            if found["verdict"] in ("equal", "positive"):
                note = ", for positive values" if found["verdict"] == "positive" else ""
                return "equal", f"equal {found['how']}{note}", found
            outcomes.append(found["verdict"])
        if first.get("verdict") == "differs" and all(o == "differs" for o in outcomes[: len(pairs)]):
            return "differs", f"differs {first['how']}", first
        return "undecided", first.get("how", ""), first

    def _derivative_gate(self, left: Tree, right: Tree, found: dict[str, Any], context: tuple[str, str]) -> str:
        """Return why a derivative that differs is not called wrong, or ""."""
        before, after = context
        foreign = self._defined.leaves(right) - self._defined.leaves(left) - _CONSTANTS - set(found["unknown"])
        doubts = (
            (found["independent"], "differentiates by what is not there"),
            (foreign, f"uses {', '.join(sorted(foreign))}, which is not defined"),
            (
                found["unknown"] and not self._is_general(left, right, found["unknown"]),
                f"{', '.join(found['unknown'])} is not known",
            ),
            (self._has_sigma_symbol and _uses_sigma(left, right), "\\sigma may be a number"),
            (right == ["num", "0"] and not found.get("constant"), _MAY_BE_EQUATION),
            (_EQUATION_WORDS.search(before.rpartition(_MARK)[2]), "may be a condition"),
            (_AT_A_POINT.search(after) and not names_in(right), "is said of a point"),
        )
        return next((reason for doubtful, reason in doubts if doubtful), "")

    def _is_general(self, left: Tree, right: Tree, unknown: Sequence[str]) -> bool:
        """Tell whether a rule for any functions is stated, such as the chain rule, and not a fact about one."""
        there = {node[1] for node in nodes(right, "fun")} | {n[2][1] for n in nodes(right, "d") if n[2][0] == "sym"}
        if not set(unknown) <= there:
            return False
        if len(nodes(left, "fun")) >= 2:
            return True
        inner = [node[1][0] for node in nodes(right, "d") if node[2][0] == "sym" and node[2][1] in unknown]
        return bool(inner) and all(name in self._defined.symbols for name in inner)

    def _identity_gate(self, left: Tree, right: Tree, found: dict[str, Any], context: tuple[str, str]) -> str:
        """Return why two sides that differ are not called wrong, or ""."""
        before, after = context
        functions = {node[1] for tree in (left, right) for node in nodes(tree, "fun")}
        names, others = names_in(left) - _CONSTANTS, names_in(right) - _CONSTANTS
        is_evaluation = names <= set(self._defined.values) and not others
        doubts = (
            (found["unknown"], f"{', '.join(found['unknown'])} is not known"),
            ("sym" in (left[0], right[0]), "is a definition"),
            (functions - {"\\sigma"} or (functions and self._has_sigma_symbol), "is a statement about functions"),
            (names != others and not is_evaluation, _MAY_BE_EQUATION),
            (len(names) == 1 and _is_expanded(left) and _is_expanded(right), _MAY_BE_EQUATION),
            (_CONDITION.search(before) or _DENIED.search(before), "may be a condition"),
            (_AT_A_POINT.search(after) and names, "may be a condition"),
        )
        return next((reason for doubtful, reason in doubts if doubtful), "")

    def _context(self, formula: int) -> tuple[str, str]:
        """Return what the sentence says before and after a formula, other formulas as marks."""
        before, _, after = self._masked.partition(f"{_MARK}{formula}\ue001")
        return re.split(r"[.!?;:]\s|\n", before[-160:])[-1], after[:40]

    def _correction(self, tree: Tree, shown: str, decimals: int = 0) -> str:
        """Return the right statement in LaTeX."""
        environment = next(self._defined.environments())
        is_derivative = bool(nodes(tree, "d") or nodes(tree, "prime"))
        question = {"left": tree, "correct": True, "is_derivative": is_derivative, "decimals": decimals} | environment
        plain = self._ask(question)["latex"]
        latex = self._ask(question | {"simplify": True})["latex"] or plain
        if not latex:
            return ""
        shown = shown.replace("&", "").strip()
        return f"{shown} = {latex}" if shown and shown != latex else latex

    # --- sentences ---

    def _sentences(self) -> Iterator[tuple[int, int | None, int, int]]:
        """Yield (function, variable or None, derivative, order) for each sentence that states a derivative."""
        masked = self._masked
        for pattern in _SENTENCES:
            for match in pattern.finditer(masked):
                groups = match.groupdict()
                before = masked[max(0, match.start() - 40) : match.start()]
                if _DENIED.search(match.group()) or _DENIED.search(re.split(r"[.!?]\s|\n", before)[-1]):
                    continue
                if _AT_A_POINT.search(masked[match.end() : match.end() + 40]):
                    continue
                word = (groups.get("order") or "").lower()
                order = {"": 1, "first": 1, "partial": 1, "second": 2, "third": 3}.get(word.strip(), 0)
                variable = groups.get("by")
                if order:
                    yield int(groups["of"]), int(variable) if variable else None, int(groups["is"]), order

    def _sentence(self, of: int, by: int | None, stated: int, order: int) -> Verdict:
        function, derivative = self._last_side(of), self._first_result(stated)
        if function is None or derivative is None:
            return Verdict()
        variables = self._variables(of, by, function[0])
        if not variables:
            return Verdict()
        left: list[Tree] = [["d", [variable] * order, tree] for tree in function for variable in variables]
        outcome, how, first = self._try(left, derivative)
        if outcome == "equal":
            return Verdict("checked", how)
        if outcome == "differs":
            before = self._context(of)[0]
            reason = self._derivative_gate(left[0], derivative[0], first, (_DENIED_ONLY.sub(" ", before), ""))
            if not reason or reason == _MAY_BE_EQUATION:
                return Verdict("wrong", how, self._correction(left[0], self._shown_left(stated)))
            how = reason
        return Verdict("not checkable", how)

    def _shown_left(self, formula: int) -> str:
        """Return `f'(x)` of a formula `f'(x) = ...`."""
        for statement in self._of(formula):
            if statement.signs and statement.raw:
                return statement.raw[0]
        return ""

    def _of(self, formula: int) -> list[Statement]:
        return [statement for statement in self._statements if statement.formula == formula]

    def _last_side(self, formula: int) -> list[Tree] | None:
        """Return what is differentiated: the right of `f(x) = x^2`, or the expression itself."""
        found = self._of(formula)
        if len(found) != 1 or set(found[0].signs) - _EQUATIONS:
            return None
        return found[0].trees[-1]

    def _first_result(self, formula: int) -> list[Tree] | None:
        found = self._of(formula)
        if not found or set(found[0].signs) - _EQUATIONS:
            return None
        return found[0].trees[1 if found[0].signs else 0]

    def _variables(self, of: int, by: int | None, function: Tree) -> list[str]:
        """Return by what is differentiated; where the sentence does not say it, all that it may be."""
        if by is not None:
            given = self._last_side(by)
            return [given[0][1]] if given and given[0][0] == "sym" else []
        statement = self._of(of)[0]
        left = statement.trees[0][0] if statement.trees[0] else None
        if left and left[0] == "fun" and len(left) == 3 and left[2][0] == "sym":
            return [left[2][1]]
        names = self._defined.leaves(function) - set(self._defined.symbols) - set(self._defined.functions) - _CONSTANTS
        names -= {node[1] for node in nodes(function, "fun")}
        return sorted(names, key=lambda name: (name not in ("x", "t"), name))[:4]


_F = "\ue000(?P<{}>\\d+)\ue001"
_CITED = r"(?:\s*\[\d+(?:,\s*\d+)*\])*"
_BY = rf"(?:,?\s+(?:with respect to|w\.?r\.?t\.?|in|by)\s+(?:the variable\s+|the input\s+)?{_F.format('by')},?)?"
_IS = (
    r"\s*(?:(?:,?\s*(?:is|equals|becomes|will be|would be|can be written as|comes out (?:as|to)|turns out to be"
    r"|works out to(?: be)?)"
    r"(?:\s+(?:given by|equal to|simply|then|therefore|thus|just|also|exactly|calculated as|computed as|found to be"
    r"|the|function))*)|=|(?=:))\s*:?\s*"
)
_WORD = r"(?P<order>first |second |third |partial |fourth |higher[- ]order |mixed |total |directional )?"
_THING = (
    r"(?:(?:the|this|a|our)\s+)?(?:(?:composite |activation |loss |sigmoid |logistic )?"
    r"(?:function|expression|formula|term)\s+)?"
)
_GIVES = (
    r",?\s*(?:(?:and\s+)?(?:we\s+|you\s+|one\s+)?(?:to\s+)?(?:gets?|obtains?|finds?|have|gives?|yields?|results? in"
    r"|leads? to|produces?|arrives? at))(?:\s+(?:that|the derivative|the following))?:?\s*"
)
_OF, _BECOMES, _BY_WHAT = _F.format("of"), _F.format("is"), _F.format("by")
_RESPECT = r"\s+(?:with respect to|w\.?r\.?t\.?)\s+"
_DERIVATIVE = rf"{_WORD}\b(?:derivative|gradient)"
_SENTENCES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_DERIVATIVE} of\s+{_THING}{_OF}{_CITED}{_BY}{_IS}{_BECOMES}",
        rf"{_DERIVATIVE}{_RESPECT}{_BY_WHAT}\s+of\s+{_THING}{_OF}{_IS}{_BECOMES}",
        rf"\b(?:differentiating|differentiate|derive|deriving)\s+{_THING}{_OF}{_BY}{_GIVES}{_BECOMES}",
        rf"{_BECOMES}{_CITED}\s+is\s+the\s+{_DERIVATIVE}\s+of\s+{_THING}{_OF}(?:{_RESPECT}{_BY_WHAT})?",
        rf"{_OF}{_CITED}[,.;]?\s*(?:(?:then|and|so|we find that|we have that|here|now)\s*,?\s*)*"
        rf"(?:the|its|whose|has the|has as its|has|with|with the)?\s*{_WORD}\bderivative{_BY}(?:{_IS}|\s+){_BECOMES}",
    )
]
_DENIED_ONLY = re.compile(r"\b(?:if|when|where|set|minimum|maximum|condition)\b", re.IGNORECASE)


def _masked(text: str, found: Sequence[Found]) -> str:
    """Return a text with a short mark in the place of each formula."""
    pieces, last = [], 0
    for n, one in enumerate(found):
        pieces += [text[last : one.start], f"{_MARK}{n}\ue001"]
        last = one.end
    return "".join(pieces) + text[last:]


def _read_statements(number: int, formula: Found) -> Iterator[Statement]:
    if len(formula.text) > MAX_LENGTH:
        yield Statement(number, [], [[Token("other", "")]] * 2, ["="], trouble="it is too long")
        return
    for raw, tokens in statements(formula):
        parts, signs = sides(tokens)
        written = re.split(r"(?<![<>!:])=|\\approx|≈|≝|:=|\\equiv", raw) if raw else []
        if len(parts) > 1 and not parts[0]:
            parts, signs, written = parts[1:], signs[1:], written[1:]
        yield Statement(number, written if len(written) == len(parts) else [], parts, signs)


def _fill_trees(statement: Statement, functions: set[str]) -> None:
    for part in statement.parts:
        try:
            statement.trees.append(read(part, functions))
        except UnreadableError as error:
            statement.trees.append(None)
            statement.trouble = statement.trouble or str(error)


def _named_functions(statement: Statement) -> Iterator[str]:
    """Yield the names that a text uses as functions: `h(x) = ...`, `u'(x)`."""
    for n, part in enumerate(statement.parts):
        for at, token in enumerate(part):
            if token.kind != "name":
                continue
            follows = [t.text for t in part[at + 1 : at + 4]]
            is_defined = n == 0 and at == 0 and statement.signs and _is_head(part)
            if is_defined or follows[:2] == ["'", "("] or follows[:3] == ["'", "'", "("]:
                yield token.text


def _is_head(part: Sequence[Token]) -> bool:
    """Tell whether a side is `name(symbol, ...)`."""
    texts = [token.text for token in part]
    if len(texts) < 4 or texts[1] != "(" or texts[-1] != ")":
        return False
    inside = part[2:-1]
    return all(
        token.kind == ("name" if n % 2 == 0 else "operator") and (n % 2 == 0 or token.text == ",")
        for n, token in enumerate(inside)
    )


def _is_expanded(tree: Tree) -> bool:
    """Tell whether nothing is left to work out in a side, as in both sides of x² = 2x, which so is no calculation."""
    kind, *parts = tree
    if kind in ("num", "sym"):
        return True
    if kind == "mul":
        return all(part[0] in ("num", "sym", "pow", "mul") and _is_expanded(part) for part in parts)
    if kind == "pow":
        return bool(parts[0][0] == "sym" and parts[1][0] == "num")
    return kind in ("add", "neg") and all(map(_is_expanded, parts))


def _uses_sigma(*trees: Tree) -> bool:
    return any(node[1] == "\\sigma" for tree in trees for node in nodes(tree, "fun"))


def _has_bare_sigma(statement: Statement) -> bool:
    """Tell whether σ is a number somewhere: σ², x/σ."""
    for part in statement.parts:
        if len(part) < 2:
            continue
        for token, after in zip(part, [*part[1:], Token("other", "")], strict=True):
            if token.text == "\\sigma" and after.text not in ("(", "'", "_", "[", "{"):
                return True
    return False


def _decimals(part: Sequence[Token]) -> int | None:
    """Return how many decimals a side that is one number shows, or None."""
    numbers = [token for token in part if token.kind == "number"]
    if len(numbers) != 1 or any(token.kind != "number" and token.text not in "+-" for token in part):
        return None
    return len(numbers[0].text.partition(".")[2])


def _slack(left: Sequence[Token], right: Sequence[Token], sign: str) -> float:
    """Return by how much two numbers may differ because one is rounded to the digits shown."""
    shown = [decimals for decimals in (_decimals(left), _decimals(right)) if decimals is not None]
    if not shown or (sign != "≈" and not any(shown)):
        return 0.0
    return 0.501 * 10.0 ** -min(decimals for decimals in shown if decimals or sign == "≈")


def _rounded_inputs(part: Sequence[Token]) -> bool:
    """Tell whether a side calculates with numbers that look rounded themselves: 0.731."""
    return any(token.kind == "number" and len(token.text.partition(".")[2]) >= 3 for token in part)
