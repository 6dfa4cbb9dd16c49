"""Who has read a matter's sensitive material: what the person concerned has a right to know."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.definitions.versions import load_definition
from engine.directory.actors import Actor
from engine.directory.policy import Action, require
from engine.errors import N_, InvalidInput
from engine.ledger.kinds import EntryKind
from engine.runtime.models import format_number
from engine.runtime.queries.access import open_matter
from engine.runtime.queries.rows import Names

_ENTRIES = """
    SELECT e.chain_id, e.seq, e.kind, e.recorded_at, e.actor_id, e.on_behalf_of, e.payload,
        i.version_id, i.prefix, i.year, i.serial
    FROM ledger_entry e JOIN instance i ON i.id = e.chain_id
    WHERE e.kind IN ('read', 'exported') AND {whose}
        AND (e.recorded_at, e.chain_id, e.seq) < (:at, :chain_id, :seq)
    ORDER BY e.recorded_at DESC, e.chain_id DESC, e.seq DESC LIMIT :limit
"""
_OF_MATTER = text(_ENTRIES.format(whose="i.id = :whose"))
_OF_PERSON = text(_ENTRIES.format(whose="i.subject_id = :whose"))
_START = "infinity", 2**63 - 1, 2**31 - 1


@dataclass(frozen=True)
class Reading:
    """One look at sensitive material: who, in which office, when, at which documents."""

    at: datetime
    kind: EntryKind
    """``READ`` for one file, ``EXPORTED`` for the whole case file."""
    instance_id: int
    matter_number: str
    process_title: str
    person_name: str
    post: str | None
    """The post that gave the right; None where the entry does not say, or a role did."""
    on_behalf_of: str | None
    documents: tuple[str, ...]


def matter_readings(
    session: Session,
    actor: Actor,
    clock: Clock,
    instance_id: int,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[tuple[Reading, ...], str | None]:
    """Return who read sensitive material of a matter, newest first, and the next page's cursor.

    Raises NotFound, NotAllowed.
    """
    require(actor, Action.VIEW_READERS, open_matter(session, actor, clock, instance_id).view)
    return _page(session, _OF_MATTER, instance_id, cursor, limit)


def my_readings(
    session: Session, actor: Actor, *, cursor: str | None = None, limit: int = 50
) -> tuple[tuple[Reading, ...], str | None]:
    """Return who read sensitive material of the matters about the actor, newest first.

    This is what ``VIEW_READERS`` grants the person concerned, over all their matters.
    """
    return _page(session, _OF_PERSON, actor.person_id, cursor, limit)


def _page(
    session: Session, statement: Any, whose: int, cursor: str | None, limit: int
) -> tuple[tuple[Reading, ...], str | None]:
    at, chain_id, seq = _position(cursor) if cursor else _START
    rows = session.execute(
        statement,
        {"whose": whose, "at": at, "chain_id": chain_id, "seq": seq, "limit": limit + 1},
    ).all()
    shown = rows[:limit]
    payloads = [json.loads(row.payload) if row.payload else {} for row in shown]
    names = Names(session)
    names.fetch(person for row in shown for person in (row.actor_id, row.on_behalf_of))
    titles = _titles(session, payloads)
    readings = tuple(
        _reading(session, row, payload, names, titles)
        for row, payload in zip(shown, payloads, strict=True)
    )
    last = shown[-1] if len(rows) > limit else None
    return readings, _cursor(last) if last else None


def _cursor(row: Any) -> str:
    at = row.recorded_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f"{at}~{row.chain_id}~{row.seq}"


def _position(cursor: str) -> tuple[str, int, int]:
    try:
        at, chain_id, seq = cursor.split("~")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is not None and int(chain_id) < 2**63 and int(seq) < 2**31:
            return moment.isoformat(), int(chain_id), int(seq)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput({"cursor": [N_("翻页位置无效，请回到第一页。")]})


def _titles(session: Session, payloads: list[dict[str, Any]]) -> dict[int, str]:
    """Return the documents that exported case files name by the numbers of their files."""
    numbers = sorted({number for payload in payloads for number in payload.get("sensitive", ())})
    if not numbers:
        return {}
    rows = session.execute(
        text("SELECT id, document FROM attachment WHERE id = ANY(:ids)"), {"ids": numbers}
    )
    return {row.id: row.document for row in rows}


def _reading(
    session: Session, row: Any, payload: dict[str, Any], names: Names, titles: dict[int, str]
) -> Reading:
    kind = EntryKind(row.kind)
    documents = [payload.get("document")] if kind is EntryKind.READ else []
    documents += [titles.get(number) for number in payload.get("sensitive", ())]
    post = payload.get("post")
    return Reading(
        at=row.recorded_at,
        kind=kind,
        instance_id=row.chain_id,
        matter_number=format_number(row.prefix, row.year, row.serial),
        process_title=load_definition(session, row.version_id).package.title,
        person_name=names.person(row.actor_id),
        post=names.principal(post) if post else None,
        on_behalf_of=names.person(row.on_behalf_of) or None,
        documents=tuple(dict.fromkeys(filter(None, documents))),
    )
