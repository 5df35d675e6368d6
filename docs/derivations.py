"""The gallery: a page and a picture for each file of examples/derivations, made by the command's own functions.

usage: python -m docs.derivations
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lecta.derive import derive

SOURCES = Path(__file__).parents[1] / "examples" / "derivations"
FOLDER = Path(__file__).parent / "derivations"


@dataclass(frozen=True)
class Example:
    """One file: its first comment is the title, the others say how it is derived."""

    name: str
    title: str
    text: str
    wrt: str
    numeric: str
    clip: float | None


def read() -> list[Example]:
    """Return the examples, by name."""
    found = []
    for path in sorted(SOURCES.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        said = dict(re.findall(r"^# (wrt|numeric|clip): (.+)$", text, re.MULTILINE))
        clip = float(said["clip"]) if "clip" in said else None
        found.append(Example(path.stem, text[2:].split("\n")[0], text, said["wrt"], said["numeric"], clip))
    return found


def page(example: Example, *, jax: bool = True) -> tuple[str, str]:
    """Return the Markdown and the SVG of one example; without JAX it takes a third of the time."""
    found = derive(example.text, example.wrt, values=example.numeric, clip=example.clip, jax=jax)
    program = "\n".join(line for line in example.text.splitlines() if not line.startswith("#"))
    clip = f" --clip {example.clip:g}" if example.clip is not None else ""
    command = f"lecta derive examples/derivations/{example.name}.txt --wrt {example.wrt}{clip}"
    numeric = f' \\\n    --numeric "{example.numeric}"'
    text = (
        f"# {example.title}\n\n```text\n{program}\n```\n\n```sh\n{command}{numeric}\n```\n\n"
        f"![The graph, its values and its gradients]({example.name}.svg)\n\n{found.markdown}"
    )
    return text, found.svg()


def comparable(text: str) -> str:
    """Leave out of a page what another processor or library may put otherwise: errors, simplified forms."""
    text = re.sub(r"Written in the inputs alone:\n\n\$\$.*?\$\$\n\n", "", text, flags=re.DOTALL)
    return re.sub(r"\*\*Checks\.\*\*.*", "", text, flags=re.DOTALL)


def main() -> None:
    """Write every page and picture."""
    FOLDER.mkdir(exist_ok=True)
    for example in read():
        text, picture = page(example)
        (FOLDER / f"{example.name}.md").write_text(text, encoding="utf-8")
        (FOLDER / f"{example.name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
