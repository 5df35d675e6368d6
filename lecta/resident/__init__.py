"""A process that stays for some minutes after `lecta ask`, so that the next finds model, embedder and library open.

    lecta ask -> client -> Unix socket -> server -> Library.ask
                   | nobody there, busy, or of other settings: the client's process answers itself

Local only: a Unix socket of mode 0600 in a folder of mode 0700 that belongs to the user; a JSON object a line, nothing
is unpickled. Never stale: both sides state what an answer depends on beside the library (`identity`), and where that
differs the server goes; the library itself is read as it is published at each question. Never left behind: it ends
after its minutes, with its library's folder, and with its socket.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import platformdirs

from lecta import __version__, models
from lecta.settings import Settings

LONGEST_PATH = 100
"""Bytes of a Unix socket's address; Linux takes 107, macOS 103."""


def address(settings: Settings) -> Path | None:
    """Return where the socket of a library's resident is, or None where none can be.

    None on Windows, for a model of a server (nothing would be kept warm but imports) and where no folder is the user's
    alone.
    """
    if os.name == "nt" or not is_local(settings.model):
        return None
    name = hashlib.sha256(os.fsencode(settings.library.absolute().resolve())).hexdigest()[:16]
    for folder in _folders():
        path = folder / f"{name}.sock"
        if len(os.fsencode(path)) <= LONGEST_PATH and _is_private(folder):
            return path
    return None


def is_local(model: str) -> bool:
    """Tell whether a model runs in lecta's own process."""
    return not model.startswith(("openai:", "ollama:"))


def _folders() -> list[Path]:
    """Return where a socket may be, best first: what the system gives each user for such, or the user's cache."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    cache = platformdirs.user_cache_path("lecta", appauthor=False) / "run"
    return [*([Path(given) / "lecta"] if given else []), cache, Path(tempfile.gettempdir()) / f"lecta-{os.getuid()}"]


def _is_private(folder: Path) -> bool:
    """Tell whether only this user can look into a folder, which is made if need be."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o077


def resolved(settings: Settings) -> Settings:
    """Return settings that mean the same in every working directory."""
    changes: dict[str, Any] = {
        "library": settings.library.absolute().resolve(),
        "models": settings.models.absolute().resolve(),
    }
    if settings.model.endswith(".gguf"):
        changes["model"] = str(Path(settings.model).expanduser().resolve())
    return settings.model_copy(update=changes)


def identity(settings: Settings) -> str:
    """Return a hash of all that an answer depends on beside the library: lecta, settings, the models' files.

    Of files their size, time and number in the file system: reading a gigabyte would take longer than an answer saves.
    """
    settings = resolved(settings)
    package = Path(__file__).parents[1]
    code = sorted((str(path), path.stat().st_mtime_ns) for path in package.rglob("*.py"))
    libraries = Path(sysconfig.get_path("purelib"))
    parts = [
        __version__,
        code,
        [sys.executable, sys.version, libraries.stat().st_mtime_ns],
        settings.model_dump(mode="json"),
        [_about(path) for path in _model_files(settings)],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _model_files(settings: Settings) -> list[Path]:
    names = [models.EMBEDDER]
    files = []
    if settings.model in models.CHAT or settings.model in models.CHAT.values():
        names.append(models.find(settings.model).name)
    else:
        files.append(Path(settings.model))
    return files + [settings.models / name / file.name for name in names for file in models.find(name).files]


def _about(path: Path) -> list[Any]:
    try:
        found = path.stat()
    except OSError:
        return [str(path)]
    return [str(path), found.st_size, found.st_mtime_ns, found.st_ino]


def start(settings: Settings) -> None:
    """Start a resident for these settings and do not wait for it; it opens everything, then listens.

    Nothing is started where the setting is 0, or none can be.
    """
    if not settings.resident_minutes or address(settings) is None:
        return
    program = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from lecta.resident.server import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, json.dumps([path or str(Path.cwd()) for path in sys.path])],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,  # Ctrl-C in the terminal is not for it
    )
    assert process.stdin is not None
    # Through a pipe: what stands in a command line every user of the machine can read, and there may be a key.
    process.stdin.write(resolved(settings).model_dump_json().encode())
    process.stdin.close()
    process.returncode = 0  # it is to outlive this process; nobody waits for it


def started_with(given: str) -> Settings:
    """Return the settings that `start` wrote; they stand above the environment and the configuration file."""
    return Settings(**json.loads(given))
