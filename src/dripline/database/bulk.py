"""Many rows in one statement, handed to the driver through the session's own connection.

A batch costs one round trip: `executemany` on SQLite, arrays and `unnest` on PostgreSQL:
twice the rows a second of the ORM's way. The statements themselves stand in the rooms'
`queries.py`.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

_SMALLEST = 8


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as each database wants it.

    For `write`, SQLite's takes one row (`?`), PostgreSQL's one array a column (`$1`, …).
    For `read`, both say `{keys}` after IN, and further parameters follow as named by each.
    """

    sqlite: str
    postgresql: str


async def write(
    session: AsyncSession, statement: Statement, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Execute the statement for every row; UUIDs are converted for the database."""
    if not rows:
        return
    connection = await session.connection()
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql(statement.sqlite, [_for_sqlite(row) for row in rows])
    else:
        await connection.exec_driver_sql(
            statement.postgresql, tuple(list(column) for column in zip(*rows, strict=True))
        )


async def read(
    session: AsyncSession,
    statement: Statement,
    keys: Iterable[uuid.UUID],
    *parameters: Any,
) -> Sequence[Any]:
    """Return the rows whose key is one of `keys`; the keys come first among the parameters."""
    wanted = list(keys)
    if not wanted:
        return []
    connection = await session.connection()
    if connection.dialect.name != "sqlite":
        result = await connection.exec_driver_sql(statement.postgresql, (wanted, *parameters))
        return result.fetchall()
    padded = [key.bytes for key in wanted]
    # Repeating the last key keeps the number of different statements, and so of parses, small.
    padded += padded[-1:] * (_size(len(padded)) - len(padded))
    sql = statement.sqlite.replace("{keys}", ",".join("?" * len(padded)))
    result = await connection.exec_driver_sql(sql, (*padded, *_for_sqlite(parameters)))
    return result.fetchall()


async def run(session: AsyncSession, statement: Statement, *parameters: Any) -> Sequence[Any]:
    """Execute the statement once; return its rows, if it has any."""
    connection = await session.connection()
    if connection.dialect.name == "sqlite":
        result = await connection.exec_driver_sql(statement.sqlite, _for_sqlite(parameters))
    else:
        result = await connection.exec_driver_sql(statement.postgresql, parameters)
    return result.fetchall() if result.returns_rows else []


def as_uuid(value: Any) -> uuid.UUID:
    """Return the UUID that a driver read: bytes from SQLite, a UUID from PostgreSQL."""
    return uuid.UUID(bytes=value) if isinstance(value, bytes) else value


def _for_sqlite(row: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(value.bytes if isinstance(value, uuid.UUID) else value for value in row)


def _size(count: int) -> int:
    size = _SMALLEST
    while size < count:
        size *= 2
    return size
