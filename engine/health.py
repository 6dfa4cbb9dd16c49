"""Is this installation well? Each thing that is not gives one reason."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from engine.errors import N_

WORKER_SILENCE_SECONDS = 60
"""A worker beats every ten seconds; after this much silence it counts as gone."""


def check(session: Session, pending_migrations: Callable[[], list[str]]) -> list[str]:
    """Return what is wrong (nothing: all is well): the database, the migrations, the worker."""
    try:
        session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        session.rollback()
        return [N_("数据库无法连接")]
    if pending_migrations():
        return [N_("数据库结构不是最新的，请运行 guicheng db upgrade")]
    alive = session.execute(
        text(
            "SELECT count(*) FROM procrastinate_workers"
            " WHERE last_heartbeat > now() - make_interval(secs => :silence)"
        ),
        {"silence": WORKER_SILENCE_SECONDS},
    ).scalar_one()
    return [] if alive else [N_("后台作业进程没有运行，请运行 guicheng worker")]
