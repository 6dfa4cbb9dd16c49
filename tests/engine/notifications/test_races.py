"""Several workers at once, and steps that are committed late: told once, and never lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import psycopg
import pytest
from sqlalchemy import text

from engine.database import db, unit_of_work
from engine.directory import accounts
from engine.jobs import build_worker, run_worker
from engine.notifications.delivering import deliver
from engine.notifications.kinds import DeliveryState
from engine.notifications.sweeping import sweep_notices
from tests.engine.conftest import Live
from tests.engine.notifications.conftest import PasswordHasher, Told, give_accounts
from tests.engine.notifications.receivers import MailServer
from tests.engine.notifications.test_sweeping import begin, steps, tick
from tests.factories import two_steps
from tests.races import at_once


@pytest.fixture
def living(live: Live, boxes: MailServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """A town whose commits are real, swept up to now."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", quick)
    settings = replace(
        live.app.extensions["guicheng"],
        smtp_host="127.0.0.1",
        smtp_port=boxes.port,
        smtp_tls="none",
        mail_from="guicheng@example.org",
    )
    live.app.extensions["guicheng"] = settings
    give_accounts(live.desk)
    clear()
    made = Told(live.desk, settings, boxes)
    made.sweep()
    made.sweep()
    yield made
    clear()


def clear() -> None:
    with unit_of_work() as session:
        for table in (
            "procrastinate_jobs",
            "notice_delivery",
            "notice_preference",
            "notice",
            "notice_cursor",
        ):
            session.execute(text(f"DELETE FROM {table}"))


def test_several_workers_tell_and_send_once(live: Live, living: Told) -> None:
    living.mail_to("applicant")
    begin(living, steps("race_told"))
    told = at_once(live, *[lambda: sweep_notices(living.settings, living.clock)] * 3)
    assert sorted(told) == [0, 0, 1]
    (row,) = living.deliveries()
    number = row.id
    sending = partial(deliver, number, settings=living.settings, clock=living.clock)
    sent = at_once(live, *[sending] * 3)
    assert sorted(map(str, sent)) == ["None", "None", "sent"]
    assert len(living.boxes.mails) == 1


def test_a_worker_does_it_by_its_jobs(live: Live, living: Told) -> None:
    living.mail_to("applicant")
    begin(living, steps("job_told"))
    living.sweep()
    assert [row.state for row in living.deliveries()] == [DeliveryState.WAITING]
    db.session.remove()
    run_worker(live.app, live.where.app, concurrency=1, wait=False, clock=living.clock)
    assert len(living.boxes.mails) == 1
    assert [row.state for row in living.deliveries()] == [DeliveryState.SENT]


def test_the_worker_knows_its_jobs(live: Live) -> None:
    worker = build_worker(live.app, "postgresql://")
    periodic = {
        task.task.name: task.cron for task in worker.periodic_registry.periodic_tasks.values()
    }
    assert periodic["sweep_notices"] == "* * * * * */30"
    assert "deliver_notice" in worker.tasks


def test_a_step_that_is_committed_late_is_not_lost(live: Live, living: Told) -> None:
    tick(living)
    matter = living.desk.start(two_steps("late_commit"))
    living.sweep()
    assert living.to("deputy") == ["opened"]
    with psycopg.connect(live.where.app) as slow:
        made = slow.execute(
            "INSERT INTO task (instance_id, uid, element, state, organisation_id, candidates,"
            " due_on, returned, revision, created_at)"
            " SELECT instance_id, gen_random_uuid(), element, 'open', organisation_id, candidates,"
            " due_on, false, 1, created_at + interval '1 second' FROM task"
            " WHERE instance_id = %s RETURNING id",
            (matter.id,),
        ).fetchone()
        assert made is not None
        slow.execute(
            "INSERT INTO task_candidate (principal, due_on, task_id)"
            " SELECT unnest(candidates), due_on, id FROM task WHERE id = %s",
            made,
        )
        tick(living)
        later = living.desk.start(two_steps("later_commit"))
        for _ in range(4):  # the cursor may not pass what is not committed yet
            living.sweep()
            tick(living)
        assert len(living.to("deputy")) == 2
        assert later.task("apply") > made[0]
        slow.commit()
    living.sweep()
    assert len(living.to("deputy")) == 3


@pytest.mark.parametrize("span", [timedelta(seconds=30), timedelta(minutes=5)])
def test_the_cursor_moves_on_when_nothing_is_under_way(
    live: Live, living: Told, span: timedelta
) -> None:
    tick(living)
    living.desk.start(two_steps("cursor_moves"))
    for _ in range(3):
        living.sweep()
        living.clock.set(living.clock.now() + span)
    row = db.session.execute(
        text(
            "SELECT value, (SELECT max(id) FROM task) AS newest, horizon"
            " > pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS others FROM notice_cursor"
            " WHERE source = 'task'"
        )
    ).one()
    # Other transactions on this server hold it back for a while, and do no harm.
    waits = row.others and span < timedelta(minutes=5)
    assert waits or row.value == row.newest
