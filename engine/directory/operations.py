"""Changes to the directory: each command asks the policy, acts, and leaves a ledger entry.

Every command is one unit of work. Entries hold ids and codes, never names or numbers of people.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import unit_of_work
from engine.directory import accounts, organisations, posts, substitution
from engine.directory.actors import Actor
from engine.directory.codes import Gender, MembershipStatus, OrganisationKind, PostKind
from engine.directory.codes import RestrictionKind as Restriction
from engine.directory.membership import set_status
from engine.directory.models import Account, Person, Post, RightsRestriction, Substitution
from engine.directory.people import get_person, identity_number_ok, person_view
from engine.directory.policy import Action, require
from engine.directory.things import OrganisationView, SubstitutionView
from engine.errors import N_, InvalidInput, NotFound
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.operations import append

CHAIN = "directory"

_PERSON_FIELDS = frozenset(
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
_ORGANISATION_FIELDS = frozenset(
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


# -- organisations ----------------------------------------------------------------------------


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
    _only(values, _ORGANISATION_FIELDS)
    if not name.strip() or not code.strip():
        raise InvalidInput({"name": [N_("请填写党组织名称和编码。")]})
    with unit_of_work() as session:
        above = organisations.get_organisation(session, parent_id)
        require(actor, Action.MANAGE_ORGANISATION, organisations.view(above))
        made = organisations.add_organisation(
            session, parent_id=parent_id, name=name.strip(), kind=kind, code=code.strip(), **values
        )
        _record(session, clock, actor, "create_organisation", organisation=made.id, code=code)
        return made.id


def change_organisation(clock: Clock, actor: Actor, organisation_id: int, **values: Any) -> None:
    """Change what is known of an organisation."""
    _only(values, _ORGANISATION_FIELDS)
    with unit_of_work() as session:
        found = organisations.get_organisation(session, organisation_id)
        require(actor, Action.MANAGE_ORGANISATION, organisations.view(found))
        for name, value in values.items():
            setattr(found, name, value)
        _record(
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
        _record(
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
        _record(
            session,
            clock,
            actor,
            "dissolve_organisation",
            occurred_on=day,
            organisation=organisation_id,
            reason=_given(reason),
        )


# -- people -----------------------------------------------------------------------------------


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
        _record(
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
        _record(session, clock, actor, "change_person", person=person_id, fields=sorted(values))


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
        reason = _given(reason)
        set_status(
            session,
            person_id,
            status,
            since,
            clock=clock,
            organisation_id=organisation_id,
            note=reason,
        )
        _record(
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
        _record(
            session,
            clock,
            actor,
            "restrict_rights",
            occurred_on=since,
            person=person_id,
            restriction=kind.value,
            reason=_given(reason),
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
        _record(
            session,
            clock,
            actor,
            "lift_restriction",
            occurred_on=until,
            person=found.person_id,
            reason=_given(reason),
        )


# -- posts ------------------------------------------------------------------------------------


def appoint(
    clock: Clock,
    actor: Actor,
    *,
    person_id: int,
    organisation_id: int,
    kind: PostKind,
    since: date,
    until: date | None = None,
) -> int:
    """Give a post to a person and return its id."""
    with unit_of_work() as session:
        place = organisations.get_organisation(session, organisation_id)
        require(actor, Action.MANAGE_POSTS, OrganisationView(place.id, place.path, person_id))
        get_person(session, person_id)
        made = posts.add_post(session, person_id, organisation_id, kind, since, until)
        _record(
            session,
            clock,
            actor,
            "appoint",
            occurred_on=since,
            person=person_id,
            organisation=organisation_id,
            post=kind.value,
        )
        return made.id


def end_post(clock: Clock, actor: Actor, post_id: int, until: date) -> None:
    """Let a post end; ``until`` is its last day."""
    with unit_of_work() as session:
        found = session.get(Post, post_id)
        if found is None:
            raise NotFound()
        place = organisations.get_organisation(session, found.organisation_id)
        require(actor, Action.MANAGE_POSTS, organisations.view(place))
        posts.close_post(session, post_id, until)
        _record(
            session,
            clock,
            actor,
            "end_post",
            occurred_on=until,
            person=found.person_id,
            organisation=found.organisation_id,
            post=found.kind,
        )


def lend_posts(
    clock: Clock,
    actor: Actor,
    *,
    principal_id: int,
    substitute_id: int,
    organisation_id: int,
    posts: Sequence[PostKind] | None,
    since: date,
    until: date,
    reason: str,
) -> int:
    """Set up a substitution (代办授权) and return its id."""
    with unit_of_work() as session:
        place = organisations.get_organisation(session, organisation_id)
        require(actor, Action.LEND_POSTS, SubstitutionView(principal_id, place.id, place.path))
        made = substitution.add_substitution(
            session,
            principal_id=principal_id,
            substitute_id=substitute_id,
            organisation_id=organisation_id,
            posts=posts,
            since=since,
            until=until,
            reason=reason,
            created_by=actor.person_id,
            clock=clock,
        )
        _record(
            session,
            clock,
            actor,
            "lend_posts",
            occurred_on=since,
            principal=principal_id,
            substitute=substitute_id,
            organisation=organisation_id,
            posts=made.posts,
            until=until.isoformat(),
        )
        return made.id


def take_posts_back(clock: Clock, actor: Actor, substitution_id: int) -> None:
    """Revoke a substitution at once."""
    with unit_of_work() as session:
        found = session.get(Substitution, substitution_id)
        if found is None:
            raise NotFound()
        place = organisations.get_organisation(session, found.organisation_id)
        require(
            actor, Action.LEND_POSTS, SubstitutionView(found.principal_id, place.id, place.path)
        )
        substitution.close_substitution(session, substitution_id, clock=clock)
        _record(session, clock, actor, "take_posts_back", substitution=substitution_id)


# -- accounts ---------------------------------------------------------------------------------


def open_account(clock: Clock, actor: Actor, person_id: int, *, login: str, password: str) -> int:
    """Give a person an account and return its id."""
    with unit_of_work() as session:
        require(actor, Action.MANAGE_ACCOUNTS, person_view(session, person_id))
        made = accounts.create_account(
            session, person_id=person_id, login=login, password=password, clock=clock
        )
        _record_account(session, clock, actor, "open_account", made)
        return made.id


def reset_password(clock: Clock, actor: Actor, account_id: int, password: str) -> None:
    """Set a new password for somebody and end all his sessions."""
    with unit_of_work() as session:
        account = _managed_account(session, actor, account_id)
        accounts.set_password(session, account, password, clock=clock)
        _record_account(session, clock, actor, "reset_password", account)


def disable_account(clock: Clock, actor: Actor, account_id: int) -> None:
    """Stop an account from being used, at once."""
    with unit_of_work() as session:
        account = _managed_account(session, actor, account_id)
        account.disabled_at = account.disabled_at or clock.now()
        accounts.end_sessions(session, account_id, clock=clock)
        _record_account(session, clock, actor, "disable_account", account)


def enable_account(clock: Clock, actor: Actor, account_id: int) -> None:
    """Let a disabled account be used again."""
    with unit_of_work() as session:
        account = _managed_account(session, actor, account_id)
        account.disabled_at = None
        _record_account(session, clock, actor, "enable_account", account)


# -- helpers ----------------------------------------------------------------------------------


def _managed_account(session: Session, actor: Actor, account_id: int) -> Account:
    account = accounts.get_account(session, account_id, lock=True)
    require(actor, Action.MANAGE_ACCOUNTS, person_view(session, account.person_id))
    return account


def _only(values: dict[str, Any], known: frozenset[str]) -> None:
    if unknown := sorted(set(values) - known):
        raise InvalidInput({name: [N_("不能填写此项。")] for name in unknown})


def _check_person(values: dict[str, Any], *, new: bool = False) -> None:
    _only(values, _PERSON_FIELDS)
    wrong: dict[str, list[str]] = {}
    if (new or "name" in values) and not str(values.get("name") or "").strip():
        wrong["name"] = [N_("请填写姓名。")]
    if values.get("identity_number") and not identity_number_ok(values["identity_number"]):
        wrong["identity_number"] = [N_("公民身份号码有误，请核对（18 位，含校验码）。")]
    if values.get("gender") and values["gender"] not in list(Gender):
        wrong["gender"] = [N_("请选择男或女。")]
    if wrong:
        raise InvalidInput(wrong)


def _given(reason: str) -> str:
    if not reason.strip():
        raise InvalidInput({"reason": [N_("请填写原因。")]})
    return reason.strip()


def _record(
    session: Session,
    clock: Clock,
    actor: Actor,
    change: str,
    *,
    occurred_on: date | None = None,
    **payload: Any,
) -> None:
    event = Event(
        kind=EntryKind.DIRECTORY,
        actor_id=actor.person_id,
        occurred_on=occurred_on,
        payload={"change": change, **payload},
    )
    append(session, CHAIN, event, clock)


def _record_account(
    session: Session, clock: Clock, actor: Actor, change: str, account: Account
) -> None:
    event = Event(
        kind=EntryKind.ACCOUNT,
        actor_id=actor.person_id,
        payload={"change": change, "account": account.id, "person": account.person_id},
    )
    append(session, CHAIN, event, clock)
