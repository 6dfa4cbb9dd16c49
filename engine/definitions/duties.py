"""The ``[[duty]]`` tables of process.toml: what an organisation owes in every period.

A duty says who owes it, how often, and what counts as done: a step, of this procedure or another,
that happened in the period. What is to be decided locally is a parameter, written ``"@name"``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from engine.definitions.parts import Basis
from engine.definitions.reading import Table
from engine.errors import GuichengError
from engine.expressions import Expression, compile_expression

Amount = int | str
"""A whole number, or the name of the parameter that gives one."""
GENERAL = ("duty_drafts", "duty_part_period", "duty_make_up_months", "duty_since")
"""Parameters that count for every duty, besides those that it names."""
_RULE = re.compile(r"R-[A-Z]+-[0-9]+[a-z]?")


class DutyPeriod(StrEnum):
    """How often something is owed."""

    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"

    @property
    def months(self) -> int:
        """Return how many months a period has."""
        return {"month": 1, "quarter": 3, "half_year": 6, "year": 12}[self.value]


@dataclass(frozen=True, slots=True)
class CountedStep:
    """A step that counts: its procedure and its element."""

    process: str
    element: str


@dataclass(frozen=True, slots=True)
class Tally:
    """A figure of the steps that count, added up for each member who was there.

    The duty is done when every member of the organisation has gathered enough by the last day.
    """

    figure: str
    """The number field: what everybody present is credited with."""
    people: str
    """The attendance field: who was present."""
    least: Amount
    leading: Amount
    """What those owe who sat on the committee for the whole period."""
    part_period: str
    """The parameter that says what is owed by who came or left within the period."""
    made_up: tuple[CountedStep, ...] = ()
    """Steps in which people make up for what they missed: credited like those present."""
    made_up_by: tuple[str, str] = ("", "")
    """In those steps: the list, and the field of its rows that holds the person."""


@dataclass(frozen=True, slots=True)
class DoneBy:
    """Who has to have done it: it counts for organisations above whose post the person held."""

    person: str
    """The field of the step that holds the person."""
    posts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Duty:
    """What organisations of some kinds owe in every period."""

    id: str
    """Unique in its package."""
    process: str
    """The procedure that declares it, and of which a draft is started."""
    rule: str
    title: str
    title_en: str
    period: DutyPeriod
    kinds: tuple[str, ...]
    """Kinds of organisation that owe it."""
    counts: tuple[CountedStep, ...]
    """Steps that count, each dated by the day on which it happened."""
    committee: bool | None = None
    """Only organisations that have a committee, only those without, or (None) all."""
    times: Amount = 1
    carry_over_months: Amount = 0
    """Months after the end of the period in which it still is in time."""
    draft_days: Amount = "duty_draft_days"
    """Days before the end of the period on which a draft of the matter is started."""
    remind_days: Amount = "duty_remind_days"
    """Days before the last day on which people are reminded."""
    starts_in: int = 1
    """Month in which the year of a yearly, half-yearly or quarterly duty begins."""
    when: Expression | None = None
    """On the answers of the step: whether it counts."""
    also_counts: tuple[CountedStep, ...] = ()
    """Steps that are required for themselves, and count here only where a parameter says so."""
    also_if: str = ""
    drafts: bool = True
    """Whether drafts may be started for it at all."""
    severity: str = "warning"
    basis: tuple[Basis, ...] = ()
    description: str = ""
    tally: Tally | None = None
    """What each member owes, in place of a number of times."""
    done_by: DoneBy | None = None
    """Counts only for the organisation whose post the person named in the step held that day."""

    @property
    def key(self) -> str:
        """Return the name under which the duty is kept: unique in the installation."""
        return f"{self.process}.{self.id}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return the names of the parameters that it asks for."""
        amounts: tuple[Amount, ...] = (
            self.times,
            self.carry_over_months,
            self.draft_days,
            self.remind_days,
        )
        if self.tally is not None:
            amounts += (self.tally.least, self.tally.leading)
        named = [amount for amount in amounts if isinstance(amount, str)]
        choices = [self.also_if, self.tally.part_period if self.tally else ""]
        return tuple(dict.fromkeys([*named, *(name for name in choices if name)]))


def read_duty(table: Table, process: str) -> Duty:
    """Read one table; whether steps, parameters and articles exist is for lint to judge."""
    table.element = table.optional("id")
    rule = table.text("rule")
    if rule and not _RULE.fullmatch(rule):
        table.error("wrong-type", f"“{rule}”不是规则编号", "例如 R-TM-01", key="rule")
    also_if = _name(table, "also_if")
    duty = Duty(
        id=table.text("id"),
        process=process,
        rule=rule,
        title=table.text("title"),
        title_en=table.text("title_en", ""),
        period=table.code("period", DutyPeriod) or DutyPeriod.YEAR,
        kinds=table.texts("kinds", required=True),
        counts=_steps(table, "counts", process, required=True),
        committee=table.flag("committee") if "committee" in table else None,
        times=_amount(table, "times", 1, least=1),
        carry_over_months=_amount(table, "carry_over_months", 0),
        draft_days=_amount(table, "draft_days", "duty_draft_days"),
        remind_days=_amount(table, "remind_days", "duty_remind_days"),
        starts_in=_month(table),
        when=when_of(table),
        also_counts=_steps(table, "also_counts", process),
        also_if=also_if,
        drafts=table.flag("drafts", True),
        severity=_severity(table),
        basis=tuple(basis.part(Basis) for basis in table.tables("basis")),
        description=table.text("description", ""),
        tally=_tally(table.table("tally"), process),
        done_by=_done_by(table.table("done_by")),
    )
    if bool(duty.also_counts) != bool(also_if):
        table.error(
            "duty-also",
            "also_counts 与 also_if 须同时写明",
            '例如 also_if = "@lesson_within_theme_day"：由参数决定是否可以同时计入',
        )
    table.done()
    return duty


def _tally(table: Table | None, process: str) -> Tally | None:
    if table is None:
        return None
    by = table.text("made_up_by", "")
    rows, _, person = by.partition(".")
    found = Tally(
        figure=table.text("figure"),
        people=table.text("people"),
        least=_amount(table, "least", 0),
        leading=_amount(table, "leading", 0),
        part_period=_name(table, "part_period"),
        made_up=_steps(table, "made_up", process),
        made_up_by=(rows, person),
    )
    if not found.part_period:
        table.error(
            "missing-key",
            "缺少“part_period”",
            '例如 part_period = "@study_part_year"：由参数决定年内转入、转出的怎样核对',
        )
    if bool(found.made_up) != bool(rows and person):
        table.error(
            "duty-made-up",
            "made_up 与 made_up_by 须同时写明",
            '例如 made_up = ["make_up"]，made_up_by = "made_up.made_up_by"',
        )
    table.done()
    return found


def _done_by(table: Table | None) -> DoneBy | None:
    if table is None:
        return None
    found = DoneBy(table.text("person"), table.texts("posts", required=True))
    table.done()
    return found


def _name(table: Table, key: str) -> str:
    text = table.text(key, "")
    if text and not text.startswith("@"):
        table.error("wrong-type", f"“{key}”应当是参数", f'请写成 {key} = "@参数名"', key=key)
    return text.removeprefix("@")


def _amount(table: Table, key: str, default: Amount, *, least: int = 0) -> Amount:
    value = table.raw(key)
    if value is None:
        return default
    if isinstance(value, str) and value.startswith("@") and len(value) > 1:
        return value[1:]
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= 1000:
        return value
    table.error(
        "wrong-type",
        f"“{key}”应当是整数或参数",
        f'例如 {key} = {least or 7}，或 "@参数名"',
        key=key,
    )
    return default


def _month(table: Table) -> int:
    value = table.raw("starts_in")
    if value is None:
        return 1
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 12:
        return value
    table.error(
        "wrong-type", "“starts_in”应当是月份 1 至 12", "例如 starts_in = 1", key="starts_in"
    )
    return 1


def _steps(
    table: Table, key: str, process: str, *, required: bool = False
) -> tuple[CountedStep, ...]:
    found = []
    for text in table.texts(key, required=required):
        first, _, element = text.rpartition(".")
        found.append(CountedStep(first or process, element))
    return tuple(found)


def when_of(table: Table) -> Expression | None:
    """Read on which answers of a step it counts; what is no expression is reported."""
    source = table.optional("when")
    if source is None:
        return None
    try:
        return compile_expression(source)
    except GuichengError as fault:
        table.error("expression", str(fault), "请改正表达式", key="when")
        return None


def _severity(table: Table) -> str:
    value = table.text("severity", "warning")
    if value not in ("hard", "warning"):
        table.error("unknown-value", f"没有“{value}”", "可写 hard 或 warning", key="severity")
    return value
