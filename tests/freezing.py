"""Two procedures: meetings that count, and one that freezes how many there were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.definitions.package import Package, load_package
from tests.factories import UserTask, procedure

COUNTED = "gathering"
LIST: Mapping[str, Any] = {
    "type": "dynamiclist",
    "key": "indicators",
    "label": "指标",
    "properties": {"domain": "indicators", "year": "year"},
    "components": [
        {"type": "textfield", "key": "indicator", "label": "指标"},
        {"type": "number", "key": "value", "label": "数值"},
        {"type": "number", "key": "score", "label": "得分", "decimalDigits": 1},
        {"type": "textarea", "key": "reason", "label": "理由"},
    ],
}
INDICATORS = """
[[indicator]]
id = "gatherings"
title = "开会"
counting = "times"
counts = ["gathering.hold"]
when = "decision == 'held'"
target = 3
weight = 10
[[indicator]]
id = "quarters"
title = "按季度开会"
counting = "periods"
counts = ["gathering.hold"]
period = "quarter"
target = 4
weight = 20
[[indicator]]
id = "items_open"
title = "没有整改的问题"
counting = "items_open"
counts = ["review_life"]
off = 4
weight = 10
"""


def gathering() -> Package:
    return procedure(COUNTED, [UserTask("hold"), UserTask("after")], prefix="GA")


def judging() -> Package:
    """Return ``choose`` (the year), ``freeze`` (the list), ``after``."""
    body = [UserTask("choose"), UserTask("freeze"), UserTask("after")]
    made = procedure("judging", body, prefix="JU")
    files = dict(made.files)
    year = {"type": "number", "key": "year", "label": "年度"}
    for step, parts in (("choose", [year]), ("freeze", [LIST])):
        form = {"schemaVersion": 16, "type": "default", "id": step, "components": parts}
        files[f"forms/{step}.form"] = json.dumps(form, ensure_ascii=False).encode()
        manifest = files["process.toml"].decode()
        mine = f'element = "{step}"\ntitle = "{step}"\naction = "提交"\nform = "entry"'
        assert mine in manifest
        files["process.toml"] = manifest.replace(
            mine, mine.replace('"entry"', f'"{step}"')
        ).encode()
    files["process.toml"] += INDICATORS.encode()
    return load_package(files)
