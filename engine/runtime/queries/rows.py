"""Turn rows of the database into :class:`TaskRow` and :class:`MatterRow`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.calendars.working_days import HolidayTable
from engine.compliance.grounds import Grounds
from engine.database import Record
from engine.definitions.versions import Definition, load_definition
from engine.directory.codes import PostKind
from engine.directory.models import Organisation, Person
from engine.runtime.models import NO_LIMIT, format_number
from engine.runtime.views import MatterRow, MatterStatus, TaskRow

TASK_COLUMNS = """
    t.id, t.instance_id, t.element, t.item, t.state, t.organisation_id AS task_organisation_id,
    t.candidates, t.assignee_id, t.not_before, t.earliest_on, t.due_on, t.returned, t.revision,
    t.created_at, t.closed_at, i.version_id, i.prefix, i.year, i.serial, i.organisation_id, i.path,
    i.subject_id, i.title, i.status, i.stage, o.short_name AS organisation_name,
    place.short_name AS place_name, holder.name AS assignee_name,
    EXISTS (SELECT 1 FROM draft d WHERE d.task_id = t.id AND d.person_id = %(me)s) AS has_draft
"""
TASK_JOINS = """
    JOIN instance i ON i.id = t.instance_id
    JOIN organisation o ON o.id = i.organisation_id
    LEFT JOIN organisation place ON place.id = t.organisation_id
    LEFT JOIN person holder ON holder.id = t.assignee_id
"""


def step_label(definition: Definition, element: str) -> str:
    """Return a step as people write it: ``02 党组织派人谈话``."""
    step = definition.package.steps.get(element)
    if step is None:
        info = definition.spec.elements.get(element)
        return (info.name if info else None) or element
    return f"{step.number} {step.title}" if step.number else step.title


def days_left(due_on: date | None, today: date, holidays: HolidayTable) -> int | None:
    """Return working days until ``due_on``, or calendar days over it as a negative number."""
    if due_on is None:
        return None
    if due_on < today:
        return (due_on - today).days
    return holidays.workdays_between(today, due_on).days


def matter_fields(row: Any, definition: Definition) -> dict[str, Any]:
    """Return what every line of a list says of its matter.

    The row has the matter's prefix, year, serial, subject_id, title, organisation_id and
    organisation_name.
    """
    return {
        "process_key": definition.package.key,
        "process_title": definition.package.title,
        "subject_id": row.subject_id,
        "subject_name": row.title,
        "organisation_id": row.organisation_id,
        "organisation_name": row.organisation_name,
    }


def task_row(
    session: Session,
    row: Record,
    today: date,
    holidays: HolidayTable,
    names: Names,
    grounds: Grounds,
    day: date | None = None,
) -> TaskRow:
    """Return one line of a task list; ``day`` is that on which the step is or was done."""
    definition = load_definition(session, row.version_id)
    step = definition.package.steps[row.element]
    stage = definition.stages.get(row.element)
    due_on = None if row.due_on == NO_LIMIT else row.due_on
    whose = _person(row.item)
    return TaskRow(
        id=row.id,
        instance_id=row.instance_id,
        matter_number=format_number(row.prefix, row.year, row.serial),
        **matter_fields(row, definition),
        for_id=whose,
        for_name=names.person(whose),
        stage_title=f"{stage.number} {stage.title}" if stage else None,
        element=row.element,
        step_number=step.number,
        title=step.title,
        action=step.action,
        description=step.description,
        basis=grounds.on(step, row.path, day or today),
        due_on=due_on,
        earliest_on=row.earliest_on,
        not_before=row.not_before,
        workdays_left=days_left(due_on, today, holidays),
        state=row.state,
        claimed_by=row.assignee_id,
        claimed_by_name=row.assignee_name,
        waiting_for=row.assignee_name or names.who(row.candidates),
        has_draft=row.has_draft,
        returned=row.returned,
        decision=step.decision,
        revision=row.revision,
        created_at=row.created_at,
        closed_at=row.closed_at,
    )


def _person(item: str | None) -> int | None:
    """Return the person of an item, if the list is one of people."""
    if item is None or not item.startswith("p") or not item[1:].isdecimal():
        return None
    return int(item[1:])


def matter_row(session: Session, row: Record, now: Iterable[str]) -> MatterRow:
    """Return one line of a matter list; ``now`` are the elements of its open tasks."""
    definition = load_definition(session, row.version_id)
    stages = {stage.id: stage for stage in definition.package.stages}
    stage = stages.get(row.stage)
    titles = {e.outcome: e.outcome_title for e in definition.package.all_effects() if e.outcome}
    return MatterRow(
        id=row.id,
        number=format_number(row.prefix, row.year, row.serial),
        version_id=row.version_id,
        **matter_fields(row, definition),
        status=MatterStatus(row.status),
        outcome=row.outcome,
        outcome_title=titles.get(row.outcome) if row.outcome else None,
        stage_title=f"{stage.number} {stage.title}" if stage else None,
        now=tuple(step_label(definition, element) for element in now),
        started_on=row.started_on,
        ended_on=row.ended_on,
        backfilled=row.backfilled,
        revision=row.revision,
    )


class Names:
    """Names of people and organisations, read in as few queries as possible and kept."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._people: dict[int, str] = {}
        self._organisations: dict[int, str] = {}
        self._who: dict[tuple[str, ...], str] = {}
        self.files: Mapping[int, str] = {}
        """File names by attachment id, for those who have read them."""

    def attachment(self, attachment_id: int) -> str:
        """Return an attachment's file name."""
        return self.files.get(attachment_id, "")

    def fetch(self, people: Iterable[int | None] = (), organisations: Iterable[int] = ()) -> None:
        """Read the names that are not known yet."""
        wanted = {p for p in people if p is not None and p not in self._people}
        if wanted:
            rows = self._session.execute(
                text("SELECT id, name FROM person WHERE id = ANY(:ids)"), {"ids": list(wanted)}
            )
            self._people |= {row.id: row.name for row in rows}
        places = {o for o in organisations if o not in self._organisations}
        if places:
            rows = self._session.execute(
                text("SELECT id, short_name FROM organisation WHERE id = ANY(:ids)"),
                {"ids": list(places)},
            )
            self._organisations |= {row.id: row.short_name for row in rows}

    def know_organisations(self, found: Iterable[tuple[int | None, str | None]]) -> None:
        """Take over names that have been read along with something else."""
        for organisation_id, name in found:
            if organisation_id is not None and name is not None:
                self._organisations[organisation_id] = name

    def person(self, person_id: int | None) -> str:
        """Return a person's name."""
        if person_id is None:
            return ""
        if person_id not in self._people:
            person = self._session.get(Person, person_id)
            self._people[person_id] = person.name if person else ""
        return self._people[person_id]

    def organisation(self, organisation_id: int) -> str:
        """Return an organisation's short name."""
        if organisation_id not in self._organisations:
            found = self._session.get(Organisation, organisation_id)
            self._organisations[organisation_id] = found.short_name if found else ""
        return self._organisations[organisation_id]

    def principal(self, key: str) -> str:
        """Return what a principal is called: a person's name, or 第一党支部书记."""
        if key.startswith("p"):
            return self.person(int(key[1:]))
        organisation, _, kind = key[1:].partition(":")
        return f"{self.organisation(int(organisation))}{PostKind(kind).label}"

    def who(self, candidates: Sequence[str]) -> str:
        """Return in a few words who may do a task: the first names or posts."""
        if not candidates:
            return ""
        key = tuple(candidates)
        if key not in self._who:
            people = [key for key in candidates if key.startswith("p")]
            self._who[key] = (
                "、".join(self.person(int(key[1:])) for key in people[:3])
                if people
                else self.principal(candidates[0])
            )
        return self._who[key]

    def fetch_candidates(self, lists: Iterable[Sequence[str]]) -> None:
        """Read the names that :meth:`who` will want for these lists."""
        keys = [key for keys in lists for key in keys[:3]]
        self.fetch(
            (int(key[1:]) for key in keys if key.startswith("p")),
            {int(key[1:].partition(":")[0]) for key in keys if key.startswith("o")},
        )
