"""The markup inside subtitles: styling, voices, ruby, karaoke times, and marks of who speaks."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from lecta.read.cues import Cue

# Only tags that subtitle formats define are markup: "if x < 3 and y > 2" and "the <div> element" are words. Each
# pattern has a bound, so a file of ten million "<" costs no more than its length.
_VOICE = re.compile(r"<v(?:\.[^\s>]{0,100})?[ \t]+([^<>]{1,200})>")
_RUBY_TEXT = re.compile(r"<rt(?:\.[^\s>]{0,100})?>(.*?)(?:</rt>|(?=</ruby>)|\Z)", re.DOTALL)
_TAG = re.compile(
    r"</?(?:b|i|u|s|c|v|lang|ruby|rt|rp|font|span|em|strong|br)(?:\.[^\s<>]{0,100})?(?:[ \t][^<>]{0,200})?/?>"
    r"|<\d{1,4}:[\d:.,]{1,20}>",
    re.IGNORECASE,
)
_UNCLOSED_TAG = re.compile(r"<(?:b|i|u|s|c|v|lang|ruby|rt)(?:\.[^\s<>]{0,100})?(?=[ \t])")
_OVERRIDE = re.compile(r"\{\\[^{}]{0,200}\}")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u2060\ufeff\u202a\u202b\u202c"), None)


def clean(payload: str) -> tuple[tuple[str, ...], str]:
    """Return the lines a viewer would read and who says them ("" where the markup names nobody).

    Ruby is written as browsers without it do, in parentheses: each word stays once.
    """
    voices = dict.fromkeys(html.unescape(name).strip() for name in _VOICE.findall(payload))
    text = _RUBY_TEXT.sub(r"(\1)", payload) if "<rt" in payload else payload
    text = _OVERRIDE.sub("", _TAG.sub("", text))
    text = html.unescape(_UNCLOSED_TAG.sub("", text)).translate(_INVISIBLE)
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return tuple(line for line in lines if line), ", ".join(name for name in voices if name)


_CHANGE = re.compile(r"(?:^|(?<=[.?!\"”] ))>{2,3}[ \t]*", re.MULTILINE)
_NAME = re.compile(r"^(?:-\s*)?\[?([A-ZÀ-ÞА-ЯΑ-Ω][\w.'’-]{0,24}(?: [\w.'’#&-]{1,24}){0,3})\]?:\s+(?=\S)")


def name_speakers(cues: Sequence[Cue]) -> list[Cue]:
    """Move speaker marks out of the words: ">>" and "NAME:" prefixes, where the file uses them consistently.

    A name holds until the next mark, as captioners mean it; ">>" alone says only that somebody else speaks.
    """
    names = _consistent_names(cues)
    speaker = ""
    named = []
    for cue in cues:
        text = "\n".join(cue.lines)
        changes = list(_CHANGE.finditer(text))
        plain = _CHANGE.sub("", text).strip()
        name = _NAME.match(plain)
        if name and (name.group(1) in names or (changes and changes[0].start() == 0)):
            speaker, plain = name.group(1), plain[name.end() :]
        elif changes and changes[0].start() == 0:
            speaker = ""
        lines = tuple(line for line in map(str.strip, plain.split("\n")) if line)
        named.append(replace(cue, lines=lines, speaker=cue.speaker or speaker))
        if changes and changes[-1].start() > 0:  # somebody else takes over inside the cue
            after = _NAME.match(text[changes[-1].end() :])
            speaker = after.group(1) if after else ""
    return [cue for cue in named if cue.lines]


def _consistent_names(cues: Iterable[Cue]) -> frozenset[str]:
    """Return the prefixes that are names and not words such as "Note:".

    CAPITALS count where such prefixes come twice. Names in small letters must be two that both return, and begin
    every fifth cue: a lecturer also says "Question:" and "Remember:" now and then.
    """
    texts = [_CHANGE.sub("", "\n".join(cue.lines)).strip() for cue in cues]
    found = Counter(match.group(1) for match in map(_NAME.match, texts) if match)
    capitals = {name: count for name, count in found.items() if name.isupper()}
    others = {name: count for name, count in found.items() if count >= 2 and not name.isupper()}
    names = set(capitals) if sum(capitals.values()) >= 2 else set()
    if len(others) >= 2 and sum(others.values()) * 5 >= len(texts):
        names |= set(others)
    return frozenset(names)
