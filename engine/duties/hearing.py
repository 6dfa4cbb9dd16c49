"""Read matters for the steps that count. What was undone or cancelled does not count.

Rows are only a copy of the ledger: a matter whose chain has grown since it was read is read again,
whoever changed it and whatever happened to the process that did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.facts import Occurrence
from engine.compliance.from_ledger import read_facts
from engine.compliance.names import Lenient
from engine.definitions.duties import CountedStep, Duty
from engine.definitions.models import ProcessVersion
from engine.duties.catalogue import Catalogue
from engine.duties.models import DutyEvent, DutyMatter
from engine.duties.planning import LOOK_BACK
from engine.duties.shares import owing_place, place_of_holder, shares_of
from engine.errors import GuichengError
from engine.runtime.models import Instance

log = structlog.get_logger(__name__)

BATCH: Final = 200
"""Matters read in one transaction."""

_UNHEARD = text(
    """
    SELECT i.id FROM instance i JOIN process_version v ON v.id = i.version_id
    LEFT JOIN duty_matter m ON m.instance_id = i.id
    WHERE v.key = ANY(:processes) AND i.started_on >= :oldest
        AND (m.instance_id IS NULL OR m.length <> i.chain_length OR m.catalogue <> :catalogue)
    ORDER BY i.id LIMIT :batch
    """
)


def unheard(session: Session, known: Catalogue, clock: Clock) -> Sequence[int]:
    """Return some matters that have gone on since they were read; none when all were read."""
    if not known.processes:
        return ()
    oldest = clock.today() - LOOK_BACK - timedelta(days=366)
    return session.scalars(
        _UNHEARD,
        {
            "processes": list(known.processes),
            "oldest": oldest,
            "catalogue": known.digest,
            "batch": BATCH,
        },
    ).all()


def hear(session: Session, known: Catalogue, instance_id: int) -> set[tuple[int, str]]:
    """Keep the steps of a matter that count; return where they count, or did before."""
    matter = session.execute(
        select(
            Instance.id,
            Instance.organisation_id,
            Instance.status,
            Instance.chain_length,
            ProcessVersion.key,
        )
        .join(ProcessVersion, ProcessVersion.id == Instance.version_id)
        .where(Instance.id == instance_id)
        .with_for_update(of=Instance, read=True)
    ).one_or_none()
    if matter is None or matter.key not in known.processes:
        return set()
    wanted = {(row["seq"], row["key"]): row for row in _events(session, known, matter)}
    had = session.execute(
        select(
            DutyEvent.seq,
            DutyEvent.key,
            DutyEvent.day,
            DutyEvent.also,
            DutyEvent.organisation_id,
            DutyEvent.shares,
        ).where(DutyEvent.instance_id == instance_id)
    ).all()
    touched: set[tuple[int, str]] = set()
    for row in had:
        new = wanted.get((row.seq, row.key))
        if new is not None and _same(row, new):
            del wanted[row.seq, row.key]
            continue
        touched.add((row.organisation_id, row.key))
        session.execute(
            delete(DutyEvent).where(
                DutyEvent.instance_id == instance_id,
                DutyEvent.seq == row.seq,
                DutyEvent.key == row.key,
            )
        )
    if wanted:
        session.execute(insert(DutyEvent), list(wanted.values()))
        touched |= {(row["organisation_id"], row["key"]) for row in wanted.values()}
    heard = {"length": matter.chain_length, "catalogue": known.digest}
    session.execute(
        insert(DutyMatter)
        .values(instance_id=instance_id, **heard)
        .on_conflict_do_update(index_elements=["instance_id"], set_=heard)
    )
    return touched


def _same(row: Any, new: Mapping[str, Any]) -> bool:
    """Tell whether a step is kept already as it now is."""
    names = ("day", "also", "organisation_id", "shares")
    return all(getattr(row, name) == new[name] for name in names)


def _events(session: Session, known: Catalogue, matter: Any) -> Iterator[dict[str, Any]]:
    """Yield the steps of a matter that count, once for each duty."""
    facts = None if matter.status == "cancelled" else read_facts(session, matter.id)
    if facts is None:
        return
    for step in facts.occurrences:
        for key, also in known.counted.get(CountedStep(matter.key, step.element), ()):
            duty = known.duties[key].duty
            shares = None
            place: int | None = matter.organisation_id
            if duty.tally is not None:
                shares = shares_of(duty.tally, matter.key, facts, step)
                place = owing_place(session, matter.organisation_id, duty.kinds)
                if not shares:
                    continue
            if duty.done_by is not None:
                place = place_of_holder(session, matter.organisation_id, duty, step)
            if place is None:
                continue
            if _counts(duty, step):
                yield {
                    "instance_id": matter.id,
                    "seq": step.seq,
                    "key": key,
                    "organisation_id": place,
                    "shares": shares,
                    "element": step.element,
                    "day": step.occurred_on,
                    "also": also,
                }


def _counts(duty: Duty, step: Occurrence) -> bool:
    if duty.when is None:
        return True
    answers: Mapping[str, Any] = Lenient(step.data)
    try:
        return bool(duty.when.evaluate(answers))
    except GuichengError as fault:
        log.warning("duty_when_failed", duty=duty.key, error=str(fault))
        return False
