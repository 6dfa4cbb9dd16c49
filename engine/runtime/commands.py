"""How every command is carried out: one transaction, once a command id, faults become incidents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import after_commit, unit_of_work
from engine.errors import Conflict, EngineFault, NotAllowed, NotFound
from engine.ledger.operations import find_command
from engine.runtime.models import Incident, Task
from engine.signals import incident_recorded

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    instance_id: int
    opened: Mapping[int, str] = field(default_factory=dict)
    """The tasks that became open: their elements by id."""
    ended: bool = False
    replayed: bool = False
    """True when this very command had been carried out before; nothing was changed now."""


@dataclass(frozen=True)
class Command:
    """A command as an incident keeps it, so that it can be retried."""

    name: str
    arguments: Mapping[str, Any]
    """JSON-able."""
    command_id: UUID | None = None
    actor_id: int | None = None
    instance_id: int | None = None
    task_id: int | None = None


def carry_out(command: Command, step: Callable[[Session], Done], clock: Clock) -> Done:
    """Run ``step`` in one transaction.

    The same command id a second time returns what the first came to. When the engine fails, the
    transaction is undone and an incident is recorded in another; the fault is raised all the same.
    """
    try:
        with unit_of_work() as session:
            return step(session)
    except (Conflict, NotAllowed, NotFound, IntegrityError):
        # A double click finds the task closed or gone to others, or loses the race to record it.
        done = _carried_out_before(command)
        if done is None:
            raise
        return done
    except EngineFault as fault:
        _record_incident(command, fault, clock)
        raise


def _carried_out_before(command: Command) -> Done | None:
    if command.command_id is None:
        return None
    with unit_of_work() as session:
        instance_id = find_command(session, command.command_id, command.actor_id)
    return None if instance_id is None else Done(instance_id, replayed=True)


def _record_incident(command: Command, fault: EngineFault, clock: Clock) -> None:
    log.error("incident", command=command.name, instance=command.instance_id, error=fault.code)
    with unit_of_work() as session:
        instance_id = command.instance_id
        if instance_id is None and command.task_id is not None:
            instance_id = session.scalar(select(Task.instance_id).where(Task.id == command.task_id))
        values = {
            "instance_id": instance_id,
            "fingerprint": f"{command.name}:{instance_id}:{command.task_id}:{command.actor_id}",
            "command": {
                "name": command.name,
                "task_id": command.task_id,
                "command_id": str(command.command_id) if command.command_id else None,
                "arguments": dict(command.arguments),
            },
            "code": fault.code,
            "message": str(fault),
            "actor_id": command.actor_id,
            "created_at": clock.now(),
            "attempts": 1,
        }
        incident_id = session.execute(
            insert(Incident)
            .values(values)
            .on_conflict_do_update(
                index_elements=["fingerprint"],
                index_where=Incident.resolved_at.is_(None),
                set_={
                    "attempts": Incident.attempts + 1,
                    "command": values["command"],
                    "code": fault.code,
                    "message": str(fault),
                },
            )
            .returning(Incident.id)
        ).scalar_one()
        after_commit(
            session,
            lambda: incident_recorded.send(None, incident_id=incident_id, instance_id=instance_id),
        )
