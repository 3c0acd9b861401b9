"""Who they are, what happened to them and why, and what would happen."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dripline.contacts.models import Contact

Who = Annotated[str, typer.Argument(help="Telegram id, @username, email, name or contact id.")]

app = typer.Typer(help="Look contacts up.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add the commands of this file that stand at the top."""
    parent.command()(why)
    parent.command()(simulate)


@app.command("list")
def list_contacts(
    words: Annotated[str, typer.Argument(help="Only those whose name begins so.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
) -> None:
    """List contacts, newest first."""
    from dripline.cli import start

    start.run(_list(words, limit))


@app.command()
def show(who: Who) -> None:
    """Show a contact: addresses, attributes, tags, and where they stand in each scenario."""
    from dripline.cli import start

    start.run(_show(who))


def why(
    contact: Who,
    message: Annotated[str | None, typer.Argument(help="Only what concerns this message.")] = None,
) -> None:
    """Tell what was decided about a contact, and why: sent, waiting, skipped, switched, blocked."""
    from dripline import wiring
    from dripline.cli import start

    entries = start.run(wiring.why(start.settings_from(quiet=True), contact, message))
    if not entries:
        typer.echo("Nothing has happened yet.")
    for entry in entries:
        typer.echo(_told(entry))


def simulate(
    scenario: Annotated[str, typer.Argument(help="The scenario's id.")],
    contact: Annotated[str, typer.Option("--for", help="As whom: id, @username, name.")],
) -> None:
    """Show exact messages, times and channels, by the production scheduler on a virtual clock."""
    from dripline import wiring
    from dripline.cli import start

    steps = start.run(wiring.simulate(start.settings_from(quiet=True), scenario, contact))
    for step in steps:
        typer.echo(
            f"{_moment(step.at)}  {step.channel:<9} {step.message_id:<20} {_line(step.text)}"
        )


async def _list(words: str, limit: int) -> None:
    from dripline.cli import start
    from dripline.contacts import queries

    async with start.reading() as session:
        for contact in await queries.contacts_named(session, words, limit):
            typer.echo(f"{contact.id}  {_moment(contact.created_at)}  {_called(contact)}")


async def _show(who: str) -> None:
    from dripline.cli import start
    from dripline.contacts import queries
    from dripline.scenarios.queries import enrollments_of

    async with start.reading() as session:
        contact = await _meant(session, who)
        typer.echo(f"{_called(contact)}  ({contact.id})")
        typer.echo(f"  state {contact.state}, language {contact.language or 'unknown'}, ", nl=False)
        typer.echo(f"here since {_moment(contact.created_at)}")
        _section(
            "addresses",
            [
                f"{' '.join(filter(None, (a.channel, a.bot)))} {a.value}: {a.reachability}"
                for a in await queries.addresses_of(session, contact.id)
            ],
        )
        attributes = (await queries.attributes_of(session, [contact.id])).get(contact.id, {})
        _section("attributes", [f"{name} = {value}" for name, value in sorted(attributes.items())])
        _section("tags", await queries.tags_of(session, contact.id))
        _section(
            "scenarios",
            [
                f"{e.scenario_id}: {e.status}"
                + (f" after {e.last_message_id}" if e.last_message_id else "")
                + (f" ({e.reason})" if e.reason else "")
                for e in await enrollments_of(session, contact.id)
            ],
        )


async def _meant(session: "AsyncSession", who: str) -> "Contact":
    """Return the one contact that `who` means.

    Raises NotFound for nobody, Conflict for several.
    """
    import uuid
    from contextlib import suppress

    from dripline.contacts import queries
    from dripline.errors import USER_NOT_FOUND, Conflict, NotFound

    with suppress(ValueError):
        if (contact := await queries.contact(session, uuid.UUID(who))) is not None:
            return contact
    found = await queries.contacts_named(session, who, 6)
    if not found:
        raise NotFound(f"There is no contact {who}.", code=USER_NOT_FOUND)
    if len(found) > 1:
        names = "; ".join(f"{_called(contact)} ({contact.id})" for contact in found[:5])
        raise Conflict(f"{who} may mean several: {names}. Give the id.", code="AMBIGUOUS")
    return found[0]


def _section(title: str, lines: Sequence[str]) -> None:
    if lines:
        typer.echo(f"  {title}")
    for line in lines:
        typer.echo(f"    {line}")


def _called(contact: "Contact") -> str:
    name = " ".join(filter(None, (contact.first_name, contact.last_name)))
    handle = f"@{contact.username}" if contact.username else ""
    return " ".join(filter(None, (name, handle))) or "(no name)"


def _told(entry: Any) -> str:
    where = "/".join(filter(None, (entry.scenario, entry.message_id)))
    due = f" until {_moment(entry.due)}" if entry.due else ""
    head = f"{_moment(entry.at)}  {entry.kind:<10} {where:<28} {entry.title}{due}"
    return f"{head} ({entry.detail})" if entry.detail else head


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _line(text: str, width: int = 60) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= width else plain[: width - 1] + "…"
