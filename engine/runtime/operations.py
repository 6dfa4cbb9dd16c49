"""The commands that move a matter. Each is one transaction, one ledger entry, and safe to repeat.

No other module changes an instance. Every command takes the actor and the clock; ``command_id``
makes a second submission of the same form return what the first one came to.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from engine.attachments.operations import bind_attachments
from engine.clock import Clock
from engine.definitions.versions import Definition, active_version, load_definition
from engine.directory.actors import Actor
from engine.directory.membership import status_on
from engine.directory.models import Organisation, Person
from engine.directory.policy import Action, Decision, require
from engine.directory.things import MessageView, StartView
from engine.errors import (
    N_,
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotRunning,
    StaleRevision,
)
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from engine.runtime import store, transitions
from engine.runtime.applying import (
    DELIVER_MESSAGE,
    FIRE_TIMERS,
    apply,
    attachment_ids,
    enqueue_timers,
)
from engine.runtime.commands import Command, Done, carry_out
from engine.runtime.models import Instance, OutboxMessage
from engine.runtime.people import form_context
from engine.runtime.transitions import Transition, World
from engine.runtime.world import (
    lane_candidates,
    make_world,
    matter_of,
    matter_view,
    task_view,
)

__all__ = [
    "DELIVER_MESSAGE",
    "FIRE_TIMERS",
    "cancel_instance",
    "complete_task",
    "deliver_outbox",
    "enqueue_timers",
    "fire_timers",
    "resume_instance",
    "send_back",
    "send_message",
    "start_instance",
    "suspend_instance",
]

BACKFILL_GAP_DAYS = 7
"""A step recorded later than this after it happened is marked 补录 (domain/01, R-ADM-42)."""

MESSAGE_DAYS = 30
"""How long a message waits for a matter that wants it."""


# --- starting -----------------------------------------------------------------------------------


def start_instance(
    key: str,
    data: Mapping[str, Any] | None,
    *,
    organisation_id: int,
    subject_id: int | None,
    actor: Actor,
    clock: Clock,
    occurred_on: date | None = None,
    command_id: UUID | None = None,
) -> Done:
    """Start a matter of procedure ``key``; with ``data``, complete its first task as well.

    Raises NotFound (no such procedure or organisation), NotAllowed, InvalidInput (the person's
    status does not suit, or the form), Conflict (the person has such a matter already).
    """
    day = occurred_on or clock.today()

    def step(session: Session) -> Done:
        version_id = active_version(session, key)
        if version_id is None:
            raise NotFound(N_("没有这个流程，或尚未部署。"))
        definition = load_definition(session, version_id)
        world = make_world(session, clock)
        organisation = session.get(Organisation, organisation_id)
        if organisation is None:
            raise NotFound(N_("没有这个党组织。"))
        person = _subject(session, definition, subject_id, day)
        transition = transitions.begin(
            definition,
            organisation_id=organisation_id,
            subject_id=subject_id,
            started_on=day,
            world=world,
        )
        decision = _may_start(definition, transition, organisation, actor, world)
        if day > clock.today():
            raise InvalidInput({"occurred_on": [N_("发生日期不能晚于今天。")]})
        instance_id, _ = store.create_instance(
            session,
            prefix=definition.package.prefix,
            year=day.year,
            version_id=version_id,
            organisation_id=organisation_id,
            path=organisation.path,
            subject_id=subject_id,
            title=person.name if person else organisation.short_name,
            started_on=day,
            started_at=clock.now(),
        )
        event = Event(
            EntryKind.STARTED,
            actor_id=actor.person_id,
            on_behalf_of=decision.on_behalf_of,
            occurred_on=day,
            command_id=None if data is not None else command_id,
            payload={
                "key": key,
                "version": definition.package.sha256,
                "organisation": organisation_id,
                "subject": subject_id,
            },
        )
        opened = apply(session, _locked(session, instance_id), transition, event, clock)
        if data is None:
            return Done(instance_id, opened)
        first = next(iter(opened), None)
        if first is None:
            raise InvalidInput({}, N_("此流程没有可以随发起一并办理的任务。"))
        return _complete(session, first, data, day, actor, clock, command_id, None)

    command = Command(
        "start",
        {"key": key, "organisation_id": organisation_id, "subject_id": subject_id},
        command_id,
        actor.person_id,
    )
    return carry_out(command, step, clock)


def _subject(
    session: Session, definition: Definition, subject_id: int | None, day: date
) -> Person | None:
    """Return the person the matter is about, if it may be about them."""
    if definition.package.subject != "person":
        return None
    person = None if subject_id is None else session.get(Person, subject_id)
    if person is None:
        raise InvalidInput({"subject": [N_("请选择此事项所涉及的人员。")]})
    # Two starts for one person at once: the second waits here and then finds the first.
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, :person))"),
        {"key": definition.package.key, "person": person.id},
    )
    running = session.execute(
        select(Instance.prefix, Instance.year, Instance.serial)
        .where(
            Instance.subject_id == person.id,
            Instance.prefix == definition.package.prefix,
            Instance.status.in_(("active", "suspended")),
        )
        .limit(1)
    ).one_or_none()
    if running is not None:
        raise Conflict(
            N_("此人已有正在办理的同类事项 %(number)s，不能重复发起。"),
            number=f"{running.prefix}-{running.year}-{running.serial:04d}",
        )
    transitions.check_start(definition, status_on(session, person.id, day))
    return person


def _may_start(
    definition: Definition,
    transition: Transition,
    organisation: Organisation,
    actor: Actor,
    world: World,
) -> Decision:
    lanes = [definition.package.lanes[lane] for lane in definition.package.start.lanes]
    principals = frozenset(
        principal
        for lane in lanes
        for principal in lane_candidates(transition.matter, lane, world).principals
    )
    subject_id = transition.matter.subject_id
    return require(
        actor,
        Action.START_MATTER,
        StartView(
            organisation.id,
            organisation.path,
            subject_id,
            principals,
            # The subject may start only where a lane of theirs may.
            not_subject=all(lane.not_subject for lane in lanes),
        ),
    )


# --- completing ---------------------------------------------------------------------------------


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

    def step(session: Session) -> Done:
        return _complete(session, task_id, data, day, actor, clock, command_id, revision)

    command = Command(
        "complete",
        {"data": dict(data), "occurred_on": day.isoformat()},
        command_id,
        actor.person_id,
        task_id=task_id,
    )
    return carry_out(command, step, clock)


def _complete(
    session: Session,
    task_id: int,
    data: Mapping[str, Any],
    day: date,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None,
    revision: int | None,
) -> Done:
    row = _task_row(session, task_id)
    matter = matter_of(session, row)
    decision = require(actor, Action.COMPLETE_TASK, task_view(row, matter))
    _same_revision(row.task_revision, revision)
    world = make_world(session, clock)
    form = matter.definition.form_of(row.element)
    prepared = transitions.prepare(matter, row.uid, world)
    context = form_context(
        session, world, matter, day, actor, instance_id=row.instance_id, facts=prepared.facts
    )
    cleaned = form.load(data, context)
    transition = transitions.complete(matter, row.uid, cleaned, day, world, prepared=prepared)
    files = attachment_ids(form.fields, cleaned)
    if files:
        bind_attachments(session, files, instance_id=row.instance_id, person_id=actor.person_id)
    backfilled = clock.today() - day > timedelta(days=BACKFILL_GAP_DAYS)
    event = Event(
        EntryKind.COMPLETED,
        actor_id=actor.person_id,
        on_behalf_of=decision.on_behalf_of,
        occurred_on=day,
        element=row.element,
        task_id=task_id,
        command_id=command_id,
        payload={
            "data": cleaned,
            **({"post": decision.post.key} if decision.post else {}),
            **({"backfilled": True} if backfilled else {}),
        },
    )
    opened = apply(session, row, transition, event, clock, backfilled=backfilled)
    return Done(row.instance_id, opened, transition.completed)


# --- sending back -------------------------------------------------------------------------------


def send_back(
    task_id: int,
    target: str,
    reason: str,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Send the matter back from an open task to the step ``target``, with a reason.

    The procedure is again where it was before ``target`` was last completed; what was recorded
    since stays in the ledger. Membership changes made since are revoked.
    Raises as :func:`complete_task`; NotAllowed if the package does not allow the target.
    """

    def step(session: Session) -> Done:
        row = _task_row(session, task_id)
        matter = matter_of(session, row)
        decision = require(actor, Action.SEND_BACK_TASK, task_view(row, matter))
        _same_revision(row.task_revision, revision)
        if not reason.strip():
            raise InvalidInput({"reason": [N_("请写明退回的理由，以便对方补正。")]})
        before = session.execute(
            select(LedgerEntry.seq, LedgerEntry.snapshot)
            .where(
                LedgerEntry.chain_id == row.instance_id,
                LedgerEntry.kind == EntryKind.COMPLETED,
                LedgerEntry.element == target,
            )
            .order_by(LedgerEntry.seq.desc())
            .limit(1)
        ).one_or_none()
        if before is None or before.snapshot is None:
            raise NotAllowed(N_("所选的环节在此之前没有办理过，不能退回。"))
        transition = transitions.send_back(
            matter, row.uid, target, bytes(before.snapshot), make_world(session, clock)
        )
        event = Event(
            EntryKind.SENT_BACK,
            actor_id=actor.person_id,
            on_behalf_of=decision.on_behalf_of,
            occurred_on=clock.today(),
            element=row.element,
            task_id=task_id,
            command_id=command_id,
            payload={"target": target, "reason": reason.strip()},
        )
        opened = apply(
            session,
            row,
            transition,
            event,
            clock,
            closed_state="sent_back",
            dropped_state="sent_back",
            undone_since=before.seq,
        )
        return Done(row.instance_id, opened)

    arguments = {"target": target, "reason": reason}
    command = Command("send_back", arguments, command_id, actor.person_id, task_id=task_id)
    return carry_out(command, step, clock)


# --- messages -----------------------------------------------------------------------------------


def send_message(
    instance_id: int,
    message: str,
    data: Mapping[str, Any],
    *,
    actor: Actor,
    clock: Clock,
    occurred_on: date | None = None,
    command_id: UUID | None = None,
) -> Done:
    """Send one of the package's messages (a withdrawal, say) to a running matter.

    Raises NotFound for an unknown message, NotAllowed, NotRunning, InvalidInput; Conflict when
    the matter does not wait for it at present.
    """
    day = occurred_on or clock.today()

    def step(session: Session) -> Done:
        row = _instance_row(session, instance_id)
        matter = matter_of(session, row)
        action = matter.definition.package.messages.get(message)
        if action is None:
            raise NotFound(N_("此流程没有这项操作。"))
        world = make_world(session, clock)
        lanes = [matter.definition.package.lanes[lane] for lane in action.lanes]
        principals = frozenset(
            p for lane in lanes for p in lane_candidates(matter, lane, world).principals
        )
        decision = require(
            actor, Action.SEND_MESSAGE, MessageView(matter_view(row, matter), principals)
        )
        cleaned: dict[str, Any] = {}
        if action.form:
            context = form_context(session, world, matter, day, actor, instance_id=instance_id)
            form = matter.definition.forms[action.form]
            cleaned = form.load(data, context)
            files = attachment_ids(form.fields, cleaned)
            bind_attachments(session, files, instance_id=instance_id, person_id=actor.person_id)
        transition = transitions.deliver(matter, action.name, cleaned, day, world)
        if transition is None:
            raise Conflict(N_("事项目前的环节不能进行这项操作。"))
        event = Event(
            EntryKind.MESSAGE_RECEIVED,
            actor_id=actor.person_id,
            on_behalf_of=decision.on_behalf_of,
            occurred_on=day,
            element=message,
            command_id=command_id,
            payload={"data": cleaned},
        )
        opened = apply(session, row, transition, event, clock)
        return Done(instance_id, opened, transition.completed)

    arguments = {"message": message, "data": dict(data), "occurred_on": day.isoformat()}
    command = Command("message", arguments, command_id, actor.person_id, instance_id)
    return carry_out(command, step, clock)


def deliver_outbox(message_id: int, *, clock: Clock) -> Done | None:
    """Hand a message that one matter threw to the oldest other matter that waits for it.

    The message's row goes in the receiver's transaction, so it arrives once however often this
    runs. When nobody waits the message stays for :data:`MESSAGE_DAYS`. Returns None then.
    """

    def step(session: Session) -> Done:
        message = session.execute(
            select(OutboxMessage).where(OutboxMessage.id == message_id).with_for_update()
        ).scalar_one_or_none()
        if message is None:
            return Done(0, replayed=True)
        receiver = session.execute(
            text(
                "SELECT s.instance_id, s.uid FROM message_subscription s"
                " JOIN instance i ON i.id = s.instance_id AND i.status = 'active'"
                " WHERE s.name = :name AND s.instance_id <> :sender ORDER BY s.instance_id LIMIT 1"
            ),
            {"name": message.name, "sender": message.sender_id},
        ).one_or_none()
        if receiver is None:
            if clock.now() - message.created_at > timedelta(days=MESSAGE_DAYS):
                session.execute(delete(OutboxMessage).where(OutboxMessage.id == message_id))
            return Done(0)
        row = _instance_row(session, receiver.instance_id)
        matter = matter_of(session, row)
        transition = transitions.deliver(
            matter,
            message.name,
            message.payload,
            clock.today(),
            make_world(session, clock),
            uid=receiver.uid,
        )
        if transition is None:
            return Done(0)
        event = Event(
            EntryKind.MESSAGE_RECEIVED,
            occurred_on=clock.today(),
            element=message.name,
            payload={"from": message.sender_id, "data": message.payload},
        )
        opened = apply(session, row, transition, event, clock)
        session.execute(delete(OutboxMessage).where(OutboxMessage.id == message_id))
        return Done(row.instance_id, opened, transition.completed)

    done = carry_out(Command("deliver", {"message_id": message_id}), step, clock)
    return done if done.instance_id else None


# --- timers -------------------------------------------------------------------------------------


def fire_timers(instance_id: int, *, clock: Clock) -> Done | None:
    """Let the matter's due timers fire, in order. Returns None when there was nothing to do.

    Safe to call at any time and any number of times: what is due is decided by the clock and the
    matter's own state, never by the job that called.
    """

    def step(session: Session) -> Done:
        row = store.lock_instance(session, instance_id)
        if row is None or row.status != "active" or not row.watch:
            return Done(0)
        transition = transitions.fire(matter_of(session, row), make_world(session, clock))
        if transition is None:
            return Done(0)
        event = Event(
            EntryKind.TIMER_FIRED,
            occurred_on=clock.today(),
            element=next((p.element for p in transition.passed), None),
        )
        opened = apply(session, row, transition, event, clock)
        return Done(instance_id, opened, transition.completed)

    done = carry_out(Command("fire", {}, instance_id=instance_id), step, clock)
    return done if done.instance_id else None


# --- steering a matter --------------------------------------------------------------------------


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
        row, decision = _steered(session, instance_id, Action.CANCEL_MATTER, actor)
        _same_revision(row.revision, revision)
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
        row, decision = _steered(session, instance_id, Action.SUSPEND_MATTER, actor)
        _same_revision(row.revision, revision)
        if row.status != "active":
            raise NotRunning
        if not reason.strip():
            raise InvalidInput({"reason": [N_("请写明挂起的理由。")]})
        event = _steering(EntryKind.SUSPENDED, reason, actor, decision, clock, command_id)
        store.write_status(session, row, "suspended", event, clock.now())
        store.unlist_candidates(session, instance_id)
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
        row, decision = _steered(session, instance_id, Action.RESUME_MATTER, actor)
        _same_revision(row.revision, revision)
        if row.status != "suspended":
            raise NotRunning(N_("该事项没有挂起，无需恢复。"))
        event = _steering(EntryKind.RESUMED, "", actor, decision, clock, command_id)
        store.write_status(session, row, "active", event, clock.now())
        store.list_candidates(session, instance_id)
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


# --- inside -------------------------------------------------------------------------------------


def _steered(
    session: Session, instance_id: int, action: Action, actor: Actor
) -> tuple[Row[Any], Decision]:
    row = _instance_row(session, instance_id, running=False)
    return row, require(actor, action, matter_view(row, matter_of(session, row)))


def _locked(session: Session, instance_id: int) -> Row[Any]:
    row = store.lock_instance(session, instance_id)
    assert row is not None
    return row


def _instance_row(session: Session, instance_id: int, *, running: bool = True) -> Row[Any]:
    row = store.lock_instance(session, instance_id)
    if row is None:
        raise NotFound(N_("没有这个事项，或您无权查看。"))
    if running and row.status != "active":
        raise NotRunning
    return row


def _task_row(session: Session, task_id: int) -> Row[Any]:
    row = store.lock_task(session, task_id)
    if row is None:
        raise NotFound(N_("没有这个任务，或您无权查看。"))
    return row


def _same_revision(now: int, seen: int | None) -> None:
    if seen is not None and seen != now:
        raise StaleRevision
