"""What has happened since the sweep last looked, as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.definitions.versions import load_definition
from engine.directory.codes import PostKind
from engine.duties.codes import DutyState
from engine.duties.queries import duty_lines
from engine.notifications.cursors import Stretch
from engine.notifications.kinds import TABLE, NoticeKind
from engine.notifications.telling import Line, micros
from engine.runtime.models import NO_LIMIT

# Who may do a task on a day, as its rows in the inboxes say: those whom it names, the holders of
# the posts it names, and who stands in for them. Nobody is told by a post of their own matter.
_DOERS = """
    SELECT w.person_id, bool_or(w.own) AS own FROM (
        SELECT substr(c.principal, 2)::bigint AS person_id, true AS own
        FROM task_candidate c WHERE c.task_id = t.id AND c.principal LIKE 'p%'
        UNION ALL
        SELECT post.person_id, false FROM task_candidate c
        JOIN post ON post.organisation_id = split_part(substr(c.principal, 2), ':', 1)::bigint
            AND post.kind = split_part(c.principal, ':', 2)
            AND post.since <= :day AND (post.until IS NULL OR post.until >= :day)
        WHERE c.task_id = t.id AND c.principal LIKE 'o%'
            AND post.person_id IS DISTINCT FROM i.subject_id
        UNION ALL
        SELECT s.substitute_id, false FROM task_candidate c
        JOIN post ON post.organisation_id = split_part(substr(c.principal, 2), ':', 1)::bigint
            AND post.kind = split_part(c.principal, ':', 2)
            AND post.since <= :day AND (post.until IS NULL OR post.until >= :day)
        JOIN substitution s ON s.principal_id = post.person_id
            AND s.organisation_id = post.organisation_id AND s.revoked_at IS NULL
            AND s.since <= :day AND s.until >= :day
            AND (s.posts IS NULL OR post.kind = ANY(s.posts))
        WHERE c.task_id = t.id AND c.principal LIKE 'o%' AND (i.subject_id IS NULL
            OR i.subject_id NOT IN (s.substitute_id, s.principal_id))
    ) w GROUP BY w.person_id
"""
_TASK = """
    t.id, t.instance_id, t.element, t.item, t.due_on, t.returned, t.assignee_id, t.created_at,
    coalesce(t.organisation_id, i.organisation_id) AS organisation_id, i.subject_id, i.version_id
"""
# Who took the step that opened the task sees it at once, and need not be told. All that a task
# makes is told at once, so one that is read again has its lines.
_FRESH = text(
    f"""
    SELECT {_TASK}, who.person_id, who.own, (
        SELECT e.actor_id FROM ledger_entry e
        WHERE e.chain_id = t.instance_id AND e.recorded_at = t.created_at
        ORDER BY e.seq DESC LIMIT 1
    ) AS actor_id
    FROM task t JOIN instance i ON i.id = t.instance_id AND i.status = 'active'
    LEFT JOIN LATERAL ({_DOERS}) who ON true
    WHERE t.id > :after AND t.id <= :upto AND t.state = 'open'
        AND NOT EXISTS (SELECT FROM notice n WHERE n.task_id = t.id AND n.settled_at IS NULL)
    """  # noqa: S608 - constants of this module; values are bound
)
_NEAR = text(
    f"""
    SELECT {_TASK}, who.person_id, who.own
    FROM task t JOIN instance i ON i.id = t.instance_id AND i.status = 'active'
    JOIN LATERAL ({_DOERS}) who ON true
    WHERE t.id IN (SELECT task_id FROM task_candidate WHERE due_on <= :soon) AND t.state = 'open'
        AND NOT EXISTS (
            SELECT FROM notice n WHERE n.task_id = t.id AND n.settled_at IS NULL
                AND n.stage >= CASE WHEN t.due_on < :day THEN 2 ELSE 1 END
        )
    ORDER BY t.id
    """  # noqa: S608 - as above
)


def opened_tasks(session: Session, ids: Stretch, day: date) -> tuple[list[Line], set[int]]:
    """Return the lines for tasks opened, and the matters that have moved by them."""
    lines: list[Line] = []
    matters: set[int] = set()
    told: dict[int, set[int]] = {}
    moved: dict[int, Row[Any]] = {}
    for row in session.execute(_FRESH, {"after": ids.after, "upto": ids.upto, "day": day}):
        matters.add(row.instance_id)
        moved.setdefault(row.instance_id, row)
        if row.person_id is None:
            continue
        told.setdefault(row.instance_id, set()).add(row.person_id)
        if row.person_id == row.actor_id or row.assignee_id is not None:
            continue
        if row.item is not None and not row.own:
            continue  # one of many tasks of others: whoever may enter it for them needs no word
        kind = NoticeKind.RETURNED if row.returned else NoticeKind.OPENED
        lines.append(_task_line(row, kind, micros(row.created_at)))
    for instance_id, row in moved.items():
        subject = row.subject_id
        if subject not in {None, row.actor_id} | told.get(instance_id, set()):
            lines.append(_matter_line(subject, instance_id, NoticeKind.MOVED, row.created_at))
    return lines, matters


def near_limits(session: Session, day: date, soon: date) -> Iterator[Line]:
    """Yield the lines for open tasks that are due by ``soon``, or were before ``day``."""
    for row in session.execute(_NEAR, {"day": day, "soon": soon}):
        late = row.due_on < day
        kind = NoticeKind.OVERDUE if late else NoticeKind.SOON
        yield _task_line(row, kind, 0, stage=2 if late else 1)


_TOLD = text(
    f"""
    SELECT e.kind, e.element AS activity, e.actor_id, e.recorded_at, {_TASK}
    FROM ledger_entry e JOIN instance i ON i.id = e.chain_id AND i.status = 'active'
    JOIN task t ON t.instance_id = i.id AND t.state = 'open'
        AND (t.id = e.task_id OR e.kind = 'reminded')
    WHERE e.kind IN ('delegated', 'reminded') AND e.recorded_at >= :since
    ORDER BY e.recorded_at, e.chain_id, e.seq
    """  # noqa: S608 - as above
)


def handed_over(session: Session, since: datetime) -> Iterator[Line]:
    """Yield the lines for tasks given to somebody, and for people who were reminded."""
    for row in session.execute(_TOLD, {"since": since}):
        if row.kind == "delegated":
            people: Iterable[int | None] = (row.assignee_id,)
            kind = NoticeKind.DELEGATED
        else:
            people, kind = _reminded(session, row), NoticeKind.REMINDED
        for person_id in people:
            if person_id is not None and person_id != row.actor_id:
                yield _task_line(row, kind, micros(row.recorded_at), person_id=person_id, own=True)


_OWN_PRINCIPALS = text(
    "SELECT substr(principal, 2)::bigint FROM task_candidate"
    " WHERE task_id = :id AND principal LIKE 'p%'"
)


def _reminded(session: Session, row: Row[Any]) -> Sequence[int]:
    """Return whose task it is, if it is one of the activity of which people were reminded."""
    roll = load_definition(session, row.version_id).rolls.get(row.activity)
    if roll is None or row.element not in roll.steps:
        return ()
    return session.scalars(_OWN_PRINCIPALS, {"id": row.id}).all()


_ENDED = text(
    """
    SELECT i.id, i.subject_id, i.ended_at, (
        SELECT e.actor_id FROM ledger_entry e
        WHERE e.chain_id = i.id AND e.recorded_at = i.ended_at ORDER BY e.seq DESC LIMIT 1
    ) AS actor_id
    FROM instance i WHERE i.ended_at >= :since
    """
)


def ended_matters(session: Session, since: datetime) -> tuple[list[Line], set[int]]:
    """Return the lines for matters that ended, and these matters."""
    rows = session.execute(_ENDED, {"since": since}).all()
    lines = [
        _matter_line(row.subject_id, row.id, NoticeKind.ENDED, row.ended_at)
        for row in rows
        if row.subject_id is not None and row.subject_id != row.actor_id
    ]
    return lines, {row.id for row in rows}


_FINDINGS = text(
    """
    SELECT f.id, f.instance_id, f.organisation_id, f.found_at, i.subject_id
    FROM finding f LEFT JOIN instance i ON i.id = f.instance_id
    WHERE f.outcome = 'not_met' AND f.found_at >= :since AND f.state = 'open'
        AND f.instance_id IS NOT NULL
    """
)
_NOTES = text(
    """
    SELECT n.id, n.kind, n.finding_id, n.written_at, f.instance_id, f.organisation_id,
        i.subject_id, (
            SELECT a.person_id FROM finding_note a
            WHERE a.finding_id = n.finding_id AND a.kind = 'asked' AND a.id < n.id
            ORDER BY a.id DESC LIMIT 1
        ) AS asker_id, n.person_id AS writer_id
    FROM finding_note n JOIN finding f ON f.id = n.finding_id
    LEFT JOIN instance i ON i.id = f.instance_id
    WHERE n.id > :after AND n.id <= :upto AND n.kind IN ('asked', 'explained')
    """
)
_INCIDENTS = text(
    """
    SELECT x.id, x.created_at, x.instance_id, coalesce(i.organisation_id, (
        SELECT id FROM organisation WHERE parent_id IS NULL ORDER BY id LIMIT 1
    )) AS organisation_id
    FROM incident x LEFT JOIN instance i ON i.id = x.instance_id
    WHERE x.id > :after AND x.id <= :upto AND x.resolved_at IS NULL
    """
)


def new_findings(session: Session, since: datetime, day: date) -> Iterator[Line]:
    """Yield the lines for problems found: one a matter, however many there are."""
    office = Office(session, day)
    for row in session.execute(_FINDINGS, {"since": since}):
        for person_id in office.holders(NoticeKind.FINDING, row.organisation_id):
            if person_id != row.subject_id:
                yield Line(
                    person_id,
                    f"findings:{row.instance_id}",
                    NoticeKind.FINDING,
                    False,
                    micros(row.found_at),
                    instance_id=row.instance_id,
                    finding_id=row.id,
                    organisation_id=row.organisation_id,
                )


def said_of_findings(session: Session, ids: Stretch, day: date) -> Iterator[Line]:
    """Yield the lines for explanations that were asked for or given."""
    office = Office(session, day)
    for row in session.execute(_NOTES, {"after": ids.after, "upto": ids.upto}):
        asked = row.kind == "asked"
        kind = NoticeKind.ASKED if asked else NoticeKind.EXPLAINED
        people = office.holders(kind, row.organisation_id) if asked else (row.asker_id,)
        for person_id in people:
            if person_id not in (None, row.subject_id, row.writer_id):
                yield Line(
                    person_id,
                    f"{kind}:{row.finding_id}",
                    kind,
                    not asked,
                    micros(row.written_at),
                    instance_id=row.instance_id,
                    finding_id=row.finding_id,
                    organisation_id=row.organisation_id,
                )


def new_incidents(session: Session, ids: Stretch, day: date) -> Iterator[Line]:
    """Yield the lines for commands that the engine could not carry out."""
    office = Office(session, day)
    for row in session.execute(_INCIDENTS, {"after": ids.after, "upto": ids.upto}):
        for person_id in office.holders(NoticeKind.INCIDENT, row.organisation_id, above=True):
            # Without the matter: an administrator does not read it.
            yield Line(
                person_id,
                f"incident:{row.id}",
                NoticeKind.INCIDENT,
                False,
                micros(row.created_at),
                organisation_id=row.organisation_id,
            )


def duties(session: Session, kind: NoticeKind, ids: Sequence[int], clock: Clock) -> list[Line]:
    """Return the lines for duties that are due or late, unless they have been done meanwhile."""
    office = Office(session, clock.today())
    late = kind is NoticeKind.DUTY_LATE
    return [
        Line(
            person_id,
            f"duty:{duty.id}",
            kind,
            False,
            0,
            organisation_id=duty.organisation_id,
            stage=2 if late else 1,
            due_on=duty.due_on,
            title=duty.title,
        )
        for duty in duty_lines(session, ids)
        if duty.state is (DutyState.LATE if late else DutyState.DUE)
        for person_id in office.holders(kind, duty.organisation_id)
    ]


_HOLDERS = text(
    """
    SELECT DISTINCT post.person_id FROM organisation place
    JOIN organisation o ON o.id = place.id OR (:above AND starts_with(place.path, o.path))
    JOIN post ON post.organisation_id = o.id AND post.kind = ANY(:kinds)
        AND post.since <= :day AND (post.until IS NULL OR post.until >= :day)
    WHERE place.id = :id
    """
)


class Office:
    """Who holds the posts that the table names, asked once an organisation."""

    _NOBODY: Final[tuple[int, ...]] = ()

    def __init__(self, session: Session, day: date) -> None:
        self._session = session
        self._day = day
        self._known: dict[tuple[frozenset[PostKind], int, bool], tuple[int, ...]] = {}

    def holders(
        self, kind: NoticeKind, organisation_id: int | None, *, above: bool = False
    ) -> tuple[int, ...]:
        """Return who is told of this kind at an organisation, or also at those above it."""
        if organisation_id is None:
            return self._NOBODY
        key = TABLE[kind].posts, organisation_id, above
        if key not in self._known:
            values = {
                "id": organisation_id,
                "above": above,
                "kinds": sorted(TABLE[kind].posts),
                "day": self._day,
            }
            self._known[key] = tuple(self._session.scalars(_HOLDERS, values))
        return self._known[key]


def _task_line(
    row: Row[Any],
    kind: NoticeKind,
    news: int,
    *,
    stage: int = 0,
    person_id: int | None = None,
    own: bool | None = None,
) -> Line:
    return Line(
        row.person_id if person_id is None else person_id,
        f"task:{row.id}",
        kind,
        row.own if own is None else own,
        news,
        instance_id=row.instance_id,
        task_id=row.id,
        organisation_id=row.organisation_id,
        stage=stage,
        version_id=row.version_id,
        element=row.element,
        due_on=None if row.due_on == NO_LIMIT else row.due_on,
    )


def _matter_line(person_id: int, instance_id: int, kind: NoticeKind, at: datetime) -> Line:
    about = f"matter:{instance_id}"
    return Line(person_id, about, kind, True, micros(at), instance_id=instance_id)
