"""People of a step with a task for each (参与人): late-comers, leavers, and a word to the missing.

While such a step is open, who comes late is added and who leaves is taken off the list, each with
the day and a reason. What somebody has done already stays.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.clock import ZONE, Clock
from engine.database import Record, after_commit
from engine.definitions.versions import Roll
from engine.directory.actors import Actor
from engine.directory.policy import Action, Decision, require
from engine.errors import N_, Conflict, InvalidInput, NotFound, TaskClosed
from engine.forms.fields import Field, FieldKind, walk
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from engine.runtime import joining, store
from engine.runtime.applying import apply
from engine.runtime.commands import Command, Done, carry_out
from engine.runtime.locking import instance_row, same_revision
from engine.runtime.matters import Matter, Transition, World
from engine.runtime.people import form_context
from engine.runtime.world import make_world, matter_of, matter_view
from engine.signals import people_reminded

REMIND_EVERY_DAYS: Final = 1
"""Whoever was reminded today is left in peace until tomorrow."""

_MISSING = text(
    """
    SELECT id FROM task
    WHERE instance_id = :id AND state = 'open' AND element = ANY(:elements)
        AND item IS DISTINCT FROM :own
    ORDER BY id
    """
)

Move = Callable[[Matter, str, int, date, World], Transition]


class RemindedAlready(Conflict):
    """These people were reminded of the same today."""

    code = "reminded_already"
    default = N_("今天已经提醒过，请明天再提醒。")


def add_participant(
    instance_id: int,
    element: str,
    person_id: int,
    reason: str,
    *,
    actor: Actor,
    clock: Clock,
    occurred_on: date | None = None,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Give a person who came late a task of their own in an open step with one for each.

    ``element`` is the activity that runs for each person, ``occurred_on`` the day on which the
    person joined. Raises NotFound, NotAllowed, NotRunning, StaleRevision, TaskClosed (the step is
    not open), InvalidInput (no reason, an unsuitable person, or one who is on the list).
    """
    kind = EntryKind.PARTICIPANT_ADDED
    return _change(
        "add_participant",
        kind,
        joining.add_person,
        instance_id,
        element,
        person_id,
        reason,
        occurred_on or clock.today(),
        actor=actor,
        clock=clock,
        command_id=command_id,
        revision=revision,
    )


def remove_participant(
    instance_id: int,
    element: str,
    person_id: int,
    reason: str,
    *,
    actor: Actor,
    clock: Clock,
    occurred_on: date | None = None,
    command_id: UUID | None = None,
    revision: int | None = None,
) -> Done:
    """Take a person who has left off the list of an open step, with the task still to be done.

    The step goes on when nobody is missing any more. Raises as :func:`add_participant`; somebody
    whose task is completed cannot be taken off.
    """
    kind = EntryKind.PARTICIPANT_REMOVED
    return _change(
        "remove_participant",
        kind,
        joining.remove_person,
        instance_id,
        element,
        person_id,
        reason,
        occurred_on or clock.today(),
        actor=actor,
        clock=clock,
        command_id=command_id,
        revision=revision,
    )


def remind_people(
    instance_id: int,
    element: str,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None = None,
) -> Done:
    """Remind everybody who is still missing in a step with a task for each, once a day.

    Nothing about the matter changes; that they were reminded is recorded, and the signal
    ``people_reminded`` tells whoever carries messages. Raises RemindedAlready, TaskClosed (nobody
    is missing), NotFound, NotAllowed, NotRunning.
    """

    def step(session: Session) -> Done:
        row, matter, decision = _leading(session, instance_id, Action.REMIND_PEOPLE, actor)
        roll = _roll(matter, element)
        today = clock.today()
        last = last_reminded(session, instance_id).get(element)
        if last is not None and (today - last).days < REMIND_EVERY_DAYS:
            raise RemindedAlready
        wanted = {
            "id": instance_id,
            "elements": list(roll.steps),
            "own": f"p{actor.person_id}",
        }
        task_ids = list(session.scalars(_MISSING, wanted))
        if not task_ids:
            raise TaskClosed(N_("没有需要提醒的人员。"))
        event = Event(
            EntryKind.REMINDED,
            actor_id=actor.person_id,
            on_behalf_of=decision.on_behalf_of,
            occurred_on=today,
            element=element,
            command_id=command_id,
            payload={"count": len(task_ids)},
        )
        store.write_entry(session, row, event, clock.now())
        about: dict[str, Any] = {"instance_id": instance_id, "task_ids": tuple(task_ids)}
        after_commit(session, lambda: people_reminded.send(None, **about))
        return Done(instance_id)

    command = Command(
        "remind", {"element": element}, command_id, actor.person_id, instance_id=instance_id
    )
    return carry_out(command, step, clock)


def last_reminded(session: Session, instance_id: int) -> dict[str, date]:
    """Return the day on which people were last reminded, by activity."""
    rows = session.execute(
        select(LedgerEntry.element, LedgerEntry.recorded_at)
        .where(LedgerEntry.chain_id == instance_id, LedgerEntry.kind == EntryKind.REMINDED)
        .order_by(LedgerEntry.seq)
    )
    return {row.element: row.recorded_at.astimezone(ZONE).date() for row in rows}


def people_field(matter: Matter, element: str) -> Field | None:
    """Return the form field in which the people of a step with a task for each were chosen."""
    definition = matter.definition
    collection = definition.rolls[element].collection
    role = definition.package.participants.get(collection)
    wanted = role.field if role is not None else collection
    for form in definition.forms.values():
        for field in walk(form.fields):
            if field.key == wanted and field.kind is FieldKind.PEOPLE:
                return field
    return None


def _change(
    name: str,
    kind: EntryKind,
    move: Move,
    instance_id: int,
    element: str,
    person_id: int,
    reason: str,
    day: date,
    *,
    actor: Actor,
    clock: Clock,
    command_id: UUID | None,
    revision: int | None,
) -> Done:
    def step(session: Session) -> Done:
        row, matter, decision = _leading(session, instance_id, Action.CHANGE_PARTICIPANTS, actor)
        same_revision(row.revision, revision)
        _roll(matter, element)
        if not reason.strip():
            raise InvalidInput({"reason": [N_("请写明增减人员的理由。")]})
        world = make_world(session, clock)
        if kind is EntryKind.PARTICIPANT_ADDED:
            _check_suits(session, world, matter, element, person_id, day, actor)
        transition = move(matter, element, person_id, day, world)
        event = Event(
            kind,
            actor_id=actor.person_id,
            on_behalf_of=decision.on_behalf_of,
            occurred_on=day,
            element=element,
            command_id=command_id,
            payload={"person": person_id, "reason": reason.strip()},
        )
        opened = apply(session, row, transition, event, clock)
        return Done(instance_id, opened, transition.completed)

    arguments = {
        "element": element,
        "person_id": person_id,
        "reason": reason,
        "occurred_on": day.isoformat(),
    }
    command = Command(name, arguments, command_id, actor.person_id, instance_id=instance_id)
    return carry_out(command, step, clock)


def _leading(
    session: Session, instance_id: int, action: Action, actor: Actor
) -> tuple[Record, Matter, Decision]:
    """Return the matter, locked, once the actor may do this to it."""
    row = instance_row(session, instance_id, running=False)
    matter = matter_of(session, row)
    decision = require(actor, action, matter_view(row, matter))
    return row, matter, decision


def _roll(matter: Matter, element: str) -> Roll:
    roll = matter.definition.rolls.get(element)
    if roll is None:
        raise NotFound(N_("该事项没有这样的人员名单。"))
    return roll


def _check_suits(
    session: Session,
    world: World,
    matter: Matter,
    element: str,
    person_id: int,
    day: date,
    actor: Actor,
) -> None:
    """Refuse a person who could not have been put on the list on that day."""
    field = people_field(matter, element)
    if field is None:
        raise TaskClosed(N_("这一环节的名单不能增减。"))
    context = form_context(session, world, matter, day, actor)
    if context.find_person(person_id, field) is None:
        raise InvalidInput({"person": [N_("该人员当日不符合列入名单的条件，请核对。")]})
