"""What pages and the API show of secret ballots. Nobody is shown what anybody chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.ballots.codes import BoxState, Way
from engine.ballots.models import BallotBox, BallotVoter
from engine.ballots.paper import Paper
from engine.ballots.receipts import in_letters, receipt_code
from engine.database import read
from engine.directory.actors import Actor
from engine.directory.models import Person
from engine.directory.policy import Action, decide, require
from engine.runtime.balloting import ballot_thing
from engine.runtime.models import Instance, format_number

_TITLES = text(
    "SELECT i.title, i.prefix, i.year, i.serial, o.short_name FROM instance i"
    " JOIN organisation o ON o.id = i.organisation_id WHERE i.id = :id"
)

_WAITING = """
    SELECT b.id, b.paper ->> 'title' AS title, i.title AS matter_title
    FROM ballot_voter v JOIN ballot_box b ON b.id = v.box_id
        JOIN task t ON t.id = b.task_id JOIN instance i ON i.id = b.instance_id
    WHERE v.person_id = %(me)s AND v.way IS NULL AND NOT v.struck AND b.state = 'open'
        AND t.state = 'open' AND i.status = 'active'
    ORDER BY b.id LIMIT 20
"""


@dataclass(frozen=True)
class MyBallot:
    """A ballot in which somebody has a vote."""

    id: int
    title: str
    matter_title: str
    open: bool
    voted: bool
    closed_on: date | None


@dataclass(frozen=True)
class WaitingBallot:
    """A ballot that waits for somebody's vote."""

    id: int
    title: str
    matter_title: str


@dataclass(frozen=True)
class RollLine:
    """One line of the roll, for who runs the ballot: whether somebody has voted, to the day."""

    person_id: int
    name: str
    category: str
    way: Way | None
    voted_on: date | None
    struck: bool


@dataclass(frozen=True)
class TaskBallot:
    """A ballot of a task, as its page shows it; ``id`` is None while no box is open."""

    key: str
    label: str
    id: int | None
    state: BoxState | None
    issued: int = 0
    voted: int = 0


@dataclass(frozen=True)
class BallotPage:
    """A ballot as its page shows it to one person."""

    id: int
    paper: Paper
    state: BoxState
    open: bool
    matter_title: str
    matter_number: str
    organisation_name: str
    instance_id: int
    task_id: int
    opened_on: date
    closed_on: date | None
    min_size: int
    on_roll: bool
    way: Way | None
    may_cast: bool
    why_not: str
    may_run: bool
    may_count: bool
    result: Mapping[str, Any] | None
    """The count, once the box is closed, for those who may read it."""
    numbers: Mapping[str, Any] | None
    """How many ballots there were, once the box is closed; for everybody concerned."""
    receipts: tuple[str, ...]
    roll: tuple[RollLine, ...] = ()
    tellers: tuple[tuple[int, str], ...] = ()
    totals: Mapping[str, int] | None = None
    paper_by: str | None = None
    paper_confirmed_by: str | None = None
    entered_by_me: bool = False


def waiting_ballots(session: Session, actor: Actor) -> list[WaitingBallot]:
    """Return the open ballots in which the actor has a vote and has not voted, the oldest first."""
    rows = read(session, _WAITING, {"me": actor.person_id})
    return [WaitingBallot(row.id, row.title, row.matter_title) for row in rows]


def my_ballots(session: Session, actor: Actor) -> list[MyBallot]:
    """Return the ballots in which the actor has a vote: open ones first, the latest before."""
    rows = session.execute(
        select(
            BallotBox.id,
            BallotBox.state,
            BallotBox.paper["title"].astext.label("title"),
            BallotBox.closed_on,
            BallotVoter.way,
            Instance.title.label("matter_title"),
            Instance.status,
        )
        .join(BallotVoter, BallotVoter.box_id == BallotBox.id)
        .join(Instance, Instance.id == BallotBox.instance_id)
        .where(
            BallotVoter.person_id == actor.person_id,
            ~BallotVoter.struck,
            BallotBox.state != BoxState.VOID,
        )
        .order_by(BallotBox.id.desc())
        .limit(50)
    )
    found = [
        MyBallot(
            row.id,
            row.title,
            row.matter_title,
            row.state == BoxState.OPEN and row.status == "active",
            row.way is not None,
            row.closed_on,
        )
        for row in rows
    ]
    return sorted(found, key=lambda ballot: (not ballot.open, ballot.voted))


def ballot_page(session: Session, actor: Actor, box_id: int) -> BallotPage:
    """Return a ballot. Raises NotFound where the actor may not know of it."""
    thing = ballot_thing(session, box_id, actor.person_id)
    require(actor, Action.VIEW_BALLOT, thing)
    box = session.get_one(BallotBox, box_id, populate_existing=True)
    own = session.get(BallotVoter, (box_id, actor.person_id), populate_existing=True)
    cast = decide(actor, Action.CAST_BALLOT, thing)
    run = decide(actor, Action.RUN_BALLOT, thing).allowed
    counts = decide(actor, Action.COUNT_PAPER, thing).allowed
    matter = session.execute(_TITLES, {"id": box.instance_id}).one()
    closed = box.state == BoxState.CLOSED
    reads = closed and (run or box.published)
    names = _names(session, {*box.tellers, box.paper_by or 0, box.paper_confirmed_by or 0})
    return BallotPage(
        id=box.id,
        paper=Paper.from_data(box.paper),
        state=BoxState(box.state),
        open=thing.open,
        matter_title=matter.title,
        matter_number=format_number(matter.prefix, matter.year, matter.serial),
        organisation_name=matter.short_name,
        instance_id=box.instance_id,
        task_id=box.task_id,
        opened_on=box.opened_on,
        closed_on=box.closed_on,
        min_size=box.min_size,
        on_roll=actor.person_id in thing.voters,
        way=Way(own.way) if own is not None and own.way else None,
        may_cast=cast.allowed and own is not None and own.way is None,
        why_not="" if cast.allowed else str(cast.reason),
        may_run=run,
        may_count=counts,
        result=box.result if reads else None,
        numbers=_numbers(box.result) if closed and box.result else None,
        receipts=tuple(box.receipts or ()) if closed else (),
        roll=tuple(_roll(session, box_id)) if run or counts else (),
        tellers=tuple((person, names.get(person, "")) for person in box.tellers),
        totals=box.totals if counts or run else None,
        paper_by=names.get(box.paper_by or 0),
        paper_confirmed_by=names.get(box.paper_confirmed_by or 0),
        entered_by_me=box.paper_by == actor.person_id,
    )


def my_receipt(session: Session, box_id: int, secret: str) -> str:
    """Return the receipt that a ballot cast with this sign-in carries."""
    box = session.get_one(BallotBox, box_id)
    return in_letters(receipt_code(box.uid, secret))


def ballots_of_task(session: Session, task_id: int, keys: Mapping[str, str]) -> list[TaskBallot]:
    """Return the ballots of a task's form (labels by field), with how many have voted."""
    found = {
        box.key: box
        for box in session.scalars(
            select(BallotBox)
            .where(BallotBox.task_id == task_id, BallotBox.state != BoxState.VOID)
            .execution_options(populate_existing=True)
        )
    }
    ballots = []
    for key, label in keys.items():
        box = found.get(key)
        if box is None:
            ballots.append(TaskBallot(key, label, None, None))
            continue
        lines = [line for line in _roll(session, box.id) if not line.struck]
        ballots.append(
            TaskBallot(
                key,
                label,
                box.id,
                BoxState(box.state),
                len(lines),
                sum(line.way is not None for line in lines),
            )
        )
    return ballots


def _numbers(result: Mapping[str, Any]) -> dict[str, Any]:
    names = ("issued", "collected", "valid", "invalid", "not_returned", "small", "min_size")
    return {name: result[name] for name in names}


def _roll(session: Session, box_id: int) -> list[RollLine]:
    rows = session.execute(
        select(
            Person.id,
            Person.name,
            BallotVoter.category,
            BallotVoter.way,
            BallotVoter.voted_on,
            BallotVoter.struck,
        )
        .join(BallotVoter, BallotVoter.person_id == Person.id)
        .where(BallotVoter.box_id == box_id)
        # By name: the order in which people voted is nobody's business.
        .order_by(Person.name, Person.id)
    )
    return [
        RollLine(
            row.id,
            row.name,
            row.category,
            Way(row.way) if row.way else None,
            row.voted_on,
            row.struck,
        )
        for row in rows
    ]


def _names(session: Session, people: set[int]) -> dict[int, str]:
    rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(people)))
    return {row.id: row.name for row in rows}
