"""A GGUF model on llama.cpp, in this process (cyllama)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lecta.answer import thinking
from lecta.errors import ChatError, PromptTooLongError, first_line
from lecta.types import Message

# Tokens decoded in one call while reading the prompt. 64 was the fastest of 32, 64, 128 and 512 here (50, against 43
# token/s at 512), and Ctrl-C is heard after each.
_READ_AT_ONCE = 64
_LEAST_ANSWER = 256  # tokens, some 150 words
_MARK = "\ue000"  # stands for a message's content while the chat template is applied; private use, so in no lecture


class LlamaChat:
    """A chat model from a GGUF file. Greedy, so that the same question gives the same answer."""

    def __init__(self, path: Path, *, name: str = "", context_tokens: int = 4096, threads: int = 2) -> None:
        """Load a model. Raises `ChatError` when the file is missing or no GGUF model."""
        import cyllama.llama.llama_cpp as llama

        if not path.is_file():
            raise ChatError(f"no model file at {path}")
        llama.disable_logging()
        self.name = name or path.stem
        self._llama = llama
        parameters = llama.LlamaModelParams()
        parameters.n_gpu_layers = 0
        try:
            self._model = llama.LlamaModel(str(path), parameters)
        except (ValueError, RuntimeError) as error:
            raise ChatError(f"{path} cannot be loaded as a GGUF model ({first_line(error)})") from error
        self._vocabulary = self._model.get_vocab()
        self._context_tokens = context_tokens
        self._context = self._new_context(threads)

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
        """Yield the reply piece by piece. Raises `PromptTooLongError` when there is no room for an answer."""
        prompt, opened = self._tokens(messages)
        if len(prompt) + _LEAST_ANSWER > self._context_tokens:
            raise PromptTooLongError(len(prompt) + _LEAST_ANSWER, self._context_tokens)
        self._context.kv_cache_clear()
        try:
            for start in range(0, len(prompt), _READ_AT_ONCE):
                self._decode(prompt[start : start + _READ_AT_ONCE], start)
            if opened:
                yield opened
            yield from self._write(len(prompt), min(max_tokens, self._context_tokens - len(prompt)))
        except (ValueError, RuntimeError) as error:
            raise ChatError(f"model {self.name} failed: {first_line(error)}") from error

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has."""
        return len(self._vocabulary.tokenize(text, False, False))

    def _write(self, position: int, limit: int) -> Iterator[str]:
        sampler = self._llama.LlamaSampler(self._llama.LlamaSamplerChainParams())
        sampler.add_greedy()
        tokens: list[int] = []
        shown = 0
        for step in range(limit):
            token = sampler.sample(self._context, -1)
            if self._vocabulary.is_eog(token):
                break
            if self._vocabulary.is_control(token) and (tag := self._vocabulary.get_text(token)) in thinking.CONTROL:
                yield self._vocabulary.detokenize(tokens)[shown:] + tag
                tokens, shown = [], 0
                self._decode([token], position + step)
                continue
            tokens.append(token)
            # All of it every time: alone, a token loses its leading space, and a character may be spread over several.
            text = self._vocabulary.detokenize(tokens)
            if not text.endswith("\ufffd"):
                yield text[shown:]
                shown = len(text)
            self._decode([token], position + step)
        if rest := self._vocabulary.detokenize(tokens)[shown:]:
            yield rest

    def _decode(self, tokens: Sequence[int], start: int) -> None:
        batch = self._llama.LlamaBatch(n_tokens=len(tokens), embd=0, n_seq_max=1)
        for i, token in enumerate(tokens):
            batch.add(token, start + i, [0], i == len(tokens) - 1)
        self._context.decode(batch)

    def _tokens(self, messages: Sequence[Message]) -> tuple[list[int], str]:
        """Return the prompt's tokens and the tag of a thought it ends with, or "". Only the template's own control
        tokens are control tokens: a lecture that contains "<|im_end|>" is read as those characters.
        """
        llama = self._llama
        marked = [llama.LlamaChatMessage(message.role, _MARK) for message in messages]
        template = self._model.chat_apply_template(self._model.get_default_chat_template(), marked, True)
        between = template.split(_MARK)
        if len(between) != len(messages) + 1:
            raise ChatError(f"the chat template of model {self.name} is not one lecta can fill")
        tokens: list[int] = list(self._vocabulary.tokenize(between[0], True, True))
        for message, after in zip(messages, between[1:], strict=True):
            tokens += self._vocabulary.tokenize(message.content, False, False)
            tokens += self._vocabulary.tokenize(after, False, True)
        return tokens, thinking.opened_by(between[-1])

    def _new_context(self, threads: int) -> Any:
        parameters = self._llama.LlamaContextParams()
        parameters.n_ctx = self._context_tokens
        parameters.n_batch = parameters.n_ubatch = _READ_AT_ONCE
        parameters.n_threads = parameters.n_threads_batch = threads
        return self._llama.LlamaContext(self._model, parameters)
