"""Where to cut speech into passages: at sentences, pauses and changes of speaker, between cues.

The lines of a transcript are a weighted interval problem, solved exactly: choose the boundaries between cues that
minimise the sum, over passages, of ((length - target) / target)^2 and a price for where each passage ends. The least
sum is found from left to right (Bellman), looking back only as far as a passage may be long.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lecta.types import Document, Section

LONGEST = 1.5
"""Times the target: 768 characters are some 170 tokens, inside MiniLM's 256."""
_MID_SENTENCE = 1.0
"""As bad as a passage of no length."""
_PAUSE_WORTH = 0.4
"""What a pause of two seconds or more takes off; half of it for one second. Some captions have no other sign."""
_ENDS = (".", "?", "!", "…", "。", "？", "！", ".)", ".]", '."', ".”", '?"', "?”", '!"', "!”")


def cut_points(document: Document, sections: Sequence[Section], target: int) -> list[int]:
    """Return the indices into `document.text` at which passages of a run of cues start, the first one's included.

    No cue is cut; one that is longer than a passage may be stands alone.
    """
    if not sections:
        return []
    price = [_price(document, before, after) for before, after in pairwise(sections)] + [0.0]
    best = [0.0]  # best[n]: the least cost of cutting the first n sections
    back = [0]  # and the section at which the last passage then starts
    for end in range(1, len(sections) + 1):
        costs: list[tuple[float, int]] = []
        for start in range(end - 1, -1, -1):
            length = sections[end - 1].end_index - sections[start].start_index
            if costs and length > LONGEST * target:
                break
            costs.append((best[start] + ((length - target) / target) ** 2 + price[end - 1], start))
        cost, start = min(costs)
        best.append(cost)
        back.append(start)
    starts = []
    at = len(sections)
    while at:
        at = back[at]
        starts.append(sections[at].start_index)
    return starts[::-1]


def _price(document: Document, before: Section, after: Section) -> float:
    """Return what it costs to end a passage between two cues."""
    if before.speaker != after.speaker:
        return -_PAUSE_WORTH
    pause = 0.0
    if before.end_time is not None and after.start_time is not None:
        pause = min(max(after.start_time - before.end_time, 0.0), 2.0) / 2.0
    ends = document.text_of(before).rstrip().endswith(_ENDS)
    return (0.0 if ends else _MID_SENTENCE) - _PAUSE_WORTH * pause
