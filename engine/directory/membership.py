"""Membership as a dated timeline: the status on a day is the latest point on or before it.

Two points of the same day: the one recorded later counts. Revoked points count never.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import BigInteger, any_, func, insert, literal, select, true, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import after_commit
from engine.directory.codes import MembershipStatus
from engine.directory.models import Membership, Person
from engine.errors import NotFound
from engine.signals import membership_changed


@dataclass(frozen=True)
class Standing:
    """Where a person stands on a day: since when, and at which organisation."""

    status: MembershipStatus
    since: date | None = None
    organisation_id: int | None = None


NO_STANDING = Standing(MembershipStatus.NONE)


def status_on(session: Session, person_id: int, day: date) -> MembershipStatus:
    """Return the membership status of a person on a day; NONE before the timeline begins."""
    return standing_on(session, person_id, day).status


def statuses_on(
    session: Session, person_ids: Iterable[int], day: date
) -> dict[int, MembershipStatus]:
    """Return the status of each person on a day, in one query."""
    return {who: found.status for who, found in standings_on(session, person_ids, day).items()}


def standing_on(session: Session, person_id: int, day: date) -> Standing:
    """Return status, since and organisation of a person on a day."""
    return standings_on(session, [person_id], day)[person_id]


def standings_on(session: Session, person_ids: Iterable[int], day: date) -> dict[int, Standing]:
    """Return the standing of each person on a day, in one query."""
    wanted = list(person_ids)
    given = func.unnest(literal(wanted, ARRAY(BigInteger)))
    people = given.table_valued("id", name="wanted").render_derived()
    latest = (
        select(Membership.status, Membership.since, Membership.organisation_id)
        .where(
            Membership.person_id == people.c.id,
            Membership.since <= day,
            Membership.revoked_at.is_(None),
        )
        .order_by(Membership.since.desc(), Membership.id.desc())
        .limit(1)
        .lateral()
    )
    rows = session.execute(
        select(
            people.c.id.label("person_id"),
            latest.c.status,
            latest.c.since,
            latest.c.organisation_id,
        ).join_from(people, latest, true())
    )
    found = {
        row.person_id: Standing(MembershipStatus(row.status), row.since, row.organisation_id)
        for row in rows
    }
    return {person_id: found.get(person_id, NO_STANDING) for person_id in wanted}


def timeline(session: Session, person_id: int) -> list[Membership]:
    """Return the points of a person's timeline that count, in order."""
    return list(
        session.scalars(
            select(Membership)
            .where(Membership.person_id == person_id, Membership.revoked_at.is_(None))
            .order_by(Membership.since, Membership.id)
        )
    )


def set_status(
    session: Session,
    person_id: int,
    status: MembershipStatus,
    since: date,
    *,
    clock: Clock,
    organisation_id: int | None = None,
    source: tuple[int, int] | None = None,
    note: str | None = None,
) -> int | None:
    """Add a point to a person's timeline and return its id; None when nothing would change.

    ``organisation_id`` None keeps the organisation he has on that day. ``source`` is the ledger
    entry (chain id, seq) that causes it; None when an administrator records it by hand.
    Raises NotFound.
    """
    person = session.get(Person, person_id, with_for_update=True)
    if person is None:
        raise NotFound()
    standing = standing_on(session, person_id, since)
    if organisation_id is None:
        organisation_id = standing.organisation_id or person.organisation_id
    if (standing.status, standing.organisation_id) == (status, organisation_id):
        return None
    chain, seq = source or (None, None)
    made = Membership(
        person_id=person_id,
        status=MembershipStatus(status),
        since=since,
        organisation_id=organisation_id,
        recorded_at=clock.now(),
        source_chain=chain,
        source_seq=seq,
        note=note,
    )
    session.add(made)
    session.flush()
    _keep_current(session, person, clock)
    _announce(session, person_id, MembershipStatus(status), since)
    return made.id


@dataclass(frozen=True)
class TimelinePoint:
    """A point to add to a person's timeline; ``organisation_id`` None where it is not known."""

    person_id: int
    status: MembershipStatus
    since: date
    organisation_id: int | None
    note: str | None = None


def add_points(session: Session, points: Sequence[TimelinePoint], *, clock: Clock) -> None:
    """Add points that were checked before, of many people at once.

    For imports: :func:`set_status` asks what stands already, point by point. Whoever stands at
    another organisation today than before is moved there.
    """
    recorded_at = clock.now()
    values = [
        {**vars(point), "status": point.status.value, "recorded_at": recorded_at}
        for point in points
    ]
    session.execute(insert(Membership), values)
    people = sorted({point.person_id for point in points})
    rows = session.execute(
        select(Person.id, Person.organisation_id).where(
            Person.id == any_(literal(people, ARRAY(BigInteger)))
        )
    )
    current = standings_on(session, people, clock.today())
    moved = [
        {"id": row.id, "organisation_id": now, "group_id": None}
        for row in rows
        if (now := current[row.id].organisation_id) not in (None, row.organisation_id)
    ]
    if moved:
        session.execute(update(Person), moved)
    for point in points:
        _announce(session, point.person_id, point.status, point.since)


def revoke_since(session: Session, source_chain: int, seq: int, *, clock: Clock) -> list[int]:
    """Revoke what a matter's ledger entries from ``seq`` on have set; return the people touched.

    A send-back undoes the steps from there on, so their effects on membership go too.
    """
    people = session.scalars(
        update(Membership)
        .where(
            Membership.source_chain == source_chain,
            Membership.source_seq >= seq,
            Membership.revoked_at.is_(None),
        )
        .values(revoked_at=clock.now())
        .returning(Membership.person_id)
    ).all()
    touched = sorted(set(people))
    for person_id in touched:
        person = session.get(Person, person_id, with_for_update=True)
        assert person is not None
        _keep_current(session, person, clock)
        now = standing_on(session, person_id, clock.today())
        _announce(session, person_id, now.status, now.since)
    return touched


def _keep_current(session: Session, person: Person, clock: Clock) -> None:
    """Let ``person.organisation_id`` say what the timeline says of today."""
    current = standing_on(session, person.id, clock.today()).organisation_id
    if current is not None and current != person.organisation_id:
        person.organisation_id = current
        person.group_id = None  # a group belongs to the branch he has left
        session.flush()


def _announce(
    session: Session, person_id: int, status: MembershipStatus, since: date | None
) -> None:
    after_commit(
        session,
        lambda: membership_changed.send(
            None, person_id=person_id, status=status.value, since=since
        ),
    )
