"""Write a matter of the database as a file that ``guicheng check`` reads.

What people and organisations were on a day comes from what the ledger witnessed on that day, so the
file is judged as the matter was, whatever the directory says by now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.calendars.notices import holiday_data, shipped_years
from engine.checking.reading import FORMAT
from engine.compliance.books import rule_book
from engine.compliance.facts import Facts, Occurrence, Place
from engine.compliance.parameter_store import parameter_view
from engine.definitions.versions import Definition, load_definition
from engine.directory.models import Organisation, Person
from engine.errors import N_, Conflict, NotFound
from engine.forms.fields import FieldKind, walk
from engine.runtime.models import Instance
from engine.runtime.queries.conformance import read_history
from engine.runtime.world import DatabaseLanes, holidays


def export_matter(session: Session, instance_id: int) -> dict[str, Any]:
    """Return a matter as its file. Raises NotFound, or Conflict when its content was erased."""
    instance = session.get(Instance, instance_id)
    if instance is None:
        raise NotFound
    facts = read_history(session, instance_id)
    if facts is None:
        raise Conflict(N_("事项的内容已按保管期限清除，不能导出。"))
    definition = load_definition(session, instance.version_id)
    writer = _Writer(session, definition, facts)
    book = rule_book(session, definition)
    parameters: dict[str, Any] = {}
    if book is not None:
        view = parameter_view(session, instance.path, book.parameters)
        found = {name: view.value(name, facts.started_on) for name in book.parameters}
        parameters = {n: v.value for n, v in found.items() if v.origin == "organisation"}
    shipped = {year.year for year in shipped_years()}
    years = [year for year in holidays.get(session).years.values() if year.year not in shipped]
    file: dict[str, Any] = {
        "format": FORMAT,
        "title": instance.title,
        "procedure": facts.key,
        "organisation": writer.organisation(facts.organisation.organisation_id),
        "subject": writer.person(facts.subject),
        "ended_on": facts.ended_on.isoformat() if facts.ended_on else None,
        "outcome": facts.outcome,
        "parameters": parameters,
        "holidays": [holiday_data(year) for year in years],
        "steps": [writer.step(occurrence) for occurrence in facts.occurrences],
    }
    file["organisations"] = writer.organisations()
    file["people"] = writer.people()
    return {key: value for key, value in file.items() if value not in (None, {}, [])}


class _Writer:
    """Writes names for ids, and gathers who and what was named."""

    def __init__(self, session: Session, definition: Definition, facts: Facts) -> None:
        self.session = session
        self.definition = definition
        self.facts = facts
        self._people: dict[int, str] = {}
        self._organisations: dict[int, str] = {}

    def person(self, id: int | None) -> str | None:
        """Return the name of a person, told apart from namesakes."""
        if id is None:
            return None
        if id not in self._people:
            name = self.session.scalar(select(Person.name).where(Person.id == id)) or "无名"
            taken = name in self._people.values()
            self._people[id] = f"{name}（{id}）" if taken else name
        return self._people[id]

    def organisation(self, id: int | None) -> str | None:
        """Return the name of an organisation."""
        if id is None:
            return None
        if id not in self._organisations:
            statement = select(Organisation.name).where(Organisation.id == id)
            name = self.session.scalar(statement) or "无名"
            taken = name in self._organisations.values()
            self._organisations[id] = f"{name}（{id}）" if taken else name
        return self._organisations[id]

    def step(self, occurrence: Occurrence) -> dict[str, Any]:
        """Return a step."""
        place = occurrence.place
        found: dict[str, Any] = {
            "step": occurrence.element,
            "on": occurrence.occurred_on.isoformat(),
            "recorded_on": occurrence.recorded_on.isoformat(),
            "by": self.person(occurrence.actor),
            "at": self.organisation(place.organisation_id) if place else None,
            "by_timer": occurrence.by_timer or None,
            "status": {status: since.isoformat() for status, since in occurrence.statuses},
            "roll": {key: self._named(ids) for key, ids in occurrence.rolls.items()},
            "data": self._data(occurrence),
        }
        return {key: value for key, value in found.items() if value not in (None, {}, [])}

    def _named(self, ids: Iterable[int]) -> list[str]:
        return [name for id in ids if (name := self.person(id))]

    def _data(self, occurrence: Occurrence) -> dict[str, Any]:
        package = self.definition.package
        step = package.steps.get(occurrence.element)
        form = step.form if step else package.messages[occurrence.element].form
        if not form:
            return {}
        fields = {field.key: field for field in walk(self.definition.forms[form].fields)}
        found: dict[str, Any] = {}
        for key, value in occurrence.data.items():
            kind = fields[key].kind if key in fields else None
            if kind is FieldKind.PERSON:
                value = self.person(value)
            elif kind is FieldKind.PEOPLE:
                value = self._named(value)
            elif kind is FieldKind.ORGANISATION:
                value = self.organisation(value)
            elif kind is FieldKind.ATTENDANCE and value is not None:
                value = self._attendance(value)
            elif kind is FieldKind.VOTE and value is not None:
                value = {k: v for k, v in value.items() if k in _VOTE}
            if kind not in (FieldKind.FILES, None) and value not in (None, [], {}):
                found[key] = value
        return found

    def _attendance(self, value: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "due": value["due"],
            "present_people": self._named(value["present_people"]),
            "excluded": [
                {"person": self.person(one["person"]), "reason": one["reason"]}
                for one in value.get("excluded", ())
            ],
        }

    # --- who and what was named -----------------------------------------------------------------

    def organisations(self) -> list[dict[str, Any]]:
        """Return all organisations that were named, and those above the matter's own."""
        own = self.facts.organisation.organisation_id
        lanes = DatabaseLanes(self.session)
        at = own
        while at is not None:
            self.organisation(at)
            at = lanes.parent(at)
        witnessed: dict[int, Place] = {}
        for place in (self.facts.organisation, *(o.place for o in self.facts.occurrences)):
            if place is not None and place.organisation_id is not None:
                witnessed[place.organisation_id] = place
        found: list[dict[str, Any]] = []
        for id in list(self._organisations):
            now = self.session.get(Organisation, id)
            place = witnessed.get(id)
            parent = now.parent_id if now else None
            one: dict[str, Any] = {
                "name": self._organisations[id],
                "kind": place.kind if place else now.kind if now else "branch",
                "approves": place.approves if place else bool(now and now.can_approve_members),
            }
            if parent in self._organisations:
                one["parent"] = self._organisations[parent]
            found.append(one)
        return found

    def people(self) -> list[dict[str, Any]]:
        """Return all people that were named, as they were witnessed."""
        found: dict[int, dict[str, Any]] = {id: {"name": n} for id, n in self._people.items()}
        seen: dict[int, list[tuple[date, str]]] = {}
        for occurrence in sorted(self.facts.occurrences, key=lambda o: o.occurred_on):
            day, place = occurrence.occurred_on.isoformat(), occurrence.place
            for id, witness in occurrence.people.items():
                if id not in found:
                    continue
                row = seen.setdefault(id, [])
                if not row or row[-1][1] != witness.status:
                    row.append((occurrence.occurred_on, witness.status))
                span = {"since": day, "until": day}
                if witness.restricted:
                    found[id].setdefault("restricted", []).append(span)
                for post in witness.posts or ():
                    at = self.organisation(place.organisation_id) if place else None
                    held = {"post": post, "at": at, **span}
                    if held not in found[id].setdefault("posts", []):
                        found[id]["posts"].append(held)
        for id, row in seen.items():
            found[id]["status"] = [{"status": s, "since": day.isoformat()} for day, s in row]
        return list(found.values())


_VOTE = frozenset(
    {"for", "against", "abstain", "written", "issued", "collected", "due", "present", "outcome"}
)
