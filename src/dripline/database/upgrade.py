"""The schema: made by itself in a fresh database, checked at every start, upgraded on request.

Steps lie in `migrations/versions`, one file each; a file's name is the version it leads to. All
steps run in one transaction, under a lock, so that processes starting at once make it only once.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from dripline.database.engine import Database
from dripline.errors import Conflict, Invalid

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "alembic_version"
_STARTING = "57P03"  # cannot_connect_now: the server is there, but not yet for us
_STARTING_S = 60.0
_LOCK = 0x6472_6970_6C69_6E65  # "dripline"


@dataclass(frozen=True, slots=True)
class Schema:
    """Which version a database has, and which ones this dripline knows, in order."""

    found: str | None
    known: tuple[str, ...]

    @property
    def needed(self) -> str:
        """The version this dripline works with."""
        return self.known[-1]

    @property
    def is_fresh(self) -> bool:
        """Whether nothing has been made yet."""
        return self.found is None

    @property
    def is_current(self) -> bool:
        """Whether nothing is to be done."""
        return self.found == self.needed

    @property
    def is_newer(self) -> bool:
        """Whether a newer dripline made it."""
        return self.found is not None and self.found not in self.known

    @property
    def pending(self) -> tuple[str, ...]:
        """The steps still to be applied."""
        if self.is_newer:
            return ()
        return self.known if self.found is None else self.known[self.known.index(self.found) + 1 :]


def known_versions() -> tuple[str, ...]:
    """Return the versions this dripline knows, oldest first."""
    return tuple(sorted(file.stem for file in (MIGRATIONS / "versions").glob("[0-9]*.py")))


async def check(database: Database) -> Schema:
    """Look which version the database has; nothing is changed.

    Raises Invalid when the database cannot be reached.
    """
    if _is_missing_file(database):  # opening it would make it
        return Schema(None, known_versions())
    async with _reached(database), database.reader.connect() as connection:
        return Schema(await connection.run_sync(_version), known_versions())


async def prepare(database: Database) -> None:
    """Make the tables of a fresh database, or see that an older one's are as they should be.

    Raises Conflict when it needs an upgrade, or was made by a newer dripline; Invalid when it
    cannot be reached. A server that is just starting up is waited for.
    """
    if not database.is_sqlite:
        await _until_started(database)
    schema = await check(database)
    if schema.is_fresh:
        await upgrade(database)
    elif schema.pending:
        raise Conflict(
            f"The database is at schema {schema.found}; this dripline needs {schema.needed}. "
            "Run `dripline db backup`, then `dripline db upgrade`.",
            code="SCHEMA_OUTDATED",
        )
    else:
        _refuse_newer(schema)


async def upgrade(database: Database) -> tuple[str, ...]:
    """Apply every step the database lacks, all or nothing; return those that were applied.

    Raises Conflict when a newer dripline made it; Invalid when it cannot be reached.
    """
    _see_its_folder(database)
    async with _reached(database), database.writer.begin() as connection:
        if not database.is_sqlite:  # SQLite's BEGIN IMMEDIATE is lock enough
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        schema = Schema(await connection.run_sync(_version), known_versions())
        _refuse_newer(schema)
        if schema.pending:
            await connection.run_sync(_apply)
        return schema.pending


def shown(database: Database) -> str:
    """Return the database's address without its password."""
    plain = database.url.set(drivername=database.url.get_backend_name())
    return plain.render_as_string(hide_password=True)


async def _until_started(database: Database) -> None:
    """Wait while the server says that it is starting up, as after a crash; not for anything else.

    Whatever else is wrong with it shows when it is used.
    """
    until = time.monotonic() + _STARTING_S
    while time.monotonic() < until:
        try:
            async with database.reader.connect():
                return
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _STARTING:
                return
        except OSError:
            return
        await asyncio.sleep(0.2)


def _is_missing_file(database: Database) -> bool:
    name = database.url.database or ""
    return database.is_sqlite and ":memory:" not in name and not Path(name).exists()


def _see_its_folder(database: Database) -> None:
    folder = Path(database.url.database or "").parent
    if _is_missing_file(database) and not folder.is_dir():
        raise Invalid(
            f"There is no folder {folder} for the database. Make it, or check DATABASE_URL.",
            code="DATABASE_UNREACHABLE",
        )


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - ours
    return None if found is None else str(found)


def _refuse_newer(schema: Schema) -> None:
    if schema.is_newer:
        raise Conflict(
            f"The database is at schema {schema.found}, which this dripline does not know: a newer "
            "one made it. Install that version again, or restore a backup made before it.",
            code="SCHEMA_NEWER",
        )


def _apply(connection: Connection) -> None:
    # Imported here: a start that finds the schema current does without Alembic's 0.2 s.
    from alembic import command

    command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: Connection, **attributes: Any) -> Any:
    """Return Alembic's configuration for working on this connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s")
    config.attributes.update(attributes, connection=connection)
    return config


@asynccontextmanager
async def _reached(database: Database) -> AsyncIterator[None]:
    """Tell in a sentence why the database cannot be opened."""
    try:
        yield
    except (OSError, DBAPIError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise Invalid(
            f"The database {shown(database)} cannot be used: {reason}. "
            f"Check DATABASE_URL{'' if database.is_sqlite else ', and that the server runs'}.",
            code="DATABASE_UNREACHABLE",
        ) from error
