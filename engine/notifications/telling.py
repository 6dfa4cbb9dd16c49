"""Write lines for people: one a person and thing, told anew only when there is news."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.notifications.kinds import TABLE, NoticeKind

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    """Return a moment as a number."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment_of(number: int) -> datetime:
    """Return the moment of a number."""
    return _EPOCH + timedelta(microseconds=number)


@dataclass(frozen=True, slots=True)
class Line:
    """Something to tell one person. ``news``: when it happened, see the model ``Notice``.

    The organisation, the version and element of the step and its due day are for robots.
    """

    person_id: int
    about: str
    kind: NoticeKind
    own: bool
    news: int
    instance_id: int | None = None
    task_id: int | None = None
    finding_id: int | None = None
    organisation_id: int | None = None
    stage: int = 0
    version_id: int | None = None
    element: str | None = None
    due_on: date | None = None
    title: str = ""
    """Of what is no step of a procedure."""


_STORED: Final = (
    "person_id",
    "about",
    "kind",
    "own",
    "news",
    "instance_id",
    "task_id",
    "finding_id",
    "organisation_id",
    "stage",
)
_INSIDE: Final = [str(kind) for kind, told in TABLE.items() if not told.outside]
_FIXED: Final = [str(kind) for kind, told in TABLE.items() if not told.mutable]

# Only people who can sign in are told, and nobody who wants neither the line nor the mail.
_TELL = text(
    """
    WITH n AS (
        SELECT l.*, (l.kind <> ALL(coalesce(p.page_off, '{}')) OR l.kind = ANY(:fixed)) AS shown,
            CASE WHEN NOT :mail OR p.confirmed_at IS NULL OR p.mode = 'none'
                    OR l.kind = ANY(p.mail_off) OR l.kind = ANY(:inside) THEN NULL
                WHEN p.mode = 'instant' AND l.own THEN 'instant'
                ELSE 'digest' END AS mail
        FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS l(person_id bigint, about text,
            kind text, own boolean, news bigint, instance_id bigint, task_id bigint,
            finding_id bigint, organisation_id bigint, stage smallint)
        JOIN account a ON a.person_id = l.person_id AND a.disabled_at IS NULL
        LEFT JOIN notice_preference p ON p.person_id = l.person_id
    )
    INSERT INTO notice (person_id, about, kind, own, news, instance_id, task_id, finding_id,
        organisation_id, stage, at, shown, mail)
    SELECT n.person_id, n.about, n.kind, n.own, n.news, n.instance_id, n.task_id, n.finding_id,
        n.organisation_id, n.stage, :now, n.shown, n.mail
    FROM n WHERE n.shown OR n.mail IS NOT NULL
    ORDER BY n.person_id, n.about
    ON CONFLICT (person_id, about) DO UPDATE SET kind = excluded.kind, own = excluded.own,
        news = greatest(notice.news, excluded.news), stage = greatest(notice.stage, excluded.stage),
        finding_id = excluded.finding_id, at = excluded.at, shown = excluded.shown,
        mail = coalesce(excluded.mail, notice.mail), read_at = NULL, settled_at = NULL
        WHERE excluded.news > notice.news OR excluded.stage > notice.stage
    RETURNING person_id, about
    """
)


def tell(session: Session, lines: Iterable[Line], now: datetime, *, mail: bool) -> list[Line]:
    """Write lines, and return those that were news to their person. ``mail``: it can be sent."""
    best: dict[tuple[int, str], Line] = {}
    for line in lines:
        key = line.person_id, line.about
        known = best.get(key)
        if known is None or (line.stage, line.news, line.own) > (
            known.stage,
            known.news,
            known.own,
        ):
            best[key] = line
    if not best:
        return []
    told = session.execute(
        _TELL,
        {
            "lines": json.dumps([_stored(line) for line in best.values()]),
            "now": now,
            "mail": mail,
            "inside": _INSIDE,
            "fixed": _FIXED,
        },
    )
    return [best[row.person_id, row.about] for row in told]


def _stored(line: Line) -> dict[str, object]:
    values = asdict(line)
    return {name: values[name] for name in _STORED}


_CLOSED = """
    UPDATE notice n SET settled_at = :now, mail = NULL FROM task t
    WHERE t.id = n.task_id AND n.settled_at IS NULL
        AND (t.state <> 'open' OR (t.assignee_id IS NOT NULL AND t.assignee_id <> n.person_id))
"""
_SETTLE_MATTERS = text(f"{_CLOSED} AND t.instance_id = ANY(:matters)")
_SETTLE_PERSON = text(f"{_CLOSED} AND n.person_id = :person")
_SETTLE_ALL = text(_CLOSED)
_SETTLE_ASKED = text(
    """
    UPDATE notice n SET settled_at = :now, mail = NULL FROM finding f
    WHERE f.id = n.finding_id AND n.settled_at IS NULL AND n.kind = 'asked' AND f.state <> 'asked'
    """
)
_SETTLE_INCIDENTS = text(
    """
    UPDATE notice n SET settled_at = :now FROM incident i
    WHERE n.about = 'incident:' || i.id AND n.kind = 'incident' AND n.settled_at IS NULL
        AND i.resolved_at IS NOT NULL
    """
)


_SETTLE_DUTIES = text(
    """
    UPDATE notice n SET settled_at = :now, mail = NULL FROM duty d
    WHERE n.about = 'duty:' || d.id AND n.settled_at IS NULL AND d.state NOT IN ('due', 'late')
        AND n.kind IN ('duty_due', 'duty_late')
    """
)


def settle_matters(session: Session, matters: Sequence[int], now: datetime) -> None:
    """Put to rest what concerns tasks of these matters that are done, or somebody else's now."""
    if matters:
        session.execute(_SETTLE_MATTERS, {"matters": list(matters), "now": now})


def settle_person(session: Session, person_id: int, now: datetime) -> None:
    """The same for all lines of a person."""
    session.execute(_SETTLE_PERSON, {"person": person_id, "now": now})


def settle_all(session: Session, now: datetime) -> None:
    """The same for everybody, and for explanations given, incidents resolved and duties done."""
    for statement in (_SETTLE_ALL, _SETTLE_ASKED, _SETTLE_INCIDENTS, _SETTLE_DUTIES):
        session.execute(statement, {"now": now})
