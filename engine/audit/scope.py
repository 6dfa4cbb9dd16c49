"""What an auditor looks at: the filters of the lists, always within what the policy lets see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from engine.compliance.findings import FindingState
from engine.compliance.models import Finding
from engine.compliance.results import Outcome, Severity
from engine.directory.actors import Actor
from engine.directory.codes import PostKind
from engine.directory.models import Organisation
from engine.directory.policy import (
    Action,
    Audience,
    SupervisedColumns,
    audiences,
    may,
    require,
    supervised,
)
from engine.directory.rights import COMMITTEE
from engine.directory.things import OrganisationView
from engine.errors import NotAllowed, NotFound
from engine.runtime.models import MATTER_COLUMNS, Instance

FINDINGS = SupervisedColumns(Finding.instance_id, Finding.organisation_id, Finding.path)
MATTERS = SupervisedColumns(Instance.id, Instance.organisation_id, Instance.path)


@dataclass(frozen=True)
class FindingFilter:
    """Which findings are wanted; what is None is not asked."""

    process: str | None = None
    rule: str | None = None
    regulation: str | None = None
    edition: str | None = None
    article: str | None = None
    organisation_id: int | None = None
    severity: Severity | None = None
    since: date | None = None
    until: date | None = None
    state: FindingState | None = None
    outcome: Outcome | None = Outcome.NOT_MET


@dataclass(frozen=True)
class Place:
    """An organisation that is looked at, with all below it."""

    id: int
    name: str
    path: str

    @property
    def depth(self) -> int:
        """Return how many organisations stand on its path, itself included."""
        return self.path.count("/") - 1


@dataclass(frozen=True)
class Around:
    """The chosen organisation with those above it that may be looked at, and those below."""

    place: Place
    above: tuple[Place, ...]
    below: tuple[Place, ...]
    roots: tuple[Place, ...]
    """Where the actor's posts reach from."""


def findings_seen(actor: Actor) -> ColumnElement[bool]:
    """Return the clause for the findings that the actor may see."""
    return supervised(actor, FINDINGS, MATTER_COLUMNS)


def matters_seen(actor: Actor) -> ColumnElement[bool]:
    """Return the clause for the matters in which the actor may see findings."""
    return supervised(actor, MATTERS, MATTER_COLUMNS)


def require_audience(actor: Actor) -> None:
    """Raise NotAllowed unless the auditors' part of the web is for the actor."""
    if Audience.AUDIT not in audiences(actor):
        raise NotAllowed


def place_of(session: Session, actor: Actor, organisation_id: int | None) -> Place:
    """Return the organisation to look at: the one wanted, or where the actor's posts begin.

    Raises NotFound, and NotAllowed where the actor may not see its findings.
    """
    if organisation_id is None:
        roots = roots_of(session, actor)
        if not roots:
            raise NotAllowed
        return roots[0]
    found = session.get(Organisation, organisation_id)
    if found is None:
        raise NotFound
    require(actor, Action.VIEW_FINDINGS, OrganisationView(found.id, found.path))
    return Place(found.id, found.short_name, found.path)


def roots_of(session: Session, actor: Actor) -> tuple[Place, ...]:
    """Return the organisations from which the actor's posts look down, the highest first."""
    supervising = COMMITTEE | {PostKind.AUDITOR}
    ids = {post.organisation_id for post in actor.posts if post.kind in supervising}
    rows = session.scalars(select(Organisation).where(Organisation.id.in_(ids)))
    places = sorted((Place(o.id, o.short_name, o.path) for o in rows), key=lambda p: p.path)
    kept: list[Place] = []
    for place in places:
        if not any(place.path.startswith(other.path) for other in kept):
            kept.append(place)
    return tuple(sorted(kept, key=lambda place: (place.depth, place.path)))


def around(session: Session, actor: Actor, place: Place) -> Around:
    """Return what an organisation can be left for."""
    ids = [int(part) for part in place.path.strip("/").split("/")[:-1]]
    rows = session.scalars(select(Organisation).where(Organisation.id.in_(ids)))
    line = sorted((Place(o.id, o.short_name, o.path) for o in rows), key=lambda p: p.depth)
    children = session.scalars(
        select(Organisation)
        .where(
            Organisation.parent_id == place.id,
            Organisation.kind != "group",
            Organisation.dissolved_on.is_(None),
        )
        .order_by(Organisation.id)
    )
    return Around(
        place,
        tuple(p for p in line if may(actor, Action.VIEW_FINDINGS, OrganisationView(p.id, p.path))),
        tuple(
            Place(o.id, o.short_name, o.path)
            for o in children
            if may(actor, Action.VIEW_FINDINGS, OrganisationView(o.id, o.path))
        ),
        roots_of(session, actor),
    )


def conditions(session: Session, actor: Actor, wanted: FindingFilter) -> list[ColumnElement[bool]]:
    """Return the clauses of a filter, with what the actor may see.

    Raises NotFound or NotAllowed for an organisation that the actor may not look at.
    """
    found = [findings_seen(actor)]
    if wanted.organisation_id is not None:
        place = place_of(session, actor, wanted.organisation_id)
        found.append(Finding.path.like(f"{place.path}%"))
    if wanted.process is not None:
        found.append(Finding.process_key == wanted.process)
    if wanted.rule is not None:
        found.append(Finding.rule == wanted.rule)
    if wanted.regulation is not None:
        found.append(Finding.regulation == wanted.regulation)
    if wanted.edition is not None:
        found.append(Finding.edition == wanted.edition)
    if wanted.article is not None:
        found.append(Finding.articles.contains([wanted.article]))
    if wanted.severity is not None:
        found.append(Finding.severity == str(wanted.severity))
    if wanted.since is not None:
        found.append(Finding.day >= wanted.since)
    if wanted.until is not None:
        found.append(Finding.day <= wanted.until)
    if wanted.state is not None:
        found.append(Finding.state == str(wanted.state))
    if wanted.outcome is not None:
        found.append(Finding.outcome == str(wanted.outcome))
    else:
        # What is only to come is no problem yet.
        found.append(Finding.outcome != str(Outcome.PENDING))
    return found
