"""What happens to a matter when something is done to it: pure functions on frozen values.

The commands of ``engine.runtime`` and the scenarios of ``engine.lint`` both come here,
so that there is one answer to "what follows". Nothing here reads or writes a database, asks who the
actor is, or knows of the ledger: it is told, and it answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from engine.clock import ZONE
from engine.definitions.versions import Definition
from engine.errors import N_, NotAllowed, TaskClosed
from engine.runtime.conditions import check_day, facts, given, not_earlier, not_in_future
from engine.runtime.following import after, environment_of, owner_of, restore
from engine.runtime.matters import Matter, Transition, World
from engine.runtime.spiff import Run
from engine.runtime.values import OpenTask


def begin(
    definition: Definition,
    *,
    organisation_id: int,
    subject_id: int | None,
    started_on: date,
    world: World,
) -> Transition:
    """Start a matter. Its first tasks are open afterwards; nothing else is decided."""
    matter = Matter(definition, organisation_id, subject_id, started_on)
    known = given(matter)
    variables = {name: known[name] for name in definition.spec.variables & known.keys()}
    run = Run.start(definition.spec, variables, environment_of(definition, world))
    return after(matter, run, {}, world, started_on)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An open task with its workflow restored, about to be looked at or completed once."""

    task: OpenTask
    facts: Mapping[str, Any]
    """What the task's form may ask for besides its own fields."""
    run: Run
    others: Mapping[bytes, str]
    """The elements of the other open tasks, by the bytes of their uid."""
    person_id: int | None = None
    """Whose task it is, where there is one for each of a list of people."""
    lasting: bool = False
    """The run goes on after the task is completed."""


def prepare(matter: Matter, uid: UUID, world: World, *, run: Run | None = None) -> Prepared:
    """Restore a matter at one of its open tasks. Raises TaskClosed when it is not open.

    ``run``: one of the matter that is moved again and again and stands where the matter stands.
    What follows is then not written down: the matter keeps the snapshot it had.
    """
    lasting = run is not None
    run = run or restore(matter, world)
    others = run.open_elements()
    task = run.open_task(uid.bytes)
    if task is None:
        raise TaskClosed
    del others[uid.bytes]
    person_id = owner_of(matter.definition.lanes[task.element], task)
    return Prepared(task, facts(matter, task.variables), run, others, person_id, lasting)


def complete(
    matter: Matter,
    uid: UUID,
    data: Mapping[str, Any],
    occurred_on: date,
    world: World,
    *,
    prepared: Prepared | None = None,
) -> Transition:
    """Complete an open task with the cleaned data of its form.

    ``prepared`` saves restoring the matter twice; it is used up. Raises TaskClosed when the task
    is not open, InvalidInput when ``occurred_on`` is not possible, EngineFault when the definition
    misbehaves. The matter given is never changed.
    """
    prepared = prepared or prepare(matter, uid, world)
    task, run, before = prepared.task, prepared.run, prepared.others
    check_day(matter, task, occurred_on, world)
    definition = matter.definition
    kept = definition.kept[definition.package.steps[task.element].form]
    # A field that was hidden this time must not keep what an earlier round put there.
    variables = {name: data.get(name) for name in kept}
    changed = _roles(definition, task.element, data)
    variables |= {r: list(ids) for r, ids in changed.items() if r in definition.spec.variables}
    if changed:
        matter = replace(matter, participants={**matter.participants, **changed})
    run.complete(uid, variables, occurred_on)
    return after(
        matter, run, before, world, occurred_on, participants=changed, lasting=prepared.lasting
    )


def send_back(
    matter: Matter,
    uid: UUID,
    target: str,
    before_target: bytes,
    world: World,
    *,
    participants: Mapping[str, tuple[int, ...]] | None = None,
) -> Transition:
    """Send the matter back from an open task to an earlier step, which is open again then.

    ``before_target`` is the snapshot that the ledger kept from before ``target`` was last
    completed: everything since is undone in the procedure, while its record stays.
    ``participants`` are the people of the matter as they were then; None: they have not changed.
    Raises TaskClosed, or NotAllowed when the step may not send back to ``target``.
    """
    # The task itself is done with: should it be open then too, it is opened anew.
    now_open = restore(matter, world).open_elements()
    element = now_open.pop(uid.bytes, None)
    if element is None:
        raise TaskClosed
    if target not in matter.definition.package.steps[element].send_back:
        raise NotAllowed(N_("这一环节不能退回到所选的环节。"))
    then = matter.participants if participants is None else participants
    changed = {
        role: tuple(then.get(role, ()))
        for role in {*matter.participants, *then}
        if {*then.get(role, ())} != {*matter.participants.get(role, ())}
    }
    matter = replace(matter, snapshot=before_target, participants=dict(then))
    run = restore(matter, world)
    if target not in run.open_elements().values():
        raise NotAllowed(N_("所选的环节在此之前没有办理过，不能退回。"))
    return after(matter, run, now_open, world, matter.started_on, participants=changed)


def deliver(
    matter: Matter,
    name: str,
    payload: Mapping[str, Any],
    occurred_on: date,
    world: World,
    *,
    uid: UUID | None = None,
) -> Transition | None:
    """Hand a message to the matter, to one subscription if ``uid`` is given.

    Returns None when the matter does not wait for it; then nothing has happened. Raises
    InvalidInput for a day in the future or before the steps that it follows.
    """
    not_in_future(occurred_on, world)
    run = restore(matter, world)
    before = run.open_elements()
    # It comes after what has happened on every branch; which one it is for, the diagram knows.
    follows = (task.not_before or matter.started_on for task in run.open_tasks())
    not_earlier(occurred_on, max(matter.started_on, min(follows, default=matter.started_on)))
    if not run.deliver(name, dict(payload), uid=uid, occurred_on=occurred_on):
        return None
    return after(matter, run, before, world, occurred_on)


def fire(matter: Matter, world: World, *, run: Run | None = None) -> Transition | None:
    """Let the timers that are due fire. Returns None when none was; ``run`` as in ``prepare``."""
    lasting = run is not None
    run = run or restore(matter, world)
    before = run.open_elements()
    now = world.clock.now()
    due = [timer.due_at for timer in run.timers() if timer.due_at <= now]
    if not run.fire_due():
        return None
    # What a late timer causes counts from the day it was due, not from the day of the delay.
    day = max(due, default=now).astimezone(ZONE).date()
    return after(matter, run, before, world, day, lasting=lasting)


def cancel(matter: Matter, world: World) -> Transition:
    """End the matter where it stands: its tasks and timers are taken back, nothing follows."""
    run = restore(matter, world)
    before = run.open_elements()
    run.cancel()
    return Transition(
        matter=replace(matter, snapshot=b""),
        opened=(),
        still_open=frozenset(),
        closed=tuple(UUID(bytes=uid) for uid in before),
        timers=(),
        subscriptions=(),
        messages=(),
        passed=(),
        effects=(),
        participants={},
        stage=None,
        completed=False,
    )


def look(matter: Matter, world: World) -> Transition:
    """Return the matter as it stands, with all its tasks as opened; nothing happens to it."""
    return after(matter, restore(matter, world), {}, world, matter.started_on)


def _roles(
    definition: Definition, element: str, data: Mapping[str, Any]
) -> dict[str, tuple[int, ...]]:
    """Return the roles that a step fills anew."""
    found: dict[str, tuple[int, ...]] = {}
    for role in definition.package.participants.values():
        if role.element == element:
            value = data.get(role.field)
            people = value if isinstance(value, list) else [] if value is None else [value]
            found[role.role] = tuple(people)
    return found
