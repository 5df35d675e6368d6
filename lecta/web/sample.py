"""The sample course, where it is: in an installed package beside this one, in a checkout under examples/."""

from __future__ import annotations

from pathlib import Path

COURSE = "Backpropagation and around"
"""Its title."""


def folder() -> Path | None:
    """Return the folder of the sample course, or None in a package that was built without it."""
    package = Path(__file__).parents[1]
    for found in (package / "examples" / "course", package.parent / "examples" / "course"):
        if (found / "course.toml").is_file():
            return found
    return None
