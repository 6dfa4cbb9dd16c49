"""What a task page shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.grounds import Grounds
from engine.database import Record, read
from engine.directory.actors import Actor
from engine.directory.codes import COMMITTEE_POSTS
from engine.directory.policy import Action, Decision, decide, require
from engine.directory.posts import holders
from engine.directory.things import TaskView as TaskThing
from engine.errors import NotFound, TaskClosed
from engine.forms.drafts import load_draft
from engine.forms.fields import PersonChoice, walk
from engine.forms.schema import FormSchema
from engine.ledger.kinds import EntryKind
from engine.runtime import transitions
from engine.runtime.lanes import person_principal
from engine.runtime.people import form_context
from engine.runtime.queries.access import Opened, open_matter
from engine.runtime.queries.diagram import element_states
from engine.runtime.queries.records import Trail, history, read_trail, step_records
from engine.runtime.queries.rows import TASK_COLUMNS, TASK_JOINS, step_label, task_row
from engine.runtime.views import TaskView
from engine.runtime.world import holidays

_TASK = f"SELECT {TASK_COLUMNS}, t.uid FROM task t {TASK_JOINS} WHERE t.id = %(id)s"  # noqa: S608

_ACTIONS = {
    "complete": Action.COMPLETE_TASK,
    "claim": Action.CLAIM_TASK,
    "unclaim": Action.UNCLAIM_TASK,
    "delegate": Action.DELEGATE_TASK,
    "send_back": Action.SEND_BACK_TASK,
}


def task_view(
    session: Session,
    actor: Actor,
    clock: Clock,
    task_id: int,
    *,
    occurred_on: date | None = None,
) -> TaskView:
    """Return a task with its form for ``occurred_on`` (today unless given).

    Raises NotFound where the actor may not know of the task.
    """
    row = next(iter(read(session, _TASK, {"id": task_id, "me": actor.person_id})), None)
    if row is None:
        raise NotFound
    opened = open_matter(session, actor, clock, row.instance_id)
    thing = _thing(row, opened)
    require(actor, Action.VIEW_TASK, thing)
    trail = read_trail(session, opened.matter.definition, row.instance_id)
    day = min(max(occurred_on or clock.today(), row.not_before or date.min), clock.today())
    form = opened.matter.definition.form_of(row.element)
    decisions = {name: decide(actor, action, thing) for name, action in _ACTIONS.items()}
    theirs = opened.own_only is None or any(decisions[n].allowed for n in ("complete", "claim"))
    context = form_context(
        session,
        opened.world,
        opened.matter,
        day,
        actor,
        instance_id=row.instance_id,
        # What is known at a task may be about single people: it is filled in for who does it.
        facts=_facts(opened, row) if theirs else None,
        form=form,
    )
    draft = load_draft(session, task_id=task_id, person_id=actor.person_id)
    targets = _targets(trail, row.element)
    may = {name for name, decision in decisions.items() if decision.allowed}
    if row.assignee_id != actor.person_id and not decisions["unclaim"].allowed:
        may.discard("unclaim")
    if row.assignee_id is None:
        may.discard("unclaim")
    else:
        may.discard("claim")
    if not targets:
        may.discard("send_back")
    names = trail.names
    names.fetch_candidates([row.candidates])
    table = holidays.get(session)
    grounds = Grounds(session)
    return TaskView(
        row=task_row(session, row, clock.today(), table, names, grounds),
        form=form,
        context=context,
        values=draft.data
        if draft
        else {
            **form.prefill(context),
            **(_handed_in_before(trail, row, form) if "complete" in may else {}),
        },
        draft_saved_at=draft.saved_at if draft else None,
        occurred_on=day,
        may=frozenset(may),
        why=str(decisions["complete"].reason),
        candidates=tuple(names.principal(key) for key in row.candidates),
        send_back_targets=targets,
        delegates=_delegates(session, actor, thing, clock) if "delegate" in may else (),
        send_back_reason=_returned_because(trail, row),
        previous=tuple(
            reversed(
                step_records(
                    trail,
                    with_data=opened.sees_opinions or _own(trail, actor),
                    own_only=opened.own_only,
                )
            )
        ),
        history=history(trail, with_reasons=opened.sees_opinions, own_only=opened.own_only),
        diagram=element_states(opened, trail),
        grounds=grounds.on(
            opened.matter.definition.package.steps[row.element], opened.row.path, day
        ),
    )


def _handed_in_before(trail: Trail, row: Record, form: FormSchema) -> dict[str, Any]:
    """Return what was handed in before the task was sent back, so that nobody types it twice.

    What decided the way of the matter is left out where it is a decision to be taken again, and so
    is what belongs to the ledgers of items and ballots.
    """
    if not row.returned:
        return {}
    step = trail.definition.package.steps[row.element]
    fresh = {field.key for field in (*form.answering, *form.ballots)}
    if step.decision:
        decided = trail.definition.kept[step.form]
        fresh |= {f.key for f in walk(form.fields) if f.options and f.key in decided}
    corrected: dict[int, Any] = {}
    for entry in reversed(trail.entries):
        payload = trail.payloads[entry.seq]
        if entry.kind == EntryKind.CORRECTED and payload:
            corrected.setdefault(payload["seq"], payload.get("data"))
        whose = payload.get("item")
        if (
            entry.kind == EntryKind.COMPLETED
            and entry.element == row.element
            and (None if whose is None else person_principal(whose)) == row.item
        ):
            raw = form.raw_of(corrected.get(entry.seq) or payload.get("data") or {})
            return {key: value for key, value in raw.items() if key not in fresh}
    return {}


def _own(trail: Trail, actor: Actor) -> bool:
    """The person concerned reads what they themselves handed in, nothing else."""
    return all(e.actor_id in (None, actor.person_id) for e in trail.entries)


def _thing(row: Record, opened: Opened) -> TaskThing:
    step = opened.matter.definition.package.steps[row.element]
    return TaskThing(
        task_id=row.id,
        matter=opened.view,
        candidates=frozenset(row.candidates),
        assignee_id=row.assignee_id,
        organisation_id=row.task_organisation_id,
        open=row.state == "open",
        decision=step.decision,
        not_subject=opened.matter.definition.lanes[row.element].not_subject,
    )


def _facts(opened: Opened, row: Record) -> Mapping[str, Any] | None:
    """Return what is known at the task; None when it is closed and only looked at."""
    if row.state != "open" or opened.row.snapshot is None:
        return None
    try:
        return transitions.prepare(opened.matter, row.uid, opened.world).facts
    except TaskClosed:
        return None


def _targets(trail: Trail, element: str) -> tuple[tuple[str, str], ...]:
    """Return the steps this task may be sent back to: allowed by the package, and done."""
    undone = trail.undone
    done = {
        e.element for e in trail.entries if e.kind == EntryKind.COMPLETED and e.seq not in undone
    }
    step = trail.definition.package.steps[element]
    return tuple(
        (target, step_label(trail.definition, target))
        for target in step.send_back
        if target in done
    )


def _delegates(
    session: Session, actor: Actor, thing: TaskThing, clock: Clock
) -> tuple[PersonChoice, ...]:
    """Return the committee of the organisation that has to act, without the actor."""
    if thing.organisation_id is None:
        return ()
    found: dict[int, PersonChoice] = {}
    for holder in holders(session, thing.organisation_id, sorted(COMMITTEE_POSTS), clock.today()):
        if holder.person_id not in (actor.person_id, thing.subject_id):
            found.setdefault(
                holder.person_id, PersonChoice(holder.person_id, holder.name, holder.kind.label)
            )
    return tuple(found.values())


def _returned_because(trail: Trail, row: Record) -> str | None:
    if not row.returned:
        return None
    for entry in reversed(trail.entries):
        payload = trail.payloads[entry.seq]
        if entry.kind == EntryKind.SENT_BACK and payload.get("target") == row.element:
            return f"{trail.names.person(entry.actor_id)}：{payload.get('reason', '')}"
    return None


def decision_of(session: Session, actor: Actor, clock: Clock, task_id: int) -> Decision:
    """Answer "why may I (not) complete this task?"."""
    row = next(iter(read(session, _TASK, {"id": task_id, "me": actor.person_id})), None)
    if row is None:
        raise NotFound
    opened = open_matter(session, actor, clock, row.instance_id)
    return decide(actor, Action.COMPLETE_TASK, _thing(row, opened))
