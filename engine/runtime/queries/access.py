"""Load a matter for reading, once the access policy has said yes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.directory.actors import Actor
from engine.directory.policy import Action, Decision, decide, require
from engine.directory.things import MatterView
from engine.errors import NotFound
from engine.runtime.matters import Matter, World
from engine.runtime.world import deciding_principals, make_world, matter_of, matter_view

_INSTANCE = text(
    """
    SELECT i.id, i.id AS instance_id, i.version_id, i.prefix, i.year, i.serial, i.organisation_id,
        i.path, i.subject_id, i.title, i.status, i.outcome, i.stage, i.revision, i.snapshot,
        i.started_on, i.ended_on, i.backfilled, i.chain_length, i.watch,
        o.short_name AS organisation_name
    FROM instance i JOIN organisation o ON o.id = i.organisation_id WHERE i.id = :id
    """
)
_OPEN = text(
    "SELECT id, uid, element, item, created_at, candidates, assignee_id, due_on, earliest_on,"
    " not_before, organisation_id, revision"
    " FROM task WHERE instance_id = :id AND state = 'open' ORDER BY id"
)


@dataclass(frozen=True)
class Opened:
    """A matter that the actor may see."""

    row: Row[Any]
    matter: Matter
    view: MatterView
    world: World
    tasks: list[Row[Any]]
    decision: Decision
    sees_opinions: bool
    """False for the person the matter is about: they see where it stands, not what was said."""
    own_only: int | None = None
    """Of steps with a task for each, somebody who sees only what they handed in themselves."""


def open_matter(session: Session, actor: Actor, clock: Clock, instance_id: int) -> Opened:
    """Return the matter with its open tasks. Raises NotFound where the actor may not know of it."""
    row = session.execute(_INSTANCE, {"id": instance_id}).one_or_none()
    if row is None:
        raise NotFound
    tasks = list(session.execute(_OPEN, {"id": instance_id}))
    matter = matter_of(session, row)
    world = make_world(session, clock)
    working = {key for task in tasks for key in task.candidates}
    working |= {f"p{task.assignee_id}" for task in tasks if task.assignee_id is not None}
    view = matter_view(row, matter, working=working, deciding=deciding_principals(matter, world))
    decision = require(actor, Action.VIEW_MATTER, view)
    sees = decide(actor, Action.VIEW_OPINIONS, view).allowed
    each = decide(actor, Action.VIEW_EACH, view).allowed
    own = None if each else actor.person_id
    return Opened(row, matter, view, world, tasks, decision, sees, own)


def is_mine(task: Row[Any], actor: Actor) -> bool:
    """Tell whether an open task is the actor's to do: in their hands, or offered to them."""
    if task.assignee_id is not None:
        return bool(task.assignee_id == actor.person_id)
    return not actor.principals.isdisjoint(task.candidates)
