"""The stored versions of procedures, as those who keep them see them: never a matter itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.definitions.differences import Differences, compare
from engine.definitions.models import ProcessVersion
from engine.definitions.operations import CHAIN, require_keeper
from engine.definitions.versions import Definition, load_definition
from engine.directory.actors import Actor
from engine.directory.models import Person
from engine.errors import N_, NotFound
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerChain
from engine.ledger.operations import Entry, entries
from engine.runtime.models import Instance
from engine.runtime.views import MatterStatus

_RUNNING = (MatterStatus.ACTIVE, MatterStatus.SUSPENDED)


@dataclass(frozen=True)
class VersionLine:
    """A version of a procedure. ``running``: how many matters are on it and have not ended."""

    id: int
    key: str
    title: str
    version: str
    sha256: str
    deployed_at: datetime
    deployed_by: int | None
    deployed_by_name: str | None
    """None for the command line."""
    active: bool
    running: int


@dataclass(frozen=True)
class ProcedureLine:
    """A procedure by the version on which new matters start."""

    active: VersionLine
    versions: int
    running: int
    """On whichever version."""


@dataclass(frozen=True)
class VersionEvent:
    """A version was deployed or chosen: when, by whom, why."""

    kind: EntryKind
    at: datetime
    version_id: int
    version: str
    name: str | None
    """None for the command line."""
    reason: str


@dataclass(frozen=True)
class VersionView:
    """A version beside another one of the same procedure: what somebody meets who changes."""

    line: VersionLine
    definition: Definition
    other: VersionLine | None
    """None when the procedure has no other version."""
    differences: Differences | None


def procedures(session: Session, actor: Actor) -> list[ProcedureLine]:
    """List the procedures in use. Raises NotAllowed."""
    by_key: dict[str, list[VersionLine]] = {}
    for line in _lines(session, actor):
        by_key.setdefault(line.key, []).append(line)
    return [
        ProcedureLine(active, len(lines), sum(line.running for line in lines))
        for _, lines in sorted(by_key.items())
        for active in lines
        if active.active
    ]


def versions(session: Session, actor: Actor, key: str) -> list[VersionLine]:
    """List the versions of a procedure, the last deployed first. Raises NotAllowed, NotFound."""
    found = _lines(session, actor, key)
    if not found:
        raise NotFound(N_("没有这个流程，或尚未部署。"))
    return found[::-1]


def version_view(
    session: Session, actor: Actor, version_id: int, other_id: int | None = None
) -> VersionView:
    """Show a version beside another: by default the active one, or for that the one before it.

    Raises NotAllowed, NotFound.
    """
    require_keeper(session, actor)
    key = session.scalar(select(ProcessVersion.key).where(ProcessVersion.id == version_id))
    if key is None:
        raise NotFound(N_("没有这个流程版本。"))
    lines = _lines(session, actor, key)
    line = next(line for line in lines if line.id == version_id)
    other = _other(lines, line, other_id)
    definition = load_definition(session, version_id)
    if other is None:
        return VersionView(line, definition, None, None)
    beside = load_definition(session, other.id).package
    here = definition.package
    # From old to new, whichever of them is looked at: that is how people tell a change.
    pair = (beside, here) if other.id < line.id else (here, beside)
    return VersionView(line, definition, other, compare(*pair))


def version_events(session: Session, actor: Actor, key: str) -> list[VersionEvent]:
    """Tell when which version was deployed and chosen, the latest first. Raises NotAllowed."""
    require_keeper(session, actor)
    chain = session.scalar(select(LedgerChain.id).where(LedgerChain.name == CHAIN))
    told = [] if chain is None else [e for e in entries(session, chain) if _about(e, key)]
    names = _names(session, {entry.actor_id for entry in told if entry.actor_id is not None})
    return [_event(entry, names) for entry in reversed(told)]


def _other(
    lines: Sequence[VersionLine], line: VersionLine, other_id: int | None
) -> VersionLine | None:
    if other_id is not None:
        found = next((other for other in lines if other.id == other_id), None)
        if found is None or found is line:
            raise NotFound(N_("没有这个流程版本。"))
        return found
    if not line.active:
        return next((other for other in lines if other.active), None)
    before = [other for other in lines if other.id < line.id]
    return before[-1] if before else next((other for other in lines if other is not line), None)


def running_on(session: Session) -> dict[int, int]:
    """Count the matters that have not ended, by the version they are on."""
    query = (
        select(Instance.version_id, func.count().label("running"))
        .where(Instance.status.in_([str(status) for status in _RUNNING]))
        .group_by(Instance.version_id)
    )
    return {row.version_id: row.running for row in session.execute(query)}


def _lines(session: Session, actor: Actor, key: str | None = None) -> list[VersionLine]:
    require_keeper(session, actor)
    query = (
        select(
            ProcessVersion.id,
            ProcessVersion.key,
            ProcessVersion.title,
            ProcessVersion.version,
            ProcessVersion.sha256,
            ProcessVersion.deployed_at,
            ProcessVersion.deployed_by,
            Person.name.label("deployed_by_name"),
            ProcessVersion.active,
        )
        .outerjoin(Person, Person.id == ProcessVersion.deployed_by)
        .order_by(ProcessVersion.id)
    )
    if key is not None:
        query = query.where(ProcessVersion.key == key)
    running = running_on(session)
    return [
        VersionLine(**row._mapping, running=running.get(row.id, 0))
        for row in session.execute(query)
    ]


def _about(entry: Entry, key: str) -> bool:
    told = entry.payload or {}
    return told.get("key") == key and "version_id" in told


def _event(entry: Entry, names: Mapping[int, str]) -> VersionEvent:
    told: Mapping[str, Any] = entry.payload or {}
    return VersionEvent(
        kind=EntryKind(entry.kind),
        at=entry.recorded_at,
        version_id=told["version_id"],
        version=told["version"],
        name=None if entry.actor_id is None else names.get(entry.actor_id, ""),
        reason=told.get("reason", ""),
    )


def _names(session: Session, people: set[int]) -> dict[int, str]:
    rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(people)))
    return {row.id: row.name for row in rows}
