"""Small questions, asked again and again whether or not anything has happened.

A duty that has nothing to do still looks, every second. A session and a transaction cost ten times
what such a look does, so looks have a connection of their own and no transaction: on SQLite right
here in the event loop's thread, where some microseconds answer them and no writer is waited for, on
PostgreSQL with one round trip.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from dripline.database.drivers import file_of, translated

Rows = Sequence[Any]


class FileGlances:
    """Looks at a SQLite file; one in memory has a single connection, which is looked at as well."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._file: sqlite3.Connection | None = None

    async def ask(self, sql: str, parameters: Sequence[Any]) -> Rows:
        """Return the rows; raises as SQLAlchemy would."""
        if self._engine.url.database in {None, "", ":memory:"}:
            async with self._engine.connect() as connection:
                return self._rows(file_of(connection.sync_connection), sql, parameters)
        return self._rows(self._opened(), sql, parameters)

    def _opened(self) -> sqlite3.Connection:
        if self._file is None:
            self._file = sqlite3.connect(
                str(self._engine.url.database),
                timeout=0.05,  # nobody is waited for, but the first after a crash
                isolation_level=None,
                check_same_thread=False,
            )
        return self._file

    def _rows(self, file: sqlite3.Connection, sql: str, parameters: Sequence[Any]) -> Rows:
        try:
            return file.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise DBAPIError.instance(sql, None, error, sqlite3.Error) from error

    async def close(self) -> None:
        """Close the connection."""
        if self._file is not None:
            self._file.close()
            self._file = None


class ServerGlances:
    """Looks into PostgreSQL by one connection, held for as long as it lives."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._held: Any = None
        self._one_at_a_time = asyncio.Lock()

    async def ask(self, sql: str, parameters: Sequence[Any]) -> Rows:
        """Return the rows; raises as SQLAlchemy would."""
        async with self._one_at_a_time:
            if self._held is None or self._held.driver_connection.is_closed():
                await self.close()
                self._held = await self._engine.raw_connection()
            try:
                with translated(sql):
                    rows: Rows = await self._held.driver_connection.fetch(sql, *parameters)
            except BaseException:
                await self.close()  # nobody knows what state it is in; the next one makes another
                raise
        return rows

    async def close(self) -> None:
        """Close the connection."""
        held, self._held = self._held, None
        if held is not None:
            with suppress(Exception):
                held.driver_connection.terminate()
            held.invalidate()
