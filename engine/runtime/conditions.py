"""On which conditions a step may be done, and what the expressions of a procedure are told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from engine.definitions.versions import Definition
from engine.errors import N_, ExpressionFault, InvalidInput, Sentence
from engine.expressions import Expression
from engine.runtime.matters import Matter, World
from engine.runtime.values import OpenTask


def check_start(definition: Definition, status: str) -> None:
    """Refuse a person as the subject whose membership status does not suit the procedure.

    Raises InvalidInput on the field ``subject``.
    """
    allowed = definition.package.start.subject_status
    if allowed and status not in allowed:
        raise InvalidInput({"subject": [N_("该人员目前的身份不适用于本流程。")]})


def check_day(matter: Matter, task: OpenTask, occurred_on: date, world: World) -> None:
    """Refuse a day on which the step cannot have happened, or may not lawfully happen.

    Raises InvalidInput on the field ``occurred_on``: in the future, before the steps it follows,
    or before the earliest lawful day.
    """
    not_in_future(occurred_on, world)
    not_earlier(occurred_on, max(filter(None, (task.not_before, matter.started_on))))
    earliest = day_of(matter, matter.definition.earliest.get(task.element), task.variables, world)
    if earliest is not None and occurred_on < earliest:
        text = N_("尚未到可以办理的日期，最早为 %(day)s。")
        raise InvalidInput({"occurred_on": [Sentence(text, day=earliest.isoformat())]})


def not_in_future(occurred_on: date, world: World) -> None:
    """Refuse a day that has not come yet. Raises InvalidInput."""
    if occurred_on > world.clock.today():
        raise InvalidInput({"occurred_on": [N_("发生日期不能晚于今天。")]})


def not_earlier(occurred_on: date, not_before: date) -> None:
    """Refuse a day before that of the steps that it follows. Raises InvalidInput."""
    if occurred_on < not_before:
        text = N_("发生日期不能早于前一环节的日期 %(day)s。")
        raise InvalidInput({"occurred_on": [Sentence(text, day=not_before.isoformat())]})


def facts(matter: Matter, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that expressions see: a branch's data, the roles, and what is given."""
    roles = {role: list(people) for role, people in matter.participants.items()}
    return {"on": {}, **variables, **roles, **given(matter)}


def given(matter: Matter) -> dict[str, Any]:
    """Return what expressions know of a matter from its first moment."""
    return {
        **matter.definition.package.constants,
        "subject": matter.subject_id,
        "organisation": matter.organisation_id,
        "started_on": matter.started_on.isoformat(),
    }


def day_of(
    matter: Matter, expression: Expression | None, variables: Mapping[str, Any], world: World
) -> date | None:
    """Return the day that an expression gives; None when there is no expression or no limit."""
    if expression is None:
        return None
    value = expression.evaluate(facts(matter, variables), world.functions)
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ExpressionFault(
            N_("表达式应得出日期，得到的是“%(value)s”。表达式：%(source)s"),
            value=str(value)[:80],
            source=expression.source,
        ) from None
