"""Send a delivery: once, again after growing pauses, and at last onto the list of the failed.

The row is taken in one transaction, sent outside of any, and settled in a second one. A worker that
dies in between leaves a row that is taken for lost after a while and sent again under the same key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Row, Select, or_, select, text
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import unit_of_work
from engine.directory.actors import Actor
from engine.directory.models import Account, Organisation, Person
from engine.directory.visibility import administered_organisations, administers_all
from engine.duties.queries import DutyLine
from engine.errors import N_, Conflict, NotFound
from engine.notifications.envelopes import duty_titles, in_language, new_delivery, schedule, titles
from engine.notifications.kinds import Channel, DeliveryState, NoticeKind
from engine.notifications.mail import Failed, make_mail, send_mail
from engine.notifications.models import Delivery, NoticePreference, Webhook
from engine.notifications.preferences import CODE_MINUTES, make_code
from engine.notifications.quiet import quiet_until
from engine.notifications.webhooks import managed, send_webhook
from engine.notifications.words import Said, mail_words
from engine.notifications.words import text as words
from engine.runtime.models import NO_LIMIT
from engine.settings import Settings

log = structlog.get_logger(__name__)

PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 2 * 60, 6 * 60, 12 * 60))
"""How long to wait after the first failure, the second … After the last there is no other."""
LEASE: Final = timedelta(minutes=10)
"""A delivery that has been sending for so long was lost with its worker."""

Send = Callable[[], Failed | None]


def deliver(delivery_id: int, *, settings: Settings, clock: Clock) -> DeliveryState | None:
    """Send a delivery whose time has come; return how it stands, None when there was nothing to do.

    Any number of workers may be asked at once: one of them sends.
    """
    send = _take(delivery_id, settings, clock)
    if send is None:
        return None
    return _settle(delivery_id, send(), clock)


def _take(delivery_id: int, settings: Settings, clock: Clock) -> Send | None:
    now = clock.now()
    with unit_of_work() as session:
        row = session.get(Delivery, delivery_id, with_for_update=True, populate_existing=True)
        if row is None or row.state not in (DeliveryState.WAITING, DeliveryState.SENDING):
            return None
        if row.next_at > now:  # another worker is at it, or it has a later job
            return None
        if row.channel == Channel.WEBHOOK:
            send = _robot(session, row, settings, clock)
        else:
            later = _quiet(session, row, now)
            if later > now:
                row.next_at = later
                schedule(session, row.id, later)
                return None
            make = _code if row.channel == Channel.CODE else _mail
            send = make(session, row, settings, clock)
        if send is None:
            row.state = str(DeliveryState.DROPPED)
            return None
        row.state = str(DeliveryState.SENDING)
        row.attempts += 1
        row.next_at = now + LEASE
        return send


def _settle(delivery_id: int, failed: Failed | None, clock: Clock) -> DeliveryState | None:
    now = clock.now()
    with unit_of_work() as session:
        row = session.get(Delivery, delivery_id, with_for_update=True, populate_existing=True)
        if row is None or row.state != DeliveryState.SENDING:
            return None
        if failed is None:
            row.state, row.sent_at, row.error = str(DeliveryState.SENT), now, None
        elif failed.final or row.attempts > len(PAUSES):
            row.state, row.error = str(DeliveryState.DEAD), failed.code
        else:
            row.error = failed.code
            row.next_at = now + PAUSES[row.attempts - 1]
            if not _other_waits(session, row):
                # Else it stays as it is until its time: one a person may wait.
                row.state = str(DeliveryState.WAITING)
            schedule(session, row.id, row.next_at)
        log.info(
            "notice_delivery",
            delivery=row.id,
            channel=row.channel,
            state=row.state,
            attempts=row.attempts,
            error=row.error,
        )
        return DeliveryState(row.state)


_WAITING = text(
    "SELECT 1 FROM notice_delivery WHERE person_id = :person AND channel = :channel"
    " AND state = 'waiting'"
)


def _other_waits(session: Session, row: Delivery) -> bool:
    """Tell whether another message of the channel waits for the same person."""
    values = {"person": row.person_id, "channel": row.channel}
    return row.person_id is not None and session.execute(_WAITING, values).first() is not None


# -- what is sent ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Box:
    """Where a person's mail goes."""

    email: str
    language: str


def _quiet(session: Session, row: Delivery, now: datetime) -> datetime:
    """Return when a mail may go out. A code is waited for: it goes at once."""
    found = session.get(NoticePreference, row.person_id)
    if row.channel == Channel.CODE or found is None:
        return now
    return quiet_until(now, found.quiet_from, found.quiet_until)


def _box(session: Session, person_id: int | None) -> _Box | None:
    row = session.execute(
        select(NoticePreference.email, Account.language)
        .join(Account, Account.person_id == NoticePreference.person_id)
        .where(
            NoticePreference.person_id == person_id,
            NoticePreference.confirmed_at.is_not(None),
            NoticePreference.mode != "none",
            Account.disabled_at.is_(None),
        )
    ).one_or_none()
    return None if row is None or row.email is None else _Box(row.email, row.language)


# The lines of the mail itself when it is sent again, or those that wait for one.
_LINES = text(
    """
    SELECT n.id, n.kind, n.about, t.element, t.due_on, i.version_id, n.mail,
        n.read_at IS NULL AND n.settled_at IS NULL
            AND (n.task_id IS NULL OR t.state = 'open') AS matters
    FROM notice n LEFT JOIN task t ON t.id = n.task_id LEFT JOIN instance i ON i.id = n.instance_id
    WHERE n.person_id = :person AND (n.delivery_id = :id
        OR (n.mail IS NOT NULL AND :first AND (n.mail = 'instant' OR :digest)))
    ORDER BY t.due_on NULLS LAST, n.at, n.id
    FOR UPDATE OF n
    """
)
_TAKEN = text(
    "UPDATE notice SET mail = NULL, delivery_id = CASE WHEN id = ANY(:said) THEN :id"
    " ELSE delivery_id END WHERE id = ANY(:looked)"
)


def _mail(session: Session, row: Delivery, settings: Settings, clock: Clock) -> Send | None:
    """Return how to send a mail of the lines that still matter; None when there is none left."""
    box = _box(session, row.person_id)
    if box is None or not settings.smtp_host:
        return None
    values = {
        "person": row.person_id,
        "id": row.id,
        "first": row.attempts == 0,
        "digest": row.mode == "digest",
    }
    found = session.execute(_LINES, values).all()
    said = [line for line in found if line.matters]
    taken = {"said": [line.id for line in said], "looked": [line.id for line in found]}
    session.execute(_TAKEN, {"id": row.id, **taken})
    if not said:
        return None
    duties = duty_titles(session, [line.about for line in said])
    lines = [_said(session, line, duties, box.language) for line in said]
    subject, body = mail_words(lines, box.language, settings.public_url)
    return _by_mail(settings, clock, box.email, row.key, subject, body)


def _said(session: Session, line: Row[Any], duties: Mapping[str, DutyLine], language: str) -> Said:
    procedure, step = titles(session, line.version_id, line.element, language)
    due_on = None if line.due_on == NO_LIMIT else line.due_on
    if duty := duties.get(line.about):
        procedure, due_on = in_language(language, duty.title, duty.title_en), duty.due_on
    return Said(NoticeKind(line.kind), procedure, step, due_on)


def _code(session: Session, row: Delivery, settings: Settings, clock: Clock) -> Send | None:
    """Return how to send a new code to the address that waits for one."""
    asked = session.get(NoticePreference, row.person_id, with_for_update=True)
    account = session.scalar(select(Account.language).where(Account.person_id == row.person_id))
    if asked is None or asked.asked_email is None or account is None or not settings.smtp_host:
        return None
    code = make_code(asked, settings, clock.now())
    body = words("code", account, code=code, minutes=CODE_MINUTES) + "\n"
    subject = words("subject_code", account)
    return _by_mail(settings, clock, asked.asked_email, row.key, subject, body)


def _by_mail(settings: Settings, clock: Clock, to: str, key: UUID, subject: str, body: str) -> Send:
    mail = make_mail(settings, clock, to=to, key=key, subject=subject, body=body)
    return lambda: send_mail(settings, mail)


def _robot(session: Session, row: Delivery, settings: Settings, clock: Clock) -> Send | None:
    hook = session.get(Webhook, row.webhook_id)
    if hook is None or hook.removed_at is not None:
        return None
    session.expunge(hook)
    lines = [
        Said(
            NoticeKind(line["kind"]),
            line["procedure"],
            line["step"],
            date.fromisoformat(line["due_on"]) if line["due_on"] else None,
            line["count"],
        )
        for line in row.lines
    ]
    key = row.key
    return lambda: send_webhook(settings, hook, key, lines, clock)


# -- the list of the failed -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Letter:
    """A delivery as an administrator sees it. ``who``: the person, or the robot.

    The name of the organisation is empty for people who belong to none.
    """

    id: int
    channel: Channel
    who: str
    organisation_name: str
    state: DeliveryState
    attempts: int
    error: str | None
    created_at: datetime


def failed_deliveries(session: Session, actor: Actor, *, limit: int = 100) -> list[Letter]:
    """Return what could not be sent in the actor's part of the tree, newest first."""
    rows = session.execute(
        _letters(actor)
        .where(Delivery.state == str(DeliveryState.DEAD))
        .order_by(Delivery.id.desc())
        .limit(limit)
    )
    return [
        Letter(
            row.Delivery.id,
            Channel(row.Delivery.channel),
            row.robot or row.person or "",
            row.place or "",
            DeliveryState(row.Delivery.state),
            row.Delivery.attempts,
            row.Delivery.error,
            row.Delivery.created_at,
        )
        for row in rows
    ]


def send_again(delivery_id: int, *, actor: Actor, clock: Clock) -> None:
    """Try a failed delivery anew, under the same key. Raises NotFound, Conflict."""
    with unit_of_work() as session:
        row = _failed(session, delivery_id, actor)
        if _other_waits(session, row):
            raise Conflict(N_("此人另有一封邮件等待发送，请稍后再试。"))
        row.state = str(DeliveryState.WAITING)
        row.attempts = 1  # its lines are its own already
        row.next_at = clock.now()
        schedule(session, row.id, None)


def give_up(delivery_id: int, *, actor: Actor) -> None:
    """Take a failed delivery off the list. Raises NotFound."""
    with unit_of_work() as session:
        _failed(session, delivery_id, actor).state = str(DeliveryState.DROPPED)


def try_webhook(webhook_id: int, *, actor: Actor, clock: Clock) -> None:
    """Send a robot a message that says it works. Raises NotFound."""
    with unit_of_work() as session:
        hook = managed(session, webhook_id, actor)
        now = clock.now()
        new_delivery(session, Channel.WEBHOOK, now, now, webhook_id=hook.id, lines=[])


def _failed(session: Session, delivery_id: int, actor: Actor) -> Delivery:
    mine = session.execute(
        _letters(actor).where(Delivery.id == delivery_id, Delivery.state == str(DeliveryState.DEAD))
    ).one_or_none()
    if mine is None:
        raise NotFound
    row = session.get(Delivery, delivery_id, with_for_update=True, populate_existing=True)
    if row is None or row.state != DeliveryState.DEAD:
        raise NotFound
    return row


def _letters(actor: Actor) -> Select[Delivery, str, str, str]:
    """Return the question for deliveries to the people and robots that the actor administers.

    People of no organisation are left to those who administer the whole installation.
    """
    place = or_(
        Organisation.id == Webhook.organisation_id, Organisation.id == Person.organisation_id
    )
    mine = administered_organisations(actor)
    if administers_all(actor):
        mine = or_(mine, Organisation.id.is_(None))
    return (
        select(
            Delivery,
            Person.name.label("person"),
            Webhook.name.label("robot"),
            Organisation.short_name.label("place"),
        )
        .select_from(Delivery)
        .outerjoin(Person, Person.id == Delivery.person_id)
        .outerjoin(Webhook, Webhook.id == Delivery.webhook_id)
        .outerjoin(Organisation, place)
        .where(mine)
    )
