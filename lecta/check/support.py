"""Is a sentence borne by the passages, by which of them, and by which of their words?

The passages are read once; each sentence is then compared with every window of one to three of their sentences, and the
evidence is weighed to a probability. The number a model wrote behind its sentence plays no part.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lecta.check import opinion
from lecta.check.calibrator import shipped
from lecta.check.evidence import Match, Passages, Span, features, match
from lecta.check.formulas.finding import find
from lecta.check.formulas.lookup import Lectures
from lecta.check.invented import Invented
from lecta.check.words import read, without_citations
from lecta.protocols import TokenEmbedder

THRESHOLD = 0.5
"""Probability from which references count as supporting a claim."""
SURE = 0.6
"""Probability from which a sentence of an answer counts as supported: a wrong citation costs more than a missing one.
By reading, of 22 sentences of exam answers between 0.5 and 0.6 6 were borne, 2 in part, 14 not."""
_BORNE = 2 / 3
"""Share of the sentences of answers that passages bear, by reading; of the claims trained on it was one half. Taken for
three quarters, only some six of the 30 sentences of exam answers that just passed were borne."""
_DOUBTLESS = 0.85
"""Support from which a model is not asked for its opinion."""
_SURE_ASKED = 0.75
"""`SURE` for what a model was asked about. By reading, of 23 citations below it 7 bore their sentence wholly, of 15
above 14."""
_AS_GOOD = 0.01
"""Passages whose best window scores this little below the best one's are cited beside it."""

_FORMULA = re.compile(r"\$\$.*?\$\$|\\\[.*?\\\]|\$[^$\n]+\$|\\\(.*?\\\)", re.DOTALL)
_HEADING = re.compile(r"^\s*(?:#{1,6}\s|(?:\d+[.)]\s*|[-*+]\s+)?\*\*[^*]+\*\*:?\s*$)")
_TRANSITION = re.compile(
    r"^(?:(?:in|to) (?:summary|conclusion|short|summarize|sum up|other words)|here (?:is|are)|here's|let's|let us|"
    r"we (?:can|will) now|now|first|finally|next|for example|for instance|therefore|thus|so|note|overall|i hope|"
    r"sure|certainly|of course|the (?:answer|steps?|idea|formula|result|solution) (?:is|are)|step \d+)\b",
    re.IGNORECASE,
)
_JOINT = re.compile(r"[,;]\s+(?:and|but|while|whereas|so)\s+|;\s+")
_CLAUSE = 4  # words of a clause that is checked alone
_FEW = 3  # words of content; a transition has no more, besides its formula


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check says of one sentence. `support` and `supported` are None where it claims nothing."""

    support: float | None = None
    supported: bool | None = None
    citations: tuple[int, ...] = ()
    """1-based passages that bear the sentence, best first; empty where it is not supported."""
    spans: tuple[Span, ...] = ()
    """One for each citation, or more where parts of the sentence rest on several places of a passage."""


class Checker:
    """Checks the sentences of one answer against its passages."""

    def __init__(
        self, passages: Sequence[str], embedder: TokenEmbedder, question: str = "", ask: opinion.Opinion | None = None
    ) -> None:
        """Read the passages, in the order of their numbers. What the question says may be said again.

        `ask` is asked about sentences that words and meaning leave in doubt.
        """
        self._ask = ask
        self._embedder = embedder
        self._texts = tuple(passages)
        self._passages = Passages(read(passages, embedder))
        self._lectures = Lectures(passages)
        self._invented = Invented(passages, self._lectures, question)

    def check(self, sentence: str) -> Verdict:
        """Return the verdict on a sentence, which may be Markdown with LaTeX and marks like [1]."""
        return self._asked(sentence, self.by_words(sentence))

    def by_words(self, sentence: str) -> Verdict:
        """Return the verdict by words and meaning alone."""
        if not is_claim(sentence):
            return Verdict()
        if is_formula(sentence):
            return self._looked_up(sentence, self._check(sentence))
        verdict = self._check_parts(sentence)
        if verdict.supported and self._invented.is_in(sentence, verdict.citations):
            return Verdict(1 - SURE, False)
        return verdict

    def _asked(self, sentence: str, verdict: Verdict) -> Verdict:
        """Return the verdict with the model's opinion weighed in, where a sentence passed and not surely."""
        support = verdict.support or 0.0
        if self._ask is None or not verdict.supported or support >= _DOUBTLESS or is_formula(sentence):
            return verdict
        leaning = self._ask(sentence, verdict.spans)
        if leaning is None:
            return verdict
        support = _in_answers(opinion.probability(_as_trained(support), leaning))
        return replace(verdict, support=support) if support >= _SURE_ASKED else Verdict(support, False)

    def _check_parts(self, sentence: str) -> Verdict:
        """Return the verdict on a sentence; one that says two things may rest on two places."""
        whole = self._check(sentence)
        parts = [self._check(part) for part in _parts(sentence)]
        if not parts or not all(part.supported for part in parts):
            return whole
        spans = {span: None for part in parts for span in part.spans}
        support = max(whole.support or 0.0, min(part.support or 0.0 for part in parts))
        return Verdict(support, True, tuple(dict.fromkeys(span.passage for span in spans)), tuple(spans))

    def _looked_up(self, sentence: str, verdict: Verdict) -> Verdict:
        """Return the verdict on a formula that stands alone: signs like those of a passage do not make it the same."""
        places = [self._lectures.find(one) or self._lectures.find_loosely(one) for one in find(sentence)]
        support = verdict.support or 0.0
        numbers = tuple(dict.fromkeys(place for place in places if place))
        if not places or None in places:
            return Verdict(min(support, 1 - SURE), False)
        spans = tuple(span for span in verdict.spans if span.passage in numbers)
        return Verdict(max(support, SURE), True, numbers, spans)

    def _check(self, sentence: str) -> Verdict:
        found = self._match(sentence)
        if found is None:
            return Verdict(0.0, False)
        calibrator = shipped()["answers"]
        support = _in_answers(calibrator.probability({**features(found, self._passages), **calibrator.usual}))
        if support < SURE:
            return Verdict(support, False)
        spans = self._spans(found)
        return Verdict(support, True, tuple(span.passage for span in spans), spans)

    def support(self, sentence: str) -> float:
        """Return the probability (0..1) that references from the web support a claim, whatever its form.

        `check` asks the same of passages that are all cut alike: how long they are then counts for nothing, nor how
        far one of their sentences stands out among the rest.
        """
        found = self._match(sentence)
        return 0.0 if found is None else shipped()["references"].probability(features(found, self._passages))

    def excerpt(self, sentence: str) -> str:
        """Return the sentences of the passages that come nearest to a sentence, for a model to be asked about them."""
        found = self._match(sentence)
        return opinion.excerpt(self._texts, self._passages, found) if found else ""

    def nearest(self, sentence: str) -> Span | None:
        """Return the words of a passage that come nearest to a sentence, whether or not they bear it."""
        found = self._match(sentence)
        return self._span(int(found.scores.argmax())) if found else None

    def _match(self, sentence: str) -> Match | None:
        claim = read([without_citations(sentence)], self._embedder)[0]
        return match(claim, self._passages) if claim.keys and self._passages.keys else None

    def _spans(self, found: Match) -> tuple[Span, ...]:
        """Return the best window of the best passage, and of others as good."""
        best = self._best_windows(found)
        order = sorted(best, key=lambda place: -found.scores[best[place]])
        least = found.scores[best[order[0]]] - _AS_GOOD
        return tuple(self._span(best[place]) for place in order[:3] if found.scores[best[place]] >= least)

    def _best_windows(self, found: Match) -> dict[int, int]:
        """Return for each passage its best window."""
        best: dict[int, int] = {}
        for window, (first, _) in enumerate(self._passages.windows):
            place = self._passages.pieces[first][0]
            if place not in best or found.scores[window] > found.scores[best[place]]:
                best[place] = window
        return best

    def _span(self, window: int) -> Span:
        first, stop = self._passages.windows[window]
        place, start, _ = self._passages.pieces[first]
        return Span(place + 1, start, self._passages.pieces[stop - 1][2])


def _in_answers(probability: float) -> float:
    """Return the probability where `_BORNE` of all claims are supported instead of one half (Bayes)."""
    return probability * _BORNE / (probability * _BORNE + (1 - probability) * (1 - _BORNE))


def _as_trained(probability: float) -> float:
    """Return the probability that `_in_answers` makes this one of."""
    return probability * (1 - _BORNE) / (probability * (1 - _BORNE) + (1 - probability) * _BORNE)


def _parts(sentence: str) -> list[str]:
    """Return the clauses of a sentence that says two things, each long enough to be checked alone, or nothing."""
    parts = _JOINT.split(sentence)
    return parts if len(parts) > 1 and all(len(part.split()) >= _CLAUSE for part in parts) else []


def is_formula(sentence: str) -> bool:
    """Tell whether a sentence is a formula and nothing else.

    >>> is_formula("$$y = Wx + b$$"), is_formula("Here $y = Wx + b$ is the output.")
    (True, False)
    """
    words = without_citations(sentence)
    return bool(_FORMULA.search(words)) and not re.search(r"[^\W\d_]{2,}", _FORMULA.sub(" ", words))


def is_claim(sentence: str) -> bool:
    """Tell whether a sentence says something that passages could bear: headings and transitions do not.

    >>> is_claim("Here is the idea:"), is_claim("The gradient points uphill.")
    (False, True)
    """
    words = without_citations(sentence)
    if _HEADING.match(words):
        return False
    plain = _FORMULA.sub(" ", words)
    count = len(re.findall(r"[^\W\d_]{2,}", plain))
    if words.strip().endswith(":") and (count <= 12 or _TRANSITION.match(plain.strip())):
        return False
    return bool(_FORMULA.search(words)) or (count >= _FEW and not (_TRANSITION.match(plain.strip()) and count <= 4))
