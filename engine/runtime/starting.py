"""Start a matter, and complete its first task along with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.backfill import is_backfilled
from engine.definitions.versions import Definition, active_version, load_definition
from engine.directory.actors import Actor
from engine.directory.membership import standing_on
from engine.directory.models import Organisation, Person
from engine.directory.policy import Action, Decision, require
from engine.directory.things import StartView
from engine.errors import (
    N_,
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
)
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.runtime import conditions, store, transitions
from engine.runtime.applying import apply
from engine.runtime.commands import Command, Done, carry_out
from engine.runtime.completing import complete_step
from engine.runtime.locking import instance_row, task_row
from engine.runtime.matters import Transition, World
from engine.runtime.models import Instance
from engine.runtime.world import (
    lane_candidates,
    make_world,
)


def start_instance(
    key: str,
    data: Mapping[str, Any] | None,
    *,
    organisation_id: int,
    subject_id: int | None,
    actor: Actor,
    clock: Clock,
    occurred_on: date | None = None,
    command_id: UUID | None = None,
) -> Done:
    """Start a matter of procedure ``key``; with ``data``, complete its first task as well.

    Raises NotFound (no such procedure or organisation), NotAllowed, InvalidInput (the person's
    status does not suit, or the form), Conflict (the person has such a matter already).
    """
    day = occurred_on or clock.today()

    def step(session: Session) -> Done:
        version_id = active_version(session, key)
        if version_id is None:
            raise NotFound(N_("没有这个流程，或尚未部署。"))
        definition = load_definition(session, version_id)
        world = make_world(session, clock)
        organisation = session.get(Organisation, organisation_id)
        if organisation is None:
            raise NotFound(N_("没有这个党组织。"))
        if (kinds := definition.package.start.kinds) and organisation.kind not in kinds:
            raise NotAllowed(N_("这个流程不在这类党组织办理。"))
        transition = transitions.begin(
            definition,
            organisation_id=organisation_id,
            subject_id=subject_id,
            started_on=day,
            world=world,
        )
        decision = _may_start(definition, transition, organisation, actor, world)
        person = _subject(session, definition, subject_id, organisation_id, day)
        if day > clock.today():
            raise InvalidInput({"occurred_on": [N_("发生日期不能晚于今天。")]})
        instance_id, _ = store.create_instance(
            session,
            prefix=definition.package.prefix,
            year=day.year,
            version_id=version_id,
            organisation_id=organisation_id,
            path=organisation.path,
            subject_id=subject_id,
            title=person.name if person else organisation.short_name,
            started_on=day,
            started_at=clock.now(),
        )
        backfilled = is_backfilled(session, organisation.path, day, clock)
        event = Event(
            EntryKind.STARTED,
            actor_id=actor.person_id,
            on_behalf_of=decision.on_behalf_of,
            occurred_on=day,
            command_id=None if data is not None else command_id,
            payload={
                "key": key,
                "version": definition.package.sha256,
                "organisation": organisation_id,
                "subject": subject_id,
                "place": [organisation_id, organisation.kind, organisation.can_approve_members],
                **({"backfilled": True} if backfilled else {}),
            },
        )
        row = instance_row(session, instance_id)
        opened = apply(session, row, transition, event, clock, backfilled=backfilled)
        if data is None:
            return Done(instance_id, opened)
        first = next(iter(opened), None)
        if first is None:
            raise InvalidInput({}, N_("此流程没有可以随发起一并办理的任务。"))
        return complete_step(
            session, task_row(session, first), data, day, actor, clock, command_id, None
        )

    command = Command(
        "start",
        {
            "key": key,
            "organisation_id": organisation_id,
            "subject_id": subject_id,
            "occurred_on": day.isoformat(),
            **({"data": dict(data)} if data is not None else {}),
        },
        command_id,
        actor.person_id,
    )
    return carry_out(command, step, clock)


def open_by_plan(
    session: Session,
    key: str,
    *,
    organisation_id: int,
    started_on: date,
    year: int,
    plan: Mapping[str, Any],
    clock: Clock,
) -> Done:
    """Open a matter of an organisation because a plan says so, in the caller's transaction.

    Nobody did it: the entry has no actor and says ``plan``. Nothing is completed; the first tasks
    are open for those whom the lanes name. ``started_on`` may lie before today, so that what
    happened since then can be entered; its number is one of ``year``. Raises NotFound, and
    Conflict for a matter about a person.
    """
    version_id = active_version(session, key)
    if version_id is None:
        raise NotFound(N_("没有这个流程，或尚未部署。"))
    definition = load_definition(session, version_id)
    if definition.package.subject != "organisation":
        raise Conflict(N_("此流程涉及某个人员，不能由计划发起。"))
    organisation = session.get(Organisation, organisation_id)
    if organisation is None:
        raise NotFound(N_("没有这个党组织。"))
    transition = transitions.begin(
        definition,
        organisation_id=organisation_id,
        subject_id=None,
        started_on=started_on,
        world=make_world(session, clock),
    )
    instance_id, _ = store.create_instance(
        session,
        prefix=definition.package.prefix,
        year=year,
        version_id=version_id,
        organisation_id=organisation_id,
        path=organisation.path,
        subject_id=None,
        title=organisation.short_name,
        started_on=started_on,
        started_at=clock.now(),
    )
    event = Event(
        EntryKind.STARTED,
        occurred_on=started_on,
        payload={
            "key": key,
            "version": definition.package.sha256,
            "organisation": organisation_id,
            "subject": None,
            "place": [organisation_id, organisation.kind, organisation.can_approve_members],
            "plan": dict(plan),
        },
    )
    opened = apply(session, instance_row(session, instance_id), transition, event, clock)
    return Done(instance_id, opened)


def _subject(
    session: Session,
    definition: Definition,
    subject_id: int | None,
    organisation_id: int,
    day: date,
) -> Person | None:
    """Return the person the matter is about, if it may be about them."""
    if definition.package.subject != "person":
        if subject_id is not None:
            raise InvalidInput({"subject": [N_("此流程办理党组织的事项，不涉及某个人员。")]})
        return None
    person = None if subject_id is None else session.get(Person, subject_id)
    if person is None:
        raise InvalidInput({"subject": [N_("请选择此事项所涉及的人员。")]})
    standing = standing_on(session, person.id, day)
    if organisation_id not in (standing.organisation_id, person.organisation_id):
        raise InvalidInput({"subject": [N_("此人不在该党组织，请由其所在的党组织办理。")]})
    # Two starts for one person at once: the second waits here and then finds the first.
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, :person))"),
        {"key": definition.package.key, "person": person.id},
    )
    running = session.execute(
        select(Instance.prefix, Instance.year, Instance.serial)
        .where(
            Instance.subject_id == person.id,
            Instance.prefix == definition.package.prefix,
            Instance.status.in_(("active", "suspended")),
        )
        .limit(1)
    ).one_or_none()
    if running is not None:
        raise Conflict(
            N_("此人已有正在办理的同类事项 %(number)s，不能重复发起。"),
            number=f"{running.prefix}-{running.year}-{running.serial:04d}",
        )
    conditions.check_start(definition, standing.status)
    return person


def _may_start(
    definition: Definition,
    transition: Transition,
    organisation: Organisation,
    actor: Actor,
    world: World,
) -> Decision:
    lanes = [definition.package.lanes[lane] for lane in definition.package.start.lanes]
    principals = frozenset(
        principal
        for lane in lanes
        for principal in lane_candidates(transition.matter, lane, world).principals
    )
    subject_id = transition.matter.subject_id
    return require(
        actor,
        Action.START_MATTER,
        StartView(
            organisation.id,
            organisation.path,
            subject_id,
            principals,
            # The subject may start only where a lane of theirs may.
            not_subject=all(lane.not_subject for lane in lanes),
        ),
    )
