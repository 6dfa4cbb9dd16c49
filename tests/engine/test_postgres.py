"""The embedded PostgreSQL outlives crashes of itself, of our processes and of the machine."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from engine import postgres
from engine.settings import Settings
from tests.engine.working import SECONDS, hold_server, pipe, start_process, wait_for


@pytest.fixture(scope="module")
def data_dir(settings: Settings) -> Iterator[Path]:
    """A data directory of its own: these tests kill its server."""
    folder = settings.data_dir / f"crashes_{os.getpid()}"
    folder.mkdir(parents=True)
    yield folder
    postgres.remove(folder)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(postgres.server_folder(folder).parent, ignore_errors=True)


class Holder:
    """A process that uses the embedded server."""

    def __init__(self, data_dir: Path) -> None:
        self.end, other = pipe()
        self.process = start_process(hold_server, str(data_dir), other)
        other.close()

    @property
    def url(self) -> str:
        """Where the server is, once it runs."""
        assert self.end.poll(SECONDS), "the server does not start"
        answer = self.end.recv()
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    def look(self) -> None:
        """Let the process see to the server."""
        self.end.send("look")
        assert self.end.poll(SECONDS) and self.end.recv() == "seen"

    def kill(self) -> None:
        """End the process as a crash does."""
        self.process.kill()
        assert wait_for(self.process) == -signal.SIGKILL

    def leave(self) -> None:
        """End the process in order."""
        self.end.send("go on")
        assert wait_for(self.process) == 0


@contextmanager
def server(data_dir: Path) -> Iterator[str]:
    """Use the server, and leave it in order."""
    holder = Holder(data_dir)
    try:
        yield holder.url
        holder.leave()
    finally:
        if holder.process.is_alive():
            holder.process.kill()
            wait_for(holder.process)
        holder.end.close()


def postmaster(data_dir: Path) -> psutil.Process:
    note = postgres.server_folder(data_dir) / "postmaster.pid"
    return psutil.Process(int(note.read_text().splitlines()[0]))


def kill_postmaster(data_dir: Path) -> None:
    process = postmaster(data_dir)
    process.kill()
    process.wait(SECONDS)


def rows(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
        found = connection.execute("SELECT number FROM kept ORDER BY number").fetchall()
        return [row[0] for row in found]


def keep(url: str, number: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
        connection.execute("INSERT INTO kept VALUES (%s)", (number,))


def test_two_processes_may_make_the_server_at_once_over_files_never_finished(
    data_dir: Path,
) -> None:
    folder = postgres.server_folder(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "PG_VERSION").write_text("18\n")
    (folder / "base").mkdir()
    postgres._unfinished(folder).touch()
    both = [Holder(data_dir) for _ in range(2)]
    urls = [holder.url for holder in both]
    assert urls[0] == urls[1]
    assert not postgres._unfinished(folder).exists()
    keep(urls[0], 1)
    both[0].leave()
    assert postgres.is_running(data_dir)  # the other one still uses it
    both[1].leave()
    assert not postgres.is_running(data_dir)
    for holder in both:
        holder.end.close()


def test_what_was_committed_is_there_after_a_stop(data_dir: Path) -> None:
    with server(data_dir) as url:
        assert rows(url) == [1]
        assert psycopg.conninfo.conninfo_to_dict(url)["host"].startswith("/")  # a socket, no port


def test_a_killed_process_leaves_a_server_that_the_next_one_adopts(data_dir: Path) -> None:
    holder = Holder(data_dir)
    url = holder.url
    before = postmaster(data_dir)
    holder.kill()
    holder.end.close()
    assert before.is_running()
    with server(data_dir) as again:
        assert again == url
        assert postmaster(data_dir).pid == before.pid
        assert rows(again) == [1]
    assert not postgres.is_running(data_dir)  # the dead process does not keep it alive for ever


def test_a_killed_server_recovers_with_all_that_was_committed(data_dir: Path) -> None:
    holder = Holder(data_dir)
    url = holder.url
    for number in range(2, 10):
        keep(url, number)
    unfinished = psycopg.connect(url)
    unfinished.execute("INSERT INTO kept VALUES (999)")
    kill_postmaster(data_dir)
    try:
        with server(data_dir) as again:
            assert rows(again) == list(range(1, 10))
            keep(again, 10)
        assert not postgres.is_running(data_dir) or holder.process.is_alive()
    finally:
        unfinished.close()
        holder.kill()
        holder.end.close()


def test_whoever_serves_starts_a_killed_server_again(data_dir: Path) -> None:
    holder = Holder(data_dir)
    url = holder.url
    before = rows(url)
    kill_postmaster(data_dir)
    holder.look()
    running = postmaster(data_dir)
    assert rows(url) == before
    holder.look()  # there is nothing to do
    assert postmaster(data_dir) == running
    holder.leave()
    holder.end.close()


def test_both_killed_at_once(data_dir: Path) -> None:
    holder = Holder(data_dir)
    keep(holder.url, 11)
    kill_postmaster(data_dir)
    holder.kill()
    holder.end.close()
    with server(data_dir) as again:
        assert rows(again) == list(range(1, 12))


@pytest.mark.parametrize("note", ["other_program", "empty"])
def test_after_a_power_cut_the_server_s_note_may_say_anything(data_dir: Path, note: str) -> None:
    holder = Holder(data_dir)
    _ = holder.url
    path = postgres.server_folder(data_dir) / "postmaster.pid"
    lines = path.read_text().splitlines()
    kill_postmaster(data_dir)
    holder.kill()
    holder.end.close()
    wait_for_the_dead(data_dir)
    path.write_text(
        {
            # After a restart the number is that of another program.
            "other_program": "\n".join([str(os.getpid()), *lines[1:]]) + "\n",
            "empty": "",
        }[note]
    )
    with server(data_dir) as again:
        assert rows(again) == list(range(1, 12))


def wait_for_the_dead(data_dir: Path) -> None:
    """Wait until the processes of a killed server have noticed."""
    folder = str(postgres.server_folder(data_dir))
    for _ in range(100):
        left = [
            process
            for process in psutil.process_iter(["name"])
            if process.info["name"] == "postgres" and _works_in(process, folder)
        ]
        if not left:
            return
        time.sleep(0.1)


def _works_in(process: psutil.Process, folder: str) -> bool:
    try:
        return str(process.cwd()) == folder
    except psutil.Error:
        return False


def test_remove_stops_a_running_server(data_dir: Path) -> None:
    holder = Holder(data_dir)
    _ = holder.url
    process = postmaster(data_dir)
    postgres.remove(data_dir)
    assert not process.is_running()
    assert not postgres.server_folder(data_dir).exists()
    holder.kill()
    holder.end.close()
    postgres.remove(data_dir)  # nothing there is no error


def test_a_database_of_one_s_own_starts_nothing(tmp_path: Path) -> None:
    given = Settings(data_dir=tmp_path / "none", database_url="postgresql://somewhere/x")
    where = postgres.addresses(given)
    assert where.app == where.owner == "postgresql://somewhere/x"
    assert not (tmp_path / "none").exists()


def test_the_owner_may_be_another_role() -> None:
    given = Settings(
        database_url="postgresql://app@somewhere/x", database_owner_url="postgresql://owner@y/x"
    )
    assert postgres.addresses(given).owner == "postgresql://owner@y/x"
