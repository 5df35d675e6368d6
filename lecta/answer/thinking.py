"""What a model thinks aloud, kept apart from what it answers.

Servers send thoughts in a field of their own (`Thought` pieces), or in the text between tags. The tags are those of
DeepSeek and Qwen (`<think>`), Mistral (`[THINK]`) and gpt-oss (`<|channel|>analysis<|message|>`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from lecta.types import Thought

_PAIRS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "[THINK]": "[/THINK]",
    "<|channel|>analysis<|message|>": "<|end|>",
}
_OPENINGS, _CLOSINGS = tuple(_PAIRS), tuple(tag for tag in _PAIRS.values() if tag != "<|end|>")
_DROPPED = ("<|start|>assistant", "<|channel|>final<|message|>", "<|end|>", "<|return|>")
CONTROL = frozenset({*_OPENINGS, *_CLOSINGS, "<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|return|>"})
"""Control tokens of models that belong to their thinking and must not be swallowed before `Spoken` sees them."""

_QUOTES = ("`", '"', "'")  # a tag behind one is spoken about, not meant
_REASONING = re.compile(r"(?:^|[^a-z])(?:r1|qwq|think(?:ing)?|reason(?:ing|er)?|magistral)(?![a-z0-9])", re.IGNORECASE)


def opened_by(prompt: str) -> str:
    """Return the tag a prompt ends with, so that the reply begins inside the thought; else "".

    >>> opened_by("<|im_start|>assistant\\n<think>\\n")
    '<think>'
    """
    return next((tag for tag in _OPENINGS if prompt.rstrip().endswith(tag)), "")


def reasons_by_name(model: str) -> bool:
    """Tell whether a model's name says that it thinks before it answers.

    >>> [reasons_by_name(name) for name in ("deepseek-r1:7b", "Qwen3-4B-Thinking-2507", "qwen2.5-coder")]
    [True, True, False]
    """
    return bool(_REASONING.search(model))


def settled(pieces: Iterable[str], is_cut: Callable[[], bool]) -> Iterator[str]:
    """Pass on the reply of a model that thinks, holding it back until it is known whether it begins inside a thought.

    Its prompt may have opened the thought on the server, and then only the closing tag comes. `is_cut` tells at the end
    whether the reply ran out of tokens; without any tag it is taken for a thought that was not ended.
    """
    held, stream = "", iter(pieces)
    for piece in stream:
        if isinstance(piece, Thought):
            yield from (held, piece) if held.strip() else (piece,)
            break
        held += piece
        opening = held.lstrip()
        if opening.startswith(_OPENINGS):
            yield held
            break
        closing = min((tag for tag in _CLOSINGS if tag in held), key=held.find, default="")
        if closing and not any(tag.startswith(opening[: len(tag)]) for tag in _OPENINGS):
            yield next(tag for tag, end in _PAIRS.items() if end == closing) + held
            break
    else:
        yield Thought(held) if is_cut() else held
    yield from stream


class Spoken:
    """The answer in a stream of pieces; `thinking` gathers the rest.

    Iterating gives the answer without its thoughts. Where a closing tag comes that nothing opened, all that came before
    it was a thought: the iteration ends there, and `tries` goes on with the answer.

    >>> spoken = Spoken(["<think>2 + 2", "</think>", "It is 4."])
    >>> "".join(spoken), spoken.thinking
    ('It is 4.', '2 + 2')
    """

    def __init__(self, pieces: Iterable[str], on_thought: Callable[[str], None] | None = None) -> None:
        """`on_thought` is called with each piece of a thought as it comes."""
        self._pieces = iter(pieces)
        self._on_thought = on_thought
        self._closing = ""  # the tag that ends the thought the stream is in
        self._held = ""  # may be the beginning of a tag
        self._said: list[str] = []
        self._has_begun = False  # white space before the answer is left out
        self._last_line = ""  # of the answer so far, or the last character of a thought
        self._thoughts: list[str] = []
        self._is_taken_back = False

    @property
    def thinking(self) -> str:
        """All that was thought so far."""
        return "".join(self._thoughts).strip()

    def tries(self) -> Iterator[Spoken]:
        """Yield itself, and once more each time that what was said turned out to be a thought."""
        while True:
            yield self
            if not self._is_taken_back:
                return
            self._is_taken_back = False

    def __iter__(self) -> Iterator[str]:
        """Yield the answer piece by piece."""
        while True:
            yield from self._read()
            if self._is_taken_back:
                return
            piece = next(self._pieces, None)
            if piece is None:
                break
            if isinstance(piece, Thought):
                self._think(piece)
            else:
                self._held += piece
        rest, self._held = self._held, ""
        yield from self._pass_on(rest)

    def _read(self) -> Iterator[str]:
        """Yield what is certain of the text held, up to a tag that takes back what was said."""
        seen = 0  # tags before this are only spoken about
        while True:
            tags = (self._closing, *_OPENINGS) if self._closing else (*_OPENINGS, *_CLOSINGS, *_DROPPED)
            at, tag = min(
                ((self._held.find(tag, seen), tag) for tag in tags if tag in self._held[seen:]), default=(-1, "")
            )
            if at < 0:
                keep = max(_overlap(self._held, tag) for tag in tags)
                out, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
                yield from self._pass_on(out)
                return
            if not self._is_meant(tag, self._last_line + self._held[:at]):
                seen = at + len(tag)
                continue
            out, self._held, seen = self._held[:at], self._held[at + len(tag) :], 0
            yield from self._pass_on(out)
            if self._turn(tag):
                return

    def _is_meant(self, tag: str, before: str) -> bool:
        if tag == self._closing or tag in _CLOSINGS:
            return not before.endswith(_QUOTES)
        if self._closing:  # a model opens again what its prompt has opened
            return not self.thinking and not before.strip()
        return tag in _DROPPED or not before.rpartition("\n")[2].strip()

    def _turn(self, tag: str) -> bool:
        """Go into a thought or out of it; return whether what was said so far is taken back."""
        self._last_line = ""
        if tag in _OPENINGS:
            if self.thinking and not self._closing:
                self._think("\n\n")
            self._closing = _PAIRS[tag]
        elif tag == self._closing:
            self._closing = ""
        elif tag in _CLOSINGS:
            self._is_taken_back = True
            said, self._said, self._has_begun = "".join(self._said), [], False
            self._think(said)
        return self._is_taken_back

    def _pass_on(self, text: str) -> Iterator[str]:
        if not text:
            return
        self._last_line = (self._last_line + text).rpartition("\n")[2]
        if self._closing:
            self._think(text)
            return
        self._said.append(text)
        shown = text if self._has_begun else text.lstrip()
        if shown:
            self._has_begun = True
            yield shown

    def _think(self, text: str) -> None:
        if not text:
            return
        self._thoughts.append(str(text))
        if self._on_thought:
            self._on_thought(str(text))


def _overlap(text: str, tag: str) -> int:
    """Return how many characters at the end of `text` could be the beginning of `tag`."""
    return next((n for n in range(min(len(tag) - 1, len(text)), 0, -1) if tag.startswith(text[-n:])), 0)
