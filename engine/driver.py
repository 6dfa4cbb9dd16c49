"""The connection to PostgreSQL: psycopg's, with a short way through it for the hottest statements.

A step is a handful of statements, always the same ones. psycopg's cursors can do anything, and take
longer over each of these than PostgreSQL itself; here a statement is prepared once a connection and
then only its values travel. Everything else goes through SQLAlchemy and psycopg as usual.
"""

from __future__ import annotations

import re
import select
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
from psycopg.pq import ExecStatus, Format, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGresult

_GOOD: Final = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
_OPEN: Final = (TransactionStatus.INTRANS, TransactionStatus.INERROR)


_Command = tuple[bytes, list[bytes | None], list[Format] | None]
"""A prepared statement with its values; without formats, a plain command."""
_BEGIN: Final[_Command] = (b"BEGIN", [], None)
_COMMIT: Final[_Command] = (b"COMMIT", [], None)


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
        self._ready: dict[str, bytes] = {}
        self._waiting: list[tuple[_Command, Later | None]] = []

    def fetch(self, statement: str, parameters: Mapping[str, Any]) -> list[Record]:
        """Return the rows of a statement with ``%(name)s`` in the place of values.

        Values are numbers, texts, bytes, truths, days, moments, UUIDs, lists of these, or None.
        The statement stays prepared as long as the connection lives: never put values into its
        text. Raises psycopg's errors.
        """
        later = Later(self, statement)
        self._send((self._command(statement, parameters), later))
        return later.rows()

    def fetch_later(self, statement: str, parameters: Mapping[str, Any]) -> Later:
        """Carry out a statement together with what comes next, which may be the commit.

        What goes wrong is raised then, and nothing is committed.
        """
        later = Later(self, statement)
        self._waiting.append((self._command(statement, parameters), later))
        return later

    def run(self, statement: str, parameters: Mapping[str, Any]) -> None:
        """Carry out a statement as :meth:`fetch_later` does, when no rows are wanted."""
        self._waiting.append((self._command(statement, parameters), None))

    def cursor(self, *args: Any, **more: Any) -> Any:
        """Return a cursor as psycopg does, once everything before it has been carried out."""
        self.send_waiting()
        return super().cursor(*args, **more)

    def commit(self) -> None:
        """Commit the pending transaction, if there is one."""
        if self._waiting:
            self._send((_COMMIT, None))
        elif self.info.transaction_status == TransactionStatus.INTRANS:
            _check(self.pgconn.exec_(b"COMMIT"))
        else:
            super().commit()

    def rollback(self) -> None:
        """Roll back to the start of the pending transaction, if there is one."""
        self._waiting.clear()
        if self.info.transaction_status in _OPEN:
            result = self.pgconn.exec_(b"ROLLBACK")
            if result.status == ExecStatus.COMMAND_OK:
                return
        super().rollback()

    def _deallocate(self, name: bytes | None) -> PQGen[None]:
        if name is None:  # psycopg drops all, because of a savepoint: ours are gone as well
            self._ready.clear()
        yield from super()._deallocate(name)

    def _command(self, statement: str, parameters: Mapping[str, Any]) -> _Command:
        query, names = _compiled(statement)
        prepared = self._ready.get(statement)
        if prepared is None:
            prepared = b"guicheng_%d" % len(self._ready)
            _check(self.pgconn.prepare(prepared, query))
            self._ready[statement] = prepared
        values = [parameters[name] for name in names]
        formats = [Format.BINARY if isinstance(value, bytes) else Format.TEXT for value in values]
        return prepared, [_dumped(value) for value in values], formats

    def send_waiting(self) -> None:
        """Carry out now what waits for the next statement, if anything does."""
        if self._waiting:
            self._send()

    def _send(self, *last: tuple[_Command, Later | None]) -> None:
        """Carry out what waits and then ``last``, all in one trip."""
        commands = [*self._waiting, *last]
        self._waiting.clear()
        if self.info.transaction_status == TransactionStatus.IDLE and not self.autocommit:
            commands.insert(0, (_BEGIN, None))
        if len(commands) == 1:
            prepared, values, formats = commands[0][0]
            # The stubs forget that NULL is sent as None.
            results = [
                self.pgconn.exec_prepared(prepared, values, formats, Format.BINARY)  # type: ignore[arg-type]
            ]
        else:
            try:
                results = self._send_together([command for command, _ in commands])
            except BaseException:
                self.close()  # nobody can say what has been answered so far
                raise
        for result in results:
            _check(result)
        for (_, later), result in zip(commands, results, strict=True):
            if later is not None:
                later.receive(result)

    def _send_together(self, commands: list[_Command]) -> list[PGresult]:
        connection = self.pgconn
        connection.enter_pipeline_mode()
        for prepared, values, formats in commands:
            if formats is None:
                connection.send_query_params(prepared, None)
            else:
                connection.send_query_prepared(prepared, values, formats, Format.BINARY)
        connection.pipeline_sync()
        while connection.flush():
            self._wait(select.POLLIN | select.POLLOUT)
        results = [self._result() for _ in commands]
        if self._next() is None or connection.pipeline_status != PipelineStatus.ON:
            raise psycopg.OperationalError("the connection is out of step")
        connection.exit_pipeline_mode()
        return results

    def _result(self) -> PGresult:
        """Return the result of the next command, with the mark that ends it taken off."""
        result = self._next()
        if result is None or self._next() is not None:
            raise psycopg.OperationalError("the connection is out of step")
        return result

    def _next(self) -> PGresult | None:
        while self.pgconn.is_busy():
            self._wait(select.POLLIN)
        return self.pgconn.get_result()

    def _wait(self, events: int) -> None:
        """Wait for the server while other threads go on."""
        poll = select.poll()
        poll.register(self.pgconn.socket, events)
        poll.poll()
        self.pgconn.consume_input()


class Later:
    """The rows of a statement that has been sent, or will be with what comes next."""

    def __init__(self, connection: Connection, statement: str) -> None:
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
        transformer = Transformer(self._connection)
        transformer.set_pgresult(result, format=Format.BINARY)
        made = transformer.load_rows(0, result.ntuples, _row_maker(self._statement, result))
        self._rows = cast("list[Record]", made)


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


_makers: dict[str, Callable[[Sequence[Any]], Any]] = {}


def _row_maker(statement: str, result: PGresult) -> Callable[[Sequence[Any]], Any]:
    """Return what turns the values of a row into a record; the same for every result."""
    if (found := _makers.get(statement)) is None:
        names = [(result.fname(index) or b"").decode() for index in range(result.nfields)]
        shape = cast(Any, make_shape("Row", names))
        found = _makers[statement] = shape._make
    return found


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
    bytes: lambda value: value,
    date: lambda value: value.isoformat().encode(),
    datetime: lambda value: value.isoformat().encode(),
    UUID: lambda value: value.hex.encode(),
    list: _array,
}


def _dumped(value: Any) -> bytes | None:
    if value is None:
        return None
    for kind in type(value).__mro__:
        if (dumper := _DUMPERS.get(kind)) is not None:
            return dumper(value)
    raise TypeError(f"no parameter of a statement: {type(value).__name__}")
