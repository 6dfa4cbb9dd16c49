"""Moving matters while others move or work on them, and a move that dies in the middle."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.database import db
from engine.runtime import operations
from engine.runtime.commands import Done
from tests.engine.conftest import Live
from tests.factories import UserTask, is_consistent
from tests.migrating import END, PLAIN, RULES, begun, deploy, move, version
from tests.races import at_once


def test_two_who_move_at_once_move_each_matter_once(live: Live) -> None:
    matters = [begun(live.desk, version()) for _ in range(4)]
    new = deploy(live.desk, version(version="2"))
    source = matters[0].row.version_id
    db.session.remove()
    results = at_once(live, *[lambda: move(live.desk, new, source=source)] * 2)
    assert sum(len(result.moving) for result in results) == 4, results
    for matter in matters:
        assert matter.kinds == ["started", "completed", "migrated"]
        is_consistent(matter.id, live.clock)


@pytest.mark.parametrize("attempt", range(4))
def test_a_step_completed_at_the_same_moment_is_not_lost(live: Live, attempt: int) -> None:
    matter = begun(live.desk, version())
    new = deploy(live.desk, version([*PLAIN[:-1], UserTask("publish"), END], version="2"))
    task, actor = matter.task("approve"), live.desk.actor("secretary")
    source = matter.row.version_id
    if attempt % 2:
        matter.claim("approve")  # what a claim has seen of the task is out of date then
    db.session.remove()
    done, moved = at_once(
        live,
        lambda: operations.complete_task(task, {"note": "同意"}, actor=actor, clock=live.clock),
        lambda: move(live.desk, new, source=source),
    )
    assert isinstance(done, Done), done
    if moved.moving:
        assert matter.row.version_id == new and matter.open == ["publish"]
    else:
        assert matter.row.status == "completed"
    assert matter.kinds.count("completed") == 2
    is_consistent(matter.id, live.clock)


def test_what_was_seen_before_the_move_is_looked_at_again(live: Live) -> None:
    matter = begun(live.desk, version())
    matter.claim("approve")
    shown = matter.tasks[0].revision
    new = deploy(live.desk, version([*PLAIN[:-1], UserTask("publish"), END], version="2"))
    assert len(move(live.desk, new, source=matter.row.version_id).moving) == 1
    matter.complete("approve", revision=shown)
    assert matter.open == ["publish"]
    is_consistent(matter.id, live.clock)
    db.session.remove()
    assert not live.faults()


_KILLED = """
import os, signal, sys
from datetime import datetime
from engine.application import create_core_app
from engine.clock import ZONE, FixedClock
from engine.runtime import carrying_over, migrating
from engine.settings import Settings

app = create_core_app(Settings.from_environment())
carried, seen = carrying_over.refresh_limits, []

def second(*given, **named):
    carried(*given, **named)
    seen.append(1)
    if len(seen) == 2:
        os.kill(os.getpid(), signal.SIGKILL)  # all of it is written, nothing is committed

carrying_over.refresh_limits = second
with app.app_context():
    clock = FixedClock(datetime(2027, 1, 25, 12, tzinfo=ZONE))
    migrating.move_running(clock, int(sys.argv[1]), reason="x", source=int(sys.argv[2]))
"""


def test_killed_in_the_middle_each_matter_is_wholly_old_or_wholly_new(live: Live) -> None:
    matters = [begun(live.desk, version()) for _ in range(3)]
    source = matters[0].row.version_id
    new = deploy(live.desk, version(version="2", files={"rules.toml": RULES}))
    db.session.remove()
    died = subprocess.run(
        [sys.executable, "-c", _KILLED, str(new), str(source)],
        env={**live.environment(), "SECRET_KEY": "test-secret-key"},
        check=False,
        cwd=Path.cwd(),
    )
    assert died.returncode == -signal.SIGKILL
    assert [matter.row.version_id for matter in matters] == [new, source, source]
    assert [matter.kinds[2:] for matter in matters] == [["migrated"], [], []]
    assert len(move(live.desk, new, source=source).moving) == 2
    for matter in matters:
        assert matter.kinds[2:] == ["migrated"]
        is_consistent(matter.id, live.clock)
