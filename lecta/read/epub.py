"""E-books (EPUB 2 and 3): chapters in the order of the spine, read as web pages.

Only the zip and its XML are needed; EbookLib is AGPL.
"""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lecta.errors import ReadError
from lecta.read import html
from lecta.read.archive import Archive
from lecta.read.outline import Outline
from lecta.types import Document

if TYPE_CHECKING:
    from lxml.etree import _Element

NAME = "epub/1"
SUFFIXES = frozenset({".epub"})

_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})
_DC = "{http://purl.org/dc/elements/1.1/}"


def read(path: Path) -> Document:
    """Read one book. Raises `ReadError` when it is none, is locked or holds no text."""
    with Archive(path, "an e-book") as archive:
        package_name = _package(archive)
        package = archive.xml(package_name)
        _refuse_locked(archive)
        outline = Outline()
        warnings = _chapters(archive, package, posixpath.dirname(package_name), outline)
        title = package.findtext(f".//{_DC}title") or ""
    return outline.document(NAME, title, tuple(warnings))


def _package(archive: Archive) -> str:
    for element in archive.xml("META-INF/container.xml").iter("{*}rootfile"):
        if element.get("full-path"):
            return unquote(element.get("full-path") or "")
    raise ReadError("not an e-book: its container names no package")


def _refuse_locked(archive: Archive) -> None:
    """Fonts may be obfuscated; locked chapters cannot be read."""
    if "META-INF/encryption.xml" not in archive.names:
        return
    for reference in archive.xml("META-INF/encryption.xml").iter("{*}CipherReference"):
        if (reference.get("URI") or "").lower().endswith((".xhtml", ".html", ".htm", ".xml")):
            raise ReadError("protected by digital rights management: lecta cannot open it")


def _chapters(archive: Archive, package: _Element, folder: str, outline: Outline) -> list[str]:
    """Add the chapters, and return a line for each that could not be read."""
    items = {item.get("id"): item for item in package.iter("{*}item")}
    titles = _contents(archive, package, folder)
    warnings = []
    for reference in package.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if (
            item is None
            or (item.get("media-type") or "") not in _PAGES
            or "nav" in (item.get("properties") or "").split()
        ):
            continue
        name = _inside(folder, item.get("href") or "")
        try:
            page = archive.read(name)
            if name in titles and not any(b"<h%d" % level in page for level in range(1, 7)):
                outline.heading(1, titles[name])
            html.add(outline, page, whole=True)
        except ReadError as error:
            if "characters of text" in error.reason:  # the book is too large, not this chapter
                raise
            if error.reason != "the page has no text":
                warnings.append(f"chapter {name}: {error.reason}")
    return warnings


def _contents(archive: Archive, package: _Element, folder: str) -> dict[str, str]:
    """Return the titles that the table of contents gives to chapters: EPUB 3's page of links or EPUB 2's NCX."""
    titles: dict[str, str] = {}
    for item in package.iter("{*}item"):
        is_nav = "nav" in (item.get("properties") or "").split()
        name = _inside(folder, item.get("href") or "")
        if not (is_nav or item.get("media-type") == "application/x-dtbncx+xml") or name not in archive.names:
            continue
        base = posixpath.dirname(name)
        root = archive.xml(name)
        for link in root.iter("{*}a"):
            titles.setdefault(
                _inside(base, link.get("href") or ""), " ".join("".join(map(str, link.itertext())).split())
            )
        for point in root.iter("{*}navPoint"):
            content = point.find("{*}content")
            words = " ".join((point.findtext("{*}navLabel/{*}text") or "").split())
            if content is not None and words:
                titles.setdefault(_inside(base, content.get("src") or ""), words)
    return titles


def _inside(folder: str, href: str) -> str:
    """Return the name in the zip of a relative address."""
    return posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))
