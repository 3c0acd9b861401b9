"""Connections and transactions, on SQLite and PostgreSQL.

SQLite has one writer: writing transactions begin with BEGIN IMMEDIATE on a pool of one connection,
so that our own tasks wait in line instead of colliding, and readers run beside it (WAL).
"""

import random
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, StaticPool

from dripline.database.drivers import file_of
from dripline.database.glance import FileGlances, ServerGlances
from dripline.database.turns import Turns
from dripline.database.types import dump_json, load_json
from dripline.errors import Invalid

if TYPE_CHECKING:
    from dripline.database.bulk import Statement

_AFTER_COMMIT = "after_commit"
_JOURNAL_TRIES = 100
APPLICATION = "dripline"  # as the server lists our connections
_POSTGRES_SETTINGS = {
    "application_name": APPLICATION,
    "timezone": "UTC",
    # A process that stands still, or whose machine is gone, in the middle of a transaction must not
    # hold up the others for longer than a moment: ours last milliseconds.
    "idle_in_transaction_session_timeout": "10000",  # milliseconds
}
_URL_OPTIONS = frozenset({"ssl", "host", "port", "passfile", "prepared_statement_cache_size"})
_RELAXED_SETTINGS = {**_POSTGRES_SETTINGS, "synchronous_commit": "off"}
_RELAXED = "dripline_relaxed"
_RESTS_SINCE = "rests_since"
_TRUSTED_S = 1.0
_BUSY_MS = 20_000  # the command line beside a running server
_SQLITE_PRAGMAS = (
    "PRAGMA synchronous=FULL",  # a commit that was answered survives a power cut
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={_BUSY_MS}",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA wal_autocheckpoint=8000",  # pages, 32 MB: a page written often is copied back once
)


class Database:
    """One database: its engines, and the transactions every edge opens."""

    def __init__(
        self, url: URL, writer: AsyncEngine, reader: AsyncEngine, relaxed: AsyncEngine | None = None
    ) -> None:
        self.url = url
        self.writer = writer
        self.reader = reader
        self.wakes: object | None = None
        self._relaxed = relaxed
        self._turns = Turns() if self.is_sqlite else None
        self._glances = FileGlances(reader) if self.is_sqlite else ServerGlances(reader)

    @classmethod
    def from_url(cls, url: str, *, pool_size: int = 10, cache_mb: int = 64) -> "Database":
        """Return the database at `url`; nothing is opened yet.

        Raises Invalid for an address that is no SQLite file and no PostgreSQL.
        """
        parsed = normalised(url)
        if parsed.get_backend_name() == "sqlite":
            return cls(parsed, *_sqlite_engines(parsed, cache_mb))
        engine = _postgresql_engine(parsed, pool_size, _POSTGRES_SETTINGS)
        return cls(parsed, engine, engine, _postgresql_engine(parsed, pool_size, _RELAXED_SETTINGS))

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a SQLite file."""
        return self.url.get_backend_name() == "sqlite"

    @asynccontextmanager
    async def transaction(
        self, *, lasts: bool = True, first: bool = False
    ) -> AsyncIterator[AsyncSession]:
        """Open a writing transaction; it commits at the end, or nothing happened.

        Not `lasts`: a power cut, or the death of PostgreSQL's server (no crash of ours), may undo
        it until something that lasts commits after it, while we may live on. For what would then
        be done again from what does last, and needs no wait for the disk: an update that is taken
        from the inbox. `first`: before other writers that wait, on SQLite.
        """
        async with self._turn(first=first), self._session(lasts=lasts) as session:
            session.info["process_wakes"] = self.wakes
            async with session.begin():
                if not lasts and self.is_sqlite:
                    await session.connection(execution_options={_RELAXED: True})
                yield session
            for call in session.info.get(_AFTER_COMMIT, ()):
                call()

    def _turn(self, *, first: bool) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self._turns is None else self._turns.turn(first=first)

    def _session(self, *, lasts: bool) -> AsyncSession:
        engine = self.writer if lasts or self._relaxed is None else self._relaxed
        return AsyncSession(engine, expire_on_commit=False)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction that only reads; on SQLite it waits for no writer."""
        async with AsyncSession(self.reader, expire_on_commit=False) as session:
            yield session

    async def glance(self, statement: "Statement", *parameters: Any) -> Sequence[Any]:
        """Return the rows of a small statement that only reads, outside of any transaction.

        For what is asked all the time, such as whether there is anything to do; see glance.py.
        """
        sql = statement.sqlite if self.is_sqlite else statement.postgresql
        return await self._glances.ask(sql, parameters)

    async def close(self) -> None:
        """Close all connections."""
        await self._glances.close()
        for engine in {self.writer, self.reader, self._relaxed}:
            if engine is not None:
                await engine.dispose()


def after_commit(session: AsyncSession, call: Callable[[], None]) -> None:
    """Run `call` when this transaction has committed; never when it has not."""
    session.info.setdefault(_AFTER_COMMIT, []).append(call)


def normalised(url: str) -> URL:
    """Return the address with the driver we use; a bare `postgresql://` would mean another one."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise Invalid(
            f"DATABASE_URL cannot be read ({error.__class__.__name__}). Write "
            "sqlite:///dripline.db or postgresql://user:password@host/name.",
            code="INVALID_DATABASE_URL",
        ) from None
    match parsed.get_backend_name():
        case "sqlite":
            return parsed.set(drivername="sqlite+aiosqlite")
        case "postgresql" | "postgres":
            return _for_asyncpg(parsed.set(drivername="postgresql+asyncpg"))
        case other:
            raise Invalid(
                f"DATABASE_URL names {other}; dripline keeps its data in sqlite:///… or postgresql://…",
                code="INVALID_DATABASE_URL",
            )


def _for_asyncpg(url: URL) -> URL:
    # Hosting services hand out libpq's `sslmode`; the driver calls it `ssl`, with the same values.
    query = {"ssl" if key == "sslmode" else key: value for key, value in url.query.items()}
    if unknown := sorted(query.keys() - _URL_OPTIONS):
        raise Invalid(
            f"DATABASE_URL has options that dripline does not know: {', '.join(unknown)}. Leave "
            "them out; ?sslmode=… is understood.",
            code="INVALID_DATABASE_URL",
        )
    return url.set(query=query)


def _sqlite_engines(url: URL, cache_mb: int) -> tuple[AsyncEngine, AsyncEngine]:
    if url.database in {None, "", ":memory:"}:
        engine = _sqlite_engine(url, cache_mb, immediate=True, poolclass=StaticPool)
        return engine, engine
    # A pool of one is the queue of writers: asyncio tasks wait here, in order, without polling.
    writer = _sqlite_engine(
        url,
        cache_mb,
        immediate=True,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=60,
    )
    reader = _sqlite_engine(
        url,
        cache_mb // 4,
        immediate=False,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=4,
        max_overflow=4,
    )
    return writer, reader


def _sqlite_engine(url: URL, cache_mb: int, *, immediate: bool, **pool: Any) -> AsyncEngine:
    engine = create_async_engine(
        url,
        json_serializer=dump_json,
        json_deserializer=load_json,
        connect_args={"check_same_thread": False},  # see bulk.py
        pool_reset_on_return=None,  # sessions end what they began; a second end is a trip more
        **pool,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
        # The driver would begin transactions by itself, deferred; we begin them, below.
        connection.isolation_level = None
        try:
            cursor = connection.cursor()
            _keep_journal(cursor)
            for pragma in (*_SQLITE_PRAGMAS, f"PRAGMA cache_size=-{max(cache_mb, 2) * 1024}"):
                cursor.execute(pragma)
            cursor.close()
        except BaseException:
            connection.close()  # the pool does not know it yet, and its thread would go on
            raise

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        if immediate:
            _last(connection, lasts=not connection.get_execution_options().get(_RELAXED, False))
        if not immediate:
            file_of(connection).execute("BEGIN")  # waits for nobody
        elif not _began_at_once(file_of(connection)):
            # Another process writes: it is waited for in the driver's thread, not in the loop's.
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgresql_engine(url: URL, pool_size: int, settings: Mapping[str, str]) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        json_serializer=dump_json,
        json_deserializer=load_json,
        connect_args={"server_settings": dict(settings)},
    )
    _trust_what_was_just_used(engine)
    return engine


def _trust_what_was_just_used(engine: AsyncEngine) -> None:
    """Ask a connection whether it lives only when it has rested: it costs a round trip."""

    @event.listens_for(engine.sync_engine, "checkin")
    def _rests(_connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info[_RESTS_SINCE] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def _lives(connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        rests_since = entry.info.get(_RESTS_SINCE)
        if rests_since is None:
            return  # it was made just now
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError
        if time.monotonic() - rests_since > _TRUSTED_S:
            try:
                connection.ping()
            except Exception as error:
                raise InvalidatePoolError from error


def _last(connection: Any, *, lasts: bool) -> None:
    """Have the coming transaction wait for the disk, or not."""
    info = connection.connection.info
    if info.get(_RELAXED, False) is lasts:
        file_of(connection).execute(f"PRAGMA synchronous={'FULL' if lasts else 'NORMAL'}")
        info[_RELAXED] = not lasts


def _began_at_once(file: sqlite3.Connection) -> bool:
    file.execute("PRAGMA busy_timeout=0")
    try:
        file.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    finally:
        file.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    return True


def _keep_journal(cursor: Any) -> None:
    """Have the file keep a write-ahead log.

    Two connections that turn a fresh file over at once wait for each other for ever, so each waits
    briefly and tries again.
    """
    cursor.execute("PRAGMA busy_timeout=50")
    for _ in range(_JOURNAL_TRIES):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(random.uniform(0.001, 0.05))  # noqa: S311 - who is first is no secret
        else:
            return
    cursor.execute("PRAGMA journal_mode=WAL")


async def database_us(session: AsyncSession, fallback: Callable[[], int]) -> int:
    """Return the database server's clock, in microseconds since 1970; SQLite has none but ours."""
    connection = await session.connection()
    if connection.dialect.name == "sqlite":
        return fallback()
    row = await connection.exec_driver_sql(
        "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    )
    return int(row.scalar_one())


def sqlite_version() -> str:
    """Return the version of the SQLite library in this Python."""
    return sqlite3.sqlite_version


AfterCommit = Callable[[], Awaitable[None]]
