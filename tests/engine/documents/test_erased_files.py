"""What goes with erased entries: files, facts, sentences, drafts; and what stays provable."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from engine.attachments.models import Attachment, Blob
from engine.attachments.operations import destroy_erased
from engine.audit.commands import ask_explanation
from engine.audit.matter import matter_findings
from engine.compliance.findings import load_facts
from engine.compliance.models import Finding, FindingNote
from engine.database import unit_of_work
from engine.documents.offline import verify as v
from engine.errors import Conflict, GuichengError, NotFound
from engine.forms.drafts import save_draft
from engine.ledger.models import LedgerEntry
from engine.retention.copies import GONE
from engine.retention.operations import erase_payloads
from engine.runtime.models import Task
from engine.runtime.queries import attachment, matter_documents, matter_view
from engine.runtime.queries.files import FileErased
from engine.runtime.rejudging import rejudge_matter
from tests.engine.documents.conftest import Case

REASON = "保管期限届满"


def seqs_of(case: Case, *elements: str) -> list[int]:
    statement = select(LedgerEntry.seq).where(LedgerEntry.chain_id == case.instance_id)
    if elements:
        statement = statement.where(
            LedgerEntry.element.in_(elements), LedgerEntry.kind == "completed"
        )
    return list(case.session.scalars(statement.order_by(LedgerEntry.seq)))


def erase(case: Case, seqs: list[int]) -> int:
    done = erase_payloads(
        case.instance_id, seqs, REASON, actor=case.actor("department"), clock=case.clock
    )
    case.session.expire_all()
    return done


def files(case: Case) -> dict[int, Attachment]:
    rows = case.session.scalars(
        select(Attachment).where(Attachment.instance_id == case.instance_id)
    )
    return {row.id: row for row in rows}


def named_by(case: Case, seq: int) -> set[int]:
    payload = case.session.get_one(LedgerEntry, (case.instance_id, seq)).payload
    return {int(number) for number in json.loads(payload or "{}").get("files", {})}


def test_files_go_with_the_entries_that_name_them(case: Case) -> None:
    (seq,) = seqs_of(case, "submit_application")
    gone = named_by(case, seq)
    before = {number: row.sha256 for number, row in files(case).items()}
    assert gone and gone < set(before)
    erase(case, [seq])
    after = files(case)
    assert {n for n, row in after.items() if row.erased_at is not None} == gone
    assert {n: row.sha256 for n, row in after.items()} == before  # digests stay
    assert {after[n].name for n in gone} == {""}
    reader = case.actor("department")
    for number in gone:
        with pytest.raises(FileErased):
            attachment(reader, case.clock, number)
    kept = next(iter(set(before) - gone))
    assert attachment(reader, case.clock, kept).sha256 == before[kept]
    listed = matter_documents(case.session, reader, case.clock, case.instance_id)
    assert {file.id for file in listed} == set(before) - gone


def test_the_erasure_says_which_files_went(case: Case) -> None:
    (seq,) = seqs_of(case, "submit_application")
    gone = {str(n): files(case)[n].sha256 for n in named_by(case, seq)}
    erase(case, [seq])
    last = seqs_of(case)[-1]
    payload = case.session.get_one(LedgerEntry, (case.instance_id, last)).payload
    assert json.loads(payload or "") == {"seqs": [seq], "reason": REASON, "erased_files": gone}


def test_bytes_go_only_when_nothing_is_made_of_them_any_more(case: Case) -> None:
    (seq,) = seqs_of(case, "submit_application")
    sha256 = next(iter(files(case).values())).sha256
    path = case.store.path(sha256)
    erase(case, [seq])
    assert destroy_erased(case.clock, case.store) == 0 and path.is_file()
    erase(case, seqs_of(case)[:-1])
    assert destroy_erased(case.clock, case.store) == 1 and not path.exists()
    blob = case.session.get_one(Blob, sha256, populate_existing=True)
    assert blob.destroyed_at is not None and blob.size > 0
    assert destroy_erased(case.clock, case.store) == 0


def test_facts_drafts_and_sentences_go_and_outcomes_stay(case: Case) -> None:
    session = case.session
    seqs = seqs_of(case, "first_talk", "submit_application")
    with unit_of_work() as unit:
        task = unit.scalars(select(Task.id).where(Task.instance_id == case.instance_id)).first()
        assert task is not None
        save_draft(unit, case.clock, task_id=task, person_id=case.ids["applicant"], data={"a": "b"})
        finding = unit.scalars(
            select(Finding).where(Finding.instance_id == case.instance_id)
        ).first()
        if finding is None:
            finding = Finding(
                instance_id=case.instance_id, process_key="member_admission",
                organisation_id=case.actor("secretary").organisation_id or 0, path="/1/",
                rule="R-ADM-02", element="first_talk", round=1, seq=seqs[-1], outcome="not_met",
                severity="hard", articles=[], day=case.clock.today(), template="%(n)s 票",
                params={"n": 7}, found_at=case.clock.now(), changed_at=case.clock.now(),
            )  # fmt: skip
            unit.add(finding)
        finding.seq, finding.outcome, finding.template = seqs[-1], "not_met", "%(n)s 票"
        finding.params = {"n": 7}
        unit.flush()
        finding_id = finding.id
    ask_explanation(finding_id, "为何只有七票", actor=case.actor("auditor"), clock=case.clock)
    noted = session.scalars(select(FindingNote).where(FindingNote.finding_id == finding_id)).one()
    assert load_facts(session, case.instance_id) is not None
    erase(case, [*seqs, noted.seq])
    assert load_facts(session, case.instance_id) is None
    assert session.scalar(text("SELECT count(*) FROM draft")) == 0
    kept = session.get_one(Finding, finding_id, populate_existing=True)
    assert (kept.template, kept.params) == (GONE, {})
    assert (kept.rule, kept.outcome, kept.seq) == (finding.rule, "not_met", seqs[-1])
    assert session.get_one(FindingNote, noted.id, populate_existing=True).text == GONE
    rejudge_matter(case.instance_id, case.clock)
    session.expire_all()
    assert session.get_one(Finding, finding_id).template == GONE
    found = matter_findings(session, case.actor("auditor"), case.clock, case.instance_id)
    assert found is not None


def test_everything_erased_can_still_be_looked_at_and_verifies(case: Case, tmp_path: Path) -> None:
    erase(case, seqs_of(case))
    destroy_erased(case.clock, case.store)
    session, reader = case.session, case.actor("department")
    remaining = session.scalar(
        select(func.count()).where(
            LedgerEntry.chain_id == case.instance_id,
            LedgerEntry.payload.is_not(None),
            LedgerEntry.kind != "erased",
        )
    )
    assert remaining == 0
    view = matter_view(session, reader, case.clock, case.instance_id)
    assert view.stages
    matter_findings(session, reader, case.clock, case.instance_id)
    with case.export().stream as stream, zipfile.ZipFile(stream) as archive:
        archive.extractall(tmp_path / "case")
        assert not [name for name in archive.namelist() if name.startswith("attachments/")]
    said = v.Verification(v.Files(tmp_path / "case"), lambda zh, en: None)
    said.run(None)
    assert [str(fault) for fault in said.faults] == []
    page = (tmp_path / "case" / "index.html").read_text("utf-8")
    assert "党员活动室" not in page


def test_nothing_more_is_recorded_of_what_was_erased(case: Case) -> None:
    """A correction finds no step to put right, and does not fall over."""
    from engine.runtime.correcting import correct_entry

    (seq,) = seqs_of(case, "first_talk")
    erase(case, seqs_of(case))
    with pytest.raises((Conflict, NotFound, GuichengError)):
        correct_entry(
            case.instance_id,
            seq,
            {},
            reason="笔误",
            actor=case.actor("department"),
            clock=case.clock,
            occurred_on=case.clock.today(),
        )
