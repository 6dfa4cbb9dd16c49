#!/usr/bin/env python3
"""核验卷宗：不需要系统、不需要网络，只要 Python 3.8 或更高版本。
Verify a case file: no system, no network, nothing but Python 3.8 or later.

    python3 verify.py                       核验本文件所在的文件夹 / the folder this file lies in
    python3 verify.py 卷宗.zip               核验压缩包或另一文件夹 / a ZIP or another folder
    python3 verify.py --checkpoint FILE …   与第三方保存的校验点比对 / compare with a checkpoint
                                            that a third party has kept
    python3 verify.py --key HEX …           只认这把公钥 / accept this public key only

退出码 Exit code: 0 一致 nothing was changed, 1 有改动 something was.

What is checked 核验内容:
  1. manifest.json   每个文件的 SHA-256 / the SHA-256 of every file
  2. receipt.json    清单已记入留痕并签名 / the manifest is an entry of the record, and signed
  3. ledger.jsonl    逐条重算摘要，前后相接 / every digest computed again, every link
  4. attachments     材料内容与留痕中的摘要 / files against the digests in the record
  5. forms.json, index.html  展示的内容与留痕 / what is shown against the record
  6. proofs.json     校验点包含本事项（RFC 6962），签名有效（RFC 8032）/ inclusion and signature

Whoever can rewrite everything and sign with a key of his own is found out only by what lies
outside this file: keep checkpoints (--checkpoint) or the public key (--key) in other hands, and
run a copy of verify.py that you trust.
能全部重写并另用密钥签名的人，只有卷宗之外的东西才能识破：
请由第三方保存校验点或公钥，并使用可信的 verify.py。
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import sys
import unicodedata
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Callable, Iterator, Tuple

FORMS = {1: "sha256", 2: "sm3"}
IGNORED = {".DS_Store", "Thumbs.db", "desktop.ini"}
ENTRY_KEYS = {
    "form", "chain_id", "seq", "kind", "recorded_at", "occurred_on", "actor_id", "on_behalf_of",
    "element", "task_id", "command_id", "payload_digest", "snapshot_digest", "previous", "digest",
    "payload", "salt", "state",
}  # fmt: skip


class Fault:
    """One thing that does not fit: where, and what, in both languages."""

    def __init__(self, path: str, zh: str, en: str) -> None:
        self.path, self.zh, self.en = path, zh, en

    def __str__(self) -> str:
        return f"{self.path}：{self.zh} / {self.en}"


# --- reading ------------------------------------------------------------------------------------


class Files:
    """The files of a case file, in a folder or in a ZIP, by normalised name."""

    def __init__(self, place: Path) -> None:
        self.faults: list[Fault] = []
        self._zip: zipfile.ZipFile | None = None
        self._places: dict[str, Any] = {}
        if place.is_dir():
            for path in sorted(place.rglob("*")):
                inside = path.relative_to(place)
                if (
                    path.is_file()
                    and path.name not in IGNORED
                    and "__pycache__" not in inside.parts
                ):
                    self._places[_normal(inside.as_posix())] = path
        else:
            self._zip = zipfile.ZipFile(place)
            for info in self._zip.infolist():
                name = _normal(info.filename)
                if name in self._places:
                    self.faults.append(Fault(name, "压缩包内有两份", "twice in the ZIP"))
                if not name.endswith("/"):
                    self._places[name] = info
            other = packed_otherwise(place, self._zip)
            if other:
                self.faults.append(
                    Fault(
                        other,
                        "压缩包在此处不是导出时的原样；重新打包过的，请解压后核验文件夹",
                        "here the ZIP is not as it was handed out; packed anew? verify the folder",
                    )
                )

    def names(self) -> list[str]:
        return sorted(self._places)

    def chunks(self, name: str) -> Iterator[bytes]:
        place = self._places[_normal(name)]
        opened = self._zip.open(place) if self._zip is not None else place.open("rb")
        with opened as handle:
            while True:
                chunk = handle.read(1 << 18)
                if not chunk:
                    return
                yield chunk

    def read(self, name: str) -> bytes:
        return b"".join(self.chunks(name))

    def sha256(self, name: str) -> str:
        digest = hashlib.sha256()
        for chunk in self.chunks(name):
            digest.update(chunk)
        return digest.hexdigest()


_HEADER = struct.Struct("<4s5H3L2H")
_LISTED = struct.Struct("<4s4B4H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_FIRST_OF_1980 = 33
"""A day as ZIP writes it. An export gives it to every file: times in a ZIP mean nothing here."""
_ZIP64 = (1 << 31) - 1


def packed_otherwise(place: Path, archive: zipfile.ZipFile) -> str:
    """Return the first file before which a ZIP differs from what an export writes; "" if nowhere.

    The digests bind what is in the files. This binds the rest: names, days, rights and gaps, which
    are read without a word whatever they say.
    """
    if place.stat().st_size > _ZIP64:
        return ""
    at, listed = 0, b""
    with place.open("rb") as handle:
        for info in archive.infolist():
            ascii_only = all(ord(char) < 128 for char in info.filename)
            name = info.filename.encode("utf-8")
            size = info.file_size
            if size > _ZIP64:
                return info.filename
            same = (0 if ascii_only else 0x800, 0, 0, _FIRST_OF_1980, info.CRC, size, size)
            header = _HEADER.pack(b"PK\3\4", 20, *same, len(name), 0) + name
            handle.seek(at)
            if handle.read(len(header)) != header:
                return info.filename
            rights, nothing = 0o644 << 16, (0, 0, 0, 0)
            listed += _LISTED.pack(b"PK\1\2", 20, 3, 20, 0, *same, len(name), *nothing, rights, at)
            listed += name
            at += len(header) + size
        count = min(len(archive.infolist()), 0xFFFF)
        end = _END.pack(b"PK\5\6", 0, 0, count, count, len(listed), at, 0)
        handle.seek(at)
        return "" if handle.read(len(listed) + len(end) + 1) == listed + end else "ZIP"


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def canonical(value: Any) -> str:
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


# --- the whole ----------------------------------------------------------------------------------


class Verification:
    """Goes through a case file once and collects what does not fit."""

    def __init__(self, files: Files, say: Callable[[str, str], None] = lambda zh, en: None) -> None:
        self.files, self.say = files, say
        self.faults: list[Fault] = list(files.faults)
        self.entries: list[dict[str, Any]] = []
        self.payloads: dict[int, dict[str, Any]] = {}
        self.keys: dict[str, bytes] = {}
        self.checkpoint: dict[str, Any] | None = None

    def bad(self, path: str, zh: str, en: str) -> None:
        self.faults.append(Fault(path, zh, en))

    def run(self, checkpoint: dict[str, Any] | None = None, key: str | None = None) -> None:
        steps: list[tuple[str, Callable[[], None]]] = [
            ("manifest.json", self.check_manifest),
            ("ledger.jsonl", self.check_ledger),
            ("proofs.json", lambda: self.check_proofs(checkpoint, key)),
            ("receipt.json", self.check_receipt),
            ("attachments.json", self.check_attachments),
            ("forms.json", self.check_forms),
            ("findings.json", self.check_findings),
            ("index.html", self.check_page),
        ]
        for name, step in steps:
            before = len(self.faults)
            try:
                step()
            except Exception as error:  # whatever a changed byte may break, say where
                if len(self.faults) == before:
                    kind = type(error).__name__
                    self.bad(
                        name, f"无法读取，已损坏（{kind}）", f"cannot be read, damaged ({kind})"
                    )

    def json(self, name: str) -> Any:
        return json.loads(self.files.read(name).decode())

    # 1
    def check_manifest(self) -> None:
        manifest = self.json("manifest.json")
        listed = {_normal(item["path"]): item for item in manifest["files"]}
        present = set(self.files.names()) - {"manifest.json", "receipt.json"}
        for name in sorted(set(listed) - present):
            self.bad(name, "缺少此文件", "this file is missing")
        for name in sorted(present - set(listed)):
            self.bad(name, "清单中没有此文件，是后加的", "not in the manifest: added later")
        for name in sorted(present & set(listed)):
            try:
                found = self.files.sha256(name)
            except Exception:
                found = ""
            if found != listed[name]["sha256"]:
                self.bad(name, "内容与清单不符，被改动", "differs from the manifest: changed")
        self.say(f"清单共 {len(listed)} 个文件", f"{len(listed)} files in the manifest")

    # 2
    def check_receipt(self) -> None:
        name = "receipt.json"
        data = self.files.read(name)
        receipt = json.loads(data.decode())
        if (canonical(receipt) + "\n").encode() != data:
            self.bad(name, "格式不是规范形式，被改动", "not in its canonical form: changed")
        entry = receipt["entry"]
        last = self.entries[-1] if self.entries else None
        if last is not None and not (
            entry["chain_id"] == last["chain_id"]
            and entry["seq"] == last["seq"] + 1
            and entry["previous"] == last["digest"]
        ):
            self.bad(name, "与留痕末条不相接", "does not follow the last entry of the record")
        payload = self.check_entry(name, entry)
        if payload is not None:
            manifest = self.files.sha256("manifest.json")
            if payload.get("manifest") != manifest:
                self.bad(
                    "manifest.json",
                    "与导出时记入留痕的清单不符，被改动或重新生成",
                    "is not the manifest that was recorded at the export: changed or made anew",
                )
        self.check_statement(receipt["statement"], entry)

    def check_statement(self, statement: dict[str, Any] | None, entry: dict[str, Any]) -> None:
        """Check the installation's signature under the entry with which the chain ends here."""
        name = "receipt.json"
        if statement is None:
            self.say("导出已记入留痕，未签名", "the export is recorded; it is not signed")
            return
        told = statement["type"], statement["chain_id"], statement["length"], statement["head"]
        if told != ("guicheng-receipt", entry["chain_id"], entry["seq"], entry["digest"]):
            self.bad(name, "签名的不是这一条", "the signature is for another entry")
        self.check_signature(name, statement)
        self.say("导出已记入留痕并签名", "the export is recorded and signed")

    def check_signature(self, name: str, statement: dict[str, Any]) -> None:
        """Check who signed a statement: everything in it but the signature itself."""
        signed = {key: value for key, value in statement.items() if key != "signature"}
        public = self.keys.get(statement["key"])
        if public is None:
            self.bad(name, "签名所用的密钥不在公钥之列", "signed with a key that is not among ours")
        elif not _signed(public, canonical(signed).encode(), statement["signature"]):
            self.bad(name, "签名无效，被改动或重新生成", "the signature is not valid: changed")

    # 3
    def check_ledger(self) -> None:
        name = "ledger.jsonl"
        previous, erased, withheld = "", 0, 0
        for number, line in enumerate(self.files.read(name).decode().splitlines(), 1):
            try:
                entry = json.loads(line)
                where = f"{name} 第 {entry['seq']} 条 #{entry['seq']}"
                payload = self.check_entry(where, entry)
            except (ValueError, KeyError, TypeError, AttributeError):
                self.bad(f"{name} #{number}", "无法读取，已损坏", "cannot be read, damaged")
                continue
            if entry["seq"] != number:
                self.bad(where, f"应为第 {number} 条：有缺失或插入", f"should be #{number}")
            if entry["previous"] != previous:
                self.bad(where, "与上一条的摘要不相接", "does not follow the entry before it")
            if self.entries and entry["chain_id"] != self.entries[0]["chain_id"]:
                self.bad(where, "属于另一事项", "belongs to another matter")
            previous = entry["digest"]
            self.entries.append(entry)
            if payload is not None:
                self.payloads[entry["seq"]] = payload
            withheld += entry["state"] == "withheld"
            erased += entry["state"] == "erased"
        self.check_erasures()
        count = len(self.entries)
        self.say(
            f"留痕 {count} 条，其中内容未随卷 {withheld} 条、已按规定清除 {erased} 条",
            f"{count} entries; content withheld {withheld}, erased by rule {erased}",
        )

    def check_erasures(self) -> None:
        """Content may be missing only where a later entry says that it was erased, and why."""
        named = {
            seq
            for entry in self.entries
            if entry["kind"] == "erased"
            for seq in self.payloads.get(entry["seq"], {}).get("seqs", ())
        }
        for entry in self.entries:
            if entry["state"] == "erased" and entry["seq"] not in named:
                where = f"ledger.jsonl 第 {entry['seq']} 条 #{entry['seq']}"
                self.bad(where, "填报内容缺失，没有清除的记录", "content is gone without a record")

    def check_entry(self, where: str, entry: dict[str, Any]) -> dict[str, Any] | None:
        """Check one entry's own digests and return its payload, if it is there."""
        if set(entry) != ENTRY_KEYS or entry["form"] not in FORMS:
            self.bad(where, "字段不全或多出", "has missing or additional fields")
            return None
        form = entry["form"]
        text = canonical(
            [
                entry[key]
                for key in (
                    "form", "chain_id", "seq", "kind", "recorded_at", "occurred_on", "actor_id",
                    "on_behalf_of", "element", "task_id", "command_id", "payload_digest",
                    "snapshot_digest", "previous",
                )
            ]
        )  # fmt: skip
        if digest(form, text.encode()).hex() != entry["digest"]:
            self.bad(where, "与摘要不符，被改动", "does not fit its digest: changed")
        payload, salt = entry["payload"], entry["salt"]
        absent = payload is None and salt is None
        if absent != (entry["state"] in ("withheld", "erased")) or (
            not absent and (payload is None or salt is None or entry["state"] != "full")
        ):
            self.bad(where, "填报内容被部分去除", "its content was partly removed")
            return None
        if absent:
            return None
        if digest(form, bytes.fromhex(salt) + payload.encode()).hex() != entry["payload_digest"]:
            self.bad(where, "填报内容与摘要不符，被改动", "its content does not fit: changed")
        found: dict[str, Any] = json.loads(payload)
        return found

    # 4
    def check_attachments(self) -> None:
        name = "attachments.json"
        recorded: dict[str, tuple[int, str]] = {}
        for seq, payload in self.payloads.items():
            for number, sha256 in (payload.get("files") or {}).items():
                recorded[number] = (seq, sha256)
        present = set(self.files.names())
        shown = self.json(name)
        for item in shown:
            title = f"{item['path'] or name}（{item['document'] or item['name']}）"
            number = str(item["id"])
            if number in recorded and recorded[number][1] != item["sha256"]:
                seq = recorded[number][0]
                self.bad(title, f"与留痕第 {seq} 条的摘要不符", f"differs from entry #{seq}")
            if item["state"] != "included":
                continue
            if _normal(item["path"]) not in present:
                self.bad(title, "缺少此文件", "this file is missing")
            elif self.files.sha256(item["path"]) != item["sha256"]:
                self.bad(title, "内容与摘要不符，被改动", "does not fit its digest: changed")
        known = {str(item["id"]) for item in shown}
        for number, (seq, _) in sorted(recorded.items()):
            if number not in known:
                self.bad(name, f"缺少留痕第 {seq} 条的材料", f"a file of entry #{seq} is missing")
        vouched = sum(1 for item in shown if str(item["id"]) in recorded)
        self.say(
            f"材料 {len(shown)} 件，其中 {vouched} 件的摘要见于可读的留痕",
            f"{len(shown)} files, {vouched} with their digest in readable entries",
        )

    # 5
    def check_forms(self) -> None:
        forms = self.json("forms.json")
        entries = {entry["seq"]: entry for entry in self.entries}
        for form in forms:
            seq = form["seq"]
            where = f"forms.json 第 {seq} 条 #{seq}（{form['title']}）"
            entry, payload = entries.get(seq), self.payloads.get(seq)
            if entry is None or payload is None:
                self.bad(where, "留痕中没有对应的内容", "has no content in the record")
                continue
            if form["element"] != entry["element"] or form["occurred_on"] != entry["occurred_on"]:
                self.bad(where, "环节或日期与留痕不符", "step or day differ from the record")
            if form["data"] != payload.get("data"):
                self.bad(
                    where, "填报内容与留痕不符，被改动", "data differ from the record: changed"
                )
            for answer in form["answers"]:
                value = (payload.get("data") or {}).get(answer["name"])
                if answer["literal"] and str(value) != answer["text"]:
                    self.bad(
                        f"{where} {answer['label']}",
                        "文字与留痕不符，被改动",
                        "words differ from the record: changed",
                    )
        told = {form["seq"] for form in forms}
        for seq, payload in sorted(self.payloads.items()):
            if payload.get("data") and seq not in told:
                self.bad(
                    "forms.json", f"缺少第 {seq} 条的填报内容", f"the data of #{seq} are missing"
                )

    def check_findings(self) -> None:
        for finding in self.json("findings.json"):
            if not finding["rule"]:
                self.bad("findings.json", "有一项没有规则", "a finding has no rule")

    def check_page(self) -> None:
        page = _Page()
        page.feed(self.files.read("index.html").decode())
        page.close()
        for kind, wanted in (("answer", self._answers()), ("finding", self._findings())):
            for key, text in wanted.items():
                shown = page.found.get((kind, key))
                title = key.replace("|", " ")
                if shown is None:
                    self.bad("index.html", f"没有显示 {title}", f"does not show {title}")
                elif set(shown) != {_words(text)}:
                    self.bad("index.html", f"{title} 的文字被改动", f"{title} was changed")
            for shown_kind, key in sorted(page.found):
                if shown_kind == kind and key not in wanted:
                    title = key.replace("|", " ")
                    self.bad("index.html", f"多出 {title}", f"{title} was added")
        for entry in self.entries:
            told = page.found.get(("entry", str(entry["seq"])))
            if told != [entry["digest"][:16]]:
                seq = entry["seq"]
                self.bad(
                    "index.html", f"留痕第 {seq} 条缺失或不符", f"entry #{seq} is not as recorded"
                )
        self.say("展示的内容与留痕一致性已核对", "what is shown was compared with the record")

    def _answers(self) -> dict[str, str]:
        return {
            f"{form['seq']}|{answer['name']}": answer["text"]
            for form in self.json("forms.json")
            for answer in form["answers"]
            if not answer["files"]
        }

    def _findings(self) -> dict[str, str]:
        return {
            f"{f['rule']}|{f['element']}|{f['round']}": f["sentence"]
            for f in self.json("findings.json")
        }

    # 6
    def check_proofs(self, kept: dict[str, Any] | None, key: str | None) -> None:
        name = "proofs.json"
        proofs = self.json(name)
        for item in proofs["keys"]:
            public = bytes.fromhex(item["public"])
            if item["algorithm"] != "ed25519" or key_id(public) != item["id"]:
                self.bad(name, f"公钥 {item['id']} 与编号不符", f"key {item['id']}: wrong id")
            self.keys[item["id"]] = public
        for item in proofs["keys"]:  # each key is vouched for by the one before it
            self.check_signature(name, {k: v for k, v in item.items() if k != "until"})
        if key is not None:
            self.keys = {i: p for i, p in self.keys.items() if p.hex() == key.lower()}
            if not self.keys:
                self.bad(name, "没有所指定的公钥", "does not hold the public key you named")
        proof = proofs["inclusion"]
        if proof is None:
            self.say("本事项尚未进入校验点", "this matter is not in a checkpoint yet")
            if kept is not None:
                self.bad(name, "没有可供比对的校验点", "there is no checkpoint to compare with")
            return
        self.checkpoint = checkpoint = proof["checkpoint"]
        length, head = proof["length"], proof["head"]
        at = next((e for e in self.entries if e["seq"] == length), None)
        if at is None or at["digest"] != head:
            self.bad(
                "ledger.jsonl",
                f"第 {length} 条与校验点封存时不符：该条或之前有改动",
                f"entry #{length} is not what the checkpoint sealed: it or one before was changed",
            )
        chain = self.entries[0]["chain_id"] if self.entries else None
        leaf = canonical([chain, length, head]).encode()
        root = root_of(checkpoint["form"], leaf, proof["index"], checkpoint["size"], proof["path"])
        if root is None or root.hex() != checkpoint["root"]:
            self.bad(name, "包含证明不成立", "the proof of inclusion does not hold")
        if checkpoint["type"] != "guicheng-checkpoint":
            self.bad(name, "不是校验点", "is not a checkpoint")
        self.check_signature(name, checkpoint)
        if kept is not None:
            self.compare(checkpoint, kept)
        signed = canonical({k: v for k, v in checkpoint.items() if k != "signature"})
        mark = digest(checkpoint["form"], signed.encode()).hex()
        fingerprint = " ".join(mark[i : i + 4] for i in range(0, len(mark), 4))
        self.say(f"校验点指纹 {fingerprint}", "fingerprint of the checkpoint, as printed")
        self.say(
            f"校验点 {checkpoint['number']}（{checkpoint['at']}）包含至第 {length} 条",
            f"checkpoint {checkpoint['number']} holds the record up to entry #{length}",
        )

    def compare(self, own: dict[str, Any], kept: dict[str, Any]) -> None:
        """Compare with what a third party kept: a checkpoint, or one with the heads of chains."""
        name = "proofs.json"
        sealed = kept["checkpoint"] if kept["type"] == "guicheng-checkpoint-export" else kept
        for item in kept.get("keys", ()):
            if item["id"] not in self.keys:
                self.bad(
                    name, f"没有第三方保存的公钥 {item['id']}", f"lacks their key {item['id']}"
                )
        if sealed["number"] == own["number"]:
            if sealed != own:
                self.bad(
                    name, "校验点与第三方保存的不同", "the checkpoint is not the one they kept"
                )
            else:
                self.say("与第三方保存的校验点相同", "equal to the checkpoint kept elsewhere")
        elif not kept.get("chains"):
            number = own["number"]
            self.bad("--checkpoint", f"请取第 {number} 号校验点", f"get checkpoint {number}")
        if kept.get("chains"):
            self.compare_heads(sealed, kept["chains"])

    def compare_heads(self, sealed: dict[str, Any], chains: list[list[Any]]) -> None:
        """Look up this matter among the heads that a third party kept with a checkpoint."""
        leaves = [canonical(leaf).encode() for leaf in chains]
        if tree_root(sealed["form"], leaves).hex() != sealed["root"]:
            self.bad("--checkpoint", "各链末条与校验点不符", "its heads do not give its root")
        own = self.entries[0]["chain_id"] if self.entries else None
        found = next((leaf for leaf in chains if leaf[0] == own), None)
        if found is None:
            self.say("保存的校验点早于本事项", "the kept checkpoint is older than this matter")
            return
        _, length, head = found
        at = next((entry for entry in self.entries if entry["seq"] == length), None)
        if at is None or at["digest"] != head:
            self.bad(
                "ledger.jsonl",
                f"第 {length} 条与第三方保存的校验点不符：该条或之前有改动",
                f"entry #{length} is not what they kept: it or one before was changed",
            )
        else:
            number = sealed["number"]
            self.say(
                f"至第 {length} 条与第三方保存的第 {number} 号校验点相符",
                f"up to entry #{length} as in checkpoint {number} kept elsewhere",
            )


class _Page(HTMLParser):
    """Collects the text of everything marked with data-answer, data-finding or data-entry."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[tuple[str, str], list[str]] = {}
        self._open: list[tuple[str, int, tuple[str, str], list[str]]] = []
        self._depth: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._depth[tag] = self._depth.get(tag, 0) + 1
        for name, value in attrs:
            if name in ("data-answer", "data-finding", "data-entry"):
                key = (name[5:], value or "")
                self._open.append((tag, self._depth[tag], key, []))

    def handle_data(self, data: str) -> None:
        for _, _, _, words in self._open:
            words.append(data)

    def handle_endtag(self, tag: str) -> None:
        depth = self._depth.get(tag, 0)
        for item in [i for i in self._open if i[0] == tag and i[1] == depth]:
            self._open.remove(item)
            self.found.setdefault(item[2], []).append(_words("".join(item[3])))
        self._depth[tag] = depth - 1


def _words(text: str) -> str:
    return " ".join(text.split())


# --- digests ------------------------------------------------------------------------------------


def digest(form: int, data: bytes) -> bytes:
    """Return the digest of a numbered form: SHA-256, or SM3 (GB/T 32905)."""
    if FORMS[form] == "sm3":
        return sm3(data)
    return hashlib.sha256(data).digest()


def sm3(data: bytes) -> bytes:
    """SM3 as in GB/T 32905-2016; not every Python has it built in."""
    mask = 0xFFFFFFFF

    def turn(x: int, n: int) -> int:
        n %= 32
        return ((x << n) | (x >> (32 - n))) & mask

    state = [
        0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600,
        0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E,
    ]  # fmt: skip
    padded = data + b"\x80" + b"\x00" * ((55 - len(data)) % 64) + (8 * len(data)).to_bytes(8, "big")
    for start in range(0, len(padded), 64):
        w = [int.from_bytes(padded[i : i + 4], "big") for i in range(start, start + 64, 4)]
        for j in range(16, 68):
            x = w[j - 16] ^ w[j - 9] ^ turn(w[j - 3], 15)
            w.append(x ^ turn(x, 15) ^ turn(x, 23) ^ turn(w[j - 13], 7) ^ w[j - 6])
        a, b, c, d, e, f, g, h = state
        for j in range(64):
            t = 0x79CC4519 if j < 16 else 0x7A879D8A
            s1 = turn((turn(a, 12) + e + turn(t, j)) & mask, 7)
            s2 = s1 ^ turn(a, 12)
            ff = a ^ b ^ c if j < 16 else (a & b) | (a & c) | (b & c)
            gg = e ^ f ^ g if j < 16 else (e & f) | (~e & mask & g)
            t1 = (ff + d + s2 + (w[j] ^ w[j + 4])) & mask
            t2 = (gg + h + s1 + w[j]) & mask
            a, b, c, d = t1, a, turn(b, 9), c
            e, f, g, h = t2 ^ turn(t2, 9) ^ turn(t2, 17), e, turn(f, 19), g
        state = [x ^ y for x, y in zip(state, (a, b, c, d, e, f, g, h))]
    return b"".join(x.to_bytes(4, "big") for x in state)


def tree_root(form: int, leaves: list[bytes]) -> bytes:
    """Return the root of a Merkle tree (RFC 6962 §2.1)."""
    level = [digest(form, b"\x00" + leaf) for leaf in leaves]
    while len(level) > 1:
        pairs = [
            digest(form, b"\x01" + level[i] + level[i + 1]) for i in range(0, len(level) - 1, 2)
        ]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0] if level else digest(form, b"")


def root_of(form: int, leaf: bytes, index: int, size: int, path: list[str]) -> bytes | None:
    """Return the root that an inclusion proof comes to (RFC 6962 §2.1.1, RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return None
    found = digest(form, b"\x00" + leaf)
    fn, sn = index, size - 1
    for step in path:
        other = bytes.fromhex(step)
        if sn == 0:
            return None
        if fn % 2 or fn == sn:
            found = digest(form, b"\x01" + other + found)
            while not fn % 2 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = digest(form, b"\x01" + found + other)
        fn, sn = fn >> 1, sn >> 1
    return found if sn == 0 else None


# --- Ed25519 (RFC 8032 §5.1.7, after its Python of §6) ------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
Point = Tuple[int, int, int, int]


def key_id(public: bytes) -> str:
    """Return the id of a public key: the first 32 hex digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:32]


def _signed(public: bytes, message: bytes, signature: str) -> bool:
    try:
        raw = bytes.fromhex(signature)
    except ValueError:
        return False
    return raw.hex() == signature and ed25519_verify(public, message, raw)


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether ``signature`` is that of ``message`` by the holder of ``public``."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    h = hashlib.sha512(signature[:32] + public + message).digest()
    k = int.from_bytes(h, "little") % ORDER
    return _equal(_times(s, _BASE), _add(r, _times(k, a)))


def _add(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(s: int, p: Point) -> Point:
    q: Point = (0, 1, 1, 0)
    while s > 0:
        if s & 1:
            q = _add(q, p)
        p = _add(p, p)
        s >>= 1
    return q


def _equal(p: Point, q: Point) -> bool:
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def _point(data: bytes) -> Point | None:
    y = int.from_bytes(data, "little")
    sign = y >> 255
    y &= (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x % 2 != sign:
        x = P - x
    return x, y, 1, x * y % P


_GY = 4 * pow(5, P - 2, P) % P
_base = _point(_GY.to_bytes(32, "little"))
assert _base is not None
_BASE = _base


# --- the command --------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Verify and print; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("place", nargs="?", default=str(Path(__file__).resolve().parent))
    parser.add_argument("--checkpoint", metavar="FILE")
    parser.add_argument("--key", metavar="HEX")
    given = parser.parse_args(arguments)
    try:
        kept = json.loads(Path(given.checkpoint).read_text("utf-8")) if given.checkpoint else None
        files = Files(Path(given.place))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        print(f"[不符 BAD] {error}")
        return 1
    verification = Verification(files, lambda zh, en: print(f"  · {zh} / {en}"))
    print(f"核验 Verifying: {given.place}")
    verification.run(kept, given.key)
    for identity, public in sorted(verification.keys.items()):
        print(f"  · 公钥 public key {identity}: {public.hex()}")
    for fault in verification.faults:
        print(f"[不符 BAD] {fault}")
    if verification.faults:
        count = len(verification.faults)
        print(f"结论：发现 {count} 处不符。 / Result: {count} faults.")
        return 1
    print("结论：全部一致，没有改动。 / Result: everything agrees, nothing was changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
