"""What a case file holds, who may take it away, and that taking it away is recorded."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.documents import case_file
from engine.documents.archive import Archive
from engine.documents.case_file import FileLost
from engine.documents.contents import number_in, read_contents, safe_name
from engine.documents.offline import verify as v
from engine.documents.page import Export
from engine.documents.papers import ready_papers
from engine.documents.parts import write_parts
from engine.documents.sealing import Sealer
from engine.errors import NotAllowed, NotFound
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from engine.runtime import store as runtime_store
from engine.runtime.queries.readings import my_readings
from engine.settings import Settings
from tests.engine.documents.conftest import Case, play_matter

PARTS = {
    "index.html",
    "diagram.svg",
    "diagram.bpmn",
    "attachments.json",
    "forms.json",
    "findings.json",
    "ledger.jsonl",
    "proofs.json",
    "manifest.json",
    "receipt.json",
    "verify.py",
}


def unpack(case: Case, by: str = "auditor") -> dict[str, bytes]:
    with case.export(by).stream as stream, zipfile.ZipFile(stream) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def last_entry(case: Case) -> LedgerEntry:
    return case.session.scalars(
        select(LedgerEntry)
        .where(LedgerEntry.chain_id == case.instance_id)
        .order_by(LedgerEntry.seq.desc())
        .limit(1)
    ).one()


def test_a_case_file_holds_everything_and_verifies_by_itself(exported: Path) -> None:
    names = {p.relative_to(exported).as_posix() for p in exported.rglob("*") if p.is_file()}
    assert names >= PARTS
    assert len([name for name in names if name.startswith("attachments/")]) >= 25
    ran = subprocess.run(
        [sys.executable, "-I", "verify.py"], cwd=exported, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "全部一致" in ran.stdout
    assert "everything agrees" in ran.stdout
    assert "校验点 1" in ran.stdout


def test_the_zip_itself_is_verified_and_so_is_a_kept_checkpoint(
    exported: Path, tmp_path: Path
) -> None:
    proofs = json.loads((exported / "proofs.json").read_text("utf-8"))
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(proofs["inclusion"]["checkpoint"]), "utf-8")
    key = proofs["keys"][0]["public"]
    command = [sys.executable, "-I", str(exported / "verify.py"), str(tmp_path / "case.zip")]
    ran = subprocess.run(
        [*command, "--checkpoint", str(kept), "--key", key], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout
    kept.write_text(json.dumps({**proofs["inclusion"]["checkpoint"], "root": "00" * 32}), "utf-8")
    ran = subprocess.run([*command, "--checkpoint", str(kept)], capture_output=True, text=True)
    assert ran.returncode == 1
    assert "第三方" in ran.stdout
    export = {"type": "guicheng-checkpoint-export", "checkpoint": proofs["inclusion"]["checkpoint"]}
    export |= {"keys": proofs["keys"], "chains": [[1, 1, "ab"]]}
    kept.write_text(json.dumps(export), "utf-8")
    ran = subprocess.run([*command, "--checkpoint", str(kept)], capture_output=True, text=True)
    assert ran.returncode == 1
    assert "各链末条与校验点不符" in ran.stdout
    ran = subprocess.run([*command, "--key", "11" * 32], capture_output=True, text=True)
    assert ran.returncode == 1


def test_the_page_needs_no_network_and_no_script_and_shows_the_answers(exported: Path) -> None:
    page = (exported / "index.html").read_text("utf-8")
    links = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert links
    assert not [link for link in links if ":" in link or link.startswith("/")]
    assert "<script" not in page
    assert "<link" not in page
    assert "@import" not in page and "url(" not in page
    assert page.count("<svg") == 6  # the five stages, and the notice within the third
    for words in (
        "李一",
        "02 党组织派人谈话",
        "全程纪实表",
        "应到 7 人",
        "第十九条",
        "转为正式党员",
    ):
        assert words in page.replace('<span class="no">02</span> ', "02 "), words


def test_the_export_is_recorded_before_anything_is_handed_out(case: Case) -> None:
    made = case.export()
    entry = last_entry(case)
    with made.stream as stream, zipfile.ZipFile(stream) as archive:
        manifest = archive.read("manifest.json")
        receipt = json.loads(archive.read("receipt.json"))
    assert entry.kind == "exported"
    assert entry.actor_id == case.ids["auditor"]
    payload = json.loads(entry.payload or "")
    assert payload["manifest"] == hashlib.sha256(manifest).hexdigest() == made.manifest
    assert payload["sensitive"], "the auditor took sensitive papers away, and the record says so"
    assert "withheld" not in payload
    assert payload["post"] == f"o{case.ids['county']}:auditor"
    readings, _ = my_readings(case.session, case.actor("applicant"))
    assert [(r.kind.value, r.person_name, r.documents) for r in readings] == [
        ("exported", "auditor", ("政治审查材料",))
    ]
    assert receipt["entry"]["digest"] == bytes(entry.digest).hex()
    assert receipt["statement"]["head"] == bytes(entry.digest).hex()
    assert made.name.startswith("卷宗-FZ-2025-0001-李一")


def test_what_the_exporter_may_not_read_is_left_out_and_named(case: Case) -> None:
    parts = unpack(case, "department")
    listed = json.loads(parts["attachments.json"])
    held_back = [item for item in listed if item["state"] == "withheld"]
    assert [item["document"] for item in held_back] == ["政治审查材料"]
    assert len(held_back[0]["sha256"]) == 64
    assert held_back[0]["path"] is None
    page = parts["index.html"].decode()
    assert "未随卷" in page and held_back[0]["sha256"] in page
    lines = [json.loads(line) for line in parts["ledger.jsonl"].decode().splitlines()]
    closed = [line for line in lines if line["state"] == "withheld"]
    assert [line["element"] for line in closed] == ["political_review"]
    assert closed[0]["payload"] is None and closed[0]["salt"] is None
    payload = json.loads(last_entry(case).payload or "")
    assert payload["withheld"] == [held_back[0]["id"]]
    assert payload["closed"] == [closed[0]["seq"]]
    review = case.session.scalars(
        select(LedgerEntry.payload).where(
            LedgerEntry.chain_id == case.instance_id, LedgerEntry.element == "political_review"
        )
    ).one()
    secret = json.loads(review or "")["data"]["review_family"].encode()
    assert secret not in b"".join(parts.values())


def test_a_case_file_with_withheld_parts_verifies(case: Case, tmp_path: Path) -> None:
    folder = tmp_path / "case"
    for name, data in unpack(case, "department").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    ran = subprocess.run(
        [sys.executable, "-I", "verify.py"], cwd=folder, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout
    assert "内容未随卷 1 条" in ran.stdout


@pytest.mark.parametrize(("who", "error"), [("applicant", NotAllowed), ("member_a", NotFound)])
def test_others_may_not_take_it_away_and_nothing_is_recorded(
    case: Case, who: str, error: type[Exception]
) -> None:
    before = last_entry(case).seq
    with pytest.raises(error):
        case.export(who)
    assert last_entry(case).seq == before


def test_a_lost_or_changed_file_stops_the_export(case: Case) -> None:
    before = last_entry(case).seq
    path = next(p for p in case.store.folder.rglob("*") if p.is_file())
    data = path.read_bytes()
    path.write_bytes(data + b" ")
    with pytest.raises(FileLost):
        case.export()
    path.unlink()
    with pytest.raises(FileLost):
        case.export()
    assert last_entry(case).seq == before


def test_what_happens_while_it_is_written_is_in_it(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    real = case_file._write

    def slow(session: Session, *more: Any) -> Any:
        made = real(session, *more)
        written.append(made.length)
        if len(written) == 1:  # somebody reads a sensitive paper before the matter is locked
            locked = runtime_store.lock_instance(session, case.instance_id)
            assert locked is not None
            event = Event(EntryKind.READ, actor_id=case.ids["secretary"], payload={})
            runtime_store.write_entry(session, locked, event, case.clock.now())
        return made

    monkeypatch.setattr(case_file, "_write", slow)
    with case.export().stream as stream, zipfile.ZipFile(stream) as archive:
        archive.extractall(tmp_path / "case")
    assert written == [written[0], written[0] + 1]
    found = v.Verification(v.Files(tmp_path / "case"))
    found.run()
    assert [str(fault) for fault in found.faults] == []
    assert found.entries[-1]["kind"] == "read"


def test_the_same_state_gives_the_same_bytes(case: Case) -> None:
    at = case.clock.now()
    made = []
    for _ in range(2):
        target = io.BytesIO()
        archive = Archive(target)
        contents = read_contents(case.session, case.actor("auditor"), case.clock, case.instance_id)
        export = Export(at, case.ids["auditor"], "auditor", None)
        papers = ready_papers(case.session, contents, case.clock)
        sealer = Sealer(case.session, case.settings, case.clock)
        write_parts(archive, contents, export, papers, sealer)
        archive.close()
        made.append(target.getvalue())
    assert made[0] == made[1]


def test_a_running_matter_can_be_taken_away_too(
    session: Session, clock: FixedClock, own_settings: Settings
) -> None:
    case = play_matter(session, clock, own_settings, until="consent_prospect")
    parts = unpack(case)
    page = parts["index.html"].decode()
    assert "等待" in page and "正在这里" in parts["diagram.svg"].decode()
    assert json.loads(parts["proofs.json"])["inclusion"] is None
    again = unpack(case)
    assert "导出" in again["index.html"].decode()


@pytest.mark.parametrize(
    ("article", "number"),
    [
        ("第五条", 5),
        ("第十条", 10),
        ("第十九条", 19),
        ("第三十一条", 31),
        ("第一百零二条", 102),
        ("", 0),
    ],
)
def test_articles_are_sorted_by_their_number(article: str, number: int) -> None:
    assert number_in(article) == number


@pytest.mark.parametrize(
    ("name", "safe"), [("a/b.pdf", "b.pdf"), ('表<1>"?.pdf', "表_1___.pdf"), ("...", "_")]
)
def test_names_fit_every_operating_system(name: str, safe: str) -> None:
    assert safe_name(name) == safe
