"""How every command is carried out: one transaction, once a command id, faults become incidents."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
import structlog
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import after_commit, unit_of_work
from engine.errors import N_, EngineFault, GuichengError, InvalidInput
from engine.ledger.kinds import EntryKind
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


class ReusedCommand(InvalidInput):
    """The command id belongs to another command, or to another person's."""

    code = "idempotency_key_reused"
    default = N_("这次提交的编号已用于另一项操作，本次操作没有生效，请刷新页面后重新提交。")


def carry_out(command: Command, step: Callable[[Session], Done], clock: Clock) -> Done:
    """Run ``step`` in one transaction.

    The same command id a second time returns what the first came to; with another command it
    raises ReusedCommand. When the engine fails, the transaction is undone and an incident is
    recorded in another; the fault is raised all the same.
    """
    try:
        with unit_of_work() as session:
            return step(session)
    except (GuichengError, IntegrityError, psycopg.IntegrityError) as failure:
        # A double click finds the task closed or gone to others, the files used, the person's
        # status changed; or it loses the race to record the command.
        done = _carried_out_before(command)
        if done is not None:
            return done
        if isinstance(failure, EngineFault):
            _record_incident(command, failure, clock)
        raise


_RECORDED = text(
    """
    SELECT e.chain_id, e.kind, e.actor_id, e.task_id, e.recorded_at, e.payload, i.ended_at,
        (SELECT payload FROM ledger_entry WHERE chain_id = e.chain_id AND seq = 1) AS beginning
    FROM ledger_entry e LEFT JOIN instance i ON i.id = e.chain_id
    WHERE e.command_id = :command_id
    """
)

_OPENED = text(
    """
    SELECT id, element FROM task
    WHERE instance_id = :instance_id AND created_at = :at AND id > :after ORDER BY id LIMIT :most
    """
)

_KINDS: Mapping[str, tuple[EntryKind, ...]] = {
    "start": (EntryKind.STARTED, EntryKind.COMPLETED),
    "complete": (EntryKind.COMPLETED,),
    "send_back": (EntryKind.SENT_BACK,),
    "claim": (EntryKind.CLAIMED,),
    "unclaim": (EntryKind.UNCLAIMED,),
    "delegate": (EntryKind.DELEGATED,),
    "message": (EntryKind.MESSAGE_RECEIVED,),
    "cancel": (EntryKind.CANCELLED,),
    "suspend": (EntryKind.SUSPENDED,),
    "resume": (EntryKind.RESUMED,),
    "correct": (EntryKind.CORRECTED,),
    "add_participant": (EntryKind.PARTICIPANT_ADDED,),
    "remove_participant": (EntryKind.PARTICIPANT_REMOVED,),
    "remind": (EntryKind.REMINDED,),
    "allow": (EntryKind.OVERRIDDEN,),
    "ask": (EntryKind.ASKED,),
    "explain": (EntryKind.EXPLAINED,),
    "conclude": (EntryKind.CONCLUDED,),
    "waive": (EntryKind.WAIVED,),
    "report_item": (EntryKind.ITEM_REPORTED,),
    "extend_item": (EntryKind.ITEM_EXTENDED,),
    "close_item": (EntryKind.ITEM_CLOSED,),
    "reopen_item": (EntryKind.ITEM_REOPENED,),
}
"""What each command that people give leaves in the ledger."""


def _carried_out_before(command: Command) -> Done | None:
    """Return what the command came to if it was carried out before. Raises ReusedCommand."""
    if command.command_id is None:
        return None
    with unit_of_work() as session:
        entry = session.execute(_RECORDED, {"command_id": command.command_id}).one_or_none()
        if entry is None:
            return None
        if not _is_of(entry, command):
            raise ReusedCommand
        opened: dict[int, str] = {}
        if wanted := json.loads(entry.payload or "{}").get("opened"):
            # The tasks of a step are those made at its moment.
            parameters = {
                "instance_id": entry.chain_id,
                "at": entry.recorded_at,
                "after": entry.task_id or 0,
                "most": len(wanted),
            }
            opened = {row.id: row.element for row in session.execute(_OPENED, parameters)}
        ended = entry.ended_at is not None and entry.ended_at == entry.recorded_at
        return Done(entry.chain_id, opened, ended, replayed=True)


def _is_of(entry: Row[Any], command: Command) -> bool:
    """Tell whether an entry records this very command."""
    if entry.actor_id != command.actor_id or entry.kind not in _KINDS.get(command.name, ()):
        return False
    if command.task_id not in (None, entry.task_id):
        return False
    if command.instance_id not in (None, entry.chain_id):
        return False
    if command.name != "start" or entry.beginning is None:
        return True
    begun, wanted = json.loads(entry.beginning), command.arguments
    return bool(
        begun["key"] == wanted["key"]
        and begun["organisation"] == wanted["organisation_id"]
        and begun["subject"] == wanted["subject_id"]
    )


def _record_incident(command: Command, fault: EngineFault, clock: Clock) -> None:
    log.error("incident", command=command.name, instance=command.instance_id, error=fault.code)
    with unit_of_work() as session:
        instance_id = command.instance_id
        if instance_id is None and command.task_id is not None:
            instance_id = session.scalar(select(Task.instance_id).where(Task.id == command.task_id))
        values = {
            "instance_id": instance_id,
            "fingerprint": _fingerprint(command, instance_id),
            "command": {
                "name": command.name,
                "task_id": command.task_id,
                # Two administrators who retry at once carry it out once.
                "command_id": str(command.command_id or uuid4()),
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


def _fingerprint(command: Command, instance_id: int | None) -> str:
    """Return what tells one command that fails from another: what it is about, and whose it is.

    What was filled in is left out: submitted again with other words it is the same incident.
    """
    about = [command.arguments[name] for name in _ABOUT if name in command.arguments]
    parts = (command.name, instance_id, command.task_id, command.actor_id, *about)
    return ":".join(map(str, parts))


_ABOUT = (
    "key",
    "organisation_id",
    "subject_id",
    "target",
    "message",
    "message_id",
    "element",
    "person_id",
)
"""The arguments that say what a command is about."""
