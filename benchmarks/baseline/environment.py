"""The baseline's own environment, made once: its libraries bring torch and have no place among lecta's."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import platformdirs
from filelock import FileLock

REQUIREMENTS = Path(__file__).parent / "requirements.txt"
PIPELINE = Path(__file__).parent / "pipeline.py"


def python(folder: Path | None = None) -> Path:
    """Return the Python that has the baseline's libraries; made by pip the first time, a gigabyte and minutes.

    It stands in `folder`, by default in the user's cache, and is made anew when the requirements change.
    """
    folder = folder or platformdirs.user_cache_path("lecta", appauthor=False) / "benchmarks" / "baseline"
    folder.mkdir(parents=True, exist_ok=True)
    interpreter = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = folder / ".requirements"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    with FileLock(folder.with_suffix(".lock")):
        if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
            print(f"installing the baseline's libraries into {folder}, once ...", file=sys.stderr, flush=True)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            pip = [str(interpreter), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True, stdout=sys.stderr)
            mark.write_text(wanted, encoding="utf-8")
    return interpreter


def offline() -> dict[str, str]:
    """Return the environment of a process that must ask no hub and send no telemetry."""
    return os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False"}
