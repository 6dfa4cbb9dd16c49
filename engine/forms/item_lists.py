"""Lists of the rectification ledger in forms: rows that become items, and rows that answer them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from engine.errors import N_
from engine.forms.attributes import Refuse
from engine.forms.fields import OPEN_ITEMS, RECTIFICATION, Field, FieldKind, FormContext

_TEXTS: Final = frozenset({FieldKind.TEXTAREA, FieldKind.TEXTFIELD})
_CHOICES: Final = frozenset({FieldKind.RADIO, FieldKind.SELECT})

ANSWERS: Final = ("done", "extended", "carried")
"""What may be said of an open item at the next meeting: put right, given more time, goes on."""

_COLUMNS: Final[Mapping[str, Mapping[str, tuple[frozenset[FieldKind], bool]]]] = {
    RECTIFICATION: {
        "problem": (_TEXTS, True),
        "owner": (frozenset({FieldKind.PERSON}), True),
        "measure": (_TEXTS, True),
        "due": (frozenset({FieldKind.DATE}), True),
    },
    OPEN_ITEMS: {
        "item": (frozenset({FieldKind.NUMBER}), False),
        "problem": (_TEXTS, False),
        "answer": (_CHOICES, True),
        "due": (frozenset({FieldKind.DATE}), False),
        "reason": (_TEXTS, False),
    },
}
"""What the rows hold, by domain: the kinds of each column, and whether it must be required."""


def check_item_list(domain: str | None, columns: Sequence[Field], refuse: Refuse) -> None:
    """Note what a list of this domain lacks."""
    wanted = _COLUMNS.get(domain or "")
    if wanted is None:
        return
    found = {column.key: column for column in columns}
    for key, (kinds, required) in wanted.items():
        column = found.get(key)
        if column is None or column.kind not in kinds or not column.takes_input:
            refuse(
                "domain",
                N_("%(domain)s 列表缺少列 %(key)s") % {"domain": domain, "key": key},
                N_("加上键为 %(key)s、类型为 %(kinds)s 的列")
                % {"key": key, "kinds": "、".join(sorted(kinds))},
            )
        elif column.required != required and domain == RECTIFICATION:
            refuse(
                "domain",
                N_("整改清单的列 %s 须为必填") % key,
                N_('写 "validate": {"required": true}'),
            )
        elif key == "answer" and not {o.value for o in column.options} <= set(ANSWERS):
            refuse(
                "domain",
                N_("answer 的选项只能是 %s") % "、".join(ANSWERS),
                N_("改正选项的 value"),
            )


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
