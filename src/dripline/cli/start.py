"""What every command begins with: settings, logs, an event loop."""

import os
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dripline.database import Database
    from dripline.settings import Settings

T = TypeVar("T")


def settings_from(*, quiet: bool = False, **options: Any) -> "Settings":
    """Return the settings of the environment, with options of the command line before them.

    Logs are configured on the way; with `quiet` only warnings and worse.
    """
    from dripline import logs
    from dripline.settings import Settings

    settings = Settings(**{name: value for name, value in options.items() if value is not None})
    level = "warning" if quiet and settings.log_level == "info" else settings.log_level
    logs.configure(level, settings.log_format, secrets_of(settings))
    return settings


def secrets_of(settings: "Settings") -> list[str]:
    """Return every secret this process was given, to be masked in logs."""
    from pydantic import SecretStr
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    found = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    found += [v for name, v in os.environ.items() if name.startswith("TELEGRAM_BOT_TOKEN")]
    try:
        password = make_url(settings.database_url).password
    except (ArgumentError, ValueError):
        password = None
    server = settings.smtp_server
    return [secret for secret in (*found, password, server and server.password) if secret]


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Say in a sentence why a file or folder cannot be written. Raises Invalid."""
    from dripline.errors import Invalid

    try:
        yield
    except OSError as error:
        why = f"there is no folder {place.parent}"
        if place.parent.is_dir():
            why = (error.strerror or str(error)).lower()
        raise Invalid(f"{place} cannot be written: {why}.") from error


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, on uvloop where there is one."""
    import asyncio

    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


@asynccontextmanager
async def opened(settings: "Settings") -> AsyncIterator["Database"]:
    """Open the database, making it if it is fresh.

    Raises Conflict when its schema is not the one we know, Invalid when it cannot be reached.
    """
    from dripline.database import Database
    from dripline.database.upgrade import prepare

    database = Database.from_url(settings.database_url)
    try:
        await prepare(database)
        await _know_webhooks(database)
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def reading() -> AsyncIterator["AsyncSession"]:
    """Open the settings' database for commands that only look."""
    async with opened(settings_from(quiet=True)) as database, database.reading() as session:
        yield session


async def _know_webhooks(database: "Database") -> None:
    """Let what this command brings about be heard of outside too."""
    from dripline.webhooks.follow import refresh

    async with database.reading() as session:
        await refresh(session)
