"""`dripline contacts`: find somebody, CSV in and out, what is held of one, erase."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import uuid

_Who = Annotated[str, typer.Argument(help="Telegram id, @username, email, name or contact id.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to `dripline contacts`."""
    app.command()(find)
    app.command("import")(import_contacts)
    app.command("export")(export_contacts)
    app.command("export-data")(export_data)
    app.command()(erase)


def find(
    words: Annotated[
        str, typer.Argument(help="Telegram id, email, @username, a name's beginning.")
    ],
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
) -> None:
    """Find contacts. Status 1 when there is none."""
    from dripline.cli import start

    start.run(_find(words, limit))


def import_contacts(
    file: Annotated[Path, typer.Argument(help="The CSV file.", exists=True, dir_okay=False)],
    bot: Annotated[str, typer.Option(help="The bot that Telegram ids are of.")] = "main",
) -> None:
    """Import contacts out of a CSV file, page by page; none if a row cannot be used."""
    from dripline.cli import start

    start.run(_import(file, bot))


def export_contacts(
    file: Annotated[Path, typer.Argument(help="The CSV file to write.", dir_okay=False)],
) -> None:
    """Write all contacts into a CSV file."""
    from dripline.cli import start

    start.run(_export(file))


def export_data(
    who: _Who,
    file: Annotated[
        Path | None, typer.Option("--to", help="The file to write.", dir_okay=False)
    ] = None,
) -> None:
    """Write everything that is held of a contact as JSON."""
    from dripline.cli import start

    start.run(_export_data(who, file))


def erase(
    who: _Who,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask whether to do it.")] = False,
) -> None:
    """Erase a contact with everything that names them. It cannot be undone."""
    from dripline.cli import start

    contact_id, called = start.run(_whom(who))
    if not yes:
        typer.confirm(f"Erase {called}, with everything that names them?", abort=True)
    start.run(_erase(contact_id))


async def _find(words: str, limit: int) -> None:
    from dripline.cli import start
    from dripline.cli.contacts import _called
    from dripline.contacts import queries

    async with start.reading() as session:
        found = await queries.contacts_named(session, words, limit)
        for contact in found:
            addresses = await queries.addresses_of(session, contact.id)
            reached = ", ".join(f"{a.channel} {a.value} ({a.reachability})" for a in addresses)
            typer.echo(f"{contact.id}  {_called(contact)}  {contact.state}  {reached}")
    if not found:
        typer.echo(f"Nobody is called “{words[:60]}”.", err=True)
        raise typer.Exit(1)


async def _import(file: Path, bot: str) -> None:
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.importing.table import import_contacts as imported
    from dripline.wiring import import_models

    import_models()
    async with start.opened(start.settings_from(quiet=True)) as database:
        report = await imported(database, file, now=RealClock().now(), bot=bot, progress=_progress)
    typer.echo("", err=True)
    for line in report.lines():
        typer.echo(line)


async def _export(file: Path) -> None:
    from dripline.cli import start
    from dripline.importing.table import export_contacts as exported
    from dripline.wiring import import_models

    import_models()
    async with start.opened(start.settings_from(quiet=True)) as database:
        with start.writing(file):
            done = await exported(database, file, _progress)
    typer.echo("", err=True)
    typer.echo(f"Written: {done:,} contacts.")


async def _export_data(who: str, file: Path | None) -> None:
    import json
    import os

    from dripline.analytics.why import find_contact
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.contacts.export import export
    from dripline.wiring import import_models

    import_models()  # every room's tables may hold something of theirs
    async with start.reading() as session:
        contact = await find_contact(session, who)
        held = await export(session, contact.id, RealClock().now())
    text = json.dumps(held, ensure_ascii=False, indent=2)
    if file is None:
        typer.echo(text)
        return
    with start.writing(file):
        handle = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)  # nobody else reads it
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text + "\n")
    typer.echo(f"Written: {file}")


async def _whom(who: str) -> "tuple[uuid.UUID, str]":
    from dripline.analytics.why import find_contact
    from dripline.cli import start
    from dripline.cli.contacts import _called

    async with start.reading() as session:
        contact = await find_contact(session, who)
        return contact.id, f"{_called(contact)} ({contact.id})"


async def _erase(contact_id: "uuid.UUID") -> None:
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.contacts.erase import erase as erased
    from dripline.wiring import import_models

    import_models()  # every room's tables may hold something of theirs
    async with (
        start.opened(start.settings_from(quiet=True)) as database,
        database.transaction() as session,
    ):
        done = await erased(session, contact_id, RealClock().now())
    for table, number in done.rows.items():
        typer.echo(f"{number:>8,}  {table}")
    typer.echo("Erased.")


def _progress(done: int) -> None:
    typer.echo(f"\r{done:,} contacts", nl=False, err=True)
