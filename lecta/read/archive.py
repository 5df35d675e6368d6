"""Zip files that hold a document: opened with care, because a few kilobytes can claim to be gigabytes."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from lecta.errors import ReadError, first_line

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_MEMBERS = 20_000
MAX_MEMBER_BYTES = 100_000_000
"""A chapter or a document's body of one million words is some 30 MB of markup."""
MAX_TOTAL_BYTES = 400_000_000
"""Of all that one file's reader takes out, which pictures are not."""


class Archive:
    """An open zip file that gives bytes up to a limit. Use it in a `with` statement."""

    def __init__(self, path: Path, what: str) -> None:
        self._left = MAX_TOTAL_BYTES
        self._what = what
        with path.open("rb") as file:
            if file.read(8) == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
                raise ReadError(f"not {what} as it stands: protected by a password, or in the format of before 2007")
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise ReadError(f"not {what}: {first_line(error)}") from error
        self.names = frozenset(self._zip.namelist())
        if len(self.names) > MAX_MEMBERS:
            raise ReadError(f"not {what}: it holds more than {MAX_MEMBERS:,} files")

    def __enter__(self) -> Archive:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._zip.close()

    def read(self, name: str) -> bytes:
        """Return a member's bytes. Raises `ReadError` when it is missing, damaged, locked or too large."""
        try:
            info = self._zip.getinfo(name)
            if info.file_size > min(MAX_MEMBER_BYTES, self._left):
                raise ReadError(f"{name} inside it would be {info.file_size // 1_000_000:,} MB: not read")
            with self._zip.open(info) as member:
                data = member.read(MAX_MEMBER_BYTES + 1)
        except KeyError:
            raise ReadError(f"not {self._what}: {name} is missing") from None
        except RuntimeError as error:  # zipfile's way to say that a member is encrypted
            raise ReadError("protected by a password") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
            raise ReadError(f"damaged: {name} cannot be unpacked ({first_line(error)})") from error
        self._left -= len(data)
        return data

    def xml(self, name: str) -> _Element:
        """Return a member's tree. Entities are not resolved and nothing is fetched."""
        from lxml import etree  # 40 ms

        parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
        try:
            root = etree.fromstring(self.read(name), parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise ReadError(f"damaged: {name} is no XML ({first_line(error)})") from error
        if root is None:
            raise ReadError(f"damaged: {name} is no XML")
        return root
