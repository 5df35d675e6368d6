"""Mathematics that lecta works itself: a derivation that a question states, and a case of the chain rule that the
lectures define, in their notation and with their numbers.
"""

from __future__ import annotations

import re
from dataclasses import replace

from lecta import derive
from lecta.types import Answer, Hit, WorkedCase

_CHAIN_RULE = re.compile(
    r"\bchain[ -]?rule\b|\bback[ -]?prop(?:agat\w*)?\b|\bbackward (?:pass|sweep)\b|\breverse[ -]mode\b", re.IGNORECASE
)
_HEADING = "**A worked case**, the network of [{number}], worked and checked by lecta:"


def worked(question: str) -> str:
    """Return the derivation a question states, worked by the chain rule and checked; nothing where it states none.

    One that cannot be worked, or whose checks disagree, is left to the lectures and the model.
    """
    request = derive.recognise(question)
    if request is None:
        return ""
    try:
        return derive.derive(request.expression, request.wrt, jax=False).markdown
    except (derive.ExpressionError, derive.DerivationError):
        return ""


def is_about_chain_rule(question: str) -> bool:
    """Tell whether a worked case of the chain rule belongs to the answer of a question.

    >>> is_about_chain_rule("How does backpropagation work?"), is_about_chain_rule("What is dropout?")
    (True, False)
    """
    return bool(_CHAIN_RULE.search(question))


def states_network(text: str) -> bool:
    """Tell whether a text defines a network step by step, so that a case can be worked from it."""
    return derive.read_network(text) is not None


def with_case(answer: Answer, hit: Hit) -> Answer:
    """Return an answer with a case worked from the network that a passage defines, which is cited.

    The answer stays as it is where the derivation cannot be worked or its checks disagree.
    """
    found = derive.read_network(hit.passage.text)
    if found is None:
        return answer
    try:
        derivation = derive.derive(found.expression, found.wrt, values=found.values or None, jax=False)
    except (derive.ExpressionError, derive.DerivationError):
        return answer
    places = [(one.passage.source, one.passage.start_index) for one in answer.passages]
    place = (hit.passage.source, hit.passage.start_index)
    passages = answer.passages if place in places else (*answer.passages, hit)
    number = places.index(place) + 1 if place in places else len(passages)
    shown = f"{_HEADING.format(number=number)}\n\n{derive.explain_briefly(derivation)}"
    case = WorkedCase(found.expression, found.wrt, derivation.derivative, number, shown)
    return replace(answer, text=f"{answer.text}\n\n{shown}", passages=passages, case=case)
