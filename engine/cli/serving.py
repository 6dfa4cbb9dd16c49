"""``guicheng serve`` and ``guicheng worker``: the web server and the background jobs."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType

import click
import structlog

from engine import postgres
from engine.cli.context import application
from engine.settings import Settings

log = structlog.get_logger(__name__)

RESTART_SECONDS = 2.0
_PR_SET_PDEATHSIG = 1


@click.command()
@click.option("--concurrency", default=2, show_default=True, help="同时执行的作业数")
@click.option("--once", is_flag=True, help="执行完现有作业后退出")
def worker(concurrency: int, once: bool) -> None:
    """执行后台作业：定时、消息、巡检。可在多台机器上同时运行。"""
    from engine.jobs import run_worker

    with application(pool_size=concurrency + 1) as app:
        where = app.extensions["guicheng.addresses"]
        run_worker(app, where.app, concurrency=concurrency, wait=not once)


@click.command()
@click.option("--processes", default=2, show_default=True, help="网页进程数")
@click.option("--threads", default=4, show_default=True, help="每个网页进程的线程数")
@click.option("--without-worker", is_flag=True, help="不启动后台作业进程")
def serve(processes: int, threads: int, without_worker: bool) -> None:
    """启动网页服务和一个后台作业进程。"""
    with application():
        pass
    run(processes=processes, threads=threads, with_worker=not without_worker)


def run(*, processes: int = 2, threads: int = 4, with_worker: bool = True) -> None:
    """Run gunicorn and a worker until one of us is told to stop.

    A dead worker is restarted, and so is the embedded database: it recovers what was committed.
    """
    settings = Settings.from_environment()
    # Holding the server open here keeps it running while children come and go.
    postgres.addresses(settings)
    commands: dict[str, list[str]] = {
        "web": web_command(
            "web:create_app()",
            host=settings.host,
            port=settings.port,
            processes=processes,
            threads=threads,
        )
    }
    if with_worker:
        commands["worker"] = [sys.executable, "-m", "engine.cli", "worker"]
    _supervise(commands, lambda: keep_database(settings))


def web_command(
    application: str, *, host: str, port: int, processes: int, threads: int
) -> list[str]:
    """Return the command that serves a WSGI application."""
    return [
        *(sys.executable, "-m", "gunicorn", application, "--bind", f"{host}:{port}"),
        *("--workers", str(processes), "--threads", str(threads)),
        *("--worker-class", "gthread", "--keep-alive", "30", "--timeout", "120"),
        *("--graceful-timeout", "10", "--log-level", "warning"),
    ]


def keep_database(settings: Settings) -> None:
    """Start the embedded database again if it is no more; what was committed is recovered."""
    if not settings.database_url and not postgres.is_running(settings.data_dir):
        log.error("database_ended")
        postgres.addresses(settings)


def _supervise(commands: dict[str, list[str]], look: Callable[[], None]) -> None:
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    children = {name: _start(command) for name, command in commands.items()}
    try:
        while not stopping:
            time.sleep(0.5)
            look()
            for name, child in children.items():
                if child.poll() is None or stopping:
                    continue
                log.error("process_ended", process=name, status=child.returncode)
                if name == "web":
                    raise click.ClickException("网页服务已退出，详见日志。")
                time.sleep(RESTART_SECONDS)
                children[name] = _start(commands[name])
    finally:
        for child in children.values():
            child.terminate()
        for child in children.values():
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, preexec_fn=_die_with_parent(), start_new_session=True)  # noqa: S603
    # The command is built above from constants and settings. A session of its own keeps the
    # terminal's Ctrl-C with the parent, which stops the children in order.


def _die_with_parent() -> Callable[[], None] | None:
    """Return a hook that makes Linux end the child when this process is killed."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def hook() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return hook
