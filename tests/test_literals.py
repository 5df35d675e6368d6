"""What a pattern needs is in every text that it matches."""

from __future__ import annotations

import re

import pytest

from lecta.clean import boilerplate
from lecta.clean.literals import needed
from tests.conftest import COURSE


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"\bsponsors?\b", {"sponsor"}),
        (r"\b(?:use|with|enter)\s+code", {"code"}),  # the longest of what must stand there
        (r"free\s+trial|money[- ]back", {"trial", "money"}),
        (r"(?:free)?\s*\d+", set()),  # nothing must
        (r"one|\d", set()),  # one of the two need hold no word
        (r"(?:buy){2,}now!?", {"buy"}),
        (r"[|»]", {"|", "»"}),
        (r"(?<!no )spam(?=\s)", {"spam"}),
        (r"GRÜẞE", {"grüsse"}),
    ],
)
def test_what_is_needed(pattern: str, words: set[str]) -> None:
    assert needed(re.compile(pattern, re.IGNORECASE)) == words


def test_every_phrase_of_boilerplate_is_judged_as_by_its_patterns_alone() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted(COURSE.rglob("*.md"))]
    for text in list(texts):
        texts += text.split("\n\n")
    texts += [
        "This video is brought to you by Brilliant. Use code LECTURE20 for 20% off, the link is in the description.",
        "Don't forget to like and SUBSCRIBE, hit the bell and leave a comment below!",
        "© 2024 All rights reserved | Privacy policy | Terms of use",
        "TODAY’S SPONSOR offers a free trial; no credit card, sign up at example.com",
    ]
    signals = (*boilerplate._AD, *boilerplate._BOILERPLATE, *boilerplate._HINT)
    found = 0
    for text in texts:
        for signal in signals:
            match = signal.pattern.search(text)
            found += match is not None
            assert bool(signal.search(text, text.casefold())) == bool(match), (signal.group, text[:60])
    assert found > 20
    assert sum(not signal.needed for signal in signals) <= 2
