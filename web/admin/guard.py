"""Who may enter: those who hold the post of administrator somewhere, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from engine.directory.policy import Audience, audiences
from engine.errors import NotFound
from web.context import actor

P = ParamSpec("P")
R = TypeVar("R")


def administrators_only(view: Callable[P, R]) -> Callable[P, R]:
    """Let only administrators reach a view; for everybody else it does not exist."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if Audience.ADMIN not in audiences(actor()):
            raise NotFound()
        return view(*args, **kwargs)

    return guarded
