"""Marks in what a model writes: its own numbers and copied headings go; each sentence gets those of what bears it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

from lecta.types import Sentence

UNSUPPORTED = "(not in the lectures)"
"""Stands behind every sentence that no passage bears."""

# "[1]", "word [1, 2]", "word[1-3]"; not "[x]", "[0.5]", nor the index in "a[1]", "x_2[1]" or "\\theta}[1]".
_CITATION = re.compile(r"[ \t]*(?<!\b[A-Za-z])(?<![0-9_}\\])\[(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\]")
# What a stream holds back: the last word with the space before it; "[1, 2]" and an unfinished "[1, " count as one word.
_LIST = r"\[[\d\s,;–-]*"
_OPEN = re.compile(rf"(?:^|\s+)[^\s\[]*(?:{_LIST}\][^\s\[]*)*(?:{_LIST}|\S*)$")
_STOP = re.compile(r"[.!?][\"'”»)*_]*$")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|cf|vs|resp|etc|Fig|Eq|Sec|Dr|Prof|No)|^\s*\d+|\b[A-Z])\.$")
_ITEM = re.compile(r"^(?:[-*+]|\d+[.)]|#{1,6})\s+")
_DELIMITER = re.compile(r"(\$\$|\$|\\[()\[\]]|```|`)")
_CLOSING = {r"\(": r"\)", r"\[": r"\]"}


def checked(pieces: Iterable[str], count: int) -> Iterator[str]:
    """Pass a stream of text on, leaving out citations that are not 1..`count`.

    Words are passed on whole; only the last one is held back. In mathematics and code, [0, 1] is an interval.

    >>> "".join(checked(["So it is [1", "][7]. And [2, 9]."], 2))
    'So it is [1]. And [2].'
    """
    held, span = "", ""
    for piece in pieces:
        held += piece
        waiting = _OPEN.search(held)
        ready, held = (held[: waiting.start()], held[waiting.start() :]) if waiting else (held, "")
        if ready:
            ready, span = _kept(ready, span, count)
            yield ready
    if held:
        yield _kept(held, span, count)[0]


def without_headings(words: Iterable[str], headings: Collection[str]) -> Iterator[str]:
    """Leave out lines that are the heading of an excerpt: a model that copies may copy that too.

    `words` are runs of whole words with the space before them.

    >>> "".join(without_headings(["(Notes:", " 1.", " Adam)", "\\nIt", " rises."], ["(Notes: 1. Adam)"]))
    '\\nIt rises.'
    """
    line, is_open = "", True  # what is held back of a line that may be a heading
    for run in words:
        for word in re.findall(r"\s*\S+|\s+", run):
            if "\n" in word[: len(word) - len(word.lstrip())]:
                if line and line.strip() not in headings:
                    yield line
                line, is_open = "", True
            if not is_open:
                yield word
                continue
            line += word
            if not any(heading.startswith(line.strip()) for heading in headings):
                yield line
                line, is_open = "", False
    if line and line.strip() not in headings:
        yield line


def sentences(words: Iterable[str], on_word: Callable[[str], None] = lambda sentence: None) -> Iterator[str]:
    """Yield the sentences of a stream of words, each with the space before it, as soon as the next one begins.

    `words` come as `checked` gives them, runs of whole words with the space before them. `on_word` is called with the
    sentence while it grows.

    >>> list(sentences(["It", " rises.", " It", " sings, e.g.", " loudly."]))
    ['It rises.', ' It sings, e.g. loudly.']
    """
    sentence = ""
    for run in words:
        for word in re.findall(r"\s*\S+|\s+", run):
            if _is_whole(sentence, word):
                yield sentence
                sentence = ""
            sentence += word
            on_word(sentence)
    if sentence:
        yield sentence


def judged(
    told: Iterable[str], judge: Callable[[str], Sentence], found: list[Sentence], *, strict: bool = False
) -> Iterator[str]:
    """Pass on sentences with the mark of each behind it, and add them to `found`.

    `told` come as `sentences` gives them; `judge` gets a sentence as it was written. With `strict` an unsupported
    sentence is left out, and what claims nothing waits for a supported one.

    >>> verdicts = {"It rises.": Sentence("", (1,), 0.9, True), "It sings.": Sentence("", (), 0.1, False)}
    >>> "".join(judged(["It rises.", " It sings."], verdicts.__getitem__, []))
    'It rises. [1] It sings. (not in the lectures)'
    """
    waiting: list[tuple[str, Sentence]] = []
    for written in told:
        if not re.search(r"\w", written):
            if not strict or found:
                yield written
            continue
        sentence = replace(judge(written.strip()), text=_ITEM.sub("", written.strip()))
        if strict and sentence.supported is False:
            continue
        waiting.append((written + _mark(written, sentence), sentence))
        if strict and sentence.supported is None:
            continue
        shown = "".join(text for text, _ in waiting)
        yield shown if found or not strict else shown.lstrip()
        found += [one for _, one in waiting]
        waiting.clear()


def without_numbers(text: str) -> str:
    """Return an answer without its citations, for a conversation in which the numbers mean other passages.

    >>> without_numbers("It rises [1]. On $[0]$ it is flat.")
    'It rises. On $[0]$ it is flat.'
    """
    return _kept(text, "", 0)[0]


def raw_beginning(raw: str, text: str) -> str | None:
    """Return the beginning of what a model wrote that is `text` without its numbers, with the last one's; else None.

    >>> raw_beginning("It rises. [1] It falls. [2] It si", "It rises. It falls.")
    'It rises. [1] It falls. [2]'
    """
    wanted = text.rstrip()
    longest = len(wanted) + sum(len(match[0]) for match in _CITATION.finditer(raw))
    for end in range(len(wanted), min(longest, len(raw)) + 1):
        if without_numbers(raw[:end]).rstrip() == wanted:
            number = _CITATION.match(raw, end)
            return raw[: number.end() if number else end]
    return None


def _is_whole(sentence: str, following: str) -> bool:
    """Tell whether a sentence ends before the words that follow; never inside mathematics or code."""
    open_spans = (
        sentence.count("$$") % 2
        or sentence.replace("$$", "").count("$") % 2
        or sentence.count("`") % 2
        or sentence.count(r"\[") > sentence.count(r"\]")
    )
    if not sentence.strip() or open_spans or not following[:1].isspace():
        return False
    if "\n" in following[: len(following) - len(following.lstrip())]:
        return True
    first = following.strip()[:1]
    return bool(_STOP.search(sentence)) and not _ABBREVIATION.search(sentence) and not first.islower() and first != "["


def _mark(written: str, sentence: Sentence) -> str:
    """Return the numbers of the passages that bear a sentence, or that none does."""
    before = "\n" if written.rstrip().endswith("```") else " "  # a fence stands alone on its line
    if sentence.supported is False:
        return f"{before}{UNSUPPORTED}"
    return before + "".join(f"[{number}]" for number in sentence.citations) if sentence.citations else ""


def _kept(text: str, span: str, count: int) -> tuple[str, str]:
    """Return text without invented citations, and the mark that opened the mathematics or code it ends in, or "".

    `span` is the mark that was open before it.
    """
    kept = []
    parts = _DELIMITER.split(text)  # text, mark, text, mark, ..., text
    for i, part in enumerate(parts):
        if i % 2:
            is_dollar_sign = part == "$" and not span and not parts[i + 1][:1].strip()
            span = "" if is_dollar_sign or part == _CLOSING.get(span, span) else span or part
            kept.append(part)
        elif span == "$" and "\n" in part:  # a formula within a line ends with it
            inside, line_end, outside = part.partition("\n")
            span = ""
            kept += [inside, line_end, _without_invented(outside, count)]
        else:
            kept.append(part if span else _without_invented(part, count))
    return "".join(kept), span


def _without_invented(text: str, count: int) -> str:
    def keep(match: re.Match[str]) -> str:
        numbers = [number for number in _numbers(match.group(1)) if 1 <= number <= count]
        space = match.group(0)[: len(match.group(0)) - len(match.group(0).lstrip())]
        return space + "[" + ", ".join(map(str, numbers)) + "]" if numbers else ""

    return _CITATION.sub(keep, text)


def _numbers(inside: str) -> list[int]:
    numbers: list[int] = []
    for part in re.split(r"\s*[,;]\s*", inside):
        first, *last = (int(number) for number in re.split(r"\s*[–-]\s*", part))
        numbers += range(first, last[0] + 1) if last and first <= last[0] <= first + 20 else [first, *last]
    return numbers
