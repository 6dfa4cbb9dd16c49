"""Count a step right after its commit. What is missed here, the next run of the plan repairs."""

from __future__ import annotations

from typing import Any

from flask import current_app

from engine.clock import Clock, SystemClock
from engine.duties.operations import step_happened
from engine.signals import instance_ended, task_completed, task_sent_back


def listen() -> None:
    """Listen to the steps that this process records. Calling it again changes nothing."""
    task_completed.connect(_completed)
    task_sent_back.connect(_sent_back)
    instance_ended.connect(_ended)


def _clock() -> Clock:
    found: Clock = current_app.extensions.get("guicheng.clock") or SystemClock()
    return found


def _completed(sender: Any, *, instance_id: int, element: str | None, **more: Any) -> None:
    if element is not None:
        step_happened(element, instance_id, _clock())


def _sent_back(sender: Any, *, instance_id: int, **more: Any) -> None:
    step_happened(None, instance_id, _clock())


def _ended(sender: Any, *, instance_id: int, status: str, **more: Any) -> None:
    if status == "cancelled":
        step_happened(None, instance_id, _clock())
