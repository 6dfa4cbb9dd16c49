"""``If-Match`` and ``Idempotency-Key``: do it only to what I saw, and do it only once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy import text

from engine.errors import N_, GuichengError, InvalidInput, NotAllowed, NotFound, StaleRevision
from engine.runtime.commands import Done
from engine.runtime.queries.access import open_matter
from web.api.auth import actor
from web.context import clock, reading

_MATTER = text("SELECT instance_id FROM task WHERE id = :id")


def carry(
    command: Callable[..., Done],
    *,
    task_id: int | None = None,
    instance_id: int | None = None,
    **arguments: Any,
) -> dict[str, Any]:
    """Carry out a command under the request's idempotency key; return the answer's body.

    Raises what the command raises, but NotFound where the actor may not know of the thing.
    """
    about = {"task_id": task_id, "instance_id": instance_id}
    arguments |= {name: number for name, number in about.items() if number is not None}
    try:
        done = command(actor=actor(), clock=clock(), command_id=idempotency_key(), **arguments)
    except (NotAllowed, NotFound) as refusal:
        raise _told(refusal, task_id, instance_id) from None
    return done_shape(done)


def done_shape(done: Done) -> dict[str, Any]:
    """Return what a command came to."""
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


def _told(refusal: GuichengError, task_id: int | None, instance_id: int | None) -> GuichengError:
    """Return the refusal, or NotFound for one who may not know that there is such a thing.

    The words are the same in both cases: they must not tell a hidden thing from none.
    """
    if task_id is None and instance_id is None:
        return refusal
    session = reading()
    if task_id is not None:
        instance_id = session.execute(_MATTER, {"id": task_id}).scalar()
    if instance_id is None:
        return NotFound()
    try:
        open_matter(session, actor(), clock(), instance_id)
    except NotFound:
        return NotFound()
    return refusal
