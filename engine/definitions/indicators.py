"""The ``[[indicator]]`` tables of process.toml: figures counted from the records of procedures.

An indicator says what is counted in a year, of which procedures, and what it is worth. A form
freezes the figures in a list of domain ``indicators``; see :mod:`engine.runtime.indicators`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.definitions.duties import Amount, CountedStep, DutyPeriod, when_of
from engine.definitions.parts import Basis
from engine.definitions.reading import Table
from engine.expressions import Expression


class Counting(StrEnum):
    """What is counted."""

    TIMES = "times"
    """How often the steps were done in the year."""
    PERIODS = "periods"
    """In how many periods of the year they were done often enough."""
    ITEMS_OPEN = "items_open"
    """Rectification items that are not closed on the day of the freeze."""
    ITEMS_LATE = "items_late"
    """Rectification items that missed a last day in the year."""
    ITEMS_CLOSED = "items_closed"
    """Rectification items closed in the year."""

    @property
    def of_items(self) -> bool:
        """Whether items of the rectification ledger are counted, not steps."""
        return self.value.startswith("items_")


@dataclass(frozen=True, slots=True)
class Indicator:
    """A figure of a year, and what it is worth."""

    id: str
    """Unique in its package."""
    title: str
    title_en: str
    counting: Counting
    counts: tuple[CountedStep, ...] = ()
    """The steps; of items the element is empty: whatever step of the procedure raised them."""
    when: Expression | None = None
    """On the answers of the step: whether it counts."""
    period: DutyPeriod = DutyPeriod.YEAR
    times: int = 1
    """How often in a period."""
    target: Amount = 0
    """The figure that is worth the whole weight; nothing: whatever it is costs or earns nothing."""
    weight: Amount = 0
    """Points at most."""
    off: Amount = 0
    """Points off the weight for each one counted; then there is no target."""
    unit: str = ""
    below: bool = False
    """Whether the organisations below are counted too, such as the groups of a branch."""
    basis: tuple[Basis, ...] = ()
    description: str = ""

    @property
    def processes(self) -> frozenset[str]:
        """Return the procedures of which something is counted."""
        return frozenset(step.process for step in self.counts)

    @property
    def amounts(self) -> tuple[Amount, ...]:
        """Return what may be a parameter."""
        return (self.target, self.weight, self.off)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return the names of the parameters that it asks for."""
        return tuple(dict.fromkeys(one for one in self.amounts if isinstance(one, str)))


def read_indicator(table: Table, process: str) -> Indicator:
    """Read one table; whether steps, parameters and articles exist is for lint to judge."""
    table.element = table.optional("id")
    counting = table.code("counting", Counting) or Counting.TIMES
    found = Indicator(
        id=table.text("id"),
        title=table.text("title"),
        title_en=table.text("title_en", ""),
        counting=counting,
        counts=tuple(
            _counted(text, process, counting) for text in table.texts("counts", required=True)
        ),
        when=when_of(table),
        period=table.code("period", DutyPeriod, DutyPeriod.YEAR) or DutyPeriod.YEAR,
        times=_whole(table, "times", 1),
        target=_amount(table, "target"),
        weight=_amount(table, "weight"),
        off=_amount(table, "off"),
        unit=table.text("unit", ""),
        below=table.flag("below"),
        basis=tuple(basis.part(Basis) for basis in table.tables("basis")),
        description=table.text("description", ""),
    )
    if bool(found.target) == bool(found.off):
        table.error(
            "indicator-score",
            "target 和 off 要写其中一个",
            "target：达到多少得满分；off：每计一个扣几分",
        )
    if counting.of_items and found.when is not None:
        table.error("indicator-when", "整改事项没有 when", "请删去 when", key="when")
    table.done()
    return found


def _counted(text: str, process: str, counting: Counting) -> CountedStep:
    if counting.of_items:
        return CountedStep(text, "")
    first, _, element = text.rpartition(".")
    return CountedStep(first or process, element)


def _amount(table: Table, key: str) -> Amount:
    value = table.raw(key)
    if value is None:
        return 0
    if isinstance(value, str) and value.startswith("@") and len(value) > 1:
        return value[1:]
    return _checked(table, key, value, 0)


def _whole(table: Table, key: str, default: int) -> int:
    value = table.raw(key)
    return default if value is None else _checked(table, key, value, default)


def _checked(table: Table, key: str, value: object, default: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1000:
        return value
    table.error("wrong-type", f"“{key}”应当是 1 至 1000 的整数", f"例如 {key} = 4", key=key)
    return default
