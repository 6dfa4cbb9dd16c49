"""Lists of matters, and what a matter's page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from engine.clock import ZONE, Clock
from engine.definitions.models import ProcessVersion
from engine.definitions.package import MessageAction
from engine.directory.actors import Actor, place_of
from engine.directory.policy import Action, decide, may, require, visible_matters
from engine.directory.things import EntryView
from engine.directory.things import MessageView as MessageThing
from engine.errors import N_, Conflict, InvalidInput, NotFound
from engine.runtime.models import MATTER_COLUMNS, Instance
from engine.runtime.people import form_context
from engine.runtime.queries.access import Opened, open_matter
from engine.runtime.queries.diagram import element_states
from engine.runtime.queries.inbox import escaped, matches
from engine.runtime.queries.records import Trail, history, read_trail, step_records
from engine.runtime.queries.rolls import rolls_of
from engine.runtime.queries.rows import matter_row, step_label
from engine.runtime.queries.stages import stages_of
from engine.runtime.views import (
    AttachmentRef,
    MatterRow,
    MatterStatus,
    MatterView,
    MessageForm,
    StepRecord,
    Waiting,
)
from engine.runtime.watching import read_watch
from engine.runtime.world import lane_candidates

_ROWS = text(
    """
    SELECT i.id, i.version_id, i.prefix, i.year, i.serial, i.organisation_id, i.subject_id,
        i.title, i.status, i.outcome, i.stage, i.revision, i.started_on, i.ended_on, i.backfilled,
        o.short_name AS organisation_name,
        ARRAY(SELECT t.element FROM task t WHERE t.instance_id = i.id AND t.state = 'open'
            ORDER BY t.id) AS now
    FROM instance i JOIN organisation o ON o.id = i.organisation_id
    WHERE i.id = ANY(:ids) ORDER BY i.id DESC
    """
)

_STEERING = {
    "cancel": Action.CANCEL_MATTER,
    "suspend": Action.SUSPEND_MATTER,
    "resume": Action.RESUME_MATTER,
    "ledger": Action.VIEW_LEDGER,
    "export": Action.EXPORT_CASE_FILE,
    "readers": Action.VIEW_READERS,
}


def matters(
    session: Session,
    actor: Actor,
    clock: Clock,
    *,
    status: MatterStatus | None = None,
    process: str | None = None,
    organisation_id: int | None = None,
    text_wanted: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[tuple[MatterRow, ...], str | None]:
    """Return the matters that the actor may see, newest first, and the cursor of the next page."""
    wanted = (
        select(Instance.id)
        .where(visible_matters(actor, MATTER_COLUMNS))
        .order_by(Instance.id.desc())
        .limit(limit + 1)
    )
    if status is not None:
        wanted = wanted.where(Instance.status == status)
    if process:
        versions = select(ProcessVersion.id).where(ProcessVersion.key == process)
        wanted = wanted.where(Instance.version_id.in_(versions))
    if organisation_id is not None:
        wanted = wanted.where(Instance.organisation_id == organisation_id)
    if text_wanted:
        wanted = wanted.where(matches(f"%{escaped(text_wanted)}%"))
    if cursor:
        if not cursor.isdecimal() or len(cursor) > 18:
            raise InvalidInput({"cursor": [N_("翻页位置无效，请回到第一页。")]})
        wanted = wanted.where(Instance.id < int(cursor))
    ids = list(session.scalars(wanted))
    more = str(ids[limit - 1]) if len(ids) > limit else None
    return rows_of(session, ids[:limit]), more


def my_matters(session: Session, actor: Actor, clock: Clock) -> tuple[MatterView, ...]:
    """Return the matters about the actor, newest first."""
    ids = session.scalars(
        select(Instance.id)
        .where(Instance.subject_id == actor.person_id)
        .order_by(Instance.id.desc())
        .limit(20)
    )
    return tuple(matter_view(session, actor, clock, instance_id) for instance_id in ids)


def diagram_source(session: Session, actor: Actor, clock: Clock, instance_id: int) -> bytes:
    """Return the BPMN file of the matter's version."""
    package = open_matter(session, actor, clock, instance_id).matter.definition.package
    return package.files[package.bpmn]


def matter_view(session: Session, actor: Actor, clock: Clock, instance_id: int) -> MatterView:
    """Return a matter with its stages, steps, files and history, as far as the actor may see."""
    opened = open_matter(session, actor, clock, instance_id)
    definition = opened.matter.definition
    trail = read_trail(session, definition, instance_id)
    trail.names.fetch_candidates(t.candidates for t in opened.tasks)
    trail.names.fetch(t.assignee_id for t in opened.tasks)
    records = step_records(trail, with_data=opened.sees_opinions, own_only=opened.own_only)
    if not opened.sees_opinions:
        records = _own_data(trail, records, actor)
    allowed = {
        name for name, action in _STEERING.items() if decide(actor, action, opened.view).allowed
    }
    records = [
        replace(r, correctable=may(actor, Action.CORRECT_ENTRY, _entry(opened, trail, r.seq)))
        for r in records
    ]
    status = opened.row.status
    allowed -= {"suspend"} if status != "active" else set()
    allowed -= {"resume"} if status != "suspended" else set()
    allowed -= {"cancel"} if status not in ("active", "suspended") else set()
    return MatterView(
        row=rows_of(session, [instance_id])[0],
        stages=stages_of(opened, trail, records, actor),
        timers=_timers(session, opened),
        history=history(trail, with_reasons=opened.sees_opinions, own_only=opened.own_only),
        documents=_files(opened, trail, records),
        expected_documents=definition.package.documents,
        diagram=element_states(opened, trail),
        may=frozenset(allowed),
        why=str(opened.decision.reason),
        messages=_messages(opened, actor, session),
        participants=_participants(opened, trail),
        rolls=rolls_of(session, opened, trail, actor, clock),
    )


def rows_of(session: Session, ids: Sequence[int]) -> tuple[MatterRow, ...]:
    """Return the lines of matters by id, the newest first."""
    rows: Sequence[Row[Any]] = session.execute(_ROWS, {"ids": list(ids)}).all()
    return tuple(matter_row(session, row, row.now) for row in rows)


def _entry(opened: Opened, trail: Trail, seq: int) -> EntryView:
    return EntryView(opened.view, place_of(trail.payloads[seq].get("post")))


def _own_data(trail: Trail, records: list[StepRecord], actor: Actor) -> list[StepRecord]:
    """Give the person concerned what they handed in themselves; the rest stays closed to them."""
    full = {record.seq: record for record in step_records(trail, with_data=True)}
    return [full[r.seq] if r.person_id == actor.person_id else r for r in records]


def _files(opened: Opened, trail: Trail, records: list[StepRecord]) -> tuple[AttachmentRef, ...]:
    """Return the files that the actor may see in the list of the matter's files."""
    if not opened.sees_opinions:
        return _own_files(records)
    if opened.own_only is None or not opened.matter.definition.keeps_apart:
        return tuple(trail.files.values())
    return _own_files(records)


def _own_files(records: list[StepRecord]) -> tuple[Any, ...]:
    return tuple(file for record in records for file in record.documents)


def _timers(session: Session, opened: Opened) -> tuple[Waiting, ...]:
    """Return the waits of the matter by their days, the next one first."""
    if not opened.row.watch:
        return ()
    definition = opened.matter.definition
    found = [
        Waiting(element, step_label(definition, element), due_at.astimezone(ZONE).date())
        for element, due_at in read_watch(session, opened.row.id).timers.values()
    ]
    return tuple(sorted(found, key=lambda waiting: waiting.until))


def message_view(
    session: Session,
    actor: Actor,
    clock: Clock,
    instance_id: int,
    key: str,
    *,
    occurred_on: date | None = None,
) -> MessageForm:
    """Return the form of a message. Raises NotFound, NotAllowed, Conflict (not waited for)."""
    opened = open_matter(session, actor, clock, instance_id)
    action = opened.matter.definition.package.messages.get(key)
    if action is None:
        raise NotFound(N_("此流程没有这项操作。"))
    require(actor, Action.SEND_MESSAGE, _message_thing(opened, action))
    if action.name not in _waited(session, opened):
        raise Conflict(N_("事项目前的环节不能进行这项操作。"))
    day = min(occurred_on or clock.today(), clock.today())
    context = form_context(
        session, opened.world, opened.matter, day, actor, instance_id=instance_id
    )
    form = opened.matter.definition.forms[action.form] if action.form else None
    return MessageForm(
        key=key,
        title=action.title,
        description=action.description,
        row=rows_of(session, [instance_id])[0],
        form=form,
        context=context,
        values=form.prefill(context) if form else {},
        occurred_on=day,
    )


def _messages(opened: Opened, actor: Actor, session: Session) -> tuple[tuple[str, str], ...]:
    if opened.row.status != "active":
        return ()
    waited = _waited(session, opened)
    return tuple(
        (key, action.title)
        for key, action in opened.matter.definition.package.messages.items()
        if action.name in waited
        and decide(actor, Action.SEND_MESSAGE, _message_thing(opened, action)).allowed
    )


def _waited(session: Session, opened: Opened) -> set[str]:
    """Return the names of the messages that the matter waits for."""
    if not opened.row.watch:
        return set()
    return {name for _, name in read_watch(session, opened.row.id).subscriptions.values()}


def _message_thing(opened: Opened, action: MessageAction) -> MessageThing:
    lanes = [opened.matter.definition.package.lanes[lane] for lane in action.lanes]
    principals = (lane_candidates(opened.matter, lane, opened.world).principals for lane in lanes)
    return MessageThing(opened.view, frozenset(p for group in principals for p in group))


def _participants(opened: Opened, trail: Trail) -> tuple[tuple[str, tuple[str, ...]], ...]:
    roles = opened.matter.definition.package.participants
    people = opened.matter.participants
    trail.names.fetch(p for group in people.values() for p in group)
    return tuple(
        (roles[role].title, tuple(trail.names.person(p) for p in group))
        for role, group in people.items()
        if role in roles
    )
