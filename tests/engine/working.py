"""Processes for tests of crashes: they work on a database until they are done or killed.

They are forked from a server that has imported the engine once, so that each starts at once.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select

from engine import postgres
from engine.application import create_core_app
from engine.cli.serving import keep_database
from engine.clock import FixedClock
from engine.database import db
from engine.directory.actors import load_actor
from engine.errors import GuichengError
from engine.jobs import run_worker
from engine.runtime import operations
from engine.runtime.models import Task
from engine.settings import Settings

SECONDS = 60
"""No test waits longer for a process."""

_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload(["tests.engine.working"])


def start_process(task: Callable[..., None], *arguments: Any) -> ForkServerProcess:
    """Start a process that runs ``task``; it ends with the test run at the latest."""
    process = _fork.Process(target=task, args=arguments, daemon=True)
    process.start()
    return process


def wait_for(process: ForkServerProcess) -> int | None:
    """Wait for a process to end and return its exit code; kill it when it takes too long."""
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join(SECONDS)
    return process.exitcode


def pipe() -> tuple[Connection[Any, Any], Connection[Any, Any]]:
    """Return the two ends of a pipe; the second is for the process."""
    return _fork.Pipe()


def hold_server(data_dir: str, end: Connection[Any, Any]) -> None:
    """Start or adopt an embedded server, say where it is, and hold it until told to go on.

    Told to look, it sees to the server as ``guicheng serve`` does.
    """
    try:
        end.send(postgres.start(Path(data_dir)).owner)
    except Exception as error:  # the test shall read it
        end.send(error)
        raise
    while end.recv() == "look":
        keep_database(Settings(data_dir=Path(data_dir), secret_key="test"))
        end.send("seen")
    atexit._run_exitfuncs()  # a process of multiprocessing leaves without them


def application(url: str) -> Flask:
    settings = Settings(data_dir=Path(os.devnull), database_url=url, secret_key="test")
    return create_core_app(settings, pool_size=4)


def take_steps(url: str, person_id: int, organisation_id: int, key: str, now: str) -> None:
    """Start matters and do whatever is open in them, one step after the other, for ever."""
    app = application(url)
    clock = FixedClock(datetime.fromisoformat(now))
    chance = random.Random(os.getpid())
    with app.app_context():
        actor = load_actor(db.session(), person_id=person_id, day=clock.today())
        common: dict[str, Any] = {"actor": actor, "clock": clock}
        mine: list[int] = []
        while True:
            if len(mine) < 3:
                done = operations.start_instance(
                    key, {}, organisation_id=organisation_id, subject_id=None, **common
                )
                mine.append(done.instance_id)
            matter = chance.choice(mine)
            tasks = db.session.execute(
                select(Task.id, Task.element).where(
                    Task.instance_id == matter, Task.state == "open"
                )
            ).all()
            db.session.rollback()
            if not tasks:
                mine.remove(matter)
                continue
            task = chance.choice(tasks)
            with suppress(GuichengError):
                if task.element == "left_again" and chance.random() < 0.4:
                    operations.send_back(task.id, "apply", "请补正", **common)
                elif chance.random() < 0.1:
                    operations.claim_task(task.id, **common)
                else:
                    operations.complete_task(task.id, {"note": "逐步办理"}, **common)


def complete_once(url: str, person_id: int, task_id: int, command_id: str, now: str) -> None:
    """Complete a task under a command id; the exit code says how often it was carried out."""
    app = application(url)
    clock = FixedClock(datetime.fromisoformat(now))
    with app.app_context():
        actor = load_actor(db.session(), person_id=person_id, day=clock.today())
        done = operations.complete_task(
            task_id, {}, actor=actor, clock=clock, command_id=UUID(command_id)
        )
    os._exit(0 if done.replayed else 1)


def run_jobs(url: str, now: str, die_in: int = 0) -> None:
    """Run the jobs that wait; with ``die_in`` the process is killed in that firing."""
    if die_in:
        _die_in_firing(die_in)
    clock = FixedClock(datetime.fromisoformat(now))
    run_worker(application(url), url, concurrency=1, wait=False, clock=clock)


def _die_in_firing(number: int) -> None:
    """Kill the process when it has written everything of the n-th firing and not committed yet."""
    from engine.runtime import timers

    real, seen = timers.apply, 0

    def apply(*arguments: Any, **more: Any) -> Any:
        nonlocal seen
        result = real(*arguments, **more)
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    timers.apply = apply  # type: ignore[attr-defined]
