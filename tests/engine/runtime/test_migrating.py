"""Moving running matters to another version: what moves, what stays and why, and at one moment."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from engine.compliance.from_ledger import Told
from engine.compliance.models import Finding
from engine.database import db, unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import Package, load_package
from engine.directory.actors import Actor, load_actor
from engine.directory.codes import PostKind
from engine.directory.models import Person
from engine.directory.organisations import root
from engine.directory.posts import add_post
from engine.errors import InvalidInput, NotAllowed, NotFound, StaleRevision
from engine.forms.drafts import load_draft, save_draft
from engine.ledger.checking import check_range
from engine.ledger.faults import Report
from engine.runtime import operations
from engine.runtime.commands import Done
from engine.runtime.fitting_records import past_of
from engine.runtime.migrating import Outlook, look_ahead, move_matters, move_running, preview_move
from engine.runtime.queries.conformance import matter_conformance
from tests.bpmn_builder import (
    Body,
    Boundary,
    End,
    First,
    Fork,
    Xor,
    date_timer,
    duration,
    instances,
    message,
)
from tests.engine.conftest import Live
from tests.factories import CONTACTS, Desk, Matter, UserTask, is_consistent, procedure
from tests.factories.procedures import ENTRY
from tests.races import at_once

KEY = "moved"
WHY = "步骤有误"
END = End("done")
PLAIN: Body = [UserTask("apply"), UserTask("approve"), END]

RULES = """
[[rule]]
id = "M-1"
title = "按时办理"
title_en = "Worked on in time"
kind = "deadline"
step = "approve"
from = "apply"
from_words = "收到申请"
from_words_en = "the application was received"
within = { days = 10 }
must = "办理"
must_en = "work on it"
"""

AMOUNT = """
[[rule]]
id = "M-2"
title = "数量不少于三"
title_en = "At least three"
kind = "expression"
step = "apply"
that = "amount >= 3"
numbers = { amount = "amount" }
met = "数量 %(amount)s。"
met_en = "Amount %(amount)s."
not_met = "数量 %(amount)s，少于三。"
not_met_en = "Amount %(amount)s, less than three."
"""


def version(
    body: Body = PLAIN,
    *,
    files: Mapping[str, str] | None = None,
    without: str = "",
    **changes: Any,
) -> Package:
    """Return a version of the procedure; what the builder numbers has the same name in each."""
    made = procedure(KEY, body, **changes)
    found = dict(made.files)
    diagram = found[f"{KEY}.bpmn"].decode()
    found[f"{KEY}.bpmn"] = re.sub(r"\b(fork|join|merge|choice)_\d+", r"\1", diagram).encode()
    if without:
        parts = [part for part in ENTRY if part["key"] != without]
        form = {"schemaVersion": 16, "type": "default", "id": "entry", "components": parts}
        found["forms/entry.form"] = json.dumps(form, ensure_ascii=False).encode()
    found |= {path: text.encode() for path, text in (files or {}).items()}
    return load_package(found)


def deploy(desk: Desk, package: Package) -> int:
    with unit_of_work() as unit:
        return deploy_package(unit, package, desk.clock).version_id


def administrator(desk: Desk) -> Actor:
    with unit_of_work() as unit:
        top = root(unit).id
        person = Person(name="顾理", organisation_id=top, created_at=desk.clock.now())
        unit.add(person)
        unit.flush()
        add_post(unit, person.id, top, PostKind.ADMINISTRATOR, date(2020, 1, 1))
        number = person.id
    return load_actor(db.session(), desk.clock.today(), person_id=number)


def move(desk: Desk, version_id: int, **more: Any) -> Outlook:
    return move_running(desk.clock, version_id, reason=WHY, **more)


def sizes(found: Outlook) -> tuple[int, int, int]:
    return len(found.moving), len(found.staying), found.left


def look(desk: Desk, version_id: int) -> Outlook:
    found = look_ahead(db.session(), desk.clock, version_id)
    db.session().rollback()
    return found


def begun(desk: Desk, package: Package, *, done: bool = True, **data: Any) -> Matter:
    """Return a matter of a package, at ``approve``, or still at ``apply``."""
    matter = desk.start(package)
    if done:
        matter.complete("apply", data)
    return matter


# --- what moves


def test_a_matter_goes_on_with_what_the_new_version_has_ahead(desk: Desk) -> None:
    matter = begun(desk, version())
    old, revision = matter.row.version_id, matter.row.revision
    task = matter.tasks[0]
    before = (task.id, task.uid, task.revision, task.candidates, task.due_on)
    longer = version([*PLAIN[:-1], UserTask("publish"), END], version="2")
    new = deploy(desk, longer)
    admin = administrator(desk)
    outlook = preview_move(db.session(), desk.clock, admin, new)
    assert [m.number for m in outlook.moving] == [matter.row.number] and not outlook.staying
    assert matter.row.version_id == old, "looking changes nothing"
    assert sizes(move_matters(desk.clock, admin, new, reason=f" {WHY} ")) == (1, 0, 0)
    assert (matter.row.version_id, matter.row.revision) == (new, revision + 1)
    assert matter.kinds == ["started", "completed", "migrated"]
    told = matter.payload()
    assert (told["from"]["id"], told["to"]["id"], told["reason"]) == (old, new, WHY)
    assert told["to"]["sha256"] == longer.sha256 and told["to"]["version"] == "2"
    assert matter.entries[-1].actor_id == admin.person_id
    task = matter.tasks[0]
    assert (task.id, task.uid, task.revision, task.candidates, task.due_on) == before
    is_consistent(matter.id, desk.clock)
    matter.complete("approve")
    assert matter.open == ["publish"]
    matter.complete("publish")
    assert matter.row.status == "completed"
    is_consistent(matter.id, desk.clock)
    found = matter_conformance(db.session(), matter.id)
    assert found is not None and not found.deviations
    raw = db.session().connection().connection.driver_connection
    assert raw is not None
    assert not list(check_range(raw, matter.id, matter.id, Report()))  # type: ignore[arg-type]


def test_twice_moves_once_and_back_is_a_move_too(desk: Desk) -> None:
    matter = begun(desk, version())
    old = matter.row.version_id
    new = deploy(desk, version(version="2"))
    assert [len(move(desk, new).moving) for _ in range(2)] == [1, 0]
    assert len(move(desk, old).moving) == 1
    assert matter.kinds[2:] == ["migrated", "migrated"]
    assert matter.row.version_id == old
    matter.complete("approve")
    assert sizes(move(desk, new)) == (0, 0, 0), "what has ended is no running matter"


def test_only_those_on_the_version_asked_for_and_no_more_than_asked(desk: Desk) -> None:
    first = [begun(desk, version()) for _ in range(3)]
    second = begun(desk, version(version="2"))
    new = deploy(desk, version(version="3"))
    source = first[0].row.version_id
    assert sizes(move(desk, new, source=source, most=2)) == (2, 0, 1)
    assert look_ahead(db.session(), desk.clock, new, most=1).left == 1
    assert len(move(desk, new, source=source).moving) == 1
    assert second.row.version_id != new and first[2].row.version_id == new


def test_it_may_be_sent_back_to_a_step_done_before_the_move(desk: Desk) -> None:
    steps = {"approve": 'send_back = ["apply"]'}
    matter = begun(desk, version(steps=steps))
    new = deploy(desk, version(version="2", steps=steps, files={"NOTES.md": "2"}))
    assert len(move(desk, new).moving) == 1
    matter.send_back("approve", "apply")
    assert matter.open == ["apply"] and matter.row.version_id == new
    is_consistent(matter.id, desk.clock)
    matter.complete("apply")
    matter.complete("approve")
    assert matter.row.status == "completed"


def test_a_suspended_matter_moves_and_stays_suspended(desk: Desk) -> None:
    matter = begun(desk, version())
    secretary = desk.actor("secretary")
    operations.suspend_instance(matter.id, "等待", actor=secretary, clock=desk.clock)
    new = deploy(desk, version(version="2"))
    assert len(move(desk, new).moving) == 1
    assert matter.row.status == "suspended" and desk.inbox("secretary") == []
    operations.resume_instance(matter.id, actor=secretary, clock=desk.clock)
    assert desk.inbox("secretary") == ["approve"]
    is_consistent(matter.id, desk.clock)


def test_a_form_that_changed_keeps_its_draft_and_refuses_what_the_old_page_sends(
    desk: Desk,
) -> None:
    matter = begun(desk, version(), done=False)
    task, secretary = matter.tasks[0], desk.actor("secretary")
    shown = task.revision
    with unit_of_work() as unit:
        mine = {"task_id": task.id, "person_id": secretary.person_id}
        save_draft(unit, desk.clock, **mine, data={"note": "写了一半"})
    new = deploy(desk, version(version="2", without="amount"))
    assert len(move(desk, new).moving) == 1
    with pytest.raises(StaleRevision):
        matter.complete("apply", {"note": "写完"}, revision=shown)
    assert load_draft(db.session(), **mine) is not None
    with pytest.raises(InvalidInput):
        matter.complete("apply", {"amount": 3})
    matter.complete("apply", {"note": "写完"}, revision=shown + 1)


# --- what stays, and why


@dataclass
class Case:
    """Two versions, how far the matter is, and what the preview says; None: it moves."""

    says: str | None
    new: Callable[[], Package]
    old: Callable[[], Package] = version
    done: bool = True
    data: dict[str, Any] = field(default_factory=dict)


def with_check() -> Package:
    return version([UserTask("apply"), UserTask("check"), UserTask("approve"), END])


def by_superior() -> Package:
    return version(lanes={"approve": "superior"})


def asking() -> Package:
    more = Xor([('decision == "again"', [UserTask("more")]), (None, [])], id="which")
    return version([*PLAIN[:-1], more, END])


def with_limit() -> Package:
    return version(steps={"approve": "due = \"add_days(on['apply'], 3)\""})


def with_timer(days: int = 30) -> Package:
    timer = Boundary("late", date_timer(f'add_days(on["apply"], {days})'), [End("ended_late")])
    return version([UserTask("apply"), UserTask("approve", boundary=[timer]), END])


def with_message(name: str = "withdraw") -> Package:
    caught = Boundary("withdrawn", message(name), [End("ended_withdrawn")])
    return version([UserTask("apply", boundary=[caught]), UserTask("approve"), END])


def forked(*more: str) -> Package:
    branches = [[UserTask(name)] for name in ("approve", "left", *more)]
    return version([UserTask("apply"), Fork(branches), UserTask("last"), END])


def grouped(**properties: str) -> Package:
    """Return a version whose first question stands in a group."""
    group = {"type": "group", "label": "组", "components": ENTRY[:1], "properties": properties}
    form = {"schemaVersion": 16, "type": "default", "id": "entry"}
    text = json.dumps({**form, "components": [group, *ENTRY[1:]]}, ensure_ascii=False)
    return version(files={"forms/entry.form": text})


def chosen(condition: str) -> Package:
    more = Xor([(condition, [UserTask("more")]), (None, [])], id="which")
    return version([UserTask("apply"), more, UserTask("approve"), END])


def waited_for(**more: str) -> Package:
    events = {"answer": message("answer"), "call": message("call"), **more}
    first = First("first", [(name, event, []) for name, event in events.items()])
    return version([UserTask("apply"), first, UserTask("approve"), END])


def each(number: str) -> Package:
    several = UserTask("approve", loop=instances(cardinality=number))
    return version([UserTask("apply"), several, END])


def applied(outcome: str) -> Package:
    effect = f'[[effect]]\nafter = "apply"\noutcome = "{outcome}"\noutcome_title = "已申请"\n'
    return version(more=effect)


CASES = {
    "a step is gone": Case("新版本没有“approve”", lambda: version([UserTask("apply"), END])),
    "a step is another kind": Case(
        "另一种环节",
        lambda: version(
            [UserTask("apply"), UserTask("approve", loop=instances(cardinality="2")), END]
        ),
    ),
    "a step is new behind it": Case("到过“apply”", with_check),
    "a step is new ahead of it": Case(None, with_check, done=False),
    "others would do what is open": Case("由别人办理", by_superior),
    "others do what is ahead": Case(None, by_superior, done=False),
    "a way asks what was not kept": Case("没有保留的内容：decision", asking),
    "a way asks what will be kept": Case(None, asking, done=False),
    "a limit counts from a day not kept": Case("没有保留的日期：apply", with_limit),
    "a limit counts from a day to come": Case(None, with_limit, done=False),
    "a timer is new where it stands": Case("加了时限", with_timer),
    "a timer is new ahead": Case(None, with_timer, done=False),
    "a message is new where it has been": Case("加了时限", with_message),
    "an answer could not be shown": Case("其中“数量”", lambda: version(without="amount")),
    "a form may change before it is recorded": Case(
        None, lambda: version(without="amount"), done=False
    ),
    "an answer would be read by more": Case(
        "其中“说明”", grouped, old=lambda: grouped(readers="concerned")
    ),
    "people were not chosen then": Case("没有确定", lambda: version(more=CONTACTS.format("apply"))),
    "people will be chosen": Case(None, lambda: version(more=CONTACTS.format("apply")), done=False),
    "its way was chosen by another condition": Case(
        "到过“which”",
        lambda: chosen('decision == "b"'),
        old=lambda: chosen('decision == "a"'),
        data={"decision": "b"},
    ),
    "a way will be chosen by another condition": Case(
        None,
        lambda: chosen('decision == "b"'),
        old=lambda: chosen('decision == "a"'),
        done=False,
    ),
    "it waits for one message more": Case(
        "到过“first”", lambda: waited_for(mail=message("mail")), old=waited_for
    ),
    "it waits for one timer more": Case(
        "到过“first”", lambda: waited_for(late=duration("P9D")), old=waited_for
    ),
    "it will wait for one message more": Case(
        None, lambda: waited_for(mail=message("mail")), old=waited_for, done=False
    ),
    "more have to do what is open": Case(
        "时限、次数或者条件", lambda: each("3"), old=lambda: each("2")
    ),
    "a timer that runs is another": Case(
        "时限、次数或者条件", lambda: with_timer(60), old=with_timer
    ),
    "a step done has another outcome": Case(
        "它的结果", lambda: applied("entered"), old=lambda: applied("applied")
    ),
    "a branch is new where it has forked": Case("到过", lambda: forked("right"), old=forked),
    "a branch is new ahead": Case(None, lambda: forked("right"), old=forked, done=False),
    "its rules are gone": Case(
        "没有规则", version, old=lambda: version(files={"rules.toml": RULES})
    ),
    "rules are new": Case(None, lambda: version(files={"rules.toml": RULES})),
}


@pytest.mark.parametrize("name", CASES)
def test_the_preview_says_why_a_matter_stays_and_the_move_does_the_same(
    desk: Desk, name: str
) -> None:
    case = CASES[name]
    matter = begun(desk, case.old(), done=case.done, **case.data)
    old, kinds = matter.row.version_id, matter.kinds
    new = deploy(desk, case.new())
    said = look(desk, new)
    assert move(desk, new) == said
    if case.says is None:
        assert sizes(said) == (1, 0, 0)
        assert matter.row.version_id == new
    else:
        assert said.moving == ()
        (staying,) = said.staying
        assert case.says in " ".join(staying.reasons), staying.reasons
        assert (staying.number, staying.version_id) == (matter.row.number, old)
        assert matter.row.version_id == old and matter.kinds == kinds
    is_consistent(matter.id, desk.clock)


def test_of_a_matter_whose_content_was_erased_nothing_can_be_said(desk: Desk) -> None:
    now = desk.clock.now()
    told = [
        Told(1, "started", now, now.date(), 1, None, {"passed": ["start"], "opened": ["apply"]}),
        Told(2, "completed", now, now.date(), 1, "apply", {"passed": ["apply"], "opened": []}),
    ]
    past = past_of(told)
    assert past is not None and past.passed == {"start", "apply"} and past.recorded == {"apply"}
    assert past_of([*told, Told(3, "erased", now, None, None, None, {})]) is None


# --- rules


def test_a_moved_matter_is_measured_by_the_rules_of_its_new_version(desk: Desk) -> None:
    first = version(files={"rules.toml": RULES})
    matter = begun(desk, first, amount=1)
    old, day = matter.row.version_id, desk.clock.today()
    assert matter.tasks[0].due_on == day + timedelta(days=10)
    stricter = RULES.replace("days = 10", "days = 4") + AMOUNT
    new = deploy(desk, version(version="2", files={"rules.toml": stricter}))
    assert findings(matter) == {}
    assert len(move(desk, new).moving) == 1
    assert matter.tasks[0].due_on == day + timedelta(days=4)
    assert findings(matter) == {"M-2": "not_met"}
    is_consistent(matter.id, desk.clock)
    assert len(move(desk, old).moving) == 1
    assert matter.tasks[0].due_on == day + timedelta(days=10)
    assert findings(matter) == {"M-2": "not_applicable"}, "its old version has no such rule"
    desk.clock.set(day + timedelta(days=5))
    assert len(move(desk, new).moving) == 1
    matter.complete("approve")
    assert findings(matter) == {"M-1": "not_met", "M-2": "not_met"}


def findings(matter: Matter) -> dict[str, str]:
    rows = db.session().execute(
        select(Finding.rule, Finding.outcome).where(
            Finding.instance_id == matter.id, Finding.outcome != "pending"
        )
    )
    return {row.rule: row.outcome for row in rows}


# --- who may


def test_who_may_not_and_what_is_not_there(desk: Desk) -> None:
    matter = begun(desk, version())
    old = matter.row.version_id
    new = deploy(desk, version(version="2"))
    other = deploy(desk, procedure("another", [UserTask("apply")]))
    admin = administrator(desk)
    for name in ("secretary", "superior", "member"):
        with pytest.raises(NotAllowed):
            preview_move(db.session(), desk.clock, desk.actor(name), new)
        with pytest.raises(NotAllowed):
            move_matters(desk.clock, desk.actor(name), new, reason=WHY)
    with pytest.raises(InvalidInput):
        move_matters(desk.clock, admin, new, reason="  ")
    for target, source in ((999_999_999, None), (new, 999_999_999), (new, other), (new, new)):
        with pytest.raises(NotFound):
            move_matters(desk.clock, admin, target, reason=WHY, source=source)
    assert matter.row.version_id == old
    assert sizes(move(desk, other)) == (0, 0, 0), "of its own procedure only"


# --- at the same moment


def test_two_who_move_at_once_move_each_matter_once(live: Live) -> None:
    matters = [begun(live.desk, version()) for _ in range(4)]
    new = deploy(live.desk, version(version="2"))
    source = matters[0].row.version_id
    db.session.remove()
    results = at_once(live, *[lambda: move(live.desk, new, source=source)] * 2)
    assert sum(len(result.moving) for result in results) == 4, results
    for matter in matters:
        assert matter.kinds == ["started", "completed", "migrated"]
        is_consistent(matter.id, live.clock)


@pytest.mark.parametrize("attempt", range(4))
def test_a_step_completed_at_the_same_moment_is_not_lost(live: Live, attempt: int) -> None:
    matter = begun(live.desk, version())
    new = deploy(live.desk, version([*PLAIN[:-1], UserTask("publish"), END], version="2"))
    task, actor = matter.task("approve"), live.desk.actor("secretary")
    source = matter.row.version_id
    if attempt % 2:
        matter.claim("approve")  # what a claim has seen of the task is out of date then
    db.session.remove()
    done, moved = at_once(
        live,
        lambda: operations.complete_task(task, {"note": "同意"}, actor=actor, clock=live.clock),
        lambda: move(live.desk, new, source=source),
    )
    assert isinstance(done, Done), done
    if moved.moving:
        assert matter.row.version_id == new and matter.open == ["publish"]
    else:
        assert matter.row.status == "completed"
    assert matter.kinds.count("completed") == 2
    is_consistent(matter.id, live.clock)


def test_what_was_seen_before_the_move_is_looked_at_again(live: Live) -> None:
    matter = begun(live.desk, version())
    matter.claim("approve")
    shown = matter.tasks[0].revision
    new = deploy(live.desk, version([*PLAIN[:-1], UserTask("publish"), END], version="2"))
    assert len(move(live.desk, new, source=matter.row.version_id).moving) == 1
    matter.complete("approve", revision=shown)
    assert matter.open == ["publish"]
    is_consistent(matter.id, live.clock)
    db.session.remove()
    assert not live.faults()


_KILLED = """
import os, signal, sys
from datetime import datetime
from engine.application import create_core_app
from engine.clock import ZONE, FixedClock
from engine.runtime import carrying_over, migrating
from engine.settings import Settings

app = create_core_app(Settings.from_environment())
carried, seen = carrying_over.refresh_limits, []

def second(*given, **named):
    carried(*given, **named)
    seen.append(1)
    if len(seen) == 2:
        os.kill(os.getpid(), signal.SIGKILL)  # all of it is written, nothing is committed

carrying_over.refresh_limits = second
with app.app_context():
    clock = FixedClock(datetime(2027, 1, 25, 12, tzinfo=ZONE))
    migrating.move_running(clock, int(sys.argv[1]), reason="x", source=int(sys.argv[2]))
"""


def test_killed_in_the_middle_each_matter_is_wholly_old_or_wholly_new(live: Live) -> None:
    matters = [begun(live.desk, version()) for _ in range(3)]
    source = matters[0].row.version_id
    new = deploy(live.desk, version(version="2", files={"rules.toml": RULES}))
    db.session.remove()
    died = subprocess.run(
        [sys.executable, "-c", _KILLED, str(new), str(source)],
        env={**live.environment(), "SECRET_KEY": "test-secret-key"},
        check=False,
        cwd=Path.cwd(),
    )
    assert died.returncode == -signal.SIGKILL
    assert [matter.row.version_id for matter in matters] == [new, source, source]
    assert [matter.kinds[2:] for matter in matters] == [["migrated"], [], []]
    assert len(move(live.desk, new, source=source).moving) == 2
    for matter in matters:
        assert matter.kinds[2:] == ["migrated"]
        is_consistent(matter.id, live.clock)
