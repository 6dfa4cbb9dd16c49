"""The Flask application of the pages and the REST interface, without what neither of them needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask


class Application(Flask):
    """Flask for plain functions."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is: there are no coroutines here to look for at each call."""
        return func
