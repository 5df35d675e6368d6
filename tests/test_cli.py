"""The command line as a user types it: what is printed where, and the exit status."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import COURSE, ROOT

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def lecta(tmp_path: Path, minilm_folder: Path) -> Run:
    """Run the command line in a folder of its own with its own library."""
    environment = os.environ | {
        "LECTA_LIBRARY": str(tmp_path / "library"),
        "LECTA_MODELS": str(minilm_folder.parent),
        "LECTA_CONFIG": str(tmp_path / "config.toml"),
    }

    def run(*words: str, out: int = subprocess.PIPE, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lecta", *words],
            cwd=tmp_path,
            env=environment | {"PYTHONPATH": str(ROOT)} | extra,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def _one_line(run: subprocess.CompletedProcess[str], status: int) -> str:
    assert run.returncode == status, run.stderr
    assert "Traceback" not in run.stderr
    lines = run.stderr.strip().splitlines()
    assert len(lines) == 1, run.stderr
    return lines[0]


def _json(run: subprocess.CompletedProcess[str]) -> Any:
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_help_loads_nothing_that_it_does_not_show() -> None:
    code = (
        "import sys\nfrom lecta.cli import main\nsys.argv = ['lecta', '--help']\n"
        "try: main()\nexcept SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(run.stderr.split())
    assert "read-ahead" in run.stdout
    assert "lecta.cli.program" in loaded
    assert not loaded & {"lecta.types", "lecta.console.screen", "lecta.settings", "lecta.library", "lecta.models"}
    assert not loaded & {"rich.console", "numpy", "pyarrow", "pydantic", "mcp", "fastapi", "sympy"}


def test_add_search_list_remove(lecta: Run, lectures: Path) -> None:
    added = _json(lecta("add", "lectures", "--json"))
    assert [set(file) for file in added["files"]] == [{"path", "status", "passages", "reason"}] * 3
    assert [file["status"] for file in added["files"]] == ["added"] * 3
    assert added["passages"] == 3

    found = _json(lecta("search", "multiply the local derivatives", "-k", "2", "--json"))
    assert set(found) == {"question", "passages", "timings", "understood"}
    assert set(found["timings"]) == {"embed_ms", "search_ms", "total_ms"}
    best = found["passages"][0]
    assert (best["rank"], best["lecture"], best["kind"], best["course"]) == (1, 2, "notes", "lectures")
    best = _json(lecta("search", "attention", "--kind", "speech", "--json"))["passages"][0]
    source = lectures.parent / best["source"]
    assert source.read_text(encoding="utf-8")[best["start_index"] : best["end_index"]] == best["text"]

    assert _json(lecta("add", "lectures", "--json"))["passages"] == 0
    assert len(_json(lecta("list", "--json"))["documents"]) == 3
    assert _json(lecta("remove", "lectures/lecture-02-chain-rule.md", "--json")) == {
        "removed": ["lectures/lecture-02-chain-rule.md"]
    }
    assert _json(lecta("status", "--json"))["files"] == 2


def test_reindex(lecta: Run, lectures: Path) -> None:
    assert lecta("add", "lectures").returncode == 0
    smaller = {"LECTA_PASSAGE_SIZE": "256"}
    assert "`lecta reindex`" in _one_line(lecta("search", "attention", **smaller), 1)
    report = _json(lecta("reindex", "--json", **smaller))
    assert set(report) == {"documents", "passages", "seconds", "was", "now", "read_again"}
    assert (report["documents"], *(report[when]["chunker"].split("/")[1] for when in ("was", "now"))) == (
        3,
        "512",
        "256",
    )
    assert _json(lecta("search", "attention", "--json", **smaller))["passages"]
    assert "nothing to do" in lecta("reindex", **smaller).stdout
    assert "openai:NAME" in _one_line(lecta("reindex", "--embedder", "word2vec", **smaller), 2)


def test_a_failed_file_is_exit_1_and_the_others_are_added(lecta: Run, lectures: Path) -> None:
    (lectures / "broken.pdf").write_bytes(b"%PDF-1.7")
    run = lecta("add", "lectures", "--json")
    assert run.returncode == 1
    statuses = [file["status"] for file in json.loads(run.stdout)["files"]]
    assert sorted(statuses) == ["added", "added", "added", "failed"]


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["search", " "], 2, "the question is empty"),
        (["add", "nowhere"], 2, "no file or folder nowhere"),
        (["remove", "nowhere"], 1, "nothing in library"),
        (["ask", "q", "--model", "gpt-17"], 2, "gpt-17"),
        (["models", "verify", "gpt-17"], 1, "gpt-17"),
        (["models", "pull", "small", "--from", "nowhere"], 1, "nowhere is not a file"),
        (["chat", "What is momentum?"], 2, "is taken for a conversation"),
        (["chat", "--resume", "--list"], 2, "are two things"),
        (["chat", "--resume"], 2, "no conversation is kept"),
        (["chat", "--export", "k7m2"], 2, "no conversation 'k7m2'"),
        (["chat", "--delete"], 2, "wants the conversation's id"),
        (["chat", "--out", "x.md"], 2, "give both"),
        (["eval", "exam", "nowhere.jsonl"], 2, "cannot read nowhere.jsonl"),
        (["eval", "beir", "nowhere"], 2, "cannot read nowhere/qrels/test.tsv"),
        (["eval", "exam", "q.jsonl", "--out", "nowhere/run.json"], 2, "there is no folder nowhere"),
        (["eval", "exam", "q.jsonl", "--report", "lectures"], 2, "lectures is a folder"),
        (["eval", "compare", "nowhere.json", "b.json"], 2, "cannot read nowhere.json"),
        (["eval", "compare", "lectures/lecture-01-gradients.md", "b.json"], 2, "is not JSON"),
    ],
)
def test_errors_are_one_line(lecta: Run, lectures: Path, words: list[str], status: int, says: str) -> None:
    if words[0] == "ask":
        assert lecta("add", "lectures").returncode == 0
    assert says in _one_line(lecta(*words), status)


def test_measure_keep_compare_and_report(lecta: Run, lectures: Path, tmp_path: Path) -> None:
    assert lecta("add", "lectures").returncode == 0
    rows = [{"id": 1, "question": "chain rule", "lecture": 2}, {"id": 2, "question": "attention", "lecture": 3}]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    everything = _json(lecta("eval", "exam", "q.jsonl", "--json", "--out", "all.json", "--report", "all.html"))
    assert everything == json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert set(everything) == {"name", "measures", "queries", "seconds", "results", "settings"}
    assert set(everything["results"][0]) == {"id", "text", "rank", "measures", "found", "missed"}
    assert (tmp_path / "all.html").read_text(encoding="utf-8").startswith("<!doctype html>")

    run = lecta("eval", "exam", "q.jsonl", "--kind", "speech", "-k", "2", "--out", "speech.json")
    assert "hit@2        0.5000" in run.stdout
    compared = _json(lecta("eval", "compare", "all.json", "speech.json", "--measure", "hit@1", "--json"))
    assert (compared["queries"], compared["difference"], compared["better"], compared["worse"]) == (2, -0.5, 0, 1)
    shown = lecta("eval", "compare", "all.json", "speech.json")
    assert "rank 1 -> -  1  chain rule" in shown.stdout
    assert "choose hit@1" in _one_line(lecta("eval", "compare", "all.json", "speech.json", "--measure", "MAP"), 2)


def test_an_empty_folder_is_exit_1(lecta: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no files in empty" in lecta("add", "empty").stderr
    assert lecta("add", "empty").returncode == 1


def test_a_folder_without_readable_files_is_exit_1(lecta: Run, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.xyz").write_bytes(b"?")
    run = lecta("add", "films")
    assert run.returncode == 1
    assert "does not read: .xyz" in run.stdout


def test_wrong_usage_and_wrong_settings_are_exit_2(lecta: Run, tmp_path: Path) -> None:
    assert lecta("search").returncode == 2
    assert lecta("frobnicate").returncode == 2
    assert lecta("search", "q", "-k", "0").returncode == 2
    assert "passage_size = '3'" in _one_line(lecta("status", LECTA_PASSAGE_SIZE="3"), 2)
    (tmp_path / "config.toml").write_text("pasages = 5\n")
    assert "pasages" in _one_line(lecta("status"), 2)
    (tmp_path / "config.toml").write_text("passages = [\n")
    assert "config.toml" in _one_line(lecta("status"), 2)


def test_the_configuration_file_is_used(lecta: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('model = "small"\n')
    assert _json(lecta("status", "--json"))["model"] == "qwen2.5-coder-0.5b"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_library_that_cannot_be_written(lecta: Run, lectures: Path, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    assert "no permission" in _one_line(lecta("add", "lectures", "--library", "closed/library"), 1)


@pytest.mark.parametrize("words", [("search", "the gradient"), ("search", "the gradient", "--json"), ("list",)])
def test_a_reader_that_went_away_is_no_error(lecta: Run, lectures: Path, words: tuple[str, ...]) -> None:
    assert lecta("add", "lectures").returncode == 0
    reading, writing = os.pipe()  # `lecta search ... | head` when head has seen enough
    os.close(reading)
    run = lecta(*words, out=writing)
    os.close(writing)
    assert (run.returncode, run.stderr) == (0, "")


def test_ctrl_c_is_said_in_one_line(tmp_path: Path) -> None:
    program = (
        "import os, signal; from lecta.cli import main; from lecta.library import Library\n"
        "Library.documents = lambda library: os.kill(os.getpid(), signal.SIGINT)\n"
        "main()"
    )
    words = [sys.executable, "-c", program, "list", "--library", str(tmp_path)]
    run = subprocess.run(words, capture_output=True, cwd=ROOT, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (130, b"", b"lecta: stopped\n")


def test_a_library_that_is_a_file(lecta: Run, lectures: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert "--library" in _one_line(lecta("add", "lectures", "--library", "file"), 1)


@pytest.mark.slow
def test_kill_while_adding_leaves_the_library_whole(lecta: Run, tmp_path: Path, minilm_folder: Path) -> None:
    environment = os.environ | {"LECTA_LIBRARY": str(tmp_path / "library"), "LECTA_MODELS": str(minilm_folder.parent)}
    for delay in (1.0, 2.5):
        run = subprocess.Popen([sys.executable, "-m", "lecta", "add", str(COURSE)], env=environment, cwd=ROOT)
        time.sleep(delay)
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert lecta("search", "the chain rule").returncode == 0
    assert lecta("add", str(COURSE)).returncode == 0
    status = _json(lecta("status", "--json"))
    shutil.rmtree(tmp_path / "library")
    assert lecta("add", str(COURSE)).returncode == 0
    clean = _json(lecta("status", "--json"))
    assert (status["files"], status["passages"]) == (clean["files"], clean["passages"])


def test_the_original_command_line(lectures: Path, tmp_path: Path, small_model: Path, minilm_folder: Path) -> None:
    environment = os.environ | {
        "LECTA_MODELS": str(minilm_folder.parent),
        "LECTA_MODEL": "small",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "LECTA_MAX_TOKENS": "20",
    }

    def main(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "main.py"), *words, "--data_dir", str(lectures)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)

    transcript = lectures / "lecture-03-transcript.txt"
    assert "run main.py --build" in _one_line(main("--query", "attention"), 2)
    assert main("--build").returncode == 0
    run = main("--query", "What is attention?", "--top_k", "1")
    assert run.returncode == 0, run.stderr
    shown = run.stdout.split("\n")
    assert shown[0] == "Docs:"
    assert shown[1] == transcript.read_text(encoding="utf-8").strip()
    assert shown[2] == str({"start_index": 0, "source": str(transcript)})
    assert shown[3] == "-" * 20
    assert "Answer:" in shown
    assert shown[-3:] == ["Sources:", f"- {transcript}", ""]
