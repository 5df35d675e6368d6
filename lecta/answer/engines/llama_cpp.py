"""llama.cpp (cyllama)."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lecta.answer.engines import TEMPERATURE, TOP_K, TOP_P
from lecta.errors import ChatError, first_line

SPINS = 20_000  # sleeping at once makes threads 1.6 times slower on idle cores


class LlamaCpp:
    """A model on llama.cpp."""

    at_once = 64  # the fastest of 32, 64, 128 and 512: 50 token/s, against 43 at 512
    shows_odds = False  # its logits cannot be had in 0.2.18
    guesses = 0  # two rows cost 1.75 to 1.9 times one, and from four on they are rounded otherwise

    def __init__(self, path: Path) -> None:
        """Load a model. Raises `ChatError`."""
        import cyllama.llama.llama_cpp as llama

        llama.disable_logging()
        self._llama = llama
        self.identity = f"cyllama {version('cyllama')} {llama.ggml_version()} {platform.machine()}"
        parameters = llama.LlamaModelParams()
        parameters.n_gpu_layers = 0
        try:
            self._model = llama.LlamaModel(str(path), parameters)
        except (ValueError, RuntimeError) as error:
            raise ChatError(f"{path} cannot be loaded as a GGUF model ({first_line(error)})") from error
        self._vocabulary = self._model.get_vocab()

    def tokenize(self, text: str, *, beginning: bool = False, special: bool = False) -> list[int]:
        """Return a text's tokens; with `special` control tokens that are spelt out count as such."""
        return list(self._vocabulary.tokenize(text, beginning, special))

    def detokenize(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens, control tokens left out."""
        return str(self._vocabulary.detokenize(list(tokens)))

    def control(self, token: int) -> str | None:
        """Return how a control token is spelt; None for any other."""
        return str(self._vocabulary.get_text(token)) if self._vocabulary.is_control(token) else None

    def is_end(self, token: int) -> bool:
        """Tell whether a token ends a reply."""
        return bool(self._vocabulary.is_eog(token))

    def rendered(self, messages: Sequence[tuple[str, str]]) -> str:
        """Return a conversation in the model's own template, with the reply opened."""
        said = [self._llama.LlamaChatMessage(role, content) for role, content in messages]
        return str(self._model.chat_apply_template(self._model.get_default_chat_template(), said, True))

    def sampler(self, seed: int) -> Any:
        """Return what takes the likeliest token (seed 0) or draws one near it by a seed."""
        sampler = self._llama.LlamaSampler(self._llama.LlamaSamplerChainParams())
        if not seed:
            sampler.add_greedy()
            return sampler
        sampler.add_top_k(TOP_K)
        sampler.add_top_p(TOP_P, 1)
        sampler.add_temp(TEMPERATURE)
        sampler.add_dist(seed)
        return sampler

    def hold(self, tokens: int, threads: int) -> _Held:
        """Return an empty sequence with room for so many tokens."""
        parameters = self._llama.LlamaContextParams()
        parameters.n_ctx = tokens
        parameters.n_batch = parameters.n_ubatch = self.at_once
        parameters.n_threads = parameters.n_threads_batch = threads
        return _Held(self._llama, self._llama.LlamaContext(self._model, parameters))


class _Held:
    def __init__(self, llama: Any, context: Any) -> None:
        self._llama, self._context = llama, context

    def decode(self, tokens: Sequence[int], position: int, guesses: Sequence[int] = ()) -> None:
        batch = self._llama.LlamaBatch(n_tokens=len(tokens), embd=0, n_seq_max=1)
        for i, token in enumerate(tokens):
            batch.add(token, position + i, [0], i == len(tokens) - 1)
        self._context.decode(batch)

    def sample(self, sampler: Any, guessed: int = 0) -> int:
        # `LlamaContext.get_logits_ith` is broken in 0.2.18
        return int(sampler.sample(self._context, -1))

    def log_odds(self, one: int, other: int) -> float | None:
        return None

    def forget(self, position: int) -> bool:
        return bool(self._context.memory_seq_rm(0, position, -1))

    def clear(self) -> None:
        self._context.kv_cache_clear()

    def state(self) -> bytes:
        return bytes(self._context.get_state_seq_data(0))

    def load(self, state: bytes | memoryview) -> int:
        self._context.set_state_seq_data(bytes(state), 0)
        return int(self._context.memory_seq_pos_max(0)) + 1
