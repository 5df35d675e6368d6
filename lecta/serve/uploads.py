"""Files that come in through the server: checked, stored under names of lecta's, added one after the other.

chunks -> uploads/TOKEN.suffix.part -> uploads/TOKEN.suffix -> Library.add

A file's own name is only ever shown. What cannot be added is deleted again.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import re
import secrets
import time
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lecta.errors import LectaError, first_line
from lecta.library import Library
from lecta.serve.stopping import StoppedError, Work
from lecta.types import AddReport, FileReport, FileStatus

FOLDER = "uploads"
"""Within the library's folder."""

Status = Literal["receiving", "waiting", "reading"] | FileStatus

_KEPT = 500  # that are done and still listed
_LONGEST_NAME = 200  # characters
_DEEPEST = 4  # folders of a name that are kept: "course/lecture-02/slides/part-1.pdf"
_STALE_SECONDS = 24 * 3600.0  # a part this old was left by a server that was killed


class RefusedError(LectaError):
    """An upload is not taken; `status` is as HTTP has it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be uploaded."""

    megabytes: int = 1024
    """Of one file."""
    files: int = 1000
    """That the library keeps, those that wait with them."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One file on its way into the library, or a folder of the server's that is added."""

    id: str
    name: str
    """As it is shown."""
    course: str | None
    size: int
    """Bytes that have come so far; 0 for a folder."""
    status: Status
    where: str = ""
    """Where in it its reader is: "page 12", "12:00 of 60:00"."""
    passages: int = 0
    reason: str = ""
    """Why it failed or was skipped, or what could not be read of it."""
    document: str = ""
    """The id of the document it became."""

    @property
    def is_done(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status not in ("receiving", "waiting", "reading")


class Uploads:
    """What comes in. To be used from one event loop."""

    def __init__(self, library: Library, limits: Limits, on_added: Callable[[], None] = lambda: None) -> None:
        """`on_added` is called when the library has changed."""
        self._library = library
        self._limits = limits
        self._on_added = on_added
        self._folder = library.path / FOLDER
        self._uploads: dict[str, Upload] = {}
        self._paths: dict[str, Path] = {}
        self._changed = asyncio.Event()
        self._adding: asyncio.Task[None] | None = None
        self._work: Work[AddReport] | None = None

    # --- what is shown ------------------------------------------------------------------------------------------------

    def all(self) -> tuple[Upload, ...]:
        """Return every upload since the server started, the first one first; of those that are done the last 500."""
        return tuple(self._uploads.values())

    async def changes(self) -> AsyncIterator[tuple[Upload, ...]]:
        """Yield all uploads now and whenever one has changed, for ever."""
        while True:
            changed = self._changed
            yield self.all()
            await changed.wait()

    # --- what comes in ------------------------------------------------------------------------------------------------

    def check(self, name: str, size: int | None) -> str:
        """Return the name that a file will be shown by. Raises `RefusedError`: its kind, its size, or how many."""
        shown = display_name(name)
        suffix = Path(shown).suffix.lower()
        if suffix not in self._library.suffixes:
            raise RefusedError(415, f"lecta does not read {suffix or 'files without a suffix'} ({shown})")
        if size is not None and size > self._limits.megabytes * 1_000_000:
            raise RefusedError(413, f"{shown} has more than {self._limits.megabytes} MB")
        coming = sum(not upload.is_done for upload in self._uploads.values())
        if coming + self._count() >= self._limits.files:
            raise RefusedError(
                409, f"{self._limits.files} files were uploaded already: remove some, or raise LECTA_UPLOAD_FILES"
            )
        return shown

    async def receive(
        self, name: str, chunks: AsyncIterator[bytes], *, course: str | None = None, size: int | None = None
    ) -> Upload:
        """Store a file as it comes and let it be added in the background; `size` is what was announced, in bytes.

        Raises `RefusedError`, and nothing of the file is kept.
        """
        shown = self.check(name, size)
        key = secrets.token_hex(12)
        path = self._folder / f"{key}{Path(shown).suffix.lower()}"
        self._put(Upload(key, shown, course, 0, "receiving"))
        try:
            received = await self._store(key, path, chunks)
        except OSError as error:
            del self._uploads[key]
            self._tell()
            status = 507 if error.errno in (errno.ENOSPC, errno.EDQUOT) else 500
            reason = "no space left on the disk" if status == 507 else error.strerror or first_line(error)
            raise RefusedError(status, f"{shown} cannot be stored: {reason}") from error
        except BaseException:
            self._uploads.pop(key, None)
            self._tell()
            raise
        self._paths[key] = path
        self._put(replace(self._uploads[key], size=received, status="waiting"))
        self._start()
        return self._uploads[key]

    def add(self, path: Path, *, name: str = "", course: str | None = None) -> Upload:
        """Let a file or folder on the server's disk be added in the background; nothing of it is copied or deleted.

        Never to be called with a path that came from outside.
        """
        key = secrets.token_hex(12)
        self._paths[key] = path
        self._put(Upload(key, name or path.name, course, 0, "waiting"))
        self._start()
        return self._uploads[key]

    def owns(self, path: str | Path) -> bool:
        """Tell whether a file was stored by an upload, and so goes with its document."""
        return Path(path).parent == self._folder.resolve()

    async def stop(self) -> None:
        """Stop adding; the library stays whole."""
        if self._work is not None:
            self._work.stop()
        if self._adding is not None:
            self._adding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._adding

    def clear_left_over(self) -> None:
        """Delete what servers have left that were killed: files of which no document was made."""
        if not self._folder.is_dir():
            return
        held = {record.path for record in self._library.documents()}
        for path in self._folder.iterdir():
            if str(path.resolve()) not in held and time.time() - path.stat().st_mtime > _STALE_SECONDS:
                path.unlink(missing_ok=True)

    async def _store(self, key: str, path: Path, chunks: AsyncIterator[bytes]) -> int:
        """Write what comes to a file, and return how many bytes. Raises `RefusedError` once there are too many."""
        most = self._limits.megabytes * 1_000_000
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.part")
        received = 0
        try:
            with partial.open("xb") as file:
                async for chunk in chunks:
                    received += len(chunk)
                    if received > most:
                        raise RefusedError(413, f"{self._uploads[key].name} has more than {self._limits.megabytes} MB")
                    await asyncio.to_thread(file.write, chunk)
            if not received:
                raise RefusedError(400, f"{self._uploads[key].name} is empty")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return received

    def _count(self) -> int:
        return sum(not path.name.endswith(".part") for path in self._folder.iterdir()) if self._folder.is_dir() else 0

    # --- adding -------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._adding is None or self._adding.done():
            self._adding = asyncio.get_running_loop().create_task(self._add_waiting())

    async def _add_waiting(self) -> None:
        while waiting := [upload for upload in self._uploads.values() if upload.status == "waiting"]:
            batch = [upload for upload in waiting if upload.course == waiting[0].course]
            await self._add_batch(batch)

    async def _add_batch(self, batch: Sequence[Upload]) -> None:
        taken = {record.source for record in await asyncio.to_thread(self._library.documents)}
        names: dict[Path, str] = {}
        by_name: dict[str, str] = {}
        for upload in batch:
            path = self._paths[upload.id]
            if self.owns(path):
                name = _free(upload.name, taken)
                taken.add(name)
                names[path] = name
                by_name[name] = upload.id
            else:
                by_name[str(path)] = upload.id
            self._put(replace(upload, status="reading"))
        loop = asyncio.get_running_loop()

        def on_file(report: FileReport, done: int, total: int) -> None:
            loop.call_soon_threadsafe(self._reported, by_name, report, done, total)

        def on_heard(name: str, where: str) -> None:
            loop.call_soon_threadsafe(self._heard, by_name, name, where)

        paths = [self._paths[upload.id] for upload in batch]
        self._work = Work(
            lambda: self._library.add(paths, course=batch[0].course, names=names, on_file=on_file, on_heard=on_heard)
        )
        try:
            report = await self._work.result()
        except StoppedError:
            self._fail(batch, "stopped")
        except LectaError as error:
            self._fail(batch, str(error))
        except Exception as error:
            self._fail(batch, f"lecta failed ({type(error).__name__}: {first_line(error)})")
        else:
            await self._finish(batch, report)
        finally:
            self._work = None

    async def _finish(self, batch: Sequence[Upload], report: AddReport) -> None:
        """Say what became of each, and delete what nothing was made of."""
        self._on_added()
        records = {record.path: record.id for record in await asyncio.to_thread(self._library.documents)}
        for upload in batch:
            now, path = self._uploads[upload.id], self._paths.pop(upload.id)
            document = records.get(str(path.resolve()), "")
            if not now.is_done:
                now = _summed(now, report)
            self._put(replace(now, document=document, where=""))
            if self.owns(path) and not document:
                path.unlink(missing_ok=True)

    def _fail(self, batch: Sequence[Upload], reason: str) -> None:
        for upload in batch:
            path = self._paths.pop(upload.id)
            self._put(replace(self._uploads[upload.id], status="failed", reason=reason, where=""))
            if self.owns(path):
                path.unlink(missing_ok=True)

    def _reported(self, by_name: dict[str, str], report: FileReport, done: int, total: int) -> None:
        key = by_name.get(report.path)
        if key is not None:
            self._put(self._became(self._uploads[key], report))
            return
        for folder, key in by_name.items():
            if Path(report.path).is_relative_to(folder):
                self._put(replace(self._uploads[key], where=f"{done} of {total} files"))

    def _became(self, upload: Upload, report: FileReport) -> Upload:
        """Return an upload with what became of it."""
        self._on_added()
        path = self._paths[upload.id]
        is_in = report.status in ("added", "updated", "unchanged", "duplicate")
        if report.status == "failed" and self.owns(path):
            path.unlink(missing_ok=True)
        return replace(
            upload,
            status=report.status,
            passages=report.passages,
            reason=report.reason,
            where="",
            document=self._library.id_of(path) if is_in else "",
        )

    def _heard(self, by_name: dict[str, str], name: str, where: str) -> None:
        key = by_name.get(name)
        if key is not None and not self._uploads[key].is_done:
            self._put(replace(self._uploads[key], where=where))

    def _put(self, upload: Upload) -> None:
        self._uploads[upload.id] = upload
        done = [key for key, one in self._uploads.items() if one.is_done]
        for key in done[: max(len(done) - _KEPT, 0)]:
            del self._uploads[key]
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def display_name(name: str) -> str:
    """Return the name by which a file from outside is shown: its last folders and its own, of printable characters.

    >>> display_name("../../etc/passwd"), display_name("C:\\\\lectures\\\\02\\\\slides.pdf"), display_name("")
    ('etc/passwd', 'C:/lectures/02/slides.pdf', 'unnamed')
    """
    text = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
    text = "".join(character for character in text if character.isprintable())
    parts = [part.strip() for part in re.split(r"[/\\]", text)]
    parts = [part[-_LONGEST_NAME:] for part in parts if part not in ("", ".", "..")]
    return "/".join(parts[-_DEEPEST:]) or "unnamed"


def _free(name: str, taken: set[str]) -> str:
    """Return a name that no document has: "slides (2).pdf"."""
    return next(one for one in _numbered(name) if one not in taken)


def _numbered(name: str) -> Iterator[str]:
    path = Path(name)
    yield name
    number = 2
    while True:
        yield path.with_name(f"{path.stem} ({number}){path.suffix}").as_posix()
        number += 1


def _summed(upload: Upload, report: AddReport) -> Upload:
    """Return what became of a folder."""
    inside = [file for file in report.files if file.status in ("added", "updated", "unchanged", "duplicate")]
    failed = [file for file in report.files if file.status == "failed"]
    reason = "; ".join(f"{file.path}: {file.reason}" for file in failed[:5])
    status: FileStatus = "added" if inside else "failed"
    return replace(upload, status=status, passages=sum(file.passages for file in inside), reason=reason)
