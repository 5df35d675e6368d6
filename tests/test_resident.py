"""The process that stays after `ask`: the same answers, never stale, never left behind."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from lecta import resident
from lecta.answer.prompt import NOT_COVERED
from lecta.errors import UsageError
from lecta.library import Library
from lecta.resident import client
from lecta.settings import Settings, load
from lecta.types import Answer, Hit
from tests.conftest import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="there is no resident on Windows"),
]
STRANGE = "Who won the football world cup in 1998?"  # not covered, so no model is asked
KNOWN = "What does the chain rule multiply?"


class Heard:
    """What a client is told."""

    def __init__(self, on_text: Callable[[str], None] = lambda piece: None) -> None:
        self.hits: Sequence[Hit] = ()
        self.text = ""
        self._on_text = on_text

    def on_passages(self, hits: Sequence[Hit]) -> None:
        self.hits = hits

    def on_text(self, piece: str) -> None:
        self.text += piece
        self._on_text(piece)

    def on_thought(self, piece: str) -> None:
        pass

    def on_recall(self) -> None:
        self.text = ""

    def on_draft(self, sentence: str) -> None:
        self._on_text(sentence)


def _ask(settings: Settings, question: str, heard: Heard | None = None, **options: Any) -> Answer | None:
    return client.ask(settings, question, options, heard or Heard(), lambda: None)


def _within(seconds: float, is_so: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.1)
    return False


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        if sys.platform.startswith("linux"):
            return False
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True
    return state != "Z"  # nobody may have waited for it


def _started(settings: Settings) -> int:
    """Start a resident; return its process once it listens."""
    resident.start(settings)
    assert _within(120, lambda: client.status(settings) is not None)
    found = client.status(settings)
    assert found is not None
    return int(found["pid"])


@pytest.fixture
def settings(
    tmp_path: Path, lectures: Path, minilm_folder: Path, small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """Of a library of three small lectures, for whose question a resident may stay."""
    made = load(
        library=tmp_path / "library", models=minilm_folder.parent, model="small", resident_minutes=2.0, max_tokens=24
    )
    Library(settings=made).add([lectures])
    yield made
    client.stop(made)
    assert _within(30, lambda: client.status(made) is None)


def test_it_answers_as_the_command_itself_does(settings: Settings, tmp_path: Path, lectures: Path) -> None:
    environment = os.environ | {
        "LECTA_LIBRARY": str(settings.library),
        "LECTA_MODELS": str(settings.models),
        "LECTA_MODEL": "small",
        "LECTA_MAX_TOKENS": "24",
        "LECTA_CONFIG": str(tmp_path / "config.toml"),
        "LECTA_RESIDENT_MINUTES": "2",
        "PYTHONPATH": str(ROOT),
    }

    def lecta(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lecta", *words]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )

    first = lecta("ask", KNOWN, "--show-docs")
    assert first.returncode == 0, first.stderr
    assert _within(120, lambda: client.status(settings) is not None)
    before = client.status(settings)
    second = lecta("ask", KNOWN, "--show-docs")
    after = client.status(settings)
    assert (second.returncode, second.stdout, second.stderr) == (0, first.stdout, "")
    assert before is not None
    assert after is not None
    assert before["pid"] == after["pid"]
    assert after["seconds_left"] >= 110  # it was used just now
    empty = lecta("ask", " ")
    assert (empty.returncode, empty.stderr) == (2, "lecta: the question is empty: write what you want to know\n")
    status = lecta("status")
    assert f"process {after['pid']} with qwen2.5-coder-0.5b" in status.stdout
    assert lecta("stop").stdout == "stopped\n"
    assert _within(30, lambda: not _runs(after["pid"]))
    assert lecta("stop").stdout == "none was there\n"


def test_it_sees_what_the_library_holds_now_and_streams(settings: Settings, lectures: Path) -> None:
    _started(settings)
    heard = Heard()
    answer = _ask(settings, STRANGE, heard)
    assert answer is not None
    assert answer.abstained
    assert heard.text == answer.text == NOT_COVERED
    assert len(heard.hits) <= 3
    (lectures / "lecture-04.md").write_text(
        "# Dropout\n\nDropout silences units of a layer by chance in every step.\n", encoding="utf-8"
    )
    Library(settings=settings).add([lectures])
    heard = Heard()
    assert _ask(settings, "Which units does dropout silence by chance at the 1998 world cup?", heard) is not None
    assert any("silences units" in hit.passage.text for hit in heard.hits)
    with pytest.raises(UsageError, match="is empty"):
        _ask(settings, "  ")


def test_only_its_user_may_connect(settings: Settings) -> None:
    _started(settings)
    path = resident.address(settings)
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_other_settings_are_not_answered_and_it_goes(settings: Settings) -> None:
    pid = _started(settings)
    assert _ask(settings.model_copy(update={"passages": 2}), STRANGE) is None
    assert _within(30, lambda: not _runs(pid))


def test_a_client_that_goes_stops_the_answer_and_others_are_not_kept_waiting(settings: Settings) -> None:
    longer = settings.model_copy(update={"max_tokens": 600})
    pid = _started(longer)
    question = "Tell at length what the chain rule multiplies along the path, and why, with examples."
    code = (
        "import sys; from lecta.resident import client, started_with; from tests.test_resident import Heard\n"
        "client.ask(started_with(sys.argv[1]), sys.argv[2], {}, "
        "Heard(lambda piece: print(piece, flush=True)), lambda: None)"
    )
    command = [sys.executable, "-c", code, longer.model_dump_json(), question]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # it writes
    status = client.status(longer)
    assert status is not None
    assert status["is_answering"]
    assert _ask(longer, STRANGE) is None  # busy
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert _within(60, lambda: not (client.status(longer) or {"is_answering": True})["is_answering"])
    assert _runs(pid)
    assert _ask(longer, STRANGE) is not None


def test_killed_it_leaves_a_socket_that_nobody_minds(settings: Settings) -> None:
    pid = _started(settings)
    os.kill(pid, signal.SIGKILL)
    assert _within(10, lambda: not _runs(pid))
    path = resident.address(settings)
    assert path is not None
    assert path.exists()
    assert client.status(settings) is None
    assert _ask(settings, STRANGE) is None
    assert _started(settings) != pid
    assert _ask(settings, STRANGE) is not None


def test_of_two_that_start_at_once_one_stays(settings: Settings) -> None:
    starting = [threading.Thread(target=resident.start, args=(settings,)) for _ in range(3)]
    for one in starting:
        one.start()
    for one in starting:
        one.join()
    pid = _started(settings)
    time.sleep(3)
    assert client.status(settings) is not None
    assert (client.status(settings) or {})["pid"] == pid


def test_it_goes_with_its_library(settings: Settings) -> None:
    pid = _started(settings)
    shutil.rmtree(settings.library)
    assert _within(30, lambda: not _runs(pid))
    path = resident.address(settings)
    assert path is not None
    assert not path.exists()


def test_it_goes_when_its_time_is_over(settings: Settings) -> None:
    pid = _started(settings.model_copy(update={"resident_minutes": 0.1}))
    assert _within(30, lambda: not _runs(pid))


def test_none_is_started_where_it_is_off_or_a_server_answers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subprocess.Popen", lambda *words, **options: pytest.fail("started"))
    resident.start(settings.model_copy(update={"resident_minutes": 0.0}))
    resident.start(settings.model_copy(update={"model": "ollama:llama3"}))
    assert resident.address(settings.model_copy(update={"model": "openai:gpt"})) is None


def test_a_folder_that_others_can_write_to_is_not_used(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    monkeypatch.setattr(resident, "_folders", lambda: [open_to_all])
    assert resident.address(settings) is None
    open_to_all.chmod(0o700)
    assert resident.address(settings) is not None
    open_to_all.rename(tmp_path / "elsewhere")
    open_to_all.symlink_to(tmp_path / "elsewhere")
    assert resident.address(settings) is None
    monkeypatch.setattr(resident, "_folders", lambda: [tmp_path / ("long" * 30)])
    assert resident.address(settings) is None


def test_what_an_answer_depends_on_is_its_identity(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "own.gguf"
    model.write_bytes(b"one")
    own = settings.model_copy(update={"model": str(model)})
    before = resident.identity(own)
    assert resident.identity(own) == before
    monkeypatch.chdir(tmp_path)
    assert resident.identity(own.model_copy(update={"model": "own.gguf"})) == before
    assert resident.identity(own.model_copy(update={"answerable": 0.4})) != before
    model.write_bytes(b"two and more")
    changed = resident.identity(own)
    assert changed != before
    os.utime(model, (1, 1))
    assert resident.identity(own) not in (before, changed)
    same = resident.identity(own)
    monkeypatch.setattr("lecta.resident.__version__", "99")
    assert resident.identity(own) != same
