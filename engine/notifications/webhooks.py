"""Robots of an organisation: who may add one, what it is sent, and how that is signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import unit_of_work
from engine.directory import organisations
from engine.directory.actors import Actor
from engine.directory.models import Organisation
from engine.directory.operations import CHAIN
from engine.directory.policy import Action, administered_organisations, require
from engine.errors import N_, InvalidInput, NotFound
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.operations import append
from engine.notifications.kinds import ROBOT_KINDS, Format, NoticeKind
from engine.notifications.mail import Failed
from engine.notifications.models import Webhook
from engine.notifications.posting import Answer, check_url, post
from engine.notifications.words import Said, one_line, robot_words
from engine.settings import Settings

MOST: Final = 10
"""Most robots of one organisation."""
_AGAIN: Final = frozenset({408, 425, 429})
_ROBOT_BUSY: Final = frozenset({45009, 130101, -1})
"""What WeCom and DingTalk answer when there was too much at once, or they are at fault."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post, and with which secret."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class WebhookLine:
    """A robot as its administrator sees it; never the whole address."""

    id: int
    organisation_id: int
    organisation_name: str
    name: str
    format: Format
    host: str
    below: bool
    kinds: tuple[NoticeKind, ...]


def add_webhook(
    settings: Settings,
    organisation_id: int,
    *,
    name: str,
    url: str,
    format: str,
    secret: str,
    kinds: Collection[str],
    below: bool,
    actor: Actor,
    clock: Clock,
) -> int:
    """Let a robot be told what comes in at an organisation; return its id.

    Raises InvalidInput, NotFound, NotAllowed.
    """
    name, url, secret = name.strip(), url.strip(), secret.strip()
    with unit_of_work() as session:
        place = organisations.get_organisation(session, organisation_id)
        require(actor, Action.MANAGE_ORGANISATION, organisations.view(place))
        wrong: dict[str, list[str]] = {}
        if not 1 <= len(name) <= 60:
            wrong["name"] = [N_("请填写名称，不超过 60 个字。")]
        if format not in {str(known) for known in Format}:
            wrong["format"] = [N_("请选择接收方的类型。")]
        elif format != Format.WECOM and not 8 <= len(secret) <= 200:
            wrong["secret"] = [N_("请填写密钥，至少 8 个字符。")]
        if not kinds or not set(kinds) <= {str(kind) for kind in ROBOT_KINDS}:
            wrong["kinds"] = [N_("请至少选择一种消息。")]
        host = ""
        try:
            host = check_url(settings, url).netloc
        except InvalidInput as error:
            wrong |= error.fields
        if len(_of(session, organisation_id)) >= MOST:
            wrong["name"] = [N_("一个党组织最多设置 10 个，请先停用不用的。")]
        if wrong:
            raise InvalidInput(wrong)
        made = Webhook(
            organisation_id=organisation_id,
            name=name,
            format=format,
            host=host,
            sealed=seal_target(settings, Target(url, secret)),
            below=below,
            kinds=[str(kind) for kind in ROBOT_KINDS if kind in kinds],
            created_by=actor.person_id,
            created_at=clock.now(),
        )
        session.add(made)
        session.flush()
        _record(session, "webhook_added", made, actor, clock)
        return made.id


def remove_webhook(webhook_id: int, *, actor: Actor, clock: Clock) -> None:
    """Tell a robot nothing any more. Raises NotFound."""
    with unit_of_work() as session:
        found = managed(session, webhook_id, actor)
        found.removed_at = clock.now()
        found.sealed = b""  # nothing is left that could be used elsewhere
        session.flush()
        _record(session, "webhook_removed", found, actor, clock)


def managed(session: Session, webhook_id: int, actor: Actor) -> Webhook:
    """Return a robot that the actor administers. Raises NotFound for any other."""
    found = session.scalars(
        select(Webhook)
        .join(Organisation, Organisation.id == Webhook.organisation_id)
        .where(
            Webhook.id == webhook_id,
            Webhook.removed_at.is_(None),
            administered_organisations(actor),
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def webhooks_kept(session: Session, actor: Actor) -> list[WebhookLine]:
    """Return the robots in the actor's part of the tree."""
    rows = session.execute(
        select(Webhook, Organisation.short_name)
        .join(Organisation, Organisation.id == Webhook.organisation_id)
        .where(Webhook.removed_at.is_(None), administered_organisations(actor))
        .order_by(Organisation.path, Webhook.id)
    )
    return [
        WebhookLine(
            hook.id,
            hook.organisation_id,
            place,
            hook.name,
            Format(hook.format),
            hook.host,
            hook.below,
            tuple(NoticeKind(kind) for kind in hook.kinds),
        )
        for hook, place in rows
    ]


def _of(session: Session, organisation_id: int) -> list[int]:
    return list(
        session.scalars(
            select(Webhook.id).where(
                Webhook.organisation_id == organisation_id, Webhook.removed_at.is_(None)
            )
        )
    )


def _record(session: Session, what: str, hook: Webhook, actor: Actor, clock: Clock) -> None:
    payload = {"action": what, "webhook": hook.id, "organisation": hook.organisation_id}
    event = Event(
        EntryKind.DIRECTORY,
        actor_id=actor.person_id,
        occurred_on=clock.today(),
        payload=payload,
    )
    append(session, CHAIN, event, clock)


# -- secrets --------------------------------------------------------------------------------------


def seal_target(settings: Settings, target: Target) -> bytes:
    """Encrypt address and secret: a copy of the database alone is of no use to anybody."""
    return _box(settings).encrypt(json.dumps([target.url, target.secret]).encode())


def open_target(settings: Settings, sealed: bytes) -> Target | None:
    """Return address and secret; None when they were sealed with another key."""
    try:
        url, secret = json.loads(_box(settings).decrypt(sealed))
    except InvalidToken:
        return None
    return Target(url, secret)


def _box(settings: Settings) -> Fernet:
    key = HKDF(SHA256(), 32, None, b"guicheng webhook 1").derive(settings.secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(key))


# -- sending --------------------------------------------------------------------------------------


def send_webhook(
    settings: Settings, hook: Webhook, key: UUID, lines: Sequence[Said], clock: Clock
) -> Failed | None:
    """Post what came in; return what went wrong."""
    target = open_target(settings, hook.sealed)
    if target is None:
        return Failed("webhook_key", final=True)
    seconds = int(clock.now().timestamp())
    if hook.format == Format.GENERIC:
        body = generic_body(settings, key, hook, lines)
        headers = {
            "X-Guicheng-Delivery": str(key),
            "X-Guicheng-Timestamp": str(seconds),
            "X-Guicheng-Signature": f"sha256={signature(target.secret, seconds, body)}",
        }
        return _judge(post(settings, target.url, body, headers))
    text = {"msgtype": "text", "text": {"content": robot_words(lines, settings.public_url)}}
    body = json.dumps(text, ensure_ascii=False).encode()
    url = target.url
    if hook.format == Format.DINGTALK:
        url = dingtalk_url(target, seconds * 1000)
    return _judge_robot(post(settings, url, body, {}))


def generic_body(settings: Settings, key: UUID, hook: Webhook, lines: Sequence[Said]) -> bytes:
    """Return the JSON of a generic webhook. Docs: docs/notifications.md."""
    made: dict[str, Any] = {
        "id": str(key),
        "event": "notices" if lines else "test",
        "organisation_id": hook.organisation_id,
        "url": settings.public_url,
        "items": [
            {
                "kind": str(line.kind),
                "procedure": line.procedure,
                "step": line.step,
                "due_on": line.due_on.isoformat() if line.due_on else None,
                "count": line.count,
                "text": one_line(line, "zh"),
            }
            for line in lines
        ],
    }
    return json.dumps(made, ensure_ascii=False).encode()


def signature(secret: str, seconds: int, body: bytes) -> str:
    """Return the HMAC-SHA256 of time stamp, a full stop and body, in hex digits."""
    return hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()


def dingtalk_url(target: Target, millis: int) -> str:
    """Return the address with time stamp and sign, as DingTalk's robots check them (加签)."""
    said = f"{millis}\n{target.secret}".encode()
    digest = hmac.new(target.secret.encode(), said, hashlib.sha256).digest()
    sign = quote(base64.b64encode(digest).decode(), safe="")
    joint = "&" if "?" in target.url else "?"
    return f"{target.url}{joint}timestamp={millis}&sign={sign}"


def _judge(answer: Answer | Failed) -> Failed | None:
    if isinstance(answer, Failed):
        return answer
    if 200 <= answer.status < 300:
        return None
    final = answer.status < 500 and answer.status not in _AGAIN
    return Failed(f"webhook_{answer.status}", final=final)


def _judge_robot(answer: Answer | Failed) -> Failed | None:
    """Robots answer 200 whatever happens, and say in the body how it went."""
    failed = _judge(answer)
    if failed is not None or isinstance(answer, Failed):
        return failed
    try:
        code = int(json.loads(answer.body)["errcode"])
    except (ValueError, KeyError, TypeError):
        return Failed("webhook_answer", final=True)
    return None if code == 0 else Failed(f"robot_{code}", final=code not in _ROBOT_BUSY)
