"""Write a transition: the ledger entry and all that follows, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.findings import NO_BREACHES
from engine.compliance.from_ledger import Told
from engine.database import Record, after_commit
from engine.directory.codes import MembershipStatus
from engine.directory.membership import revoke_since, set_status
from engine.forms.fields import Field, FieldKind
from engine.ledger.chain import Event, Head, seal
from engine.queue import enqueue
from engine.runtime import store
from engine.runtime.balloting import follow_ballots
from engine.runtime.judging import (
    Judgement,
    announce_breaches,
    judge_step,
    judgement_of,
    place_of,
)
from engine.runtime.matters import OpenedTask, Transition
from engine.runtime.measuring import Measure, measure_of
from engine.runtime.models import OutboxMessage
from engine.runtime.roles import replace_people
from engine.runtime.undone import Before
from engine.runtime.watching import Watch, write_watch
from engine.signals import (
    instance_ended,
    instance_started,
    task_completed,
    task_created,
    task_sent_back,
)

FIRE_TIMERS = "fire_timers"
DELIVER_MESSAGE = "deliver_message"

STARTED, COMPLETED = "started", "completed"


def apply(
    session: Session,
    row: Record,
    transition: Transition,
    event: Event,
    clock: Clock,
    *,
    closed_state: str = "completed",
    dropped_state: str = "cancelled",
    cancelled: bool = False,
    backfilled: bool = False,
    rewound_to: Before | None = None,
    measure: Measure | None = None,
) -> Mapping[int, str]:
    """Write what ``transition`` says about the matter in the locked ``row``.

    ``event.task_id`` is the task that was acted on; it gets ``closed_state``. ``rewound_to`` is
    what a send-back restores: membership changes made since are revoked. ``measure``: what the
    matter is measured with, where it is known already. Returns the new tasks' elements by id.
    """
    now = clock.now()
    ended = transition.completed or cancelled
    facts = _facts(transition, ended)
    event = replace(event, payload={**event.payload, **facts}, snapshot=_state(row))
    definition = transition.matter.definition
    measure = measure or measure_of(session, definition, row.path, clock)
    judgement: Judgement | None = None
    if measure is not None:
        judgement = judgement_of(session, row, measure, told(row, event, now))
    entry, head = seal(row.instance_id, store.head_of(row), event, now)
    watch = _watch(transition) if not ended else Watch()
    outcome = transition.outcome
    standing = rewound_to.outcome if rewound_to else row.outcome
    opened = store.write_step(
        session,
        store.Write(
            entry=entry,
            path=row.path,
            snapshot=None if ended else transition.matter.snapshot,
            status="cancelled" if cancelled else "completed" if ended else row.status,
            outcome=outcome.code if outcome else standing,
            stage=transition.stage or row.stage,
            ended_on=_ended_on(event, transition) if ended else None,
            ended_at=now if ended else None,
            backfilled=backfilled,
            watch=watch.mark,
            closing=_closing(session, row, transition, event.task_id, all_of_them=ended),
            closed_state=closed_state,
            dropped_state=dropped_state,
            returned=event.kind == "sent_back",
            opening=[_new_task(task, judgement) for task in transition.opened],
        ),
    )
    breaches = NO_BREACHES
    if judgement is not None:
        breaches = judge_step(session, place_of(row, definition), judgement, now)
    if definition.ballots:
        follow_ballots(session, row, transition, opened, clock)
    if watch.mark != row.watch:
        for due_at in write_watch(session, row.instance_id, watch):
            enqueue_timers(session, row.instance_id, at=due_at)
        _call_for_messages(session, watch)
    for role, people in transition.participants.items():
        replace_people(session, row.instance_id, role, people)
    if rewound_to is not None:
        revoke_since(session, row.instance_id, rewound_to.seq, clock=clock)
    _change_statuses(session, row, transition, head, clock)
    _post_messages(session, row.instance_id, transition, now)
    status = "cancelled" if cancelled else "completed" if ended else None
    code = outcome.code if outcome else standing
    _announce(session, row.instance_id, event, opened, status, code)
    announce_breaches(session, row.instance_id, breaches)
    return opened


def enqueue_timers(session: Session, instance_id: int, *, at: datetime | None) -> None:
    """Let a worker look at the matter's timers at ``at``.

    The matter's own row is the lock. A lock of the queue would run the jobs of a matter in the
    order in which they were added: a timer of next year would hold up one of tomorrow.
    """
    enqueue(session, FIRE_TIMERS, at=at, instance_id=instance_id)


def _state(row: Record) -> bytes | None:
    return None if row.snapshot is None else bytes(row.snapshot)


def told(row: Record, event: Event, now: datetime) -> Told:
    """Return what the next entry of a matter is going to tell."""
    return Told(
        row.chain_length + 1,
        str(event.kind),
        now,
        event.occurred_on,
        event.actor_id,
        event.element,
        event.payload,
    )


def _facts(transition: Transition, ended: bool) -> dict[str, Any]:
    """Return what an entry says about the consequences of its step."""
    facts: dict[str, Any] = {
        "passed": [p.element for p in transition.passed],
        "opened": [task.element for task in transition.opened],
    }
    if transition.effects:
        facts["status"] = [[c.status, c.since.isoformat()] for c in transition.status_changes]
    if transition.outcome:
        facts["outcome"] = [transition.outcome.code, transition.outcome.title]
    if transition.participants:
        facts["participants"] = {k: list(v) for k, v in transition.participants.items()}
    if ended:
        facts["ended"] = True
    return facts


def _ended_on(event: Event, transition: Transition) -> date | None:
    """Return the day the matter ended: a timer may have fired after what was recorded."""
    return max(filter(None, (event.occurred_on, transition.occurred_on)), default=None)


def _watch(transition: Transition) -> Watch:
    return Watch(
        timers={timer.uid: (timer.element, timer.due_at) for timer in transition.timers},
        subscriptions={s.uid: (s.element, s.name) for s in transition.subscriptions},
    )


def _closing(
    session: Session,
    row: Record,
    transition: Transition,
    task_id: int | None,
    *,
    all_of_them: bool,
) -> list[int]:
    own = [] if task_id is None else [task_id]
    if not transition.closed and not all_of_them:
        return own
    gone: set[UUID] = set(transition.closed)
    others = [
        task.id
        for task in store.open_tasks(session, row.instance_id)
        if task.id != task_id and (all_of_them or task.uid in gone)
    ]
    return own + others


def _new_task(task: OpenedTask, judgement: Judgement | None) -> store.NewTask:
    earliest_on, due_on = task.earliest_on, task.due_on
    if judgement is not None:
        earliest_on, due_on = judgement.days(task)
    return store.NewTask(
        uid=task.uid,
        element=task.element,
        candidates=task.candidates.principals,
        organisation_id=task.candidates.organisation_id,
        item=task.item,
        not_before=task.not_before,
        earliest_on=earliest_on,
        due_on=due_on,
    )


def _change_statuses(
    session: Session, row: Record, transition: Transition, head: Head, clock: Clock
) -> None:
    for change in transition.status_changes:
        set_status(
            session,
            change.person_id,
            MembershipStatus(change.status),
            change.since,
            organisation_id=row.organisation_id,
            source=(row.instance_id, head.length),
            clock=clock,
        )


def _post_messages(
    session: Session, instance_id: int, transition: Transition, now: datetime
) -> None:
    for message in transition.messages:
        message_id = session.execute(
            insert(OutboxMessage)
            .values(
                sender_id=instance_id,
                name=message.name,
                payload=dict(message.payload),
                created_at=now,
            )
            .returning(OutboxMessage.id)
        ).scalar_one()
        enqueue(session, DELIVER_MESSAGE, message_id=message_id)


def _call_for_messages(session: Session, watch: Watch) -> None:
    """Let the messages come that were thrown before the matter began to wait for them."""
    names = {name for _, name in watch.subscriptions.values()}
    if names:
        kept = select(OutboxMessage.id).where(OutboxMessage.name.in_(names))
        for message_id in session.scalars(kept.order_by(OutboxMessage.id)):
            enqueue(session, DELIVER_MESSAGE, message_id=message_id)


def _announce(
    session: Session,
    instance_id: int,
    event: Event,
    opened: Mapping[int, str],
    ended: str | None,
    outcome: str | None,
) -> None:
    """Send the signals of a step once it is committed; ``ended`` is how the matter did."""

    def send() -> None:
        if event.kind == STARTED:
            instance_started.send(None, instance_id=instance_id)
        about: dict[str, Any] = {
            "instance_id": instance_id,
            "task_id": event.task_id,
            "element": event.element,
        }
        if event.kind == COMPLETED:
            task_completed.send(None, **about)
        elif event.kind == "sent_back":
            task_sent_back.send(None, **about, target=event.payload["target"])
        for task_id, element in opened.items():
            task_created.send(None, instance_id=instance_id, task_id=task_id, element=element)
        if ended:
            instance_ended.send(None, instance_id=instance_id, status=ended, outcome=outcome)

    after_commit(session, send)


def attached(fields: Iterable[Field], data: Mapping[str, Any]) -> dict[int, str]:
    """Return the files that a form's data names, by id, with the document each is handed in as.

    The document is the field's, not what the upload said: whether a file is sensitive hangs on it.
    """
    found: dict[int, str] = {}
    for field in fields:
        value = data.get(field.key) if field.key else data
        if field.kind is FieldKind.FILES and isinstance(value, list):
            found |= dict.fromkeys(value, field.props.get("document", field.label))
        elif field.kind is FieldKind.LIST and isinstance(value, list):
            for row in value:
                found |= attached(field.children, row)
        elif field.children and isinstance(value, Mapping):
            found |= attached(field.children, value)
    return found
