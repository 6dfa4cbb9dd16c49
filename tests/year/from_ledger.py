"""The findings of the year made anew from the ledger alone, beside those that are stored."""

from __future__ import annotations

import psycopg
from sqlalchemy import select

from engine.compliance.from_ledger import facts_of, read_told
from engine.compliance.models import Finding
from engine.compliance.results import Outcome
from engine.database import db
from engine.definitions.versions import load_definition
from engine.runtime.measuring import measure_of
from engine.runtime.models import Instance
from tests.year.desk import Desk

Broken = tuple[int, str, str, int, str]
"""Matter, rule, element, round and severity."""


def stored_findings() -> list[Broken]:
    """Return the findings of matters that are stored as not met."""
    rows = db.session().execute(
        select(
            Finding.instance_id, Finding.rule, Finding.element, Finding.round, Finding.severity
        ).where(Finding.outcome == Outcome.NOT_MET, Finding.instance_id.is_not(None))
    )
    return [(row[0] or 0, *row[1:]) for row in rows]


def findings_from_the_ledger(desk: Desk) -> list[Broken]:
    """Return what the rules say of every matter, read from its entries and nothing else."""
    session = db.session()
    found = []
    for row in session.execute(select(Instance.id, Instance.version_id, Instance.path)).all():
        definition = load_definition(session, row.version_id)
        measure = measure_of(session, definition, row.path, desk.clock)
        facts = facts_of(read_told(session, row.id))
        for result in measure.judge(facts) if measure and facts else ():
            if result.outcome is Outcome.NOT_MET:
                found.append((row.id, *result.key, str(result.severity)))
    return found


def forget_what_was_heard(desk: Desk) -> None:
    """Throw away what the plan of duties has read of the matters."""
    db.session.remove()  # it has read those tables
    with psycopg.connect(desk.where.owner) as connection:
        connection.execute("SET lock_timeout = '10s'")
        connection.execute("TRUNCATE duty_event, duty_matter")
