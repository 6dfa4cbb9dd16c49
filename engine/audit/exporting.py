"""What leaves the system as a list: matters, findings, event logs. Each is an entry first.

Names of people go out only when they are asked for, and only of those whom the actor may see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from engine.audit.sampling import CHAIN
from engine.audit.scope import matters_seen, place_of, require_audience
from engine.audit.wanted import MatterFilter
from engine.clock import Clock
from engine.coded import Coded
from engine.compliance.models import Finding
from engine.compliance.results import Outcome, Severity
from engine.database import unit_of_work
from engine.definitions.models import ProcessVersion
from engine.definitions.versions import Definition, load_definition
from engine.directory.actors import Actor
from engine.directory.models import Organisation, Person
from engine.directory.policy import visible_people
from engine.errors import N_
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.operations import append
from engine.runtime.models import Instance, format_number
from engine.runtime.views import MatterStatus

BATCH = 500


class ExportKind(Coded):
    """What is taken away."""

    FINDINGS = "findings", N_("问题清单")
    MATTERS = "matters", N_("事项清单")
    EVENT_LOG = "event_log", N_("事件日志")
    BOARD = "board", N_("工作情况")
    ITEMS = "items", N_("整改台账")
    TASKS = "tasks", N_("任务清单")


@dataclass(frozen=True)
class MatterLine:
    """A matter as one line of an export."""

    id: int
    number: str
    definition: Definition
    subject_id: int | None
    subject_name: str
    organisation_name: str
    status: MatterStatus
    outcome: str
    started_on: date
    ended_on: date | None
    backfilled: bool
    hard: int
    warning: int


def record_export(
    kind: ExportKind,
    form: str,
    criteria: Mapping[str, Any],
    *,
    names: bool,
    actor: Actor,
    clock: Clock,
) -> None:
    """Write to the ledger what an auditor takes away, before it is made.

    Raises NotAllowed, NotFound.
    """
    require_audience(actor)
    with unit_of_work() as session:
        place = place_of(session, actor, criteria.get("organisation"))
        within = {**criteria, "organisation": place.id}
        _record(session, kind, form, within, names=names, actor=actor, clock=clock)


def record_list(
    kind: ExportKind,
    criteria: Mapping[str, Any],
    *,
    names: bool,
    actor: Actor,
    clock: Clock,
) -> None:
    """Write to the ledger who takes a list away as a workbook, before it is made.

    For lists that hold only what the actor was let read: whoever calls has asked that already.
    """
    with unit_of_work() as session:
        _record(session, kind, "xlsx", criteria, names=names, actor=actor, clock=clock)


def _record(
    session: Session,
    kind: ExportKind,
    form: str,
    criteria: Mapping[str, Any],
    *,
    names: bool,
    actor: Actor,
    clock: Clock,
) -> None:
    payload = {
        "what": str(kind),
        "form": form,
        "names": names,
        "criteria": {
            name: value if isinstance(value, int) else str(value)
            for name, value in criteria.items()
            if value is not None
        },
    }
    event = Event(
        EntryKind.EXPORTED, actor_id=actor.person_id, occurred_on=clock.today(), payload=payload
    )
    append(session, CHAIN, event, clock)


def every_matter(session: Session, actor: Actor, wanted: MatterFilter) -> Iterator[MatterLine]:
    """Yield the matters of a filter in which the actor may see findings, in order of their ids."""
    place = place_of(session, actor, wanted.organisation_id)
    counted = (
        select(
            func.count().filter(Finding.severity == str(Severity.HARD)).label("hard"),
            func.count().filter(Finding.severity != str(Severity.HARD)).label("warning"),
        )
        .where(Finding.instance_id == Instance.id, Finding.outcome == str(Outcome.NOT_MET))
        .lateral()
    )
    query = (
        select(
            Instance.id,
            Instance.version_id,
            Instance.prefix,
            Instance.year,
            Instance.serial,
            Instance.subject_id,
            Instance.title,
            Instance.status,
            Instance.outcome,
            Instance.started_on,
            Instance.ended_on,
            Instance.backfilled,
            Organisation.short_name,
            counted.c.hard,
            counted.c.warning,
        )
        .join(Organisation, Organisation.id == Instance.organisation_id)
        .join(ProcessVersion, ProcessVersion.id == Instance.version_id)
        .join(counted, true())
        .where(matters_seen(actor), Instance.path.like(f"{place.path}%"), *wanted.clauses())
        .order_by(Instance.id)
        .limit(BATCH)
    )
    last = 0
    while rows := session.execute(query.where(Instance.id > last)).all():
        for row in rows:
            yield _line(row, load_definition(session, row.version_id))
        last = rows[-1].id


def names_seen(session: Session, actor: Actor, people: Iterable[int]) -> dict[int, str]:
    """Return the names of those people whom the actor may see."""
    wanted = list(people)
    if not wanted:
        return {}
    rows = session.execute(
        select(Person.id, Person.name).where(Person.id.in_(wanted), visible_people(actor))
    )
    return {row.id: row.name for row in rows}


def _line(row: Any, definition: Definition) -> MatterLine:
    titles = {e.outcome: e.outcome_title for e in definition.package.all_effects() if e.outcome}
    return MatterLine(
        id=row.id,
        number=format_number(row.prefix, row.year, row.serial),
        definition=definition,
        subject_id=row.subject_id,
        subject_name=row.title,
        organisation_name=row.short_name,
        status=MatterStatus(row.status),
        outcome=(titles.get(row.outcome) or row.outcome) if row.outcome else "",
        started_on=row.started_on,
        ended_on=row.ended_on,
        backfilled=row.backfilled,
        hard=row.hard,
        warning=row.warning,
    )
