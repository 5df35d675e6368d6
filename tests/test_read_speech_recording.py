"""Recordings: true times, work that survives a kill, and reasons for files that are none."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import jiwer
import numpy as np
import pytest

from lecta import Library
from lecta.errors import ModelError, ReadError
from lecta.read import recording, subtitles
from lecta.read.audio import RATE, Recording, Samples, cut_windows, quietest
from lecta.read.cues import Word
from lecta.read.listen import FasterWhisper, Heard, in_bounds
from lecta.read.transcribe import Progress, transcribe, web_vtt
from lecta.settings import load
from tests.conftest import LetterEmbedder

av = pytest.importorskip("av")


def tone(seconds: float, loud: int = 8000) -> Samples:
    at = np.arange(round(seconds * RATE)) / RATE
    return (loud * np.sin(2 * np.pi * 220 * at)).astype(np.int16)


def write_wav(path: Path, samples: Samples) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, len(samples), "NONE", "not compressed"))
        file.writeframes(samples.tobytes())
    return path


def encode(path: Path, codec: str, samples: Samples, rate: int = 48_000, jump: float = 0.0) -> Path:
    """Write sound in another format; `jump` leaves out so many seconds of time in the middle, as recorders do."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        resampler = av.AudioResampler(format=stream.format.name, layout="mono", rate=rate, frame_size=960)
        source = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        source.sample_rate = RATE
        done = 0
        for frame in [*resampler.resample(source), *resampler.resample(None)]:
            frame.pts = done + (round(jump * rate) if done > rate * len(samples) / RATE / 2 else 0)
            done += frame.samples
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


class Loudness:
    """A listener that hears one word in each second that is loud: a model small enough to be checked by hand."""

    name = "loudness"

    def __init__(self) -> None:
        self.heard = 0

    def hear(self, samples: Samples, language: str) -> Heard:
        self.heard += 1
        seconds = len(samples) // RATE
        loud = [n for n in range(seconds) if np.abs(samples[n * RATE : (n + 1) * RATE].astype(int)).mean() > 1000]
        return Heard(tuple(Word(n + 0.1, n + 0.9, f" word{n}.") for n in loud), language or "en", 0.9)


def test_windows_are_cut_at_silence_and_lose_nothing() -> None:
    sound = np.concatenate([tone(50), tone(1, loud=0), tone(70), tone(0.6, loud=3), tone(30)])
    blocks = [sound[at : at + 7001] for at in range(0, len(sound), 7001)]
    windows = list(cut_windows(blocks))
    assert len(windows) == 3
    assert 50.2 <= windows[0].end <= 50.8
    assert 121.2 <= windows[1].end <= 121.4
    assert np.array_equal(np.concatenate([window.samples for window in windows]), sound)
    assert [window.start for window in windows] == [0.0, *(window.end for window in windows[:-1])]


def test_the_quietest_moment_nearest_the_middle() -> None:
    assert abs(quietest(np.zeros(30 * RATE, dtype=np.int16)) - 15 * RATE) <= RATE // 25
    assert quietest(np.zeros(10, dtype=np.int16)) == 5


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp3", "libmp3lame"), ("a.m4a", "aac"), ("a.mp4", "aac"), ("a.mkv", "libopus"), ("a.webm", "libopus"),
     ("a.flac", "flac"), ("a.wav", "pcm_s16le")],
)  # fmt: skip
def test_formats(tmp_path: Path, name: str, codec: str) -> None:
    path = encode(tmp_path / name, codec, np.concatenate([tone(2), tone(2, loud=0), tone(2)]))
    document = recording.read(path, model=Loudness(), transcripts=tmp_path / "transcripts")
    assert document.text.split() == ["word0.", "word1.", "word4.", "word5."]
    assert document.sections[2].start_time == 4.1
    assert document.reader == recording.NAME


def test_a_pause_of_the_recorder_is_kept(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", "libopus", tone(4), jump=100)
    document = recording.read(path, model=Loudness(), transcripts=tmp_path)
    starts = [section.start_time for section in document.sections]
    assert starts[1] == 1.1
    assert starts[-1] == pytest.approx(103.1, abs=0.6)


def test_timestamps_that_claim_years_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lecta.read.audio._MOST", 200)
    path = encode(tmp_path / "a.mkv", "libopus", tone(4), jump=10_000)
    listener = Loudness()
    with pytest.raises(ReadError, match="24 hours"):
        recording.read(path, model=listener, transcripts=tmp_path)
    assert listener.heard <= 4


def test_bad_files_have_a_reason(tmp_path: Path) -> None:
    def reason(name: str, content: bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ReadError) as caught:
            recording.read(path, model=Loudness(), transcripts=tmp_path)
        assert "\n" not in caught.value.reason
        assert not list(tmp_path.glob("*.partial.jsonl"))
        return caught.value.reason

    whole = encode(tmp_path / "a.mp4", "aac", tone(4)).read_bytes()
    assert "not a recording" in reason("text.mp3", b"A letter to a friend.\n" * 100)
    assert "not a recording" in reason("nothing.mp3", b"")
    assert "not a recording" in reason("half.mp4", whole[: len(whole) // 2])
    assert "not a recording" in reason("noise.mkv", np.random.default_rng(0).bytes(50_000))
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n"
    assert "not a recording" in reason("playlist.mp4", playlist)
    (tmp_path / "mute.wav").write_bytes(b"")
    write_wav(tmp_path / "mute.wav", np.zeros(0, dtype=np.int16))
    assert "no sound" in reason("mute2.wav", (tmp_path / "mute.wav").read_bytes())


def test_a_film_without_sound(tmp_path: Path) -> None:
    path = tmp_path / "mute.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            picture = np.zeros((64, 64, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    with pytest.raises(ReadError, match="no audio track"):
        recording.read(path, model=Loudness(), transcripts=tmp_path)


def test_a_recording_broken_off_is_read_to_there_and_says_so(tmp_path: Path) -> None:
    whole = encode(tmp_path / "a.mkv", "libopus", tone(20)).read_bytes()
    path = tmp_path / "half.mkv"
    path.write_bytes(whole[: len(whole) // 2])
    for _ in range(2):  # the second time from the transcript that was kept
        document = recording.read(path, model=Loudness(), transcripts=tmp_path)
        assert 5 <= len(document.sections) <= 12
        assert re.fullmatch(r"only \d+ of 20 seconds of sound could be decoded", document.warnings[0])


def test_silence_is_no_speech(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "silence.wav", tone(3, loud=0))
    with pytest.raises(ReadError, match="no speech was heard"):
        recording.read(path, model=Loudness(), transcripts=tmp_path)


def test_nothing_is_transcribed_twice(tmp_path: Path) -> None:
    listener = Loudness()
    path = write_wav(tmp_path / "talk.wav", tone(3))
    first = recording.read(path, model=listener, transcripts=tmp_path / "t")
    again = recording.read(path.rename(tmp_path / "renamed.wav"), model=listener, transcripts=tmp_path / "t")
    assert first == again
    assert listener.heard == 1
    assert [file.suffix for file in (tmp_path / "t").iterdir()] == [".vtt"]


def test_progress_knows_the_end(tmp_path: Path) -> None:
    seen: list[Progress] = []
    path = write_wav(tmp_path / "talk.wav", tone(130))
    transcribe(path, tmp_path / "talk.vtt", Loudness(), progress=seen.append)
    assert [step.total for step in seen] == [130.0, 130.0]
    assert [step.done for step in seen] == sorted(step.done for step in seen)
    assert seen[-1].done == 130.0
    assert seen[-1].left == pytest.approx(0.0, abs=1e-6)


def test_without_a_model_the_error_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.bin, tokenizer.json"):
        FasterWhisper(tmp_path)
    with pytest.raises(ReadError, match="none was given"):
        recording.read(write_wav(tmp_path / "talk.wav", tone(1)))


@pytest.mark.parametrize("module", ["av", "faster_whisper"])
def test_a_missing_library_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    path = write_wav(tmp_path / "talk.wav", tone(1))
    for name in ("config.json", "model.bin", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ReadError, match="python -m pip install faster-whisper"):
        recording.read(path, model=tmp_path, transcripts=tmp_path)


def test_a_damaged_model_is_a_model_error(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    path = write_wav(tmp_path / "talk.wav", tone(1))
    for name in ("config.json", "model.bin", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(ModelError, match="cannot be loaded"):
        recording.read(path, model=tmp_path, transcripts=tmp_path)


class Looping:
    """Stands where faster-whisper's model does: it repeats itself until repeats are forbidden."""

    def transcribe(self, sound: object, **options: object) -> tuple[list[SimpleNamespace], SimpleNamespace]:
        freed = "no_repeat_ngram_size" in options
        words = [SimpleNamespace(start=n, end=n + 1, word=" so") for n in range(1 if freed else 30)]
        segment = SimpleNamespace(compression_ratio=1.0 if freed else 9.0, words=words)
        return [segment], SimpleNamespace(language="en", language_probability=0.9)


def test_a_repetition_loop_is_heard_again(tmp_path: Path) -> None:
    for name in ("config.json", "model.bin", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"")
    listener = FasterWhisper(tmp_path)
    listener._model = Looping()
    assert listener.hear(tone(40), "") == Heard((Word(0.0, 1.0, " so"),), "en", 0.9)


def test_words_are_put_inside_their_window() -> None:
    words = [Word(-0.1, 0.5, " a"), Word(0.4, 0.3, " b"), Word(0.2, 9.0, " c")]
    assert in_bounds(words, 2.0) == [Word(0.0, 0.5, " a"), Word(0.4, 0.4, " b"), Word(0.4, 2.0, " c")]


def test_a_transcript_reads_back_with_any_words(tmp_path: Path) -> None:
    words = [Word(1.0, 1.5, " x"), Word(1.5, 2.0, " --> <b>&amp;"), Word(2.0, 2.5, " y."), Word(9.0, 9.5, "\n\nNOTE z")]
    path = tmp_path / "talk.vtt"
    path.write_text(web_vtt(words, notes=["a --> b\n\n00:00.000 --> 00:09.000"]), encoding="utf-8")
    document = subtitles.read(path)
    assert document.text == "x --> <b>&amp; y.\nNOTE z"
    assert [(s.start_time, s.end_time) for s in document.sections] == [(1.0, 2.5), (9.0, 9.5)]


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_read_speech_recording import Loudness
from lecta.read.transcribe import transcribe

class Slow(Loudness):
    def hear(self, samples, language):
        time.sleep(0.3)
        return super().hear(samples, language)

transcribe(Path({media!r}), Path({output!r}), Slow())
"""


def test_killed_half_way_it_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    sound = np.concatenate([part for n in range(60) for part in (tone(9 + n % 3), tone(1, loud=n))])
    media = write_wav(tmp_path / "talk.wav", sound)
    whole = transcribe(media, tmp_path / "whole.vtt", Loudness()).read_bytes()
    windows = len(list(Recording(media).windows()))

    output = tmp_path / "killed.vtt"
    partial = tmp_path / "killed.vtt.partial.jsonl"
    code = KILLED.format(tests=str(Path(__file__).parent), media=str(media), output=str(output))
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while not (partial.exists() and partial.read_bytes().count(b"\n") > windows // 2):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not output.exists()

    with partial.open("ab") as file:
        file.write(b'{"index": 999, "wor')  # what a kill in the middle of a line leaves
    listener = Loudness()
    assert transcribe(media, output, listener).read_bytes() == whole
    assert 0 < listener.heard < windows
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed.vtt", "talk.wav", "whole.vtt"]


def test_work_on_another_recording_is_not_continued(tmp_path: Path) -> None:
    partial = tmp_path / "talk.vtt.partial.jsonl"
    partial.write_text(
        '{"recipe": "another"}\n{"index": 0, "words": [[0, 1, "wrong"]], "language": "", "confidence": 1}\n'
    )
    text = transcribe(write_wav(tmp_path / "talk.wav", tone(2)), tmp_path / "talk.vtt", Loudness()).read_text()
    assert "wrong" not in text
    assert not partial.exists()


SCRIPT = (
    "The derivative of a function tells how fast it changes. "
    "Where the slope is zero, the function may have a minimum. "
    "A neural network is trained by following the gradient downhill. "
    "Each step is small, because the slope is true only near the point where we stand."
)


@pytest.mark.slow
def test_synthesised_speech_is_heard(tmp_path: Path, speak: Callable[[str, Path], Path], whisper_folder: Path) -> None:
    path = speak(SCRIPT, tmp_path / "talk.wav")
    document = recording.read(path, model=whisper_folder, transcripts=tmp_path)
    assert word_errors(SCRIPT, document.text) < 0.15
    assert len(document.sections) >= 4
    length = Recording(path).duration
    assert length is not None
    assert all(0 <= (section.end_time or 0) <= length + 0.1 for section in document.sections)


@pytest.mark.slow
def test_a_recording_is_added_and_found_by_the_minute(
    tmp_path: Path, speak: Callable[[str, Path], Path], whisper_folder: Path, letters: LetterEmbedder
) -> None:
    folder = tmp_path / "lectures"
    folder.mkdir()
    talk = speak(SCRIPT, folder / "lecture-04-recording.wav")
    settings = load(models=whisper_folder.parent)
    library = Library(tmp_path / "library", settings=settings, embedder=letters)
    where: list[str] = []
    (report,) = library.add([folder], on_heard=lambda path, at: where.append(at)).files
    assert (report.status, report.passages > 0) == ("added", True), report.reason
    assert where, "it says how far it is"
    (hit,) = library.search("Where may a function have a minimum?", 1).hits
    length = Recording(talk).duration
    assert length is not None
    assert (hit.passage.kind, hit.passage.lecture) == ("speech", 4)
    assert hit.passage.start_time is not None
    assert hit.passage.end_time is not None
    assert 0 <= hit.passage.start_time < hit.passage.end_time <= length + 0.1
    assert word_errors(SCRIPT, " ".join(passage.text for passage in library.store.passages())) < 0.15

    (transcript,) = (library.path / "transcripts").glob("*.vtt")
    talk = talk.rename(folder / "lecture-04-talk.wav")
    transcript.write_bytes(transcript.read_bytes().replace(b"derivative", b"Ableitung"))
    library.remove(folder)
    assert [file.status for file in library.add([folder]).files] == ["added"]
    kept = " ".join(passage.text for passage in library.store.passages())
    assert "Ableitung" in kept, "the transcript was kept: nothing is heard twice"


def word_errors(said: str, heard: str) -> float:
    """Substitutions, insertions and deletions for each word said, without regard to case and punctuation."""
    reference, hypothesis = (" ".join(re.findall(r"[\w']+", text.lower())) for text in (said, heard))
    return float(jiwer.wer(reference, hypothesis))
