"""Rectification items of a matter (整改台账): what is to be put right, by when, and how it stands.

Pure values: how an item stands follows from the step that raised it and from what was recorded of
it since, and from nothing else. The table of items and the rules both come here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from engine.coded import Coded
from engine.errors import N_
from engine.ledger.kinds import EntryKind

RAISED: Final = "raised"
"""The key under which a step's payload numbers the rows that became items, by field."""

ITEM_KINDS: Final = frozenset(
    {
        EntryKind.ITEM_REPORTED,
        EntryKind.ITEM_EXTENDED,
        EntryKind.ITEM_CLOSED,
        EntryKind.ITEM_REOPENED,
        EntryKind.ITEM_CARRIED,
    }
)
"""Entries that say something of one item, ``payload["number"]``."""


class ItemState(Coded):
    """How an item stands. Whether it is overdue is a question of the day."""

    OPEN = "open", N_("整改中")
    DONE = "done", N_("待销号")
    EXTENDED = "extended", N_("已延期")
    CARRIED = "carried", N_("继续整改")
    CLOSED = "closed", N_("已销号")
    WITHDRAWN = "withdrawn", N_("已撤销")


SETTLED: Final = frozenset({ItemState.CLOSED, ItemState.WITHDRAWN})
"""States in which nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it stands."""

    number: int
    """Its number in the matter, from 1."""
    element: str
    seq: int
    """The entry of the step that raised it."""
    due: date
    """The last day on which it may be closed, extensions included."""
    state: ItemState = ItemState.OPEN
    closed_on: date | None = None
    missed: date | None = None
    """The last day that passed without its being closed or extended."""

    def after(self, kind: str, day: date, payload: Mapping[str, Any]) -> Item:
        """Return the item after an entry of one of :data:`ITEM_KINDS`, which happened on ``day``.

        An extension granted once the last day has passed does not undo that it passed. What was
        taken back names how the item stands again.
        """
        if standing := payload.get("standing"):
            return Item.from_data(standing)
        due = date.fromisoformat(payload["due"]) if payload.get("due") else self.due
        missed = self.missed or (self.due if day > self.due else None)
        match kind:
            case EntryKind.ITEM_REPORTED:
                done = bool(payload.get("done"))
                waiting = self.state if self.state is not ItemState.DONE else ItemState.OPEN
                return replace(self, state=ItemState.DONE if done else waiting)
            case EntryKind.ITEM_EXTENDED:
                return replace(self, state=ItemState.EXTENDED, due=due, missed=missed)
            case EntryKind.ITEM_CARRIED:
                return replace(self, state=ItemState.CARRIED, due=due, missed=missed)
            case EntryKind.ITEM_CLOSED:
                return replace(self, state=ItemState.CLOSED, closed_on=day, missed=missed)
            case EntryKind.ITEM_REOPENED:
                return replace(self, state=ItemState.OPEN, due=due, closed_on=None)
        raise ValueError(kind)

    def late_on(self, today: date) -> date | None:
        """Return the last day that was missed, as it looks on ``today``."""
        if self.missed is not None or self.state in SETTLED:
            return self.missed
        return self.due if today > self.due else None

    def as_data(self) -> list[Any]:
        """Return the item as compact JSON."""
        days = [d.isoformat() if d else None for d in (self.due, self.closed_on, self.missed)]
        return [self.number, self.element, self.seq, self.state.value, *days]

    @classmethod
    def from_data(cls, data: Sequence[Any]) -> Item:
        """Read what :meth:`as_data` made."""
        number, element, seq, state, *days = data
        due, closed_on, missed = (date.fromisoformat(d) if d else None for d in days)
        assert due is not None
        return cls(number, element, seq, due, ItemState(state), closed_on, missed)


def raised_by(
    element: str, seq: int, data: Mapping[str, Any], raised: Mapping[str, Iterable[int]]
) -> list[Item]:
    """Return the items that a step raised: one for each row of its lists."""
    return [
        Item(number, element, seq, date.fromisoformat(row["due"]))
        for field, numbers in raised.items()
        for number, row in zip(numbers, data.get(field) or (), strict=True)
    ]


def corrected(
    items: Iterable[Item],
    element: str,
    seq: int,
    data: Mapping[str, Any],
    raised: Mapping[str, Iterable[int]],
) -> tuple[Item, ...]:
    """Return the items of a matter after the step ``seq`` was corrected.

    A row that is still there keeps its number and what was recorded of it; its day is that of the
    corrected row unless it was extended since.
    """
    known = {item.number: item for item in items if item.seq == seq}
    kept = [item for item in items if item.seq != seq]
    for item in raised_by(element, seq, data, raised):
        before = known.get(item.number)
        if before is None:
            kept.append(item)
        elif before.state in (ItemState.EXTENDED, ItemState.CARRIED):
            kept.append(before)
        else:
            kept.append(replace(before, due=item.due))
    return tuple(sorted(kept, key=lambda item: item.number))


def with_item_entry(
    items: Iterable[Item], kind: str, day: date, payload: Mapping[str, Any]
) -> tuple[Item, ...]:
    """Return the items of a matter after an entry of one of :data:`ITEM_KINDS`."""
    return tuple(
        item.after(kind, day, payload) if item.number == payload["number"] else item
        for item in items
    )
