"""Count a step right after its commit. What is missed here, the next run of the plan repairs."""

from __future__ import annotations

from typing import Any, Final

from flask import Flask, current_app

from engine.clock import Clock, SystemClock
from engine.duties.operations import step_happened
from engine.signals import instance_ended, task_completed, task_sent_back

_LISTENS: Final = "guicheng.duties"


def listen(app: Flask) -> None:
    """Listen to the steps that this application records. Calling it again changes nothing.

    Signals are heard by the whole process: another application in it has to ask for itself.
    """
    app.extensions[_LISTENS] = True
    task_completed.connect(_completed)
    task_sent_back.connect(_sent_back)
    instance_ended.connect(_ended)


def _clock() -> Clock:
    found: Clock = current_app.extensions.get("guicheng.clock") or SystemClock()
    return found


def _happened(element: str | None, instance_id: int) -> None:
    if _LISTENS in current_app.extensions:
        step_happened(element, instance_id, _clock())


def _completed(sender: Any, *, instance_id: int, element: str | None, **more: Any) -> None:
    if element is not None:
        _happened(element, instance_id)


def _sent_back(sender: Any, *, instance_id: int, **more: Any) -> None:
    _happened(None, instance_id)


def _ended(sender: Any, *, instance_id: int, status: str, **more: Any) -> None:
    if status == "cancelled":
        _happened(None, instance_id)
