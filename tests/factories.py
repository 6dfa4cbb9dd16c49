"""Small procedures, a branch with a few people, and matters to act on: tests read as sentences.

A procedure is written with :mod:`tests.bpmn_builder`; every step has the same small form unless the
test gives another one. A :class:`Desk` is where people of the invented town do their work.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select, text
from sqlalchemy.engine import Row

from engine.clock import FixedClock
from engine.database import db, unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import Package, load_package
from engine.directory.actors import Actor, load_actor
from engine.directory.models import Membership, Organisation, Person, Post
from engine.ledger.models import LedgerEntry
from engine.runtime import operations, store, transitions
from engine.runtime.commands import Done
from engine.runtime.models import (
    Instance,
    OutboxMessage,
    Task,
    TaskCandidate,
    Timer,
)
from engine.runtime.world import make_world, matter_of
from tests.bpmn_builder import (
    Block,
    Body,
    Boundary,
    Call,
    Catch,
    First,
    Fork,
    Loop,
    Or,
    Sub,
    Throw,
    Xor,
    date_timer,
    definitions,
    message,
)
from tests.bpmn_builder import Task as UserTask

LONG_AGO = date(2010, 1, 1)
FILE = "f" * 64

ENTRY: Sequence[Mapping[str, Any]] = (
    {"type": "textfield", "key": "note", "label": "说明"},
    {"type": "textfield", "key": "decision", "label": "意见"},
    {"type": "number", "key": "amount", "label": "数量"},
    {
        "type": "filepicker",
        "key": "files",
        "label": "材料",
        "multiple": True,
        "properties": {"document": "材料"},
    },
    {
        "type": "textfield",
        "key": "contacts",
        "label": "联系人",
        "properties": {"domain": "people", "status": "full", "min": "1", "max": "2"},
    },
)
"""The fields of every form: all may be left empty."""


# --- procedures ------------------------------------------------------------------------------


def procedure(
    key: str,
    body: Body,
    *,
    subject: str = "organisation",
    prefix: str | None = None,
    version: str = "1",
    steps: Mapping[str, str] | None = None,
    lanes: Mapping[str, str] | None = None,
    more: str = "",
) -> Package:
    """Return a package around a diagram.

    ``steps`` adds lines to a ``[[step]]``; ``lanes`` puts a task into another lane than ``branch``
    (``superior``, ``applicant``, ``contacts``); ``more`` is added to process.toml as it is.
    """
    tasks = list(user_tasks(body))
    where = {task: (lanes or {}).get(task, "branch") for task in tasks}
    manifest = (
        f'key = "{key}"\ntitle = "{key}"\nprefix = "{prefix or key[:2].upper()}"\n'
        f'version = "{version}"\nbpmn = "{key}.bpmn"\nsubject = "{subject}"\n{_LANES}'
    )
    for task in tasks:
        manifest += (
            f'[[step]]\nelement = "{task}"\ntitle = "{task}"\naction = "提交"\nform = "entry"\n'
            f"{(steps or {}).get(task, '')}\n"
        )
    drawn = "".join(
        f'<lane id="{lane}">'
        + "".join(f"<flowNodeRef>{task}</flowNodeRef>" for task in tasks if where[task] == lane)
        + "</lane>"
        for lane in dict.fromkeys(where.values())
    )
    diagram = definitions({key: body}).replace(
        b'isExecutable="true">',
        f'isExecutable="true"><laneSet id="lanes">{drawn}</laneSet>'.encode(),
    )
    form = {"schemaVersion": 16, "type": "default", "id": "entry", "components": list(ENTRY)}
    return load_package(
        {
            "process.toml": (manifest + more).encode(),
            f"{key}.bpmn": diagram,
            "forms/entry.form": json.dumps(form, ensure_ascii=False).encode(),
        }
    )


_LANES = """
[start]
lanes = ["branch", "applicant"]
[lanes.branch]
title = "党支部"
who = "posts"
posts = ["secretary", "deputy_secretary"]
[lanes.superior]
title = "上级党委"
who = "posts"
posts = ["secretary"]
at = "approving"
[lanes.applicant]
title = "申请人"
who = "subject"
[lanes.contacts]
title = "联系人"
who = "participants"
roles = ["contacts"]
or_lane = "branch"
"""

CONTACTS = """
[participants.contacts]
title = "联系人"
from = "{}.contacts"
"""


def user_tasks(body: Body) -> Sequence[str]:
    """Return the ids of the user tasks in a body, in the order of the text."""
    found: list[str] = []
    for block in body:
        found += _tasks_of(block)
    return found


def _tasks_of(block: Block) -> list[str]:
    match block:
        case UserTask():
            own = [block.id] if block.kind == "userTask" else []
            return own + [t for b in block.boundary for t in user_tasks(b.body)]
        case Xor() | Or():
            return [t for _, branch in block.branches for t in user_tasks(branch)]
        case Fork():
            return [t for branch in block.branches for t in user_tasks(branch)]
        case Loop():
            return list(user_tasks(block.body))
        case Sub():
            inner = list(user_tasks(block.body))
            return inner + [t for b in block.boundary for t in user_tasks(b.body)]
        case First():
            return [t for _, _, branch in block.branches for t in user_tasks(branch)]
    return []


def two_steps(key: str = "two_steps", **changes: Any) -> Package:
    """Return ``apply`` and then ``approve``, which may send back to ``apply``."""
    steps = {"approve": 'send_back = ["apply"]'}
    return procedure(key, [UserTask("apply"), UserTask("approve")], **{"steps": steps, **changes})


def parallel(key: str = "parallel") -> Package:
    """Return ``apply``, then ``left`` and ``right`` side by side, then ``conclude``.

    ``left`` is followed by ``left_again``, which may send back to ``left`` and to ``apply``.
    """
    return procedure(
        key,
        [
            UserTask("apply"),
            Fork([[UserTask("left"), UserTask("left_again")], [UserTask("right")]]),
            UserTask("conclude"),
        ],
        steps={"left_again": 'send_back = ["left", "apply"]'},
    )


def round_trip(key: str = "round_trip") -> Package:
    """Return ``work``, done again for as long as its decision is ``again``; then ``finish``."""
    return procedure(
        key,
        [Loop([UserTask("work")], 'decision == "again"'), UserTask("finish")],
        steps={"finish": 'send_back = ["work"]'},
    )


def waiting(key: str = "waiting", days: int = 10) -> Package:
    """Return ``apply``, a wait of some days after it, then ``approve``."""
    return procedure(
        key,
        [
            UserTask("apply"),
            Catch("wait", date_timer(f'add_days(on["apply"], {days})')),
            UserTask("approve"),
        ],
        steps={"approve": 'send_back = ["apply"]'},
    )


def sender(key: str = "sender", name: str = "handed_over", **changes: Any) -> Package:
    """Return ``prepare``, then the message is thrown, then ``after_sending``."""
    body = [UserTask("prepare"), Throw("throw", message(name)), UserTask("after_sending")]
    return procedure(key, body, **changes)


def receiver(key: str = "receiver", name: str = "handed_over", **changes: Any) -> Package:
    """Return ``ready``, then the message is waited for, then ``accept``."""
    body = [UserTask("ready"), Catch("catch", message(name)), UserTask("accept")]
    return procedure(key, body, **changes)


def withdrawable(key: str = "withdrawable") -> Package:
    """Return ``apply`` and ``approve`` in a stage that the message ``withdraw`` ends."""
    stage = Sub(
        "stage",
        [UserTask("apply"), UserTask("approve")],
        boundary=[Boundary("withdrawn", message("withdraw"))],
    )
    return procedure(
        key,
        [stage],
        more='[messages.withdraw]\ntitle = "撤回"\nlanes = ["branch"]\nname = "withdraw"\n'
        'form = "entry"\n',
    )


FAULTY = "100 // days_between(started_on, today()) > 0"
"""Divides by zero on the day the matter starts; from the next day on it does not."""


def faulty(key: str = "faulty") -> Package:
    """Return ``apply``, a choice that fails on the first day, then ``approve``."""
    return procedure(key, [UserTask("apply"), Xor([(FAULTY, [UserTask("approve")]), (None, [])])])


__all__ = ["Boundary", "Call", "Catch", "Fork", "Loop", "Sub", "Throw", "UserTask", "Xor"]


# --- the town ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Town:
    """A committee, two branches below it, and their people; ids by name."""

    organisations: Mapping[str, int]
    people: Mapping[str, int]

    @property
    def branch(self) -> int:
        """The branch where things happen."""
        return self.organisations["branch"]


_PEOPLE: Mapping[str, tuple[str, str, str | None]] = {
    # name: organisation, membership status, post there
    "secretary": ("branch", "full", "secretary"),
    "deputy": ("branch", "full", "deputy_secretary"),
    "member": ("branch", "full", None),
    "other_member": ("branch", "full", None),
    "applicant": ("branch", "none", None),
    "second_applicant": ("branch", "none", None),
    "stranger": ("other", "full", "secretary"),
    "superior": ("committee", "full", "secretary"),
    "administrator": ("committee", "full", "administrator"),
}


def create_town(clock: FixedClock) -> Town:
    """Put the town into the directory."""
    organisations: dict[str, int] = {}
    people: dict[str, int] = {}
    with unit_of_work() as session:
        above = ""
        for name, kind in (("committee", "committee"), ("branch", "branch"), ("other", "branch")):
            place = Organisation(
                parent_id=organisations.get("committee"),
                path="",
                kind=kind,
                name=name,
                short_name=name,
                code=f"{name}-{uuid4()}",
                can_approve_members=kind == "committee",
                has_committee=True,
            )
            session.add(place)
            session.flush()
            place.path = f"{above or '/'}{place.id}/"
            above = above or place.path
            organisations[name] = place.id
        for name, (at, status, post) in _PEOPLE.items():
            person = Person(name=name, organisation_id=organisations[at], created_at=clock.now())
            session.add(person)
            session.flush()
            people[name] = person.id
            session.add(
                Membership(
                    person_id=person.id,
                    status=status,
                    since=LONG_AGO,
                    organisation_id=organisations[at],
                    recorded_at=clock.now(),
                )
            )
            if post:
                session.add(
                    Post(
                        person_id=person.id,
                        organisation_id=organisations[at],
                        kind=post,
                        since=LONG_AGO,
                    )
                )
        session.flush()
    return Town(organisations, people)


# --- work --------------------------------------------------------------------------------------


@dataclass
class Desk:
    """Where the people of the town start matters. Needs an application context."""

    town: Town
    clock: FixedClock
    deployed: set[str] = field(default_factory=set)

    def actor(self, name: str) -> Actor:
        """Return a person of the town as somebody who acts today."""
        return load_actor(db.session(), person_id=self.town.people[name], day=self.clock.today())

    def deploy(self, package: Package) -> str:
        """Deploy a package and return its key."""
        if package.sha256 not in self.deployed:
            with unit_of_work() as session:
                deploy_package(session, package, self.clock)
            self.deployed.add(package.sha256)
        return package.key

    def start(
        self,
        package: Package | str,
        *,
        by: str = "secretary",
        subject: str | None = None,
        data: Mapping[str, Any] | None = None,
        on: date | None = None,
        command_id: UUID | None = None,
        at: str = "branch",
    ) -> Matter:
        """Start a matter; with ``data`` its first step is completed as well."""
        key = package if isinstance(package, str) else self.deploy(package)
        done = operations.start_instance(
            key,
            data,
            organisation_id=self.town.organisations[at],
            subject_id=None if subject is None else self.town.people[subject],
            actor=self.actor(by),
            clock=self.clock,
            occurred_on=on,
            command_id=command_id,
        )
        return Matter(self, done.instance_id, done)

    def inbox(self, name: str) -> list[str]:
        """Return the steps in a person's inbox."""
        keys = sorted(self.actor(name).principals)
        rows = db.session().execute(
            select(Task.element)
            .join(TaskCandidate, TaskCandidate.task_id == Task.id)
            .where(TaskCandidate.principal.in_(keys))
            .distinct()
        )
        return sorted(row.element for row in rows)

    def jobs(self, name: str) -> list[dict[str, Any]]:
        """Return the arguments of the jobs of a kind that wait in the queue."""
        rows = db.session().execute(
            text(
                "SELECT args FROM procrastinate_jobs WHERE task_name = :name AND status = 'todo'"
                " ORDER BY id"
            ),
            {"name": name},
        )
        return [row.args for row in rows]

    def outbox(self) -> int:
        """Return how many messages have not arrived yet."""
        return int(db.session().scalar(select(func.count()).select_from(OutboxMessage)) or 0)


@dataclass
class Matter:
    """A matter and what can be done to it."""

    desk: Desk
    id: int
    started: Done | None = None

    # --- what stands in the database

    @property
    def row(self) -> Instance:
        """The matter's row as it is now."""
        found: Instance = (
            db.session()
            .execute(
                select(Instance)
                .where(Instance.id == self.id)
                .execution_options(populate_existing=True)
            )
            .scalar_one()
        )
        return found

    @property
    def tasks(self) -> Sequence[Task]:
        """The open tasks."""
        return (
            db.session()
            .scalars(
                select(Task)
                .where(Task.instance_id == self.id, Task.state == "open")
                .order_by(Task.id)
                .execution_options(populate_existing=True)
            )
            .all()
        )

    @property
    def open(self) -> list[str]:
        """The elements of the open tasks, sorted."""
        return sorted(task.element for task in self.tasks)

    def task(self, element: str) -> int:
        """Return the id of the open task of an element."""
        found = [task.id for task in self.tasks if task.element == element]
        assert found, f"{element} is not open, but {self.open}"
        return int(found[0])

    @property
    def timers(self) -> dict[str, Timer]:
        """The waiting timers by element."""
        rows = db.session().scalars(
            select(Timer)
            .where(Timer.instance_id == self.id)
            .execution_options(populate_existing=True)
        )
        return {row.element: row for row in rows}

    @property
    def entries(self) -> list[LedgerEntry]:
        """The ledger entries, oldest first."""
        return list(
            db.session().scalars(
                select(LedgerEntry).where(LedgerEntry.chain_id == self.id).order_by(LedgerEntry.seq)
            )
        )

    @property
    def kinds(self) -> list[str]:
        """The kinds of the ledger entries."""
        return [entry.kind for entry in self.entries]

    def payload(self, number: int = -1) -> Any:
        """Return what an entry recorded, the last one by default."""
        text = self.entries[number].payload
        assert text is not None
        return json.loads(text)

    # --- what people do to it

    def complete(
        self,
        element: str,
        data: Mapping[str, Any] | None = None,
        *,
        by: str = "secretary",
        on: date | None = None,
        **more: Any,
    ) -> Done:
        """Complete the open task of an element."""
        return operations.complete_task(
            self.task(element),
            data or {},
            actor=self.desk.actor(by),
            clock=self.desk.clock,
            occurred_on=on,
            **more,
        )

    def send_back(
        self, element: str, to: str, *, by: str = "secretary", reason: str = "请补正", **more: Any
    ) -> Done:
        """Send the matter back from the open task of an element."""
        return operations.send_back(
            self.task(element),
            to,
            reason,
            actor=self.desk.actor(by),
            clock=self.desk.clock,
            **more,
        )

    def claim(self, element: str, *, by: str = "secretary", **more: Any) -> Done:
        """Claim the open task of an element."""
        return operations.claim_task(
            self.task(element), actor=self.desk.actor(by), clock=self.desk.clock, **more
        )

    def unclaim(self, element: str, *, by: str = "secretary", **more: Any) -> Done:
        """Put the open task of an element back."""
        return operations.unclaim_task(
            self.task(element), actor=self.desk.actor(by), clock=self.desk.clock, **more
        )

    def delegate(
        self,
        element: str,
        to: str,
        *,
        by: str = "secretary",
        reason: str = "出差",
        **more: Any,
    ) -> Done:
        """Hand the open task of an element to another person."""
        return operations.delegate_task(
            self.task(element),
            self.desk.town.people[to],
            reason,
            actor=self.desk.actor(by),
            clock=self.desk.clock,
            **more,
        )

    def send(
        self,
        message: str,
        data: Mapping[str, Any] | None = None,
        *,
        by: str = "secretary",
        on: date | None = None,
        **more: Any,
    ) -> Done:
        """Send one of the package's messages to the matter."""
        return operations.send_message(
            self.id,
            message,
            data or {},
            actor=self.desk.actor(by),
            clock=self.desk.clock,
            occurred_on=on,
            **more,
        )

    def cancel(self, *, by: str = "secretary", reason: str = "不再办理", **more: Any) -> Done:
        """Cancel the matter."""
        return operations.cancel_instance(
            self.id, reason, actor=self.desk.actor(by), clock=self.desk.clock, **more
        )

    def suspend(self, *, by: str = "secretary", reason: str = "等待材料", **more: Any) -> Done:
        """Suspend the matter."""
        return operations.suspend_instance(
            self.id, reason, actor=self.desk.actor(by), clock=self.desk.clock, **more
        )

    def resume(self, *, by: str = "secretary", **more: Any) -> Done:
        """Resume the matter."""
        return operations.resume_instance(
            self.id, actor=self.desk.actor(by), clock=self.desk.clock, **more
        )

    def fire(self) -> int:
        """Let the due timers fire, as a worker would; return how often something fired."""
        fired = 0
        while operations.fire_timers(self.id, clock=self.desk.clock) is not None:
            fired += 1
        return fired


# --- what has to hold -----------------------------------------------------------------------


def is_consistent(instance_id: int, clock: FixedClock) -> None:
    """Assert that every row of a matter says what its workflow says, and its chain is whole."""
    session = db.session()
    row = store.lock_instance(session, instance_id)
    assert row is not None
    tasks = session.execute(
        text(
            "SELECT id, uid, element, item, candidates, assignee_id FROM task"
            " WHERE instance_id = :id AND state = 'open'"
        ),
        {"id": instance_id},
    ).all()
    watch = store.read_watch(session, instance_id)
    if row.status in ("completed", "cancelled"):
        assert row.snapshot is None
        assert not tasks
        assert not watch.timers
        assert not watch.subscriptions
        assert row.watch == 0
    else:
        there = transitions.look(matter_of(session, row), make_world(session, clock))
        assert _sorted((t.uid, t.element, t.item) for t in tasks) == _sorted(
            (t.uid, t.element, t.item) for t in there.opened
        )
        assert watch.timers == {t.uid: (t.element, t.due_at) for t in there.timers}
        assert watch.subscriptions == {s.uid: (s.element, s.name) for s in there.subscriptions}
        assert row.watch == watch.mark
    _inboxes_agree(row, tasks)
    chain = session.execute(
        text("SELECT count(*) AS length, max(seq) AS last FROM ledger_entry WHERE chain_id = :id"),
        {"id": instance_id},
    ).one()
    assert chain.length == chain.last == row.chain_length
    stray = "SELECT count(*) FROM draft d JOIN task t ON t.id = d.task_id WHERE t.state <> 'open'"
    assert session.scalar(text(stray + " AND t.instance_id = :id"), {"id": instance_id}) == 0
    session.rollback()


def _inboxes_agree(row: Row[Any], tasks: Sequence[Row[Any]]) -> None:
    listed = db.session().execute(
        text(
            "SELECT c.task_id, c.principal FROM task_candidate c JOIN task t ON t.id = c.task_id"
            " WHERE t.instance_id = :id"
        ),
        {"id": row.instance_id},
    )
    wanted: set[tuple[int, str]] = set()
    if row.status == "active":
        for task in tasks:
            keys = task.candidates if task.assignee_id is None else [f"p{task.assignee_id}"]
            wanted |= {(task.id, key) for key in keys}
    assert {(line.task_id, line.principal) for line in listed} == wanted


def _sorted(rows: Any) -> list[Any]:
    return sorted(rows, key=lambda row: str(row[0]))
