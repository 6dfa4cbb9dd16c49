"""Steer a matter from outside its procedure: cancel (终止), suspend (挂起), resume (恢复)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import Record
from engine.directory.actors import Actor
from engine.directory.policy import Action, Decision, require
from engine.errors import (
    N_,
    InvalidInput,
    NotRunning,
)
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.runtime import listing, store, transitions
from engine.runtime.applying import apply, enqueue_timers
from engine.runtime.commands import Command, Done, carry_out
from engine.runtime.locking import instance_row, same_revision
from engine.runtime.world import (
    make_world,
    matter_of,
    matter_view,
)


def cancel_instance(
    instance_id: int,
    reason: str,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """End a matter where it stands, with a reason. Its record stays; nothing follows from it."""

    def step(session: Session) -> Done:
        row, decision = _steered(session, instance_id, Action.CANCEL_MATTER, actor, revision)
        if row.status not in ("active", "suspended"):
            raise NotRunning
        if not reason.strip():
            raise InvalidInput({"reason": [N_("请写明终止的理由。")]})
        transition = transitions.cancel(matter_of(session, row), make_world(session, clock))
        event = _steering(EntryKind.CANCELLED, reason, actor, decision, clock, command_id)
        apply(session, row, transition, event, clock, cancelled=True)
        return Done(instance_id, ended=True)

    command = Command("cancel", {"reason": reason}, command_id, actor.person_id, instance_id)
    return carry_out(command, step, clock)


def suspend_instance(
    instance_id: int,
    reason: str,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Halt a matter: its tasks leave the inboxes and its timers wait until it is resumed."""

    def step(session: Session) -> Done:
        row, decision = _steered(session, instance_id, Action.SUSPEND_MATTER, actor, revision)
        if row.status != "active":
            raise NotRunning
        if not reason.strip():
            raise InvalidInput({"reason": [N_("请写明挂起的理由。")]})
        event = _steering(EntryKind.SUSPENDED, reason, actor, decision, clock, command_id)
        store.write_status(session, row, "suspended", event, clock.now())
        listing.unlist_candidates(session, instance_id)
        return Done(instance_id)

    command = Command("suspend", {"reason": reason}, command_id, actor.person_id, instance_id)
    return carry_out(command, step, clock)


def resume_instance(
    instance_id: int,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Take up a suspended matter again; timers that came due meanwhile fire at once."""

    def step(session: Session) -> Done:
        row, decision = _steered(session, instance_id, Action.RESUME_MATTER, actor, revision)
        if row.status != "suspended":
            raise NotRunning(N_("该事项没有挂起，无需恢复。"))
        event = _steering(EntryKind.RESUMED, "", actor, decision, clock, command_id)
        store.write_status(session, row, "active", event, clock.now())
        listing.list_candidates(session, instance_id)
        if row.watch:
            enqueue_timers(session, instance_id, at=None)
        return Done(instance_id)

    command = Command("resume", {}, command_id, actor.person_id, instance_id)
    return carry_out(command, step, clock)


def _steering(
    kind: EntryKind,
    reason: str,
    actor: Actor,
    decision: Decision,
    clock: Clock,
    command_id: UUID | None,
) -> Event:
    return Event(
        kind,
        actor_id=actor.person_id,
        on_behalf_of=decision.on_behalf_of,
        occurred_on=clock.today(),
        command_id=command_id,
        payload={"reason": reason.strip()} if reason.strip() else {},
    )


def _steered(
    session: Session, instance_id: int, action: Action, actor: Actor, revision: int | None
) -> tuple[Record, Decision]:
    row = instance_row(session, instance_id, running=False)
    decision = require(actor, action, matter_view(row, matter_of(session, row)))
    same_revision(row.revision, revision)
    return row, decision
