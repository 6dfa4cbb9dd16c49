"""A procedure with a task for each of a list of people, and what is done to the list."""

from __future__ import annotations

import json
from typing import Any

from engine.definitions.package import Package, load_package
from engine.runtime import operations
from tests.bpmn_builder import instances
from tests.factories import Matter, Sub, UserTask, procedure

EACH = """
[lanes.each]
title = "每名党员"
who = "item"
also = ["branch"]
[participants.members]
title = "参加人员"
from = "gather.members"
"""


def gathering(key: str = "gathering", *, alone: bool = False, staged: bool = False) -> Package:
    """Return ``gather``, then ``say`` for each member, then ``conclude``.

    ``alone``: nobody else may act for a member; ``staged``: each goes through two steps.
    """
    loop = instances("members", item="member")
    say: Any = UserTask("say", loop=loop)
    lanes = {"say": "each"}
    if staged:
        say = Sub("each_member", [UserTask("say"), UserTask("sign")], loop=loop)
        lanes |= {"sign": "each"}
    back = ["gather", "say", *(["sign"] if staged else [])]
    package = procedure(
        key,
        [UserTask("gather"), say, UserTask("conclude")],
        lanes=lanes,
        steps={"conclude": f"send_back = {json.dumps(back)}"},
        more=EACH.replace('also = ["branch"]\n', "") if alone else EACH,
    )
    people = {
        "type": "textfield",
        "key": "members",
        "label": "参加人员",
        "properties": {
            "domain": "people",
            "status": "full,probationary",
            "prefill": "branch_members",
        },
    }
    form = {"schemaVersion": 16, "type": "default", "id": "gather", "components": [people]}
    manifest = package.files["process.toml"].decode()
    own = manifest.replace('form = "entry"', 'form = "gather"', 1)
    return load_package(
        {
            **package.files,
            "process.toml": own.encode(),
            "forms/gather.form": json.dumps(form, ensure_ascii=False).encode(),
        }
    )


def gathered(matter: Matter, *names: str) -> Matter:
    """Name those who have a task each; return the matter."""
    ids = [matter.desk.town.people[name] for name in names]
    matter.complete("gather", {"members": ids})
    return matter


def add(matter: Matter, name: str, element: str = "say", **more: Any) -> Any:
    """Add somebody who came late; ``by`` the secretary unless said."""
    more.setdefault("by", "secretary")
    by, reason = more.pop("by"), more.pop("reason", "新转入")
    return operations.add_participant(
        matter.id,
        element,
        matter.desk.town.people[name],
        reason,
        actor=matter.desk.actor(by),
        clock=matter.desk.clock,
        **more,
    )


def remove(matter: Matter, name: str, element: str = "say", **more: Any) -> Any:
    """Take somebody who left off the list."""
    by, reason = more.pop("by", "secretary"), more.pop("reason", "已转出")
    return operations.remove_participant(
        matter.id,
        element,
        matter.desk.town.people[name],
        reason,
        actor=matter.desk.actor(by),
        clock=matter.desk.clock,
        **more,
    )


def remind(matter: Matter, element: str = "say", by: str = "secretary", **more: Any) -> Any:
    """Remind all who are missing."""
    return operations.remind_people(
        matter.id, element, actor=matter.desk.actor(by), clock=matter.desk.clock, **more
    )


def whose(matter: Matter) -> set[str]:
    """Return the names of those who have an open task of their own."""
    names = {f"p{person}": name for name, person in matter.desk.town.people.items()}
    return {names[task.item] for task in matter.tasks if task.item in names}


def say(matter: Matter, name: str, by: str | None = None) -> Any:
    """Complete the task of a person, done by themselves unless said."""
    item = f"p{matter.desk.town.people[name]}"
    task = next(task for task in matter.tasks if task.item == item)
    actor = matter.desk.actor(by or name)
    return operations.complete_task(task.id, {}, actor=actor, clock=matter.desk.clock)
