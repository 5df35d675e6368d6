"""How fast each kind of file is read and added, and how long a course that has not changed takes.

Inputs are the sample course and small files made here. Reading is timed in this process, warm, without what starting a
reader's process costs (once for each `lecta add`); whole commands are timed cold. Seconds of the processor are told
beside the wall's, since they say the same on a busy machine.

usage: python -m benchmarks.reading [--breakers DIR]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import machine
from lecta import read
from lecta.errors import ReadError

COURSE = Path(__file__).parents[1] / "examples" / "course"
TOPICS = ("gradients", "momentum", "convolution", "attention", "embedding", "dropout", "softmax", "pooling")


def main() -> None:
    """Measure and write benchmarks/results/reading.json, and breakers.json where a folder of those is given."""
    parser = argparse.ArgumentParser(description="how fast files are read and added")
    parser.add_argument("--breakers", type=Path, help="a folder of files that break readers, added as a whole")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = inputs(Path(folder))
        result = {"read": {kind: reading(paths) for kind, paths in files.items()}}
        result["add"] = {kind: adding(paths, Path(folder) / f"library-{kind}") for kind, paths in files.items()}
        machine.write("reading", result | {"unchanged": unchanged(Path(folder))})
        if given.breakers:
            machine.write("breakers", breakers(given.breakers, Path(folder) / "library-breakers"))


def reading(paths: list[Path]) -> dict[str, float]:
    """Return files and megabytes a second of processor time, the best of three rounds after a warm one."""
    times = []
    for _ in range(4):
        started = time.process_time()
        for path in paths:
            read.read(path, ocr=False)
        times.append(time.process_time() - started)
    best = min(times[1:])
    megabytes = sum(path.stat().st_size for path in paths) / 1e6
    return {
        "files": len(paths),
        "kb_each": _rounded(1000 * megabytes / len(paths)),
        "files_per_cpu_s": _rounded(len(paths) / best),
        "mb_per_cpu_s": _rounded(megabytes / best),
    }


def adding(paths: list[Path], library: Path) -> dict[str, float]:
    """Return what `lecta add` of these files makes and takes, a cold process with the real embedder."""
    report, seconds, cpu, megabytes = _lecta_add(paths, library)
    size = sum(path.stat().st_size for path in paths) / 1e6
    return {
        "passages": report["passages"],
        "process_s": round(seconds, 2),
        "process_cpu_s": round(cpu, 2),
        "files_per_s": _rounded(len(paths) / report["seconds"]),
        "mb_per_s": _rounded(size / report["seconds"]),
        "peak_mb": megabytes,
    }


def unchanged(folder: Path) -> dict[str, float]:
    """Return how long adding a course of 30 files again takes: a whole process, the median of seven."""
    course = folder / "thirty"
    for source in sorted(COURSE.glob("lecture-*/*")):
        for term in (1, 2):
            path = course / f"term-{term}" / source.parent.name / source.name
            path.parent.mkdir(parents=True, exist_ok=True)
            content = source.read_bytes()
            path.write_bytes(content if term == 1 else content + (b"\n%" if source.suffix == ".pdf" else b"\n\n"))
    _lecta_add([course], folder / "library-thirty")
    times, cpus, peak = [], [], 0
    for _ in range(7):
        report, seconds, cpu, peak = _lecta_add([course], folder / "library-thirty")
        assert {file["status"] for file in report["files"]} == {"unchanged"}
        times.append(seconds)
        cpus.append(cpu)
    files = len(report["files"])
    return {
        "files": files, "median_s": round(statistics.median(times), 2), "best_s": round(min(times), 2),
        "worst_s": round(max(times), 2), "median_cpu_s": round(statistics.median(cpus), 2), "peak_mb": peak,
    }  # fmt: skip


def breakers(folder: Path, library: Path) -> dict[str, Any]:
    """Return what became of files that break readers, all in one command."""
    report, seconds, cpu, peak = _lecta_add([folder], library)
    slowest = max(_times(folder).items(), key=lambda item: item[1])
    reasons = Counter(file["reason"].split(" (")[0][:70] for file in report["files"] if file["status"] != "added")
    return {
        "files": len(report["files"]),
        "by_status": dict(Counter(file["status"] for file in report["files"])),
        "process_s": round(seconds, 1),
        "process_cpu_s": round(cpu, 1),
        "peak_mb": peak,
        "slowest_file": {"name": slowest[0], "read_s": round(slowest[1], 2)},
        "without_reason": sum(not file["reason"] for file in report["files"] if file["status"] != "added"),
        "reasons": dict(reasons.most_common()),
    }


def _times(folder: Path) -> dict[str, float]:
    """Return how long each file takes to be read as `lecta add` does it."""
    times = {}
    with read.Reading() as reading_:
        for path in sorted(folder.iterdir()):
            started = time.perf_counter()
            with contextlib.suppress(ReadError):
                reading_.read(path)
            times[path.name] = time.perf_counter() - started
    return times


def _lecta_add(paths: list[Path], library: Path) -> tuple[dict[str, Any], float, float, int]:
    """Return the report, wall and processor time, and the peak memory of the process or its reader's, in MB."""
    words = [sys.executable, "-m", "lecta", "add", *map(str, paths), "--library", str(library), "--json"]
    program = (
        "import resource, subprocess, sys, time; started = time.perf_counter(); "
        "subprocess.run(sys.argv[1:], check=False); print(time.perf_counter() - started, "
        "(used := resource.getrusage(resource.RUSAGE_CHILDREN)).ru_utime + used.ru_stime, used.ru_maxrss, "
        "file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, check=True, env=os.environ, text=True
    )
    seconds, cpu, peak = run.stderr.splitlines()[-1].split()
    unit = 1 if sys.platform == "darwin" else 1024
    return json.loads(run.stdout), float(seconds), float(cpu), round(int(peak) * unit / 1e6)


def _rounded(value: float) -> float:
    return round(value, 2) if value < 10 else round(value)


# --- what is read -----------------------------------------------------------------------------------------------------


def inputs(folder: Path) -> dict[str, list[Path]]:
    """Return files of each kind: those of the sample course, and made ones."""
    made = {kind: _made(folder / kind, kind, write) for kind, write in WRITERS.items()}
    return {
        "pdf": sorted(COURSE.glob("*/slides.pdf")),
        "vtt": sorted(COURSE.glob("*/recording.vtt")),
        "md notes": sorted(COURSE.glob("*/notes.md")),
        **made,
    }


def _made(folder: Path, kind: str, write: Callable[[Path, int], None]) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"lecture-{number:02d}.{kind.split(maxsplit=1)[0]}" for number in range(1, 9)]
    for number, path in enumerate(paths):
        write(path, number)
    return paths


def _paragraph(number: int, part: int) -> str:
    words = [TOPICS[(number * 3 + part * 5 + i * i) % len(TOPICS)] for i in range(6)]
    return (
        f"In part {part} of lecture {number} we compare {words[0]} with {words[1]}, and see why {words[2]} needs "
        f"{words[3]}. The measured loss falls from {number}.{part} to 0.{part}{number}, and {words[4]} explains it, "
        f"because {words[5]} depends on the size of the step and not on the number of layers."
    )


def _srt(path: Path, number: int) -> None:
    cues = (
        f"{i}\n00:{i * 6 // 60:02d}:{i * 6 % 60:02d},000 --> 00:{(i * 6 + 5) // 60:02d}:{(i * 6 + 5) % 60:02d},000\n"
        f"{_paragraph(number, i)}\n"
        for i in range(1, 400)
    )
    path.write_text("\n".join(cues), encoding="utf-8")


def _deck(path: Path, number: int) -> None:
    slides = (f"# Slide {i}\n\n- {_paragraph(number, i)}\n\n$$y_{i} = W_{i} x + b$$\n" for i in range(1, 60))
    path.write_text("title: Lecture\n\n---\n\n" + "\n---\n\n".join(slides), encoding="utf-8")


def _tex(path: Path, number: int) -> None:
    parts = (f"\\section{{Part {i}}}\n{_paragraph(number, i)}\n\\[ y_{i} = W x + b \\]\n" for i in range(1, 60))
    document = f"\\documentclass{{article}}\n\\begin{{document}}\n{''.join(parts)}\\end{{document}}\n"
    path.write_text(document, encoding="utf-8")


def _html_text(number: int) -> str:
    parts = "".join(f"<h2>Part {i}</h2><p>{_paragraph(number, i)}</p>" for i in range(1, 60))
    title = f"<title>Lecture {number}</title>"
    return (
        f"<html xmlns='http://www.w3.org/1999/xhtml'><head>{title}</head><body><article>{parts}</article></body></html>"
    )


def _html(path: Path, number: int) -> None:
    path.write_text(_html_text(number), encoding="utf-8")


def _txt(path: Path, number: int) -> None:
    path.write_text("\n\n".join(_paragraph(number, i) for i in range(1, 200)), encoding="utf-8")


def _ipynb(path: Path, number: int) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": [f"## Part {i}\n", _paragraph(number, i)]}
        for i in range(1, 60)
    ]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")


def _epub(path: Path, number: int) -> None:
    container = (
        "<container xmlns='urn:oasis:names:tc:opendocument:xmlns:container' version='1.0'><rootfiles>"
        "<rootfile full-path='book.opf' media-type='application/oebps-package+xml'/></rootfiles></container>"
    )
    package = (
        "<package xmlns='http://www.idpf.org/2007/opf' version='3.0'><metadata/><manifest>"
        "<item id='c' href='c.xhtml' media-type='application/xhtml+xml'/></manifest>"
        "<spine><itemref idref='c'/></spine></package>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("book.opf", package)
        archive.writestr("c.xhtml", _html_text(number))


def _docx(path: Path, number: int) -> None:
    space = "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'"
    parts = "".join(f"<w:p><w:r><w:t>{_paragraph(number, i)}</w:t></w:r></w:p>" for i in range(1, 60))
    types = (
        "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'>"
        "<Default Extension='rels' ContentType='application/vnd.openxmlformats-package.relationships+xml'/>"
        "<Override PartName='/word/document.xml' ContentType='application/vnd.openxmlformats-officedocument."
        "wordprocessingml.document.main+xml'/></Types>"
    )
    relations = (
        "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'><Relationship Id='r1' "
        "Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument' "
        "Target='word/document.xml'/></Relationships>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", relations)
        archive.writestr("word/document.xml", f"<w:document {space}><w:body>{parts}</w:body></w:document>")


def _pptx(path: Path, number: int) -> None:
    from pptx import Presentation

    deck = Presentation()
    for i in range(1, 40):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = f"Slide {i}"
        slide.placeholders[1].text = _paragraph(number, i)
        slide.notes_slide.notes_text_frame.text = _paragraph(number, i + 50)
    deck.save(str(path))


WRITERS: dict[str, Callable[[Path, int], None]] = {
    "pptx": _pptx, "srt": _srt, "md deck": _deck, "tex": _tex, "html": _html, "docx": _docx, "ipynb": _ipynb,
    "epub": _epub, "txt": _txt,
}  # fmt: skip


if __name__ == "__main__":
    main()
