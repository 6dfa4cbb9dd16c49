"""Every change to a case file is found and named, a skilful one too."""

from __future__ import annotations

import ast
import hashlib
import json
import random
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from engine.documents.offline import verify as v
from engine.ledger.chain import canonical
from engine.ledger.merkle import Leaf, Tree
from engine.ledger.statements import sign


def faults(folder: Path, key: str | None = None) -> list[str]:
    found = v.Verification(v.Files(folder))
    found.run(key=key)
    return [str(fault) for fault in found.faults]


def names_of(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_the_untouched_case_file_has_no_faults(exported: Path) -> None:
    assert faults(exported) == []


def test_any_byte_changed_in_any_file_is_found_and_the_file_named(exported: Path) -> None:
    lot = random.Random(20260518)
    for name in names_of(exported):
        path = exported / name
        data = path.read_bytes()
        count = 1 if name.startswith(("attachments/", "papers/")) else 3
        places = {0, len(data) - 1} if count > 1 else set()
        places |= {lot.randrange(len(data)) for _ in range(count)}
        for place in sorted(places):
            changed = bytearray(data)
            changed[place] ^= 1 << lot.randrange(8)
            path.write_bytes(bytes(changed))
            found = faults(exported)
            assert any(name in fault for fault in found), f"{name} byte {place}: {found}"
        path.write_bytes(data)
    assert faults(exported) == []


def test_any_byte_of_the_zip_itself_changed_is_found(exported: Path) -> None:
    """Also those that are in no file: days, rights, sizes, the directory, what comes after it."""
    path = exported.parent / "case.zip"
    data = path.read_bytes()
    assert zip_faults(path) == []
    lot = random.Random(20260518)
    with zipfile.ZipFile(path) as archive:
        heads = [info.header_offset for info in archive.infolist()]
    places = {head + lot.randrange(30) for head in heads}  # a header has 30 bytes and the name
    places |= {lot.randrange(len(data)) for _ in range(20)}
    places |= {lot.randrange(data.rindex(b"receipt.json") - 4000, len(data)) for _ in range(60)}
    for place in sorted(places):
        changed = bytearray(data)
        changed[place] ^= 1 << lot.randrange(8)
        path.write_bytes(bytes(changed))
        assert zip_faults(path), place
    for changed in (data + b"x", b"x" + data, data[:-1]):
        path.write_bytes(bytes(changed))
        assert zip_faults(path)


def test_a_zip_packed_anew_is_told_to_be_unpacked(exported: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names_of(exported):
            archive.write(exported / name, name)
    (fault,) = zip_faults(other)
    assert "请解压后核验文件夹" in fault
    assert faults(exported) == []


def zip_faults(path: Path) -> list[str]:
    """Return what is wrong with a ZIP, as the program would print it."""
    try:
        files = v.Files(path)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        return [str(error)]
    if files.faults:
        return [str(fault) for fault in files.faults]
    found = v.Verification(files)
    found.run()
    return [str(fault) for fault in found.faults]


def test_a_missing_file_and_an_added_one_are_named(exported: Path) -> None:
    gone = next(name for name in names_of(exported) if name.startswith("attachments/"))
    (exported / gone).unlink()
    (exported / "note.txt").write_text("加了一页")
    found = faults(exported)
    assert any(gone in fault and "缺少" in fault for fault in found)
    assert any("note.txt" in fault and "后加" in fault for fault in found)


# --- forgeries that keep the parts consistent -----------------------------------------------------


class Forger:
    """Changes a case file and repairs what can be repaired without the key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text("utf-8"))

    def write(self, name: str, value: Any) -> None:
        text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        (self.folder / name).write_text(text, "utf-8")

    def lines(self) -> list[dict[str, Any]]:
        text = (self.folder / "ledger.jsonl").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def chain(self, lines: list[dict[str, Any]]) -> None:
        """Compute every digest of the record anew."""
        previous = ""
        for line in lines:
            line["previous"] = previous
            seal(line)
            previous = line["digest"]
        text = "".join(canonical(line) + "\n" for line in lines)
        (self.folder / "ledger.jsonl").write_text(text, "utf-8")

    def manifest(self) -> None:
        """List all files with their new digests."""
        manifest = self.json("manifest.json")
        for item in manifest["files"]:
            data = (self.folder / item["path"]).read_bytes()
            item |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        self.write("manifest.json", manifest)

    def receipt(self, sign_with: Ed25519PrivateKey | None = None) -> None:
        """Make the entry of the export anew; its signature only with a key."""
        receipt = self.json("receipt.json")
        entry, last = receipt["entry"], self.lines()[-1]
        payload = json.loads(entry["payload"])
        manifest = (self.folder / "manifest.json").read_bytes()
        payload["manifest"] = hashlib.sha256(manifest).hexdigest()
        entry["payload"] = canonical(payload)
        entry["previous"] = last["digest"]
        seal(entry)
        receipt["statement"]["head"] = entry["digest"]
        if sign_with is not None:
            bare = {k: x for k, x in receipt["statement"].items() if k not in ("key", "signature")}
            receipt["statement"] = sign(sign_with, bare)
        (self.folder / "receipt.json").write_text(canonical(receipt) + "\n", "utf-8")


def seal(line: dict[str, Any]) -> None:
    if line["payload"] is not None:
        salted = bytes.fromhex(line["salt"]) + line["payload"].encode()
        line["payload_digest"] = hashlib.sha256(salted).hexdigest()
    order = (
        "form", "chain_id", "seq", "kind", "recorded_at", "occurred_on", "actor_id",
        "on_behalf_of", "element", "task_id", "command_id", "payload_digest", "snapshot_digest",
        "previous",
    )  # fmt: skip
    text = canonical([line[key] for key in order])
    line["digest"] = hashlib.sha256(text.encode()).hexdigest()


def test_a_page_changed_with_its_manifest_is_named(exported: Path) -> None:
    forger = Forger(exported)
    page = exported / "index.html"
    page.write_text(page.read_text("utf-8").replace("党员活动室", "镇政府食堂"), "utf-8")
    forger.manifest()
    found = faults(exported)
    assert any(f.startswith("index.html") and "talk_place" in f for f in found)
    assert any(f.startswith("manifest.json") for f in found)


def test_the_same_with_the_receipt_made_anew_fails_at_the_signature(exported: Path) -> None:
    forger = Forger(exported)
    page = exported / "index.html"
    page.write_text(page.read_text("utf-8").replace("依据条款", "条款"), "utf-8")
    forger.manifest()
    forger.receipt()
    found = faults(exported)
    assert [f for f in found if f.startswith("receipt.json") and "签名无效" in f] == found


def test_a_form_changed_with_the_page_differs_from_the_record(exported: Path) -> None:
    forger = Forger(exported)
    for name in ("index.html", "forms.json"):
        path = exported / name
        path.write_text(path.read_text("utf-8").replace("党员活动室", "镇政府食堂"), "utf-8")
    forger.manifest()
    forger.receipt()
    found = faults(exported)
    assert any(f.startswith("forms.json") and "党组织派人谈话" in f for f in found)


def change_day(lines: list[dict[str, Any]]) -> int:
    line = next(line for line in lines if line["element"] == "first_talk")
    line["occurred_on"] = "2025-01-20"
    return int(line["seq"])


def change_vote(lines: list[dict[str, Any]]) -> int:
    line = next(line for line in lines if line["element"] == "hold_admission_meeting")
    payload = json.loads(line["payload"])
    payload["data"]["admission_vote"]["for"] += 1
    line["payload"] = canonical(payload)
    return int(line["seq"])


@pytest.mark.parametrize("change", [change_day, change_vote])
def test_an_entry_changed_alone_is_named(
    exported: Path, change: Callable[[list[dict[str, Any]]], int]
) -> None:
    forger = Forger(exported)
    lines = forger.lines()
    seq = change(lines)
    text = "".join(canonical(line) + "\n" for line in lines)
    (exported / "ledger.jsonl").write_text(text, "utf-8")
    found = faults(exported)
    assert any(f.startswith(f"ledger.jsonl 第 {seq} 条") and "被改动" in f for f in found)


@pytest.mark.parametrize("change", [change_day, change_vote])
def test_a_record_chained_anew_contradicts_the_checkpoint(
    exported: Path, change: Callable[[list[dict[str, Any]]], int]
) -> None:
    forger = Forger(exported)
    lines = forger.lines()
    change(lines)
    forger.chain(lines)
    forger.manifest()
    forger.receipt()
    found = faults(exported)
    assert any("校验点封存时不符" in f for f in found)
    assert any("签名无效" in f for f in found)


def test_an_entry_removed_or_put_in_is_named(exported: Path) -> None:
    lines = (exported / "ledger.jsonl").read_text("utf-8").splitlines(keepends=True)
    (exported / "ledger.jsonl").write_text("".join(lines[:4] + lines[5:]), "utf-8")
    assert any("有缺失或插入" in f for f in faults(exported))
    (exported / "ledger.jsonl").write_text("".join(lines[:5] + lines[4:]), "utf-8")
    assert any("有缺失或插入" in f for f in faults(exported))


def test_content_removed_without_a_record_of_it_is_named(exported: Path) -> None:
    forger = Forger(exported)
    lines = forger.lines()
    lines[2] |= {"payload": None, "salt": None, "state": "erased"}
    text = "".join(canonical(line) + "\n" for line in lines)
    (exported / "ledger.jsonl").write_text(text, "utf-8")
    assert any("没有清除的记录" in f for f in faults(exported))


def test_everything_forged_with_another_key_is_found_by_the_key_one_knows(exported: Path) -> None:
    forger = Forger(exported)
    own = Ed25519PrivateKey.generate()
    proofs = forger.json("proofs.json")
    true_key = proofs["keys"][0]["public"]
    lines = forger.lines()
    change_day(lines)
    forger.chain(lines)
    checkpoint = {
        k: x for k, x in proofs["inclusion"]["checkpoint"].items() if k not in ("key", "signature")
    }
    leaf = Leaf(lines[0]["chain_id"], len(lines), bytes.fromhex(lines[-1]["digest"]))
    tree = Tree(1, [leaf.text()])
    checkpoint |= {"size": 1, "root": tree.root.hex()}
    public = own.public_key().public_bytes_raw()
    key = {
        "type": "guicheng-key",
        "id": v.key_id(public),
        "algorithm": "ed25519",
        "number": 1,
        "public": public.hex(),
        "since": proofs["keys"][0]["since"],
        "previous": "",
    }
    proofs["keys"] = [{**sign(own, key), "until": None}]
    proofs["inclusion"] |= {
        "length": len(lines),
        "head": lines[-1]["digest"],
        "index": 0,
        "path": [],
        "checkpoint": sign(own, checkpoint),
    }
    forger.write("proofs.json", proofs)
    forms = forger.json("forms.json")
    for form in forms:
        if form["element"] == "first_talk":
            form["occurred_on"] = "2025-01-20"
    forger.write("forms.json", forms)
    page = (exported / "index.html").read_text("utf-8")
    for old, new in zip(_digests(exported), [line["digest"][:16] for line in lines], strict=True):
        page = page.replace(old, new)
    (exported / "index.html").write_text(page, "utf-8")
    forger.manifest()
    forger.receipt(sign_with=own)
    assert faults(exported) == [], "nothing inside tells: that is why keys are kept outside"
    found = faults(exported, key=true_key)
    assert any("没有所指定的公钥" in f for f in found)


def _digests(folder: Path) -> list[str]:
    page = v._Page()
    page.feed((folder / "index.html").read_text("utf-8"))
    told = {int(k[1]): x[0] for k, x in page.found.items() if k[0] == "entry"}
    return [told[seq] for seq in sorted(told)]


# --- the tools ------------------------------------------------------------------------------------


def test_the_verifier_is_one_file_for_python_3_8_and_the_standard_library() -> None:
    source = Path(v.__file__).read_text("utf-8")
    tree = ast.parse(source, feature_version=(3, 8))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert all(name.name.split(".")[0] in sys.stdlib_module_names for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize(
    ("public", "message", "signature"),
    [  # RFC 8032 §7.1, TEST 1 to 3
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            (
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e"
                "39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
            ),
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            (
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f"
                "3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            ),
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            (
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67"
                "f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
            ),
        ),
    ],
)
def test_ed25519_after_the_rfc(public: str, message: str, signature: str) -> None:
    key, text, made = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert v.ed25519_verify(key, text, made)
    assert not v.ed25519_verify(key, text + b"x", made)
    twice = made[:32] + (int.from_bytes(made[32:], "little") + v.ORDER).to_bytes(32, "little")
    assert not v.ed25519_verify(key, text, twice), "a signature has one form only"


@given(st.binary(max_size=200), st.binary(min_size=32, max_size=32))
def test_ed25519_agrees_with_the_library(message: bytes, seed: bytes) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    assert v.ed25519_verify(public, message, private.sign(message))


@pytest.mark.parametrize(
    ("text", "digest"),
    [  # GB/T 32905-2016, annex A
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_after_the_standard(text: bytes, digest: str) -> None:
    assert v.sm3(text).hex() == digest


@given(st.integers(1, 40), st.data())
def test_inclusion_agrees_with_the_checkpoints(size: int, data: st.DataObject) -> None:
    leaves = [canonical([n, n + 1, "ab"]) for n in range(size)]
    tree = Tree(1, leaves)
    index = data.draw(st.integers(0, size - 1))
    path = [step.hex() for step in tree.path(index)]
    leaf = leaves[index].encode()
    assert v.root_of(1, leaf, index, size, path) == tree.root
    assert v.root_of(1, leaf + b" ", index, size, path) != tree.root
    if path:
        assert v.root_of(1, leaf, index, size, path[:-1]) != tree.root
