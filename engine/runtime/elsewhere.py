"""Other matters in which the same was recorded of the same people: what rules of kind once ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.compliance.facts import Facts
from engine.compliance.from_ledger import read_facts
from engine.compliance.kinds.once import Once
from engine.compliance.rules import Field, RuleBook
from engine.database import Record
from engine.runtime.matters import Matter
from engine.runtime.models import format_number

OTHERS: Final = "others"
"""The key under which a step's witness names them, by rule."""

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_MATTERS = text(
    """
    SELECT DISTINCT i.id, i.prefix, i.year, i.serial
    FROM instance_participant p JOIN instance i ON i.id = p.instance_id
    JOIN process_version v ON v.id = i.version_id
    WHERE p.person_id = ANY(:people) AND p.role = :role AND v.key = :process
        AND i.id <> :own AND i.status <> 'cancelled'
    ORDER BY i.id
    """
)


def recorded_elsewhere(
    session: Session,
    row: Record,
    matter: Matter,
    book: RuleBook,
    data: Mapping[str, Any],
) -> dict[str, dict[str, list[str]]]:
    """Return what a step's witness says of other matters: their numbers, by rule.

    Two matters of one person are looked at one after the other, never both at once.
    """
    found: dict[str, list[str]] = {}
    for rule in book.standing_at(row.element):
        check = rule.check
        if not isinstance(check, Once):
            continue
        own = read_facts(session, row.instance_id)
        people = sorted(_people(matter, row.element, check.role, data))
        for person in people:
            session.execute(_LOCK, {"name": f"{rule.id} {person}"})
        others = session.execute(
            _MATTERS,
            {
                "people": people,
                "role": check.role,
                "process": matter.definition.package.key,
                "own": row.instance_id,
            },
        ).all()
        found[rule.id] = []
        for other in others:
            facts = read_facts(session, other.id)
            if facts is None or facts.latest(row.element) is None:
                continue
            if all(
                _value(own, field, row.element, data) == _value(facts, field, row.element, None)
                for field in check.same
            ):
                found[rule.id].append(format_number(other.prefix, other.year, other.serial))
    return {OTHERS: found} if found else {}


def _people(matter: Matter, element: str, role: str, data: Mapping[str, Any]) -> set[int]:
    """Return who has a role, those whom the step itself chooses among them."""
    found = set(matter.participants.get(role, ()))
    chosen = matter.definition.package.participants.get(role)
    if chosen is not None and chosen.element == element:
        value = data.get(chosen.field)
        found |= {value} if isinstance(value, int) else set(value or ())
    return found


def _value(facts: Facts | None, field: Field, element: str, data: Mapping[str, Any] | None) -> Any:
    """Return what a field holds: of the step at hand (``data``), or as last recorded."""
    at = field.element or element
    if data is not None and at == element:
        return data.get(field.name)
    done = facts.latest(at) if facts is not None else None
    return None if done is None else done.data.get(field.name)
