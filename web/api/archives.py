"""Read a process package from a zip archive that a program sent."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Final

from engine.definitions.package import MANIFEST, MAX_FILE, MAX_FILES
from engine.errors import N_, InvalidInput

MAX_ARCHIVE: Final = 20 * 1024 * 1024
"""Largest archive, and most that its files may come to unpacked."""

_COMPRESSIONS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    IndexError,  # a member without a name
    OSError,
    RuntimeError,  # encrypted, or of a version that zipfile does not know
    ValueError,
    struct.error,
)
"""What zipfile raises for an archive it cannot make sense of."""


def read_archive(content: bytes) -> dict[str, bytes]:
    """Return the files of a package by relative path; one folder around them all is taken off.

    Nothing is written to disk. Raises InvalidInput for what is no archive, is too large unpacked,
    or has names that lead out of the package.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = _read(archive)
    except _DAMAGE:
        raise _refusal(N_("无法读取该压缩包，请发送普通的 zip 文件。")) from None
    return _without_folder(files)


def _read(archive: zipfile.ZipFile) -> dict[str, bytes]:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > MAX_FILES:
        raise _refusal(N_("压缩包中的文件过多。"))
    files: dict[str, bytes] = {}
    total = 0
    for member in members:
        name = member.filename
        parts = name.split("/")
        if name.startswith("/") or "\\" in name or ":" in name or ".." in parts or "" in parts:
            raise _refusal(N_("压缩包中的文件名有误，应为流程包内的相对路径。"))
        if any(part.startswith((".", "~")) for part in parts) or parts[0] == "__MACOSX":
            continue
        if member.compress_type not in _COMPRESSIONS:
            raise zipfile.BadZipFile
        # The sizes an archive states may lie; what comes out is what counts.
        with archive.open(member) as stream:
            data = stream.read(MAX_FILE + 1)
        total += len(data)
        if len(data) > MAX_FILE or total > MAX_ARCHIVE:
            raise _refusal(N_("压缩包解开后过大。"))
        if name in files:
            raise _refusal(N_("压缩包中有同名文件。"))
        files[name] = data
    return files


def _without_folder(files: dict[str, bytes]) -> dict[str, bytes]:
    if MANIFEST in files:
        return files
    folders = {name.partition("/")[0] for name in files}
    if len(folders) != 1 or f"{next(iter(folders))}/{MANIFEST}" not in files:
        return files
    return {name.partition("/")[2]: data for name, data in files.items()}


def _refusal(sentence: str) -> InvalidInput:
    return InvalidInput({"": [sentence]})
