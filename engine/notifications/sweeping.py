"""The sweep: what has happened since the last one becomes lines, messages and jobs at once.

All of it is one transaction, so a worker that is killed leaves nothing half told; and whoever else
sweeps at that moment leaves it to the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from engine.calendars.operations import load_holiday_table
from engine.clock import Clock
from engine.database import unit_of_work
from engine.notifications import cursors, sources
from engine.notifications.envelopes import put_in_envelopes, sweep_lost, tell_robots
from engine.notifications.kinds import DeliveryState, NoticeKind
from engine.notifications.models import Delivery, Notice
from engine.notifications.quiet import limits_time
from engine.notifications.telling import (
    Line,
    micros,
    moment_of,
    settle_all,
    settle_matters,
    tell,
)
from engine.settings import Settings

log = structlog.get_logger(__name__)

SOON_WORKDAYS: Final = 5
"""As in the inbox: a limit at most so many working days away is near."""
OVERLAP: Final = timedelta(minutes=5)
"""How long a step may take between looking at the clock and its commit."""
NOTICE_DAYS: Final = 180
"""How long lines are kept that were read or are at rest."""
DELIVERY_DAYS: Final = 90
"""How long it is kept what was sent to whom."""
FAILED_DAYS: Final = 365


def sweep_notices(settings: Settings, clock: Clock) -> int:
    """Tell what has happened since the last sweep; return how many lines were news."""
    now, day = clock.now(), clock.today()
    with unit_of_work() as session:
        last = cursors.take(session, "clock", micros(now))
        if last is None:
            return 0
        since = moment_of(min(last, micros(now))) - OVERLAP
        lines, moved = sources.opened_tasks(
            session, cursors.stretch(session, "task", micros(now)), day
        )
        lines += sources.handed_over(session, since)
        endings, ended = sources.ended_matters(session, since)
        lines += endings
        lines += sources.new_findings(session, since, day)
        notes = cursors.stretch(session, "finding_note", micros(now))
        lines += sources.said_of_findings(session, notes, day)
        incidents = cursors.stretch(session, "incident", micros(now))
        lines += sources.new_incidents(session, incidents, day)
        settle_matters(session, sorted(moved | ended), now)
        lines += _limits(session, clock)
        told = _out(session, settings, clock, lines)
        sweep_lost(session, now)
        cursors.put(session, "clock", micros(now))
    if told:
        log.info("notices_told", lines=told)
    return told


def tell_duties(settings: Settings, clock: Clock, kind: NoticeKind, ids: Sequence[int]) -> int:
    """Tell the office of each organisation of duties that are due or late; return how many lines.

    Told twice, a duty makes no second line.
    """
    with unit_of_work() as session:
        return _out(session, settings, clock, sources.duties(session, kind, ids, clock))


def forget_old_notices(session: Session, clock: Clock) -> int:
    """Remove lines and deliveries whose time is over; return how many."""
    now = clock.now()
    old = now - timedelta(days=NOTICE_DAYS)
    sent = (str(DeliveryState.SENT), str(DeliveryState.DROPPED))
    gone = 0
    for statement in (
        delete(Notice).where(
            Notice.at < old, or_(Notice.read_at.is_not(None), Notice.settled_at.is_not(None))
        ),
        delete(Notice).where(Notice.at < now - timedelta(days=2 * NOTICE_DAYS)),
        delete(Delivery).where(
            Delivery.state.in_(sent), Delivery.created_at < now - timedelta(days=DELIVERY_DAYS)
        ),
        delete(Delivery).where(
            Delivery.state == str(DeliveryState.DEAD),
            Delivery.created_at < now - timedelta(days=FAILED_DAYS),
        ),
    ):
        gone += int(getattr(session.execute(statement), "rowcount", 0))
    return gone


def _limits(session: Session, clock: Clock) -> list[Line]:
    """Return the lines for limits, once a day, and put to rest what is done."""
    today = clock.today()
    if not limits_time(clock.now()):
        return []
    done = cursors.take(session, "limits", 0)
    if done is None or done >= today.toordinal():
        return []
    settle_all(session, clock.now())
    soon = load_holiday_table(session).workdays_after(today, SOON_WORKDAYS)
    lines = list(sources.near_limits(session, today, soon))
    cursors.put(session, "limits", today.toordinal())
    return lines


def _out(session: Session, settings: Settings, clock: Clock, lines: Sequence[Line]) -> int:
    mail = bool(settings.smtp_host)
    told = tell(session, lines, clock.now(), mail=mail)
    tell_robots(session, told, clock.now())
    if mail:
        put_in_envelopes(session, clock.now())
    return len(told)
