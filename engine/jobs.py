"""What the queue runs. Every job may run twice, late, or after a crash, and does no harm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import procrastinate
import structlog
from flask import Flask
from procrastinate import RetryStrategy
from sqlalchemy import text

from engine.attachments.operations import destroy_erased, forget_unused
from engine.attachments.store import Store
from engine.ballots.operations import destroy_spent_keys
from engine.clock import Clock, SystemClock
from engine.compliance.again import REJUDGE
from engine.compliance.parameter_store import forget_settings
from engine.compliance.regulation_store import forget_regulations
from engine.database import unit_of_work
from engine.directory.accounts import forget_old_attempts
from engine.directory.importing import forget_old_uploads
from engine.directory.organisations import get_organisation
from engine.directory.sessions import remove_ended_sessions
from engine.duties import operations as duties
from engine.duties.catalogue import catalogue
from engine.duties.drafts import REMIND_OF
from engine.duties.listening import listen
from engine.ledger.checkpoints import checkpoint_due, seal_checkpoint
from engine.ledger.keys import SigningKeyMissing, lock_checkpoints
from engine.notifications.delivering import deliver
from engine.notifications.envelopes import DELIVER
from engine.notifications.kinds import NoticeKind
from engine.notifications.sweeping import forget_old_notices, sweep_notices, tell_duties
from engine.queue import enqueue, worker_app
from engine.runtime import operations
from engine.runtime.messages import MESSAGE_DAYS
from engine.runtime.rejudging import rejudge_running
from engine.runtime.world import holidays
from engine.settings import Settings

log = structlog.get_logger(__name__)

SWEEP_BATCH = 500
STALLED_SECONDS = 60


def build_worker(
    app: Flask, conninfo: str, *, concurrency: int = 2, clock: Clock | None = None
) -> procrastinate.App:
    """Return the Procrastinate app with our jobs, each run inside ``app``'s context."""
    clock = clock or SystemClock()
    worker = worker_app(conninfo, concurrency=concurrency)

    def job(name: str, **options: Any) -> Callable[[Callable[..., None]], Any]:
        def register(function: Callable[..., None]) -> Any:
            def run(**arguments: Any) -> None:
                with app.app_context():
                    function(**arguments)

            run.__name__ = name
            return worker.task(name=name, **options)(run)  # type: ignore[no-untyped-call]

        return register

    retry = RetryStrategy(max_attempts=8, exponential_wait=4)

    @job(operations.FIRE_TIMERS, retry=retry)
    def fire_timers(instance_id: int) -> None:
        operations.fire_timers(instance_id, clock=clock)

    @job(operations.DELIVER_MESSAGE, retry=retry)
    def deliver_message(message_id: int) -> None:
        operations.deliver_outbox(message_id, clock=clock)

    @worker.periodic(cron="* * * * *")
    @job("sweep", queueing_lock="sweep")
    def sweep(timestamp: int) -> None:
        sweep_all(clock)

    @worker.periodic(cron="* * * * * */30")  # the last one counts seconds
    @job("sweep_notices", queueing_lock="sweep_notices")
    def tell_people(timestamp: int) -> None:
        sweep_notices(app.extensions["guicheng"], clock)

    @job(DELIVER, retry=retry)
    def deliver_notice(delivery_id: int) -> None:
        deliver(delivery_id, settings=app.extensions["guicheng"], clock=clock)

    @worker.periodic(cron="17 19 * * *")  # UTC: a quarter past three in Shanghai
    @job("tidy", queueing_lock="tidy")
    def tidy(timestamp: int) -> None:
        settings: Settings = app.extensions["guicheng"]
        tidy_up(clock, Store(settings.data_dir / "attachments", settings.attachment_max_bytes))

    @job(REJUDGE, retry=retry)
    def rejudge(organisation_id: int | None = None) -> None:
        rejudge_below(organisation_id, clock)

    @worker.periodic(cron="30 18 * * *")  # UTC: half past two in Shanghai, when a day has passed
    @job("rejudge_all", queueing_lock="rejudge_all")
    def rejudge_all(timestamp: int) -> None:
        rejudge_below(None, clock)

    @job(duties.RUN, retry=retry)
    def run_duties() -> None:
        duties.run_duties(clock)

    @worker.periodic(cron="7 * * * *")
    @job("duties_hourly", queueing_lock="duties_hourly")
    def duties_hourly(timestamp: int) -> None:
        duties.run_duties(clock)

    @job(REMIND_OF, retry=retry)
    def remind_of_duties(duty_ids: list[int], late: bool) -> None:
        duties.send_reminder(duty_ids, late)
        kind = NoticeKind.DUTY_LATE if late else NoticeKind.DUTY_DUE
        tell_duties(app.extensions["guicheng"], clock, kind, duty_ids)

    @worker.periodic(cron="*/10 * * * *")
    @job("seal", queueing_lock="seal")
    def seal(timestamp: int) -> None:
        seal_when_due(app.extensions["guicheng"], clock)

    @worker.periodic(cron="*/2 * * * *")
    @worker.task(name="rescue_stalled", queueing_lock="rescue_stalled")
    async def rescue_stalled(timestamp: int) -> None:
        await _rescue(worker)

    return worker


def rejudge_below(organisation_id: int | None, clock: Clock) -> None:
    """Measure all running matters anew, or those of an organisation and all below it."""
    # Another process changed what they are measured with: nothing kept here may be older.
    holidays.forget()
    forget_settings()
    forget_regulations()
    path = ""
    if organisation_id is not None:
        with unit_of_work() as session:
            path = get_organisation(session, organisation_id).path
    log.info("rejudged", matters=rejudge_running(clock, path=path))


def sweep_all(clock: Clock) -> None:
    """Give everything that waits without a job a job again."""
    sweep_timers(clock)
    sweep_messages(clock)


def tidy_up(clock: Clock, store: Store) -> None:
    """Remove what nobody needs any more: login failures, sessions, workbooks, files never used.

    Each is a transaction of its own; what could not be done is done the next day.
    """
    with unit_of_work() as session:
        attempts = forget_old_attempts(session, clock=clock)
    with unit_of_work() as session:
        ended = remove_ended_sessions(session, clock=clock)
    with unit_of_work() as session:
        uploads = forget_old_uploads(session, clock=clock)
    with unit_of_work() as session:
        notices = forget_old_notices(session, clock)
    with unit_of_work() as session:
        ballot_keys = destroy_spent_keys(session)
    files = forget_unused(clock, store)
    destroyed = destroy_erased(clock, store)
    log.info(
        "tidied",
        attempts=attempts,
        sessions=ended,
        uploads=uploads,
        notices=notices,
        ballot_keys=ballot_keys,
        files=files,
        destroyed=destroyed,
    )


def seal_when_due(settings: Settings, clock: Clock) -> bool:
    """Seal a checkpoint if the last one is old enough; say whether it was.

    A machine without the private key says so in its log and goes on with its other work.
    """
    try:
        with unit_of_work() as session:
            lock_checkpoints(session)
            if not checkpoint_due(session, settings, clock):
                return False
            seal_checkpoint(session, settings, clock)
    except SigningKeyMissing as error:
        log.error("checkpoint_not_signed", reason=str(error))
        return False
    return True


_LOST_TIMERS = text(
    """
    SELECT t.instance_id FROM timer t JOIN instance i ON i.id = t.instance_id
    WHERE t.due_at <= :now AND i.status = 'active' AND NOT EXISTS (
        SELECT FROM procrastinate_jobs j
        WHERE j.task_name = :job AND j.status IN ('todo', 'doing')
            AND (j.args->>'instance_id')::bigint = t.instance_id
            AND (j.scheduled_at IS NULL OR j.scheduled_at <= now() OR j.attempts > 0)
    )
    GROUP BY t.instance_id ORDER BY min(t.due_at), t.instance_id LIMIT :batch
    """
)
# A job that failed waits for its next attempt; one for a later timer of the matter does not count.

_WAITING_MESSAGES = text(
    """
    SELECT m.id FROM message_outbox m JOIN instance sender ON sender.id = m.sender_id
    WHERE (m.created_at < :expired OR EXISTS (
        SELECT FROM message_subscription s JOIN instance i ON i.id = s.instance_id
        WHERE s.name = m.name AND i.id <> sender.id AND i.status = 'active'
            AND (i.subject_id = sender.subject_id) IS NOT FALSE
    )) AND NOT EXISTS (
        SELECT FROM procrastinate_jobs j
        WHERE j.task_name = :job AND j.status IN ('todo', 'doing')
            AND (j.args->>'message_id')::bigint = m.id
    )
    ORDER BY m.id LIMIT :batch
    """
)


def catch_up_duties() -> None:
    """Let the plan of duties be brought up to date soon, where there are any."""
    with unit_of_work() as session:
        if catalogue(session).duties:
            enqueue(session, duties.RUN)


def sweep_timers(clock: Clock) -> int:
    """Enqueue a job for every matter with a timer that is due; return how many matters.

    The step that armed a timer enqueued its job already. This finds those whose job was lost: a
    queue restored from an older backup, a clock set back, a job that failed for good.
    """
    with unit_of_work() as session:
        lost = session.scalars(
            _LOST_TIMERS,
            {"now": clock.now(), "job": operations.FIRE_TIMERS, "batch": SWEEP_BATCH},
        ).all()
        for instance_id in lost:
            operations.enqueue_timers(session, instance_id, at=None)
    if lost:
        log.info("timers_swept", count=len(lost))
    return len(lost)


def sweep_messages(clock: Clock) -> int:
    """Enqueue a job for every message that somebody waits for, or nobody did in time.

    The step that threw a message and the one that began to wait enqueue a job each; this finds the
    pairs that happened at the same moment, and the matters that were suspended then.
    """
    with unit_of_work() as session:
        found = session.scalars(
            _WAITING_MESSAGES,
            {
                "expired": clock.now() - timedelta(days=MESSAGE_DAYS),
                "job": operations.DELIVER_MESSAGE,
                "batch": SWEEP_BATCH,
            },
        ).all()
        for message_id in found:
            enqueue(session, operations.DELIVER_MESSAGE, message_id=message_id)
    return len(found)


async def _rescue(worker: procrastinate.App) -> None:
    """Put jobs of dead workers back into the queue."""
    for stalled in await worker.job_manager.get_stalled_jobs(
        seconds_since_heartbeat=STALLED_SECONDS
    ):
        await worker.job_manager.retry_job(stalled)
        log.info("job_rescued", job=stalled.id, task=stalled.task_name)


def run_worker(
    app: Flask,
    conninfo: str,
    *,
    concurrency: int = 2,
    wait: bool = True,
    clock: Clock | None = None,
) -> None:
    """Run jobs until stopped by a signal, or with ``wait=False`` until the queue is empty."""
    listen(app)
    worker = build_worker(app, conninfo, concurrency=concurrency, clock=clock)

    def catch_up() -> None:
        with app.app_context():
            sweep_all(clock or SystemClock())
            catch_up_duties()
            seal_when_due(app.extensions["guicheng"], clock or SystemClock())

    async def main() -> None:
        async with worker.open_async():
            # What came due or was left behind while no worker ran does not wait for the minute.
            await _rescue(worker)
            await asyncio.to_thread(catch_up)
            await worker.run_worker_async(
                concurrency=concurrency,
                wait=wait,
                delete_jobs=procrastinate.jobs.DeleteJobCondition.SUCCESSFUL.value,
                install_signal_handlers=wait,
            )

    asyncio.run(main())
