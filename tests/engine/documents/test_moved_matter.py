"""The case file of a matter that was moved to another version of its procedure on the way."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.database import unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import load_package
from engine.ledger.models import LedgerEntry
from engine.retention.operations import erase_payloads
from engine.runtime.migrating import move_running
from engine.runtime.operations import cancel_instance
from engine.runtime.queries.conformance import matter_conformance
from engine.settings import Settings
from tests.engine.documents.conftest import play_matter
from tests.engine.documents.test_later_changes import unpacked, verified
from tests.shipped import package


def test_it_names_both_versions_and_verifies_with_the_entry_erased_too(
    session: Session, clock: FixedClock, own_settings: Settings, tmp_path: Path
) -> None:
    case = play_matter(session, clock, own_settings, until="conclude_notice")
    old = package("member_admission")
    new = load_package({**old.stored, "NOTES.md": b"2"})
    with unit_of_work() as unit:
        version_id = deploy_package(unit, new, clock).version_id
    before = matter_conformance(session, case.instance_id)
    assert len(move_running(clock, version_id, reason="说明有误").moving) == 1
    assert matter_conformance(session, case.instance_id) == before
    folder = unpacked(case, tmp_path / "moved")
    page = (folder / "index.html").read_text("utf-8")
    assert new.sha256[:12] in page and f"此前为 {old.version}（{old.sha256[:12]}）" in page
    assert "换用流程版本" in page and "说明有误" in page
    assert verified(folder)[0] == []
    moved = session.scalars(
        select(LedgerEntry.seq).where(
            LedgerEntry.chain_id == case.instance_id, LedgerEntry.kind == "migrated"
        )
    ).one()
    department = case.actor("department")
    cancel_instance(case.instance_id, "本人不愿继续", actor=case.actor("secretary"), clock=clock)
    erase_payloads(case.instance_id, [moved], "保存期限已满", actor=department, clock=clock)
    folder = unpacked(case, tmp_path / "erased")
    page = (folder / "index.html").read_text("utf-8")
    assert new.sha256[:12] in page and "此前为" not in page
    assert verified(folder)[0] == []
