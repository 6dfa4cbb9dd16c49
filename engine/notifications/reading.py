"""A person's notices as the pages show them. Whose right to see a matter has gone sees no name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Row, select, text, update
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import read, unit_of_work
from engine.directory.actors import Actor
from engine.directory.models import Organisation
from engine.directory.policy import visible_matters
from engine.duties.queries import DutyLine
from engine.errors import N_, InvalidInput, NotFound
from engine.notifications.envelopes import duty_titles, titles
from engine.notifications.kinds import NoticeKind
from engine.notifications.models import Notice
from engine.notifications.telling import micros, moment_of, settle_person
from engine.runtime.models import MATTER_COLUMNS, NO_LIMIT, Instance, Task, format_number

MOST_COUNTED: Final = 99
"""Beyond that nobody reads the number."""

_UNREAD = f"""
    SELECT count(*) AS unread FROM (
        SELECT FROM notice
        WHERE person_id = %(id)s AND shown AND read_at IS NULL AND settled_at IS NULL
        LIMIT {MOST_COUNTED + 1}
    ) n
"""  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One line. Without the right to see the matter any more, nothing of it is filled in."""

    id: int
    kind: NoticeKind
    at: datetime
    unread: bool
    settled: bool
    visible: bool
    process_title: str = ""
    step: str = ""
    matter_number: str = ""
    matter_title: str = ""
    organisation_name: str = ""
    due_on: date | None = None
    instance_id: int | None = None
    task_id: int | None = None
    finding_id: int | None = None
    organisation_id: int | None = None


def unread_count(session: Session, person_id: int) -> int:
    """Return how many lines are unread, at most one more than :data:`MOST_COUNTED`."""
    return int(read(session, _UNREAD, {"id": person_id})[0].unread)


def my_notices(
    session: Session,
    actor: Actor,
    *,
    unread: bool = False,
    cursor: str | None = None,
    limit: int = 20,
) -> tuple[list[NoticeLine], str | None]:
    """Return the actor's lines, the latest first, and where the next page begins.

    Raises InvalidInput for a cursor that is none of ours.
    """
    question = _asked().where(Notice.person_id == actor.person_id, Notice.shown)
    if unread:
        question = question.where(Notice.read_at.is_(None), Notice.settled_at.is_(None))
    if cursor:
        question = question.where(text("(notice.at, notice.id) < (:at, :id)")).params(
            _position(cursor)
        )
    rows = session.execute(
        question.order_by(Notice.at.desc(), Notice.id.desc()).limit(limit + 1)
    ).all()
    more, rows = len(rows) > limit, rows[:limit]
    lines = _lines(session, actor, rows)
    last = rows[-1].Notice if more else None
    return lines, f"{micros(last.at)}-{last.id}" if last else None


def open_notice(notice_id: int, *, actor: Actor, clock: Clock) -> NoticeLine:
    """Mark a line of the actor's as read and return it. Raises NotFound."""
    with unit_of_work() as session:
        rows = session.execute(
            _asked().where(Notice.id == notice_id, Notice.person_id == actor.person_id)
        ).all()
        if not rows:
            raise NotFound
        _mark(session, actor, clock, notice_id)
        return _lines(session, actor, rows)[0]


def mark_read(*, actor: Actor, clock: Clock, notice_id: int | None = None) -> None:
    """Mark one of the actor's lines as read, or all. Raises NotFound for none of his."""
    with unit_of_work() as session:
        if notice_id is not None:
            mine = select(Notice.id).where(
                Notice.id == notice_id, Notice.person_id == actor.person_id
            )
            if session.scalar(mine) is None:
                raise NotFound
        _mark(session, actor, clock, notice_id)


def put_to_rest(actor: Actor, clock: Clock) -> None:
    """Put to rest what the actor need not do any more, before the list is shown."""
    with unit_of_work() as session:
        settle_person(session, actor.person_id, clock.now())


def _mark(session: Session, actor: Actor, clock: Clock, notice_id: int | None) -> None:
    statement = update(Notice).where(
        Notice.person_id == actor.person_id,
        Notice.shown,
        Notice.read_at.is_(None),
        Notice.settled_at.is_(None),
    )
    if notice_id is not None:
        statement = statement.where(Notice.id == notice_id)
    session.execute(statement.values(read_at=clock.now()))


def _asked() -> Any:
    return (
        select(Notice, Task, Instance, Organisation.short_name.label("place"))
        .outerjoin(Task, Task.id == Notice.task_id)
        .outerjoin(Instance, Instance.id == Notice.instance_id)
        .outerjoin(Organisation, Organisation.id == Notice.organisation_id)
        .execution_options(populate_existing=True)
    )


def _lines(session: Session, actor: Actor, rows: Any) -> list[NoticeLine]:
    matters = [row.Instance.id for row in rows if row.Instance is not None]
    seen = set(
        session.scalars(
            select(Instance.id).where(
                Instance.id.in_(matters), visible_matters(actor, MATTER_COLUMNS)
            )
        )
        if matters
        else ()
    )
    duties = duty_titles(session, [row.Notice.about for row in rows])
    return [_line(session, row, seen, duties) for row in rows]


def _line(
    session: Session, row: Row[Any], seen: set[int], duties: Mapping[str, DutyLine]
) -> NoticeLine:
    notice: Notice = row.Notice
    matter: Instance | None = row.Instance
    values: dict[str, Any] = {
        "id": notice.id,
        "kind": NoticeKind(notice.kind),
        "at": notice.at,
        "unread": notice.read_at is None and notice.settled_at is None,
        "settled": notice.settled_at is not None,
        "visible": matter is None or matter.id in seen,
    }
    if matter is None:
        duty = duties.get(notice.about)
        return NoticeLine(
            **values,
            process_title=duty.title if duty else "",
            due_on=duty.due_on if duty else None,
            organisation_name=row.place or "",
            organisation_id=notice.organisation_id,
        )
    if matter.id not in seen:
        return NoticeLine(**values)
    task: Task | None = row.Task
    procedure, step = titles(session, matter.version_id, task.element if task else None)
    return NoticeLine(
        **values,
        process_title=procedure,
        step=step,
        matter_number=format_number(matter.prefix, matter.year, matter.serial),
        matter_title=matter.title,
        organisation_name=row.place or "",
        due_on=None if task is None or task.due_on == NO_LIMIT else task.due_on,
        instance_id=matter.id,
        task_id=notice.task_id,
        finding_id=notice.finding_id,
    )


def _position(cursor: str) -> dict[str, Any]:
    at, _, number = cursor.partition("-")
    if not (at.isascii() and at.isdigit() and number.isascii() and number.isdigit()):
        raise InvalidInput({"cursor": [N_("翻页位置无效，请回到第一页。")]})
    if len(at) > 16 or len(number) > 18:
        raise InvalidInput({"cursor": [N_("翻页位置无效，请回到第一页。")]})
    return {"at": moment_of(int(at)), "id": int(number)}
