"""The commands of duties: run the plan, and hear what a matter has come to.

The plan is run every hour and when a worker starts. It may run twice, late, or at once with
another, and repairs whatever a crash has left undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import structlog

from engine.clock import Clock
from engine.compliance.parameter_store import forget_settings
from engine.compliance.regulation_store import forget_regulations
from engine.database import db, unit_of_work
from engine.duties.catalogue import Catalogue, catalogue, forget_catalogue
from engine.duties.drafts import BATCH, REMIND_OF, open_drafts, remind
from engine.duties.findings import keep_findings
from engine.duties.hearing import hear, unheard
from engine.duties.planning import LOOK_BACK, make_plan
from engine.duties.settling import ended_tallies, loose_pairs, settle, still_late, tallies_of
from engine.duties.strips import write_all_years, write_years
from engine.queue import enqueue
from engine.signals import duty_due, duty_late

log = structlog.get_logger(__name__)

RUN: Final = "run_duties"


@dataclass(frozen=True)
class Ran:
    """What a run of the plan did."""

    added: int
    heard: int
    late: int
    drafted: int
    reminded: int


def run_duties(clock: Clock) -> Ran:
    """Bring the plan up to date: hear matters, plan, settle, start drafts, remind."""
    forget_catalogue()
    forget_settings()
    forget_regulations()
    with unit_of_work() as session:
        known = catalogue(session)
    heard = _hear_all(known, clock)
    with unit_of_work() as session:
        planned = make_plan(session, known, clock)
        pairs = planned.settle | loose_pairs(session, clock.today() - LOOK_BACK)
        pairs |= ended_tallies(session, known, clock) | tallies_of(session, known, planned.late)
        changed = settle(session, known, pairs, clock)
        touched = sorted({*planned.late, *planned.lapsed, *changed})
        keep_findings(session, known, touched, clock)
        write_all_years(session, clock.today() - LOOK_BACK)
        late = still_late(session, planned.late)
        for at in range(0, len(late), BATCH):
            enqueue(session, REMIND_OF, duty_ids=late[at : at + BATCH], late=True)
    ran = Ran(planned.added, heard, len(late), open_drafts(known, clock), remind(clock))
    log.info("duties_run", **vars(ran))
    return ran


def step_happened(element: str | None, instance_id: int, clock: Clock) -> None:
    """Count a step that has just been recorded, if it is one that counts for anything."""
    if element is not None and element not in catalogue(db.session()).elements:
        return
    with unit_of_work() as session:
        _heard(session, catalogue(session), [instance_id], clock)


def send_reminder(duty_ids: list[int], late: bool) -> None:
    """Tell those who listen that these duties are due, or late."""
    (duty_late if late else duty_due).send(None, duty_ids=duty_ids)


def _hear_all(known: Catalogue, clock: Clock) -> int:
    heard = 0
    while True:
        with unit_of_work() as session:
            matters = unheard(session, known, clock)
            _heard(session, known, matters, clock)
        heard += len(matters)
        if not matters:
            return heard


def _heard(session: Any, known: Catalogue, matters: Any, clock: Clock) -> None:
    pairs: set[tuple[int, str]] = set()
    for instance_id in matters:
        pairs |= hear(session, known, instance_id)
    if pairs:
        keep_findings(session, known, settle(session, known, pairs, clock), clock)
        write_years(session, pairs)
