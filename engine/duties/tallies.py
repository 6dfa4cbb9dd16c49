"""Who of an organisation has gathered how much in a period, and how much is lacking.

Who belonged to the organisation for the whole period owes the whole; a parameter says whether who
came or left within it owes nothing that is judged here, a part, or the whole. Those on the
committee for the whole period owe what the leading body owes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.compliance.parameter_store import all_settings
from engine.compliance.parameters import ancestry_of
from engine.definitions.duties import DutyPeriod
from engine.directory.codes import COMMITTEE_POSTS, PARTY_MEMBERS
from engine.directory.models import Membership, Organisation, Person, Post
from engine.duties.catalogue import KnownDuty
from engine.duties.models import DutyEvent
from engine.duties.parameters import Local, view_at
from engine.duties.periods import periods_between

NOT_JUDGED: Final = "not_judged"
PRO_RATA: Final = "pro_rata"
WHOLE: Final = "whole"
"""What who came or left within a period owes: values of the parameter ``part_period``."""

Span = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Credit:
    """What a step credits a person with."""

    instance_id: int
    day: date
    amount: float


@dataclass(frozen=True, slots=True)
class MemberTally:
    """How far a member is."""

    person_id: int
    name: str
    leading: bool
    whole: bool
    """They belonged to the organisation for the whole period."""
    owed: float | None
    """None: not judged."""
    credits: tuple[Credit, ...]

    @property
    def done(self) -> float:
        """Return what was gathered."""
        return sum(credit.amount for credit in self.credits)

    @property
    def lacking(self) -> float:
        """Return how much is lacking; 0 for enough, or where nothing is judged."""
        return max(0.0, (self.owed or 0.0) - self.done)


@dataclass(frozen=True)
class PlaceTally:
    """How far the members of an organisation are."""

    least: int
    leading: int
    part_period: str
    members: tuple[MemberTally, ...]

    @property
    def judged(self) -> int:
        """Return of how many members it is judged."""
        return sum(member.owed is not None for member in self.members)

    @property
    def short(self) -> tuple[MemberTally, ...]:
        """Return those who lack something."""
        return tuple(member for member in self.members if member.lacking > 0)

    @property
    def lacking(self) -> float:
        """Return how much they lack together."""
        return sum(member.lacking for member in self.short)


def tallies(
    session: Session, known: KnownDuty, places: Sequence[int], since: date, until: date
) -> dict[int, PlaceTally]:
    """Return how far the members of organisations are in a period, by organisation."""
    tally = known.duty.tally
    assert tally is not None, known.key
    members = _members(session, places, until)
    posts = _committee(session, places, since, until)
    credits = _credits(session, known.key, places, since, until)
    settings = all_settings(session)
    paths = session.execute(
        select(Organisation.id, Organisation.path).where(Organisation.id.in_(places))
    )
    length = (until - since).days + 1
    found = {}
    for place in paths:
        local = Local(view_at(known.declared, settings, ancestry_of(place.path)), until)
        least, leading = local.amount(tally.least), local.amount(tally.leading)
        rule = str(local.value(tally.part_period))
        lines = []
        for person, (name, spans) in members[place.id].items():
            days = _days(spans, since, until)
            if not days:
                continue
            whole = days == length
            leads = _days(posts[place.id, person], since, until) == length
            amount = leading if leads else least
            owed = _owed(amount, whole, rule, spans, since, until)
            got = tuple(credits[place.id, person])
            lines.append(MemberTally(person, name, leads, whole, owed, got))
        lines.sort(key=lambda line: (-line.lacking, line.person_id))
        found[place.id] = PlaceTally(least, leading, rule, tuple(lines))
    return found


def _owed(
    amount: int, whole: bool, rule: str, spans: Sequence[Span], since: date, until: date
) -> float | None:
    if whole or rule == WHOLE:
        return float(amount)
    if rule != PRO_RATA:
        return None
    months = list(periods_between(DutyPeriod.MONTH, since, until, 1))
    full = sum(_days(spans, m.first, m.last) == (m.last - m.first).days + 1 for m in months)
    return float(amount * full // len(months))


def _days(spans: Iterable[Span], since: date, until: date) -> int:
    """Return how many days of a period lie in one of the spans at least."""
    count, after = 0, since
    for first, last in sorted(spans):
        start, end = max(first, after), min(last, until)
        if start <= end:
            count += (end - start).days + 1
            after = end + timedelta(days=1)
    return count


def _members(
    session: Session, places: Sequence[int], until: date
) -> dict[int, dict[int, tuple[str, list[Span]]]]:
    """Return when Party members belonged to the organisations: name and spans by person."""
    # Of who came from outside it is not recorded where they were before: not here.
    here = Membership.organisation_id
    ever = select(Membership.person_id).where(
        here.in_(places), Membership.revoked_at.is_(None), Membership.since <= until
    )
    rows = session.execute(
        select(
            Membership.person_id,
            Person.name,
            Membership.status,
            Membership.since,
            here.label("place"),
        )
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.person_id.in_(ever),
            Membership.revoked_at.is_(None),
            Membership.since <= until,
        )
        .order_by(Membership.person_id, Membership.since, Membership.id)
    ).all()
    found: dict[int, dict[int, tuple[str, list[Span]]]] = defaultdict(dict)
    for number, row in enumerate(rows):
        following = rows[number + 1] if number + 1 < len(rows) else None
        same = following is not None and following.person_id == row.person_id
        last = following.since - timedelta(days=1) if same and following else until
        if row.status in PARTY_MEMBERS and row.place in places and row.since <= last:
            _, spans = found[row.place].setdefault(row.person_id, (row.name, []))
            spans.append((row.since, last))
    return found


def _committee(
    session: Session, places: Sequence[int], since: date, until: date
) -> Mapping[tuple[int, int], list[Span]]:
    rows = session.execute(
        select(Post.organisation_id, Post.person_id, Post.since, Post.until).where(
            Post.organisation_id.in_(places),
            Post.kind.in_([str(kind) for kind in COMMITTEE_POSTS]),
            Post.since <= until,
            Post.until.is_(None) | (Post.until >= since),
        )
    )
    found: dict[tuple[int, int], list[Span]] = defaultdict(list)
    for row in rows:
        found[row.organisation_id, row.person_id].append((row.since, row.until or until))
    return found


def _credits(
    session: Session, key: str, places: Sequence[int], since: date, until: date
) -> Mapping[tuple[int, int], list[Credit]]:
    rows: Iterable[Any] = session.execute(
        select(DutyEvent.organisation_id, DutyEvent.instance_id, DutyEvent.day, DutyEvent.shares)
        .where(
            DutyEvent.key == key,
            DutyEvent.organisation_id.in_(places),
            DutyEvent.day.between(since, until),
        )
        .order_by(DutyEvent.day, DutyEvent.instance_id, DutyEvent.seq)
    )
    found: dict[tuple[int, int], list[Credit]] = defaultdict(list)
    for row in rows:
        for person, amount in (row.shares or {}).items():
            credit = Credit(row.instance_id, row.day, float(amount))
            found[row.organisation_id, int(person)].append(credit)
    return found
