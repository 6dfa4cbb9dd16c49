"""Archives that programs send: whatever they hold, they are read or refused."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidInput
from web.api.archives import read_archive


def pack(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


GOOD = pack(
    {"p/process.toml": b"key = 1\n" * 20, "p/forms/甲.form": b"{}" * 40, "p/a.bpmn": b"<x/>"}
)


def test_one_folder_around_everything_is_taken_off() -> None:
    assert set(read_archive(GOOD)) == {"process.toml", "forms/甲.form", "a.bpmn"}


def test_hidden_files_and_what_computers_add_are_left_out() -> None:
    content = pack({"process.toml": b"x", ".DS_Store": b"x", "__MACOSX/a": b"x", "~lock": b"x"})
    assert set(read_archive(content)) == {"process.toml"}


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "a\\b", "C:a", "a//b"])
def test_no_name_leads_out(name: str) -> None:
    with pytest.raises(InvalidInput):
        read_archive(pack({"process.toml": b"x", name: b"x"}))


def test_what_comes_out_is_counted() -> None:
    with pytest.raises(InvalidInput):
        read_archive(pack({"process.toml": b"\0" * 5_000_001}))
    with pytest.raises(InvalidInput):
        read_archive(pack({f"{number}": b"\0" * 4_900_000 for number in range(5)}))


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_the_usual_compression_is_read(compression: int) -> None:
    with pytest.raises(InvalidInput):
        read_archive(pack({"process.toml": b"x"}, compression))


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(0, len(GOOD)),
)
def test_damaged_archives_are_read_or_refused(changes: list[tuple[int, int]], end: int) -> None:
    content = bytearray(GOOD)
    for place, value in changes:
        content[place] = value
    for damaged in (bytes(content), bytes(content[:end])):
        try:
            found = read_archive(damaged)
        except InvalidInput:
            continue
        assert all(".." not in name.split("/") for name in found)
