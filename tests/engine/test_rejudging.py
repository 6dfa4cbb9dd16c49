"""Running matters are measured anew when time passes or what they are measured with changes."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.compliance.parameter_operations import set_parameter
from engine.jobs import rejudge_below
from engine.runtime.models import Task
from engine.signals import rule_breached
from tests.played import Played, play_admission


@pytest.fixture
def waiting(session: Session, clock: FixedClock) -> Played:
    """An application of 2025-01-10 whose first talk is still to come."""
    return play_admission(session, clock, until="first_talk")


def test_a_limit_that_has_passed_becomes_a_finding(waiting: Played) -> None:
    waiting.clock.set(date(2025, 2, 10))
    rejudge_below(None, waiting.clock)
    assert waiting.findings("pending")["R-ADM-02"].until == date(2025, 2, 10)
    assert "R-ADM-02" not in waiting.findings()
    heard: list[int] = []

    def hear(sender: object, *, instance_id: int, finding_id: int) -> None:
        assert instance_id == waiting.instance_id
        heard.append(finding_id)

    waiting.clock.set(date(2025, 2, 11))
    with rule_breached.connected_to(hear):
        rejudge_below(None, waiting.clock)
        rejudge_below(None, waiting.clock)  # twice is once
    finding = waiting.findings()["R-ADM-02"]
    assert (heard, finding.seq, finding.state) == ([finding.id], None, "open")


def test_done_late_it_stays_the_same_finding(waiting: Played) -> None:
    waiting.clock.set(date(2025, 2, 20))
    rejudge_below(None, waiting.clock)
    before = waiting.findings()["R-ADM-02"].id
    waiting.player.complete("first_talk", {}, date(2025, 2, 15), None)
    found = waiting.findings()["R-ADM-02"]
    assert found.id == before
    assert found.seq is not None


def test_limits_of_the_package_itself_stay(session: Session, clock: FixedClock) -> None:
    played = play_admission(session, clock, until="record_probation")
    wanted = select(Task.due_on).where(
        Task.instance_id == played.instance_id, Task.element == "record_probation"
    )
    before = session.scalar(wanted)
    assert before is not None and before.year < 9999
    rejudge_below(None, clock)
    assert session.scalar(wanted) == before


def test_a_parameter_changes_the_limits_of_open_tasks(session: Session, clock: FixedClock) -> None:
    played = play_admission(session, clock, until="examine_activist")

    def due() -> date | None:
        open_task = select(Task.due_on).where(
            Task.instance_id == played.instance_id, Task.state == "open"
        )
        return session.scalar(open_task)

    clock.set(date(2025, 4, 1))
    rejudge_below(None, clock)
    assert due() == date(2025, 9, 5)
    set_parameter(
        clock,
        played.actor("administrator"),
        key="member_admission.examination_months",
        organisation_id=played.ids["committee"],
        value=3,
        since=date(2025, 4, 1),
        reason="本县每季度考察一次",
        command_id=uuid4(),
    )
    rejudge_below(played.ids["committee"], clock)
    assert due() == date(2025, 6, 5)
