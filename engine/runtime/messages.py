"""Messages: from people to a running matter (a withdrawal, say), and between matters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from engine.attachments.operations import bind_attachments
from engine.clock import Clock
from engine.compliance.backfill import is_backfilled
from engine.directory.actors import Actor
from engine.directory.policy import Action, require
from engine.directory.things import MessageView
from engine.errors import (
    N_,
    Conflict,
    NotFound,
)
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.runtime import transitions
from engine.runtime.applying import apply, attached
from engine.runtime.commands import Command, Done, carry_out
from engine.runtime.locking import instance_row, same_revision
from engine.runtime.models import OutboxMessage
from engine.runtime.people import form_context
from engine.runtime.world import (
    lane_candidates,
    make_world,
    matter_of,
    matter_view,
)

MESSAGE_DAYS = 30
"""How long a message waits for a matter that wants it."""

_RECEIVER = text(
    """
    SELECT s.instance_id, s.uid
    FROM instance i JOIN message_subscription s ON s.instance_id = i.id, instance sender
    WHERE s.name = :name AND sender.id = :sender AND i.id <> sender.id AND i.status = 'active'
        AND (i.subject_id = sender.subject_id) IS NOT FALSE
    ORDER BY i.subject_id IS NOT DISTINCT FROM sender.subject_id DESC,
        i.organisation_id = sender.organisation_id DESC, i.id
    LIMIT 1
    """
)


def send_message(
    instance_id: int,
    message: str,
    data: Mapping[str, Any],
    *,
    actor: Actor,
    clock: Clock,
    occurred_on: date | None = None,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Send one of the package's messages (a withdrawal, say) to a running matter.

    Raises NotFound for an unknown message, NotAllowed, NotRunning, InvalidInput; Conflict when
    the matter does not wait for it at present.
    """
    day = occurred_on or clock.today()

    def step(session: Session) -> Done:
        row = instance_row(session, instance_id)
        same_revision(row.revision, revision)
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
        files: Mapping[str, str] = {}
        if action.form:
            context = form_context(session, world, matter, day, actor, instance_id=instance_id)
            form = matter.definition.forms[action.form]
            cleaned = form.load(data, context)
            files = bind_attachments(
                session,
                attached(form.fields, cleaned),
                instance_id=instance_id,
                person_id=actor.person_id,
                held=context.held,
            )
        transition = transitions.deliver(matter, action.name, cleaned, day, world)
        if transition is None:
            raise Conflict(N_("事项目前的环节不能进行这项操作。"))
        backfilled = is_backfilled(session, row.path, day, clock)
        event = Event(
            EntryKind.MESSAGE_RECEIVED,
            actor_id=actor.person_id,
            on_behalf_of=decision.on_behalf_of,
            occurred_on=day,
            element=message,
            command_id=command_id,
            payload={
                "data": cleaned,
                **({"files": files} if files else {}),
                **({"backfilled": True} if backfilled else {}),
            },
        )
        opened = apply(session, row, transition, event, clock, backfilled=backfilled)
        return Done(instance_id, opened, transition.completed)

    arguments = {"message": message, "data": dict(data), "occurred_on": day.isoformat()}
    command = Command("message", arguments, command_id, actor.person_id, instance_id)
    return carry_out(command, step, clock)


def deliver_outbox(message_id: int, *, clock: Clock) -> Done | None:
    """Hand a message that one matter threw to another matter that waits for it.

    A message about one person never reaches a matter about another. Of several that wait it is the
    matter about the same person, then one of the same organisation, then the oldest.

    The message's row goes in the receiver's transaction, so it arrives once however often this
    runs. When nobody waits the message stays for :data:`MESSAGE_DAYS`, and whoever begins to wait
    meanwhile gets it. Returns None when it was not delivered.
    """

    def step(session: Session) -> Done:
        message = session.execute(
            select(OutboxMessage).where(OutboxMessage.id == message_id).with_for_update()
        ).scalar_one_or_none()
        if message is None:
            return Done(0, replayed=True)
        receiver = session.execute(
            _RECEIVER, {"name": message.name, "sender": message.sender_id}
        ).one_or_none()
        if receiver is None:
            if clock.now() - message.created_at > timedelta(days=MESSAGE_DAYS):
                session.execute(delete(OutboxMessage).where(OutboxMessage.id == message_id))
            return Done(0)
        row = instance_row(session, receiver.instance_id)
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
