"""Reading in another process, which may be stopped: a damaged file can hang, eat memory or crash its reader.

One process reads many files and is started anew only after it had to be stopped, so a file costs a round trip through
a pipe. It is started by its own command line and not by `multiprocessing`, which would run the caller's script again.

    with Worker(seconds=30, megabytes=2048) as worker:
        document = worker.read(Path("slides.pdf"))
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from lecta.errors import ReadError, first_line
from lecta.types import Document, Section

SECONDS = 60.0
"""Between two signs of life, so for a page, not a file: a page takes 10 ms, or some seconds by OCR. On a machine with
more to do than it has cores, as much longer."""
MEGABYTES = 2048
"""Of a reader's data: OCR needs 600, PDFium on ordinary slides 30."""
MOST_SECONDS = 3600.0
"""For one file, whatever its signs of life."""


class Worker:
    """A process that reads files, one at a time. Not for use from two threads at once."""

    def __init__(
        self,
        seconds: float = SECONDS,
        megabytes: int = MEGABYTES,
        most_seconds: float = MOST_SECONDS,
        *,
        ocr: bool = True,
        every_page: bool = False,
        after: str = "",
    ) -> None:
        """`after` names a function of documents, "module:name", which the process calls with each that it has read."""
        self._flags = [str(int(ocr)), str(int(every_page)), after]
        self._seconds = seconds * _crowd()
        self._megabytes = megabytes
        self._most_seconds = most_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.Queue[bytes] = queue.Queue()

    def start(self) -> None:
        """Start the process, if it does not run yet; the next file waits that much less for it."""
        self._started()

    def read(self, path: Path, heard: Callable[[str], None] | None = None) -> Document:
        """Read one file in the process; `heard` is told where it is. Raises `ReadError`, for a limit as well."""
        return self.read_and_after(path, heard)[0]

    def read_and_after(self, path: Path, heard: Callable[[str], None] | None = None) -> tuple[Document, Any]:
        """Read one file; return as well what the function `after` made of it, or None. Raises as `read` does."""
        answer = self._asked(str(path), heard)
        return _document(answer["document"]), answer["after"]

    def draw(self, path: Path, page: int, width: int) -> dict[str, Any]:
        """Draw a page in the process, as `lecta.read.picture.draw` does. Raises `ReadError`, for a limit as well."""
        picture: dict[str, Any] = self._asked({"path": str(path), "page": page, "width": width}, None)["picture"]
        return picture

    def _asked(self, request: str | dict[str, Any], heard: Callable[[str], None] | None) -> dict[str, Any]:
        process = self._started()
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            answer = self._answer(process, heard)
        except BrokenPipeError as error:
            self.close()
            raise ReadError(self._died(process.returncode, "the start")) from error
        except BaseException:  # Ctrl-C as well: an answer still to come would be taken for the next file's
            self.close()
            raise
        if "reason" in answer:
            raise ReadError(answer["reason"])
        return answer

    def close(self) -> None:
        """Stop the process; the next `read` starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()

    def __enter__(self) -> Self:
        """Return the worker; its process starts with the first file."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop the process."""
        self.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            program = (
                "import sys, json; sys.path[:] = json.loads(sys.argv[1]); import lecta.read.limits as m; m.serve()"
            )
            command = [sys.executable, "-c", program, json.dumps(sys.path), str(self._megabytes), *self._flags]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            self._lines = queue.Queue()
            stdout = self._process.stdout
            assert stdout is not None
            threading.Thread(target=_pump, args=(stdout, self._lines), daemon=True).start()
        return self._process

    def _answer(self, process: subprocess.Popen[bytes], heard: Callable[[str], None] | None) -> dict[str, Any]:
        """Wait for the file's last line. Raises `ReadError` when the process hangs or dies."""
        where = "the start"
        end = time.monotonic() + self._most_seconds
        while True:
            left = end - time.monotonic()
            try:
                line = self._lines.get(timeout=max(0.0, min(self._seconds, left)))
            except queue.Empty:
                raise ReadError(self._too_slow(where, whole=left <= self._seconds)) from None
            if not line.endswith(b"\n"):  # nothing, or half an answer
                raise ReadError(self._died(process.wait(), where))
            answer: dict[str, Any] = json.loads(line)
            if "beat" not in answer:
                return answer
            where = answer["beat"]
            if heard is not None:
                heard(where)

    def _too_slow(self, where: str, *, whole: bool) -> str:
        if whole:
            return f"not read in {self._most_seconds:g} s (stopped at {where})"
        return f"its reader hung at {where} and was stopped after {self._seconds:.3g} s"

    def _died(self, status: int, where: str) -> str:
        cause = f"signal {-status}" if status < 0 else f"exit status {status}"
        return f"its reader crashed at {where} ({cause}): damaged, or needs more than {self._megabytes} MB"


def _crowd() -> float:
    """Return by how much the machine has more to do than cores to do it, 1 to 10."""
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has none
        return 1.0
    return min(10.0, max(1.0, load / (os.cpu_count() or 1)))


def _pump(stream: IO[bytes], lines: queue.Queue[bytes]) -> None:
    """Move lines to where they can be waited for with a limit, on every system; b"" at the end."""
    with contextlib.suppress(OSError, ValueError):  # closed by `Worker.close`
        for line in stream:
            lines.put(line)
    lines.put(b"")


def _document(fields: dict[str, Any]) -> Document:
    sections = tuple(Section(**section) for section in fields.pop("sections"))
    return Document(sections=sections, **{**fields, "warnings": tuple(fields["warnings"])})


def serve() -> None:
    """Read the files named on stdin, a JSON string a line, or draw the page an object names; until it ends.

    Each is answered by a JSON object a line on stdout.
    """
    from lecta.read.beats import listener

    limit_memory(int(sys.argv[2]))
    ocr, every_page = (flag == "1" for flag in sys.argv[3:5])
    module, _, name = sys.argv[5].partition(":")
    after = getattr(importlib.import_module(module), name) if module else None
    # Libraries print as they like: what they write to stdout must not come between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()

    listener.set(lambda where: say({"beat": where}))
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if isinstance(request, str):
            say(_done(lambda path=Path(request): _read(path, ocr, every_page, after)))  # type: ignore[misc]
        else:
            say(_done(lambda request=request: _draw(**request)))  # type: ignore[misc]


def _read(path: Path, ocr: bool, every_page: bool, after: Callable[[Document], Any] | None) -> dict[str, Any]:
    from lecta import read

    document = read.printable(read.read(path, ocr=ocr, every_page=every_page))
    return {"document": asdict(document), "after": after(document) if after else None}


def _draw(path: str, page: int, width: int) -> dict[str, Any]:
    from lecta.read import picture

    return {"picture": picture.draw(Path(path), page, width)}


def _done(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return work()
    except ReadError as error:
        return {"reason": error.reason}
    except MemoryError:
        return {"reason": "its reader ran out of memory"}
    except RecursionError:
        return {"reason": "damaged: nested without end"}
    except Exception as error:  # a reader's own mistake: the other files are still read
        return {"reason": f"its reader failed ({type(error).__name__}: {first_line(error)})"}


def limit_memory(megabytes: int) -> None:
    """Let this process have no more data than that, where the system can hold it to it (not on Windows)."""
    try:
        import resource
    except ImportError:
        return
    # Data and not address space: ONNX Runtime reserves gigabytes of addresses that it never uses.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 2**20, megabytes * 2**20))
