"""Read the scenarios of a package and its cast. The format is described in processes/README.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.definitions.package import Package
from engine.definitions.reading import Report, Table, did_you_mean, parse_toml
from engine.errors import Problem
from engine.lint.cast import read_cast

FOLDER = "scenarios/"
CAST = FOLDER + "cast.toml"
ACTIONS = ("complete", "send_back", "message", "join", "leave", "refused", "clock")
ASSERTIONS = (
    "opened",
    "due",
    "earliest",
    "membership",
    "stage",
    "status",
    "outcome",
    "findings",
)


@dataclass(frozen=True)
class Do:
    """One ``[[do]]``: at most one action, and what has to hold after it."""

    number: int
    line: int | None
    action: str | None
    target: str
    by: str | None
    on: date | None
    data: Mapping[str, Any]
    to: str | None
    item: str | None
    because: str | None
    without: tuple[str, ...]
    clock: date | None
    expected: Mapping[str, Any]


@dataclass(frozen=True)
class Scenario:
    """A scenario file."""

    file: str
    name: str
    title: str
    after: str | None
    until: str | None
    clock: date | None
    subject: str | None
    organisation: str | None
    given: Mapping[str, Any]
    """``people``, ``organisations`` and ``data`` that are laid over the cast."""
    actions: tuple[Do, ...]
    then: Mapping[str, Any]
    then_line: int | None


def read_scenarios(package: Package) -> tuple[dict[str, Scenario], list[Problem]]:
    """Read all scenario files by name (the file's, without folder and ending)."""
    scenarios: dict[str, Scenario] = {}
    problems: list[Problem] = []
    for path, data in package.files.items():
        if path.startswith(FOLDER) and path.endswith(".toml") and path != CAST:
            report = Report(path)
            values, lines = parse_toml(data, report)
            name = path.removeprefix(FOLDER).removesuffix(".toml")
            if not report.problems:
                scenarios[name] = _scenario(name, Table(values, report, lines), values)
            problems += report.problems
    return scenarios, problems


def read_cast_values(package: Package) -> tuple[Mapping[str, Any], list[Problem]]:
    """Return what the file of the cast says, and what is wrong with it."""
    if CAST not in package.files:
        return {}, []
    report = Report(CAST)
    values, lines = parse_toml(package.files[CAST], report)
    if not report.problems:
        table = Table(values, report, lines)
        read_cast(table)
        known = {*package.steps, *package.messages}
        for place in (table.raw("data") or {}) if isinstance(table.raw("data"), dict) else ():
            if place not in known:
                report.error(
                    "scenario-invalid",
                    f"[data.{place}] 不是环节，也不是消息",
                    did_you_mean(place, sorted(known)),
                    line=lines.table(f"data.{place}"),
                )
        table.done()
    return values, report.problems


def _scenario(name: str, table: Table, values: Mapping[str, Any]) -> Scenario:
    given = table.table("given") or Table({}, table.report, table.lines, path="given")
    after, until = given.optional("after"), given.optional("until")
    if (after is None) != (until is None):
        given.error("scenario-invalid", "after 和 until 要同时写", "请补上另一个")
    extra: dict[str, Any] = {
        key: given.raw(key) for key in ("people", "organisations", "data") if key in given
    }
    actions = tuple(_do(number, row) for number, row in enumerate(table.tables("do"), 1))
    if not actions:
        table.error("scenario-invalid", "没有任何 [[do]]", "请写出办理的步骤")
    then = table.table("then")
    expected: dict[str, Any] = {}
    if then is not None:
        expected = _expectations(then)
        if "steps" in then:
            expected["steps"] = list(then.texts("steps"))
        then.done()
    scenario = Scenario(
        file=table.report.file,
        name=name,
        title=table.text("title"),
        after=after,
        until=until,
        clock=given.day("clock"),
        subject=given.optional("subject"),
        organisation=given.optional("organisation"),
        given=extra,
        actions=actions,
        then=expected,
        then_line=then.line if then else None,
    )
    given.done()
    table.done()
    return scenario


def _do(number: int, row: Table) -> Do:
    row.element = f"do {number}"
    actions = [key for key in ACTIONS if key in row]
    if len(actions) > 1:
        row.error("scenario-invalid", f"同时写了 {'、'.join(actions)}", "一个 [[do]] 只做一件事")
    action = actions[0] if actions else None
    clock = row.day("clock") if "clock" in row else None
    target = row.text(action) if action and action != "clock" else ""
    data = row.raw("data") or {}
    if not isinstance(data, Mapping):
        row.error("scenario-invalid", "data 应当是一个表", "请写成 data = { … }", key="data")
        data = {}
    do = Do(
        number=number,
        line=row.line,
        action=action,
        target=target,
        by=row.optional("by"),
        on=row.day("on"),
        data=data,
        to=row.optional("to"),
        item=row.optional("item"),
        because=row.optional("because"),
        without=row.texts("without"),
        clock=clock,
        expected=_expectations(row),
    )
    row.optional("reason")  # said for the reader; the engine wants one from people only
    if action == "send_back" and not do.to:
        row.error("scenario-invalid", "send_back 没有写退回到哪里", '请写 to = "…"')
    if action in {"join", "leave"} and not do.item:
        row.error("scenario-invalid", f"{action} 没有写是谁", '请写 item = "@…"')
    if action == "refused" and not do.because:
        row.error("scenario-invalid", "refused 没有写为什么", '请写 because = "…"')
    if action is None and not do.expected:
        row.error(
            "scenario-invalid",
            "这个 [[do]] 什么也没有做",
            "可写：" + "、".join((*ACTIONS, *ASSERTIONS)),
        )
    row.done()
    return do


def _expectations(row: Table) -> dict[str, Any]:
    expected: dict[str, Any] = {}
    if "opened" in row:
        expected["opened"] = list(row.texts("opened"))
    if "findings" in row:
        expected["findings"] = list(row.texts("findings"))
    for key in ("due", "earliest"):
        if (days := row.table(key)) is not None:
            expected[key] = {element: days.day(element) for element in days.keys}
            days.done()
    if "membership" in row:
        if isinstance(row.raw("membership"), str):
            expected["membership"] = row.text("membership")
        else:
            timeline = []
            for entry in row.tables("membership"):
                timeline.append((entry.text("status"), entry.day("since")))
                entry.done()
            expected["membership"] = timeline
    for key in ("stage", "status", "outcome"):
        if key in row:
            expected[key] = row.text(key)
    return expected
