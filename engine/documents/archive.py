"""Write a ZIP whose bytes depend on its content only, and keep the digest of every file in it."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final

_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every member. A ZIP's own times have no zone and mean nothing here."""
_STORED: Final = frozenset({".zip", ".docx", ".xlsx", ".ofd", ".pdf", ".jpg", ".jpeg", ".png"})
_CHUNK: Final = 256 * 1024


class Archive:
    """A ZIP being written to a file, one member after the other, never held in memory."""

    def __init__(self, target: IO[bytes], *, compressed: bool = True) -> None:
        """Write to ``target``; not compressed, every byte of it is bound by what is in it."""
        self._compressed = compressed
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED)
        self.listed: dict[str, tuple[int, str]] = {}
        """Size and SHA-256 of each member by its name, in the order written."""

    def add(self, name: str, chunks: Iterable[bytes]) -> str:
        """Add a member and return its SHA-256."""
        info = zipfile.ZipInfo(name, _MOMENT)
        info.external_attr = 0o644 << 16
        info.create_system = 3
        stored = not self._compressed or Path(name).suffix.lower() in _STORED
        info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
        digest, size = hashlib.sha256(), 0
        with self._zip.open(info, "w", force_zip64=False) as member:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                member.write(chunk)
        self.listed[name] = size, digest.hexdigest()
        return digest.hexdigest()

    def add_text(self, name: str, words: str) -> str:
        """Add a member of UTF-8 text and return its SHA-256."""
        return self.add(name, [words.encode()])

    def close(self) -> None:
        """Write the directory of the ZIP."""
        self._zip.close()


def chunks_of(path: Path) -> Iterable[bytes]:
    """Yield a file piece by piece."""
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            yield chunk


def repacked(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy a ZIP without the times of its members: the same content gives the same bytes."""
    archive = Archive(target)
    with zipfile.ZipFile(source) as original:
        for info in original.infolist():
            archive.add(info.filename, [original.read(info)])
    archive.close()
