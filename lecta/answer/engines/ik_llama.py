"""ik_llama.cpp (ik-llama-cpp-python), a fork of llama.cpp with faster kernels for processors.

The wheel's bindings lack states, templates and the vocabulary's flags; those functions of llama.h are declared here.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from lecta.answer.engines import TEMPERATURE, TOP_K, TOP_P
from lecta.errors import ChatError

SPINS = 300  # on idle cores as fast as any other; on busy ones a token takes 0.12 s, and 0.4 at 20,000
_STATE = b"ik_llama"  # what a state begins with: llama.cpp ends the process over one that is not its own
_PACKAGE = "ik-llama-cpp-python"
_TEXT = ctypes.c_char_p
_POINTER, _INT, _SIZE, _BOOL = ctypes.c_void_p, ctypes.c_int32, ctypes.c_size_t, ctypes.c_bool
_LOG = ctypes.CFUNCTYPE(None, ctypes.c_int, _TEXT, _POINTER)


class _Said(ctypes.Structure):
    _fields_ = (("role", _TEXT), ("content", _TEXT))


_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "llama_chat_apply_template": (_INT, [_TEXT, ctypes.POINTER(_Said), _SIZE, _BOOL, _TEXT, _INT]),
    "llama_detokenize": (_INT, [_POINTER, ctypes.POINTER(_INT), _INT, _TEXT, _INT, _BOOL, _BOOL]),
    "llama_kv_cache_seq_pos_max": (_INT, [_POINTER, _INT]),
    "llama_kv_cache_seq_rm": (_BOOL, [_POINTER, _INT, _INT, _INT]),
    "llama_log_set": (None, [_LOG, _POINTER]),
    "llama_model_chat_template": (_TEXT, [_POINTER, _TEXT]),
    "llama_model_has_recurrent": (_BOOL, [_POINTER]),
    "llama_model_meta_val_str": (_INT, [_POINTER, _TEXT, _TEXT, _SIZE]),
    "llama_state_get_data": (_SIZE, [_POINTER, _POINTER, _SIZE]),
    "llama_state_get_size": (_SIZE, [_POINTER]),
    "llama_state_set_data": (_SIZE, [_POINTER, _POINTER, _SIZE]),
    "llama_token_get_text": (_TEXT, [_POINTER, _INT]),
    "llama_token_is_control": (_BOOL, [_POINTER, _INT]),
}


def is_installed() -> bool:
    """Tell whether there is a wheel of it here."""
    return importlib.util.find_spec("ik_llama_cpp") is not None


class IkLlama:
    """A model on ik_llama.cpp, its weights laid out for the kernels that read four rows at once."""

    at_once = 128
    shows_odds = True

    def __init__(self, path: Path, *, copy: bool = False) -> None:
        """Load a model; with `copy` its weights in the other layout are kept beside it. Raises `ChatError`."""
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":  # it would print a line of its own
                raise ChatError(f"{path} is no GGUF file")
        self._api = api = _api()
        self.identity = f"{_PACKAGE} {version(_PACKAGE)} repacked, in rows, {platform.machine()}"
        repacked = _repacked(path) if copy else None
        parameters = api.llama_model_default_params()
        parameters.n_gpu_layers = 0
        parameters.repack_tensors = repacked is None  # laid out anew each time it is loaded, in memory of its own
        parameters.use_mmap = repacked is not None
        self._model = api.llama_model_load_from_file(os.fsencode(repacked or path), parameters)
        if not self._model:
            raise ChatError(f"{path} cannot be loaded as a GGUF model by ik_llama.cpp")
        self.forgets = not api.llama_model_has_recurrent(self._model)
        # Of one token alone the kernels round otherwise, so none is ever decoded alone: a guess costs little. How a
        # mixture of experts rounds hangs on what else is in the call, and a recurrent state cannot lose a wrong guess.
        self.guesses = 5 if self.forgets and not self._experts() else 0
        self._vocabulary = api.llama_model_get_vocab(self._model)
        self._words = int(api.llama_vocab_n_tokens(self._vocabulary))

    def _experts(self) -> int:
        return int(self._metadata(f"{self._metadata('general.architecture')}.expert_count") or 0)

    def _metadata(self, key: str) -> str:
        """Return a value of the file's header, "" where there is none."""
        text = ctypes.create_string_buffer(256)
        length = self._api.llama_model_meta_val_str(self._model, key.encode(), text, len(text))
        return text.value.decode(errors="replace") if length > 0 else ""

    def __del__(self) -> None:
        """Give the model back."""
        if getattr(self, "_model", None):
            self._api.llama_free_model(self._model)

    def tokenize(self, text: str, *, beginning: bool = False, special: bool = False) -> list[int]:
        """Return a text's tokens; with `special` control tokens that are spelt out count as such."""
        content = text.encode()
        room = len(content) + 2
        tokens = (_INT * room)()
        count = self._api.llama_tokenize(self._model, content, len(content), tokens, room, beginning, special)
        return list(tokens[:count])

    def detokenize(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens, control tokens left out."""
        given = (_INT * len(tokens))(*tokens)
        return _filled(
            lambda text, room: self._api.llama_detokenize(
                self._vocabulary, given, len(tokens), text, room, False, False
            ),
            16 * len(tokens) + 64,
        )

    def control(self, token: int) -> str | None:
        """Return how a control token is spelt; None for any other."""
        if not self._api.llama_token_is_control(self._model, token):
            return None
        return str(self._api.llama_token_get_text(self._model, token).decode(errors="replace"))

    def is_end(self, token: int) -> bool:
        """Tell whether a token ends a reply."""
        return bool(self._api.llama_token_is_eog(self._model, token))

    def rendered(self, messages: Sequence[tuple[str, str]]) -> str:
        """Return a conversation in the model's own template, with the reply opened."""
        template = self._api.llama_model_chat_template(self._model, None)
        said = (_Said * len(messages))(*[_Said(role.encode(), content.encode()) for role, content in messages])
        return _filled(
            lambda text, room: self._api.llama_chat_apply_template(template, said, len(messages), True, text, room),
            sum(len(content.encode()) for _, content in messages) + 1024,
        )

    def sampler(self, seed: int) -> np.random.Generator | None:
        """Return what draws a token; None takes the likeliest."""
        return np.random.default_rng(seed) if seed else None

    def hold(self, tokens: int, threads: int) -> _Held:
        """Return an empty sequence with room for so many tokens."""
        return _Held(self, self._api, self._model, self._words, tokens, threads)


class _Held:
    def __init__(self, engine: IkLlama, api: Any, model: int, words: int, tokens: int, threads: int) -> None:
        self._engine = engine  # the model must outlive its context
        self._api, self._words = api, words
        parameters = api.llama_context_default_params()
        parameters.n_ctx = tokens + engine.guesses  # and for guesses behind the last
        parameters.n_batch = parameters.n_ubatch = engine.at_once
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.flash_attn = False  # writing is a tenth faster without, behind 1,600 tokens
        self._context = api.llama_init_from_model(model, parameters)
        if not self._context:
            raise RuntimeError(f"no memory for a context of {tokens} tokens")
        self._batch = api.llama_batch_init(engine.at_once, 0, 1)
        self._last = 0  # row of the last call that is no guess

    def __del__(self) -> None:
        if getattr(self, "_context", None):
            self._api.llama_batch_free(self._batch)
            self._api.llama_free(self._context)

    def decode(self, tokens: Sequence[int], position: int, guesses: Sequence[int] = ()) -> None:
        batch = self._batch
        rows = [*tokens, *guesses]
        alone = len(rows) == 1 and self._engine.guesses > 0
        rows += rows[:1] if alone else []
        shown = min(len(tokens) - 1, len(rows) - 2)  # of one row alone logits are rounded otherwise as well
        batch.n_tokens = len(rows)
        for i, token in enumerate(rows):
            batch.token[i], batch.pos[i] = token, position + i
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
            batch.logits[i] = i >= shown
        if failed := self._api.llama_decode(self._context, batch):
            raise RuntimeError(f"llama_decode returned {failed}")
        self._last = len(tokens) - 1
        if alone:
            self.forget(position + 1)

    def sample(self, sampler: np.random.Generator | None, guessed: int = 0) -> int:
        logits = self._logits(guessed)
        return int(logits.argmax()) if sampler is None else drawn(logits, sampler)

    def log_odds(self, one: int, other: int) -> float | None:
        logits = self._logits(0)
        return float(logits[one] - logits[other])

    def _logits(self, guessed: int) -> npt.NDArray[np.float32]:
        row = self._api.llama_get_logits_ith(self._context, self._last + guessed)
        return np.ctypeslib.as_array(row, (self._words,))

    def forget(self, position: int) -> bool:
        if position and not self._engine.forgets:  # the call itself says that it did
            return False
        return bool(self._api.llama_kv_cache_seq_rm(self._context, 0, position, -1))

    def clear(self) -> None:
        self._api.llama_kv_cache_clear(self._context)

    def state(self) -> bytes:
        # That of the whole context, which is one sequence: loading one of a sequence fails an assertion in 0.1.5
        size = self._api.llama_state_get_size(self._context)
        room = ctypes.create_string_buffer(size)
        written = self._api.llama_state_get_data(self._context, room, size)
        return _STATE + room.raw[:written]

    def load(self, state: bytes | memoryview) -> int:
        content = np.frombuffer(state, np.uint8)[len(_STATE) :]  # no copy: 60 MB
        ours = state[: len(_STATE)] == _STATE
        if not ours or not self._api.llama_state_set_data(self._context, content.ctypes.data, len(content)):
            raise ValueError("the state is none of this engine")
        return int(self._api.llama_kv_cache_seq_pos_max(self._context, 0)) + 1


def drawn(logits: npt.NDArray[np.float32], generator: np.random.Generator) -> int:
    """Draw a token of the 40 likeliest, those that make up 0.9, at temperature 0.7.

    Nucleus sampling: Holtzman et al. 2020, arXiv 1904.09751.
    """
    best = np.argpartition(logits, -TOP_K)[-TOP_K:]
    best = best[np.argsort(-logits[best], kind="stable")]
    weights = np.exp(logits[best].astype(np.float64) - float(logits[best[0]]))
    before = np.cumsum(weights) - weights
    kept = before < TOP_P * weights.sum()
    warmed = weights[kept] ** (1 / TEMPERATURE)
    return int(generator.choice(best[kept], p=warmed / warmed.sum()))


def _filled(write: Callable[[Any, int], int], room: int) -> str:
    """Return the text that a function of C writes, asked again where there was too little room."""
    for _ in range(2):
        text = ctypes.create_string_buffer(room)
        length = write(text, room)
        if 0 <= length <= room:
            return text.raw[:length].decode(errors="replace")
        room = abs(length) + 1
    raise ChatError("the model's own chat template is not one ik_llama.cpp knows")


_SILENCE = _LOG(lambda level, text, data: None)  # takes the log's lines; llama.cpp keeps its address


def _api() -> Any:
    """Return the wheel's bindings with the functions declared that are missing there."""
    from ik_llama_cpp import _ctypes_api as api

    if not hasattr(api, "llama_log_set"):
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(api._lib, name)
            function.restype, function.argtypes = result, arguments
            setattr(api, name, function)
        api.llama_log_set(_SILENCE, None)
        api.llama_backend_init()
    return api


# --- the weights in the layout of the kernels -------------------------------------------------------------------------


def _repacked(path: Path) -> Path | None:
    """Return a copy of a file with the weights laid out anew, mapped as the file itself would be.

    It is made once beside the file, 3 s for 1.1 GB; None where there is no room, or none may write.
    """
    ours = path.parent / f".{path.stem}.{version(_PACKAGE)}.gguf"
    if ours.is_file() and ours.stat().st_mtime_ns >= path.stat().st_mtime_ns:
        return ours
    if not path.is_file() or not os.access(path.parent, os.W_OK):
        return None
    with FileLock(ours.with_suffix(".lock")), contextlib.suppress(OSError, subprocess.SubprocessError):
        if ours.is_file() and ours.stat().st_mtime_ns >= path.stat().st_mtime_ns:  # another process made it
            return ours
        if shutil.disk_usage(path.parent).free > 2 * path.stat().st_size:
            for old in path.parent.glob(f".{path.stem}.*"):  # of another version, or half made
                if old.suffix != ".lock":
                    old.unlink()
            _repack(path, ours)
    return ours if ours.is_file() else None


def _repack(path: Path, into: Path) -> None:
    """Lay out a file's weights anew; they are the same numbers."""
    from ik_llama_cpp import find_quantize_bin

    if (program := find_quantize_bin()) is None:
        return
    scratch = into.with_suffix(".part")
    # The type is that of tensors which --repack leaves; it changes none that are quantised already.
    subprocess.run([program, "--repack", path, scratch, "Q4_K_M"], check=True, capture_output=True, timeout=600)
    scratch.replace(into)
