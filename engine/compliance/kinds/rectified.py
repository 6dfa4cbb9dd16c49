"""Rectified: what a step found is put right by its day, or given more time before (整改时限).

The items stand in a list of the step. What was recorded of them since is told by the matter's
entries; of a record kept elsewhere the list alone is known, and its items are taken as open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from engine.compliance.case import Case
from engine.compliance.items import SETTLED, Item, ItemState
from engine.compliance.results import Outcome
from engine.compliance.rules import Field, Verdict
from engine.errors import N_, Translatable


@dataclass(frozen=True, slots=True)
class Rectified:
    """Every item of ``items`` is closed, or extended with a reason, by its day."""

    items: Field
    """The list whose rows are the items."""

    ahead: ClassVar[bool] = False

    def judge(self, case: Case) -> Verdict | None:
        """Judge the items of a step that was done, as they stand today."""
        items = [i for i in _items(case, self.items) if i.state is not ItemState.WITHDRAWN]
        if not items:
            return None
        today = case.frame.today
        late = [day for item in items if (day := item.late_on(today)) is not None]
        waiting = [item.due for item in items if item.state not in SETTLED]
        numbers: dict[str, int | str] = {
            "items": len(items),
            "closed": len(items) - len(waiting),
            "late": len(late),
            "today": today.isoformat(),
        }
        if late:
            numbers["missed"] = min(late).isoformat()
            template = N_(
                "共 %(items)s 项，已销号 %(closed)s 项；有 %(late)s 项没有在期限内销号或延期，"
                "其中最早的期限是 %(missed)s。"
            )
            return Verdict(Outcome.NOT_MET, Translatable(template, numbers), numbers)
        if waiting:
            until = min(waiting)
            numbers["until"] = until.isoformat()
            template = N_(
                "共 %(items)s 项，已销号 %(closed)s 项；其余的须在期限内销号或延期，"
                "最近的期限是 %(until)s。"
            )
            return Verdict(Outcome.PENDING, Translatable(template, numbers), numbers, until=until)
        template = N_("共 %(items)s 项，都已在期限内销号。")
        return Verdict(Outcome.MET, Translatable(template, numbers), numbers)

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due before there are items."""
        return None


def _items(case: Case, field: Field) -> list[Item]:
    done = case.occurrence
    if done is None:
        return []
    recorded = [item for item in case.facts.items if item.seq == done.seq]
    if recorded:
        return recorded
    rows = case.value(field)
    if not isinstance(rows, (list, tuple)):
        return []
    return [
        Item(number, case.element, done.seq, date.fromisoformat(row["due"]))
        for number, row in enumerate(rows, 1)
        if isinstance(row, Mapping) and _is_day(row.get("due"))
    ]


def _is_day(value: Any) -> bool:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True
