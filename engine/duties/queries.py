"""What an organisation owes in a year, and how far it is: the lines and cells that people see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.compliance.models import Finding
from engine.compliance.regulation_store import current_regulations
from engine.definitions.package import Basis
from engine.directory.actors import Actor
from engine.directory.models import Organisation
from engine.directory.organisations import ancestors
from engine.directory.policy import Action, may, require
from engine.directory.things import OrganisationView
from engine.duties.catalogue import Catalogue, KnownDuty, catalogue
from engine.duties.codes import DutyState
from engine.duties.findings import basis_on, period_words
from engine.duties.models import DutyEvent, DutyRow
from engine.errors import NotFound, Translatable
from engine.runtime.models import Instance, format_number


@dataclass(frozen=True)
class HeldStep:
    """A step that counts."""

    instance_id: int
    number: str
    day: date


@dataclass(frozen=True)
class Cell:
    """A duty of one period."""

    id: int
    since: date
    until: date
    due_on: date
    state: DutyState
    times: int
    done: int
    done_on: date | None
    draft_id: int | None
    """The matter that the plan started for it."""
    held: tuple[HeldStep, ...]
    finding_id: int | None
    period: Translatable

    @property
    def months(self) -> int:
        """Return how many months of the calendar the cell is wide."""
        return (self.until.year - self.since.year) * 12 + self.until.month - self.since.month + 1


@dataclass(frozen=True)
class Activity:
    """A duty with its periods in a year."""

    known: KnownDuty
    cells: tuple[Cell, ...]
    basis: tuple[Basis, ...]

    @property
    def done(self) -> int:
        """Return how many periods are done in time."""
        return sum(cell.state is DutyState.DONE for cell in self.cells)

    @property
    def owed(self) -> int:
        """Return how many periods there are that count."""
        return sum(cell.state is not DutyState.LAPSED for cell in self.cells)


@dataclass(frozen=True)
class YearView:
    """The year of an organisation at a glance."""

    organisation: Organisation
    year: int
    years: tuple[int, ...]
    """The years for which there is a plan."""
    activities: tuple[Activity, ...]
    above: tuple[tuple[int, str], ...]
    """The organisations above that the actor may look at, the highest first."""
    tallies: bool
    """Whoever looks may see what each member has gathered."""
    below: tuple[tuple[int, str], ...]
    """Its Party groups, which owe something themselves."""

    def count(self, *states: DutyState) -> int:
        """Return how many periods stand in one of these ways."""
        return sum(cell.state in states for a in self.activities for cell in a.cells)


@dataclass(frozen=True)
class DutyLine:
    """A duty as one line, for those who are told of it."""

    id: int
    organisation_id: int
    organisation_name: str
    path: str
    title: str
    title_en: str
    rule: str
    period: Translatable
    due_on: date
    state: DutyState
    instance_id: int | None


def duty_lines(session: Session, ids: Sequence[int]) -> list[DutyLine]:
    """Return duties as lines, by organisation; what nobody knows any more is left out."""
    known = catalogue(session)
    rows = session.execute(
        select(DutyRow, Organisation.short_name)
        .join(Organisation, Organisation.id == DutyRow.organisation_id)
        .where(DutyRow.id.in_(ids))
        .order_by(DutyRow.organisation_id, DutyRow.due_on, DutyRow.id)
        .execution_options(populate_existing=True)
    )
    return [
        DutyLine(
            id=row.id,
            organisation_id=row.organisation_id,
            organisation_name=name,
            path=row.path,
            title=known.duties[row.key].duty.title,
            title_en=known.duties[row.key].duty.title_en,
            rule=row.rule,
            period=period_words(known.duties[row.key].duty.period, row.since, row.until),
            due_on=row.due_on,
            state=DutyState(row.state),
            instance_id=row.instance_id,
        )
        for row, name in rows
        if row.key in known.duties
    ]


def planned_for(session: Session, instance_id: int) -> DutyLine | None:
    """Return what a draft of the plan was started for, while that is still to be done."""
    ids = session.scalars(
        select(DutyRow.id).where(
            DutyRow.instance_id == instance_id,
            DutyRow.state.in_([str(DutyState.DUE), str(DutyState.LATE)]),
        )
    ).all()
    return next(iter(duty_lines(session, ids)), None) if ids else None


def place_seen(session: Session, actor: Actor, organisation_id: int) -> Organisation:
    """Return an organisation whose board the actor may see. Raises NotFound, NotAllowed."""
    found = session.get(Organisation, organisation_id)
    if found is None:
        raise NotFound
    require(actor, Action.VIEW_BOARD, OrganisationView(found.id, found.path))
    return found


def year_of(session: Session, actor: Actor, organisation_id: int, year: int) -> YearView:
    """Return what an organisation owes in a year. Raises NotFound, NotAllowed."""
    place = place_seen(session, actor, organisation_id)
    known = catalogue(session)
    rows = session.execute(
        select(
            DutyRow.id,
            DutyRow.key,
            DutyRow.since,
            DutyRow.until,
            DutyRow.due_on,
            DutyRow.state,
            DutyRow.times,
            DutyRow.done,
            DutyRow.done_on,
            DutyRow.instance_id,
            Finding.id.label("finding_id"),
        )
        .outerjoin(Finding, (Finding.duty_id == DutyRow.id) & (Finding.outcome == "not_met"))
        .where(
            DutyRow.organisation_id == place.id,
            DutyRow.since <= date(year, 12, 31),
            DutyRow.until >= date(year, 1, 1),
        )
        .order_by(DutyRow.since)
    ).all()
    held = _held(session, [row.id for row in rows])
    cells: dict[str, list[Cell]] = defaultdict(list)
    for row in rows:
        if row.key in known.duties:
            cells[row.key].append(_cell(known, row, held.get(row.id, ())))
    regulations = current_regulations(session)
    activities = tuple(
        Activity(
            known.duties[key],
            tuple(cells[key]),
            basis_on(known.duties[key].duty, cells[key][-1].until, regulations),
        )
        for key in known.duties
        if key in cells
    )
    return YearView(
        place,
        year,
        _years(session, place.id, year),
        activities,
        tuple(
            (above.id, above.short_name)
            for above in reversed(ancestors(session, place.id))
            if may(actor, Action.VIEW_BOARD, OrganisationView(above.id, above.path))
        ),
        may(actor, Action.VIEW_TALLY, OrganisationView(place.id, place.path)),
        _groups(session, actor, place, year),
    )


def _cell(known: Catalogue, row: Any, held: tuple[HeldStep, ...]) -> Cell:
    if known.duties[row.key].duty.tally is not None:
        held = ()  # a year has dozens; the page of the tally says what each is worth
    return Cell(
        id=row.id,
        since=row.since,
        until=row.until,
        due_on=row.due_on,
        state=DutyState(row.state),
        times=row.times,
        done=row.done,
        done_on=row.done_on,
        draft_id=row.instance_id,
        held=held,
        finding_id=row.finding_id,
        period=period_words(known.duties[row.key].duty.period, row.since, row.until),
    )


def _held(session: Session, ids: Sequence[int]) -> Mapping[int, tuple[HeldStep, ...]]:
    rows = session.execute(
        select(
            DutyEvent.duty_id,
            DutyEvent.instance_id,
            DutyEvent.day,
            Instance.prefix,
            Instance.year,
            Instance.serial,
        )
        .join(Instance, Instance.id == DutyEvent.instance_id)
        .where(DutyEvent.duty_id.in_(ids))
        .order_by(DutyEvent.day, DutyEvent.instance_id)
    )
    found: dict[int, list[HeldStep]] = defaultdict(list)
    for row in rows:
        number = format_number(row.prefix, row.year, row.serial)
        found[row.duty_id].append(HeldStep(row.instance_id, number, row.day))
    return {id: tuple(steps) for id, steps in found.items()}


def _years(session: Session, organisation_id: int, year: int) -> tuple[int, ...]:
    days = session.scalars(
        select(DutyRow.since).where(DutyRow.organisation_id == organisation_id).distinct()
    )
    return tuple(sorted({year, *(day.year for day in days)}))


def _groups(
    session: Session, actor: Actor, place: Organisation, year: int
) -> tuple[tuple[int, str], ...]:
    day = date(year, 12, 31)
    rows = session.scalars(
        select(Organisation)
        .where(
            Organisation.parent_id == place.id,
            Organisation.kind == "group",
            Organisation.founded_on.is_(None) | (Organisation.founded_on <= day),
            Organisation.dissolved_on.is_(None) | (Organisation.dissolved_on > date(year, 1, 1)),
        )
        .order_by(Organisation.code)
    )
    return tuple(
        (o.id, o.short_name)
        for o in rows
        if may(actor, Action.VIEW_BOARD, OrganisationView(o.id, o.path))
    )
