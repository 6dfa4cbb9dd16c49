"""``If-Match`` and ``Idempotency-Key``: do it only to what I saw, and do it only once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy import Row, text

from engine.directory.actors import Actor
from engine.errors import N_, GuichengError, InvalidInput, NotAllowed, NotFound, StaleRevision
from engine.ledger.kinds import EntryKind
from engine.runtime.commands import Done
from engine.runtime.queries.access import open_matter
from web.api.auth import actor
from web.api.errors import ReusedKey
from web.context import clock, reading

_RECORDED = text(
    """
    SELECT e.chain_id, e.kind, e.task_id, e.recorded_at, i.ended_at, v.key
    FROM ledger_entry e JOIN instance i ON i.id = e.chain_id
    JOIN process_version v ON v.id = i.version_id
    WHERE e.command_id = :command_id AND e.actor_id = :actor_id
    """
)
_OPENED = text(
    "SELECT id, element FROM task WHERE instance_id = :instance_id AND created_at = :at ORDER BY id"
)
_MATTER = text("SELECT instance_id FROM task WHERE id = :id")

_OPENING = frozenset(
    {
        EntryKind.STARTED,
        EntryKind.COMPLETED,
        EntryKind.SENT_BACK,
        EntryKind.MESSAGE_RECEIVED,
    }
)
"""The entries whose step may have opened tasks, all of them at the moment of the entry."""


@dataclass(frozen=True)
class About:
    """What a command is about: how its ledger entry can be told from another one's."""

    kinds: tuple[EntryKind, ...]
    task_id: int | None = None
    instance_id: int | None = None
    process: str | None = None


def carry(about: About, command: Callable[..., Done], **arguments: Any) -> Mapping[str, Any]:
    """Carry out a command with the request's conditions; return the answer's body.

    A repetition with the same key is answered as the first time. Raises NotFound in the place of
    NotAllowed where the actor may not know that the thing exists, ReusedKey, StaleRevision.
    """
    me, key = actor(), idempotency_key()
    try:
        done = command(actor=me, clock=clock(), command_id=key, **arguments)
    except (NotAllowed, NotFound) as refusal:
        found = _earlier(about, key, me)
        if found is None:
            raise _told(about, me, refusal) from None
        done = found
    if done.replayed and key is not None:
        done = _earlier(about, key, me) or done
    return {
        "instance_id": done.instance_id,
        "opened": [{"id": number, "element": name} for number, name in done.opened.items()],
        "ended": done.ended,
    }


def idempotency_key() -> UUID | None:
    """Return the key the client gave this command. Raises InvalidInput when it is no UUID."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    try:
        if len(given) == 36:
            return UUID(given)
    except ValueError:
        pass
    raise InvalidInput({"Idempotency-Key": [N_("应为 UUID。")]})


def seen_revision() -> int | None:
    """Return the revision the client saw. Raises StaleRevision for a tag that is none of ours."""
    if "If-Match" not in request.headers:
        return None
    tags = request.if_match
    if tags.star_tag:
        return None
    strong = tags.as_set()
    if len(strong) != 1:
        raise StaleRevision
    (tag,) = strong
    if not (tag.isascii() and tag.isdigit() and len(tag) < 10):
        raise StaleRevision
    return int(tag)


def _earlier(about: About, key: UUID | None, me: Actor) -> Done | None:
    """Return what the command with this key came to, if it was carried out before."""
    if key is None:
        return None
    session = reading()
    given = {"command_id": key, "actor_id": me.person_id}
    entry = session.execute(_RECORDED, given).one_or_none()
    if entry is None:
        return None
    if not _same(about, entry):
        raise ReusedKey({"Idempotency-Key": [ReusedKey.default]})
    opened: dict[int, str] = {}
    if entry.kind in _OPENING:
        rows = session.execute(_OPENED, {"instance_id": entry.chain_id, "at": entry.recorded_at})
        opened = {row.id: row.element for row in rows}
    ended = entry.ended_at == entry.recorded_at
    return Done(entry.chain_id, opened, ended, replayed=True)


def _same(about: About, entry: Row[Any]) -> bool:
    return (
        entry.kind in about.kinds
        and about.task_id in (None, entry.task_id)
        and about.instance_id in (None, entry.chain_id)
        and about.process in (None, entry.key)
    )


def _told(about: About, me: Actor, refusal: GuichengError) -> GuichengError:
    """Return the refusal, or NotFound for one who may not know that there is such a thing.

    The words are the same in both cases: they must not tell a hidden thing from none.
    """
    if about.task_id is None and about.instance_id is None:
        return refusal
    session = reading()
    instance_id = about.instance_id
    if about.task_id is not None:
        instance_id = session.execute(_MATTER, {"id": about.task_id}).scalar()
    if instance_id is None:
        return NotFound()
    try:
        open_matter(session, me, clock(), instance_id)
    except NotFound:
        return NotFound()
    return refusal
