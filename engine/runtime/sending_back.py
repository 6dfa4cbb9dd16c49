"""Send a matter back to an earlier step (退回): the procedure is again where it was before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.definitions.versions import Roll
from engine.directory.actors import Actor
from engine.directory.policy import Action, require
from engine.errors import (
    N_,
    InvalidInput,
    NotAllowed,
)
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.standing import RESTORED
from engine.runtime import transitions
from engine.runtime.applying import apply
from engine.runtime.commands import Command, Done, carry_out
from engine.runtime.following import restore
from engine.runtime.joining import add_person, people_of, remove_person
from engine.runtime.locking import instance_row, same_revision, task_row
from engine.runtime.rectification.answering import take_back_answers
from engine.runtime.rectification.raising import withdraw_items
from engine.runtime.rectification.saying import said_by
from engine.runtime.undone import Before, find_before
from engine.runtime.world import (
    make_world,
    matter_of,
    task_view,
)


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

    The procedure is again where it was before ``target`` was last completed, and so are the people
    and the outcome of the matter; what was recorded since stays in the ledger. Membership changes
    made since are revoked. A step with a task for each of a list of people is open for all of them
    again; who came and left since comes and leaves once more.
    Raises as :func:`complete_task`; NotAllowed if the package does not allow the target.
    """

    def step(session: Session) -> Done:
        row = task_row(session, task_id)
        matter = matter_of(session, row)
        decision = require(actor, Action.SEND_BACK_TASK, task_view(row, matter))
        same_revision(row.task_revision, revision)
        if not reason.strip():
            raise InvalidInput({"reason": [N_("请写明退回的理由，以便对方补正。")]})
        world = make_world(session, clock)
        roll = next((r for r in matter.definition.rolls.values() if target in r.steps), None)
        before = find_before(
            session,
            row.instance_id,
            target,
            activity=None
            if roll is None
            else lambda snapshot: restore(replace(matter, snapshot=snapshot), world).activity(
                roll.element
            ),
        )
        if before is None:
            raise NotAllowed(N_("所选的环节在此之前没有办理过，不能退回。"))
        transition = transitions.send_back(
            matter,
            row.uid,
            target,
            before.snapshot,
            world,
            participants=before.participants,
        )
        event = Event(
            EntryKind.SENT_BACK,
            actor_id=actor.person_id,
            on_behalf_of=decision.on_behalf_of,
            occurred_on=clock.today(),
            element=row.element,
            task_id=task_id,
            command_id=command_id,
            payload={"target": target, "reason": reason.strip(), RESTORED: before.seq},
        )
        opened = apply(
            session,
            row,
            transition,
            event,
            clock,
            closed_state="sent_back",
            dropped_state="sent_back",
            rewound_to=before,
        )
        withdraw_items(session, row.instance_id, before.seq)
        said = said_by(event, clock.today(), decision.post)
        take_back_answers(session, row.instance_id, before.seq, reason.strip(), said, clock)
        if roll is not None:
            opened = {
                **opened,
                **_list_as_it_was(session, row.instance_id, roll, before, event, clock),
            }
        return Done(row.instance_id, opened)

    arguments = {"target": target, "reason": reason}
    command = Command("send_back", arguments, command_id, actor.person_id, task_id=task_id)
    return carry_out(command, step, clock)


def _list_as_it_was(
    session: Session, instance_id: int, roll: Roll, before: Before, event: Event, clock: Clock
) -> Mapping[int, str]:
    """Let those come and leave again who did so while the step was open; return the new tasks."""
    opened: dict[int, str] = {}
    last = {c.person_id: c for c in before.changes if c.element == roll.element}
    for change in last.values():
        row = instance_row(session, instance_id)
        matter = matter_of(session, row)
        world = make_world(session, clock)
        joined = change.kind == EntryKind.PARTICIPANT_ADDED
        if joined == (change.person_id in people_of(matter, roll.element, world)):
            continue
        move = add_person if joined else remove_person
        transition = move(matter, roll.element, change.person_id, change.day, world)
        again = Event(
            change.kind,
            actor_id=event.actor_id,
            on_behalf_of=event.on_behalf_of,
            occurred_on=change.day,
            element=roll.element,
            payload={"person": change.person_id, "reason": change.reason},
        )
        opened |= apply(session, row, transition, again, clock)
    return opened
