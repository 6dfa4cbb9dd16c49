"""Changes to people: who they are, their status, restrictions of their rights."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from engine.clock import Clock
from engine.database import unit_of_work
from engine.directory import organisations
from engine.directory.actors import Actor
from engine.directory.codes import Gender, MembershipStatus
from engine.directory.codes import RestrictionKind as Restriction
from engine.directory.membership import set_status
from engine.directory.models import Person, RightsRestriction
from engine.directory.operations.recording import given, only, record
from engine.directory.people import get_person, identity_number_ok, person_view
from engine.directory.policy import Action, require
from engine.errors import N_, InvalidInput, NotFound

_PERSON_FIELDS: Final = frozenset(
    {
        "name",
        "gender",
        "ethnicity",
        "birth_date",
        "identity_number",
        "phone",
        "education",
        "group_id",
        "workplace",
        "floating_to",
    }
)


def register_person(
    clock: Clock,
    actor: Actor,
    *,
    organisation_id: int,
    status: MembershipStatus = MembershipStatus.NONE,
    since: date | None = None,
    **values: Any,
) -> int:
    """Enter a person with the status he has, and return the id."""
    _check_person(values, new=True)
    with unit_of_work() as session:
        place = organisations.get_organisation(session, organisation_id)
        require(actor, Action.MANAGE_PERSON, organisations.view(place))
        made = Person(organisation_id=organisation_id, created_at=clock.now(), **values)
        session.add(made)
        session.flush()
        set_status(
            session,
            made.id,
            status,
            since or clock.today(),
            clock=clock,
            organisation_id=organisation_id,
        )
        record(
            session,
            clock,
            actor,
            "register_person",
            person=made.id,
            organisation=organisation_id,
            status=status.value,
        )
        return made.id


def change_person(clock: Clock, actor: Actor, person_id: int, **values: Any) -> None:
    """Change what is known of a person; status and organisation have commands of their own."""
    _check_person(values)
    with unit_of_work() as session:
        require(actor, Action.MANAGE_PERSON, person_view(session, person_id))
        person = get_person(session, person_id)
        for name, value in values.items():
            setattr(person, name, value)
        record(session, clock, actor, "change_person", person=person_id, fields=sorted(values))


def correct_status(
    clock: Clock,
    actor: Actor,
    person_id: int,
    status: MembershipStatus,
    since: date,
    *,
    reason: str,
    organisation_id: int | None = None,
) -> None:
    """Set a membership status by hand (更正), with a reason. Procedures set it by themselves.

    Only administrators may: a branch never changes a status outside a procedure.
    """
    with unit_of_work() as session:
        require(actor, Action.CORRECT_STATUS, person_view(session, person_id))
        if since > clock.today():
            raise InvalidInput({"since": [N_("起算日期不能晚于今天。")]})
        if organisation_id is not None:
            place = organisations.get_organisation(session, organisation_id)
            require(actor, Action.MANAGE_ORGANISATION, organisations.view(place))
        reason = given(reason)
        set_status(
            session,
            person_id,
            status,
            since,
            clock=clock,
            organisation_id=organisation_id,
            note=reason,
        )
        record(
            session,
            clock,
            actor,
            "correct_status",
            occurred_on=since,
            person=person_id,
            status=status.value,
            organisation=organisation_id,
            reason=reason,
        )


def restrict_rights(
    clock: Clock,
    actor: Actor,
    person_id: int,
    kind: Restriction,
    since: date,
    until: date | None,
    *,
    reason: str,
) -> int:
    """Record that a member may not vote for a time; return the id of the restriction."""
    if until is not None and until < since:
        raise InvalidInput({"until": [N_("结束日期不能早于开始日期。")]})
    with unit_of_work() as session:
        require(actor, Action.CORRECT_STATUS, person_view(session, person_id))
        made = RightsRestriction(person_id=person_id, kind=kind.value, since=since, until=until)
        session.add(made)
        session.flush()
        record(
            session,
            clock,
            actor,
            "restrict_rights",
            occurred_on=since,
            person=person_id,
            restriction=kind.value,
            reason=given(reason),
        )
        return made.id


def lift_restriction(
    clock: Clock, actor: Actor, restriction_id: int, until: date, *, reason: str
) -> None:
    """Let a restriction end; ``until`` is its last day."""
    with unit_of_work() as session:
        found = session.get(RightsRestriction, restriction_id, with_for_update=True)
        if found is None:
            raise NotFound()
        require(actor, Action.CORRECT_STATUS, person_view(session, found.person_id))
        if until < found.since:
            raise InvalidInput({"until": [N_("结束日期不能早于开始日期。")]})
        found.until = until
        record(
            session,
            clock,
            actor,
            "lift_restriction",
            occurred_on=until,
            person=found.person_id,
            reason=given(reason),
        )


def _check_person(values: dict[str, Any], *, new: bool = False) -> None:
    only(values, _PERSON_FIELDS)
    wrong: dict[str, list[str]] = {}
    if (new or "name" in values) and not str(values.get("name") or "").strip():
        wrong["name"] = [N_("请填写姓名。")]
    if values.get("identity_number") and not identity_number_ok(values["identity_number"]):
        wrong["identity_number"] = [N_("公民身份号码有误，请核对（18 位，含校验码）。")]
    if values.get("gender") and values["gender"] not in list(Gender):
        wrong["gender"] = [N_("请选择男或女。")]
    if wrong:
        raise InvalidInput(wrong)
