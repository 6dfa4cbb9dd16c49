"""The Flask-SQLAlchemy object and :func:`unit_of_work`, the only place that commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import structlog
from flask_sqlalchemy import SQLAlchemy
from psycopg import OperationalError
from psycopg.pq import TransactionStatus
from sqlalchemy import DateTime, Engine, MetaData, Select, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session
from sqlalchemy.types import TypeDecorator

from engine.driver import Connection as Connection
from engine.driver import Later as Later
from engine.driver import Record as Record
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


def keep_statements(engine: Engine) -> None:
    """Let an engine make connections of class :class:`Connection`."""

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Dialect, record: Any, args: list[Any], params: dict[str, Any]) -> Any:
        return Connection.connect(*args, **params)


def fetch(session: Session, statement: str, parameters: Mapping[str, Any]) -> list[Record]:
    """Return the rows of a hot statement, see :class:`Connection`, in the session's transaction.

    For the few statements of which every step is made: SQLAlchemy takes longer to describe a row of
    thirty columns than PostgreSQL to find it. Errors are psycopg's own.
    """
    return _driver(session).fetch(statement, parameters)


def read(session: Session, statement: str, parameters: Mapping[str, Any]) -> list[Record]:
    """Return what :func:`fetch` does, of a statement that changes nothing and locks nothing.

    Such a read begins no transaction: it costs one command, and leaves none to be ended.
    """
    return _driver(session).read(statement, parameters)


def hot(statement: Select[Any]) -> Callable[..., list[Record]]:
    """Return a function that asks a SQLAlchemy statement as :func:`read` does.

    It takes the session, and the statement's parameters by name.
    """

    @cache
    def compiled() -> tuple[str, dict[str, Any]]:
        made = statement.compile(dialect=PGDialect_psycopg())  # type: ignore[no-untyped-call]
        return str(made), dict(made.params)

    def ask(session: Session, **parameters: Any) -> list[Record]:
        text, values = compiled()
        return read(session, text, {**values, **parameters})

    return ask


def fetch_later(session: Session, statement: str, parameters: Mapping[str, Any]) -> Later:
    """Carry out a hot statement with what comes next, the commit perhaps; its rows come then."""
    return _driver(session).fetch_later(statement, parameters)


def precede(session: Session, statement: str, parameters: Mapping[str, Any]) -> None:
    """Carry out a hot statement before whatever comes next, see :meth:`Connection.precede`."""
    _driver(session).precede(statement, parameters)


def run(session: Session, statement: str, parameters: Mapping[str, Any]) -> None:
    """Carry out a hot statement that returns nothing, with what comes next."""
    _driver(session).run(statement, parameters)


def set_off(session: Session) -> None:
    """Let the server begin with the statements that wait, see :meth:`Connection.set_off`."""
    _driver(session).set_off()


def _driver(session: Session) -> Connection:
    """Return the connection of the session's transaction, beginning one if there is none."""
    transaction = session.get_transaction()
    known: _Known | None = session.info.get("driver")
    if known is not None and known.transaction is transaction is not None:
        return known.driver
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, Connection)
    ours = isinstance(session.get_bind(), Engine)
    session.info["driver"] = _Known(session.get_transaction(), driver, ours)
    return driver


class _Known(NamedTuple):
    """The connection that a session uses as long as its transaction is this one."""

    transaction: object
    driver: Connection
    ours: bool
    """Nobody else has begun the transaction, who would commit it."""


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
        session.info["written"] = False
        yield session
        _commit(session)
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


def set_aside(session: Session) -> bool:
    """Empty a session for another request, and tell whether it can serve one.

    It keeps its connection, with no transaction left open on it. What has no connection, wrote
    through the ORM or has anything pending is to be closed as usual.
    """
    known: _Known | None = session.info.get("driver")
    if (
        known is None
        or not known.ours
        or known.transaction is not session.get_transaction()
        or session.in_nested_transaction()
        or not session._is_clean()
    ):
        return False
    try:
        known.driver.rollback()
    except OperationalError:
        return False
    if session.identity_map:
        session.expunge_all()
    return known.driver.pgconn.transaction_status == TransactionStatus.IDLE


def connection_lost(error: BaseException) -> bool:
    """Tell whether an error means that the connection to the database is gone.

    Nobody knows then whether what was just being committed stands.
    """
    found = getattr(error, "orig", None) or error
    if not isinstance(found, OperationalError):
        return False
    return found.sqlstate is None or found.sqlstate.startswith(("08", "57P"))


def forget_connections() -> None:
    """Drop what this thread holds and all that waits: what asks next gets a new connection."""
    if db.session.registry.has():
        db.session().invalidate()
    db.session.remove()
    db.engine.dispose()


def _start_from_now(session: Session) -> None:
    """Go on in the transaction that a read before the command has left open.

    Each statement sees what is committed when it begins (READ COMMITTED), so only what the session
    remembers has to be forgotten. Whatever else may hang on the transaction is rolled back.
    """
    status = _driver(session).pgconn.transaction_status
    if session._is_clean() and status in (TransactionStatus.INTRANS, TransactionStatus.IDLE):
        session.expire_all()
    else:
        session.rollback()


def _commit(session: Session) -> None:
    """Commit the session's transaction.

    Where nothing was written through it there is nothing that the session has to do: the connection
    is told itself, and the session keeps it for what comes next, instead of handing it back and
    fetching another.
    """
    known: _Known | None = session.info.get("driver")
    plain = not session.info["written"] and session._is_clean()
    if plain and known and known.ours and known.transaction is session.get_transaction():
        known.driver.commit()
    else:
        _driver(session).send_waiting()
        session.commit()


@event.listens_for(db.session, "after_flush")
def _note_flush(session: Session, context: object) -> None:
    session.info["written"] = True


@event.listens_for(db.session, "do_orm_execute")
def _note_writing(asked: ORMExecuteState) -> None:
    if asked.is_update or asked.is_insert or asked.is_delete:
        asked.session.info["written"] = True


class Changes:
    """Counts what this process writes besides steps: the directory, definitions, parameters."""

    def __init__(self) -> None:
        self.count = 0


changes = Changes()


@event.listens_for(db.session, "after_commit")
def _count_change(session: Session) -> None:
    changes.count += 1


def after_commit(session: Session, effect: Callable[[], object]) -> None:
    """Run ``effect`` once the current unit of work has been committed; never if it fails."""
    session.info.setdefault("effects", []).append(effect)
