"""Uploaded files: only what they claim to be, once per content, nothing left of a refusal."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from engine.attachments.operations import clean_name
from engine.attachments.store import FileRefused, Store

PDF = b"%PDF-1.7\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def container(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


DOCX = ("[Content_Types].xml", "word/document.xml")
XLSX = ("[Content_Types].xml", "xl/workbook.xml")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "attachments", max_bytes=100_000)


def files(store: Store) -> list[Path]:
    return [p for p in store.folder.rglob("*") if p.is_file()]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", PDF),
        ("a.PDF", PDF),
        ("a.png", PNG),
        ("a.jpg", b"\xff\xd8\xff\xe0abc"),
        ("a.jpeg", b"\xff\xd8\xff\xe0abc"),
        ("a.docx", container(*DOCX)),
        ("a.xlsx", container(*XLSX)),
        ("a.ofd", container("OFD.xml")),
        ("a.txt", "入党申请书\r\n".encode()),
        ("a.txt", "入党申请书".encode("gb18030")),
    ],
)
def test_a_file_that_is_what_it_claims_is_stored_under_its_digest(
    store: Store, name: str, data: bytes
) -> None:
    stored = store.put(io.BytesIO(data), name)
    assert stored.path.read_bytes() == data
    assert stored.path == store.folder / stored.sha256[:2] / stored.sha256[2:4] / stored.sha256
    assert stored.size == len(data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", PNG),
        ("a.png", PDF),
        ("a.pdf", b"<html><script>alert(1)</script>"),
        ("a.html", b"<html>"),
        ("a.svg", b"<svg/>"),
        ("a.exe", b"MZ"),
        ("a", PDF),
        ("", PDF),
        ("a.docx", PDF),
        ("a.docx", container(*XLSX)),
        ("a.docx", container(*DOCX, "word/vbaProject.bin")),
        ("a.docm", container(*DOCX, "word/vbaProject.bin")),
        ("a.docx", container(*DOCX)[:-30]),
        ("a.txt", b"\0\1\2"),
        ("a.pdf", b""),
        ("a.pdf", PDF + b"x" * 100_000),
    ],
)
def test_a_refused_file_leaves_nothing_behind(store: Store, name: str, data: bytes) -> None:
    with pytest.raises(FileRefused):
        store.put(io.BytesIO(data), name)
    assert files(store) == []


def test_the_same_bytes_are_kept_once(store: Store) -> None:
    assert store.put(io.BytesIO(PDF), "a.pdf") == store.put(io.BytesIO(PDF), "b.pdf")
    assert len(files(store)) == 1


@pytest.mark.parametrize("digest", ["../../etc/passwd", "", "A" * 64, "a" * 63])
def test_only_digests_name_files_of_the_store(store: Store, digest: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        store.path(digest)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\papers\\申请书.pdf", "申请书.pdf"),
        ("../../申请书.pdf", "申请书.pdf"),
        ("申\u202e请\n书.pdf", "申请书.pdf"),
        ("长" * 300 + ".pdf", "长" * 116 + ".pdf"),
    ],
)
def test_file_names_lose_paths_and_control_characters(given: str, kept: str) -> None:
    assert clean_name(given) == kept
