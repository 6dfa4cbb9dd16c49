"""Who holds which role in a matter: its introducers, its contacts, those whom a step has named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from engine.database import Record, fetch, run

TOLD_BY_TASK = """
    ARRAY(
        SELECT p.role || ':' || p.person_id FROM instance_participant p
        WHERE p.instance_id = t.instance_id ORDER BY p.role, p.person_id
    ) AS participants
"""
"""A column of a task ``t``, for :func:`people_of`."""

_READ = """
    SELECT role, person_id FROM instance_participant WHERE instance_id = %(id)s
    ORDER BY role, person_id
"""

_REPLACE = """
    WITH before AS (
        DELETE FROM instance_participant WHERE instance_id = %(id)s AND role = %(role)s
            AND person_id <> ALL(%(people)s::bigint[])
    )
    INSERT INTO instance_participant (instance_id, role, person_id)
    SELECT %(id)s, %(role)s, p FROM unnest(%(people)s::bigint[]) p
    ON CONFLICT DO NOTHING
"""


def people_of(session: Session, row: Record) -> dict[str, tuple[int, ...]]:
    """Return the people of a matter by role; the row of a task tells, others are asked for."""
    if not hasattr(row, "participants"):
        return read_people(session, row.instance_id)
    told = (line.rpartition(":") for line in row.participants)
    return _by_role((role, int(person_id)) for role, _, person_id in told)


def read_people(session: Session, instance_id: int) -> dict[str, tuple[int, ...]]:
    """Return the people of a matter by role."""
    rows = fetch(session, _READ, {"id": instance_id})
    return _by_role((row.role, row.person_id) for row in rows)


def _by_role(people: Iterable[tuple[str, int]]) -> dict[str, tuple[int, ...]]:
    roles: dict[str, list[int]] = {}
    for role, person_id in people:
        roles.setdefault(role, []).append(person_id)
    return {role: tuple(holders) for role, holders in roles.items()}


def replace_people(session: Session, instance_id: int, role: str, people: Sequence[int]) -> None:
    """Set who holds ``role`` in a matter."""
    run(session, _REPLACE, {"id": instance_id, "role": role, "people": list(people)})
