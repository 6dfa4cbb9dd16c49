"""Secret ballots of a matter: their boxes open with the task, and are counted when it is completed.

What is written here of one ballot is nothing: neither a ledger entry nor a log line says that
somebody voted, or when. What those do who run the ballot is recorded like any other act.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.ballots import operations as boxes
from engine.ballots.models import BallotBox
from engine.clock import Clock
from engine.database import Record, unit_of_work
from engine.directory.actors import Actor
from engine.directory.models import Person
from engine.directory.policy import Action, require
from engine.directory.things import BallotView, MatterView, TaskView
from engine.errors import N_, Conflict, InvalidInput, NotFound
from engine.forms import FormSchema
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.runtime import store
from engine.runtime.ballot_papers import open_for_field
from engine.runtime.locking import task_row
from engine.runtime.matters import Transition
from engine.runtime.world import make_world, matter_of, task_view

_LEFT_OPEN = text(
    "SELECT b.id FROM ballot_box b JOIN task t ON t.id = b.task_id"
    " WHERE b.instance_id = :instance_id AND b.state = 'open' AND t.state <> 'open' ORDER BY b.id"
)
_ABOUT = text(
    """
    SELECT b.id, b.state, b.tellers, b.task_id, t.candidates, t.assignee_id,
        t.organisation_id AS task_organisation_id, t.state = 'open' AS task_open,
        i.id AS instance_id, i.organisation_id, i.path, i.subject_id, i.status,
        EXISTS (SELECT FROM ballot_voter v
            WHERE v.box_id = b.id AND v.person_id = :me AND NOT v.struck) AS on_roll
    FROM ballot_box b JOIN task t ON t.id = b.task_id JOIN instance i ON i.id = b.instance_id
    WHERE b.id = :id
    """
)


# --- with the steps of a matter -----------------------------------------------------------------


def follow_ballots(
    session: Session,
    row: Record,
    transition: Transition,
    opened: Mapping[int, str],
    clock: Clock,
) -> None:
    """Open the boxes of tasks that begin; throw away unread those whose task was taken back."""
    for box_id in session.scalars(_LEFT_OPEN, {"instance_id": row.instance_id}).all():
        boxes.void_box(session, boxes.lock_box(session, box_id), clock.today())
    matter = transition.matter
    for (task_id, element), task in zip(opened.items(), transition.opened, strict=True):
        for field in matter.definition.form_of(element).ballots:
            if element in matter.definition.ballots and field.props["opens"] == "with_task":
                world = make_world(session, clock)
                open_for_field(session, world, matter, row.instance_id, task_id, task.uid, field)


def counts_of_step(
    session: Session, task_id: int, form: FormSchema, clock: Clock
) -> dict[str, Any]:
    """Return the counts of a task's ballots by field, closing boxes that are still open."""
    found: dict[str, Any] = {}
    standing = select(BallotBox.id, BallotBox.key).where(
        BallotBox.task_id == task_id, BallotBox.state != "void"
    )
    for box_id, key in session.execute(standing.order_by(BallotBox.id)).all():
        if key in {field.key for field in form.ballots}:
            box = boxes.lock_box(session, box_id)
            result = box.result
            if box.state == "open":
                result = boxes.close_box(session, box, clock.today())
            found[key] = result
    return found


# --- voters -------------------------------------------------------------------------------------


def ballot_thing(session: Session, box_id: int, person_id: int) -> BallotView:
    """Return what the access policy wants to know of a ballot. Raises NotFound."""
    row = session.execute(_ABOUT, {"id": box_id, "me": person_id}).one_or_none()
    if row is None:
        raise NotFound
    matter = MatterView(
        row.instance_id,
        row.organisation_id,
        row.path,
        row.subject_id,
        active=row.status == "active",
    )
    return BallotView(
        box_id=row.id,
        task=TaskView(
            row.task_id,
            matter,
            frozenset(row.candidates),
            row.assignee_id,
            row.task_organisation_id,
            open=row.task_open,
        ),
        voters=frozenset({person_id}) if row.on_roll else frozenset(),
        tellers=frozenset(row.tellers),
        open=row.state == "open" and row.task_open,
    )


def cast_ballot(
    box_id: int,
    given: Mapping[str, Sequence[str]],
    *,
    secret: str,
    actor: Actor,
    clock: Clock,
) -> str:
    """Vote: put one ballot into the box and return its receipt code.

    ``given`` are the options chosen by question (and item), ``secret`` is that of the sign-in, see
    engine/ballots/receipts.py. Raises NotFound, NotAllowed, AlreadyVoted, InvalidInput, Conflict
    once the box is closed; nothing is changed then.
    """
    with unit_of_work() as session:
        box = boxes.lock_box(session, box_id)
        thing = ballot_thing(session, box_id, actor.person_id)
        require(actor, Action.VIEW_BALLOT, thing)
        require(actor, Action.CAST_BALLOT, thing)
        return boxes.cast_ballot(
            session, box, actor.person_id, given, secret=secret, day=clock.today()
        )


# --- those who run it ---------------------------------------------------------------------------


def open_ballot(task_id: int, key: str, *, actor: Actor, clock: Clock) -> int:
    """Open the box of a field by hand: it waits for that, or the one before was thrown away."""
    with unit_of_work() as session:
        row = task_row(session, task_id)
        matter = matter_of(session, row)
        decision = require(actor, Action.COMPLETE_TASK, task_view(row, matter))
        form = matter.definition.form_of(row.element)
        field = next((field for field in form.ballots if field.key == key), None)
        if field is None:
            raise NotFound
        standing = select(BallotBox.id).where(
            BallotBox.task_id == task_id, BallotBox.key == key, BallotBox.state != "void"
        )
        if session.scalar(standing) is not None:
            raise Conflict(N_("票箱已经开启，请刷新页面查看。"))
        world = make_world(session, clock)
        box_id = open_for_field(session, world, matter, row.instance_id, task_id, row.uid, field)
        event = _event(row, actor, decision.on_behalf_of, "opened", {"ballot": box_id})
        store.write_entry(session, row, event, clock.now())
        return box_id


def issue_paper(box_id: int, people: Sequence[int], *, actor: Actor, clock: Clock) -> None:
    """Note who was handed a paper ballot."""
    if not people:
        raise InvalidInput({"people": [N_("请选择领取纸质票的人。")]})

    def step(session: Session, box: BallotBox) -> Mapping[str, Any]:
        boxes.issue_paper(session, box, people, clock.today())
        return {"people": sorted(people)}

    _run(box_id, "paper_issued", step, actor, clock)


def strike_voter(box_id: int, person_id: int, reason: str, *, actor: Actor, clock: Clock) -> None:
    """Take somebody off the roll who has not voted, with a reason."""

    def step(session: Session, box: BallotBox) -> Mapping[str, Any]:
        boxes.strike_voter(session, box, person_id)
        return {"people": [person_id], "reason": _reason(reason)}

    _run(box_id, "struck", step, actor, clock)


def admit_voter(
    box_id: int, person_id: int, category: str, reason: str, *, actor: Actor, clock: Clock
) -> None:
    """Put somebody on the roll who came later, with a reason."""

    def step(session: Session, box: BallotBox) -> Mapping[str, Any]:
        if session.get(Person, person_id) is None:
            raise InvalidInput({"person": [N_("请选择人员。")]})
        boxes.admit_voter(session, box, person_id, category)
        return {"people": [person_id], "reason": _reason(reason)}

    _run(box_id, "admitted", step, actor, clock)


def appoint_tellers(box_id: int, people: Sequence[int], *, actor: Actor, clock: Clock) -> None:
    """Say who counts the paper ballots."""

    def step(session: Session, box: BallotBox) -> Mapping[str, Any]:
        boxes.appoint_tellers(session, box, people)
        return {"people": sorted(set(people))}

    _run(box_id, "tellers", step, actor, clock)


def enter_totals(
    box_id: int, given: Mapping[str, int | None], *, actor: Actor, clock: Clock
) -> None:
    """Enter what was counted of the paper ballots, as the first teller."""

    def step(session: Session, box: BallotBox) -> Mapping[str, Any]:
        boxes.enter_totals(session, box, actor.person_id, given)
        return {}

    _run(box_id, "paper_entered", step, actor, clock, Action.COUNT_PAPER)


def confirm_totals(box_id: int, *, actor: Actor, clock: Clock) -> None:
    """Confirm the totals of the paper ballots, as the second teller."""

    def step(session: Session, box: BallotBox) -> Mapping[str, Any]:
        boxes.confirm_totals(session, box, actor.person_id)
        return {}

    _run(box_id, "paper_confirmed", step, actor, clock, Action.COUNT_PAPER)


def reject_totals(box_id: int, *, actor: Actor, clock: Clock) -> None:
    """Put the totals back to be entered anew."""

    def step(session: Session, box: BallotBox) -> Mapping[str, Any]:
        boxes.reject_totals(session, box, actor.person_id)
        return {}

    _run(box_id, "paper_rejected", step, actor, clock, Action.COUNT_PAPER)


def close_ballot(box_id: int, *, actor: Actor, clock: Clock) -> Mapping[str, Any]:
    """Close the box and count. Returns the result, which completing the task will record."""
    found: dict[str, Any] = {}

    def step(session: Session, box: BallotBox) -> Mapping[str, Any]:
        found.update(boxes.close_box(session, box, clock.today()))
        return {name: found[name] for name in _NUMBERS}

    _run(box_id, "closed", step, actor, clock)
    return found


def void_ballot(box_id: int, reason: str, *, actor: Actor, clock: Clock) -> None:
    """Throw the ballots away unread, with a reason; all may then vote again in a new box."""

    def step(session: Session, box: BallotBox) -> Mapping[str, Any]:
        if box.state != "open":
            raise Conflict(N_("票箱已经关闭，不能作废。"))
        boxes.void_box(session, box, clock.today())
        return {"reason": _reason(reason)}

    _run(box_id, "void", step, actor, clock)


_NUMBERS = ("issued", "collected", "valid", "invalid", "not_returned")


def _run(
    box_id: int,
    act: str,
    step: Callable[[Session, BallotBox], Mapping[str, Any]],
    actor: Actor,
    clock: Clock,
    action: Action = Action.RUN_BALLOT,
) -> None:
    """Carry out an act of those who run a ballot or count, and record it with the matter."""
    with unit_of_work() as session:
        task_id = session.scalar(select(BallotBox.task_id).where(BallotBox.id == box_id))
        if task_id is None:
            raise NotFound
        # The matter first, as completing the task does: two who wait never wait for one another.
        row = task_row(session, task_id)
        box = boxes.lock_box(session, box_id)
        thing = ballot_thing(session, box_id, actor.person_id)
        require(actor, Action.VIEW_BALLOT, thing)
        decision = require(actor, action, thing)
        payload = {"ballot": box_id, **step(session, box)}
        event = _event(row, actor, decision.on_behalf_of, act, payload)
        store.write_entry(session, row, event, clock.now())


def _event(
    row: Record, actor: Actor, on_behalf_of: int | None, act: str, payload: Mapping[str, Any]
) -> Event:
    return Event(
        EntryKind.BALLOT,
        actor_id=actor.person_id,
        on_behalf_of=on_behalf_of,
        element=row.element,
        task_id=row.task_id,
        payload={"act": act, **payload},
    )


def _reason(reason: str) -> str:
    if not reason.strip():
        raise InvalidInput({"reason": [N_("请写明理由。")]})
    return reason.strip()
