"""Posts given and ended, and lent for a time (代办授权)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from engine.clock import Clock
from engine.database import unit_of_work
from engine.directory import organisations, posts, substitution
from engine.directory.actors import Actor
from engine.directory.codes import PostKind
from engine.directory.models import Post, Substitution
from engine.directory.operations.recording import record
from engine.directory.people import get_person
from engine.directory.policy import Action, require
from engine.directory.things import OrganisationView, SubstitutionView
from engine.errors import NotFound


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
        record(
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
        record(
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
        record(
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
        record(session, clock, actor, "take_posts_back", substitution=substitution_id)
