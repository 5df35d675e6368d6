"""States of what was read: within a limit, whole or not there, and only ever met by the very same words and model."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lecta.answer import states as states_module
from lecta.answer.llama import LlamaChat
from lecta.answer.states import _HEADER, _PIECE, States, state_key
from lecta.types import Message

LIMIT = 1_000_000
_BOUNDS = ((0, _HEADER.size), (_HEADER.size, _HEADER.size + _PIECE), (_HEADER.size + _PIECE, None))


def key(name: str) -> bytes:
    """Return a key."""
    return state_key([name.encode()])


def used(folder: Path) -> int:
    """Return the bytes that everything in a folder takes."""
    total = 0
    for path in folder.glob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


# --- the cache --------------------------------------------------------------------------------------------------------


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    states = States(tmp_path, LIMIT)
    assert states.get(key("a")) is None
    assert states.put(key("a"), b"state of a")
    assert states.get(key("a")) == memoryview(b"state of a")
    assert (states.kept().states, states.kept().hits) == (1, 1)
    assert States(tmp_path, 0).put(key("b"), b"x") is False


def test_the_least_recently_used_makes_room(tmp_path: Path) -> None:
    states = States(tmp_path, LIMIT)
    for name in "abc":
        assert states.put(key(name), name.encode() * 250_000)
        time.sleep(0.002)
    assert states.get(key("a"))
    assert states.put(key("d"), b"d" * 250_000)
    assert [states.holds(key(name)) for name in "abcd"] == [True, False, True, True]
    assert states.put(key("huge"), b"x" * LIMIT) is False
    assert states.holds(key("d"))
    States(tmp_path, 400_000).fit()
    assert used(tmp_path) <= 400_000
    states.clear()
    assert states.kept().states == 0


def _fill(folder: Path, names: str) -> None:
    states = States(folder, LIMIT)
    for name in names * 4:
        states.put(key(name), name.encode() * 200_000)
        states.get(key(name))


def test_the_limit_is_never_exceeded_by_processes_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_fill, args=(tmp_path, names)) for names in ("abcdef", "defghi")]
    for writer in writers:
        writer.start()
    most = 0
    while any(writer.is_alive() for writer in writers):
        most = max(most, used(tmp_path))
        time.sleep(0.001)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert 400_000 < most <= LIMIT
    states = States(tmp_path, LIMIT)
    for name in "abcdefghi":
        assert states.get(key(name)) in (None, name.encode() * 200_000)


KILLED = """
import sys
from pathlib import Path
from lecta.answer.states import States, state_key
states = States(Path(sys.argv[1]), 60_000_000)
for n in range(10_000):
    states.put(state_key([str(n % 7).encode()]), bytes([n % 7]) * 8_000_000)
    if n == 0:
        print("writing", flush=True)
"""


def test_killed_in_the_middle_of_writing_nothing_torn_is_met(tmp_path: Path) -> None:
    torn = 0
    for wait in (0.0, 0.002, 0.005, 0.01, 0.02):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not list(tmp_path.glob("*.part")):
            pass
        time.sleep(wait)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        torn += len(list(tmp_path.glob("*.part")))
        states = States(tmp_path, 60_000_000)
        assert used(tmp_path) <= 60_000_000
        for n in range(7):
            assert states.get(state_key([str(n).encode()])) in (None, bytes([n]) * 8_000_000)
        for path in tmp_path.glob("*.state"):
            path.unlink()
    assert torn
    assert States(tmp_path, LIMIT).put(key("after"), b"after")
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("damage", ["cut", "flipped", "another", "empty"])
def test_a_damaged_state_is_not_met(tmp_path: Path, damage: str) -> None:
    states = States(tmp_path, LIMIT)
    states.put(key("a"), b"state" * 100)
    states.put(key("b"), b"other" * 100)
    path = states._path(key("a"))
    content = path.read_bytes()
    changed = {
        "cut": content[:-1],
        "flipped": content[:-1] + bytes([content[-1] ^ 1]),
        "another": states._path(key("b")).read_bytes(),
        "empty": b"",
    }
    path.write_bytes(changed[damage])
    assert states.get(key("a")) is None
    assert not path.exists()


@pytest.mark.parametrize("at", [0, _PIECE - 1, _PIECE, 3 * _PIECE + 4])
def test_a_byte_wrong_in_any_piece_of_a_state_is_seen(tmp_path: Path, at: int) -> None:
    states, state = States(tmp_path, 20 * LIMIT), os.urandom(3 * _PIECE + 5)
    states.put(key("a"), state)
    assert states.get(key("a")) == memoryview(state)
    path = states._path(key("a"))
    content = bytearray(path.read_bytes())
    content[_HEADER.size + at] ^= 1
    path.write_bytes(content)
    assert states.get(key("a")) is None


def test_a_state_cut_between_two_pieces_and_one_whose_pieces_changed_places_are_seen(tmp_path: Path) -> None:
    states = States(tmp_path, 20 * LIMIT)
    for way in ("cut", "changed"):
        states.put(key("a"), os.urandom(2 * _PIECE))
        path = states._path(key("a"))
        header, one, other = (path.read_bytes()[a:b] for a, b in _BOUNDS)
        path.write_bytes(header + one if way == "cut" else header + other + one)
        assert states.get(key("a")) is None


def test_states_of_another_version_of_lecta_make_room(tmp_path: Path) -> None:
    states = States(tmp_path, LIMIT)
    states.put(key("a"), b"x" * 100)
    old = tmp_path / f"{'0' * 64}.state"
    old.write_bytes(b"lectaKV\1" + bytes(500_000))
    states.fit()
    assert not old.exists()
    assert states.get(key("a")) == memoryview(b"x" * 100)


def test_a_state_that_cannot_be_opened_just_now_is_not_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_many(self: Path, *_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    states = States(tmp_path, LIMIT)
    states.put(key("a"), b"x" * 100)
    monkeypatch.setattr(Path, "open", too_many)
    states.fit()
    monkeypatch.undo()
    assert states.get(key("a")) == memoryview(b"x" * 100)


def test_without_threads_states_are_read_and_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    states, state = States(tmp_path, 20 * LIMIT), os.urandom(2 * _PIECE + 1)
    states.put(key("a"), state)
    monkeypatch.setattr(threading.Thread, "start", none_left)
    assert states.get(key("a")) == memoryview(state)
    assert states.put(key("b"), state)
    monkeypatch.undo()
    assert states.get(key("b")) == memoryview(state)


def test_a_full_or_forbidden_disk_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, *parts: bytes) -> bool:
        raise OSError(28, "No space left on device")

    (tmp_path / "file").write_text("in the way")
    assert States(tmp_path / "file" / "states", LIMIT).put(key("a"), b"a") is False
    monkeypatch.setattr(states_module, "_write", full)
    assert States(tmp_path / "states", LIMIT).put(key("a"), b"a") is False
    assert States(tmp_path / "states", LIMIT).get(key("a")) is None


# --- the model --------------------------------------------------------------------------------------------------------

SECTION = (
    "Excerpts:\n\n[1] (Lecture 2)\n<excerpt>\nThe chain rule says that the derivative of f(g(x)) is f'(g(x)) g'(x). "
    "Backpropagation applies it from the output back to the input.\n</excerpt>\n\n"
)
SYSTEM = "You are a teaching assistant. Answer from the excerpts, in a few sentences."


def asked(question: str, section: str = SECTION, system: str = SYSTEM) -> list[Message]:
    """Return a conversation with a seam after the section."""
    return [Message("system", system), Message("user", f"{section}Question: {question}", (len(section),))]


def opened(model: Path, folder: Path | None, **more: int) -> LlamaChat:
    """Return a model that has read nothing, with the states of a folder."""
    threads, context = more.get("threads", 1), more.get("context_tokens", 768)
    states = States(folder, 100_000_000) if folder else None
    return LlamaChat(model, states=states, threads=threads, context_tokens=context)


def tokens_read(chat: LlamaChat, messages: list[Message]) -> tuple[list[str], int]:
    """Return a reply's pieces and how many tokens of the prompt were decoded for it."""
    counted: list[int] = []
    read = chat._context.read

    def counting(*given: object) -> int:
        counted.append(read(*given))  # type: ignore[arg-type]
        return counted[-1]

    chat._context.read = counting  # type: ignore[method-assign, assignment]
    try:
        return list(chat.stream(messages, 24)), counted[0]
    finally:
        del chat._context.read


@pytest.mark.slow
def test_the_same_tokens_with_and_without_a_state(tmp_path: Path, small_model: Path) -> None:
    first, second = asked("What does the chain rule say?"), asked("Where does backpropagation begin?")
    expected, whole = tokens_read(opened(small_model, None), second)
    chat = opened(small_model, tmp_path)
    assert not chat.has_read(second)
    list(chat.stream(first, 8))
    later = opened(small_model, tmp_path)
    assert later.has_read(second)
    pieces, decoded = tokens_read(later, second)
    assert pieces == expected
    assert decoded < whole / 2
    assert States(tmp_path, LIMIT).kept().hits == 1


@pytest.mark.slow
def test_what_is_read_ahead_is_what_a_question_meets(tmp_path: Path, small_model: Path) -> None:
    question = asked("What does the chain rule say?")
    pauses: list[int] = []
    assert opened(small_model, tmp_path).read_ahead(asked(""), lambda: pauses.append(1))
    assert len(pauses) > 1
    pieces, decoded = tokens_read(opened(small_model, tmp_path), question)
    expected, whole = tokens_read(opened(small_model, None), question)
    assert pieces == expected
    assert decoded < whole / 2


@pytest.mark.slow
def test_interrupted_while_reading_ahead_nothing_is_kept_and_the_next_is_right(
    tmp_path: Path, small_model: Path
) -> None:
    chat = opened(small_model, tmp_path)
    pauses: list[int] = []

    def stop() -> None:
        pauses.append(1)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        chat.read_ahead(asked("", SECTION * 3), stop)
    assert not chat.has_read(asked("", SECTION * 3))
    question = asked("What does the chain rule say?")
    assert tokens_read(chat, question)[0] == tokens_read(opened(small_model, None), question)[0]


@pytest.mark.slow
def test_another_passage_prompt_model_or_context_never_meets_an_old_state(tmp_path: Path, small_model: Path) -> None:
    assert opened(small_model, tmp_path).read_ahead(asked(""))
    chat = opened(small_model, tmp_path)
    assert chat.has_read(asked("anything"))
    assert not chat.has_read(asked("anything", SECTION.replace("output", "input")))
    assert not chat.has_read(asked("anything", system=SYSTEM + " "))
    assert not opened(small_model, tmp_path, context_tokens=1024).has_read(asked("anything"))
    other = tmp_path / "other.gguf"
    shutil.copy(small_model, other)
    with other.open("r+b") as file:  # its last weights, in place
        file.seek(-1000, os.SEEK_END)
        file.write(bytes(500))
    assert not opened(other, tmp_path).has_read(asked("anything"))
    changed = asked("What is said?", SECTION.replace("chain rule", "product rule"))
    assert tokens_read(chat, changed)[0] == tokens_read(opened(small_model, None), changed)[0]


@pytest.mark.slow
def test_a_state_that_does_not_fit_is_read_again(tmp_path: Path, small_model: Path) -> None:
    question = asked("What does the chain rule say?")
    chat = opened(small_model, tmp_path)
    assert chat.read_ahead(asked(""))
    expected = tokens_read(opened(small_model, None), question)[0]
    states = States(tmp_path, 100_000_000)
    for path in tmp_path.glob("*.state"):
        path.unlink()
        states.put(bytes.fromhex(path.stem), b"no state of llama.cpp")
    assert tokens_read(opened(small_model, tmp_path), question)[0] == expected


def test_threads_and_the_lock(tmp_path: Path) -> None:
    states = States(tmp_path, LIMIT)
    threads = [threading.Thread(target=states.put, args=(key(str(n)), bytes(100_000))) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert used(tmp_path) <= LIMIT
    assert states.kept().states == 9
