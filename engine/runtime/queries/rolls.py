"""Who is done and who is still missing in a step with a task for each (花名册)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from engine.clock import ZONE, Clock
from engine.definitions.versions import Roll
from engine.directory.actors import Actor
from engine.directory.policy import Action, decide
from engine.ledger.kinds import EntryKind
from engine.runtime.matters import Matter, World
from engine.runtime.participants import last_reminded, people_field
from engine.runtime.people import form_context
from engine.runtime.queries.access import Opened, is_mine, open_matter
from engine.runtime.queries.records import Trail, read_trail
from engine.runtime.queries.rows import step_label
from engine.runtime.views import Place, RollView, Taking


def rolls(session: Session, actor: Actor, clock: Clock, instance_id: int) -> tuple[RollView, ...]:
    """Return the lists of a matter as far as the actor may see. Raises NotFound."""
    opened = open_matter(session, actor, clock, instance_id)
    trail = read_trail(session, opened.matter.definition, instance_id)
    return rolls_of(session, opened, trail, actor, clock)


def rolls_of(
    session: Session, opened: Opened, trail: Trail, actor: Actor, clock: Clock
) -> tuple[RollView, ...]:
    """Return the lists of a matter that have begun, in the order of the procedure.

    Only those who see what each has handed in read the names; all others get the numbers.
    """
    found = []
    reminded: Mapping[str, date] | None = None
    for roll in opened.matter.definition.rolls.values():
        start = _begun(trail, roll)
        if start is None:
            continue
        if reminded is None:
            reminded = last_reminded(session, opened.row.id)
        people = _people(opened, trail, roll, start)
        trail.names.fetch(one for one, _ in people)
        last = reminded.get(roll.element)
        found.append(_view(opened, trail, roll, people, actor, clock.today(), last))
    return tuple(found)


def joinable(
    session: Session, actor: Actor, clock: Clock, instance_id: int, element: str
) -> tuple[tuple[int, str], ...]:
    """Return who may be added to an open list today, by id and name; empty where nobody may."""
    opened = open_matter(session, actor, clock, instance_id)
    roll = opened.matter.definition.rolls.get(element)
    allowed = decide(actor, Action.CHANGE_PARTICIPANTS, opened.view).allowed
    if roll is None or not allowed or not any(t.element in roll.steps for t in opened.tasks):
        return ()
    return _joinable(session, opened.matter, opened.world, element, actor, clock.today())


def _joinable(
    session: Session, matter: Matter, world: World, element: str, actor: Actor, day: date
) -> tuple[tuple[int, str], ...]:
    field = people_field(matter, element)
    if field is None:
        return ()
    context = form_context(session, world, matter, day, actor)
    return tuple((one.id, one.name) for one in context.people_choices(field))


def _begun(trail: Trail, roll: Roll) -> int | None:
    """Return the entry that opened the list; of one drawn up again, the last time."""
    undone, found = trail.undone, None
    for entry in trail.entries:
        payload = trail.payloads[entry.seq]
        if entry.seq in undone or entry.kind == EntryKind.PARTICIPANT_ADDED:
            continue
        again = entry.element in roll.steps or payload.get("target") in roll.steps
        if not again and set(roll.steps) & set(payload.get("opened", ())):
            found = int(entry.seq)
    return found


def _people(
    opened: Opened, trail: Trail, roll: Roll, start: int
) -> list[tuple[int, dict[str, Any]]]:
    """Return everybody who is or was on the list, with what is known of each."""
    undone = trail.undone
    people: dict[int, dict[str, Any]] = {}
    for entry in trail.entries:
        if entry.seq <= start or entry.seq in undone:
            continue
        payload = trail.payloads[entry.seq]
        if entry.kind == EntryKind.COMPLETED and entry.element in roll.steps:
            if (person := payload.get("item")) is not None:
                people.setdefault(person, {})["done"] = entry.occurred_on
        elif entry.element == roll.element and payload.get("person") is not None:
            one = people.setdefault(payload["person"], {})
            if entry.kind == EntryKind.PARTICIPANT_ADDED:
                one["joined"] = entry.occurred_on
                one.pop("left", None)
            elif entry.kind == EntryKind.PARTICIPANT_REMOVED:
                one["left"] = entry.occurred_on
            one["reason"] = str(payload.get("reason") or "")
    for task in opened.tasks:
        if task.element in roll.steps and (task.item or "").startswith("p"):
            one = people.setdefault(int(task.item[1:]), {})
            one["task"] = task
    return list(people.items())


def _view(
    opened: Opened,
    trail: Trail,
    roll: Roll,
    people: list[tuple[int, dict[str, Any]]],
    actor: Actor,
    today: date,
    reminded: date | None,
) -> RollView:
    taking = [_taking(trail, actor, person, known) for person, known in people]
    missing = [one for one in taking if one.place is Place.MISSING]
    sees = decide(actor, Action.VIEW_EACH, opened.view).allowed
    step = opened.matter.definition.package.steps.get(roll.steps[0])
    reminding = decide(actor, Action.REMIND_PEOPLE, opened.view).allowed
    others = any(one.person_id != actor.person_id for one in missing)
    return RollView(
        element=roll.element,
        number=step.number if step else None,
        title=step_label(opened.matter.definition, roll.element),
        done=sum(one.place is Place.DONE for one in taking),
        missing=len(missing),
        left=sum(one.place is Place.LEFT for one in taking),
        people=tuple(sorted(taking, key=_order)) if sees else (),
        reminded_on=reminded if sees else None,
        may_remind=reminding and others and reminded != today,
        may_change=bool(missing) and decide(actor, Action.CHANGE_PARTICIPANTS, opened.view).allowed,
    )


def _order(one: Taking) -> tuple[int, str, int]:
    return (list(Place).index(one.place), one.name, one.person_id)


def _taking(trail: Trail, actor: Actor, person: int, known: Mapping[str, Any]) -> Taking:
    task = known.get("task")
    place = Place.MISSING if task is not None else Place.LEFT if "left" in known else Place.DONE
    return Taking(
        person_id=person,
        name=trail.names.person(person),
        place=place,
        since=task.created_at.astimezone(ZONE).date() if task is not None else None,
        done_on=known.get("done") if place is Place.DONE else None,
        joined_on=known.get("joined"),
        left_on=known.get("left"),
        reason=known.get("reason", ""),
        task_id=task.id if task is not None else None,
        may_do=task is not None and is_mine(task, actor),
    )
