"""The data flows one way: ground floor <- rooms <- library <- doors."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT

GROUND = ("types", "protocols", "errors", "settings")
ROOMS = (
    "models",
    "read",
    "clean",
    "lectures",
    "chunk",
    "embed",
    "store",
    "retrieve",
    "answer",
    "check",
    "align",
    "question",
    "conversations",
)
DOORS = (
    "as_json",
    "in_words",
    "mathtext",
    "console",
    "chatting",
    "export",
    "cli",
    "serve",
    "web",
    "mcp_server",
    "__main__",
    "__init__",
)
LEVEL = (
    dict.fromkeys(GROUND, 0)
    | dict.fromkeys(ROOMS, 1)
    | {"derive": 1}  # a room without a library: the door may call it as it is
    | {
        "intake": 2,
        "opening": 2,
        "timeline": 2,
        "asking": 2,
        "answering": 2,
        "worked": 2,
        "covering": 2,
        "sections": 2,
        "readahead": 3,
        "aligning": 3,
        "embedding": 3,
        "adding": 4,
        "reindexing": 5,
        "library": 6,
        "evaluate": 7,
        "resident": 7,
    }
    | dict.fromkeys(DOORS, 8)
)
FILES = sorted((ROOT / "lecta").rglob("*.py"))


def _room(path: Path) -> str:
    return path.relative_to(ROOT / "lecta").parts[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    """Return the rooms of lecta that a file imports at run time, wherever in the file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "lecta":
            found |= {alias.name for alias in node.names} & set(LEVEL)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lecta."):
            found.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("lecta.")}
    return found


def test_every_file_has_a_floor() -> None:
    assert {_room(path) for path in FILES} <= set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_from_below_or_its_own_room(path: Path) -> None:
    room = _room(path)
    for other in _imports(path) - {room}:
        below = LEVEL[other] < LEVEL[room]
        beside = LEVEL[other] == LEVEL[room] and room in (*GROUND, *DOORS)  # rooms never import each other
        past = room in DOORS and other in ROOMS and other != "models"  # a door has no business in a room
        assert (below or beside) and not past, f"{room} imports {other}"


def test_a_finding_would_be_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f():\n    from lecta.store import Store\n    import lecta.chunk\n")
    assert _imports(wrong) == {"store", "chunk"}
