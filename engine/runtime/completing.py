"""Complete a task: the heart. One transaction, one ledger entry, and safe to repeat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from engine.attachments.operations import bind_attachments
from engine.clock import Clock
from engine.compliance.backfill import is_backfilled
from engine.compliance.items import RAISED
from engine.database import Record, unit_of_work
from engine.directory.actors import Actor
from engine.directory.policy import Action, require
from engine.errors import GuichengError
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.runtime import transitions
from engine.runtime.applying import apply, attached
from engine.runtime.balloting import counts_of_step
from engine.runtime.commands import Command, Done, carry_out
from engine.runtime.elsewhere import recorded_elsewhere
from engine.runtime.locking import same_revision, task_row
from engine.runtime.measuring import measure_of
from engine.runtime.people import form_context
from engine.runtime.rectification.answering import answer_items
from engine.runtime.rectification.raising import number_rows, raise_items
from engine.runtime.rectification.saying import said_by
from engine.runtime.seen import claimed
from engine.runtime.store import hold
from engine.runtime.witness import witness
from engine.runtime.world import (
    make_world,
    matter_of,
    task_view,
)


def complete_task(
    task_id: int,
    data: Mapping[str, Any],
    *,
    actor: Actor,
    clock: Clock,
    occurred_on: date | None = None,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Complete an open task with the raw data of its form.

    ``revision`` is the task's revision that the person saw. Raises NotFound, NotAllowed,
    TaskClosed, AlreadyClaimed, NotRunning, StaleRevision, InvalidInput; nothing is changed then.
    EngineFault means that the definition misbehaved: an incident has been recorded.
    """
    day = occurred_on or clock.today()

    def step(session: Session, row: Record | None = None) -> Done:
        row = row or task_row(session, task_id)
        return complete_step(session, row, data, day, actor, clock, command_id, revision)

    seen = claimed.take(task_id)
    if seen is not None and (done := _as_seen(seen, step)) is not None:
        return done
    command = Command(
        "complete",
        {"data": dict(data), "occurred_on": day.isoformat()},
        command_id,
        actor.person_id,
        task_id=task_id,
    )
    return carry_out(command, step, clock)


def _as_seen(row: Record, step: Callable[[Session, Record], Done]) -> Done | None:
    """Complete a task as its claim left it; None when it has to be looked at again.

    Whatever stands in the way is said by the look at what is, never from what was seen.
    """
    try:
        with unit_of_work() as session:
            hold(session, row)
            return step(session, row)
    except (GuichengError, psycopg.Error, DBAPIError):
        return None


def complete_step(
    session: Session,
    row: Record,
    data: Mapping[str, Any],
    day: date,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None,
    revision: int | None,
) -> Done:
    """Complete the task in ``row``, whose matter is locked, or will be with the first statement."""
    matter = matter_of(session, row)
    decision = require(actor, Action.COMPLETE_TASK, task_view(row, matter))
    same_revision(row.task_revision, revision)
    world = make_world(session, clock)
    form = matter.definition.form_of(row.element)
    prepared = transitions.prepare(matter, row.uid, world)
    context = form_context(
        session,
        world,
        matter,
        day,
        actor,
        instance_id=row.instance_id,
        facts=prepared.facts,
        form=form,
    )
    if form.ballots:
        context.ballots = counts_of_step(session, row.task_id, form, clock)
    cleaned = form.load(data, context)
    transition = transitions.complete(matter, row.uid, cleaned, day, world, prepared=prepared)
    files: Mapping[str, str] = {}
    if documents := attached(form.fields, cleaned):
        files = bind_attachments(
            session,
            documents,
            instance_id=row.instance_id,
            person_id=actor.person_id,
            held=context.held,
        )
    said: Mapping[str, Any] = {}
    measure = measure_of(session, matter.definition, row.path, clock)
    if measure is not None and row.element in measure.book.by_element:
        said = witness(context, form.fields, cleaned, day, decision.post)
        said = {**said, **recorded_elsewhere(session, row, matter, measure.book, cleaned)}
    backfilled = is_backfilled(session, row.path, day, clock)
    raised: Mapping[str, list[int]] = {}
    if form.raising:
        raised = number_rows(session, row.instance_id, form, cleaned)
    event = Event(
        EntryKind.COMPLETED,
        actor_id=actor.person_id,
        on_behalf_of=decision.on_behalf_of,
        occurred_on=day,
        element=row.element,
        task_id=row.task_id,
        command_id=command_id,
        payload={
            "data": cleaned,
            **({RAISED: raised} if raised else {}),
            **({"item": prepared.person_id} if prepared.person_id is not None else {}),
            **({"files": files} if files else {}),
            **({"witness": said} if said else {}),
            **({"post": decision.post.key} if decision.post else {}),
            **({"backfilled": True} if backfilled else {}),
        },
    )
    opened = apply(session, row, transition, event, clock, backfilled=backfilled, measure=measure)
    if raised:
        raise_items(session, row, matter, row.element, cleaned, raised, day, clock)
    if form.answering:
        answer_items(session, row, form, cleaned, said_by(event, day, decision.post), clock)
    return Done(row.instance_id, opened, transition.completed)
