"""A GGUF model in this process."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from lecta.answer import thinking
from lecta.answer.context import Context, Steps
from lecta.answer.drafting import Costs, Drafter
from lecta.answer.engines import opened
from lecta.answer.states import FORMAT, States, state_key
from lecta.errors import ChatError, PromptTooLongError, first_line
from lecta.types import Message

_LEAST_ANSWER = 256  # tokens, some 150 words
_ASIDE = 2048  # tokens of what is asked beside a reply, if they are enough
_MARK = "\ue000"  # stands for a message's content while the chat template is applied; private use, so in no lecture


class LlamaChat:
    """A chat model from a GGUF file. Greedy, so that the same question gives the same answer.

    What a prompt shares with the one before at its beginning is not read again, and what will be written is guessed
    from what was read; neither changes a token. One reply is written at a time: another thread waits for its end; in
    the same thread a new reply ends the one before.
    """

    rewinds = True
    """It goes on from the beginning of a reply: see `Rewindable`."""

    def __init__(
        self,
        path: Path,
        *,
        name: str = "",
        context_tokens: int = 4096,
        threads: int = 2,
        guesses: bool = True,
        states: States | None = None,
        engine: str = "auto",
        copy: bool = False,
    ) -> None:
        """Load a model; without `guesses` every token is decoded in a call of its own. `states` keeps what was read.

        `engine` is one of `engines.NAMES`; with `copy` it may keep the weights in its own layout beside the file.
        Raises `ChatError` when the file is missing or no GGUF model.
        """
        if not path.is_file():
            raise ChatError(f"no model file at {path}")
        self.name = name or path.stem
        self.engine = opened(path, engine, copy=copy)
        """What decodes."""
        self._context_tokens = context_tokens
        self._threads = threads
        self._aside: Context | None = None
        self._aside_room = 0
        try:
            self._context = Context(self.engine, tokens=context_tokens, threads=threads)
        except (ValueError, RuntimeError) as error:
            raise ChatError(f"model {self.name} has no room for context_tokens={context_tokens}: {error}") from error
        self.guesses = self.engine.guesses if guesses else 0
        """Tokens guessed at a time."""
        self.costs = Costs()
        self._path = path
        self._states = states if states and states.limit else None
        self._setting = f"{context_tokens} {threads}"
        self._reply: list[int] = []  # the last one's tokens, from which `begun` is taken where it is the same text
        self._turn = threading.Condition()
        self._speaker: tuple[int, object] | None = None  # thread and reply

    def stream(self, messages: Sequence[Message], max_tokens: int, *, begun: str = "", seed: int = 0) -> Iterator[str]:
        """Yield the reply piece by piece, after its beginning `begun`, which is not yielded again.

        With a `seed` above 0 words are drawn by it instead of the likeliest taken, near them (temperature 0.7, top-p
        0.9). Raises `PromptTooLongError` when there is no room for an answer, and `ChatError`.
        """
        parts, opened = self._parts(messages)
        prompt = [token for part in parts for token in part]
        if len(prompt) + _LEAST_ANSWER > self._context_tokens:
            raise PromptTooLongError(len(prompt) + _LEAST_ANSWER, self._context_tokens)
        with self._alone() as speaker, self._keeping() as read:
            said = self._said(begun.rstrip(" "))
            try:
                self._read(parts, said, read, speaker)
                if opened and not begun:
                    yield opened
                limit = max(0, min(max_tokens - len(said), self._context_tokens - self._context.size))
                pieces = self._texts(self._write([*prompt, *said], limit, seed, speaker), said)
                yield from _without_spaces(pieces, len(begun) - len(begun.rstrip(" ")))
            except (ValueError, RuntimeError) as error:
                raise ChatError(f"model {self.name} failed: {first_line(error)}") from error

    def leaning(self, messages: Sequence[Message], one: str, other: str) -> float | None:
        """Return the log-odds of a reply that begins with the first token of `one` against that of `other`.

        None for a model that thinks first, and an engine that does not show them. A reply that is being written in the
        same thread goes on. Raises `PromptTooLongError` and `ChatError`.
        """
        parts, thinks = self._parts(messages)
        if thinks or not self.engine.shows_odds:
            return None
        size = sum(map(len, parts))
        if size > self._context_tokens:
            raise PromptTooLongError(size, self._context_tokens)
        words = [self.engine.tokenize(word)[0] for word in (one, other)]
        with self._beside():
            try:
                aside = self._aside_for(size)
                aside.read(self._laid(parts)[1])
            except (ValueError, RuntimeError) as error:
                raise ChatError(f"model {self.name} failed: {first_line(error)}") from error
            return aside.log_odds(*words)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has."""
        return len(self.engine.tokenize(text))

    @contextmanager
    def _alone(self) -> Iterator[object]:
        """Wait until no other thread has a reply written; yield what stands for this reply."""
        speaker = object()
        thread = threading.get_ident()
        with self._turn:
            self._turn.wait_for(lambda: self._speaker is None or self._speaker[0] == thread)
            self._speaker = thread, speaker
        try:
            yield speaker
        finally:
            with self._turn:
                if self._speaker and self._speaker[1] is speaker:
                    self._speaker = None
                    self._turn.notify()

    @contextmanager
    def _beside(self) -> Iterator[None]:
        """Wait until no other thread has a reply written, and let one of this thread's own go on afterwards."""
        thread = threading.get_ident()
        with self._turn:
            self._turn.wait_for(lambda: self._speaker is None or self._speaker[0] == thread)
            mine = None if self._speaker else (thread, object())
            self._speaker = self._speaker or mine
        try:
            yield
        finally:
            with self._turn:
                if mine and self._speaker is mine:
                    self._speaker = None
                    self._turn.notify()

    def _aside_for(self, tokens: int) -> Context:
        """Return where yes or no is asked, so that what was read for a reply is not lost."""
        if self._aside is None or tokens > self._aside_room:
            self._aside_room = self._context_tokens if tokens > _ASIDE else min(_ASIDE, self._context_tokens)
            self._aside = None  # first, as there may not be room for both
            self._aside = Context(self.engine, tokens=self._aside_room, threads=self._threads)
        return self._aside

    def _check_turn(self, speaker: object) -> None:
        if not self._speaker or self._speaker[1] is not speaker:
            raise ChatError(f"model {self.name} was asked for another reply before this one had ended")

    def _said(self, begun: str) -> list[int]:
        """Return the tokens of a reply's beginning: those that were written, where the last reply began so."""
        count, text = 0, ""
        while begun and count < len(self._reply):
            longer = self.engine.detokenize(self._reply[: count + 1])
            if not begun.startswith(longer):
                break
            count, text = count + 1, longer
        return [*self._reply[:count], *self.engine.tokenize(begun[len(text) :])]

    @contextmanager
    def _keeping(self) -> Iterator[dict[bytes, bytes]]:
        """Yield where states are put by their keys; they are written when the reply is."""
        read: dict[bytes, bytes] = {}
        try:
            yield read
        finally:
            for key, state in read.items():
                if self._states:
                    self._states.put(key, state)

    def _read(
        self, parts: Sequence[Sequence[int]], said: Sequence[int], read: dict[bytes, bytes], speaker: object
    ) -> None:
        """Hold a prompt and what was said; states at the ends of parts are loaded, and put into `read` where new."""
        ends, wanted = self._laid(parts)
        # What was said is laid out token by token, as it was when it was written.
        wanted += [(token,) for token in said]
        self._load(wanted, ends[:-1])

        def on_step(held: int) -> None:
            self._check_turn(speaker)
            if self._states and held in ends[:-1] and not self._states.holds(key := self._key(wanted[:held])):
                read[key] = self._context.state()

        self._check_turn(speaker)
        self._context.read(wanted, on_step)

    def _load(self, wanted: Steps, ends: Sequence[int]) -> None:
        """Load the longest state kept of a beginning of `wanted`, where it is longer than what is held."""
        held = self._context.held(wanted)
        for end in reversed(ends):
            if self._states is None or end <= held:
                return
            state = self._states.get(self._key(wanted[:end]))
            if state is not None and self._context.load(state, wanted[:end]):
                return

    def laid(self, messages: Sequence[Message]) -> tuple[list[int], Steps]:
        """Return after how many steps each part of a prompt ends, and the steps in which it is read."""
        return self._laid(self._parts(messages)[0])

    @property
    def keeps_states(self) -> bool:
        """Whether what is read is kept."""
        return self._states is not None

    def has_read(self, messages: Sequence[Message]) -> bool:
        """Tell whether the state up to the last seam of a conversation is held or kept."""
        ends, wanted = self.laid(messages)
        if len(ends) < 2:
            return False
        held = self._context.held(wanted) >= ends[-2]
        return held or (self._states is not None and self._states.holds(self._key(wanted[: ends[-2]])))

    def read_ahead(self, messages: Sequence[Message], pause: Callable[[], None] = lambda: None) -> bool:
        """Read a conversation up to its last seam and keep the state; tell whether it is kept.

        `pause` is called before every 64 tokens and may wait or raise. Raises `ChatError`.
        """
        if self._states is None or len(parts := self._parts(messages)[0]) < 2:
            return False
        if self.has_read(messages):
            return True
        with self._alone() as speaker, self._keeping() as read:
            try:
                ends, wanted = self._laid(parts)
                self._load(wanted, ends[:-1])

                def on_step(held: int) -> None:
                    self._check_turn(speaker)
                    pause()
                    if self._states and held in ends and not self._states.holds(key := self._key(wanted[:held])):
                        read[key] = self._context.state()

                pause()
                self._context.read(wanted[: ends[-2]], on_step)
            except (ValueError, RuntimeError) as error:
                raise ChatError(f"model {self.name} failed: {first_line(error)}") from error
        return self.has_read(messages)

    def _key(self, read: Steps) -> bytes:
        """Return what a state goes by: all that it depends on."""
        tokens = b"".join(len(step).to_bytes(4, "little") + array("i", step).tobytes() for step in read)
        return state_key((self._identity, tokens))

    @cached_property
    def _identity(self) -> bytes:
        """Model, engine and parameters."""
        assert self._states is not None
        model = self._states.digest_of(self._path)
        return f"{FORMAT} {model} {self.engine.identity} {self._setting} {self.engine.at_once}".encode()

    def _write(self, before: Sequence[int], limit: int, seed: int, speaker: object) -> Iterator[int]:
        """Yield the reply's tokens as soon as they are known, up to `limit`."""
        sampler = self.engine.sampler(seed)
        drafter = Drafter(before, self.guesses, self.costs) if self.guesses else None
        written = 0
        while written < limit and not self.engine.is_end(token := self._context.sample(sampler)):
            yield token
            written += 1
            if written < limit:
                self._check_turn(speaker)
                self._go_on(token, drafter)

    def _go_on(self, token: int, drafter: Drafter | None) -> None:
        """Hold a token that was written."""
        if drafter is None:
            self._context.write(token)
        elif token == self._context.expected:
            drafter.was_right(token)
            self._context.write(token)
        else:
            guesses = drafter.after(token)
            started = time.perf_counter()
            self._context.write(token, guesses)
            drafter.costs.note(len(guesses), time.perf_counter() - started)

    def _texts(self, written: Iterator[int], said: Sequence[int]) -> Iterator[str]:
        """Yield the text of tokens, after that of the tokens `said`."""
        self._reply = list(said)
        tokens = list(said)
        shown = len(self.engine.detokenize(tokens))
        for token in written:
            self._reply.append(token)
            if (tag := self.engine.control(token)) in thinking.CONTROL:
                yield self.engine.detokenize(tokens)[shown:] + tag
                tokens, shown = [], 0
                continue
            tokens.append(token)
            # All of it every time: alone, a token loses its leading space, and a character may be spread over several.
            text = self.engine.detokenize(tokens)
            if not text.endswith("\ufffd"):
                yield text[shown:]
                shown = len(text)
        if rest := self.engine.detokenize(tokens)[shown:]:
            yield rest

    def _parts(self, messages: Sequence[Message]) -> tuple[list[list[int]], str]:
        """Return the prompt's tokens and the tag of a thought it ends with, or "".

        A part ends with the system's message and at each seam. Only the template's own control tokens are control
        tokens: a lecture that contains "<|im_end|>" is read as those characters.
        """
        template = self.engine.rendered([(message.role, _MARK) for message in messages])
        between = template.split(_MARK)
        if len(between) != len(messages) + 1:
            raise ChatError(f"the chat template of model {self.name} is not one lecta can fill")
        parts = [self.engine.tokenize(between[0], beginning=True, special=True)]
        for message, after in zip(messages, between[1:], strict=True):
            for start, end in pairwise([0, *message.seams, len(message.content)]):
                parts[-1] += self.engine.tokenize(message.content[start:end])
                if end in message.seams:
                    parts.append([])
            parts[-1] += self.engine.tokenize(after, special=True)
            if message.role == "system":
                parts.append([])
        return [part for part in parts if part], thinking.opened_by(between[-1])

    def _laid(self, parts: Sequence[Sequence[int]]) -> tuple[list[int], Steps]:
        """Return after how many steps each part ends, and the steps. A part begins with a step of its own."""
        ends: list[int] = []
        laid: Steps = []
        for part in parts:
            laid += self._context.steps(part)
            ends.append(len(laid))
        return ends, laid


def _without_spaces(pieces: Iterator[str], count: int) -> Iterator[str]:
    """Leave out the spaces at the beginning that were given already, up to `count`."""
    for piece in pieces:
        rest = piece[min(count, len(piece) - len(piece.lstrip(" "))) :]
        count = count - (len(piece) - len(rest)) if not rest else 0
        if rest:
            yield rest
