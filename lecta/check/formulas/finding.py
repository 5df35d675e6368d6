"""Where the formulas of a text are: between dollar signs, in code spans, and bare in a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lecta.check.formulas.tokens import KNOWN, Token, tokenize

MAX_LENGTH = 1000
"""Characters; a longer formula is not read."""

_MARKED = re.compile(
    r"(?P<fence>```.*?(?:```|\Z))|\$\$(?P<a>.+?)\$\$|\\\[(?P<b>.+?)\\\]|\\\((?P<c>.+?)\\\)"
    r"|\\begin\{(?P<env>align|equation|gather|multline|eqnarray)(?P<star>\*?)\}(?P<e>.+?)\\end\{(?P=env)(?P=star)\}"
    r"|(?<![\\$\w])\$(?P<d>[^$\n]+?(?:\n(?![ \t]*(?:[-*+#]|\d+[.)]|\n))[^$\n]+?)?)\$(?!\d)|`(?P<code>[^`\n]+)`",
    re.DOTALL,
)
_MATH_FENCE = re.compile(r"```(?:math|latex|tex)\s*\n(.*?)```", re.DOTALL)
_FUNCTION_NAMES = "|".join(sorted(KNOWN, key=len, reverse=True))
_BARE_TOKEN = (
    rf"(?:(?:{_FUNCTION_NAMES})(?![A-Za-z])|[∂d]\^?[²2]?[A-Za-zα-ω]?/[∂d][A-Za-zα-ω][²]?(?![A-Za-z])|exp|pi(?![A-Za-z])"
    r"|\d+(?:\.\d+)?(?:[a-zα-ω]{1,2}(?![A-Za-z]))?|[A-Za-zα-ωΑ-Ωŷ](?:_\w+)?['′]*(?![A-Za-z'’])|[-+*/^()=≈−·⋅×²³√⁻¹|])"
)
_BARE = re.compile(rf"(?<![\w\\$`.'’]){_BARE_TOKEN}(?:[ ]*{_BARE_TOKEN})*")
_AFTER_WORDS = re.compile(
    r"(?:derivative of|respect to|wrt|differentiating|\bis|equals|yields|gives|equal to|given by)\s*$", re.I
)
_SPLIT = re.compile(
    r"\\\\(?:\[[^\]]*\])?|\\q?quad(?![A-Za-z])|\\implies(?![A-Za-z])|\\[Rr]ightarrow(?![A-Za-z])|⇒|\\iff(?![A-Za-z])|⟹"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A formula in a text."""

    text: str
    """Without its marks."""
    start: int
    """Of what is marked, the marks with it."""
    end: int
    style: str
    """"latex", "code" (a code span) or "bare" (in a sentence, without marks)."""


def find(text: str) -> list[Found]:
    """Return the formulas of a text in order. What is in a block of program code is none."""
    found: list[Found] = []
    outside: list[tuple[int, int]] = []
    last = 0
    for match in _MARKED.finditer(text):
        outside.append((last, match.start()))
        last = match.end()
        if match.group("fence"):
            inner = _MATH_FENCE.fullmatch(match.group("fence"))
            if inner:
                found.append(Found(inner.group(1).strip("$ \n"), match.start(), match.end(), "latex"))
            continue
        inside = next(group for group in match.group("a", "b", "c", "d", "e", "code") if group is not None)
        style = "code" if match.group("code") is not None else "latex"
        if style == "code" and not (0 < len(inside) <= MAX_LENGTH):
            continue
        if match.group("d") is not None and (inside[0].isspace() and inside[-1].isspace() and " " in inside.strip()):
            outside[-1] = (outside[-1][0], match.end())  # "$ 5 and $ 6": money
            continue
        found.append(Found(inside.strip(), match.start(), match.end(), style))
    outside.append((last, len(text)))
    for start, end in outside:
        found += _bare(text, start, end)
    return sorted(found, key=lambda one: one.start)


def _bare(text: str, start: int, end: int) -> list[Found]:
    found = []
    for match in _BARE.finditer(text, start, end):
        run, at = match.group(), match.start()
        article = re.match(r"(?:[aAI] +)+(?=\S)|[-*+] +|\)\s*", run)  # an article, the mark of a list
        if article:
            run, at = run[article.end() :], at + article.end()
        run = run.rstrip(" -=*+/(")
        while run.endswith(")") and run.count(")") > run.count("("):
            run = run[:-1].rstrip()
        run = re.sub(r"\s+[aAI]$", "", run)
        following = text[at + len(run) : at + len(run) + 1]
        if not run or len(run) > MAX_LENGTH or following == "(":
            continue
        says_much = re.search(r"[A-Za-zα-ω]", run) and re.search(r"[\^*/=(²³√]|\d[a-z]|[a-z0-9)] [+-] ", run)
        if says_much or _AFTER_WORDS.search(text, max(0, at - 30), at):
            found.append(Found(run, at, at + len(run), "bare"))
    return found


def statements(formula: Found) -> list[tuple[str, list[Token]]]:
    """Cut a formula where one statement ends and the next begins: raw text and tokens of each."""
    is_code = formula.style != "latex"
    parts = [part for part in _SPLIT.split(formula.text) if part and part.strip(" &")]
    joined: list[str] = []
    for part in parts:
        if joined and re.match(r"[\s&{}]*(?:=|\\approx|≈|[+-])", part):  # an aligned chain goes on
            joined[-1] += " " + part
        else:
            joined.append(part)
    found = []
    for raw in joined:
        tokens = tokenize(raw, code=is_code)
        pieces = _pieces(tokens)
        found += [(raw if len(pieces) == 1 else "", piece) for piece in pieces]
    return found


def _pieces(tokens: list[Token]) -> list[list[Token]]:
    """Cut at words and at commas that stand in no bracket; drop punctuation at the ends."""
    pieces: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if depth == 0 and (token.kind == "text" or (token.kind == "operator" and token.text in (",", ";", ":"))):
            pieces.append([])
        else:
            pieces[-1].append(token)
    for piece in pieces:
        while piece and piece[-1].kind == "operator" and piece[-1].text in ".,;:":
            piece.pop()
    return [piece for piece in pieces if piece]
