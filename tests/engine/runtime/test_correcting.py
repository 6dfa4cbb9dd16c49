"""What was recorded of a step is put right: on record, and measured anew."""

from __future__ import annotations

import json
from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.attachments.models import Attachment
from engine.clock import FixedClock
from engine.errors import InvalidInput, NotAllowed, NotFound, StaleRevision
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from engine.runtime.correcting import correct_entry
from engine.runtime.queries import correction_view, matter_view
from tests.played import Played, play_admission

LATE_TALK = {"first_talk": date(2025, 2, 11)}
"""One day after the month is over."""
IN_TIME = date(2025, 2, 10)


@pytest.fixture
def late(session: Session, clock: FixedClock) -> Played:
    """A matter whose first talk came a day too late."""
    return play_admission(session, clock, until="file_activist", days=LATE_TALK)


def seq_of(played: Played, element: str) -> int:
    return (
        played.session.scalars(
            select(LedgerEntry.seq)
            .where(
                LedgerEntry.chain_id == played.instance_id,
                LedgerEntry.kind == "completed",
                LedgerEntry.element == element,
            )
            .order_by(LedgerEntry.seq)
        ).first()
        or 0
    )


def correct(
    played: Played,
    element: str,
    *,
    by: str = "secretary",
    on: date | None = None,
    reason: str = "日期录错，谈话记录为准",
    **changes: object,
) -> None:
    view = correction_view(
        played.session,
        played.actor("secretary"),
        played.clock,
        played.instance_id,
        seq_of(played, element),
    )
    correct_entry(
        played.instance_id,
        view.seq,
        {**view.values, **changes},
        reason,
        actor=played.actor(by),
        clock=played.clock,
        occurred_on=on,
    )


def entries(played: Played) -> list[tuple[str, dict[str, object]]]:
    rows = played.session.execute(
        select(LedgerEntry.kind, LedgerEntry.payload)
        .where(LedgerEntry.chain_id == played.instance_id)
        .order_by(LedgerEntry.seq)
    )
    return [(row.kind, json.loads(row.payload or "{}")) for row in rows]


def test_a_corrected_day_is_measured_anew_and_both_days_stay(late: Played) -> None:
    assert "R-ADM-02" in late.findings()
    before = entries(late)
    correct(late, "first_talk", on=IN_TIME)
    assert "R-ADM-02" not in late.findings()
    assert late.findings("met")["R-ADM-02"].resolved_at is not None
    after = entries(late)
    assert after[: len(before)] == before
    kind, payload = after[-1]
    assert kind == EntryKind.CORRECTED
    assert payload["seq"] == seq_of(late, "first_talk")
    assert payload["occurred_on"] == IN_TIME.isoformat()
    assert payload["data"] == {}
    correct(late, "first_talk", on=IN_TIME + timedelta(days=1), reason="又查明是 11 日")
    assert "R-ADM-02" in late.findings()


def test_a_correction_is_shown_at_its_step(late: Played) -> None:
    correct(late, "first_talk", talk_place="镇党委会议室")
    view = matter_view(late.session, late.actor("secretary"), late.clock, late.instance_id)
    steps = {step.element: step for stage in view.stages for step in stage.steps}
    (record,) = steps["first_talk"].records
    (correction,) = record.corrections
    assert correction.reason == "日期录错，谈话记录为准"
    assert [value for _, value in correction.data] == ["镇党委会议室"]
    assert "镇党委会议室" not in [value for _, value in record.data]
    assert view.history[0].kind == "corrected"
    own = matter_view(late.session, late.actor("applicant"), late.clock, late.instance_id)
    shown = {step.element: step for stage in own.stages for step in stage.steps}
    (seen,) = shown["first_talk"].records[0].corrections
    assert (seen.reason, seen.data) == ("", ())
    standing = correction_view(
        late.session,
        late.actor("secretary"),
        late.clock,
        late.instance_id,
        seq_of(late, "first_talk"),
    )
    assert standing.values["talk_place"] == "镇党委会议室"


def test_what_decided_the_way_is_not_corrected(late: Played) -> None:
    with pytest.raises(InvalidInput) as refused:
        correct(late, "decide_activist", activist_decision="disagree")
    assert "activist_decision" in refused.value.fields
    assert entries(late)[-1][0] != EntryKind.CORRECTED


@pytest.mark.parametrize("by", ["applicant", "auditor", "administrator", "contact_a"])
def test_who_may_not_correct(late: Played, by: str) -> None:
    with pytest.raises(NotAllowed):
        correct(late, "first_talk", by=by, on=IN_TIME)
    with pytest.raises((NotAllowed, NotFound)):
        correction_view(
            late.session,
            late.actor(by),
            late.clock,
            late.instance_id,
            seq_of(late, "first_talk"),
        )


def test_those_above_may_correct(late: Played) -> None:
    correct(late, "first_talk", by="superior_secretary", on=IN_TIME)
    assert entries(late)[-1][0] == EntryKind.CORRECTED


def test_what_a_superior_recorded_is_corrected_by_a_superior(
    session: Session, clock: FixedClock
) -> None:
    played = play_admission(session, clock, until="assign_contacts")
    seq = seq_of(played, "file_activist")
    told = "这条记录由上级党组织办理"
    with pytest.raises(NotAllowed, match=told):
        correction_view(session, played.actor("secretary"), clock, played.instance_id, seq)
    below = {"actor": played.actor("secretary"), "clock": clock}
    stages = matter_view(session, played.actor("secretary"), clock, played.instance_id).stages
    shown = [r for stage in stages for step in stage.steps for r in step.records]
    assert [r.element for r in shown if not r.correctable] == ["file_activist"]
    with pytest.raises(NotAllowed, match=told):
        correct_entry(played.instance_id, seq, {}, "核对有误", **below)
    above = played.actor("superior_secretary")
    view = correction_view(session, above, clock, played.instance_id, seq)
    day = view.occurred_on - timedelta(days=1)
    correct_entry(
        played.instance_id,
        seq,
        view.values,
        "日期录错",
        actor=above,
        clock=clock,
        occurred_on=day,
    )
    assert entries(played)[-1][1]["occurred_on"] == day.isoformat()


def test_what_is_refused(late: Played) -> None:
    with pytest.raises(InvalidInput) as refused:
        correct(late, "first_talk", on=IN_TIME, reason="  ")
    assert "reason" in refused.value.fields
    with pytest.raises(InvalidInput):
        correct(late, "first_talk")  # nothing is different
    with pytest.raises(InvalidInput) as refused:
        correct(late, "first_talk", on=late.clock.today() + timedelta(days=1))
    assert "occurred_on" in refused.value.fields
    with pytest.raises(InvalidInput) as refused:
        correct(late, "first_talk", talkers=[])
    assert "talkers" in refused.value.fields
    for seq, error in ((1, NotAllowed), (10_000, NotFound)):
        with pytest.raises(error):
            correct_entry(
                late.instance_id,
                seq,
                {},
                "理由",
                actor=late.actor("secretary"),
                clock=late.clock,
            )
    assert EntryKind.CORRECTED not in [kind for kind, _ in entries(late)]


def test_a_double_click_corrects_once_and_a_stale_page_is_refused(late: Played) -> None:
    view = correction_view(
        late.session,
        late.actor("secretary"),
        late.clock,
        late.instance_id,
        seq_of(late, "first_talk"),
    )
    revision = late.session.execute(
        text("SELECT revision FROM instance WHERE id = :id"), {"id": late.instance_id}
    ).scalar_one()
    command = uuid4()
    for _ in range(2):
        correct_entry(
            late.instance_id,
            view.seq,
            view.values,
            "录错",
            actor=late.actor("secretary"),
            clock=late.clock,
            occurred_on=IN_TIME,
            command_id=command,
            revision=revision,
        )
    assert [kind for kind, _ in entries(late)].count(str(EntryKind.CORRECTED)) == 1
    with pytest.raises(StaleRevision):
        correct_entry(
            late.instance_id,
            view.seq,
            view.values,
            "录错",
            actor=late.actor("secretary"),
            clock=late.clock,
            occurred_on=IN_TIME - timedelta(days=1),
            revision=revision - 1,
        )


def test_a_new_paper_comes_with_a_correction(late: Played) -> None:
    view = correction_view(
        late.session,
        late.actor("secretary"),
        late.clock,
        late.instance_id,
        seq_of(late, "first_talk"),
    )
    before = list(view.values["talk_files"])
    actor = late.actor("secretary")
    extra = _upload(late, actor.person_id)
    correct(late, "first_talk", talk_files=[*before, extra])
    payload = entries(late)[-1][1]
    assert payload["data"] == {"talk_files": [*before, extra]}
    assert str(extra) in map(str, payload["files"])


def _upload(played: Played, person_id: int) -> int:
    known = played.session.scalars(select(Attachment).limit(1)).one()
    fresh = Attachment(
        sha256=known.sha256,
        name="补充谈话记录.pdf",
        document=known.document,
        uploaded_by=person_id,
        uploaded_at=played.clock.now(),
    )
    played.session.add(fresh)
    played.session.flush()
    return fresh.id
