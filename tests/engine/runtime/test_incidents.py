"""Incidents: what the engine could not carry out. The matter is as it was; it can be retried."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from engine.database import db
from engine.errors import Conflict, EngineFault, ExpressionFault, NotAllowed, NotFound
from engine.runtime import incidents, operations
from engine.runtime.models import Incident
from engine.signals import incident_recorded
from tests.bpmn_builder import Catch, Task, Xor, date_timer, message
from tests.factories import (
    FAULTY,
    Desk,
    Matter,
    faulty,
    is_consistent,
    procedure,
    sender,
)


def recorded() -> list[Incident]:
    return list(
        db.session().scalars(
            select(Incident).order_by(Incident.id).execution_options(populate_existing=True)
        )
    )


def failing(desk: Desk) -> Matter:
    """Return a matter whose first step has just failed."""
    matter = desk.start(faulty())
    with pytest.raises(EngineFault):
        matter.complete("apply", {"note": "我写的内容"})
    return matter


def test_a_faulty_expression_leaves_the_matter_as_it_was(desk: Desk) -> None:
    matter = desk.start(faulty())
    row = matter.row
    before = (row.revision, bytes(row.snapshot or b""), row.chain_length, matter.kinds)
    with pytest.raises(ExpressionFault):
        matter.complete("apply")
    row = matter.row
    assert (row.revision, bytes(row.snapshot or b""), row.chain_length, matter.kinds) == before
    is_consistent(matter.id, desk.clock)
    (incident,) = recorded()
    assert (incident.instance_id, incident.attempts) == (matter.id, 1)
    assert incident.code == "expression_fault"
    assert incident.actor_id == desk.town.people["secretary"]


def test_however_often_it_fails_there_is_one_incident(desk: Desk) -> None:
    matter = failing(desk)
    for _ in range(3):
        with pytest.raises(EngineFault):
            matter.complete("apply")
    (incident,) = recorded()
    assert incident.attempts == 4


def test_somebody_else_s_attempt_is_an_incident_of_its_own(desk: Desk) -> None:
    matter = failing(desk)
    with pytest.raises(EngineFault):
        matter.complete("apply", by="deputy")
    assert len(recorded()) == 2


def test_the_signal_says_which(desk: Desk) -> None:
    heard: list[dict[str, Any]] = []

    def listen(sender: object, **about: Any) -> None:
        heard.append(about)

    with incident_recorded.connected_to(listen):
        matter = failing(desk)
    assert heard == [{"incident_id": recorded()[0].id, "instance_id": matter.id}]


def test_the_administrator_sees_it_without_what_was_filled_in(desk: Desk) -> None:
    matter = failing(desk)
    (line,) = incidents.open_incidents(db.session(), desk.actor("administrator"))
    assert (line.instance_id, line.command) == (matter.id, "complete")
    assert "我写的内容" not in repr(line)
    for name in ("secretary", "superior", "stranger"):
        assert incidents.open_incidents(db.session(), desk.actor(name)) == []


def test_others_neither_retry_nor_dismiss(desk: Desk) -> None:
    failing(desk)
    (incident,) = recorded()
    for name in ("secretary", "superior", "member"):
        actor = desk.actor(name)
        with pytest.raises(NotAllowed):
            incidents.retry_incident(incident.id, actor=actor, clock=desk.clock)
        with pytest.raises(NotAllowed):
            incidents.dismiss_incident(incident.id, actor=actor, clock=desk.clock)


def test_once_the_cause_is_gone_a_retry_carries_it_out_as_the_person_who_gave_it(
    desk: Desk,
) -> None:
    matter = failing(desk)
    (incident,) = recorded()
    desk.clock.set(date(2026, 11, 25))  # what failed divides by the days since the start
    done = incidents.retry_incident(
        incident.id, actor=desk.actor("administrator"), clock=desk.clock
    )
    assert list(done.opened.values()) == ["approve"]
    completed = matter.entries[1]
    assert completed.actor_id == desk.town.people["secretary"]
    assert completed.occurred_on == date(2026, 11, 22)  # as the person said
    assert matter.payload(1)["data"]["note"] == "我写的内容"
    assert matter.kinds == ["started", "completed", "retried"]
    assert matter.entries[-1].actor_id == desk.town.people["administrator"]
    (incident,) = recorded()
    assert incident.resolved_at == desk.clock.now()
    assert incident.resolved_by == desk.town.people["administrator"]
    assert incident.command == {"name": "complete"}  # nothing personal is kept
    is_consistent(matter.id, desk.clock)


def test_a_retry_that_fails_again_counts_one_more_attempt(desk: Desk) -> None:
    matter = failing(desk)
    (incident,) = recorded()
    with pytest.raises(EngineFault):
        incidents.retry_incident(incident.id, actor=desk.actor("administrator"), clock=desk.clock)
    (incident,) = recorded()
    assert (incident.attempts, incident.resolved_at) == (2, None)
    assert matter.kinds == ["started"]


def test_a_resolved_incident_is_neither_retried_nor_dismissed_again(desk: Desk) -> None:
    failing(desk)
    (incident,) = recorded()
    actor = desk.actor("administrator")
    incidents.dismiss_incident(incident.id, actor=actor, clock=desk.clock)
    first = recorded()[0].resolved_at
    desk.clock.set(date(2026, 12, 1))
    with pytest.raises(Conflict):
        incidents.retry_incident(incident.id, actor=actor, clock=desk.clock)
    with pytest.raises(Conflict):
        incidents.dismiss_incident(incident.id, actor=actor, clock=desk.clock)
    assert recorded()[0].resolved_at == first


def test_an_unknown_incident_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        incidents.retry_incident(987654321, actor=desk.actor("administrator"), clock=desk.clock)


def test_after_a_dismissal_the_next_failure_is_a_new_incident(desk: Desk) -> None:
    matter = failing(desk)
    incidents.dismiss_incident(
        recorded()[0].id, actor=desk.actor("administrator"), clock=desk.clock
    )
    with pytest.raises(EngineFault):
        matter.complete("apply")
    assert [incident.attempts for incident in recorded()] == [1, 1]


def test_two_starts_that_fail_are_two_incidents_and_both_can_be_retried(desk: Desk) -> None:
    package = procedure(
        "never_begins", [Xor([(FAULTY, [Task("apply")]), (None, [])])], subject="person"
    )
    for name in ("applicant", "second_applicant"):
        with pytest.raises(EngineFault):
            desk.start(package, subject=name)
    assert len(recorded()) == 2
    assert {line.instance_id for line in recorded()} == {None}


def test_a_start_that_failed_can_be_retried_once_only(desk: Desk) -> None:
    package = procedure("late", [Xor([(FAULTY, [Task("apply")]), (None, [Task("other")])])])
    with pytest.raises(EngineFault):
        desk.start(package)
    (incident,) = recorded()
    command = dict(incident.command)
    desk.clock.set(date(2026, 11, 25))
    actor = desk.actor("administrator")
    first = incidents.retry_incident(incident.id, actor=actor, clock=desk.clock)
    who = desk.actor("secretary")
    again = incidents._again(command, who, None, desk.clock)  # as a second administrator would
    assert again.replayed
    assert again.instance_id == first.instance_id


def test_a_timer_that_cannot_fire_is_an_incident_of_its_matter(desk: Desk) -> None:
    package = procedure(
        "bad_after_wait",
        [
            Task("apply"),
            Catch("wait", date_timer('add_days(on["apply"], 1)')),
            Xor([("100 // (amount - 1) > 0", [Task("approve")]), (None, [])]),
        ],
    )
    matter = desk.start(package)
    matter.complete("apply", {"amount": 1})
    desk.clock.set(date(2026, 11, 30))
    for _ in range(3):
        with pytest.raises(EngineFault):
            matter.fire()
    (incident,) = recorded()
    assert (incident.instance_id, incident.attempts) == (matter.id, 3)
    assert list(matter.timers) == ["wait"]  # nothing is lost
    is_consistent(matter.id, desk.clock)


def test_every_message_that_cannot_arrive_has_its_own_incident(desk: Desk) -> None:
    listening = procedure(
        "bad_listener",
        [Catch("catch", message("handed_over")), Xor([(FAULTY, [Task("a")]), (None, [])])],
    )
    desk.start(listening)
    desk.start(listening)
    senders = [desk.start(sender()) for _ in range(2)]
    for matter in senders:
        matter.complete("prepare")
    ids = [job["message_id"] for job in desk.jobs("deliver_message")][-2:]
    for message_id in ids:
        with pytest.raises(EngineFault):
            operations.deliver_outbox(message_id, clock=desk.clock)
    assert len(recorded()) == 2
    assert desk.outbox() == 2
    desk.clock.set(date(2026, 11, 25))
    for incident in recorded():
        incidents.retry_incident(incident.id, actor=desk.actor("administrator"), clock=desk.clock)
    assert desk.outbox() == 0


def test_an_administrator_of_a_part_sees_the_incidents_of_that_part_however_many_there_are(
    desk: Desk,
) -> None:
    failing(desk)
    assert incidents.open_incidents(db.session(), desk.actor("administrator"), limit=1)
    assert incidents.open_incidents(db.session(), desk.actor("stranger"), limit=1) == []
