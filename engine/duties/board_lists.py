"""The lists behind the counts of a board, asked with the same conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import and_, func, select, text
from sqlalchemy.orm import Session

from engine.compliance.models import Finding
from engine.definitions.models import ProcessVersion
from engine.definitions.versions import load_definition
from engine.directory.actors import Actor
from engine.directory.models import Organisation
from engine.directory.policy import (
    Action,
    require,
)
from engine.directory.things import OrganisationView
from engine.duties.board import board_place, conditions, place_of, running
from engine.duties.board_views import PAGE, DutyFilter, ListedDuty, ListedMatter
from engine.duties.catalogue import catalogue
from engine.duties.codes import DutyState
from engine.duties.findings import period_words
from engine.duties.models import DutyRow
from engine.runtime.models import Instance, format_number


def list_duties(
    session: Session,
    actor: Actor,
    organisation_id: int,
    wanted: DutyFilter,
    *,
    after: int = 0,
    limit: int = PAGE,
) -> tuple[tuple[ListedDuty, ...], int | None]:
    """Return the duties behind a count, and where the next page begins.

    Raises NotFound, NotAllowed.
    """
    place = place_of(session, organisation_id)
    action = Action.VIEW_BOARD if wanted.own else Action.VIEW_BOARD_BELOW
    require(actor, action, OrganisationView(place.id, place.path))
    known = catalogue(session).duties
    rows = session.execute(
        select(DutyRow, Organisation.short_name, Finding.id.label("finding_id"))
        .join(Organisation, Organisation.id == DutyRow.organisation_id)
        .outerjoin(Finding, and_(Finding.duty_id == DutyRow.id, Finding.outcome == "not_met"))
        .where(*conditions(place, wanted), DutyRow.key.in_(list(known)), DutyRow.id > after)
        .order_by(DutyRow.id)
        .limit(limit + 1)
    ).all()
    matters = _of_duties(session, [row.DutyRow.id for row in rows[:limit]])
    found = tuple(
        ListedDuty(
            id=row.DutyRow.id,
            organisation_id=row.DutyRow.organisation_id,
            organisation_name=row.short_name,
            known=known[row.DutyRow.key],
            period=period_words(
                known[row.DutyRow.key].duty.period, row.DutyRow.since, row.DutyRow.until
            ),
            due_on=row.DutyRow.due_on,
            done_on=row.DutyRow.done_on,
            done=row.DutyRow.done,
            times=row.DutyRow.times,
            state=DutyState(row.DutyRow.state),
            matters=matters.get(row.DutyRow.id, ()),
            finding_id=row.finding_id,
        )
        for row in rows[:limit]
    )
    return found, found[-1].id if len(rows) > limit else None


def list_matters(
    session: Session,
    actor: Actor,
    organisation_id: int,
    *,
    process: str | None = None,
    stage: str | None = None,
    after: int = 0,
    limit: int = PAGE,
) -> tuple[tuple[ListedMatter, ...], int | None]:
    """Return the running matters behind a count, and where the next page begins."""
    place = board_place(session, actor, organisation_id)
    wanted = (
        select(
            Instance.id,
            Instance.prefix,
            Instance.year,
            Instance.serial,
            Instance.title,
            Instance.stage,
            Instance.version_id,
            Instance.started_on,
            Organisation.short_name,
        )
        .join(Organisation, Organisation.id == Instance.organisation_id)
        .where(*running(actor, place), Instance.id > after)
        .order_by(Instance.id)
        .limit(limit + 1)
    )
    if process is not None:
        versions = select(ProcessVersion.id).where(ProcessVersion.key == process)
        wanted = wanted.where(Instance.version_id.in_(versions))
    if stage is not None:
        wanted = wanted.where(func.coalesce(Instance.stage, "") == stage)
    rows = session.execute(wanted).all()
    found = []
    for row in rows[:limit]:
        package = load_definition(session, row.version_id).package
        found.append(
            ListedMatter(
                row.id,
                format_number(row.prefix, row.year, row.serial),
                row.title,
                row.short_name,
                package.title,
                next((s.title for s in package.stages if s.id == row.stage), ""),
                row.started_on,
            )
        )
    return tuple(found), found[-1].id if len(rows) > limit else None


def _of_duties(session: Session, ids: Sequence[int]) -> Mapping[int, tuple[tuple[int, str], ...]]:
    rows = session.execute(
        text(
            "SELECT DISTINCT e.duty_id, i.id, i.prefix, i.year, i.serial FROM duty_event e"
            " JOIN instance i ON i.id = e.instance_id WHERE e.duty_id = ANY(:ids) ORDER BY i.id"
        ),
        {"ids": list(ids)},
    )
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for row in rows:
        found[row.duty_id].append((row.id, format_number(row.prefix, row.year, row.serial)))
    return {id: tuple(matters) for id, matters in found.items()}
