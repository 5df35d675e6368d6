"""Each thing once, through the real library: what stands in several files is found once, with all its places."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lecta import Library
from lecta.settings import load
from lecta.types import DocumentRecord, Passage
from tests.conftest import ROOT, LetterEmbedder

CHAIN = (
    "The chain rule multiplies the derivatives along every path from the loss to a weight, and adds up the products of "
    "all the paths, so that each weight learns how much it contributed to the error."
)
FILTER = (
    "A convolution slides a small filter over the image and computes a weighted sum at every position, sharing its "
    "weights, so that the same pattern is found wherever it stands in the picture."
)
ADAM = (
    "Adam keeps a running mean of the gradient and of its square for each parameter, corrects both for their start at "
    "nothing, and divides one by the root of the other before it takes a step."
)
ADVERTISEMENT = (
    "Oh, and by the way, if you're backing up all those models, check out KeepItSafe Backup, this top-notch, go-to "
    "tool that's super reliable for SMBs, with no subscriptions. We thank KeepItSafe for sponsoring this space."
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "lectures"
    path.mkdir()
    return path


def write(path: Path, *paragraphs: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(paragraphs) + "\n", encoding="utf-8")
    return path


def add(library: Library, *paths: Path) -> dict[str, str]:
    return {Path(file.path).name: file.status for file in library.add(paths).files}


def holding(library: Library, words: str) -> list[Passage]:
    """Return the stored passages that hold some words, line ends or not."""
    return [passage for passage in library.store.passages() if words in " ".join(passage.text.split())]


def places(library: Library, words: str) -> tuple[str, list[str]]:
    """Return in which file some words are found, and in which others they are said to stand."""
    (hit,) = [hit for hit in library.search(words, 20).hits if words in " ".join(hit.passage.text.split())]
    return Path(hit.passage.source).name, [Path(place.source).name for place in hit.also]


def state(library: Library) -> list[object]:
    """Return everything that a user could see."""

    def seen(record: DocumentRecord) -> object:
        document = library.document(record.source)
        assert document is not None
        return record.source, record.passages, document

    return [*map(seen, library.documents()), *library.store.passages()]


def test_a_paragraph_in_three_files_is_indexed_once_with_all_its_places(library: Library, folder: Path) -> None:
    write(folder / "a.md", CHAIN, FILTER)
    write(folder / "b.md", ADAM, CHAIN)
    write(folder / "c.md", CHAIN.replace("contributed to", "added to"), "And something of its own.")
    assert set(add(library, folder).values()) == {"added"}
    assert places(library, CHAIN) == ("a.md", ["b.md", "c.md"]), "in c.md a word differs"
    assert places(library, ADAM) == ("b.md", [])
    assert len(holding(library, "multiplies the derivatives")) == 1


def test_a_repeat_within_a_file_has_its_place_too(library: Library, folder: Path) -> None:
    write(folder / "a.md", CHAIN)
    write(folder / "b.md", CHAIN, FILTER, CHAIN, FILTER)
    add(library, folder)
    assert places(library, CHAIN) == ("a.md", ["b.md"])
    assert places(library, FILTER) == ("b.md", ["b.md"])


def test_a_place_says_the_minute(library: Library, folder: Path) -> None:
    write(folder / "notes.md", CHAIN)
    write(folder / "talk.srt", f"1\n00:01:00,000 --> 00:01:20,000\n{CHAIN} {ADAM}")
    add(library, folder)
    assert add(library, folder) == {"talk.srt": "unchanged", "notes.md": "unchanged"}, "those with times come first"


def test_a_whole_copy_is_a_duplicate_and_its_places_are_those_of_its_words(library: Library, folder: Path) -> None:
    write(folder / "a.md", CHAIN)
    write(folder / "b.md", CHAIN, FILTER)
    write(folder / "c.md", CHAIN, FILTER)
    report = library.add([folder]).files
    assert [file.status for file in report] == ["added", "added", "duplicate"]
    assert re.fullmatch(r"the same bytes as .*b\.md", report[2].reason)
    assert places(library, CHAIN) == ("a.md", ["b.md", "c.md"])
    assert places(library, FILTER) == ("b.md", ["c.md"])
    write(folder / "d.md", FILTER.upper())
    assert add(library, folder)["d.md"] == "duplicate", "other bytes, the same words"


@pytest.mark.parametrize("how", ["removed", "changed"])
@pytest.mark.parametrize("copy", ["whole", "paragraph", "nearly"])
def test_without_the_first_copy_the_second_is_found(library: Library, folder: Path, how: str, copy: str) -> None:
    first = write(folder / "a.md", CHAIN)
    write(folder / "b.md", *{"whole": [CHAIN], "paragraph": [ADAM, CHAIN], "nearly": [CHAIN.replace("up", "")]}[copy])
    write(folder / "c.md", CHAIN)
    add(library, folder)
    if how == "removed":
        library.remove(first)
        first.unlink()
    else:
        write(first, FILTER)
        assert add(library, folder)["a.md"] == "updated"
    (passage,) = holding(library, "multiplies the derivatives")
    assert Path(passage.source).name == "b.md"
    hit = next(hit for hit in library.search("multiplies the derivatives", 9).hits if hit.passage == passage)
    assert [Path(place.source).name for place in hit.also] == ["c.md"]
    before = state(library)
    assert set(add(library, folder).values()) == {"unchanged"}
    assert state(library) == before


def test_adding_again_changes_nothing(library: Library, folder: Path) -> None:
    write(folder / "a.md", CHAIN, FILTER)
    write(folder / "b.md", CHAIN, ADAM, ADVERTISEMENT)
    write(folder / "c.md", CHAIN, FILTER)
    add(library, folder)
    before = state(library)
    for _ in range(2):
        assert set(add(library, folder).values()) == {"unchanged"}
        assert state(library) == before
    library.add([folder], course="Another")  # each is written anew, in the same order
    assert [(p.source, p.text) for p in library.store.passages()] == [
        (p.source, p.text) for p in before if isinstance(p, Passage)
    ]


def test_a_file_with_the_bytes_that_another_had_before_is_no_duplicate(library: Library, folder: Path) -> None:
    write(folder / "b.md", CHAIN)
    add(library, folder)
    write(folder / "b.md", FILTER)
    write(folder / "a.md", CHAIN)  # comes first, while the library still holds b.md as it was
    report = {Path(file.path).name: file for file in library.add([folder]).files}
    assert "same bytes" not in report["a.md"].reason
    assert len(holding(library, CHAIN)) == len(holding(library, FILTER)) == 1
    assert Path(holding(library, CHAIN)[0].source).name == "a.md"


# --- killed between steps ---------------------------------------------------------------------------------------------

KILLED = """
import os, sys
from pathlib import Path
from lecta import Library
from lecta.settings import load
from lecta.store import Store
from tests.conftest import LetterEmbedder

left = int(sys.argv[3])

def counted(method):
    def wrapper(*args):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return method(*args)
    return wrapper

for name in ("_write", "_publish", "_roll_back", "orphans"):
    setattr(Store, name, counted(getattr(Store, name)))
library = Library(sys.argv[1], settings=load(), embedder=LetterEmbedder())
if sys.argv[4] == "remove":
    library.remove(Path(sys.argv[2]) / "a.md")
else:
    library.add([sys.argv[2]])
"""


def killed(library: Library, folder: Path, steps: int, deed: str) -> bool:
    """Do something in another process that dies before its step number `steps`; tell whether it came to that."""
    command = [sys.executable, "-c", KILLED, str(library.path), str(folder), str(steps), deed]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    status = subprocess.run(command, env=environment, check=False).returncode
    assert status in (0, 9)
    return status == 9


@pytest.mark.slow
@pytest.mark.parametrize("deed", ["add", "change", "remove"])
def test_killed_before_a_step_it_is_as_it_was_or_as_it_will_be_and_heals(
    tmp_path: Path, letters: LetterEmbedder, deed: str
) -> None:
    folder = tmp_path / "lectures"
    write(folder / "a.md", CHAIN, FILTER)
    write(folder / "b.md", CHAIN, ADAM)
    if deed != "add":
        add(Library(tmp_path / "before", settings=load(), embedder=letters), folder)

    def begin() -> Library:
        library = tmp_path / str(next(numbers))
        if deed != "add":
            shutil.copytree(tmp_path / "before", library)
        write(folder / "a.md", *[FILTER] if deed == "change" else [CHAIN, FILTER])
        return Library(library, settings=load(), embedder=letters)

    numbers = itertools.count()
    untouched, done = begin(), begin()
    add(done, folder) if deed != "remove" else done.remove(folder / "a.md")
    for steps in range(1, 99, 2):  # those that publish are odd
        library = begin()
        if not killed(library, folder, steps, deed):
            break
        seen = library.store.passages()
        for passage in seen:
            document = library.document(passage.source)
            assert document is not None, "what is found is listed"
            assert document.text[passage.start_index : passage.end_index] == passage.text
        for record in library.documents():
            assert record.passages == sum(passage.source == record.source for passage in seen)
        if deed == "remove":
            if seen == untouched.store.passages():
                library.remove(folder / "a.md")
            (folder / "a.md").unlink()
        add(library, folder)
        assert library.store.passages() == done.store.passages(), f"killed before step {steps}"
    assert steps > 3


# --- in which order ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_in_any_order_each_thing_is_found_once(tmp_path: Path, letters: LetterEmbedder) -> None:
    """Which file keeps the words depends on the order; what is found, and in how many places, does not."""
    chain, convolution, adam = f"# Chains\n\n{CHAIN}", f"# Filters\n\n{FILTER}", f"# Adam\n\n{ADAM}"
    contents = {
        "a": [chain, convolution],
        "b": [adam, chain],
        "c": [chain, convolution],
        "d": [convolution],
        "e": [adam],
    }
    paths = [write(tmp_path / f"{name}.md", *paragraphs) for name, paragraphs in contents.items()]
    outcomes = set()
    for seed in range(3):
        library = Library(tmp_path / f"library-{seed}", settings=load(), embedder=letters)
        random.Random(seed).shuffle(paths)
        for path in paths:
            library.add([path])
        found = []
        for words in (CHAIN, FILTER, ADAM):
            first, also = places(library, words)
            found.append((words, frozenset([first, *also]), len(holding(library, words))))
        outcomes.add(tuple(found))
    assert outcomes == {(
        (CHAIN, frozenset({"a.md", "b.md", "c.md"}), 1),
        (FILTER, frozenset({"a.md", "c.md", "d.md"}), 1),
        (ADAM, frozenset({"b.md", "e.md"}), 1),
    )}  # fmt: skip


# --- what is no lecture -----------------------------------------------------------------------------------------------


def test_an_advertisement_is_never_found_and_explained(library: Library, folder: Path) -> None:
    write(folder / "a.md", CHAIN, ADVERTISEMENT)
    write(folder / "b.md", FILTER, ADVERTISEMENT)
    write(folder / "only.md", ADVERTISEMENT)
    report = {Path(file.path).name: file for file in library.add([folder]).files}
    assert (report["only.md"].status, report["only.md"].reason) == ("skipped", "advertisement")
    for question in ("KeepItSafe", "backup tool for SMBs", ADVERTISEMENT):
        assert not [hit for hit in library.search(question, 50).hits if "KeepItSafe" in hit.passage.text]
    library.remove(folder / "a.md")
    assert not holding(library, "KeepItSafe")
    document = library.find(folder / "b.md")
    (left_out,) = [section for section in document.sections if section.excluded]
    assert (left_out.excluded, document.text_of(left_out).strip()) == ("advertisement", ADVERTISEMENT)


@pytest.mark.shared
@pytest.mark.slow
def test_the_chatty_page_is_indexed_once_and_its_advertisement_never(
    shared: Callable[[str], Path], tmp_path: Path, minilm_folder: Path
) -> None:
    (page,) = shared("seeds").glob("002_*.txt")
    lines = [line.strip() for line in page.read_text(encoding="utf-8").splitlines() if line.strip()]
    advertisement = next(line for line in lines if "BackupChain" in line)
    library = Library(tmp_path / "library", settings=load())
    add(library, page)
    indexed = " ".join(passage.text for passage in library.store.passages())
    for line in set(lines) - {advertisement}:
        for sentence in re.split(r"(?<=[.!?])\s+", line):
            if len(sentence.split()) > 3:
                assert indexed.count(sentence) == 1, sentence
    for question in (
        "Which backup software should I use?",
        "What is a reliable backup tool for Hyper-V and Windows Server?",
        "How do I back up my training datasets and models?",
        advertisement,
    ):
        hits = library.search(question, 50).hits
        assert hits
        for hit in hits:
            assert not re.search(r"backup|hyper-v|subscription|SMB|sponsor", hit.passage.text, re.IGNORECASE)

    command = [sys.executable, "-m", "lecta", "status", "--explain", str(page), "--json", "--library"]
    told = subprocess.run(
        [*command, str(library.path)], capture_output=True, check=True, cwd=ROOT, env=os.environ, text=True
    )
    left_out = json.loads(told.stdout)["left_out"]
    assert sum("BackupChain" in part["text"] and part["reason"] == "advertisement" for part in left_out) == 2
    assert sum(len(part["text"]) for part in left_out if part["reason"].startswith("repeated: ")) > 6000


# --- what a folder says of itself -------------------------------------------------------------------------------------

PAGE = """
title = "Deep Learning"

[[lecture]]
number = 7
title = "Derivatives in chains"
files = ["week/*"]

[[kind]]
kind = "speech"
files = ["week/said.txt"]
"""


def lecta(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lecta", *words]
    return subprocess.run(command, capture_output=True, check=False, cwd=ROOT, text=True, timeout=60)


def test_a_course_page_gives_kinds_numbers_and_titles(library: Library, folder: Path) -> None:
    (folder / "course.toml").write_text(PAGE, encoding="utf-8")
    write(folder / "week" / "said.txt", CHAIN)
    write(folder / "week" / "notes.md", FILTER)
    write(folder / "lecture-02-optimisers.md", ADAM)
    assert "course.toml" not in add(library, folder)
    (two, seven) = library.lectures()
    assert (two.course, two.number, dict(two.kinds)) == ("Deep Learning", 2, {"notes": 1})
    assert (seven.number, seven.title, dict(seven.kinds)) == (7, "Derivatives in chains", {"notes": 1, "speech": 1})
    (hit,) = library.search("derivatives", lecture=7, kind="speech").hits
    assert (hit.passage.text, hit.passage.course) == (CHAIN, "Deep Learning")


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ('titel = "Deep Learning"', 'unknown key "titel"'),
        ("[[lecture]]\nnumber = 'one'\nfiles = ['*']", "lecture[1].number"),
        ("title =", "is no TOML"),
    ],
)
def test_a_wrong_course_page_is_wrong_usage_in_one_line(folder: Path, tmp_path: Path, page: str, said: str) -> None:
    write(folder / "notes.md", ADAM)
    (folder / "course.toml").write_text(page, encoding="utf-8")
    run = lecta("add", str(folder), "--library", str(tmp_path / "library"))
    assert run.returncode == 2
    assert run.stdout == ""
    (line,) = run.stderr.splitlines()
    assert "course.toml" in line
    assert said in line
    assert not (tmp_path / "library").exists()


def test_json_that_is_no_transcript_is_skipped(library: Library, folder: Path) -> None:
    (folder / "package.json").write_text('{"name": "homework", "version": "1.0"}', encoding="utf-8")
    (folder / "grades.tsv").write_text("name\tpoints\nAda\t12\n", encoding="utf-8")
    segments = [{"start": 0, "end": 9, "text": CHAIN}]
    (folder / "whisper.json").write_text(json.dumps({"segments": segments}), encoding="utf-8")
    report = {Path(file.path).name: file for file in library.add([folder]).files}
    assert {name: file.status for name, file in report.items()} == {
        "grades.tsv": "skipped", "package.json": "skipped", "whisper.json": "added",
    }  # fmt: skip
    assert "not a transcript" in report["package.json"].reason


def test_a_filter_finds_what_is_repeated_at_its_other_place(library: Library, folder: Path) -> None:
    write(folder / "lecture-01.md", "# The chain", f"{FILTER} {CHAIN}", ADAM)
    write(folder / "lecture-03.md", "# Again", f"{FILTER} {CHAIN}", "And something that is said nowhere else at all.")
    assert set(add(library, folder).values()) == {"added"}
    assert len(holding(library, "multiplies the derivatives")) == 1
    for options, question in (({"lecture": 3}, CHAIN), ({}, f"{CHAIN} in lecture 3")):
        found = library.search(question, 5, **options)  # type: ignore[arg-type]
        (hit,) = [hit for hit in found.hits if "multiplies the derivatives" in hit.passage.text]
        passage = hit.passage
        assert (Path(passage.source).name, passage.lecture, passage.title) == ("lecture-03.md", 3, "Again")
        document = library.document(passage.source)
        assert document is not None
        assert document.text[passage.start_index : passage.end_index] == passage.text
        assert [Path(place.source).name for place in hit.also] == ["lecture-01.md"]
        assert all(hit.passage.lecture == 3 for hit in found.hits)
    assert {hit.passage.lecture for hit in library.search(CHAIN, 5).hits} == {1, 3}
    assert Path(library.search(CHAIN, 1, lecture=1).hits[0].passage.source).name == "lecture-01.md"
    assert not [hit for hit in library.search(ADAM, 5, lecture=3).hits if "running mean" in hit.passage.text]


def test_a_whole_copy_is_found_in_its_own_course(library: Library, folder: Path) -> None:
    for course in ("one", "two"):
        write(folder / course / "a.md", CHAIN, FILTER)
        library.add([folder / course])
    assert len(library.store.passages()) == 1
    for course, other in (("one", "two"), ("two", "one")):
        (hit,) = library.search("the chain rule", 5, course=course).hits
        assert (hit.passage.course, Path(hit.passage.source).parent.name) == (course, course)
        assert CHAIN in hit.passage.text
        assert {Path(place.source).parent.name for place in hit.also} == {other}
    assert [hit.passage.course for hit in library.search('"chain rule"', 5, course="two").hits] == ["two"]
