"""Count an indicator in matters as they are known, and reckon what it is worth. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from engine.compliance.facts import Facts
from engine.compliance.items import SETTLED, Item
from engine.compliance.names import Lenient
from engine.definitions.duties import Amount
from engine.definitions.indicators import Counting, Indicator
from engine.errors import GuichengError


@dataclass(frozen=True, slots=True)
class KnownMatter:
    """A matter as it was known at the freeze."""

    id: int
    facts: Facts
    own: bool = True
    """Of the organisation itself, not of one below."""


@dataclass(frozen=True, slots=True)
class Span:
    """The days of a year that count, and the day at whose end the records were looked at."""

    first: date
    last: date
    as_of: date

    @classmethod
    def of(cls, year: int, as_of: date) -> Span:
        """Return a calendar year, as far as it had gone."""
        return cls(date(year, 1, 1), min(date(year, 12, 31), as_of), as_of)

    def __contains__(self, day: date | None) -> bool:
        return day is not None and self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Source:
    """A record behind a figure: the entry of a matter, and its day."""

    instance_id: int
    seq: int
    day: date

    def as_data(self) -> list[Any]:
        """Return it as JSON."""
        return [self.instance_id, self.seq, self.day.isoformat()]


@dataclass(frozen=True, slots=True)
class Figure:
    """What was counted, and in which records."""

    value: int
    sources: tuple[Source, ...]


def count(indicator: Indicator, matters: Iterable[KnownMatter], span: Span) -> Figure:
    """Count an indicator; the records behind it come by day."""
    looked = [m for m in matters if m.own or indicator.below]
    if indicator.counting.of_items:
        found = sorted(_items(indicator, looked, span), key=_order)
        return Figure(len(found), tuple(found))
    found = sorted(_steps(indicator, looked, span), key=_order)
    if indicator.counting is Counting.TIMES:
        return Figure(len(found), tuple(found))
    periods: dict[int, list[Source]] = {}
    for source in found:
        periods.setdefault((source.day.month - 1) // indicator.period.months, []).append(source)
    enough = [group for group in periods.values() if len(group) >= indicator.times]
    return Figure(len(enough), tuple(source for group in enough for source in group))


def score(indicator: Indicator, value: int, amount: Callable[[Amount], int]) -> int | float:
    """Return the points of a figure, to a tenth: its part of the target, or so much off."""
    weight = amount(indicator.weight)
    off = amount(indicator.off)
    if off:
        return max(0, weight - value * off)
    target = amount(indicator.target)
    return _tenth(weight * Fraction(min(value, target), target)) if target else weight


def rows_of(
    indicators: Mapping[str, Indicator],
    matters: Sequence[KnownMatter],
    span: Span,
    amount: Callable[[Amount], int],
) -> list[dict[str, Any]]:
    """Return the rows of a form that freezes the figures: see :mod:`engine.forms.frozen_lists`."""
    rows = []
    for indicator in indicators.values():
        figure = count(indicator, matters, span)
        rows.append(
            {
                "indicator": indicator.id,
                "title": indicator.title,
                "unit": indicator.unit,
                "value": figure.value,
                "of": amount(indicator.target),
                "weight": amount(indicator.weight),
                "calculated": score(indicator, figure.value, amount),
                "as_of": span.as_of.isoformat(),
                "first": span.first.isoformat(),
                "last": span.last.isoformat(),
                "sources": [source.as_data() for source in figure.sources],
            }
        )
    return rows


def _steps(indicator: Indicator, matters: Iterable[KnownMatter], span: Span) -> Iterator[Source]:
    wanted = {(step.process, step.element) for step in indicator.counts}
    for matter in matters:
        for done in matter.facts.occurrences:
            if (matter.facts.key, done.element) not in wanted or done.occurred_on not in span:
                continue
            if indicator.when is None or _holds(indicator, done.data):
                yield Source(matter.id, done.seq, done.occurred_on)


def _holds(indicator: Indicator, data: Mapping[str, Any]) -> bool:
    assert indicator.when is not None
    try:
        return bool(indicator.when.evaluate(Lenient(data)))
    except GuichengError:
        return False


def _items(indicator: Indicator, matters: Iterable[KnownMatter], span: Span) -> Iterator[Source]:
    for matter in matters:
        if matter.facts.key in indicator.processes:
            for item in matter.facts.items:
                if (day := _item_day(indicator.counting, item, span)) is not None:
                    yield Source(matter.id, item.seq, day)


def _item_day(counting: Counting, item: Item, span: Span) -> date | None:
    """Return the day by which an item counts; None when it does not."""
    if counting is Counting.ITEMS_OPEN:
        return None if item.state in SETTLED else item.due
    day = item.closed_on if counting is Counting.ITEMS_CLOSED else item.late_on(span.as_of)
    return day if day in span else None


def _order(source: Source) -> tuple[Any, ...]:
    return (source.day, source.instance_id, source.seq)


def _tenth(points: Fraction) -> int | float:
    # Halves go up, as people reckon.
    tenths = int(points * 10 + Fraction(1, 2))
    return tenths // 10 if tenths % 10 == 0 else tenths / 10
