"""What of a tally people see: those who lead the members one by one, a member the own line only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.directory.actors import Actor
from engine.directory.models import Organisation
from engine.directory.policy import Action, may
from engine.directory.things import OrganisationView
from engine.duties.catalogue import KnownDuty, catalogue
from engine.duties.codes import DutyState
from engine.duties.findings import period_words
from engine.duties.models import DutyRow
from engine.duties.tallies import PlaceTally, tallies
from engine.errors import NotFound, Translatable
from engine.runtime.models import Instance, format_number


@dataclass(frozen=True)
class TallyView:
    """A tally of an organisation and a period."""

    known: KnownDuty
    organisation: Organisation
    since: date
    until: date
    state: DutyState
    period: Translatable
    tally: PlaceTally
    own_only: bool
    """Only the line of whoever looks is in it."""
    numbers: Mapping[int, str]
    """Number of each matter behind the figures."""


@dataclass(frozen=True)
class OwnTally:
    """Where a person finds the own line."""

    duty_id: int
    known: KnownDuty
    period: Translatable
    done: float
    owed: float | None


def tally_seen(session: Session, actor: Actor, duty_id: int) -> TallyView:
    """Return a tally as far as the actor may see it. Raises NotFound."""
    row = session.get(DutyRow, duty_id)
    known = catalogue(session).duties.get(row.key) if row is not None else None
    if row is None or known is None or known.duty.tally is None:
        raise NotFound
    place = session.get_one(Organisation, row.organisation_id)
    whole = tallies(session, known, [place.id], row.since, row.until)[place.id]
    leads = may(actor, Action.VIEW_TALLY, OrganisationView(place.id, place.path))
    if not leads:
        whole = _own(whole, actor)
        if not whole.members:
            raise NotFound
    matters = {credit.instance_id for member in whole.members for credit in member.credits}
    return TallyView(
        known=known,
        organisation=place,
        since=row.since,
        until=row.until,
        state=DutyState(row.state),
        period=period_words(known.duty.period, row.since, row.until),
        tally=whole,
        own_only=not leads,
        numbers=_numbers(session, matters),
    )


def own_tallies(session: Session, actor: Actor, day: date) -> Sequence[OwnTally]:
    """Return what the actor has gathered in the periods that run."""
    duties = {k: one for k, one in catalogue(session).duties.items() if one.duty.tally is not None}
    if not duties or actor.organisation_id is None:
        return ()
    rows = session.scalars(
        select(DutyRow).where(
            DutyRow.organisation_id == actor.organisation_id,
            DutyRow.key.in_(duties),
            DutyRow.since <= day,
            DutyRow.until >= day,
        )
    )
    found = []
    for row in rows:
        known = duties[row.key]
        counted = tallies(session, known, [row.organisation_id], row.since, row.until)
        for member in _own(counted[row.organisation_id], actor).members:
            words = period_words(known.duty.period, row.since, row.until)
            found.append(OwnTally(row.id, known, words, member.done, member.owed))
    return found


def _own(tally: PlaceTally, actor: Actor) -> PlaceTally:
    return replace(tally, members=tuple(m for m in tally.members if m.person_id == actor.person_id))


def _numbers(session: Session, matters: set[int]) -> Mapping[int, str]:
    rows = session.execute(
        select(Instance.id, Instance.prefix, Instance.year, Instance.serial).where(
            Instance.id.in_(matters)
        )
    )
    return {row.id: format_number(row.prefix, row.year, row.serial) for row in rows}
