"""The command line of the script lecta grew from, with true offsets.

python3 main.py --build [--data_dir DIR]
python3 main.py --query QUESTION [--top_k N] [--data_dir DIR]

It reads what the script read, the PDFs and text files under DIR, and keeps their index in DIR's own library under the
platform's cache folder. `lecta add` and `lecta ask` do more.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from lecta import LectaError, Library, UsageError
from lecta.settings import Settings, load
from lecta.types import Answer, Hit

_SUFFIXES = (".pdf", ".txt")


def main() -> int:
    """Build an index or answer a question; return the exit status."""
    parser = argparse.ArgumentParser(description="Ask questions of lecture slides (PDF) and transcripts (text).")
    parser.add_argument("--build", action="store_true", help="read the files and build the index")
    parser.add_argument("--query", metavar="QUESTION", help="the question to answer")
    parser.add_argument("--top_k", type=int, default=1, metavar="N", help="passages to find (default: 1)")
    parser.add_argument("--data_dir", type=Path, default=Path("../data"), metavar="DIR", help="default: ../data")
    arguments = parser.parse_args()
    if not arguments.build and not arguments.query:
        parser.error("give --build, --query QUESTION, or both")
    if arguments.top_k < 1:
        parser.error("--top_k is at least 1")
    failed = 0
    try:
        settings = load()
        library = Library(_library_folder(arguments.data_dir, settings), settings=settings)
        if arguments.build:
            failed = _build(library, arguments.data_dir)
        if arguments.query:
            _query(library, arguments.query, arguments.top_k, arguments.data_dir)
    except LectaError as error:
        print(f"main.py: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("main.py: stopped", file=sys.stderr)
        return 130
    return 1 if failed else 0


def _library_folder(data_dir: Path, settings: Settings) -> Path:
    name = hashlib.sha256(f"{data_dir.resolve()} {settings.passage_size}".encode()).hexdigest()[:16]
    return platformdirs.user_cache_path("lecta", appauthor=False) / "main" / name


def _build(library: Library, data_dir: Path) -> int:
    """Add the files and return how many failed."""
    if not data_dir.is_dir():
        raise UsageError(f"there is no folder {data_dir}: name the one with your lectures with --data_dir")
    files = sorted(path for path in data_dir.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not files:
        raise UsageError(f"no .pdf or .txt file under {data_dir}")
    report = library.add(files, course=data_dir.resolve().name)
    for file in report.files:
        if file.status == "failed":
            print(f"main.py: {file.path}: {file.reason}", file=sys.stderr)
    print(
        f"{len(library.documents())} files, {library.store.count()} passages, {report.seconds:.1f} s", file=sys.stderr
    )
    return sum(file.status == "failed" for file in report.files)


def _query(library: Library, question: str, top_k: int, data_dir: Path) -> None:
    if not library.store.count():
        raise UsageError(f"no index for {data_dir}: run main.py --build --data_dir {data_dir} first")
    _print_answer(library.ask(question, top_k, on_passages=_print_passages))


def _print_passages(hits: Sequence[Hit]) -> None:
    print("Docs:")
    for hit in hits:
        passage = hit.passage
        place: dict[str, object] = {"start_index": passage.start_index, "source": passage.source}
        if passage.page is not None:
            place["page"] = passage.page
        print(f"{passage.text}\n{place}\n{'-' * 20}", flush=True)


def _print_answer(answer: Answer) -> None:
    thinking = f"<think>\n{answer.thinking}\n</think>\n\n" if answer.thinking else ""
    print(f"Answer:\n {thinking}{answer.text}\n\nSources:")
    for source in dict.fromkeys(hit.passage.source for hit in answer.passages):
        print(f"- {source}")


if __name__ == "__main__":
    sys.exit(main())
