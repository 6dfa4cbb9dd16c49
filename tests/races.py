"""Commands at the same moment, in threads of their own, on the database that keeps what they do."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from sqlalchemy import text

from engine.database import db
from engine.errors import GuichengError
from engine.runtime.commands import Done
from tests.engine.conftest import Live

SECONDS = 30.0
"""No test waits longer for its threads."""

Command = Callable[[], Any]


def at_once(live: Live, *commands: Command) -> list[Any]:
    """Run commands in threads of their own at the same moment; return answers or errors."""
    barrier = Barrier(len(commands))

    def run(command: Command) -> Any:
        with live.app.app_context():
            db.session().execute(text("SELECT 1"))  # connect before the race begins
            db.session().rollback()
            barrier.wait(SECONDS)
            try:
                return command()
            except GuichengError as error:
                return error

    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(run, commands, timeout=SECONDS))


def one_winner(results: list[Any], *losing: type[GuichengError]) -> None:
    """Assert that one command succeeded and all others got one of these errors."""
    won = [result for result in results if isinstance(result, Done)]
    lost = [result for result in results if not isinstance(result, Done)]
    assert len(won) == 1, results
    assert all(isinstance(error, losing) for error in lost), results
