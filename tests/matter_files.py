"""The matters in ``tests/matters``: a lawful one is a whole file, the others change one.

A file with ``base`` says what is changed in the matter that it names::

    base = "lawful_2026"
    title = "谈话超过一个月"

    [[change]]                     # a step done otherwise: the first time unless ``round`` says
    step = "first_talk"
    on = 2026-07-20
    data = { opinion_group = "" }  # an empty text removes what was there

    [[remove]]
    step = "political_review"

    [[insert]]                     # ``after`` the last time of a step, or ``before`` the first
    after = "take_oath"
    step = "take_oath"
    on = 2027-01-01

    [[person]]                     # somebody is otherwise, or somebody more
    name = "王联系"
    status = "probationary"

    [expect]
    findings = [["R-ADM-02", "first_talk", 1, "hard"]]
    deviations = [["missing", "political_review", 1]]
"""

from __future__ import annotations

import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "matters"
_OWN = frozenset({"base", "change", "remove", "insert", "person", "until", "expect"})


def matter_files() -> list[Path]:
    """Return all files, in order."""
    return sorted(FOLDER.glob("*.toml"))


def load(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the matter that a file comes to, and what is expected of it."""
    values = tomllib.loads(path.read_text("utf-8"))
    if "base" not in values:
        return values, values.pop("expect", {})
    matter, _ = load(FOLDER / f"{values['base']}.toml")
    matter = deepcopy(matter)
    steps: list[dict[str, Any]] = matter["steps"]
    if "until" in values:
        last = _index(steps, values["until"], 1)
        del steps[last + 1 :]
    for item in values.get("change", ()):
        _change(steps[_index(steps, item.pop("step"), item.pop("round", 1))], item)
    for item in values.get("remove", ()):
        del steps[_index(steps, item["step"], item.get("round", 1))]
    for item in values.get("insert", ()):
        _insert(steps, item)
    for item in values.get("person", ()):
        known = [one for one in matter["people"] if one["name"] == item["name"]]
        if known:
            known[0].update(item)
        else:
            matter["people"].append(item)
    matter.update({key: value for key, value in values.items() if key not in _OWN})
    return matter, values.get("expect", {})


def _index(steps: list[dict[str, Any]], step: str, round: int) -> int:
    return [n for n, one in enumerate(steps) if one["step"] == step][round - 1]


def _change(step: dict[str, Any], changes: dict[str, Any]) -> None:
    data = step.setdefault("data", {})
    for key, value in changes.pop("data", {}).items():
        if value == "":
            data.pop(key, None)
        elif isinstance(value, dict) and isinstance(data.get(key), dict):
            data[key] = {**data[key], **value}
        else:
            data[key] = value
    step.update(changes)


def _insert(steps: list[dict[str, Any]], item: dict[str, Any]) -> None:
    if "before" in item:
        at = _index(steps, item.pop("before"), 1)
    else:
        at = _index(steps, item.pop("after"), 0) + 1
    copy = item.pop("copy", None)
    step = deepcopy(steps[_index(steps, copy, 1)]) if copy else {}
    _change(step, item)
    steps.insert(at, step)
