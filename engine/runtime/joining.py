"""People who join and leave an open step with a task for each; pure, like ``transitions``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date

from engine.errors import N_, InvalidInput, TaskClosed
from engine.runtime.conditions import not_earlier, not_in_future
from engine.runtime.following import after, restore
from engine.runtime.lanes import person_of
from engine.runtime.matters import Matter, Transition, World


def people_of(matter: Matter, element: str, world: World) -> tuple[int, ...]:
    """Return who has or had a task in an open step with one for each of a list of people.

    Raises TaskClosed when the step is not open, or no such step.
    """
    items = restore(matter, world).items(_of_people(matter, element))
    return tuple(person for item in items if (person := person_of(item)) is not None)


def add_person(
    matter: Matter, element: str, person_id: int, occurred_on: date, world: World
) -> Transition:
    """Give one more person a task in an open step with one for each of a list of people.

    Raises TaskClosed when the step is not open, InvalidInput for a day on which they cannot have
    joined or a person who is on the list already.
    """
    not_in_future(occurred_on, world)
    not_earlier(occurred_on, matter.started_on)
    if person_id in people_of(matter, element, world):
        raise InvalidInput({"person": [N_("该人员已在名单中。")]})
    run = restore(matter, world)
    before = run.open_elements()
    rows = any(isinstance(item, Mapping) for item in run.items(element))
    run.add_item(element, {"person": person_id} if rows else person_id)
    roles = _renamed(matter, element, {person_id}, frozenset())
    matter = replace(matter, participants={**matter.participants, **roles})
    return after(matter, run, before, world, occurred_on, participants=roles)


def remove_person(
    matter: Matter, element: str, person_id: int, occurred_on: date, world: World
) -> Transition:
    """Take away the open task of a person in a step with one for each of a list of people.

    What a person has done stays: whose task is completed cannot be taken off the list. Raises
    TaskClosed when the step is not open, InvalidInput as :func:`add_person`.
    """
    not_in_future(occurred_on, world)
    not_earlier(occurred_on, matter.started_on)
    if person_id not in people_of(matter, element, world):
        raise InvalidInput({"person": [N_("该人员不在名单中。")]})
    run = restore(matter, world)
    before = run.open_elements()
    steps = matter.definition.rolls[element].steps
    own = (task.value for task in run.open_tasks() if task.element in steps)
    item = next((value for value in own if person_of(value) == person_id), None)
    if item is None:
        raise InvalidInput({"person": [N_("该人员的任务已经办结，记录保留，不能移出。")]})
    run.remove_item(element, item)
    roles = _renamed(matter, element, frozenset(), {person_id})
    matter = replace(matter, participants={**matter.participants, **roles})
    return after(matter, run, before, world, occurred_on, participants=roles)


def _of_people(matter: Matter, element: str) -> str:
    """Return the element if it has a task for each of a list of people. Raises TaskClosed."""
    if element not in matter.definition.rolls:
        raise TaskClosed
    return element


def _renamed(
    matter: Matter, element: str, joined: Collection[int], left: Collection[int]
) -> dict[str, tuple[int, ...]]:
    """Return the roles that were chosen with the list of a step, with who holds them now."""
    collection = matter.definition.rolls[element].collection
    found: dict[str, tuple[int, ...]] = {}
    for role in matter.definition.package.participants.values():
        if collection in (role.role, role.field):
            people = matter.participants.get(role.role, ())
            stay = (person for person in people if person not in left)
            found[role.role] = tuple(dict.fromkeys((*stay, *joined)))
    return found
