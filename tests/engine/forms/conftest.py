"""A small world for forms: ten members, a committee of three, and a prospect."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from engine.calendars.functions import date_functions
from engine.calendars.notices import shipped_table
from engine.errors import InvalidInput
from engine.forms import Field, FormSchema, OrganisationChoice, PersonChoice, compile_form

MEMBERS = [PersonChoice(n, f"党员{n}") for n in range(1, 11)]
SUBJECT = 99
GOOD_FILES = {501, 502, 503}


Make = Callable[..., FormSchema]
"""The fixture ``form``: compiles a form of components."""

CHOICES = [{"value": "x", "label": "一"}, {"value": "y", "label": "二"}]
PERSON = {"domain": "person", "status": "full", "not_subject": "true"}
PEOPLE = {"domain": "people", "status": "full", "not_subject": "true"}
MEETING = {
    "type": "group",
    "path": "meeting",
    "label": "到会",
    "properties": {"domain": "attendance"},
}
VOTE = {
    "type": "group",
    "path": "vote",
    "label": "表决",
    "properties": {"domain": "vote", "written_opinions": "true"},
}


@dataclass
class World:
    """A FormContext with fixed answers."""

    occurred_on: date = date(2026, 6, 10)
    variables: Mapping[str, Any] = field(default_factory=dict)
    subject_id: int | None = SUBJECT
    members: Sequence[PersonChoice] = tuple(MEMBERS)
    rolls_asked: int = 0

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        return date_functions(shipped_table(), date(2026, 11, 22))

    def find_person(self, person_id: int, field: Field) -> PersonChoice | None:
        return next((person for person in self.members if person.id == person_id), None)

    def people_choices(self, field: Field) -> Sequence[PersonChoice]:
        return self.members

    def organisation_choices(self, field: Field) -> Sequence[OrganisationChoice]:
        return [OrganisationChoice(7, "第一党支部")]

    def roll(self, body: str, day: date) -> Sequence[PersonChoice]:
        self.rolls_asked += 1
        return self.members if body == "members" else self.members[:3]

    def usable(self, files: Sequence[int]) -> Collection[int]:
        return GOOD_FILES


@pytest.fixture
def world() -> World:
    return World()


def make_form(*components: Mapping[str, Any]) -> FormSchema:
    """Compile a form of these components."""
    return compile_form(
        {"schemaVersion": 16, "type": "default", "id": "test", "components": list(components)},
        file="forms/test.form",
    )


@pytest.fixture(scope="session")
def new_world() -> Callable[[], World]:
    """For properties, which need a new world for every example."""
    return World


@pytest.fixture(scope="session")
def form() -> Callable[..., FormSchema]:
    return make_form


def one(kind: str, **more: Any) -> dict[str, Any]:
    """Return a component with the key ``a``."""
    return {"type": kind, "key": "a", "label": "甲", **more}


def refused(form: FormSchema, raw: Any, world: Any) -> dict[str, list[str]]:
    """Return what a form says of data that it does not take."""
    with pytest.raises(InvalidInput) as caught:
        form.load(raw, world)
    return caught.value.fields
