"""The worker: what it reads is what the reader reads, and it outlives what kills its process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lecta import read
from lecta.clean.alone import Cleaned
from lecta.cli.shared import library_of
from lecta.errors import ReadError
from lecta.intake import AFTER_READING
from lecta.opening import readers_ahead
from lecta.read.limits import Worker
from lecta.settings import Settings, load

BAD_READER = """
import os, time
from pathlib import Path
from lecta.read.beats import beat
from lecta.types import Document
NAME, SUFFIXES = "bad/1", frozenset({".pdf"})
def read(path: Path) -> Document:
    print("noise on stdout")
    if path.stem == "slow":
        for page in range(14):
            beat(f"page {page}")
            time.sleep(0.4)
    if path.stem == "hang":
        time.sleep(60)
    if path.stem == "crash":
        os.abort()
    if path.stem == "greedy":
        keep = [bytearray(10_000_000) for _ in range(1000)]
    if path.stem == "wrong":
        raise KeyError("page")
    return Document("ok", (), "slides", NAME)
"""


@pytest.fixture
def bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files for a reader that does everything wrong, put in the place of the PDF reader."""
    (tmp_path / "sitecustomize_bad.py").write_text(BAD_READER, encoding="utf-8")
    hook = "import sys, importlib; sys.modules['lecta.read.pdf'] = importlib.import_module('sitecustomize_bad')"
    (tmp_path / "sitecustomize.py").write_text(f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{hook}\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(read.__file__).parents[2]}")
    for name in ("slow", "hang", "crash", "greedy", "wrong", "good"):
        (tmp_path / f"{name}.pdf").write_text("x")
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="signals and RLIMIT_DATA are POSIX")
def test_it_outlives_hangs_crashes_and_greed(bad: Path) -> None:
    heard: list[str] = []
    with Worker(seconds=5, megabytes=256) as worker:
        with pytest.raises(ReadError, match=r"hung at the start and was stopped after [0-9.]+ s"):
            worker.read(bad / "hang.pdf")
        with pytest.raises(ReadError, match="crashed at the start"):
            worker.read(bad / "crash.pdf")
        if sys.platform == "linux":
            with pytest.raises(ReadError, match="ran out of memory"):
                worker.read(bad / "greedy.pdf")
        with pytest.raises(ReadError, match="its reader failed"):
            worker.read(bad / "wrong.pdf")
        assert worker.read(bad / "slow.pdf", heard.append).text == "ok", "5.6 s, but a sign of life every 0.4 s"
        assert heard == [f"page {page}" for page in range(14)]
        assert worker.read(bad / "good.pdf").text == "ok"


def test_a_whole_file_has_a_limit_too(bad: Path) -> None:
    with Worker(seconds=4.0, most_seconds=4.5) as worker, pytest.raises(ReadError, match=r"not read in 4\.5 s"):
        worker.read(bad / "slow.pdf")


def test_the_same_document_as_in_this_process(tmp_path: Path) -> None:
    path = tmp_path / "näme with spaces.md"
    path.write_text("# A\n\nwörds\n\n# B\n\nmore\n", encoding="utf-8")
    with Worker() as worker:
        assert worker.read(path) == read.read(path)
        path.write_text("", encoding="utf-8")
        with pytest.raises(ReadError, match="the file is empty"):
            worker.read(path)
        assert worker._process is not None
        worker._process.kill()
        worker._process.wait()
        path.write_text("# C\n", encoding="utf-8")
        assert worker.read(path).text.strip() == "C"


def test_processes_started_ahead_read_the_files(lectures: Path) -> None:
    workers = readers_ahead(Settings())
    begun = [worker._process for worker in workers]
    assert all(process is not None and process.poll() is None for process in begun)
    path = sorted(lectures.rglob("*.md"))[0]
    with read.Reading(read.Options(after=AFTER_READING, begun=workers)) as reading:
        found = reading.read(path)
        assert [worker._process for worker in workers] == begun  # none was started beside them
    assert isinstance(found, Cleaned)
    assert found.text == read.read(path).text
    assert all(process is not None and process.poll() is not None for process in begun)  # and none is left


@pytest.mark.parametrize("ocr", [True, False])
def test_an_add_uses_the_processes_that_were_started_ahead(
    tmp_path: Path, lectures: Path, monkeypatch: pytest.MonkeyPatch, ocr: bool
) -> None:
    library = library_of(load(library=tmp_path / "library", ocr=ocr), adds=True)
    begun = library._readers
    wanted = read.Reading(read.Options(ocr=ocr, after=AFTER_READING))._workers
    assert [worker._flags for worker in begun] == [worker._flags for worker in wanted]
    processes = [worker._process for worker in begun]
    monkeypatch.setattr(subprocess, "Popen", None)  # no other can be started
    assert all(one.status == "added" for one in library.add([lectures]).files)
    assert all(process is not None and process.poll() is not None for process in processes)


def test_processes_that_nothing_was_read_by_are_stopped(tmp_path: Path) -> None:
    library = library_of(load(library=tmp_path / "library"), adds=True)
    processes = [worker._process for worker in library._readers]
    (tmp_path / "nothing.xyz").write_text("x")
    library.add([tmp_path / "nothing.xyz"])
    assert all(process is not None and process.poll() is not None for process in processes)


def test_processes_that_cannot_be_started_ahead_hold_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", full)
    assert len(readers_ahead(Settings())) == read.PROCESSES
