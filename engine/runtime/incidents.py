"""Incidents (异常): commands the engine could not carry out, for an administrator to retry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import false, func, or_, select
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import unit_of_work
from engine.directory import organisations
from engine.directory.actors import Actor, load_actor
from engine.directory.codes import PostKind
from engine.directory.policy import Action, require
from engine.directory.things import MatterView, OrganisationView
from engine.errors import N_, Conflict, NotFound
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.runtime import operations, store
from engine.runtime.commands import Done
from engine.runtime.models import Incident, Instance
from engine.runtime.world import matter_of, matter_view


@dataclass(frozen=True)
class IncidentView:
    """What an administrator sees: never what the person had filled in."""

    id: int
    instance_id: int | None
    command: str
    code: str
    message: str
    created_at: datetime
    attempts: int


def open_incidents(session: Session, actor: Actor, *, limit: int = 200) -> list[IncidentView]:
    """Return the incidents that the actor manages, newest first."""
    top = organisations.root(session).path
    place = func.coalesce(Instance.path, top)
    managed = [post.path for post in actor.posts if post.kind == PostKind.ADMINISTRATOR]
    rows = session.scalars(
        select(Incident)
        .outerjoin(Instance, Instance.id == Incident.instance_id)
        .where(
            Incident.resolved_at.is_(None),
            or_(false(), *(func.starts_with(place, path) for path in managed)),
        )
        .order_by(Incident.created_at.desc(), Incident.id.desc())
        .limit(limit)
    )
    return [
        IncidentView(
            incident.id,
            incident.instance_id,
            incident.command["name"],
            incident.code,
            incident.message,
            incident.created_at,
            incident.attempts,
        )
        for incident in rows
    ]


def retry_incident(incident_id: int, *, actor: Actor, clock: Clock) -> Done:
    """Carry out the command again, as the person who gave it.

    Raises NotFound, NotAllowed, Conflict (resolved already); a fault that comes again counts one
    more attempt and is raised.
    """
    with unit_of_work() as session:
        incident = _open_incident(session, incident_id, actor)
        command = dict(incident.command)
        person_id, instance_id = incident.actor_id, incident.instance_id
        who = None
        if person_id is not None:
            who = load_actor(session, person_id=person_id, day=clock.today())
    done = _again(command, who, instance_id, clock)
    _resolve(incident_id, actor, clock)
    return done


def dismiss_incident(incident_id: int, *, actor: Actor, clock: Clock) -> None:
    """Close an incident whose command is no longer wanted.

    Raises NotFound, NotAllowed, Conflict (resolved already).
    """
    with unit_of_work() as session:
        incident = _open_incident(session, incident_id, actor)
        _close(incident, actor, clock)


def _again(
    command: dict[str, Any], who: Actor | None, instance_id: int | None, clock: Clock
) -> Done:
    arguments = command["arguments"]
    common: dict[str, Any] = {"clock": clock}
    if command.get("command_id"):
        common["command_id"] = UUID(command["command_id"])
    if arguments.get("occurred_on"):
        common["occurred_on"] = date.fromisoformat(arguments["occurred_on"])
    task_id = command.get("task_id")
    match command["name"]:
        case "complete" if who and task_id:
            return operations.complete_task(task_id, arguments["data"], actor=who, **common)
        case "send_back" if who and task_id:
            target, reason = arguments["target"], arguments["reason"]
            return operations.send_back(task_id, target, reason, actor=who, **common)
        case "claim" if who and task_id:
            return operations.claim_task(task_id, actor=who, **common)
        case "message" if who and instance_id:
            return operations.send_message(
                instance_id, arguments["message"], arguments["data"], actor=who, **common
            )
        case "add_participant" | "remove_participant" as name if who and instance_id:
            change = getattr(operations, name)
            done: Done = change(
                instance_id,
                arguments["element"],
                arguments["person_id"],
                arguments["reason"],
                actor=who,
                **common,
            )
            return done
        case "start" if who:
            return operations.start_instance(
                arguments["key"],
                arguments.get("data"),
                organisation_id=arguments["organisation_id"],
                subject_id=arguments["subject_id"],
                actor=who,
                **common,
            )
        case "fire" if instance_id:
            return operations.fire_timers(instance_id, clock=clock) or Done(instance_id)
        case "deliver":
            return operations.deliver_outbox(arguments["message_id"], clock=clock) or Done(0)
    raise Conflict(N_("这条异常不能自动重试，请由办理人重新提交后关闭。"))


def _open_incident(session: Session, incident_id: int, actor: Actor) -> Incident:
    """Return the incident, locked. Raises NotFound, NotAllowed, Conflict (resolved already)."""
    incident = session.get(Incident, incident_id, with_for_update=True, populate_existing=True)
    if incident is None:
        raise NotFound(N_("没有这条异常记录。"))
    require(actor, Action.MANAGE_INCIDENT, _thing(session, incident.instance_id))
    if incident.resolved_at is not None:
        raise Conflict(N_("这条异常已经处理完毕。"))
    return incident


def _thing(session: Session, instance_id: int | None) -> MatterView | OrganisationView:
    """Return the matter; an incident without one concerns the whole installation."""
    row = None if instance_id is None else store.lock_instance(session, instance_id)
    if row is None:
        return organisations.view(organisations.root(session))
    return matter_view(row, matter_of(session, row))


def _resolve(incident_id: int, actor: Actor, clock: Clock) -> None:
    """Close a retried incident, and record on the matter's chain who let it be done."""
    with unit_of_work() as session:
        incident = session.get(Incident, incident_id, with_for_update=True, populate_existing=True)
        if incident is None or incident.resolved_at is not None:
            return  # another administrator retried it at the same time
        row = None
        if incident.instance_id is not None:
            row = store.lock_instance(session, incident.instance_id)
        if row is not None:
            event = Event(
                EntryKind.RETRIED,
                actor_id=actor.person_id,
                occurred_on=clock.today(),
                payload={"incident": incident_id, "command": incident.command["name"]},
            )
            store.write_entry(session, row, event, clock.now())
        _close(incident, actor, clock)


def _close(incident: Incident, actor: Actor, clock: Clock) -> None:
    """Close an incident and forget what it carried: the ledger has it if it was carried out."""
    incident.resolved_at = clock.now()
    incident.resolved_by = actor.person_id
    incident.command = {"name": incident.command["name"]}
