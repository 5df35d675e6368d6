"""Files that are added: dropped or chosen, sent, read; each with where it is."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from lecta.serve.uploads import Upload
from lecta.web import labels, parts

_SHOWN = 8  # of the last files; a folder may have hundreds


class Drop(Element, component="drop.js"):
    """Where files are dropped or chosen; it sends them to the API itself. See drop.js."""

    def __init__(self, suffixes: Sequence[str], megabytes: int) -> None:
        super().__init__()
        self._props["accept"] = ",".join(suffixes)
        self._props["megabytes"] = megabytes


class Adding:
    """The area where lectures are added."""

    def __init__(self, suffixes: Sequence[str], megabytes: int) -> None:
        self._refused: dict[str, str] = {}
        self._uploads: Sequence[Upload] = ()
        with parts.box("section", aria_labelledby="adding-heading"):
            parts.words("h2", "Add lectures", id="adding-heading")
            Drop(suffixes, megabytes).on("refused", self._refuse)
            self._list = parts.box("ul", "uploads plain", aria_live="polite")

    def show(self, uploads: Sequence[Upload]) -> None:
        """Show how far each file is."""
        self._uploads = uploads
        self._fill()

    def _refuse(self, event: GenericEventArguments) -> None:
        self._refused[str(event.args.get("name", ""))] = str(event.args.get("reason", ""))
        self._fill()

    def _fill(self) -> None:
        self._list.clear()
        going = [upload for upload in self._uploads if not upload.is_done]
        done = [upload for upload in self._uploads if upload.is_done]
        with self._list:
            for name, reason in list(self._refused.items())[-_SHOWN:]:
                with parts.box("li"):
                    parts.words("span", labels.name(name))
                    parts.words("span", reason, "error")
            for upload in [*done[-3:], *going[:_SHOWN]]:
                _row(upload)
            if len(going) > _SHOWN:
                parts.words("li", f"and {len(going) - _SHOWN} more", "soft")


def _row(upload: Upload) -> None:
    with parts.box("li"):
        parts.words("span", upload.name)
        if upload.status == "failed":
            parts.words("span", upload.reason, "error")
        else:
            parts.words("span", _state(upload), "soft")
        if not upload.is_done:
            bar = parts.box("progress", "bar-of", aria_label=f"Adding {upload.name}")
            done, _, total = upload.where.removesuffix(" files").partition(" of ")
            if done.isdigit() and total.isdigit():
                parts.set_attribute(bar, "value", int(done))
                parts.set_attribute(bar, "max", int(total))


def _state(upload: Upload) -> str:
    match upload.status:
        case "receiving":
            return f"coming in, {upload.size / 1e6:,.1f} MB"
        case "waiting":
            return "waits for its turn"
        case "reading":
            return f"being read{f', {upload.where}' if upload.where else ''}"
        case "added" | "updated":
            return f"added, {labels.count(upload.passages, 'passage')}"
        case "unchanged" | "duplicate":
            return "was there already"
        case _:
            return upload.reason or upload.status
