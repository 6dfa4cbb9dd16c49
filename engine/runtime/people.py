"""What a form asks of the matter and the directory, answered from the database for one day."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from engine.attachments.operations import hold_attachments
from engine.directory.actors import Actor
from engine.directory.codes import (
    COMMITTEE_POSTS,
    MembershipStatus,
    OrganisationKind,
    PostKind,
)
from engine.directory.models import Organisation, Person, Post, valid_on
from engine.directory.organisations import exists_on
from engine.directory.voting import committee_members, party_members, roll
from engine.errors import NotFound
from engine.forms.fields import (
    INDICATORS,
    OPEN_ITEMS,
    Field,
    OrganisationChoice,
    PersonChoice,
    may_be_among,
)
from engine.forms.schema import FormSchema
from engine.runtime import conditions
from engine.runtime.indicators.freezing import frozen
from engine.runtime.known import Known, KnownPeople
from engine.runtime.matters import Matter, World
from engine.runtime.rectification.answering import open_items

MOST_CHOICES = 500
"""Most people offered in one field; a search narrows the rest."""


@dataclass
class DatabaseFormContext:
    """A :class:`engine.forms.fields.FormContext` of one matter (or one about to start) and day."""

    session: Session
    occurred_on: date
    variables: Mapping[str, Any]
    functions: Mapping[str, Callable[..., Any]]
    subject_id: int | None
    organisation_id: int
    actor: Actor
    world: World
    instance_id: int | None = None
    ballots: Mapping[str, Any] = field(default_factory=dict)
    """The counts of the step's secret ballots, by field."""
    held: dict[int, str] = field(default_factory=dict)
    """SHA-256 by id of the files that may be handed in, as far as the form has asked."""
    _rolls: dict[tuple[str, date], list[PersonChoice]] = field(default_factory=dict)

    @cached_property
    def known(self) -> KnownPeople:
        """What the directory knows of people on that day."""
        return KnownPeople(self.session, self.occurred_on)

    def find_person(self, person_id: int, field: Field) -> PersonChoice | None:
        """Return the person if they may be chosen in ``field`` on that day."""
        person = self.known.get(person_id)
        if person is None or not self._suits(field, person):
            return None
        return PersonChoice(person.id, person.name)

    def people_choices(self, field: Field) -> Sequence[PersonChoice]:
        """Return whom to offer in ``field``, those of the own branch with the posts they hold."""
        place = self._place(field)
        query = select(Person.id).order_by(Person.name, Person.id)
        if field.props.get("scope") == "leading_body":
            query = query.where(Person.id.in_(self._leading_body))
        elif place is not None:
            below = select(Organisation.id).where(Organisation.path.like(f"{place.path}%"))
            committee = select(Post.person_id).where(
                Post.organisation_id == place.id, valid_on(Post, self.occurred_on)
            )
            query = query.where(or_(Person.organisation_id.in_(below), Person.id.in_(committee)))
        people = self.known.read(self.session.scalars(query.limit(MOST_CHOICES * 4)))
        suitable = [person for person in people if self._suits(field, person)][:MOST_CHOICES]
        posts = self._posts([person.id for person in suitable])
        return [
            PersonChoice(person.id, person.name, posts.get(person.id, "")) for person in suitable
        ]

    def organisation_choices(self, field: Field) -> Sequence[OrganisationChoice]:
        """Return the organisations below the one that approves; groups only when asked for."""
        root = self._root
        query = (
            select(Organisation.id, Organisation.name)
            .where(exists_on(self.occurred_on))
            .order_by(Organisation.path)
        )
        kinds = [kind for kind in field.props.get("kinds", "").split(",") if kind]
        query = query.where(Organisation.kind.in_(kinds) if kinds else Organisation.kind != "group")
        scope = field.props.get("scope", "subtree")
        if scope == "branch":
            query = query.where(Organisation.path.like(f"{self._own.path}%"))
        elif scope != "all":
            query = query.where(Organisation.path.like(f"{root.path}%"))
        return [OrganisationChoice(row.id, row.name) for row in self.session.execute(query)]

    def roll(self, body: str, day: date) -> Sequence[PersonChoice]:
        """Return who is due at a meeting of the matter's branch, nobody excluded."""
        key = (body, day)
        if key not in self._rolls:
            voters = roll(
                self.session,
                self.organisation_id,
                body,  # type: ignore[arg-type]  # the form was checked against the closed set
                day,
            )
            posts = self._posts([voter.id for voter in voters])
            self._rolls[key] = [
                PersonChoice(voter.id, voter.name, posts.get(voter.id, "")) for voter in voters
            ]
        return self._rolls[key]

    def usable(self, files: Sequence[int]) -> Collection[int]:
        """Return the files that are this matter's, or the actor's own and not used yet."""
        self.held |= hold_attachments(
            self.session,
            files,
            instance_id=self.instance_id,
            person_id=self.actor.person_id,
        )
        return self.held.keys()

    @cached_property
    def _own(self) -> Organisation:
        own = self.session.get(Organisation, self.organisation_id)
        if own is None:
            raise NotFound
        return own

    @cached_property
    def _branch(self) -> Organisation:
        """The matter's own organisation; of a group its branch, to which the people belong."""
        own = self._own
        if own.kind == OrganisationKind.GROUP and own.parent_id is not None:
            return self.session.get(Organisation, own.parent_id) or own
        return own

    @cached_property
    def _leading_body(self) -> frozenset[int]:
        """Who sits on the committee of the matter's own organisation on that day."""
        body = committee_members(self.session, self.organisation_id, self.occurred_on)
        return frozenset(member.id for member in body)

    @cached_property
    def _root(self) -> Organisation:
        """The organisation that approves, or the own one where none does."""
        above = self.world.directory.approving(self.organisation_id)
        root = None if above is None else self.session.get(Organisation, above)
        return root or self._own

    def _place(self, field: Field) -> Organisation | None:
        """Return the organisation whose people the field offers; None for everybody."""
        match field.props.get("scope", "branch"):
            case "all":
                return None
            case "subtree" | "committee":
                return self._root
            case _:
                return self._branch

    def _suits(self, field: Field, person: Known) -> bool:
        """Tell whether a person may be chosen: by place, status and not being barred.

        Who holds a post at the place itself may belong to a branch elsewhere.
        """
        if field.flag("not_subject") and person.id == self.subject_id:
            return False
        if not may_be_among(field, self.variables, person.id):
            return False
        statuses = [code for code in field.props.get("status", "").split(",") if code]
        if statuses and person.status not in map(MembershipStatus, statuses):
            return False
        if field.props.get("scope") == "leading_body":
            return person.id in self._leading_body
        place = self._place(field)
        return (
            place is None or person.path.startswith(place.path) or bool(person.posts_at(place.id))
        )

    def _posts(self, person_ids: Sequence[int]) -> dict[int, str]:
        """Return the committee posts of people, to tell namesakes apart."""
        rows = self.session.execute(
            select(Post.person_id, Post.kind, Organisation.short_name)
            .join(Organisation, Organisation.id == Post.organisation_id)
            .where(
                Post.person_id.in_(person_ids),
                Post.kind.in_(sorted(COMMITTEE_POSTS)),
                valid_on(Post, self.occurred_on),
            )
            .order_by(Organisation.path, Post.kind)
        )
        found: dict[int, str] = {}
        for row in rows:
            found.setdefault(row.person_id, f"{row.short_name}{PostKind(row.kind).label}")
        return found


def person_facts(session: Session, person_id: int | None) -> dict[str, Any] | None:
    """Return what a form may fill in of the person concerned: ``person["birth_date"]``."""
    person = None if person_id is None else session.get(Person, person_id)
    if person is None:
        return None
    return {
        "name": person.name,
        "birth_date": person.birth_date.isoformat() if person.birth_date else None,
        "education": person.education,
        "workplace": person.workplace,
    }


def form_context(
    session: Session,
    world: World,
    matter: Matter,
    day: date,
    actor: Actor,
    *,
    instance_id: int | None = None,
    facts: Mapping[str, Any] | None = None,
    form: FormSchema | None = None,
    answering: bool = True,
) -> DatabaseFormContext:
    """Return the context of a form of ``matter``; ``facts`` are those at its open task.

    With ``form``, the person concerned is looked up only if the form asks for them; the items of
    the rectification ledger that it answers and the figures that it freezes are, unless
    ``answering`` says otherwise.
    """
    known = dict(conditions.facts(matter, {}) if facts is None else facts)
    if form is None or "person" in form.names:
        known["person"] = person_facts(session, matter.subject_id)
    if form is None or "branch_members" in form.names:
        members = party_members(session, matter.organisation_id, day)
        known["branch_members"] = [member.id for member in members]
    if form is None or "branch_committee" in form.names:
        committee = committee_members(session, matter.organisation_id, day)
        known["branch_committee"] = [member.id for member in committee]
    if form is not None and form.answering and answering:
        known[OPEN_ITEMS] = open_items(session, matter, form, instance_id)
    if form is not None and form.freezing and answering:
        known[INDICATORS] = frozen(session, matter, form, known, day, actor.person_id)
    known["occurred_on"] = day.isoformat()
    return DatabaseFormContext(
        session=session,
        occurred_on=day,
        variables=known,
        functions=world.functions,
        subject_id=matter.subject_id,
        organisation_id=matter.organisation_id,
        actor=actor,
        world=world,
        instance_id=instance_id,
    )
