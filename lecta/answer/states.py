"""Key/value states of what a model has read, kept on disk within a limit, so that it need not be read again.

A state is only ever a copy of what decoding the same tokens gives: whatever is missing, torn or of another model is
read again. Nothing here raises for a disk that is full or a file that is damaged.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

FORMAT = 2
_HEADER = struct.Struct("<8s32s32sQ")  # magic, key, digest of the state, its length
_MAGIC = b"lectaKV" + bytes([FORMAT])
_PIECE = 1 << 22  # bytes that a thread reads and checks at a time
_NOTES = ("counts.json", "models.json")
_NOTES_ROOM = 65_536  # bytes of the limit that small files may take


@dataclass(frozen=True, slots=True)
class Kept:
    """What a cache holds."""

    states: int
    bytes: int
    """On disk, with unfinished files."""
    limit: int
    """Bytes."""
    hits: int
    """States loaded since the cache was made."""


class States:
    """A folder of states, the least recently used of which make room. Any number of processes may use it at once."""

    def __init__(self, folder: Path, limit: int) -> None:
        """Use a folder, which need not exist; all in it takes at most `limit` bytes, and 0 keeps nothing."""
        self.folder = folder
        self.limit = limit

    def holds(self, key: bytes) -> bool:
        """Tell whether there is a state for a key, without reading it."""
        return self._path(key).is_file()

    def get(self, key: bytes) -> memoryview | None:
        """Return the state for a key, whole and checked; a damaged one is removed."""
        path = self._path(key)
        try:
            state = _read(path, key)
        except (OSError, MemoryError):
            return None
        if state is None:
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            now = time.time_ns()
            os.utime(path, ns=(now, now))  # the last use, by which states make room
        self._count()
        return state

    def put(self, key: bytes, state: bytes) -> bool:
        """Keep a state, after others have made room for it; tell whether it is kept."""
        path, size = self._path(key), _HEADER.size + len(state)
        if size > self.limit - _NOTES_ROOM or self.holds(key):
            return self.holds(key)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._locked():
                if not self._make_room(size):
                    return False
                return _write(path, _header(key, _digest(state), len(state)), state)
        except (OSError, Timeout):
            return False

    def kept(self) -> Kept:
        """Return what is on the disk."""
        files = list(self._files())
        return Kept(
            sum(path.suffix == ".state" for path, _ in files),
            sum(stat.st_size for _, stat in files),
            self.limit,
            int(self._notes("counts.json").get("hits", 0)),
        )

    def clear(self) -> None:
        """Remove all states."""
        with contextlib.suppress(OSError, Timeout):
            if self.folder.is_dir():
                with self._locked():
                    for path, _ in self._files():
                        if path.suffix in (".state", ".part"):
                            path.unlink(missing_ok=True)

    def fit(self) -> None:
        """Drop what is beyond the limit, as after it was lowered."""
        with contextlib.suppress(OSError, Timeout):
            if self.folder.is_dir():
                with self._locked():
                    self._make_room(0)

    def digest_of(self, model: Path) -> str:
        """Return the digest of a model's file; remembered as long as the file has its size and time of change."""
        stat = model.stat()
        name, now = str(model.resolve()), [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        known = self._notes("models.json").get(name)
        if isinstance(known, list) and known[:3] == now:
            return str(known[3])
        with model.open("rb") as stream:
            digest = hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=32)).hexdigest()
        if self.limit:
            self._note("models.json", lambda notes: {**dict(list(notes.items())[-20:]), name: [*now, digest]})
        return digest

    def _make_room(self, size: int) -> bool:
        """Remove unfinished files and the least recently used states until `size` bytes are free."""
        states = []
        for path, stat in self._files():
            unfinished = path.suffix == ".part"  # nobody writes it: the lock is ours
            if unfinished or (path.suffix == ".state" and _is_of_another_version(path)):
                path.unlink(missing_ok=True)
            elif path.suffix == ".state":
                states.append((stat.st_mtime_ns, stat.st_size, path))
        states.sort()
        total = sum(length for _, length, _ in states)
        for _, length, path in states:
            if total + size <= self.limit - _NOTES_ROOM:
                break
            path.unlink(missing_ok=True)
            total -= length
        return total + size <= self.limit - _NOTES_ROOM

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        with contextlib.suppress(OSError):
            for path in list(self.folder.iterdir()):
                with contextlib.suppress(OSError):  # another process has just removed it
                    yield path, path.stat()

    def _path(self, key: bytes) -> Path:
        return self.folder / f"{key.hex()}.state"

    def _locked(self) -> FileLock:
        return FileLock(self.folder / ".lock", timeout=10)

    def _count(self) -> None:
        self._note("counts.json", lambda notes: {"hits": int(notes.get("hits", 0)) + 1})

    def _notes(self, name: str) -> dict[str, Any]:
        try:
            read = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return read if isinstance(read, dict) else {}

    def _note(self, name: str, change: Any) -> None:
        with contextlib.suppress(OSError, Timeout, ValueError, TypeError):
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._locked():
                content = json.dumps(change(self._notes(name))).encode()
                if len(content) < _NOTES_ROOM // len(_NOTES) // 2:
                    _write(self.folder / name, content)


def state_key(parts: Iterable[bytes]) -> bytes:
    """Return the key, 32 bytes, for everything that a state depends on."""
    hashed = hashlib.blake2b(digest_size=32)
    for part in parts:
        hashed.update(len(part).to_bytes(8, "little") + part)
    return hashed.digest()


def _header(key: bytes, digest: bytes, size: int) -> bytes:
    return _HEADER.pack(_MAGIC, key, digest, size)


def _is_of_another_version(path: Path) -> bool:
    with contextlib.suppress(OSError), path.open("rb") as stream:
        return stream.read(len(_MAGIC)) != _MAGIC
    return False  # that it cannot be opened just now says nothing of it


def _read(path: Path, key: bytes) -> memoryview | None:
    """Return the state in a file; None where it is damaged. Raises `OSError` and `MemoryError`."""
    with path.open("rb", buffering=0) as stream:
        header = stream.read(_HEADER.size)
        size = os.fstat(stream.fileno()).st_size - _HEADER.size
        if size < 0 or _HEADER.unpack(header)[:2] != (_MAGIC, key) or _HEADER.unpack(header)[3] != size:
            return None
        state = np.empty(size, np.uint8).data  # not zeroed first

        def read(piece: memoryview, start: int) -> memoryview:
            os.preadv(stream.fileno(), [piece], _HEADER.size + start)
            return piece

        if not hasattr(os, "preadv"):  # Windows
            stream.readinto(state)
            digest = _digest(state)
        else:
            digest = _digest(state, read)
    return state if header == _header(key, digest, size) else None


def _digest(
    state: bytes | memoryview, read: Callable[[memoryview, int], memoryview] = lambda piece, start: piece
) -> bytes:
    """Return the digest of the CRCs of a state's pieces, each of which is `read` first, from where it starts.

    That is enough for what a disk or a kill damages; a hash of 60 MB would be a twentieth of the time to a first token.
    """
    view = memoryview(state)

    def of(start: int) -> bytes:
        return zlib.crc32(read(view[start : start + _PIECE], start)).to_bytes(4, "little")

    starts = range(0, len(view), _PIECE)
    try:
        with ThreadPoolExecutor(max_workers=4) as threads:
            checked = list(threads.map(of, starts))
    except RuntimeError:  # no thread can be had: too many processes, or the interpreter ends
        checked = [of(start) for start in starts]
    return hashlib.blake2b(b"".join(checked), digest_size=32).digest()


def _write(path: Path, *parts: bytes) -> bool:
    """Write a file that is there as a whole or not at all."""
    unfinished = path.with_suffix(".part")
    try:
        with unfinished.open("wb") as stream:
            stream.writelines(parts)
        unfinished.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        return False
    return True
