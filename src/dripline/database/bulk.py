"""Many rows in one statement, handed to the driver under the session's own connection.

A batch costs one round trip: `executemany` on SQLite, arrays and `unnest` on PostgreSQL: several
times the rows a second of the ORM's way. The statements themselves stand in `queries.py` of a room.

On SQLite they run right here, in the event loop's thread, some microseconds a row. The driver's own
thread would have to win Python's lock from the loop for every single row, and a busy loop gives it
up every five milliseconds. What may wait for others (BEGIN) or for the disk (COMMIT) stays there.
"""

import re
import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from itertools import chain
from typing import Any, NamedTuple

import orjson
from asyncpg.pgproto import pgproto
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from dripline.database.drivers import file_of, translated
from dripline.database.types import utc_text

_SMALLEST = 8
_STORED_LENGTH = len("2026-01-31T09:00:00.000000Z")
_TEXT_LENGTH = _STORED_LENGTH + len('"",')
_CONNECTION = "bulk_connection"
_NO_TRANSACTION = object()
_ARRAY = re.compile(r"(\$\d+)::(\w+\[\])")
_KEYS = re.compile(r"(\$1)::(\w+\[\])")
# What JSON writes otherwise than an array's text: a control character as a letter or a number.
_CONTROL = re.compile(rb"(?<!\\)(?:\\\\)*\\[^\"\\]")

# As the column types store them. PostgreSQL's driver brings its own UUID, which is several times
# faster to make and to compare; what SQLite reads becomes one too.
sqlite3.register_adapter(uuid.UUID, lambda value: value.bytes)
sqlite3.register_adapter(pgproto.UUID, lambda value: value.bytes)
sqlite3.register_adapter(datetime, utc_text)
_UUID_TEXT = pgproto.UUID.__str__


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as each database wants it.

    For `write`, SQLite's takes one row (`?`), PostgreSQL's one array a column (`$1`, …).
    For `read`, both say `{keys}` after IN, and further parameters follow as named by each.
    """

    sqlite: str
    postgresql: str


def same(sql: str) -> Statement:
    """Return a statement that both databases understand; `?` stands for each parameter."""
    parts = sql.split("?")
    numbered = "".join(f"{part}${place}" for place, part in enumerate(parts[:-1], 1)) + parts[-1]
    return Statement(sqlite=sql, postgresql=numbered)


class Table(NamedTuple):
    """A table, and the columns that rows bring."""

    name: str
    columns: tuple[str, ...]


async def write(
    session: AsyncSession, statement: Statement, rows: Sequence[tuple[Any, ...]]
) -> Sequence[Any]:
    """Execute the statement for every row; return what PostgreSQL's says (RETURNING)."""
    if not rows:
        return ()
    connection = await _connection(session)
    if connection.dialect.name == "sqlite":
        _many_on_sqlite(connection, statement.sqlite, rows)
        return ()
    sql, columns = _with_texts(statement.postgresql), zip(*rows, strict=True)
    return await _on_postgresql(connection, sql, tuple(map(_array, columns)))


async def write_if_all(
    session: AsyncSession, statement: str, rows: Sequence[tuple[Any, ...]]
) -> bool:
    """Execute the statement for every row on SQLite if each finds its one row; else for none.

    Return whether it did. Two thirds of the time of asking each row what it found.
    """
    if not rows:
        return True
    connection = await _connection(session)
    _on_sqlite(connection, "SAVEPOINT all_of_them", ())
    all_found = _many_on_sqlite(connection, statement, rows) == len(rows)
    if not all_found:
        _on_sqlite(connection, "ROLLBACK TO all_of_them", ())
    _on_sqlite(connection, "RELEASE all_of_them", ())
    return all_found


async def append(session: AsyncSession, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows that cannot be there already: a conflict is an error.

    PostgreSQL takes them by COPY, half the work of arrays.
    """
    if not rows:
        return
    connection = await _connection(session)
    if connection.dialect.name == "sqlite":
        _many_on_sqlite(connection, _insertion(table), rows)
    else:
        await _copy(connection, table, rows)


async def read(
    session: AsyncSession,
    statement: Statement,
    keys: Iterable[uuid.UUID | bytes | str],
    *parameters: Any,
) -> Sequence[Any]:
    """Return the rows whose key is one of `keys`, or delete them.

    The keys come first among the parameters; as they were read will do. All of them are texts, or
    none is.
    """
    wanted = list(keys)
    if not wanted:
        return []
    connection = await _connection(session)
    if connection.dialect.name != "sqlite":
        sql = _with_keys(statement.postgresql)
        return await _on_postgresql(connection, sql, (_array(wanted), *parameters))
    # Repeating the last key keeps the number of different statements, and so of parses, small.
    wanted += wanted[-1:] * (_size(len(wanted)) - len(wanted))
    sql = statement.sqlite.replace("{keys}", ",".join("?" * len(wanted)))
    stored = wanted if isinstance(wanted[0], str) else map(_blob, wanted)  # type: ignore[arg-type]
    return _on_sqlite(connection, sql, (*stored, *parameters))


async def run(session: AsyncSession, statement: Statement, *parameters: Any) -> Sequence[Any]:
    """Execute the statement once; return its rows, if it has any."""
    connection = await _connection(session)
    if connection.dialect.name == "sqlite":
        return _on_sqlite(connection, statement.sqlite, parameters)
    return await _on_postgresql(connection, statement.postgresql, parameters)


def as_uuid(value: Any) -> uuid.UUID:
    """Return the UUID that a driver read: bytes from SQLite, a UUID from PostgreSQL."""
    found: uuid.UUID = pgproto.UUID(value) if isinstance(value, bytes) else value
    return found


def as_moment(value: Any) -> datetime:
    """Return the moment that a driver read: a text from SQLite, a moment from PostgreSQL."""
    found: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found


async def _connection(session: AsyncSession) -> AsyncConnection:
    """Return the transaction's connection; asking the session costs more than a small statement.

    A savepoint is only set when the session is asked for the first time since it was begun.
    """
    known: tuple[Any, AsyncConnection] | None = session.info.get(_CONNECTION)
    if known is not None and known[0] is _innermost(session):
        return known[1]
    connection = await session.connection()
    session.info[_CONNECTION] = (_innermost(session), connection)
    return connection


def _innermost(session: AsyncSession) -> Any:
    sync = session.sync_session
    return sync.get_nested_transaction() or sync.get_transaction() or _NO_TRANSACTION


def _on_sqlite(connection: AsyncConnection, sql: str, parameters: Any) -> Sequence[Any]:
    try:
        return file_of(connection.sync_connection).execute(sql, parameters).fetchall()
    except sqlite3.Error as error:
        raise _translated_from_sqlite(sql, error) from error


def _translated_from_sqlite(sql: str, error: sqlite3.Error) -> BaseException:
    """Return the error as it would have come through SQLAlchemy: callers ask for its type."""
    return DBAPIError.instance(sql, None, error, sqlite3.Error)


def _many_on_sqlite(connection: AsyncConnection, sql: str, rows: Sequence[tuple[Any, ...]]) -> int:
    """Execute a statement for every row, a column at a time made what SQLite stores.

    Return how many rows of the table it changed.

    The driver's own way asks about each value whether it adapts, and longest about None: so columns
    that are empty throughout stand in the statement as NULL.
    """
    columns = list(zip(*rows, strict=True))
    empty = tuple(
        place
        for place, values in enumerate(columns)
        if values[0] is None and values.count(None) == len(values)
    )
    if empty:
        sql = _with_nulls(sql, empty)
    stored = [_stored(values) for place, values in enumerate(columns) if place not in empty]
    file = file_of(connection.sync_connection)
    try:
        return file.executemany(sql, zip(*stored, strict=True)).rowcount
    except sqlite3.Error as error:
        raise _translated_from_sqlite(sql, error) from error


@lru_cache(maxsize=1024)
def _with_nulls(sql: str, places: tuple[int, ...]) -> str:
    """Return a statement with NULL for its parameters at these places; none of them is numbered."""
    pieces = sql.split("?")
    marks = ("NULL" if place in places else "?" for place in range(len(pieces) - 1))
    return "".join(chain.from_iterable(zip(pieces, marks))) + pieces[-1]  # noqa: B905


def _stored(values: Sequence[Any]) -> Sequence[Any]:
    """Return a column as SQLite stores it; what begins with None the driver's adapters convert."""
    match values[0]:
        case uuid.UUID():
            try:
                return [bytearray(value.bytes) for value in values]
            except AttributeError:
                return [value and _blob(value) for value in values]
        case bytes():
            return [value and _blob(value) for value in values]
        case datetime():
            return _texts(values)
        case _:
            return values


def _blob(value: uuid.UUID | bytes) -> bytearray:
    """Return a key as SQLite stores it. The driver asks about every `bytes` whether it adapts."""
    return bytearray(value if isinstance(value, bytes) else value.bytes)


def _texts(moments: Sequence[datetime | None]) -> Sequence[str | None]:
    """Return moments as SQLite stores them: all in one go, a tenth of the time of one by one."""
    joined = orjson.dumps(moments, option=orjson.OPT_UTC_Z)
    if len(joined) == len(moments) * _TEXT_LENGTH + 1:
        return joined[2:-2].decode().split('","')
    # Some are None, or whole seconds, which come out shorter than they are stored.
    return [
        text if moment is None or len(text) == _STORED_LENGTH else utc_text(moment)
        for text, moment in zip(orjson.loads(joined), moments, strict=True)
    ]


@cache
def _insertion(table: Table) -> str:
    marks = ", ".join("?" * len(table.columns))
    return f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})"  # noqa: S608


@cache
def _with_texts(sql: str) -> str:
    """Return a statement that takes its arrays as texts (`$1::bigint[]`)."""
    return _ARRAY.sub(r"\1::text::\2", sql)


@cache
def _with_keys(sql: str) -> str:
    """Return a statement that takes its keys as a text.

    In a SELECT of their own: where PostgreSQL goes through a table, as it does through one that
    grew since it was looked at, it would read the text anew for each row.
    """
    return _KEYS.sub(r"((SELECT \1::text::\2)::\2)", sql)


def _array(values: Sequence[Any]) -> str:
    """Return a column as the text of an array: a fifth of the time of the driver's own way.

    The driver asks of each element whether it is a container, in Python. JSON writes numbers,
    moments, null and quoted texts as PostgreSQL reads them in an array.
    """
    try:
        dumped = orjson.dumps(values, default=_UUID_TEXT, option=orjson.OPT_UTC_Z)
    except TypeError:
        if not all(value is None or isinstance(value, str) for value in values):
            raise
        return _array_of_texts(values)  # half a surrogate pair: the driver says so
    if b"\\" in dumped and _CONTROL.search(dumped):
        return _array_of_texts(values)
    return f"{{{dumped[1:-1].decode()}}}"


def _array_of_texts(values: Sequence[Any]) -> str:
    """Return a column of texts that JSON cannot write as PostgreSQL reads them."""
    quoted = (
        "NULL" if text is None else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for text in values
    )
    return f"{{{','.join(quoted)}}}"


async def _copy(connection: AsyncConnection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    driver = await _driver(connection)
    with translated(f"COPY {table.name}"):
        await driver.copy_records_to_table(table.name, columns=table.columns, records=rows)


async def _on_postgresql(
    connection: AsyncConnection, sql: str, parameters: tuple[Any, ...]
) -> Sequence[Any]:
    driver = await _driver(connection)
    with translated(sql):
        rows: Sequence[Any] = await driver.fetch(sql, *parameters)
    return rows


async def _driver(connection: AsyncConnection) -> Any:
    """Return the driver's connection, in the transaction: a third of the time of the long way."""
    pooled: Any = connection.sync_connection
    driver = pooled.connection.driver_connection
    if not driver.is_in_transaction():
        # SQLAlchemy begins one with the first statement it sees. This one it need not see.
        try:
            await pooled.connection.dbapi_connection._start_transaction()  # noqa: SLF001
        except BaseException:
            # Cancelled, it may have begun all the same, and nobody would end it: whoever came next
            # upon this connection would work in it, and commit nothing.
            pooled.invalidate()
            raise
    return driver


def _size(count: int) -> int:
    size = _SMALLEST
    while size < count:
        if size * 3 // 2 >= count:
            return size * 3 // 2
        size *= 2
    return size
