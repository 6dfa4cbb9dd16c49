"""Messages: from people to a running matter, and from one matter to another, exactly once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from engine.database import db, unit_of_work
from engine.errors import Conflict, EngineFault, InvalidInput, NotAllowed, NotFound
from engine.jobs import sweep_messages
from engine.runtime import operations
from engine.runtime.commands import Done
from engine.runtime.messages import MESSAGE_DAYS
from engine.runtime.models import OutboxMessage
from tests.bpmn_builder import Catch, Task, Throw, message
from tests.factories import (
    Desk,
    Matter,
    is_consistent,
    procedure,
    receiver,
    sender,
    withdrawable,
)

TODAY = date(2026, 11, 22)


def deliver_all(desk: Desk) -> list[Done | None]:
    """Run the jobs that deliver messages, as a worker would; each job once."""
    ids = [job["message_id"] for job in desk.jobs("deliver_message")]
    with unit_of_work() as session:
        session.execute(text("DELETE FROM procrastinate_jobs WHERE task_name = 'deliver_message'"))
    return [operations.deliver_outbox(number, clock=desk.clock) for number in ids]


def waiting_receiver(desk: Desk, **more: Any) -> Matter:
    matter = desk.start(receiver(), **more)
    matter.complete("ready")
    return matter


# --- between matters -------------------------------------------------------------------------


def test_a_message_reaches_the_matter_that_waits_for_it(desk: Desk) -> None:
    waits = waiting_receiver(desk)
    sends = desk.start(sender())
    sends.complete("prepare")
    assert sends.open == ["after_sending"]
    assert waits.open == []
    deliver_all(desk)
    assert waits.open == ["accept"]
    entry = waits.entries[-1]
    assert (entry.kind, entry.element, entry.actor_id) == ("message_received", "handed_over", None)
    assert waits.payload()["from"] == sends.id
    assert desk.outbox() == 0
    is_consistent(waits.id, desk.clock)
    is_consistent(sends.id, desk.clock)


def test_it_arrives_once_though_the_job_runs_twice(desk: Desk) -> None:
    first, second = waiting_receiver(desk), waiting_receiver(desk)
    sends = desk.start(sender())
    sends.complete("prepare")
    (number,) = (job["message_id"] for job in desk.jobs("deliver_message"))
    assert operations.deliver_outbox(number, clock=desk.clock) is not None
    assert operations.deliver_outbox(number, clock=desk.clock) is None
    assert (first.open, second.open) == (["accept"], [])


def test_each_message_reaches_one_matter_the_oldest_first(desk: Desk) -> None:
    receivers = [waiting_receiver(desk) for _ in range(3)]
    for _ in range(2):
        desk.start(sender()).complete("prepare")
    deliver_all(desk)
    assert [matter.open for matter in receivers] == [["accept"], ["accept"], []]


def test_when_nobody_waits_it_is_kept_until_somebody_does(desk: Desk) -> None:
    sends = desk.start(sender())
    sends.complete("prepare")
    assert deliver_all(desk) == [None]
    assert desk.outbox() == 1
    waits = desk.start(receiver())
    assert desk.jobs("deliver_message") == []
    waits.complete("ready")  # now it waits, and calls for what is kept
    assert len(desk.jobs("deliver_message")) == 1
    deliver_all(desk)
    assert waits.open == ["accept"]
    assert desk.outbox() == 0


def test_thrown_and_awaited_at_the_same_moment_the_sweep_brings_them_together(desk: Desk) -> None:
    sends, waits = desk.start(sender()), waiting_receiver(desk)
    sends.complete("prepare")
    with unit_of_work() as session:  # as if neither had seen the other
        session.execute(text("DELETE FROM procrastinate_jobs"))
    assert sweep_messages(desk.clock) == 1
    assert sweep_messages(desk.clock) == 0  # it has a job now
    deliver_all(desk)
    assert waits.open == ["accept"]


def test_it_waits_for_a_suspended_matter(desk: Desk) -> None:
    waits, sends = waiting_receiver(desk), desk.start(sender())
    waits.suspend()
    sends.complete("prepare")
    assert deliver_all(desk) == [None]
    assert sweep_messages(desk.clock) == 0
    assert desk.outbox() == 1
    waits.resume()
    assert sweep_messages(desk.clock) == 1
    deliver_all(desk)
    assert waits.open == ["accept"]


def test_it_does_not_come_back_to_its_sender(desk: Desk) -> None:
    package = procedure(
        "both",
        [
            Throw("throw", message("handed_over")),
            Catch("catch", message("handed_over")),
            Task("accept"),
        ],
    )
    matter = desk.start(package)
    deliver_all(desk)
    assert matter.open == []
    assert desk.outbox() == 1


@pytest.mark.parametrize(("days", "kept"), [(MESSAGE_DAYS, 1), (MESSAGE_DAYS + 1, 0)])
def test_nobody_wanted_it_for_a_month_and_it_goes(desk: Desk, days: int, kept: int) -> None:
    desk.start(sender()).complete("prepare")
    deliver_all(desk)
    desk.clock.at += timedelta(days=days)
    sweep_messages(desk.clock)
    deliver_all(desk)
    assert desk.outbox() == kept


def test_a_matter_about_another_person_never_gets_it(desk: Desk) -> None:
    sends = desk.start(sender("sends_person", subject="person"), subject="applicant")
    other = desk.start(receiver("waits_person", subject="person"), subject="second_applicant")
    other.complete("ready")
    sends.complete("prepare")
    assert deliver_all(desk) == [None]
    assert sweep_messages(desk.clock) == 0
    own = desk.start("waits_person", subject="applicant")
    own.complete("ready")
    deliver_all(desk)
    assert (own.open, other.open) == (["accept"], [])


def test_of_several_the_matter_of_the_same_person_or_branch_gets_it(desk: Desk) -> None:
    desk.deploy(receiver())
    elsewhere = desk.start("receiver", by="stranger", at="other")
    elsewhere.complete("ready", by="stranger")
    here = waiting_receiver(desk)
    desk.start(sender()).complete("prepare")
    deliver_all(desk)
    assert (here.open, elsewhere.open) == (["accept"], [])


def test_a_cancelled_matter_gets_nothing(desk: Desk) -> None:
    waits = waiting_receiver(desk)
    waits.cancel()
    desk.start(sender()).complete("prepare")
    assert deliver_all(desk) == [None]
    assert waits.kinds[-1] == "cancelled"


def test_the_message_and_its_job_are_part_of_the_step(desk: Desk) -> None:
    package = procedure(
        "throws_then_fails",
        [Task("prepare"), Throw("throw", message("handed_over")), *_failing()],
    )
    matter = desk.start(package)
    with pytest.raises(EngineFault):
        matter.complete("prepare")
    assert desk.outbox() == 0
    assert desk.jobs("deliver_message") == []


def _failing() -> list[Any]:
    from tests.bpmn_builder import Xor
    from tests.factories import FAULTY

    return [Xor([(FAULTY, [Task("after")]), (None, [])])]


def test_what_it_carries_is_kept_as_it_was_thrown(desk: Desk) -> None:
    desk.start(sender()).complete("prepare")
    message_row = db.session().scalars(select(OutboxMessage)).one()
    assert message_row.name == "handed_over"
    assert message_row.created_at == desk.clock.now()


# --- from people -----------------------------------------------------------------------------


def test_people_send_what_the_package_allows(desk: Desk) -> None:
    matter = desk.start(withdrawable())
    done = matter.send("withdraw", {"note": "本人改变主意"}, by="deputy")
    assert done.ended
    assert matter.row.status == "completed"
    entry = matter.entries[-1]
    assert (entry.kind, entry.element) == ("message_received", "withdraw")
    assert entry.actor_id == desk.town.people["deputy"]
    assert matter.payload()["data"]["note"] == "本人改变主意"
    is_consistent(matter.id, desk.clock)


def test_an_unknown_message_is_not_found_and_others_may_not_send(desk: Desk) -> None:
    matter = desk.start(withdrawable())
    with pytest.raises(NotFound):
        matter.send("no_such_message")
    for name in ("member", "stranger"):
        with pytest.raises(NotAllowed):
            matter.send("withdraw", by=name)
    assert matter.kinds == ["started"]


def test_what_the_matter_does_not_wait_for_is_a_conflict(desk: Desk) -> None:
    package = procedure(
        "later",
        [Task("apply"), Catch("catch", message("news")), Task("accept")],
        more='[messages.news]\ntitle = "消息"\nlanes = ["branch"]\nname = "news"\n',
    )
    matter = desk.start(package)
    with pytest.raises(Conflict):
        matter.send("news")
    matter.complete("apply")
    matter.send("news")
    assert matter.open == ["accept"]
    with pytest.raises(Conflict):
        matter.send("news")


def test_the_form_of_a_message_is_checked(desk: Desk) -> None:
    matter = desk.start(withdrawable())
    with pytest.raises(InvalidInput) as refused:
        matter.send("withdraw", {"amount": "x"})
    assert list(refused.value.fields) == ["amount"]
    assert matter.kinds == ["started"]


def test_the_day_of_a_message_has_two_borders(desk: Desk) -> None:
    matter = desk.start(withdrawable(), on=date(2026, 11, 1))
    matter.complete("apply", on=date(2026, 11, 10))
    for day in (date(2026, 10, 31), date(2026, 11, 9), TODAY + timedelta(days=1)):
        with pytest.raises(InvalidInput) as refused:
            matter.send("withdraw", on=day)
        assert list(refused.value.fields) == ["occurred_on"]
    assert matter.kinds == ["started", "completed"]
    assert matter.send("withdraw", on=date(2026, 11, 10)).ended
    assert matter.row.ended_on == date(2026, 11, 10)


@pytest.mark.parametrize(("days", "marked"), [(7, False), (8, True)])
def test_a_message_recorded_late_is_marked(desk: Desk, days: int, marked: bool) -> None:
    day = TODAY - timedelta(days=days)
    matter = desk.start(withdrawable(), on=day)
    matter.send("withdraw", on=day)
    assert matter.row.backfilled is marked
    assert matter.payload().get("backfilled", False) is marked
