"""Citations in what a model writes: numbers that were never given do not reach the user."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from lecta.types import Sentence

# "[1]", "word [1, 2]", "word[1-3]"; not "[x]", "[0.5]", nor the index in "a[1]", "x_2[1]" or "\\theta}[1]".
_CITATION = re.compile(r"[ \t]*(?<!\b[A-Za-z])(?<![0-9_}\\])\[(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\]")
# What a stream holds back: the last word with the space before it; "[1, 2]" and an unfinished "[1, " count as one word.
_LIST = r"\[[\d\s,;–-]*"
_OPEN = re.compile(rf"(?:^|\s+)[^\s\[]*(?:{_LIST}\][^\s\[]*)*(?:{_LIST}|\S*)$")
_STOP = re.compile(r"[.!?][\"'”»)*_]*$")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|cf|vs|resp|etc|Fig|Eq|Sec|Dr|Prof|No)|^\s*\d+|\b[A-Z])\.$")
_DELIMITER = re.compile(r"(\$\$|\$|\\[()\[\]]|```|`)")
_CLOSING = {r"\(": r"\)", r"\[": r"\]"}
# Where a sentence must not be cut: mathematics and code.
_WHOLE = re.compile(r"\$\$.*?\$\$|\\\[.*?\\\]|\\\(.*?\\\)|```.*?(?:```|\Z)|\$[^$\n]+\$|`[^`\n]+`", re.DOTALL)


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


def cited(words: Iterable[str], cite: Callable[[str], Sequence[int]]) -> Iterator[str]:
    """Pass on a stream of words and put a citation behind every sentence that ends without one.

    `words` come as `checked` gives them, runs of whole words with the space before them; `cite` returns passage
    numbers for a sentence.

    >>> "".join(cited(["It", " rises.", " Then", " it", " falls", " [2]."], lambda sentence: (1,)))
    'It rises. [1] Then it falls [2].'
    """
    sentence = ""
    for run in words:
        for word in re.findall(r"\s*\S+|\s+", run):
            if _is_whole(sentence, word):
                yield _mark(sentence, cite)
                sentence = ""
            yield word
            sentence += word
    yield _mark(sentence, cite)


def without_numbers(text: str) -> str:
    """Return an answer without its citations, for a conversation in which the numbers mean other passages.

    >>> without_numbers("It rises [1]. On $[0]$ it is flat.")
    'It rises. On $[0]$ it is flat.'
    """
    return _kept(text, "", 0)[0]


def sentences(text: str, count: int) -> tuple[Sentence, ...]:
    """Cut an answer into sentences, each with the passages it cites; citations after the full stop belong to it.

    Only citations of 1..`count` count. Mathematics and code are never cut; a list item, a heading or a displayed
    formula is a sentence of its own.
    """
    found: list[Sentence] = []
    for block in _blocks(text):
        for raw, wholes in _sentences(block):
            cited = [n for match in _CITATION.finditer(raw) for n in _numbers(match.group(1))]
            numbers = tuple(dict.fromkeys(n for n in cited if 1 <= n <= count))
            words = _unshield(_CITATION.sub("", raw), wholes).strip()
            if not re.search(r"\w", words):
                if found and numbers:  # "... holds. [1]": the mark stands after the full stop
                    last = found.pop()
                    found.append(Sentence(last.text, tuple(dict.fromkeys([*last.citations, *numbers]))))
                continue
            found.append(Sentence(words, numbers))
    return tuple(found)


def _is_whole(sentence: str, following: str) -> bool:
    """Tell whether a sentence ends before the words that follow; never inside mathematics or code."""
    open_spans = sentence.count("$") % 2 or sentence.count("`") % 2 or sentence.count(r"\[") > sentence.count(r"\]")
    if not sentence.strip() or open_spans or not following[:1].isspace():
        return False
    if "\n" in following[: len(following) - len(following.lstrip())]:
        return True
    first = following.strip()[:1]
    return bool(_STOP.search(sentence)) and not _ABBREVIATION.search(sentence) and not first.islower() and first != "["


def _mark(sentence: str, cite: Callable[[str], Sequence[int]]) -> str:
    words = sentence.strip()
    if not words or words.endswith(":") or words.startswith("#") or _CITATION.search(words):
        return ""
    return "".join(f" [{number}]" for number in cite(words))


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


def _blocks(text: str) -> Iterator[str]:
    """Yield paragraphs, list items, headings and displayed formulas."""
    shielded, wholes = _shield(text)
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d+[.)]|#{1,6})\s)", shielded):
        if block.strip():
            yield re.sub(r"^\s*(?:[-*+]|\d+[.)]|#{1,6})\s+", "", _unshield(block, wholes))


def _sentences(block: str) -> Iterator[tuple[str, list[str]]]:
    """Yield a block's sentences with mathematics and code hidden, and what was hidden."""
    from sentencex import segment

    shielded, wholes = _shield(" ".join(block.split()) if "```" not in block else block)
    for sentence in segment("en", shielded):
        yield sentence, wholes


def _shield(text: str) -> tuple[str, list[str]]:
    """Put one letter-like mark in the place of each formula and code span, so that nothing cuts inside them."""
    wholes: list[str] = []

    def hide(match: re.Match[str]) -> str:
        wholes.append(match.group(0))
        return f"\ue000{len(wholes) - 1}\ue001"

    return _WHOLE.sub(hide, text), wholes


def _unshield(text: str, wholes: list[str]) -> str:
    return re.sub("\ue000(\\d+)\ue001", lambda match: wholes[int(match.group(1))], text)
