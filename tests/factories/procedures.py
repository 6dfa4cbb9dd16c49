"""Small procedures: every step has the same small form unless the test gives another one.

They are written with :mod:`tests.bpmn_builder`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.definitions.package import Package, load_package
from tests.bpmn_builder import (
    Block,
    Body,
    Boundary,
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
