"""The board of a superior: what all organisations below owe, counted; each count has its list.

What is counted are periods that end in the chosen span of days. Every list is asked with the same
conditions as the count that leads to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from engine.calendars.arithmetic import Period
from engine.compliance.models import Finding
from engine.database import read
from engine.definitions.versions import load_definition
from engine.directory.actors import Actor
from engine.directory.codes import BRANCH_KINDS, OrganisationKind, PostKind
from engine.directory.models import Organisation
from engine.directory.policy import (
    Action,
    SupervisedColumns,
    may,
    require,
    supervised,
    visible_matters,
)
from engine.directory.rights import COMMITTEE, LEADING
from engine.directory.things import OrganisationView
from engine.duties.board_views import (
    PAGE,
    Below,
    Board,
    ByDuty,
    DutyFilter,
    Place,
    Ranked,
    Ranking,
    Stage,
    Tally,
)
from engine.duties.catalogue import catalogue
from engine.duties.codes import DutyState
from engine.duties.models import DutyRow
from engine.duties.strips import count_states, months_of
from engine.errors import NotAllowed, NotFound
from engine.runtime.models import MATTER_COLUMNS, Instance

LEAVES: Final = BRANCH_KINDS | {OrganisationKind.GROUP}
"""Organisations that have a year of their own and no board."""
_FINDINGS = SupervisedColumns(Finding.instance_id, Finding.organisation_id, Finding.path)
_LONGEST = timedelta(days=366)


def home(session: Session, actor: Actor) -> Place:
    """Return where the actor's posts look down from; else his own organisation.

    Raises NotAllowed for somebody without a post that sees a board.
    """
    seeing = LEADING | {PostKind.AUDITOR}
    own = COMMITTEE | {PostKind.GROUP_LEADER}
    posts = [post for post in actor.posts if post.kind in seeing]
    posts = posts or [post for post in actor.posts if post.kind in own]
    if not posts:
        raise NotAllowed
    highest = min(posts, key=lambda post: (post.path.count("/"), post.path))
    return place_of(session, highest.organisation_id)


def board_place(session: Session, actor: Actor, organisation_id: int) -> Place:
    """Return an organisation whose board the actor may see, with all below it.

    Raises NotFound, NotAllowed.
    """
    place = place_of(session, organisation_id)
    require(actor, Action.VIEW_BOARD_BELOW, OrganisationView(place.id, place.path))
    return place


def show_board(session: Session, actor: Actor, organisation_id: int, span: Period) -> Board:
    """Return the board of an organisation. Raises NotFound, NotAllowed."""
    place = board_place(session, actor, organisation_id)
    by_place, by_key = _counted(session, place, span)
    known = catalogue(session).duties
    matters, stages = _matters(session, actor, place)
    findings, hard, warning = _findings(session, actor, place, span)
    return Board(
        place=place,
        span=span,
        above=_above(session, actor, place),
        below=_below(session, place, by_place, matters, findings),
        duties=tuple(ByDuty(known[key], by_key[key]) for key in known if key in by_key),
        stages=stages,
        hard=hard,
        warning=warning,
    )


def _counted(
    session: Session, place: Place, span: Period
) -> tuple[dict[int, Tally], dict[str, Tally]]:
    """Return the periods by organisation directly below (the place itself too), and by duty."""
    year, first, last = months_of(span)
    given = {"year": year, "below": f"{place.path}%", "depth": place.depth + 2}
    places: dict[int, Tally] = defaultdict(Tally)
    keys: dict[str, Tally] = defaultdict(Tally)
    for row in read(session, _STATES, given):
        tally = count_states(row.states, first, last).times(row.n)
        if tally.all:
            below = int(row.place) if row.place else place.id
            places[below] += tally
            keys[row.key] += tally
    return places, keys


_STATES = """
    SELECT split_part(path, '/', %(depth)s) AS place, key, states, count(*) AS n FROM duty_year
    WHERE year = %(year)s AND path LIKE %(below)s GROUP BY 1, 2, 3
"""

_ALL_STATES = """
    SELECT organisation_id AS id, string_agg(states, '') AS states FROM duty_year
    WHERE year = %(year)s AND path LIKE %(below)s GROUP BY 1
"""


def conditions(place: Place, wanted: DutyFilter) -> list[ColumnElement[bool]]:
    """Return the clauses for the duties of a count."""
    found = [
        DutyRow.organisation_id == place.id if wanted.own else DutyRow.path.like(f"{place.path}%"),
        DutyRow.since >= wanted.span.first - _LONGEST,
        DutyRow.until.between(wanted.span.first, wanted.span.last),
    ]
    if wanted.key is not None:
        found.append(DutyRow.key == wanted.key)
    if wanted.state is not None:
        found.append(DutyRow.state == str(wanted.state))
    else:
        found.append(DutyRow.state != str(DutyState.LAPSED))
    return found


def _below(
    session: Session,
    place: Place,
    tallies: Mapping[int, Tally],
    matters: Mapping[int, int],
    findings: Mapping[int, int],
) -> tuple[Below, ...]:
    children = session.execute(
        select(Organisation.id, Organisation.short_name, Organisation.kind)
        .where(Organisation.parent_id == place.id)
        .order_by(Organisation.code)
    ).all()
    known = [(place.id, place.name, place.kind), *((c.id, c.short_name, c.kind) for c in children)]
    return tuple(
        Below(
            id,
            name,
            kind,
            id == place.id,
            tallies.get(id, Tally()),
            matters.get(id, 0),
            findings.get(id, 0),
        )
        for id, name, kind in known
        if id in tallies or id in matters or id in findings
    )


def _matters(
    session: Session, actor: Actor, place: Place
) -> tuple[dict[int, int], tuple[Stage, ...]]:
    """Return the running matters by organisation directly below, and by stage."""
    rows = session.execute(
        select(
            func.split_part(Instance.path, "/", place.depth + 2).label("place"),
            Instance.version_id,
            Instance.stage,
            func.count().label("n"),
        )
        .where(*running(actor, place))
        .group_by("place", Instance.version_id, Instance.stage)
    )
    places: dict[int, int] = defaultdict(int)
    stages: dict[tuple[str, str], Stage] = {}
    for row in rows:
        places[int(row.place) if row.place else place.id] += row.n
        package = load_definition(session, row.version_id).package
        title = next((s.title for s in package.stages if s.id == row.stage), "")
        key = package.key, row.stage or ""
        before = stages.get(key)
        stages[key] = Stage(
            package.key,
            package.title,
            row.stage or "",
            title,
            row.n + (before.matters if before else 0),
        )
    return places, tuple(stages[key] for key in sorted(stages))


def running(actor: Actor, place: Place) -> list[ColumnElement[bool]]:
    """Return the clauses for the matters that run."""
    return [
        Instance.status.in_(("active", "suspended")),
        Instance.path.like(f"{place.path}%"),
        visible_matters(actor, MATTER_COLUMNS),
    ]


def _findings(
    session: Session, actor: Actor, place: Place, span: Period
) -> tuple[dict[int, int], int, int]:
    """Return what is not met, by organisation directly below, and in all by severity."""
    rows = session.execute(
        select(
            func.split_part(Finding.path, "/", place.depth + 2).label("place"),
            Finding.severity,
            func.count().label("n"),
        )
        .where(
            Finding.outcome == "not_met",
            Finding.path.like(f"{place.path}%"),
            Finding.day.between(span.first, span.last),
            supervised(actor, _FINDINGS, MATTER_COLUMNS),
        )
        .group_by("place", Finding.severity)
    )
    places: dict[int, int] = defaultdict(int)
    severities: dict[str, int] = defaultdict(int)
    for row in rows:
        places[int(row.place) if row.place else place.id] += row.n
        severities[row.severity] += row.n
    return places, severities["hard"], severities["warning"]


def show_ranking(
    session: Session,
    actor: Actor,
    organisation_id: int,
    span: Period,
    *,
    worst: bool = False,
    page: int = 0,
) -> Ranking:
    """Return organisations by the share that they did in time, the best or the worst first.

    Of equal shares the one with fewer late periods comes first, then the one with fewer made up;
    what is equal in all has the same rank. Raises NotFound, NotAllowed.
    """
    place = board_place(session, actor, organisation_id)
    year, first, last = months_of(span)
    given = {"year": year, "below": f"{place.path}%"}
    judged = sorted(
        (merit(tally), row.id, tally)
        for row in read(session, _ALL_STATES, given)
        if (tally := count_states(row.states, first, last)).ended
    )
    ranks: list[int] = []
    for position, (worth, _, _) in enumerate(judged):
        same = position > 0 and judged[position - 1][0] == worth
        ranks.append(ranks[-1] if same else position + 1)
    order = list(zip(ranks, judged, strict=True))
    shown = (order[::-1] if worst else order)[PAGE * page : PAGE * (page + 1)]
    names = _names(session, [id for _, (_, id, _) in shown])
    return Ranking(
        place=place,
        span=span,
        above=_above(session, actor, place),
        rows=tuple(Ranked(rank, id, *names[id], tally) for rank, (_, id, tally) in shown),
        count=len(judged),
        worst=worst,
        page=page,
    )


def merit(tally: Tally) -> tuple[float, int, int]:
    """Return what organisations are ordered by: the smaller, the better.

    A division is rounded correctly, so equal shares of small numbers are equal.
    """
    return (-tally.done / tally.ended, tally.late, tally.made_up)


def _names(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return the names of organisations, each with that of the one above it."""
    above = aliased(Organisation)
    rows = session.execute(
        select(Organisation.id, Organisation.short_name, above.short_name.label("above"))
        .outerjoin(above, above.id == Organisation.parent_id)
        .where(Organisation.id.in_(ids))
    )
    return {row.id: (row.short_name, row.above or "") for row in rows}


def place_of(session: Session, organisation_id: int) -> Place:
    """Return an organisation as the board needs it. Raises NotFound."""
    found = session.get(Organisation, organisation_id)
    if found is None:
        raise NotFound
    return Place(found.id, found.short_name, found.path, found.kind)


def _above(session: Session, actor: Actor, place: Place) -> tuple[Place, ...]:
    ids = [int(part) for part in place.path.strip("/").split("/")[:-1]]
    rows: Any = session.scalars(select(Organisation).where(Organisation.id.in_(ids)))
    line = sorted((Place(o.id, o.short_name, o.path, o.kind) for o in rows), key=lambda p: p.depth)
    return tuple(
        p for p in line if may(actor, Action.VIEW_BOARD_BELOW, OrganisationView(p.id, p.path))
    )
