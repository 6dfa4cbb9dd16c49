"""What a person wants to be told and how; an e-mail address counts once its code came back."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from sqlalchemy import update
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import unit_of_work
from engine.directory.actors import Actor
from engine.errors import N_, InvalidInput
from engine.notifications.envelopes import new_delivery
from engine.notifications.kinds import TABLE, Channel, MailMode, NoticeKind
from engine.notifications.models import Notice, NoticePreference
from engine.settings import Settings

CODE_MINUTES: Final = 30
CODE_TRIES: Final = 5
CODES_A_DAY: Final = 5
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&*+/=?^_{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.)+[A-Za-z]{2,63}"
)


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person has chosen."""

    email: str | None = None
    asked_email: str | None = None
    """Waits for its code."""
    mode: MailMode = MailMode.DIGEST
    quiet_from: time | None = None
    quiet_until: time | None = None
    page_off: frozenset[NoticeKind] = frozenset()
    mail_off: frozenset[NoticeKind] = frozenset()


def preferences_of(session: Session, actor: Actor, clock: Clock) -> Preferences:
    """Return what the actor has chosen, or what holds for those who never did."""
    row = session.get(NoticePreference, actor.person_id)
    if row is None:
        return Preferences()
    waiting = row.asked_email and (row.code_until is None or row.code_until > clock.now())
    return Preferences(
        email=row.email,
        asked_email=row.asked_email if waiting else None,
        mode=MailMode(row.mode),
        quiet_from=row.quiet_from,
        quiet_until=row.quiet_until,
        page_off=_known(row.page_off),
        mail_off=_known(row.mail_off),
    )


def choose(
    *,
    page: Collection[str],
    mail: Collection[str] | None = None,
    mode: str | None = None,
    quiet_from: time | None = None,
    quiet_until: time | None = None,
    actor: Actor,
) -> None:
    """Keep which kinds the actor wants on the page and by mail, and when.

    Without ``mail`` all about mail stays as it is: there is no server, and nothing was asked. What
    somebody else expressly asks of a person stays on the page. Raises InvalidInput.
    """
    if mail is not None and mode not in {str(known) for known in MailMode}:
        raise InvalidInput({"mode": [N_("请选择邮件的发送方式。")]})
    if (quiet_from is None) != (quiet_until is None):
        raise InvalidInput({"quiet_from": [N_("免打扰时段请同时填写开始和结束时间，或都不填。")]})
    with unit_of_work() as session:
        row = _own(session, actor)
        row.page_off = [str(k) for k, told in TABLE.items() if told.mutable and k not in page]
        if mail is None:
            return
        row.mode = str(mode)
        row.quiet_from, row.quiet_until = quiet_from, quiet_until
        row.mail_off = [str(k) for k, told in TABLE.items() if told.outside and k not in mail]
        if mode == MailMode.NONE:
            _unmail(session, actor)


def ask_code(settings: Settings, email: str, *, actor: Actor, clock: Clock) -> None:
    """Send a code to an address that the actor says is theirs. Raises InvalidInput.

    The code is made when the mail is: no job, row or log ever holds it.
    """
    email = email.strip()
    if not settings.smtp_host:
        raise InvalidInput({"email": [N_("本系统没有设置邮件服务器，不能使用邮件通知。")]})
    if len(email) > 254 or not _ADDRESS.fullmatch(email):
        raise InvalidInput({"email": [N_("请填写正确的邮箱地址。")]})
    with unit_of_work() as session:
        row = _own(session, actor)
        if row.codes_on != clock.today():
            row.codes_on, row.codes_sent = clock.today(), 0
        if row.codes_sent >= CODES_A_DAY:
            raise InvalidInput({"email": [N_("今天发送的验证码太多，请明天再试。")]})
        row.codes_sent += 1
        row.asked_email = email
        row.code_digest, row.code_until, row.code_tries = None, None, 0
        session.flush()
        new_delivery(session, Channel.CODE, clock.now(), clock.now(), person_id=actor.person_id)


def make_code(row: NoticePreference, settings: Settings, now: datetime) -> str:
    """Return a new code for the address that waits; only its digest is kept."""
    code = f"{secrets.randbelow(1_000_000):06d}"
    row.code_digest = _digest(settings, row, code)
    row.code_until = now + timedelta(minutes=CODE_MINUTES)
    row.code_tries = 0
    return code


def confirm(settings: Settings, code: str, *, actor: Actor, clock: Clock) -> None:
    """Take the address whose code came back. Raises InvalidInput."""
    wrong: InvalidInput | None = None
    with unit_of_work() as session:
        row = _own(session, actor)
        if row.code_digest is None or row.code_until is None or row.code_until <= clock.now():
            wrong = InvalidInput({"code": [N_("验证码已失效，请重新获取。")]})
        elif not hmac.compare_digest(_digest(settings, row, code.strip()), row.code_digest):
            row.code_tries += 1
            if row.code_tries >= CODE_TRIES:
                row.code_digest = None
            wrong = InvalidInput({"code": [N_("验证码不对，请核对邮件后再填。")]})
        else:
            row.email, row.confirmed_at = row.asked_email, clock.now()
            row.asked_email = row.code_digest = row.code_until = None
    if wrong is not None:  # after the commit: the try counts
        raise wrong


def forget_email(*, actor: Actor) -> None:
    """Send the actor no mail any more, and forget the address."""
    with unit_of_work() as session:
        row = _own(session, actor)
        row.email = row.confirmed_at = row.asked_email = None
        row.code_digest = row.code_until = None
        _unmail(session, actor)


def _unmail(session: Session, actor: Actor) -> None:
    """What waited to be mailed waits no more, or a change of mind would send it much later."""
    session.execute(
        update(Notice)
        .where(Notice.person_id == actor.person_id, Notice.mail.is_not(None))
        .values(mail=None)
    )


def _own(session: Session, actor: Actor) -> NoticePreference:
    row = session.get(NoticePreference, actor.person_id, with_for_update=True)
    if row is None:
        row = NoticePreference(
            person_id=actor.person_id,
            mode=str(MailMode.DIGEST),
            page_off=[],
            mail_off=[],
            code_tries=0,
            codes_sent=0,
        )
        session.add(row)
    return row


def _digest(settings: Settings, row: NoticePreference, code: str) -> bytes:
    said = f"{row.person_id}\0{row.asked_email}\0{code}".encode()
    return hmac.new(settings.secret_key.encode(), said, hashlib.sha256).digest()


def _known(kinds: Collection[str]) -> frozenset[NoticeKind]:
    return frozenset(kind for kind in NoticeKind if kind in kinds)
