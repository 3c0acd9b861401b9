"""`dripline import` and `dripline export`: an old bot's folder, users.json and its schedules."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from dripline.database import Database
    from dripline.importing.report import Report

    class _Importer(Protocol):
        """Brings in what lies at a path; a dry run only tells what it would."""

        async def __call__(
            self, database: Database, path: Path, /, *, now: datetime, dry_run: bool, bot: str
        ) -> Report: ...


import_app = typer.Typer(help="Bring in what another bot has.", no_args_is_help=True)
export_app = typer.Typer(help="Write out what another bot can read.", no_args_is_help=True)

_Folder = Annotated[Path, typer.Argument(help="The folder.", exists=True, file_okay=False)]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan; change nothing.")]
_Bot = Annotated[str, typer.Option(help="The bot that people are known by.")]
_NoBackup = Annotated[
    bool, typer.Option("--no-backup", help="Make no backup first: there is one already.")
]


@import_app.command()
def legacy(
    folder: _Folder,
    dry_run: _DryRun = False,
    env: Annotated[
        Path | None,
        typer.Option(help="Its .env, if it lies elsewhere.", dir_okay=False, exists=True),
    ] = None,
    no_backup: _NoBackup = False,
    bot: _Bot = "main",
) -> None:
    """Import an old single-flow bot: messages, photos, people, schedules. Twice does no harm."""
    from dripline.cli import start

    start.run(_legacy(folder, env, bot, dry_run=dry_run, no_backup=no_backup))


@import_app.command("users")
def import_users(
    folder: _Folder, dry_run: _DryRun = False, no_backup: _NoBackup = False, bot: _Bot = "main"
) -> None:
    """Import users.json and schedules/ of a folder, for scenarios that are here already."""
    from dripline.cli import start
    from dripline.importing.users import import_users

    start.run(_imported(import_users, folder, bot, dry_run=dry_run, no_backup=no_backup))


@import_app.command("program")
def import_program(
    path: Annotated[
        Path, typer.Argument(help="program.json, or the folder it lies in.", exists=True)
    ],
    dry_run: _DryRun = False,
    no_backup: _NoBackup = False,
    bot: _Bot = "main",
) -> None:
    """Import a program bot: people with states and programs, and their referrals."""
    from dripline.cli import start
    from dripline.importing.program import import_program

    start.run(_imported(import_program, path, bot, dry_run=dry_run, no_backup=no_backup))


@export_app.command("users")
def export_users(
    folder: Annotated[Path, typer.Argument(help="The folder to write to.", file_okay=False)],
    bot: _Bot = "main",
) -> None:
    """Write users.json and schedules/ into a folder."""
    from dripline.cli import start

    start.run(_export_users(folder, bot))


async def _legacy(
    folder: Path, env: Path | None, bot: str, *, dry_run: bool, no_backup: bool
) -> None:
    from dripline.cli.content import _operator
    from dripline.clock import RealClock
    from dripline.importing.legacy import import_legacy

    async with _database(dry_run=dry_run) as database:
        done = await import_legacy(
            database,
            folder,
            author=_operator(),
            now=RealClock().now(),
            env_file=env,
            dry_run=dry_run,
            without_backup=no_backup,
            bot=bot,
        )
    _tell(done.report, done.backup, dry_run=dry_run)


async def _imported(
    importer: "_Importer", path: Path, bot: str, *, dry_run: bool, no_backup: bool
) -> None:
    from dripline.clock import RealClock
    from dripline.database.backup import backup

    now = RealClock().now()
    saved = None
    async with _database(dry_run=dry_run) as database:
        if not dry_run and not no_backup:
            await importer(database, path, now=now, dry_run=True, bot=bot)  # fails before copying
            saved = await backup(database, None, now)
        report = await importer(database, path, now=now, dry_run=dry_run, bot=bot)
    _tell(report, saved, dry_run=dry_run)


async def _export_users(folder: Path, bot: str) -> None:
    from dripline.cli import start
    from dripline.importing.users import export_users as exported
    from dripline.wiring import import_models

    import_models()
    async with start.opened(start.settings_from(quiet=True)) as database:
        with start.writing(folder):
            done = await exported(database, folder, bot=bot)
    typer.echo(f"Written: {done.people:,} people, {done.schedules:,} schedules.")
    if done.removed:
        typer.echo(f"Removed: {done.removed:,} schedules of people who have none any more.")


@asynccontextmanager
async def _database(*, dry_run: bool) -> AsyncIterator["Database"]:
    """Open the database; a dry run on one that is not there yet makes none."""
    from dripline.cli import start
    from dripline.wiring import import_models

    import_models()
    settings = start.settings_from(quiet=True)
    if dry_run and _is_missing(settings.database_url):
        settings = settings.model_copy(update={"database_url": "sqlite:///:memory:"})
    async with start.opened(settings) as database:
        yield database


def _is_missing(url: str) -> bool:
    path = url.removeprefix("sqlite:///").partition("?")[0]
    return url.startswith("sqlite:///") and not Path(path).exists()


def _tell(report: "Report", saved: Path | None, *, dry_run: bool) -> None:
    if saved is not None:
        typer.echo(f"Backup: {saved}")
    typer.echo("This would be done; nothing was changed." if dry_run else "Done.")
    for line in report.lines():
        typer.echo(line)
