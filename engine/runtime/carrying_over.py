"""What is written when a matter goes on with another version of its procedure.

Whether it can is for ``engine.runtime.fitting``. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.books import rule_book
from engine.database import Record
from engine.definitions.versions import Definition, load_definition
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.runtime import store, transitions
from engine.runtime.fitting_records import forms_changed
from engine.runtime.judging import NO_RULES, announce_breaches, rejudge
from engine.runtime.rejudging import refresh_limits
from engine.runtime.world import make_world, matter_by

_MOVE = text(
    """
    UPDATE instance SET version_id = :version, stage = :stage, revision = revision + 1
    WHERE id = :id
    """
)

# Whoever has the old form before them is told so, instead of handing in what is asked no more.
_ASK_ANEW = text(
    """
    UPDATE task SET revision = revision + 1
    WHERE instance_id = :id AND state = 'open' AND element = ANY(:elements)
    """
)


def carry_over(
    session: Session,
    row: Record,
    new: Definition,
    reason: str,
    actor_id: int | None,
    clock: Clock,
) -> None:
    """Let the locked matter in ``row`` go on with the stored version ``new``, and record it."""
    assert new.version_id is not None
    old = load_definition(session, row.version_id)
    event = Event(
        EntryKind.MIGRATED,
        actor_id=actor_id,
        occurred_on=clock.today(),
        payload={
            "from": _named(old),
            "to": _named(new),
            "reason": reason,
        },
    )
    store.write_status(session, row, row.status, event, clock.now())
    there = transitions.look(matter_by(session, row, new), make_world(session, clock))
    stage = there.stage or _kept_stage(row, new)
    session.execute(_MOVE, {"id": row.instance_id, "version": new.version_id, "stage": stage})
    if changed := forms_changed(old, new):
        session.execute(_ASK_ANEW, {"id": row.instance_id, "elements": changed})
    moved = store.lock_instance(session, row.instance_id)
    assert moved is not None
    gone = _rules(session, old) - _rules(session, new)
    judgement, breaches = rejudge(session, moved, new, clock, gone=gone)
    refresh_limits(session, row.instance_id, there, judgement)
    if judgement is not None:
        announce_breaches(session, row.instance_id, breaches)


def _rules(session: Session, definition: Definition) -> frozenset[str]:
    book = rule_book(session, definition)
    return NO_RULES if book is None else frozenset(rule.id for rule in book.rules)


def _kept_stage(row: Record, new: Definition) -> str | None:
    """Return the stage in which a matter stood, if its new version has that too."""
    return row.stage if row.stage in {stage.id for stage in new.package.stages} else None


def _named(definition: Definition) -> Mapping[str, Any]:
    package = definition.package
    return {"id": definition.version_id, "version": package.version, "sha256": package.sha256}
