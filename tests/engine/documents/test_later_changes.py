"""Case files of matters whose record was corrected, erased in part, or sealed again and again."""

from __future__ import annotations

import json
import zipfile
from datetime import date
from pathlib import Path

from click.testing import CliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.audit.commands import ask_explanation, explain
from engine.cli import main
from engine.clock import FixedClock
from engine.compliance.models import Finding
from engine.database import unit_of_work
from engine.documents.offline import verify as v
from engine.documents.papers import make_paper
from engine.ledger.checkpoints import seal_checkpoint
from engine.ledger.handing_on import export_checkpoint
from engine.ledger.models import LedgerEntry
from engine.retention.operations import erase_payloads
from engine.runtime.correcting import correct_entry
from engine.settings import Settings
from tests.engine.documents.conftest import Case, play_matter
from tests.engine.documents.test_papers import text_of


def unpacked(case: Case, folder: Path) -> Path:
    with case.export().stream as stream, zipfile.ZipFile(stream) as archive:
        archive.extractall(folder)
    return folder


def verified(folder: Path, checkpoint: object = None) -> tuple[list[str], list[str]]:
    """Return the faults, and what was said on the way."""
    said: list[str] = []
    found = v.Verification(v.Files(folder), lambda zh, en: said.append(zh))
    found.run(checkpoint)  # type: ignore[arg-type]
    return [str(fault) for fault in found.faults], said


def entry_of(case: Case, element: str) -> int:
    return case.session.scalars(
        select(LedgerEntry.seq).where(
            LedgerEntry.chain_id == case.instance_id,
            LedgerEntry.element == element,
            LedgerEntry.kind == "completed",
        )
    ).one()


def test_erased_content_leaves_a_tombstone_that_verifies(case: Case, tmp_path: Path) -> None:
    seq = entry_of(case, "first_talk")
    erase_payloads(
        case.instance_id, [seq], "保存期限已满", actor=case.actor("department"), clock=case.clock
    )
    folder = unpacked(case, tmp_path / "case")
    faults, said = verified(folder)
    assert faults == []
    assert any("已按规定清除 1 条" in line for line in said)
    page = (folder / "index.html").read_text("utf-8")
    assert "已按保存期限规定清除" in page
    assert "党员活动室" not in page
    assert "保存期限已满" in page
    lines = [json.loads(x) for x in (folder / "ledger.jsonl").read_text("utf-8").splitlines()]
    assert lines[seq - 1]["state"] == "erased"
    assert lines[seq - 1]["snapshot_digest"], "the chain still needs it"


def test_a_correction_stands_beside_what_it_corrects_and_papers_follow_it(
    session: Session, clock: FixedClock, own_settings: Settings, tmp_path: Path
) -> None:
    case = play_matter(session, clock, own_settings, until="conclude_notice")
    seq = entry_of(case, "post_notice")
    recorded = json.loads(
        case.session.scalars(
            select(LedgerEntry.payload).where(
                LedgerEntry.chain_id == case.instance_id, LedgerEntry.seq == seq
            )
        ).one()
        or ""
    )["data"]
    before = recorded["notice_contact"]
    correct_entry(
        case.instance_id,
        seq,
        {**recorded, "notice_contact": "0571-1234567"},
        "电话号码登记有误",
        actor=case.actor("secretary"),
        clock=case.clock,
    )
    folder = unpacked(case, tmp_path / "case")
    assert verified(folder)[0] == []
    page = (folder / "index.html").read_text("utf-8")
    assert before in page and "0571-1234567" in page and "电话号码登记有误" in page
    assert "经更正" in page
    notice = make_paper(
        case.session, case.actor("secretary"), case.clock, case.instance_id, "notice"
    )
    assert "0571-1234567" in text_of(notice)
    assert before not in text_of(notice)


def test_any_checkpoint_kept_since_the_matter_began_will_do(
    session: Session, clock: FixedClock, own_settings: Settings, tmp_path: Path
) -> None:
    case = play_matter(session, clock, own_settings, until="decide_activist")
    kept = []
    for _ in range(2):
        with unit_of_work() as unit:
            seal_checkpoint(unit, case.settings, case.clock)
        with unit_of_work() as unit:
            kept.append(export_checkpoint(unit))
        case.export().stream.close()  # the record grows
    folder = unpacked(case, tmp_path / "case")
    for checkpoint in kept:
        faults, said = verified(folder, checkpoint)
        assert faults == []
        number = checkpoint["checkpoint"]["number"]
        assert any(f"第 {number} 号校验点相符" in line for line in said)
    own = next(leaf for leaf in kept[0]["chains"] if leaf[0] == case.instance_id)
    forged = {**kept[0], "chains": [leaf for leaf in kept[0]["chains"] if leaf is not own]}
    assert any("各链末条与校验点不符" in fault for fault in verified(folder, forged)[0])
    lines = (folder / "ledger.jsonl").read_text("utf-8").splitlines(keepends=True)
    (folder / "ledger.jsonl").write_text("".join(lines[: own[1] - 1]), "utf-8")
    faults, _ = verified(folder, kept[0])
    assert any("与第三方保存的校验点不符" in fault for fault in faults)


def test_a_problem_stands_at_its_step_with_what_people_said_of_it(
    session: Session, clock: FixedClock, own_settings: Settings, tmp_path: Path
) -> None:
    late = {"first_talk": (date(2025, 2, 20), {"late_reason": "谈话人外出学习"})}
    case = play_matter(session, clock, own_settings, until="file_activist", late=late)
    finding = session.scalars(
        select(Finding.id).where(
            Finding.instance_id == case.instance_id,
            Finding.rule == "R-ADM-02",
            Finding.outcome == "not_met",
        )
    ).one()
    ask_explanation(finding, "为什么超期？", actor=case.actor("auditor"), clock=case.clock)
    explain(finding, "谈话人外出学习。", actor=case.actor("secretary"), clock=case.clock)
    folder = unpacked(case, tmp_path / "case")
    assert verified(folder)[0] == []
    told = {f["rule"]: f for f in json.loads((folder / "findings.json").read_text("utf-8"))}
    assert told["R-ADM-02"]["outcome"] == "not_met"
    assert told["R-ADM-02"]["state"] == "explained"
    page = (folder / "index.html").read_text("utf-8")
    step = page.partition("02</span> 党组织派人谈话")[2].partition("<article")[0]
    assert "不符合" in step and "2025-02-10" in step and "第七条" in step
    assert "为什么超期？" in step and "谈话人外出学习。" in step
    assert "第一党支部书记" in step, "who explained, and as what"
    path = folder / "index.html"
    path.write_text(page.replace("2025-02-10", "2025-02-28"), "utf-8")
    faults, _ = verified(folder)
    assert any("R-ADM-02" in fault and fault.startswith("index.html") for fault in faults)


def test_an_installation_verifies_with_its_own_verifier(exported: Path) -> None:
    (exported / "verify.py").write_text("print('全部一致')")
    ran = CliRunner().invoke(main, ["verify-case-file", str(exported)])
    assert ran.exit_code == 1
    assert "verify.py" in ran.output
    key = json.loads((exported / "proofs.json").read_text("utf-8"))["keys"][0]["public"]
    whole = str(exported.parent / "case.zip")
    assert CliRunner().invoke(main, ["verify-case-file", whole, "--key", key]).exit_code == 0
    assert CliRunner().invoke(main, ["verify-case-file", whole, "--key", "00"]).exit_code == 1


def test_the_rules_are_told_with_their_articles(exported: Path) -> None:
    found = json.loads((exported / "findings.json").read_text("utf-8"))
    assert {"R-ADM-01", "R-ADM-19", "R-ADM-23"} <= {finding["rule"] for finding in found}
    assert {finding["outcome"] for finding in found} <= {"met", "not_met", "pending", "waived"}
    page = (exported / "index.html").read_text("utf-8")
    for finding in found[:5]:
        assert finding["articles"]
        assert finding["rule"] in page
