"""Put what waits for the outside into deliveries, each with its job in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from engine.clock import ZONE
from engine.definitions.versions import load_definition
from engine.duties.queries import DutyLine, duty_lines
from engine.notifications.kinds import Channel, DeliveryState, NoticeKind
from engine.notifications.models import Delivery
from engine.notifications.quiet import PAUSE, digest_time, quiet_until
from engine.notifications.telling import Line
from engine.notifications.words import Said
from engine.queue import enqueue

DELIVER: Final = "deliver_notice"
LOST: Final = timedelta(minutes=2)
"""A delivery that is so long overdue and has no job gets a new one."""


def new_delivery(
    session: Session, channel: Channel, now: datetime, next_at: datetime, **values: Any
) -> int | None:
    """Add a delivery and its job; None when the person has one of the channel waiting already."""
    made = session.scalar(
        upsert(Delivery)
        .values(
            key=uuid4(),
            channel=str(channel),
            state=str(DeliveryState.WAITING),
            attempts=0,
            next_at=next_at,
            created_at=now,
            **values,
        )
        .on_conflict_do_nothing()
        .returning(Delivery.id)
    )
    if made is not None:
        schedule(session, made, next_at if next_at > now else None)
    return made


def schedule(session: Session, delivery_id: int, at: datetime | None) -> None:
    """Add the job that sends a delivery."""
    enqueue(session, DELIVER, at=at, delivery_id=delivery_id)


# Whoever has lines to be mailed and no mail that waits. It does not matter which sweep wrote them.
_PEOPLE = text(
    """
    SELECT n.person_id, bool_or(n.mail = 'instant') AS instant, p.quiet_from, p.quiet_until, (
        SELECT max(d.sent_at) FROM notice_delivery d
        WHERE d.person_id = n.person_id AND d.channel = 'mail' AND d.sent_at > :lately
    ) AS last
    FROM notice n JOIN notice_preference p ON p.person_id = n.person_id
    WHERE n.mail IS NOT NULL AND p.confirmed_at IS NOT NULL AND p.mode <> 'none'
        AND (n.mail = 'instant' OR (:digest AND p.digested_on IS DISTINCT FROM :today))
        AND NOT EXISTS (
            SELECT FROM notice_delivery d
            WHERE d.person_id = n.person_id AND d.channel = 'mail' AND d.state = 'waiting'
        )
    GROUP BY n.person_id, p.person_id
    """
)
_DIGESTED = text(
    "UPDATE notice_preference SET digested_on = :today"
    " WHERE person_id = ANY(:people) AND digested_on IS DISTINCT FROM :today"
)


def put_in_envelopes(session: Session, now: datetime) -> int:
    """Make the mails of those who have lines to be mailed; return how many."""
    today = now.astimezone(ZONE).date()
    digest = digest_time(now)
    made = 0
    digests: list[int] = []
    rows = session.execute(_PEOPLE, {"lately": now - PAUSE, "digest": digest, "today": today}).all()
    for row in rows:
        next_at = max(now, row.last + PAUSE) if row.last else now
        mode = "instant" if row.instant else "digest"
        if mode == "digest":
            digests.append(row.person_id)
        made += _mail(session, row, now, next_at, mode)
    if digests:
        session.execute(_DIGESTED, {"today": today, "people": digests})
    return made


def _mail(session: Session, row: Any, now: datetime, next_at: datetime, mode: str) -> bool:
    later = quiet_until(next_at, row.quiet_from, row.quiet_until)
    made = new_delivery(session, Channel.MAIL, now, later, person_id=row.person_id, mode=mode)
    return made is not None


_ROBOTS = text(
    """
    SELECT w.id, w.kinds, place.id AS organisation_id FROM organisation place
    JOIN organisation o ON o.id = place.id OR starts_with(place.path, o.path)
    JOIN webhook w ON w.organisation_id = o.id AND w.removed_at IS NULL
        AND (w.below OR o.id = place.id)
    WHERE place.id = ANY(:places)
    """
)


def tell_robots(session: Session, told: Iterable[Line], now: datetime) -> int:
    """Make one message a robot of what was told to holders of posts; return how many."""
    things: dict[int, dict[tuple[str, NoticeKind], Line]] = {}
    for line in told:
        if not line.own and line.organisation_id is not None:
            things.setdefault(line.organisation_id, {})[line.about, line.kind] = line
    if not things:
        return 0
    messages: dict[int, list[Line]] = {}
    for robot in session.execute(_ROBOTS, {"places": list(things)}):
        wanted = [n for n in things[robot.organisation_id].values() if n.kind in robot.kinds]
        if wanted:
            messages.setdefault(robot.id, []).extend(wanted)
    for webhook_id, lines in messages.items():
        stored = [said_data(said) for said in _counted(session, lines)]
        new_delivery(session, Channel.WEBHOOK, now, now, webhook_id=webhook_id, lines=stored)
    return len(messages)


def _counted(session: Session, lines: Sequence[Line]) -> list[Said]:
    """Return what the lines say without saying of whom, the like of them counted together."""
    counts: dict[Said, int] = {}
    for line in lines:
        procedure, step = titles(session, line.version_id, line.element)
        said = Said(line.kind, procedure or line.title, step, line.due_on)
        counts[said] = counts.get(said, 0) + 1
    return [
        Said(said.kind, said.procedure, said.step, said.due_on, count)
        for said, count in counts.items()
    ]


def titles(
    session: Session, version_id: int | None, element: str | None, language: str = "zh"
) -> tuple[str, str]:
    """Return the titles of a procedure and of one of its steps, with the step's number.

    Packages name their steps in Chinese only; the number tells an English reader which it is.
    """
    if version_id is None:
        return "", ""
    package = load_definition(session, version_id).package
    title = in_language(language, package.title, package.title_en)
    step = package.steps.get(element) if element else None
    if step is None:
        return title, ""
    return title, f"{step.number} {step.title}" if step.number else step.title


def in_language(language: str, chinese: str, english: str) -> str:
    """Return the English title for who reads English, where there is one."""
    return english if language == "en" and english else chinese


def duty_titles(session: Session, about: Iterable[str]) -> dict[str, DutyLine]:
    """Return the duties among things that notices are about, by what they are called there."""
    ids = [int(thing.removeprefix("duty:")) for thing in about if thing.startswith("duty:")]
    return {f"duty:{duty.id}": duty for duty in duty_lines(session, ids)} if ids else {}


def said_data(said: Said) -> dict[str, Any]:
    """Return a line of a message as it is stored."""
    return {
        "kind": str(said.kind),
        "procedure": said.procedure,
        "step": said.step,
        "due_on": said.due_on.isoformat() if said.due_on else None,
        "count": said.count,
    }


_LOST = text(
    """
    SELECT d.id FROM notice_delivery d
    WHERE d.state IN ('waiting', 'sending') AND d.next_at < :late AND NOT EXISTS (
        SELECT FROM procrastinate_jobs j
        WHERE j.task_name = :job AND j.status IN ('todo', 'doing')
            AND (j.args->>'delivery_id')::bigint = d.id
    )
    ORDER BY d.next_at LIMIT 500
    """
)


def sweep_lost(session: Session, now: datetime) -> int:
    """Give deliveries whose job was lost, or whose worker died while sending, a new job."""
    lost = session.scalars(_LOST, {"late": now - LOST, "job": DELIVER}).all()
    for delivery_id in lost:
        schedule(session, delivery_id, None)
    return len(lost)
