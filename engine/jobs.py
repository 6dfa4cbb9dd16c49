"""What the queue runs. Every job may run twice, late, or after a crash, and does no harm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import procrastinate
import structlog
from flask import Flask
from procrastinate import RetryStrategy
from sqlalchemy import text

from engine.clock import Clock, SystemClock
from engine.database import unit_of_work
from engine.queue import worker_app
from engine.runtime import operations

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
            return worker.task(name=name, **options)(run)

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
        sweep_timers(clock)

    @worker.periodic(cron="*/2 * * * *")
    @worker.task(name="rescue_stalled", queueing_lock="rescue_stalled")
    async def rescue_stalled(timestamp: int) -> None:
        await _rescue(worker)

    return worker


def sweep_timers(clock: Clock) -> int:
    """Enqueue a job for every timer that is due and still there; return how many matters.

    The step that armed a timer enqueued its job already. This finds those whose job was lost: a
    queue restored from an older backup, a clock set back, a job that failed for good.
    """
    with unit_of_work() as session:
        due = session.scalars(
            text(
                "SELECT DISTINCT t.instance_id FROM timer t JOIN instance i ON i.id = t.instance_id"
                " WHERE t.due_at <= :now AND i.status = 'active' LIMIT :batch"
            ),
            {"now": clock.now(), "batch": SWEEP_BATCH},
        ).all()
        waiting = set(
            session.scalars(
                text(
                    "SELECT (args->>'instance_id')::bigint FROM procrastinate_jobs"
                    " WHERE task_name = :name AND status IN ('todo', 'doing')"
                    " AND (scheduled_at IS NULL OR scheduled_at <= now())"
                    " AND (args->>'instance_id')::bigint = ANY(:ids)"
                ),
                {"name": operations.FIRE_TIMERS, "ids": list(due)},
            )
        )
        lost = [instance_id for instance_id in due if instance_id not in waiting]
        for instance_id in lost:
            operations.enqueue_timers(session, instance_id, at=None)
    if lost:
        log.info("timers_swept", count=len(lost))
    return len(lost)


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
    worker = build_worker(app, conninfo, concurrency=concurrency, clock=clock)

    async def main() -> None:
        async with worker.open_async():
            await worker.run_worker_async(
                concurrency=concurrency,
                wait=wait,
                delete_jobs=procrastinate.jobs.DeleteJobCondition.SUCCESSFUL.value,
                install_signal_handlers=wait,
            )

    asyncio.run(main())
