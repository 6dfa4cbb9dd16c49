"""What fits another version and moves, what stays, and what the preview says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.compliance.from_ledger import Told
from engine.database import db
from engine.definitions.package import Package
from engine.runtime.fitting_records import past_of
from engine.runtime.migrating import Outlook, look_ahead
from tests.bpmn_builder import (
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
from tests.factories import CONTACTS, Desk, UserTask, is_consistent
from tests.factories.procedures import ENTRY
from tests.migrating import END, PLAIN, RULES, begun, deploy, move, sizes, version


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


def look(desk: Desk, version_id: int) -> Outlook:
    found = look_ahead(db.session(), desk.clock, version_id)
    db.session().rollback()
    return found


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
