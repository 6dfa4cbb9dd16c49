"""A procedure that finds problems, and one meeting after another that answers them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from engine.database import db
from engine.definitions.package import Package, load_package
from engine.rectification.commands import DEEDS, Words, say_item
from engine.runtime.commands import Done
from engine.runtime.rectification.models import RectificationItem, RectificationNote
from tests.factories import Desk, Matter, UserTask, procedure

KEY = "review_life"

ITEMS: Mapping[str, Any] = {
    "type": "dynamiclist",
    "key": "items",
    "label": "整改清单",
    "properties": {"domain": "rectification"},
    "components": [
        {
            "type": "textarea",
            "key": "problem",
            "label": "存在问题",
            "validate": {"required": True},
        },
        {
            "type": "textfield",
            "key": "owner",
            "label": "责任人",
            "properties": {"domain": "person"},
            "validate": {"required": True},
        },
        {
            "type": "textarea",
            "key": "measure",
            "label": "整改措施",
            "validate": {"required": True},
        },
        {
            "type": "datetime",
            "subtype": "date",
            "key": "due",
            "dateLabel": "整改期限",
            "validate": {"required": True},
        },
    ],
}
ANSWERS: Mapping[str, Any] = {
    "type": "dynamiclist",
    "key": "last_time",
    "label": "上次问题的整改情况",
    "properties": {"domain": "open_items"},
    "components": [
        {"type": "number", "key": "item", "label": "编号"},
        {"type": "textarea", "key": "problem", "label": "存在问题"},
        {
            "type": "radio",
            "key": "answer",
            "label": "整改情况",
            "values": [
                {"value": "done", "label": "已完成"},
                {"value": "extended", "label": "延期"},
                {"value": "carried", "label": "继续整改"},
            ],
            "validate": {"required": True},
        },
        {"type": "datetime", "subtype": "date", "key": "due", "dateLabel": "新的期限"},
        {"type": "textarea", "key": "reason", "label": "理由"},
    ],
}
RULES = """
[[rule]]
id = "R-T-10"
title = "问题按期整改"
title_en = "Problems are put right in time"
kind = "rectification"
severity = "hard"
step = "find"
items = "items"
"""


def life(key: str = KEY, *, owner_closes: bool = False) -> Package:
    """Return ``look`` (answers what is open), ``find`` (raises items), then ``conclude``."""
    steps = {"conclude": 'send_back = ["look", "find"]'}
    body = [UserTask("look"), UserTask("find"), UserTask("conclude")]
    made = procedure(key, body, steps=steps, prefix="ZH" if key == KEY else None)
    files = dict(made.files)
    items = {
        **ITEMS,
        "properties": {**ITEMS["properties"], "owner_closes": str(owner_closes).lower()},
    }
    for step, parts in (("look", [ANSWERS]), ("find", [items])):
        form = {"schemaVersion": 16, "type": "default", "id": step, "components": parts}
        files[f"forms/{step}.form"] = json.dumps(form, ensure_ascii=False).encode()
        manifest = files["process.toml"].decode()
        mine = f'element = "{step}"\ntitle = "{step}"\naction = "提交"\nform = "entry"'
        assert mine in manifest
        manifest = manifest.replace(mine, mine.replace('"entry"', f'"{step}"'))
        files["process.toml"] = manifest.encode()
    files["rules.toml"] = RULES.encode()
    return load_package(files)


def item(desk: Desk, owner: str = "member", **changes: Any) -> dict[str, Any]:
    """Return a row of the list of problems."""
    return {
        "problem": "学习不够经常",
        "owner": desk.town.people[owner],
        "measure": "每月组织一次集中学习",
        "due": (desk.clock.today() + timedelta(days=30)).isoformat(),
        **changes,
    }


def found(desk: Desk, *rows: Mapping[str, Any], package: Package | None = None) -> Matter:
    """Return a matter whose second step has found problems; it waits at ``conclude``."""
    matter = desk.start(package or life())
    matter.complete("look", {"last_time": answers()})
    matter.complete("find", {"items": [dict(row) for row in rows]})
    return matter


def answers(*given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the rows of a list of answers."""
    return list(given)


def items(matter: Matter) -> list[RectificationItem]:
    """Return the items of a matter as they are now, in their order."""
    return list(
        db.session().scalars(
            select(RectificationItem)
            .where(RectificationItem.instance_id == matter.id)
            .order_by(RectificationItem.number)
            .execution_options(populate_existing=True)
        )
    )


def notes(item_id: int) -> list[RectificationNote]:
    """Return what was recorded of an item, oldest first."""
    return list(
        db.session().scalars(
            select(RectificationNote)
            .where(RectificationNote.item_id == item_id)
            .order_by(RectificationNote.id)
        )
    )


def say(
    desk: Desk, command: str, item_id: int, text: str = "已整改", *, by: str, **more: Any
) -> Done:
    """Carry out one of the commands on an item."""
    words = {k: more.pop(k) for k in ("occurred_on", "due", "done", "files") if k in more}
    return say_item(
        DEEDS[command],
        item_id,
        Words(text, **words),
        actor=desk.actor(by),
        clock=desk.clock,
        **more,
    )


def days(desk: Desk, count: int) -> date:
    """Return the day so many days from today."""
    return desk.clock.today() + timedelta(days=count)
