"""Drafts and reminders: what the plan does by itself. It never completes anything."""

from __future__ import annotations

from typing import Any, Final

import structlog
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.parameter_store import all_settings
from engine.compliance.parameters import ancestry_of
from engine.database import unit_of_work
from engine.duties.catalogue import Catalogue, KnownDuty
from engine.duties.models import DutyRow
from engine.duties.parameters import DRAFTS, Local, view_at
from engine.duties.periods import prepared_from
from engine.errors import GuichengError
from engine.queue import enqueue
from engine.runtime.starting import open_by_plan

log = structlog.get_logger(__name__)

REMIND_OF: Final = "remind_of_duties"
"""The job that tells the receivers of a signal; its name and arguments."""
BATCH: Final = 200

# A draft that was used for an earlier time of the same period does not stand in the way of the
# next; one in which nobody has done anything yet does.
_WANTED = text(
    """
    SELECT d.id FROM duty d
    WHERE d.state = 'due' AND d.draft_on <= :today AND d.key = ANY(:keys) AND d.done < d.times
        AND (d.instance_id IS NULL OR EXISTS (
            SELECT FROM duty_event e WHERE e.instance_id = d.instance_id AND e.key = d.key
        ))
        AND d.id > :after
    ORDER BY d.id LIMIT :batch
    """
)

# Of an earlier period, with nothing done in it: it serves for this one.
_UNUSED = text(
    """
    SELECT d.id, d.instance_id FROM duty d JOIN instance i ON i.id = d.instance_id
    WHERE d.organisation_id = :place AND d.key = :key AND d.id <> :id AND i.status = 'active'
        AND d.since < :since AND i.chain_length = 1
    ORDER BY d.since DESC LIMIT 1
    """
)

_REMIND = text(
    """
    UPDATE duty SET reminded_at = :now
    WHERE id IN (
        SELECT id FROM duty WHERE state = 'due' AND remind_on <= :today AND reminded_at IS NULL
        ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED
    )
    RETURNING id
    """
)


def open_drafts(known: Catalogue, clock: Clock) -> int:
    """Start a draft for everything whose day has come; return how many.

    Each is a transaction of its own: a matter and the row that names it come to be together or not
    at all. What cannot be started is logged and tried again the next time.
    """
    keys = [key for key, duty in known.duties.items() if duty.duty.drafts]
    opened, after = 0, 0
    while True:
        with unit_of_work() as session:
            wanted = session.scalars(
                _WANTED,
                {"today": clock.today(), "keys": keys, "after": after, "batch": BATCH},
            ).all()
        if not wanted:
            return opened
        after = wanted[-1]
        for duty_id in wanted:
            try:
                with unit_of_work() as session:
                    opened += _open(session, known, duty_id, clock)
            except GuichengError as refused:
                log.warning("draft_refused", duty=duty_id, error=refused.code)


def _open(session: Session, known: Catalogue, duty_id: int, clock: Clock) -> bool:
    """Start the draft of one duty unless another worker does, or has done so."""
    row = session.scalars(
        select(DutyRow)
        .where(DutyRow.id == duty_id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None or row.state != "due" or row.done >= row.times:
        return False
    if row.instance_id is not None and not _used(session, row):
        return False
    duty = known.duties[row.key]
    if not _wanted_here(session, duty, row, clock):
        return False
    unused = session.execute(
        _UNUSED,
        {"place": row.organisation_id, "key": row.key, "id": row.id, "since": row.since},
    ).one_or_none()
    if unused is not None:
        session.execute(update(DutyRow).where(DutyRow.id == unused.id).values(instance_id=None))
        instance_id = unused.instance_id
    else:
        instance_id = open_by_plan(
            session,
            duty.duty.process,
            organisation_id=row.organisation_id,
            started_on=prepared_from(row.since),
            year=row.since.year,
            plan={
                "duty": row.key,
                "rule": row.rule,
                "since": row.since.isoformat(),
                "until": row.until.isoformat(),
            },
            clock=clock,
        ).instance_id
    session.execute(
        update(DutyRow)
        .where(DutyRow.id == row.id)
        .values(instance_id=instance_id, drafted_at=clock.now())
    )
    return unused is None


def _used(session: Session, row: DutyRow) -> bool:
    found = session.execute(
        text("SELECT 1 FROM duty_event WHERE instance_id = :matter AND key = :key LIMIT 1"),
        {"matter": row.instance_id, "key": row.key},
    )
    return found.first() is not None


def _wanted_here(session: Session, known: KnownDuty, row: DutyRow, clock: Clock) -> bool:
    """Tell whether the organisation lets drafts be started."""
    view = view_at(known.declared, all_settings(session), ancestry_of(row.path))
    return bool(Local(view, clock.today()).value(DRAFTS))


def remind(clock: Clock) -> int:
    """Remind of everything whose day has come, once; return how many.

    The signal is sent by a job that is added in the same transaction, so that no crash loses it.
    """
    reminded = 0
    while True:
        with unit_of_work() as session:
            ids: list[Any] = list(
                session.scalars(
                    _REMIND, {"now": clock.now(), "today": clock.today(), "batch": BATCH}
                )
            )
            if ids:
                enqueue(session, REMIND_OF, duty_ids=ids, late=False)
        if not ids:
            return reminded
        reminded += len(ids)
