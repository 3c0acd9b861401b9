"""`dripline db`: look at the schema, back the database up, upgrade it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dripline.database import Database

app = typer.Typer(help="Look at the database, back it up, upgrade it.", no_args_is_help=True)


@app.command()
def check() -> None:
    """Look which version the database has, without a change. Status 1 if it needs an upgrade."""
    from dripline.cli import start

    start.run(_check())


@app.command()
def backup(
    to: Annotated[
        Path | None,
        typer.Option(help="Folder for the copy; beside a SQLite database if not given."),
    ] = None,
) -> None:
    """Copy the database to a file named by time, while it is in use."""
    from dripline.cli import start

    start.run(_backup(to))


@app.command()
def upgrade() -> None:
    """Bring the database to the version this dripline needs."""
    from dripline.cli import start

    start.run(_upgrade())


async def _check() -> None:
    from dripline.database.upgrade import check as look
    from dripline.database.upgrade import shown

    database = _database()
    try:
        schema = await look(database)
    finally:
        await database.close()
    typer.echo(f"{shown(database)}: schema {schema.found or 'not made yet'}")
    if schema.is_current:
        typer.echo("Nothing to do.")
        return
    if schema.is_newer:
        typer.echo(f"A newer dripline made it; this one knows up to {schema.needed}.")
    else:
        typer.echo(f"To apply: {', '.join(schema.pending)}. Run `dripline db upgrade`.")
    raise typer.Exit(1)


async def _backup(to: Path | None) -> None:
    from dripline.clock import RealClock
    from dripline.database.backup import backup as copy

    database = _database()
    try:
        target = await copy(database, to, RealClock().now())
    finally:
        await database.close()
    typer.echo(f"Saved and checked: {target} ({target.stat().st_size:,} bytes)")


async def _upgrade() -> None:
    from dripline.database.upgrade import upgrade as apply

    database = _database()
    try:
        applied = await apply(database)
    finally:
        await database.close()
    typer.echo(f"Applied: {', '.join(applied)}" if applied else "Nothing to do.")


def _database() -> "Database":
    from dripline.cli import start
    from dripline.database import Database

    return Database.from_url(start.settings_from(quiet=True).database_url)
