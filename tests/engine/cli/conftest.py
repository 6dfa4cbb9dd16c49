"""Commands at the terminal, run on the test's transaction."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Connection


@pytest.fixture(autouse=True)
def kept_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command closes its engine at the end; here that is the test's connection, which stays."""
    monkeypatch.setattr(Connection, "dispose", lambda _: None, raising=False)
