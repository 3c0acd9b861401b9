"""The drivers beneath SQLAlchemy, for what its own way would take several times as long."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError


def file_of(connection: Any) -> sqlite3.Connection:
    """Return the SQLite connection beneath SQLAlchemy's, for what needs no thread of its own."""
    file: sqlite3.Connection = connection.connection.driver_connection._conn  # noqa: SLF001
    return file


@contextmanager
def translated(statement: str) -> Iterator[None]:
    """Raise what PostgreSQL's driver raises as it would have come through SQLAlchemy."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError(statement, None, error) from error
    except asyncpg.PostgresError as error:
        raise DBAPIError(statement, None, error) from error
    # The latter is what it says of a connection that ends between two steps of a statement.
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise InterfaceError(statement, None, error) from error
