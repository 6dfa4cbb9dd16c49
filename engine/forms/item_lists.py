"""The list in which open items of the rectification ledger are answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.errors import N_
from engine.forms.fields import OPEN_ITEMS, Field, FormContext


def start_rows(field: Field, scope: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return a row for each item that is still open; the day is the one it has."""
    known = scope.get(OPEN_ITEMS) or ()
    return [{"item": item["item"], "problem": item["problem"]} for item in known] or None


def check_answers(
    field: Field,
    rows: Sequence[dict[str, Any]],
    name: str,
    context: FormContext,
    refuse: Callable[..., None],
) -> None:
    """Check that every open item is answered once, and put its own words into the row."""
    known = {item["item"]: item for item in context.variables.get(OPEN_ITEMS) or ()}
    seen: set[int] = set()
    for index, row in enumerate(rows):
        here = f"{name}-{index}"
        item = known.get(row.get("item"))
        if item is None or item["item"] in seen:
            refuse(f"{here}.item", N_("这一项已经办结或已在别处答复，请刷新页面后重新填写。"))
            continue
        seen.add(item["item"])
        row["problem"] = item["problem"]
        if row.get("answer") not in ("extended", "carried"):
            row.pop("due", None)
            continue
        if not row.get("reason"):
            refuse(f"{here}.reason", N_("请写明延期或继续整改的理由。"))
        if not row.get("due"):
            refuse(f"{here}.due", N_("请填写新的整改期限。"))
        elif row["due"] <= context.occurred_on.isoformat():
            refuse(f"{here}.due", N_("新的整改期限须晚于会议当天。"))
    if missing := len(known.keys() - seen):
        refuse(name, N_("还有 %(n)s 项没有答复，请逐项说明整改情况。"), n=missing)
