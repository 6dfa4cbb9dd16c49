"""What may be started, and what a start page shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.grounds import grounds_on
from engine.definitions.models import ProcessVersion
from engine.definitions.package import At, Subject, Who
from engine.definitions.versions import Definition, active_version, load_definition
from engine.directory.actors import Actor
from engine.directory.codes import MembershipStatus
from engine.directory.membership import statuses_on
from engine.directory.models import Organisation, Person
from engine.directory.organisations import get_organisation
from engine.errors import N_, Conflict, NotAllowed, NotFound
from engine.forms.fields import PersonChoice
from engine.runtime import transitions
from engine.runtime.models import Instance
from engine.runtime.people import form_context
from engine.runtime.views import StartChoice, StartView
from engine.runtime.world import make_world


def startable(session: Session, actor: Actor, clock: Clock) -> tuple[StartChoice, ...]:
    """Return every procedure in use, with the reason where the actor may not start it."""
    versions = session.scalars(
        select(ProcessVersion.id).where(ProcessVersion.active).order_by(ProcessVersion.key)
    )
    found = []
    for version_id in versions:
        definition = load_definition(session, version_id)
        places = _places(session, definition, actor)
        package = definition.package
        why_not = None if places else N_("您没有可以发起此事项的身份或职务。")
        found.append(StartChoice(package.key, package.title, package.description, why_not))
    return tuple(found)


def start_view(
    session: Session,
    actor: Actor,
    clock: Clock,
    key: str,
    *,
    subject_id: int | None = None,
    organisation_id: int | None = None,
    occurred_on: date | None = None,
) -> StartView:
    """Return the first form of a procedure.

    Raises NotFound, NotAllowed; Conflict when the procedure does not begin with a task.
    """
    version_id = active_version(session, key)
    if version_id is None:
        raise NotFound(N_("没有这个流程，或尚未部署。"))
    definition = load_definition(session, version_id)
    places = _places(session, definition, actor)
    if not places:
        raise NotAllowed(N_("您没有可以发起此事项的身份或职务。"))
    if organisation_id not in dict(places):
        organisation_id = places[0][0]
    day = min(occurred_on or clock.today(), clock.today())
    subjects = _subjects(session, definition, actor, organisation_id, day)
    known = {choice.id for choice in subjects}
    if subject_id not in known:
        subject_id = actor.person_id if actor.person_id in known else None
    world = make_world(session, clock)
    transition = transitions.begin(
        definition,
        organisation_id=organisation_id,
        subject_id=subject_id,
        started_on=day,
        world=world,
    )
    if not transition.opened:
        raise Conflict(N_("此流程没有可以随发起一并办理的任务。"))
    first = transition.opened[0]
    form = definition.form_of(first.element)
    context = form_context(session, world, transition.matter, day, actor, form=form)
    package = definition.package
    place = get_organisation(session, organisation_id)
    return StartView(
        key=key,
        title=package.title,
        description=package.description,
        step_title=f"{first.step.number or ''} {first.step.title}".strip(),
        action=first.step.action,
        grounds=grounds_on(session, first.step.basis, place.path, day),
        form=form,
        context=context,
        values=form.prefill(context),
        occurred_on=day,
        organisation_id=organisation_id,
        subject_id=subject_id,
        subjects=subjects,
        organisations=places,
    )


def _places(session: Session, definition: Definition, actor: Actor) -> tuple[tuple[int, str], ...]:
    """Return the organisations at which the actor may start the procedure."""
    found: dict[int, str] = {}
    kinds = definition.package.start.kinds
    for key in definition.package.start.lanes:
        lane = definition.package.lanes[key]
        if lane.who is Who.SUBJECT and actor.organisation_id is not None:
            about_people = definition.package.subject is Subject.PERSON
            if about_people and _suits(definition, actor.status):
                own = session.get(Organisation, actor.organisation_id)
                found[actor.organisation_id] = own.short_name if own else ""
        elif lane.who is Who.POSTS and lane.at is At.ORGANISATION:
            for post in actor.posts:
                if post.kind in lane.posts and (not kinds or post.organisation_kind in kinds):
                    found[post.organisation_id] = post.organisation_name
        elif lane.who is Who.POSTS and lane.at is At.PARENT and kinds:
            above = [post.organisation_id for post in actor.posts if post.kind in lane.posts]
            found |= _directly_below(session, above, kinds)
    return tuple(found.items())


def _directly_below(
    session: Session, organisation_ids: Sequence[int], kinds: Sequence[str]
) -> dict[int, str]:
    """Return the names of the organisations of these kinds directly below, by id."""
    if not organisation_ids:
        return {}
    rows = session.execute(
        select(Organisation.id, Organisation.short_name)
        .where(
            Organisation.parent_id.in_(organisation_ids),
            Organisation.kind.in_(kinds),
            Organisation.dissolved_on.is_(None),
        )
        .order_by(Organisation.path)
    )
    return {row.id: row.short_name for row in rows}


def _suits(definition: Definition, status: MembershipStatus) -> bool:
    allowed = definition.package.start.subject_status
    return not allowed or status in allowed


def _subjects(
    session: Session, definition: Definition, actor: Actor, organisation_id: int, day: date
) -> tuple[PersonChoice, ...]:
    """Return whom the matter may be about: the actor alone, or those of the branch who suit."""
    if definition.package.subject is not Subject.PERSON:
        return ()
    posts = {post for lane in definition.package.lanes.values() for post in lane.posts}
    leads = any(
        post.organisation_id == organisation_id and post.kind in posts for post in actor.posts
    )
    if not leads:
        return (PersonChoice(actor.person_id, actor.name),)
    people = session.execute(
        select(Person.id, Person.name, Person.workplace)
        .where(
            Person.organisation_id == organisation_id,
            # Whoever has such a matter running could only be refused.
            Person.id.not_in(
                select(Instance.subject_id).where(
                    Instance.organisation_id == organisation_id,
                    Instance.prefix == definition.package.prefix,
                    Instance.status.in_(("active", "suspended")),
                    Instance.subject_id.is_not(None),
                )
            ),
        )
        .order_by(Person.name, Person.id)
    ).all()
    statuses = statuses_on(session, [person.id for person in people], day)
    return tuple(
        PersonChoice(person.id, person.name, person.workplace or "")
        for person in people
        if _suits(definition, statuses.get(person.id, MembershipStatus.NONE))
    )
