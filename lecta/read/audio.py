"""A recording's sound: decoded by FFmpeg (PyAV) as a stream, cut into windows of about a minute at silence.

The windows depend on the sound alone, so a transcription that was interrupted cuts the same ones when it goes on.
Memory is one window, whatever the length of the recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lecta.errors import ReadError, first_line

if TYPE_CHECKING:
    import av

Samples = npt.NDArray[np.int16]
"""One channel at `RATE`, shape (n,)."""

RATE = 16_000
"""Samples a second, as Whisper was trained."""

# Only containers of recordings: FFmpeg would also open playlists and scripts, whatever the suffix, and those name
# other files and addresses to fetch.
_DEMUXERS = "mov,matroska,webm,mp3,wav,w64,flac,ogg,aac,avi,mpegts,asf,aiff,caf,amr"
_GAP = 0.2
"""Seconds: timestamps jitter by less than this; a larger jump is a pause of the recorder and is kept as silence."""
_LONGEST_GAP = 6 * 3600
_MOST = 24 * 3600
"""Seconds of sound taken from one file; a bomb of nothing but timestamps could claim years."""
_SHORTEST, _LONGEST = 45, 75
"""Seconds a window may last."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the recording that starts `start` seconds into it."""

    index: int
    start: float
    samples: Samples

    @property
    def end(self) -> float:
        """Seconds into the recording."""
        return self.start + len(self.samples) / RATE


@dataclass(slots=True)
class Recording:
    """An opened media file; `warnings` fills while the sound is read."""

    path: Path
    duration: float | None = None
    """Seconds, as the file says; None where it does not (a browser's recording). Only for progress."""
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the file once, so that a file which is no recording fails here."""
        with _opened(self.path) as (container, _):
            self.duration = container.duration / 1_000_000 if container.duration else None

    def windows(self) -> Iterator[Window]:
        """Yield the windows of the sound. Raises `ReadError` when there is none."""
        end = 0.0
        for window in cut_windows(self._blocks()):
            end = window.end
            if end > _MOST:
                raise ReadError("the recording lasts more than 24 hours")
            yield window
        if not end:
            raise ReadError("the audio track is empty or damaged: no sound could be decoded")
        if self.duration and end < 0.98 * self.duration - 1:
            self.warnings.append(f"only {end:.0f} of {self.duration:.0f} seconds of sound could be decoded")

    def _blocks(self) -> Iterator[Samples]:
        """Yield decoded sound, each block where its timestamp puts it."""
        import av

        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        position = 0
        with _opened(self.path) as (container, stream):
            origin = (container.start_time or 0) / 1_000_000
            for frame in self._frames(container, stream):
                at = None if frame.time is None else frame.time - origin
                gap = 0.0 if at is None else at - position / RATE
                frame.pts = None
                if _GAP < gap < _LONGEST_GAP:
                    for silence in _silence(round(gap * RATE)):
                        position += len(silence)
                        yield silence
                for block in map(_block, resampler.resample(frame)):
                    position += len(block)
                    yield block
            yield from map(_block, resampler.resample(None))

    def _frames(self, container: av.container.InputContainer, stream: Any) -> Iterator[Any]:
        """Yield the frames that decode; damaged packets are left out, and a file broken off is read up to there."""
        import av

        damaged = 0
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except (av.FFmpegError, OSError):
                break  # broken off; `windows` says how much is missing
            try:
                yield from packet.decode()
            except (av.FFmpegError, ValueError):
                damaged += 1
        if damaged:
            self.warnings.append(f"{damaged} damaged pieces of sound were left out")


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a media file and its audio track. Raises `ReadError` when it is no recording or has no sound."""
    av = need_av()
    with path.open("rb"):  # an OSError that says why, before FFmpeg's
        pass
    try:
        container = av.open(str(path), options={"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"})
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or first_line(error, 100)
        raise ReadError(f"not a recording that FFmpeg can read, or one broken off ({reason})") from error
    with container:
        streams = container.streams.audio
        if not streams:
            raise ReadError("the recording has no audio track")
        if streams[0].codec_context is None:
            raise ReadError("the audio track is in a format FFmpeg cannot decode")
        yield container, streams[0]


def need_av() -> Any:
    """Return PyAV. Raises `ReadError` with the command that installs it."""
    try:
        import av
        import av.error
    except ImportError as error:
        raise ReadError("recordings need faster-whisper: python -m pip install faster-whisper") from error
    return av


def cut_windows(blocks: Iterable[Samples], shortest: float = _SHORTEST, longest: float = _LONGEST) -> Iterator[Window]:
    """Yield windows of `shortest` to `longest` seconds, cut where it is quietest; the last one may be shorter."""
    pending: list[Samples] = []
    held = begin = index = 0
    low, high = int(shortest * RATE), int(longest * RATE)
    for block in blocks:
        pending.append(block)
        held += len(block)
        while held >= high:
            sound = np.concatenate(pending)
            at = low + quietest(sound[low:high])
            yield Window(index, begin / RATE, sound[:at])
            index, begin = index + 1, begin + at
            pending, held = [sound[at:]], held - at
    if held:
        yield Window(index, begin / RATE, np.concatenate(pending))


def quietest(samples: Samples) -> int:
    """Return the sample in the middle of the quietest 0.4 s, counted in steps of 20 ms.

    Where several are as quiet (digital silence), the one nearest the middle.
    """
    frame = RATE // 50
    count = len(samples) // frame
    span = min(20, count)
    if not span:
        return len(samples) // 2
    power = np.square(samples[: count * frame].reshape(count, frame).astype(np.float64)).mean(axis=1)
    mean = np.convolve(power, np.ones(span) / span, mode="valid")
    candidates = np.flatnonzero(mean <= mean.min() + 1)  # 1: rounding of a 16-bit sample
    nearest = candidates[np.abs(candidates - len(mean) / 2).argmin()]
    return int(nearest + span // 2) * frame


def _block(frame: Any) -> Samples:
    return np.asarray(frame.to_ndarray(), dtype=np.int16).reshape(-1)


def _silence(count: int) -> Iterator[Samples]:
    for start in range(0, count, RATE):
        yield np.zeros(min(RATE, count - start), dtype=np.int16)
