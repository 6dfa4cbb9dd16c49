"""What a template of an official paper may show: the matter, its person, and each step in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.definitions.versions import Definition
from engine.directory.codes import MembershipStatus
from engine.directory.membership import status_on
from engine.directory.models import Organisation, Person
from engine.documents.contents import CaseForm
from engine.documents.record import RecordRow
from engine.forms.fields import FieldKind
from engine.forms.words import label_of
from engine.runtime.queries.access import Opened
from engine.runtime.queries.records import chinese_day
from engine.runtime.views import MatterRow, StepRecord

_GENDERS = {"male": "男", "female": "女"}


class Words(dict[str, str]):
    """The answers of a step in words; ``words.items`` in a template is the field of that name."""

    def __getattribute__(self, name: str) -> Any:
        return self[name] if name in self else super().__getattribute__(name)


@dataclass(frozen=True)
class Round:
    """One completion of a step that counts."""

    day: str
    by: str
    post: str
    words: Mapping[str, str]
    data: Mapping[str, Any]


def template_values(
    session: Session,
    opened: Opened,
    row: MatterRow,
    forms: Mapping[int, CaseForm],
    rows: list[RecordRow],
    records: list[StepRecord],
    clock: Clock,
) -> dict[str, Any]:
    """Return the values of every paper of a matter; ``step`` and ``draft`` come with the paper."""
    definition = opened.matter.definition
    return {
        "matter": _matter(session, opened, row),
        "person": _person(session, row.subject_id, clock.today()),
        "participants": _participants(session, opened),
        "steps": _steps(definition, forms, records),
        "rows": rows,
        "today": chinese_day(clock.today()),
    }


def _matter(session: Session, opened: Opened, row: MatterRow) -> dict[str, str]:
    own = session.get_one(Organisation, row.organisation_id)
    approving = opened.world.directory.approving(row.organisation_id)
    above = None if approving is None else opened.world.directory.parent(approving)
    values = {
        "number": row.number,
        "title": row.process_title,
        "subject": row.subject_name,
        "organisation": own.short_name,
        "organisation_full": official_name(own.name),
        "approving": _name(session, approving),
        "above": _name(session, above),
        "started_on": chinese_day(row.started_on),
        "ended_on": chinese_day(row.ended_on) if row.ended_on else "",
        "status": row.status.label,
        "outcome": row.outcome_title or "",
    }
    return {name: value for name, value in values.items() if value}


def _name(session: Session, organisation_id: int | None) -> str:
    if organisation_id is None:
        return ""
    found = session.get(Organisation, organisation_id)
    return official_name(found.name) if found else ""


def official_name(name: str) -> str:
    """Return an organisation's name as papers are signed with it: 中共… once."""
    return name if name.startswith(("中共", "中国共产党")) else f"中共{name}"


def _person(session: Session, person_id: int | None, today: date) -> dict[str, str]:
    person = None if person_id is None else session.get(Person, person_id)
    if person is None:
        return {}
    born = person.birth_date
    values = {
        "name": person.name,
        "gender": _GENDERS.get(person.gender or "", ""),
        "ethnicity": person.ethnicity or "",
        "birth_date": chinese_day(born) if born else "",
        "age": str(_age(born, today)) if born else "",
        "education": person.education or "",
        "workplace": person.workplace or "",
        "status": MembershipStatus(status_on(session, person.id, today)).label,
    }
    return {name: value for name, value in values.items() if value}


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _participants(session: Session, opened: Opened) -> dict[str, str]:
    found = {}
    for role, people in opened.matter.participants.items():
        names = [p.name for p in (session.get(Person, number) for number in people) if p]
        if names:
            found[role] = "、".join(names)
    return found


def _steps(
    definition: Definition, forms: Mapping[int, CaseForm], records: list[StepRecord]
) -> dict[str, dict[str, Any]]:
    """Return each recorded step as its latest round, with all its rounds."""
    by_element: dict[str, list[Round]] = {}
    for record in records:
        form = forms.get(record.seq)
        if record.undone or form is None:
            continue
        by_element.setdefault(record.element, []).append(
            Round(
                day=chinese_day(form.occurred_on or record.occurred_on),
                by=record.person_name,
                post=record.post or "",
                words=_words(definition, record.element, form),
                data=form.data,
            )
        )
    return {element: step_values(rounds) for element, rounds in by_element.items()}


def _words(definition: Definition, element: str, form: CaseForm) -> Words:
    """Return the answers in words; those of a list also together, a line for each row."""
    words = Words((answer.name, answer.text) for answer in form.answers)
    rows: dict[str, dict[str, list[str]]] = {}
    for field in definition.form_of(element).fields:
        if field.kind is not FieldKind.LIST:
            continue
        for answer in form.answers:
            row, _, column = answer.name.partition(".")
            name, _, number = row.rpartition("-")
            if name == field.key and column:
                label = label_of(field.children, column) or answer.label
                lines = rows.setdefault(name, {})
                lines.setdefault(number, []).append(f"{label}：{answer.text}")
    for name, lines in rows.items():
        words[name] = "\n".join(
            f"{n}．{'；'.join(said.rstrip('。；') for said in line)}。"
            for n, line in enumerate(lines.values(), 1)
        )
    return words


def step_values(rounds: list[Round]) -> dict[str, Any]:
    """Return a step as templates see it."""
    if not rounds:
        return {"done": False, "rounds": []}
    last = rounds[-1]
    return {
        "done": True,
        "day": last.day,
        "by": last.by,
        "post": last.post,
        "words": last.words,
        "data": last.data,
        "rounds": rounds,
    }
