"""The procedures that are measured, generated: ten tasks, a loop, twenty-five steps, a timer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from engine.definitions.package import Package, load_package
from tests.bpmn_builder import (
    Body,
    Boundary,
    Catch,
    End,
    Loop,
    Task,
    Xor,
    date_timer,
    definitions,
    duration,
)

TEN, LOOP, LONG, TIMER = "ten_tasks", "one_loop", "long_way", "one_timer"
TEN_TASKS = [f"task_{number:02}" for number in range(1, 11)]
LONG_STEPS = [f"step_{number:02}" for number in range(1, 26)]

_FORM: list[dict[str, Any]] = [
    {
        "type": "radio",
        "key": "decision",
        "label": "意见",
        "values": [{"value": "agree", "label": "同意"}, {"value": "refuse", "label": "不同意"}],
        "validate": {"required": True},
    },
    {"type": "textfield", "key": "place", "label": "地点", "validate": {"maxLength": 60}},
    {"type": "textfield", "key": "chair", "label": "主持人", "validate": {"required": True}},
    {"type": "textfield", "key": "recorder", "label": "记录人"},
    {"type": "datetime", "subtype": "date", "key": "held_on", "dateLabel": "日期"},
    {
        "type": "number",
        "key": "people_present",
        "label": "到会人数",
        "validate": {"min": 0, "max": 999},
    },
    {
        "type": "select",
        "key": "kind",
        "label": "会议类型",
        "values": [
            {"value": "members", "label": "党员大会"},
            {"value": "committee", "label": "支委会"},
        ],
    },
    {"type": "checkbox", "key": "announced", "label": "已公布"},
    {"type": "textarea", "key": "summary", "label": "主要内容", "validate": {"required": True}},
    {"type": "textarea", "key": "opinion", "label": "意见说明", "validate": {"maxLength": 2000}},
]

DATA: Mapping[str, Any] = {
    "decision": "agree",
    "place": "综合楼三层会议室",
    "chair": "支部书记",
    "recorder": "组织委员",
    "held_on": "2026-11-20",
    "people_present": 23,
    "kind": "members",
    "announced": True,
    "summary": "会议听取了培养联系人的汇报，审阅了全部材料，"
    "逐项核对了时间和程序，与会人员充分发表了意见，没有不同看法。",
    "opinion": "经讨论，认为材料齐全、手续完备、符合规定的条件，"
    "同意提交下一个环节办理，并由组织委员负责跟进，下月支委会报告。",
}
"""What every step is completed with: ten fields, about 600 bytes of UTF-8 JSON."""

LOOP_DATA: Mapping[str, Any] = {**DATA, "decision": "refuse"}
"""Sends the loop round once more."""


def ten_tasks() -> Package:
    """Ten tasks, choices on form data after the third and the seventh, a timer on the fifth."""
    body: list[Any] = []
    for number, element in enumerate(TEN_TASKS, start=1):
        late = [Boundary("late", duration("P30D"))] if number == 5 else []
        body.append(Task(element, late))
        if number in (3, 7):
            body.append(Xor([('decision == "agree"', []), (None, [End(f"refused_{number}")])]))
    return _package(TEN, "十项任务", "SX", TEN_TASKS, body)


def one_loop() -> Package:
    """One task, again and again until it is agreed."""
    body = [Loop([Task("task_01")], 'decision == "refuse"')]
    return _package(LOOP, "循环", "XH", ["task_01"], body)


def long_way() -> Package:
    """Twenty-five steps, a choice after each fifth; every step's day is remembered."""
    body: list[Any] = []
    due = {}
    for number, element in enumerate(LONG_STEPS, start=1):
        body.append(Task(element))
        if number % 5 == 0 and number < 25:
            body.append(Xor([('decision == "agree"', []), (None, [End(f"refused_{number}")])]))
        if number > 1:
            due[element] = f"add_days(on['{LONG_STEPS[number - 2]}'], 30)"
    return _package(LONG, "二十五步", "CC", LONG_STEPS, body, due=due)


def one_timer() -> Package:
    """A wait until the day after the start, then a task."""
    body = [Catch("wait", date_timer("add_days(started_on, 1)")), Task("task_01")]
    return _package(TIMER, "定时", "DS", ["task_01"], body)


def _package(
    key: str,
    title: str,
    prefix: str,
    elements: Iterable[str],
    body: Body,
    *,
    due: Mapping[str, str] | None = None,
) -> Package:
    steps = "".join(
        f'[[step]]\nelement = "{element}"\nnumber = "{number:02}"\ntitle = "第 {number} 项"\n'
        f'action = "提交"\nform = "record"\n'
        + (f'due = "{due[element]}"\n' if due and element in due else "")
        for number, element in enumerate(elements, start=1)
    )
    manifest = (
        f'key = "{key}"\ntitle = "{title}"\nprefix = "{prefix}"\nversion = "1"\n'
        f'bpmn = "{key}.bpmn"\nsubject = "organisation"\n[start]\nlanes = ["branch"]\n'
        '[lanes.branch]\ntitle = "党支部"\nwho = "posts"\nposts = ["secretary"]\n' + steps
    )
    form = {"schemaVersion": 16, "type": "default", "id": "record", "components": _FORM}
    lane = "".join(f"<flowNodeRef>{element}</flowNodeRef>" for element in elements)
    lanes = f'<laneSet id="lanes"><lane id="branch">{lane}</lane></laneSet>'
    begin = b'isExecutable="true">'
    diagram = definitions({key: body}).replace(begin, begin + lanes.encode(), 1)
    return load_package(
        {
            "process.toml": manifest.encode(),
            f"{key}.bpmn": diagram,
            "forms/record.form": json.dumps(form, ensure_ascii=False).encode(),
        }
    )
