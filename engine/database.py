"""The Flask-SQLAlchemy object and :func:`unit_of_work`, the only place that commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol, cast

import psycopg
import structlog
from flask_sqlalchemy import SQLAlchemy
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.rows import namedtuple_row
from sqlalchemy import DateTime, Engine, MetaData, event
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from engine.errors import GuichengError

APP_ROLE = "guicheng_app"
"""The database role the application acts in. It cannot change or remove a ledger entry."""

log = structlog.get_logger(__name__)


class Base(DeclarativeBase):
    """Base of all tables. Constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(
    model_class=Base,
    session_options={
        "expire_on_commit": False,
        "autoflush": False,
        # Only matters to a test that gives us a connection with a transaction of its own.
        "join_transaction_mode": "create_savepoint",
    },
)


class Moment(TypeDecorator[datetime]):
    """A point in time: aware in Python, ``timestamptz`` in the database, read back as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)


def engine_options(url: str, *, pool_size: int = 10) -> dict[str, Any]:
    """Return options for an engine that acts as :data:`APP_ROLE` whoever logs in."""
    return {
        "pool_size": pool_size,
        "max_overflow": pool_size,
        "pool_pre_ping": False,
        # An unexpected error must not carry what people typed into the log.
        "hide_parameters": True,
        "connect_args": {"options": f"-c role={APP_ROLE} -c timezone=UTC -c jit=off"},
    }


class Connection(psycopg.Connection[Any]):
    """A connection that keeps its prepared statements over a rollback.

    psycopg drops them all at every ROLLBACK, in case a table made in that transaction is gone. Ours
    are made by migrations only, and every read ends in a rollback: planning the statements of a
    step anew each time costs more than running them.
    """

    def rollback(self) -> None:
        """Roll back to the start of the pending transaction, if there is one."""
        if self.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            result = self.pgconn.exec_(b"ROLLBACK")
            if result.status == ExecStatus.COMMAND_OK:
                return
        super().rollback()


def keep_statements(engine: Engine) -> None:
    """Let an engine make connections of class :class:`Connection`."""

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Dialect, record: Any, args: list[Any], params: dict[str, Any]) -> Any:
        return Connection.connect(*args, **params)


class Record(Protocol):
    """A row whose columns are attributes: of :func:`fetch`, or of SQLAlchemy."""

    def __getattr__(self, name: str, /) -> Any: ...


def fetch(session: Session, statement: str, parameters: Mapping[str, Any]) -> list[Record]:
    """Return the rows of a statement written for psycopg, in the session's transaction.

    For the few statements of which every step is made: SQLAlchemy takes longer to describe a row of
    thirty columns than PostgreSQL to find it. Errors are psycopg's own.
    """
    with _driver(session).cursor(row_factory=namedtuple_row) as cursor:
        rows = cursor.execute(statement, parameters, binary=True).fetchall()
    return cast("list[Record]", rows)


def run(session: Session, statement: str, parameters: Mapping[str, Any]) -> None:
    """Carry out a statement written for psycopg that returns nothing."""
    with _driver(session).cursor() as cursor:
        cursor.execute(statement, parameters)


def _driver(session: Session) -> psycopg.Connection[Any]:
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def sqlalchemy_url(url: str) -> str:
    """Return ``url`` with our driver named: ``postgresql+psycopg://…``."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    raise ValueError("DATABASE_URL must be a postgresql:// URL")


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """Run a block in one transaction: all of it is committed, or none.

    Effects on the world outside the database (signals) are handed to :func:`after_commit` and run
    once the commit has succeeded. A block must not be nested in another: a command is one step.
    """
    session = db.session()
    if session.info.get("in_unit"):
        raise RuntimeError("unit_of_work() is not nested: one command is one transaction")
    session.info["in_unit"] = True
    session.info["effects"] = []
    try:
        if session.in_transaction():
            _start_from_now(session)
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        session.info["effects"] = []
        raise
    finally:
        session.info["in_unit"] = False
    effects: list[Callable[[], object]] = session.info.pop("effects", [])
    for effect in effects:
        try:
            effect()
        except GuichengError as error:
            log.warning("after_commit_failed", error=error.code)
        except Exception:
            # The step is committed and must stay so; a broken receiver is a matter for the log.
            log.exception("after_commit_failed")


def _start_from_now(session: Session) -> None:
    """Go on in the transaction that a read before the command has left open.

    Each statement sees what is committed when it begins (READ COMMITTED), so only what the session
    remembers has to be forgotten. Whatever else may hang on the transaction is rolled back.
    """
    clean = not (session.new or session.dirty or session.deleted)
    if clean and _driver(session).info.transaction_status == TransactionStatus.INTRANS:
        session.expire_all()
    else:
        session.rollback()


def after_commit(session: Session, effect: Callable[[], object]) -> None:
    """Run ``effect`` once the current unit of work has been committed; never if it fails."""
    session.info.setdefault("effects", []).append(effect)
