"""The board of a superior: what all organisations below owe, counted; each count has its list.

What is counted are periods that end in the chosen span of days. Every list is asked with the same
conditions as the count that leads to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from engine.calendars.arithmetic import Period
from engine.compliance.models import Finding
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
    c = (
        select(
            func.split_part(DutyRow.path, "/", place.depth + 2).label("place"),
            DutyRow.key,
            DutyRow.state,
            func.count().label("n"),
        )
        .where(*conditions(place, DutyFilter(span)))
        .group_by("place", DutyRow.key, DutyRow.state)
    )
    places: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    keys: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for below, key, state, n in session.execute(c):
        places[int(below) if below else place.id][state] += n
        keys[key][state] += n
    return (
        {id: Tally(**states) for id, states in places.items()},
        {key: Tally(**states) for key, states in keys.items()},
    )


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


_RANKING = text(
    """
    WITH counted AS (
        SELECT organisation_id, count(*) FILTER (WHERE state = 'done') AS done,
            count(*) FILTER (WHERE state = 'made_up') AS made_up,
            count(*) FILTER (WHERE state = 'late') AS late,
            count(*) FILTER (WHERE state = 'due') AS due,
            count(*) FILTER (WHERE state = 'planned') AS planned
        FROM duty
        WHERE path LIKE :below AND since >= :oldest AND until BETWEEN :first AND :last
            AND state <> 'lapsed'
        GROUP BY organisation_id
    ),
    ranked AS (
        SELECT c.*, rank() OVER (ORDER BY done::numeric / (done + made_up + late) DESC,
            late, made_up) AS rank, count(*) OVER () AS whole
        FROM counted c WHERE done + made_up + late > 0
    )
    SELECT r.*, o.short_name, above.short_name AS above
    FROM ranked r JOIN organisation o ON o.id = r.organisation_id
    LEFT JOIN organisation above ON above.id = o.parent_id
    ORDER BY CASE WHEN :worst THEN -r.rank ELSE r.rank END, o.code LIMIT :limit OFFSET :offset
    """
)


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
    rows = session.execute(
        _RANKING,
        {
            "below": f"{place.path}%",
            "oldest": span.first - _LONGEST,
            "first": span.first,
            "last": span.last,
            "worst": worst,
            "limit": PAGE,
            "offset": PAGE * page,
        },
    ).all()
    return Ranking(
        place=place,
        span=span,
        above=_above(session, actor, place),
        rows=tuple(
            Ranked(
                row.rank,
                row.organisation_id,
                row.short_name,
                row.above or "",
                Tally(row.done, row.made_up, row.late, row.due, row.planned),
            )
            for row in rows
        ),
        count=rows[0].whole if rows else 0,
        worst=worst,
        page=page,
    )


def place_of(session: Session, organisation_id: int) -> Place:
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
