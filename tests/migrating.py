"""Versions of one small procedure, and its matters that are moved from one to another."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from engine.database import unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import Package, load_package
from engine.runtime.migrating import Outlook, move_running
from tests.bpmn_builder import Body, End
from tests.factories import Desk, Matter, UserTask, procedure
from tests.factories.procedures import ENTRY
from tests.factories.rules import in_time

KEY = "moved"
WHY = "步骤有误"
END = End("done")
PLAIN: Body = [UserTask("apply"), UserTask("approve"), END]

RULES = in_time("M-1", "approve")


def version(
    body: Body = PLAIN,
    *,
    files: Mapping[str, str] | None = None,
    without: str = "",
    **changes: Any,
) -> Package:
    """Return a version of the procedure; what the builder numbers has the same name in each."""
    made = procedure(KEY, body, **changes)
    found = dict(made.files)
    diagram = found[f"{KEY}.bpmn"].decode()
    found[f"{KEY}.bpmn"] = re.sub(r"\b(fork|join|merge|choice)_\d+", r"\1", diagram).encode()
    if without:
        parts = [part for part in ENTRY if part["key"] != without]
        form = {"schemaVersion": 16, "type": "default", "id": "entry", "components": parts}
        found["forms/entry.form"] = json.dumps(form, ensure_ascii=False).encode()
    found |= {path: text.encode() for path, text in (files or {}).items()}
    return load_package(found)


def deploy(desk: Desk, package: Package) -> int:
    """Deploy a version and return its id."""
    with unit_of_work() as unit:
        return deploy_package(unit, package, desk.clock).version_id


def move(desk: Desk, version_id: int, **more: Any) -> Outlook:
    """Move what runs on other versions to this one."""
    return move_running(desk.clock, version_id, reason=WHY, **more)


def sizes(found: Outlook) -> tuple[int, int, int]:
    """Return how many move, how many stay, and how many were left for another time."""
    return len(found.moving), len(found.staying), found.left


def begun(desk: Desk, package: Package, *, done: bool = True, **data: Any) -> Matter:
    """Return a matter of a package, at ``approve``, or still at ``apply``."""
    matter = desk.start(package)
    if done:
        matter.complete("apply", data)
    return matter
