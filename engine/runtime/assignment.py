"""Who holds a task: claim (签收), unclaim (放回), delegate (委托). The procedure does not move."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import Record, db, unit_of_work
from engine.definitions.versions import load_definition
from engine.directory.actors import Actor, load_actor, person_key
from engine.directory.policy import Action, decide, may, require
from engine.directory.things import MatterView, TaskView
from engine.errors import N_, InvalidInput, NotFound
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.runtime import store
from engine.runtime.commands import Command, Done, carry_out
from engine.runtime.locking import same_revision, task_row
from engine.runtime.seen import claimed, listed
from engine.runtime.world import matter_of, task_view


def claim_task(
    task_id: int,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Take a task for oneself; it leaves the others' inboxes. Claiming one's own changes nothing.

    Raises NotFound, NotAllowed, TaskClosed, AlreadyClaimed, NotRunning, StaleRevision.
    """

    row = listed.take(task_id)
    if row is not None and _claim_seen(row, actor, clock, command_id, revision):
        return Done(row.instance_id)

    def step(session: Session) -> Done:
        row = task_row(session, task_id)
        view = task_view(row, matter_of(session, row))
        if row.assignee_id == actor.person_id and row.state == "open":
            return Done(row.instance_id, replayed=True)
        decision = require(actor, Action.CLAIM_TASK, view)
        same_revision(row.task_revision, revision)
        event = _event(EntryKind.CLAIMED, task_id, row, actor, decision.on_behalf_of, command_id)
        _assign(session, row, event, clock, actor.person_id)
        return Done(row.instance_id)

    return carry_out(_command("claim", task_id, actor, command_id), step, clock)


def _claim_seen(
    row: Record, actor: Actor, clock: Clock, command_id: UUID | None, revision: int | None
) -> bool:
    """Claim a task as a list showed it; False when it has to be looked at again.

    Whatever stands in the way is said by the look at what is, never from what was seen.
    """
    definition = load_definition(db.session(), row.version_id)
    step = definition.package.steps[row.element]
    view = TaskView(
        row.id,
        MatterView(
            row.instance_id,
            row.organisation_id,
            row.path,
            row.subject_id,
            active=row.status == "active",
        ),
        frozenset(row.candidates),
        row.assignee_id,
        row.task_organisation_id,
        decision=step.decision,
        not_subject=definition.lanes[row.element].not_subject,
    )
    decision = decide(actor, Action.CLAIM_TASK, view)
    if not decision.allowed or row.assignee_id is not None or revision not in (None, row.revision):
        return False
    event = _event(EntryKind.CLAIMED, row.id, row, actor, decision.on_behalf_of, command_id)
    try:
        with unit_of_work() as session:
            key = person_key(actor.person_id)
            written = store.write_claim(session, row, event, clock.now(), key)
    except psycopg.IntegrityError:  # this very command was carried out before
        return False
    claimed.keep(written.rows())
    return bool(written.rows())


def unclaim_task(
    task_id: int,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Put a task back for all who may do it; drafts stay. An unclaimed task is left as it is."""

    def step(session: Session) -> Done:
        row = task_row(session, task_id)
        decision = require(actor, Action.UNCLAIM_TASK, task_view(row, matter_of(session, row)))
        same_revision(row.task_revision, revision)
        if row.assignee_id is None:
            return Done(row.instance_id, replayed=True)
        event = _event(EntryKind.UNCLAIMED, task_id, row, actor, decision.on_behalf_of, command_id)
        _assign(session, row, event, clock, None)
        return Done(row.instance_id)

    return carry_out(_command("unclaim", task_id, actor, command_id), step, clock)


def delegate_task(
    task_id: int,
    to_person_id: int,
    reason: str,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Hand a task to another person, with a reason. Whoever gets it must be allowed to do it.

    Raises as :func:`claim_task`, and InvalidInput when the other person may not receive it.
    """

    def step(session: Session) -> Done:
        row = task_row(session, task_id)
        view = task_view(row, matter_of(session, row))
        decision = require(actor, Action.DELEGATE_TASK, view)
        same_revision(row.task_revision, revision)
        if not reason.strip():
            raise InvalidInput({"reason": [N_("请写明委托的理由。")]})
        try:
            other = load_actor(session, person_id=to_person_id, day=clock.today())
        except NotFound:
            raise InvalidInput({"person": [N_("请选择受委托的人员。")]}) from None
        # The receiver is judged as if the task were free: it is being taken from its holder.
        if not may(other, Action.RECEIVE_TASK, replace(view, assignee_id=None)):
            raise InvalidInput({"person": [N_("所选人员不能办理该任务，请另选受委托的人员。")]})
        event = _event(EntryKind.DELEGATED, task_id, row, actor, decision.on_behalf_of, command_id)
        event = replace(event, payload={"to": to_person_id, "reason": reason.strip()})
        _assign(session, row, event, clock, to_person_id)
        return Done(row.instance_id)

    return carry_out(_command("delegate", task_id, actor, command_id), step, clock)


def _command(name: str, task_id: int, actor: Actor, command_id: UUID | None) -> Command:
    return Command(name, {}, command_id, actor.person_id, task_id=task_id)


def _event(
    kind: EntryKind,
    task_id: int,
    row: Record,
    actor: Actor,
    on_behalf_of: int | None,
    command_id: UUID | None,
) -> Event:
    return Event(
        kind,
        actor_id=actor.person_id,
        on_behalf_of=on_behalf_of,
        element=row.element,
        task_id=task_id,
        command_id=command_id,
    )


def _assign(
    session: Session, row: Record, event: Event, clock: Clock, assignee_id: int | None
) -> None:
    principals = row.candidates if assignee_id is None else [person_key(assignee_id)]
    store.write_assignment(
        session, row, event, clock.now(), assignee_id=assignee_id, principals=principals
    )
