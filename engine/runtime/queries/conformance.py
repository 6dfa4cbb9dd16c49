"""The history of a matter as its ledger tells it, replayed against the procedure it followed."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import ZONE
from engine.compliance.books import rule_book
from engine.compliance.facts import NOTHING, Facts, Occurrence
from engine.compliance.from_ledger import facts_of, read_told
from engine.compliance.parameter_store import parameter_view
from engine.compliance.regulation_store import current_regulations
from engine.definitions.versions import load_definition
from engine.errors import NotFound
from engine.ledger.kinds import EntryKind
from engine.ledger.standing import undone_entries
from engine.runtime.conformance import Conformance, replay
from engine.runtime.models import Instance
from engine.runtime.world import DatabaseLanes, holidays


def read_history(session: Session, instance_id: int) -> Facts | None:
    """Return the facts of a matter with the messages that reached it, which no rule judges.

    None when its content was erased: nothing can be said of it any more.
    """
    told = read_told(session, instance_id)
    facts = facts_of(told)
    if facts is None or any(entry.kind == EntryKind.ERASED for entry in told):
        return None
    undone = undone_entries(told, {entry.seq: entry.payload for entry in told})
    messages = [
        Occurrence(
            element=entry.element,
            occurred_on=entry.occurred_on,
            recorded_on=entry.recorded_at.astimezone(ZONE).date(),
            data=entry.payload.get("data", NOTHING),
            seq=entry.seq,
            actor=entry.actor_id,
        )
        for entry in told
        if entry.kind == EntryKind.MESSAGE_RECEIVED and entry.seq not in undone
        if entry.element is not None and entry.occurred_on is not None
    ]
    everything = sorted((*facts.occurrences, *messages), key=lambda one: one.seq)
    return replace(facts, occurrences=tuple(everything))


def matter_conformance(session: Session, instance_id: int) -> Conformance | None:
    """Return how a matter follows its procedure; None when its content was erased.

    Who may ask is the caller's business: it is for those who see findings. Raises NotFound.
    """
    instance = session.execute(
        select(Instance.version_id, Instance.path).where(Instance.id == instance_id)
    ).one_or_none()
    if instance is None:
        raise NotFound
    history = read_history(session, instance_id)
    if history is None:
        return None
    definition = load_definition(session, instance.version_id)
    known = {*definition.package.steps, *definition.package.messages}
    history = replace(
        history, occurrences=tuple(o for o in history.occurrences if o.element in known)
    )
    book = rule_book(session, definition)
    declared = {} if book is None else book.parameters
    return replay(
        definition,
        history,
        holidays=holidays.get(session),
        directory=DatabaseLanes(session),
        regulations=current_regulations(session),
        parameters=parameter_view(session, instance.path, declared) if declared else None,
    )
