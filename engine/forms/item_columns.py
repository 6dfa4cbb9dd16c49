"""What the lists of the rectification ledger must ask for: said to the authors of packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from engine.errors import N_
from engine.forms.attributes import Refuse
from engine.forms.fields import INDICATORS, OPEN_ITEMS, RECTIFICATION, Field, FieldKind

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
    INDICATORS: {
        "indicator": (_TEXTS, False),
        "value": (frozenset({FieldKind.NUMBER}), False),
        "score": (frozenset({FieldKind.NUMBER}), False),
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
