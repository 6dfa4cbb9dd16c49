"""The connection to PostgreSQL: psycopg's, with a short way through it for the hottest statements.

A step is a handful of statements, always the same ones. psycopg's cursors can do anything, and take
longer over each of these than PostgreSQL itself; here a statement is prepared once a connection and
then only its values travel. Everything else goes through SQLAlchemy and psycopg as usual.
"""

from __future__ import annotations

import re
from binascii import hexlify
from collections import namedtuple as make_shape
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, Protocol, cast
from uuid import UUID

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.errors import DataError, error_from_result
from psycopg.generators import fetch_many, send
from psycopg.pq import ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult

_GOOD: Final = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
_IDLE: Final = TransactionStatus.IDLE
_OPEN: Final = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
_BINARY: Final = Format.BINARY

_Command = tuple[bytes, list[bytes | None]]
"""A prepared statement with its values."""


class Record(Protocol):
    """A row whose columns are attributes: of :meth:`Connection.fetch`, or of SQLAlchemy."""

    def __getattr__(self, name: str, /) -> Any: ...


class Connection(psycopg.Connection[Any]):
    """A connection that keeps its prepared statements, and asks several things at once.

    psycopg drops all prepared statements at every ROLLBACK, in case a table made in that
    transaction is gone. Ours are made by migrations only, and every read ends in a rollback:
    planning the statements of a step anew each time costs more than running them.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._ready: dict[str, _Prepared] = {}
        self._first: _Command | None = None
        self._waiting: list[tuple[_Command, Later | None]] = []
        self._on_the_way: list[Later | None] = []

    def read(self, statement: str, parameters: Mapping[str, Any]) -> list[Record]:
        """Return what :meth:`fetch` does, of a statement that changes nothing and locks nothing.

        When no transaction is open, none is begun for it.
        """
        if self._unanswered or self.pgconn.transaction_status != _IDLE:
            return self.fetch(statement, parameters)
        prepared = self._prepared_statement(statement)
        return prepared.rows(self._ask(prepared.command(parameters)))

    def fetch(self, statement: str, parameters: Mapping[str, Any]) -> list[Record]:
        """Return the rows of a statement with ``%(name)s`` in the place of values.

        Values are numbers, texts, bytes, truths, days, moments, UUIDs, lists of these, or None.
        The statement stays prepared as long as the connection lives: never put values into its
        text. Raises psycopg's errors.
        """
        later = self.fetch_later(statement, parameters)
        self.send_waiting()
        return later.rows()

    def fetch_later(self, statement: str, parameters: Mapping[str, Any]) -> Later:
        """Carry out a statement together with what comes next, which may be the commit.

        What goes wrong is raised then, and nothing is committed.
        """
        prepared = self._prepared_statement(statement)
        later = Later(self, prepared)
        self._waiting.append((prepared.command(parameters), later))
        return later

    def run(self, statement: str, parameters: Mapping[str, Any]) -> None:
        """Carry out a statement as :meth:`fetch_later` does, when no rows are wanted."""
        command = self._prepared_statement(statement).command(parameters)
        self._waiting.append((command, None))

    def precede(self, statement: str, parameters: Mapping[str, Any]) -> None:
        """Carry out a statement before whatever comes next, in the same trip.

        It is left out if nothing comes but one statement and the commit: that is a transaction by
        itself, and has to look for itself.
        """
        self._first = self._prepared_statement(statement).command(parameters)

    def send_waiting(self) -> None:
        """Carry out now what waits for the next statement, if anything does."""
        if self._unanswered:
            self._send_waiting()

    def set_off(self) -> None:
        """Send what waits and go on, while the server works on it.

        The answers, and errors among them, come with the next statement, or the commit.
        """
        if self._waiting or self._first:
            self._put_on_the_way()
            self.pgconn.flush()

    def cursor(self, *args: Any, **more: Any) -> Any:
        """Return a cursor as psycopg does, once everything before it has been carried out."""
        self.send_waiting()
        return super().cursor(*args, **more)

    def commit(self) -> None:
        """Commit the pending transaction, if there is one."""
        if len(self._waiting) == 1 and self.pgconn.transaction_status == _IDLE:
            ((command, later),) = self._waiting
            self._waiting = []
            result = self._ask(command)
            if later is not None:
                later.receive(result)
        elif self._waiting or self._on_the_way:
            self.run("COMMIT", {})
            self._send_waiting()
        elif self.pgconn.transaction_status == TransactionStatus.INTRANS:
            _check(self.pgconn.exec_(b"COMMIT"))
        elif self.pgconn.transaction_status != _IDLE:
            super().commit()
        self._first = None

    def rollback(self) -> None:
        """Roll back to the start of the pending transaction, if there is one."""
        self._waiting.clear()
        self._first = None
        if self._on_the_way:
            self._answer_all()  # whatever they say
        status = self.pgconn.transaction_status
        if status == _IDLE:
            return
        if status in _OPEN:
            result = self.pgconn.exec_(b"ROLLBACK")
            if result.status == ExecStatus.COMMAND_OK:
                return
        super().rollback()

    def _deallocate(self, name: bytes | None) -> PQGen[None]:
        if name is None:  # psycopg drops all, because of a savepoint: ours are gone as well
            self._ready.clear()
        yield from super()._deallocate(name)

    def _prepared_statement(self, statement: str) -> _Prepared:
        found = self._ready.get(statement)
        if found is None:
            if self._on_the_way:  # preparing waits for its answer, and theirs come first
                self._send_waiting()
            query, names = _compiled(statement)
            name = b"guicheng_%d" % len(self._ready)
            _check(self.pgconn.prepare(name, query))
            found = self._ready[statement] = _Prepared(self, name, names)
        return found

    def _send_waiting(self) -> None:
        """Carry out what waits, all in one trip, and take in the answers of what is on its way."""
        if not self._on_the_way and self._alone:
            ((command, later),) = self._waiting
            self._waiting = []
            answers = [(later, self._ask(command))]
        else:
            self._put_on_the_way()
            answers = self._answer_all()
        for _, result in answers:
            _check(result)
        for later, result in answers:
            if later is not None:
                later.receive(result)

    @property
    def _unanswered(self) -> bool:
        return bool(self._waiting or self._first or self._on_the_way)

    @property
    def _alone(self) -> bool:
        """Whether one statement waits, in a transaction that has begun."""
        begun = self.autocommit or self.pgconn.transaction_status != _IDLE
        return begun and self._first is None and len(self._waiting) == 1

    def _put_on_the_way(self) -> None:
        """Hand what waits to libpq, with what has to go before it."""
        commands, first, self._waiting, self._first = self._waiting, self._first, [], None
        if first is not None:
            commands.insert(0, (first, None))
        if self.pgconn.transaction_status == _IDLE and not self.autocommit:
            commands.insert(0, (self._prepared_statement("BEGIN").command({}), None))
        if not self._on_the_way:
            self.pgconn.enter_pipeline_mode()
        for (name, values), later in commands:
            self._on_the_way.append(later)
            self.pgconn.send_query_prepared(name, values, None, _BINARY)

    def _answer_all(self) -> list[tuple[Later | None, PGresult]]:
        """Wait for the answers of all that is on its way."""
        asked, self._on_the_way = self._on_the_way, []
        try:
            self.pgconn.pipeline_sync()
            *results, _ = self.wait(self._answers(len(asked) + 1))  # a mark ends them
            self.pgconn.exit_pipeline_mode()
        except BaseException:
            self.close()  # nobody can say what has been answered so far
            raise
        return list(zip(asked, results, strict=True))

    def _ask(self, command: _Command) -> PGresult:
        # The stubs forget that NULL is sent as None.
        return _check(self.pgconn.exec_prepared(*command, None, _BINARY))  # type: ignore[arg-type]

    def _answers(self, count: int) -> PQGen[list[PGresult]]:
        yield from send(self.pgconn)
        answers = []
        for _ in range(count):
            answers += yield from fetch_many(self.pgconn)
        return answers


class _Prepared:
    """A statement as a connection has prepared it: how its values go and its rows come."""

    def __init__(self, connection: Connection, name: bytes, parameters: tuple[str, ...]) -> None:
        self._name = name
        self._parameters = parameters
        self._transformer = Transformer(connection)
        self._make: Callable[[Sequence[Any]], Any] | None = None

    def command(self, parameters: Mapping[str, Any]) -> _Command:
        return self._name, [_dumped(parameters[name]) for name in self._parameters]

    def rows(self, result: PGresult) -> list[Record]:
        new = self._make is None
        self._transformer.set_pgresult(result, set_loaders=new, format=_BINARY)
        if new:
            columns = [result.fname(index) or b"" for index in range(result.nfields)]
            self._make = _shape(tuple(column.decode() for column in columns))
        assert self._make is not None
        return cast("list[Record]", self._transformer.load_rows(0, result.ntuples, self._make))


class Later:
    """The rows of a statement that has been sent, or will be with what comes next."""

    def __init__(self, connection: Connection, statement: _Prepared) -> None:
        self._connection = connection
        self._statement = statement
        self._rows: list[Record] | None = None

    def rows(self) -> list[Record]:
        """Return the rows, asking for them now if need be."""
        if self._rows is None:
            self._connection.send_waiting()
        assert self._rows is not None, "the statement was rolled back"
        return self._rows

    def receive(self, result: PGresult) -> None:
        """Take the rows over from the answer."""
        self._rows = self._statement.rows(result)


def _check(result: PGresult) -> PGresult:
    if result.status not in _GOOD:
        raise error_from_result(result)
    return result


@lru_cache(maxsize=512)
def _compiled(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the statement as PostgreSQL has it, ``$1`` …, and the names in that order."""
    names: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        return f"${names.setdefault(found[1], len(names) + 1)}"

    return re.sub(r"%\((\w+)\)s|%%", number, statement).encode(), tuple(names)


@lru_cache(maxsize=512)
def _shape(columns: tuple[str, ...]) -> Callable[[Sequence[Any]], Any]:
    """Return what turns the values of a row into a record."""
    return cast("Callable[[Sequence[Any]], Any]", cast(Any, make_shape("Row", columns))._make)


# --- values as PostgreSQL reads them --------------------------------------------------------------


def _text(value: str) -> bytes:
    if "\0" in value:
        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return value.encode()


def _array(values: list[Any]) -> bytes:
    return b"{" + b",".join(map(_element, values)) + b"}"


def _element(value: Any) -> bytes:
    dumped = _dumped(value)
    if dumped is None:
        return b"NULL"
    if isinstance(value, int):
        return dumped
    return b'"' + dumped.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


_DUMPERS: Mapping[type, Callable[[Any], bytes]] = {
    bool: lambda value: b"t" if value else b"f",
    int: lambda value: b"%d" % value,
    str: _text,
    bytes: lambda value: b"\\x" + hexlify(value),
    date: lambda value: value.isoformat().encode(),
    datetime: lambda value: value.isoformat().encode(),
    UUID: lambda value: value.hex.encode(),
    list: _array,
}


def _dumped(value: Any) -> bytes | None:
    if value is None:
        return None
    return (_DUMPERS.get(type(value)) or _inherited(type(value)))(value)


def _inherited(kind: type) -> Callable[[Any], bytes]:
    for ancestor in kind.__mro__:
        if (dumper := _DUMPERS.get(ancestor)) is not None:
            return dumper
    raise TypeError(f"no parameter of a statement: {kind.__name__}")
