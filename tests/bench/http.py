"""Over HTTP: eight clients, two web processes, the same three requests to us and to bare Flask."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any, Protocol
from urllib.parse import quote

from engine.cli.serving import web_command
from engine.directory.tokens import create_token
from tests.bench import floors
from tests.bench.installation import Branch, Installation, free_port, installation
from tests.bench.packages import DATA, TEN, ten_tasks
from tests.bench.report import Report, Spread, say

CLIENTS = 8
PROCESSES, THREADS = 2, 4
ROUNDS = 7
TURNS = 4
MATTERS = 6
"""Open matters of each client, worked off from the top of the inbox."""
TASKS = 6
"""Tasks a client, turn and contender."""
WARM_UP_TURNS = 3


@dataclass
class Client:
    """One keep-alive connection that lists, claims and completes. The same for both contenders."""

    port: int
    headers: dict[str, str]
    connection: HTTPConnection | None = None

    def connect(self) -> None:
        """Open a new connection, so that chance deals the clients out over the processes anew."""
        if self.connection is not None:
            self.connection.close()
        self.connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.connection.connect()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return the JSON of the answer; anything but 200 is a failure."""
        assert self.connection is not None
        sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        self.connection.request(method, path, sent, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)


class Contender(Protocol):
    """What is measured: clients, and how each does one task."""

    clients: list[Client]

    def one_task(self, number: int) -> None:
        """Let client ``number`` list, claim and complete one task."""

    def fill(self) -> None:
        """Make sure that every client has a page of open tasks."""


@dataclass
class Bare:
    """The bare Flask application over the floor's tables."""

    clients: list[Client]

    def one_task(self, number: int) -> None:
        client, owner = self.clients[number], f"s{number + 1}"
        task = client.ask("GET", f"/tasks?owner={owner}")[0]
        client.ask("POST", f"/tasks/{task['id']}/claim?owner={owner}", {})
        body = {"matter_id": task["matter_id"], "step": task["step"], "data": DATA}
        client.ask("POST", f"/tasks/{task['id']}/complete?owner={owner}", body)

    def fill(self) -> None:
        """Its tasks never end."""


@dataclass
class Ours:
    """The REST interface, each client with the token of another secretary."""

    installed: Installation
    clients: list[Client]
    open: list[int] = field(default_factory=lambda: [0] * CLIENTS)

    def one_task(self, number: int) -> None:
        client = self.clients[number]
        task = client.ask("GET", f"/api/v1/tasks?limit={floors.PAGE}")["items"][0]
        path = f"/api/v1/tasks/{quote(str(task['id']))}"
        client.ask("POST", f"{path}/claim", {})
        if client.ask("POST", f"{path}/complete", {"data": DATA})["ended"]:
            self.open[number] -= 1

    def fill(self) -> None:
        for number, branch in enumerate(self.installed.branches):
            actor = self.installed.actor(branch)
            while self.open[number] < MATTERS:
                self.installed.start(branch, TEN, actor)
                self.open[number] += 1


def work(contender: Contender, pool: ThreadPoolExecutor, tasks: int) -> float:
    """Let all clients do ``tasks`` tasks each at the same time; return the seconds taken."""
    contender.fill()
    ready = threading.Barrier(CLIENTS + 1)

    def client(number: int) -> None:
        contender.clients[number].connect()
        ready.wait()
        for _ in range(tasks):
            contender.one_task(number)

    running = [pool.submit(client, number) for number in range(CLIENTS)]
    ready.wait()
    began = time.perf_counter()
    for one in running:
        one.result()
    return time.perf_counter() - began


@contextmanager
def served(application: str, port: int, environment: dict[str, str]) -> Iterator[None]:
    """Serve an application as ``guicheng serve`` does, until the block ends."""
    command = web_command(
        application, host="127.0.0.1", port=port, processes=PROCESSES, threads=THREADS
    )
    process = subprocess.Popen(command, env=environment)
    try:
        _wait_for(port, process)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError("the web server has ended")
        with suppress(OSError, HTTPException):
            connection = HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        time.sleep(0.1)
    raise RuntimeError("the web server does not answer")


def measure(report: Report) -> None:
    """Interleave both servers and report tasks a second and their ratio."""
    with installation("bench_http", [ten_tasks()], branches=CLIENTS) as installed:
        owner = floors.connect(installed.where.owner)
        floors.prepare_tables(owner, {f"s{n + 1}": MATTERS for n in range(CLIENTS)})
        owner.close()
        ports = free_port(), free_port()
        floor_environment = {**installed.environment(), "FLOOR_URL": installed.where.app}
        json_type = {"Content-Type": "application/json"}
        ours = Ours(
            installed,
            [Client(ports[0], {**json_type, **_bearer(installed, b)}) for b in installed.branches],
        )
        bare = Bare([Client(ports[1], json_type) for _ in range(CLIENTS)])
        with (
            served("web:create_app()", ports[0], installed.environment(ports[0])),
            served("tests.bench.floors:create_app()", ports[1], floor_environment),
            ThreadPoolExecutor(CLIENTS) as pool,
        ):
            contenders: dict[str, Contender] = {"floor": bare, "ours": ours}
            for contender in contenders.values():
                for _ in range(WARM_UP_TURNS):
                    work(contender, pool, TASKS)
            speeds = _interleave(contenders, lambda contender: work(contender, pool, TASKS))
    pairs = [o / f for o, f in zip(speeds["ours"], speeds["floor"], strict=True)]
    report.add("bare Flask over HTTP, 8 clients, tasks/s", Spread.of(speeds["floor"]), digits=0)
    report.add("REST interface, 8 clients, tasks/s", Spread.of(speeds["ours"]), digits=0)
    report.add("REST interface ÷ bare Flask", Spread.of(pairs), key="http_vs_flask_floor")


def _interleave(
    contenders: dict[str, Contender], turn: Callable[[Contender], float]
) -> dict[str, list[float]]:
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(ROUNDS):
        spent = dict.fromkeys(contenders, 0.0)
        for index in range(TURNS):
            order = list(contenders.items())
            for name, contender in order if index % 2 == 0 else reversed(order):
                spent[name] += turn(contender)
        for name, seconds in spent.items():
            speeds[name].append(TURNS * TASKS * CLIENTS / seconds)
        said = ", ".join(f"{name} {values[-1]:.0f}/s" for name, values in speeds.items())
        say(f"http round {number + 1}/{ROUNDS}: {said}")
    return speeds


def _bearer(installed: Installation, branch: Branch) -> dict[str, str]:
    token = create_token(installed.clock, branch.account_id, name="bench", days=1)
    return {"Authorization": f"Bearer {token}"}
