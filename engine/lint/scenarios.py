"""Read the scenarios of a package and play them: given, do, then.

A scenario proves that a procedure does what it should on paper, without a database. The format is
described in ``processes/README.md``. What does not hold is a problem with the line of its
``[[do]]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from engine.clock import FixedClock, start_of_day
from engine.compliance.rules import RuleBook
from engine.definitions.package import Subject
from engine.definitions.reading import Lines, Report, Table, did_you_mean
from engine.definitions.versions import Definition
from engine.errors import GuichengError, InvalidInput, Problem
from engine.lint.cast import Cast, CastPerson, deep_merge, read_cast
from engine.lint.play import Player
from engine.lint.stories import Do, Scenario, read_cast_values, read_scenarios

MOST_STORIES = 8
"""How many scenarios may continue one another."""


class Unmet(Exception):
    """Something that a scenario expects does not hold."""


def run_scenarios(definition: Definition, book: RuleBook | None = None) -> list[Problem]:
    """Play all scenarios of a package, measured by its rules, and return what does not hold."""
    package = definition.package
    cast, problems = read_cast_values(package)
    scenarios, wrong = read_scenarios(package)
    problems += wrong
    if problems:
        return problems
    for scenario in scenarios.values():
        problems += play(definition, scenario, scenarios, cast, partial(Player, book=book))
    return problems


def play(
    definition: Definition,
    scenario: Scenario,
    scenarios: Mapping[str, Scenario],
    cast: Mapping[str, Any],
    make_player: Callable[..., Any] = Player,
) -> list[Problem]:
    """Play one scenario; return the first thing that does not hold, if any.

    ``make_player`` may bring another player with the same face, one on a database say.
    """
    stories = [scenario]
    while (before := stories[0].after) is not None:
        if before not in scenarios or len(stories) > MOST_STORIES:
            cure = did_you_mean(before, list(scenarios))
            return [
                _problem(scenario, None, f"[given] after：没有情形“{before}”，或首尾相接", cure)
            ]
        stories.insert(0, scenarios[before])
    player, problems = _prepare(definition, stories, cast, make_player)
    if player is None:
        return problems
    for story, following in zip(stories, [*stories[1:], None], strict=True):
        until = following.until if following else None
        reached = until is None
        for do in story.actions:
            if following and do.action == "complete" and do.target == until:
                reached = True
                break
            if following and do.action in {None, "refused"}:
                continue
            try:
                _act(player, do)
                if not following:
                    _expect(player, do.expected)
            except (Unmet, GuichengError) as fault:
                message = f"第 {do.number} 个 [[do]]（{_name_of(do)}）：{_explain(fault)}"
                if following:  # the story that is continued says the rest itself
                    message = f"所接续的情形“{story.name}”没有办成：第 {do.number} 个 [[do]]"
                line = None if following else do.line
                return [_problem(scenario, line, message, "请改正流程或情形")]
        if not reached:
            message = f"情形“{story.name}”没有办理“{until}”"
            return [_problem(scenario, None, message, "请改正 [given] until")]
    try:
        _expect(player, scenario.then)
    except Unmet as fault:
        return [_problem(scenario, scenario.then_line, f"[then]：{fault}", "请改正流程或情形")]
    return []


# --- playing ------------------------------------------------------------------------------------


def _prepare(
    definition: Definition,
    stories: Sequence[Scenario],
    cast: Mapping[str, Any],
    make_player: Callable[..., Any],
) -> tuple[Any, list[Problem]]:
    scenario = stories[-1]
    values = dict(cast)
    for story in stories:
        values = deep_merge(values, story.given)
    report = Report(scenario.file)
    table = Table(values, report, Lines(""))
    people = read_cast(table)
    if report.problems:
        return None, report.problems

    def latest(pick: Callable[[Scenario], Any]) -> Any:
        return next((v for v in map(pick, reversed(stories)) if v is not None), None)

    clock = latest(lambda story: story.clock)
    subject = latest(lambda story: story.subject) or "applicant"
    organisation = latest(lambda story: story.organisation) or "branch"
    if clock is None:
        return None, [_problem(scenario, None, "[given] 没有 clock", "请写 clock = 2026-06-10")]
    if organisation not in people.organisations:
        cure = did_you_mean(organisation, list(people.organisations))
        return None, [_problem(scenario, None, f"没有组织“{organisation}”", cure)]
    personal = definition.package.subject is Subject.PERSON
    if personal and subject not in people.people:
        cure = did_you_mean(subject, list(people.people))
        return None, [_problem(scenario, None, f"没有当事人“{subject}”", cure)]
    watch = FixedClock(start_of_day(clock))
    watch.set(clock)
    player = make_player(
        definition=definition,
        cast=people,
        clock=watch,
        organisation_id=people.organisations[organisation].id,
        subject_id=people.people[subject].id if personal else None,
        defaults=values.get("data", {}),
    )
    return player, []


def _act(player: Player, do: Do) -> None:
    if do.action == "clock" and do.clock is not None:
        player.set_clock(do.clock)
    elif do.action == "refused":
        _attempt(player, do)
    elif do.action is not None:
        if do.action in {"complete", "send_back"} and player.matter is not None:
            elements = sorted(task.element for task in player.open.values())
            if do.target not in elements:
                raise Unmet(f"“{do.target}”现在不能办理；可办理的有：{'、'.join(elements) or '无'}")
        _do_it(player, do, do.action)


def _attempt(player: Player, do: Do) -> None:
    """Try what has to be refused, and compare why."""
    action = "complete"
    if do.to:
        action = "send_back"
    elif do.target in player.definition.package.messages:
        action = "message"
    try:
        _do_it(player, do, action)
    except GuichengError as refusal:
        reasons = [refusal.code]
        if isinstance(refusal, InvalidInput):
            reasons += refusal.fields
        if not any(do.because == r or str(do.because) in r for r in [*reasons, str(refusal)]):
            raise Unmet(f"应因“{do.because}”被拒绝，实际：{_explain(refusal)}") from None
    else:
        raise Unmet(f"应当被拒绝（{do.because}），却办成了")


def _do_it(player: Player, do: Do, action: str) -> None:
    by = _person(player.cast, do.by)
    on = do.on or player.clock.today()
    if action == "complete":
        player.complete(do.target, do.data, on, by, do.item, do.without)
    elif action == "send_back":
        player.send_back(do.target, do.to or "", by)
    elif action in {"join", "leave"}:
        someone = _person(player.cast, (do.item or "").removeprefix("@"))
        assert someone is not None
        player.come(do.target, someone, on, by, left=action == "leave")
    else:
        player.message(do.target, do.data, on, by, do.without)


def _person(cast: Cast, key: str | None) -> CastPerson | None:
    if key is None:
        return None
    if key not in cast.people:
        raise Unmet(f"没有人员“{key}”。{did_you_mean(key, list(cast.people))}")
    return cast.people[key]


def _expect(player: Player, expected: Mapping[str, Any]) -> None:
    for what, wanted in expected.items():
        found = _found(player, what, wanted)
        if found != wanted:
            raise Unmet(f"{what} 应为 {_show(wanted)}，实际为 {_show(found)}")


def _found(player: Player, what: str, wanted: Any) -> Any:
    match what:
        case "opened":
            elements = sorted(task.element for task in player.open.values())
            return wanted if elements == sorted(wanted) else elements
        case "due":
            days = {task.element: task.due_on for task in player.open.values()}
            return {element: days.get(element) for element in wanted}
        case "earliest":
            days = {task.element: task.earliest_on for task in player.open.values()}
            return {element: days.get(element) for element in wanted}
        case "findings":
            return wanted if sorted(wanted) == player.findings else player.findings
        case "membership" if isinstance(wanted, str):
            if player.subject_id is None:
                return None
            return str(player.status_on(player.subject_id, player.clock.today()))
        case "membership":
            return player.timeline()
        case "steps":
            return player.steps
        case _:
            return getattr(player, what)


def _show(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "、".join(f"{key} {_show(inner)}" for key, inner in value.items()) or "无"
    if isinstance(value, (list, tuple)):
        parts = [
            " ".join(_show(v) for v in part) if isinstance(part, tuple) else _show(part)
            for part in value
        ]
        return "、".join(parts) or "无"
    return "无" if value is None else str(value)


def _name_of(do: Do) -> str:
    if do.action == "clock":
        return f"clock {do.clock}"
    return f"{do.action} {do.target}" if do.action else "、".join(do.expected)


def _explain(fault: Exception) -> str:
    if isinstance(fault, GuichengError):
        return f"被拒绝（{fault.code}）：{fault}"
    return str(fault)


def _problem(scenario: Scenario, line: int | None, message: str, cure: str) -> Problem:
    return Problem(scenario.file, scenario.title, line, "scenario-failed", message, cure)


__all__ = ["Do", "Scenario", "play", "read_cast_values", "read_scenarios", "run_scenarios"]
