"""Tells what an uploaded file really is. The extension is a claim; the bytes decide.

Only formats that papers of these procedures come in are accepted, and none that can carry a macro
or a script. Archives are judged by their directory, never unpacked.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.errors import N_

MAX_MEMBERS: Final = 5_000
"""Most members of a docx, xlsx or ofd container."""
MAX_UNPACKED: Final = 400 * 1024 * 1024
"""Most bytes that a container may claim to unpack to."""


@dataclass(frozen=True)
class Format:
    """A format that may be handed in."""

    extension: str
    media_type: str
    title: str
    check: Callable[[Path], bool]


def _starts_with(*signatures: bytes) -> Callable[[Path], bool]:
    def check(path: Path) -> bool:
        with path.open("rb") as handle:
            head = handle.read(16)
        return head.startswith(signatures)

    return check


def _container(*needed: str) -> Callable[[Path], bool]:
    def check(path: Path) -> bool:
        try:
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            return False
        names = {member.filename for member in members}
        return (
            len(members) <= MAX_MEMBERS
            and sum(member.file_size for member in members) <= MAX_UNPACKED
            and all(name in names for name in needed)
            and not any(name.lower().endswith("vbaproject.bin") for name in names)
        )

    return check


def _is_text(path: Path) -> bool:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return all(c in "\t\n\r\f" or c >= " " for c in text)
    return False


_OOXML = "application/vnd.openxmlformats-officedocument."
_JPEG = _starts_with(b"\xff\xd8\xff")

FORMATS: Final[dict[str, Format]] = {
    f.extension: f
    for f in (
        Format("pdf", "application/pdf", "PDF", _starts_with(b"%PDF-")),
        Format("png", "image/png", "PNG", _starts_with(b"\x89PNG\r\n\x1a\n")),
        Format("jpg", "image/jpeg", "JPG", _JPEG),
        Format("jpeg", "image/jpeg", "JPG", _JPEG),
        Format(
            "docx",
            _OOXML + "wordprocessingml.document",
            "Word (docx)",
            _container("[Content_Types].xml", "word/document.xml"),
        ),
        Format(
            "xlsx",
            _OOXML + "spreadsheetml.sheet",
            "Excel (xlsx)",
            _container("[Content_Types].xml", "xl/workbook.xml"),
        ),
        Format("ofd", "application/ofd", "OFD", _container("OFD.xml")),
        Format("txt", "text/plain", N_("文本 (txt)"), _is_text),
    )
}
"""The accepted formats by extension."""

ACCEPT: Final = ",".join(f".{extension}" for extension in FORMATS)
"""For the ``accept`` attribute of a file input."""


def format_of(name: str) -> Format | None:
    """Return the accepted format that the file name claims, or None."""
    return FORMATS.get(Path(name).suffix.removeprefix(".").lower())
