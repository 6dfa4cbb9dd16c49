"""Changes to the tree of organisations."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from engine.clock import Clock
from engine.database import unit_of_work
from engine.directory import organisations
from engine.directory.actors import Actor
from engine.directory.codes import OrganisationKind
from engine.directory.operations.recording import given, only, record
from engine.directory.policy import Action, require
from engine.errors import N_, InvalidInput

_ORGANISATION_FIELDS: Final = frozenset(
    {
        "name",
        "short_name",
        "can_approve_members",
        "has_committee",
        "term_start",
        "term_end",
        "founded_on",
    }
)


def create_organisation(
    clock: Clock,
    actor: Actor,
    *,
    parent_id: int,
    name: str,
    kind: OrganisationKind,
    code: str,
    **values: Any,
) -> int:
    """Add an organisation below another and return its id."""
    only(values, _ORGANISATION_FIELDS)
    if not name.strip() or not code.strip():
        raise InvalidInput({"name": [N_("请填写党组织名称和编码。")]})
    with unit_of_work() as session:
        above = organisations.get_organisation(session, parent_id)
        require(actor, Action.MANAGE_ORGANISATION, organisations.view(above))
        made = organisations.add_organisation(
            session, parent_id=parent_id, name=name.strip(), kind=kind, code=code.strip(), **values
        )
        record(session, clock, actor, "create_organisation", organisation=made.id, code=code)
        return made.id


def change_organisation(clock: Clock, actor: Actor, organisation_id: int, **values: Any) -> None:
    """Change what is known of an organisation."""
    only(values, _ORGANISATION_FIELDS)
    with unit_of_work() as session:
        found = organisations.get_organisation(session, organisation_id)
        require(actor, Action.MANAGE_ORGANISATION, organisations.view(found))
        for name, value in values.items():
            setattr(found, name, value)
        record(
            session,
            clock,
            actor,
            "change_organisation",
            organisation=organisation_id,
            fields=sorted(values),
        )


def relocate_organisation(clock: Clock, actor: Actor, organisation_id: int, parent_id: int) -> None:
    """Put an organisation under another one; the actor needs the right at both places."""
    with unit_of_work() as session:
        for place in (organisation_id, parent_id):
            found = organisations.get_organisation(session, place)
            require(actor, Action.MANAGE_ORGANISATION, organisations.view(found))
        organisations.move_organisation(session, organisation_id, parent_id)
        record(
            session,
            clock,
            actor,
            "relocate_organisation",
            organisation=organisation_id,
            parent=parent_id,
        )


def dissolve_organisation(
    clock: Clock, actor: Actor, organisation_id: int, day: date, reason: str
) -> None:
    """Let an organisation end on ``day``: the first day it exists no more."""
    with unit_of_work() as session:
        found = organisations.get_organisation(session, organisation_id)
        require(actor, Action.MANAGE_ORGANISATION, organisations.view(found))
        if organisations.children(session, organisation_id, day):
            raise InvalidInput({"dissolved_on": [N_("该组织还有下级党组织，请先调整下级组织。")]})
        found.dissolved_on = day
        record(
            session,
            clock,
            actor,
            "dissolve_organisation",
            occurred_on=day,
            organisation=organisation_id,
            reason=given(reason),
        )
