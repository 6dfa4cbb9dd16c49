"""The content-addressed store: a file's name is the SHA-256 of its bytes, so it never changes.

A file is written under a temporary name, flushed to the disk and then renamed; whoever finds a
name in the store finds the whole file. Storing the same bytes twice keeps one copy.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from engine.attachments.content import FORMATS, format_of
from engine.errors import N_, InvalidInput

CHUNK: Final = 256 * 1024


class FileRefused(InvalidInput):
    """An uploaded file is empty, too large, of a kind not accepted, or not what it claims to be."""

    code = "file_refused"


@dataclass(frozen=True)
class Stored:
    """A file in the store."""

    sha256: str
    size: int
    media_type: str
    path: Path


@dataclass(frozen=True)
class Store:
    """A folder of files named by their content."""

    folder: Path
    max_bytes: int

    def path(self, sha256: str) -> Path:
        """Return where the bytes with this digest lie; refuses anything that is not a digest."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError("not a SHA-256 digest")
        return self.folder / sha256[:2] / sha256[2:4] / sha256

    def put(self, stream: IO[bytes], name: str) -> Stored:
        """Check and store what ``stream`` gives; ``name`` is the file name it came with.

        Raises :class:`FileRefused` and leaves nothing behind if the file is not acceptable.
        """
        claimed = format_of(name)
        if claimed is None:
            kinds = "、".join(dict.fromkeys(f.title for f in FORMATS.values()))
            raise FileRefused(
                {}, N_("不接受“%(name)s”这种文件，请用：%(kinds)s。"), name=name, kinds=kinds
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor, temporary_name = tempfile.mkstemp(prefix=".upload-", dir=self.folder)
        temporary = Path(temporary_name)
        try:
            digest = hashlib.sha256()
            size = 0
            with os.fdopen(descriptor, "wb") as handle:
                while chunk := stream.read(CHUNK):
                    size += len(chunk)
                    if size > self.max_bytes:
                        raise FileRefused(
                            {},
                            N_("文件“%(name)s”超过 %(limit)s MB，请压缩或拆分后再上传。"),
                            name=name,
                            limit=self.max_bytes // (1024 * 1024),
                        )
                    digest.update(chunk)
                    handle.write(chunk)
                handle.flush()
                os.fsync(handle.fileno())
            if not size:
                raise FileRefused({}, N_("文件“%(name)s”是空的，请重新选择。"), name=name)
            if not claimed.check(temporary):
                raise FileRefused(
                    {},
                    N_("文件“%(name)s”的内容不是 %(kind)s，或已损坏，请打开检查后另存再上传。"),
                    name=name,
                    kind=claimed.title,
                )
            sha256 = digest.hexdigest()
            target = self.path(sha256)
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.chmod(0o600)
            temporary.replace(target)
            _flush_folder(target.parent)
        finally:
            temporary.unlink(missing_ok=True)
        return Stored(sha256, size, claimed.media_type, target)


def _flush_folder(folder: Path) -> None:
    """Make the rename survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
