"""Sealing entries: canonical form, salted payload digest, and the link to the entry before.

Pure functions: what is hashed here can be hashed again by anyone with a standard library.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from engine.digests import FORMS as FORMS
from engine.digests import digester, present_form

SALT_BYTES = 16

_encode = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
).encode


@dataclass(frozen=True)
class Head:
    """The last link of a chain: how many entries it has and the digest of the last."""

    length: int = 0
    digest: bytes = b""


@dataclass(frozen=True)
class Event:
    """What happened, before it is sealed."""

    kind: str
    actor_id: int | None = None
    on_behalf_of: int | None = None
    occurred_on: date | None = None
    element: str | None = None
    task_id: int | None = None
    command_id: UUID | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    snapshot: bytes | None = None


def canonical(value: object) -> str:
    """Return the one JSON text of ``value``: sorted keys, no spaces, UTF-8 as it is, no NaN."""
    return _encode(value)


def seal(
    chain_id: int, head: Head, event: Event, recorded_at: datetime, *, form: int | None = None
) -> tuple[dict[str, Any], Head]:
    """Return the row of ``event`` as the next link of a chain, and the new head.

    Without ``form`` the digest is the one that the settings name.
    """
    form = form or present_form()
    payload = canonical(event.payload)
    salt = secrets.token_bytes(SALT_BYTES)
    row: dict[str, Any] = {
        "chain_id": chain_id,
        "seq": head.length + 1,
        "form": form,
        "kind": str(event.kind),
        "recorded_at": recorded_at.astimezone(UTC),
        "occurred_on": event.occurred_on,
        "actor_id": event.actor_id,
        "on_behalf_of": event.on_behalf_of,
        "element": event.element,
        "task_id": event.task_id,
        "command_id": event.command_id,
        "payload": payload,
        "salt": salt,
        "payload_digest": payload_digest(form, salt, payload),
        "snapshot": event.snapshot,
        "previous": head.digest,
    }
    row["digest"] = entry_digest(row)
    return row, Head(row["seq"], row["digest"])


def payload_digest(form: int, salt: bytes, payload: str) -> bytes:
    """Return the digest that commits to a payload and hides it: H(salt ‖ payload)."""
    digest: bytes = digester(form)(salt + payload.encode()).digest()
    return digest


def entry_digest(row: Mapping[str, Any]) -> bytes:
    """Return the digest of an entry's row. Payload and snapshot enter by their digests only.

    An erased entry has no snapshot any more; its ``snapshot_digest`` was kept instead.
    """
    form: int = row["form"]
    make = digester(form)
    snapshot: bytes | None = row["snapshot"]
    kept: bytes | None = row.get("snapshot_digest")
    state = kept if snapshot is None else make(snapshot).digest()
    text = canonical(
        [
            form,
            row["chain_id"],
            row["seq"],
            row["kind"],
            row["recorded_at"].astimezone(UTC).isoformat(timespec="microseconds"),
            row["occurred_on"].isoformat() if row["occurred_on"] else None,
            row["actor_id"],
            row["on_behalf_of"],
            row["element"],
            row["task_id"],
            str(row["command_id"]) if row["command_id"] else None,
            bytes(row["payload_digest"]).hex(),
            None if state is None else bytes(state).hex(),
            bytes(row["previous"]).hex(),
        ]
    )
    digest: bytes = make(text.encode()).digest()
    return digest
