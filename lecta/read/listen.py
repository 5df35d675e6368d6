"""Whisper through faster-whisper: a window of sound to words with times.

Greedy decoding at temperature 0 without the text before it: the words of a window depend on its sound alone, so that
an interrupted transcription and a whole one agree. Whisper's usual way out of a repetition loop, sampling at higher
temperatures, is random; a second greedy pass that forbids repeats takes its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lecta.errors import ModelError, ReadError, first_line
from lecta.read.audio import Samples
from lecta.read.cues import Word

FILES = ("config.json", "model.bin", "tokenizer.json")
"""What a model's folder must hold; without tokenizer.json faster-whisper would ask the network for one."""

_LOOP = 2.4
"""Compression ratio of text above which Whisper's authors call it a repetition loop (openai-whisper's default)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The words of one window, with seconds from its start."""

    words: tuple[Word, ...]
    language: str
    """As given or, with `confidence` 0..1, as detected; "" where nobody speaks."""
    confidence: float


class Listener(Protocol):
    """What a transcription needs of a speech model."""

    @property
    def name(self) -> str:
        """Tells models apart: work saved by one is not continued by another."""

    def hear(self, samples: Samples, language: str) -> Heard:
        """Return the words in one window; `language` is a code such as "en", or "" to detect it."""


class FasterWhisper:
    """A Whisper model in CTranslate2's format, loaded when the first window comes."""

    def __init__(self, folder: Path, *, threads: int = 0, beam: int = 1, device: str = "cpu") -> None:
        """Take the model's folder; `threads` 0 is CTranslate2's choice. Raises `ModelError` for a folder without it.

        `beam` 5 makes a tenth fewer word errors (10.9 % for 11.9 % of synthesised speech) in 1.6 times the time.
        """
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise ModelError(f"no speech model in {folder}: {', '.join(missing)} is missing")
        self._folder = folder
        self._threads = threads
        self._beam = beam
        self._device = device
        self._model: Any = None

    @property
    def name(self) -> str:
        """The folder's name, the size of its weights, and how they are used."""
        return f"{self._folder.name}/{(self._folder / 'model.bin').stat().st_size}/int8/beam{self._beam}"

    def hear(self, samples: Samples, language: str) -> Heard:
        """Return the words in one window of sound."""
        sound = samples.astype(np.float32) / 32768.0
        words, ratio, info = self._transcribe(sound, language)
        if ratio > _LOOP:
            again, again_ratio, _ = self._transcribe(sound, language, no_repeat_ngram_size=4, repetition_penalty=1.1)
            words = again if again_ratio < ratio else words
        found = info.language if words else ""
        return Heard(tuple(words), language or found, 1.0 if language else float(info.language_probability))

    def _transcribe(self, sound: Any, language: str, **options: Any) -> tuple[list[Word], float, Any]:
        """Return words, the worst compression ratio and faster-whisper's notes on the language."""
        segments, info = self._loaded().transcribe(
            sound,
            language=language or None,
            beam_size=self._beam,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=True,  # Silero's model is inside faster-whisper; without it Whisper writes words over silence
            **options,
        )
        words: list[Word] = []
        worst = 0.0
        for segment in segments:
            worst = max(worst, segment.compression_ratio)
            words += [Word(float(word.start), float(word.end), word.word) for word in segment.words or ()]
        return in_bounds(words, len(sound) / 16_000), worst, info

    def _loaded(self) -> Any:
        if self._model is None:
            try:
                from faster_whisper import WhisperModel
            except ImportError as error:
                raise ReadError("recordings need faster-whisper: python -m pip install faster-whisper") from error
            try:
                self._model = WhisperModel(
                    str(self._folder), device=self._device, compute_type="int8", cpu_threads=self._threads
                )
            except (RuntimeError, ValueError, OSError) as error:
                raise ModelError(f"the speech model in {self._folder} cannot be loaded: {first_line(error)}") from error
        return self._model


def in_bounds(words: Sequence[Word], length: float) -> list[Word]:
    """Return words with 0 <= start <= end <= length and no start before the last; alignment slips now and then."""
    true: list[Word] = []
    earliest = 0.0
    for word in words:
        earliest = min(max(earliest, word.start), length)
        true.append(Word(round(earliest, 3), round(min(max(earliest, word.end), length), 3), word.text))
    return true
