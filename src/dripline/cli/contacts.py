"""Who they are, what happened to them and why, and what would happen."""

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import unescape
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dripline.analytics.why import Line
    from dripline.contacts.models import Contact
    from dripline.engagement.rules import ScoreRules
    from dripline.engagement.scores import Score
    from dripline.wiring.simulate import Step

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
    """Show a contact: addresses, attributes, tags, scenarios, and what happened to them and why."""
    from dripline.cli import start

    start.run(_show(who))


def why(
    contact: Who,
    message: Annotated[str | None, typer.Argument(help="Only what concerns this message.")] = None,
) -> None:
    """Tell what was decided about a contact, and why: sent, waiting, skipped, switched, blocked."""
    from dripline.cli import start

    start.run(_why(contact, message))


def simulate(
    scenario: Annotated[str, typer.Argument(help="The scenario's id.")],
    contact: Annotated[str, typer.Option("--for", help="As whom: id, @username, name.")],
) -> None:
    """Show exact messages, times and channels, by the production scheduler on a virtual clock."""
    from dripline.cli import start

    start.run(_simulate(scenario, contact))


async def _list(words: str, limit: int) -> None:
    from dripline.cli import start
    from dripline.contacts import queries

    async with start.reading() as session:
        found = await queries.contacts_named(session, words, limit)
        if not found:
            typer.echo(
                f"No contact is called “{words}…”." if words else "There are no contacts yet."
            )
        ids = await queries.telegram_ids_of(session, [contact.id for contact in found])
        for contact in found:
            known_by = ids.get(contact.id, "-")
            line = f"{contact.id}  {known_by:>12}  {_moment(contact.created_at)}"
            typer.echo(f"{line}  {_called(contact)}")


async def _show(who: str) -> None:
    from dripline.analytics.why import find_contact, timeline
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.contacts import queries
    from dripline.content.store import ContentStore
    from dripline.engagement.rules import rules_of
    from dripline.engagement.scores import scores_of
    from dripline.scenarios.queries import enrollments_of

    now = RealClock().now()

    async with (
        start.opened(start.settings_from(quiet=True)) as database,
        database.reading() as session,
    ):
        contact = await find_contact(session, who)
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
        rules = rules_of(await ContentStore(database).current(session))
        _section("engagement", _engagement(await scores_of(session, [contact.id], now), rules))
        _section(
            "scenarios",
            [
                f"{e.scenario_id}: {e.status}"
                + (f" after {e.last_message_id}" if e.last_message_id else "")
                + (f" ({e.reason})" if e.reason else "")
                for e in await enrollments_of(session, contact.id)
            ],
        )
        library = await ContentStore(database).current(session)
        story = await timeline(session, contact.id, library=library, now=now)
        _section("what happened, and why", [_told(line) for line in story])


async def _why(who: str, message: str | None) -> None:
    from dripline.analytics.why import find_contact, timeline
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.content.store import ContentStore

    async with (
        start.opened(start.settings_from(quiet=True)) as database,
        database.reading() as session,
    ):
        contact = await find_contact(session, who)
        library = await ContentStore(database).current(session)
        now = RealClock().now()
        lines = await timeline(session, contact.id, library=library, message_id=message, now=now)
    if not lines:
        typer.echo("Nothing has happened yet.")
    for line in lines:
        typer.echo(_told(line))


async def _simulate(scenario: str, who: str) -> None:
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.wiring.simulate import simulate as simulated

    settings = start.settings_from(quiet=True)
    async with start.opened(settings) as database:
        steps = await simulated(settings, database, scenario, who, RealClock().now())
    for step in steps:
        typer.echo(_simulated(step))


def _engagement(
    scores: "Mapping[uuid.UUID, Mapping[str, Score]]", rules: "ScoreRules"
) -> list[str]:
    """Return a contact's scores, a line each, with what brought most."""
    from dripline.engagement.scores import level

    lines = []
    for theirs in scores.values():
        for kind, one in sorted(theirs.items(), key=lambda item: item[0] != "overall"):
            head = f"{kind} {one.score:.0f}"
            if kind == "overall":
                head += f" ({level(theirs, rules)})"
            parts = sorted(one.factors.items(), key=lambda item: -item[1].points)
            made_of = ", ".join(f"{name} ×{factor.times}" for name, factor in parts[:3])
            lines.append(f"{head}: {made_of}")
    return lines


def _section(title: str, lines: Sequence[str]) -> None:
    if lines:
        typer.echo(f"  {title}")
    for line in lines:
        typer.echo(f"    {line}")


def _called(contact: "Contact") -> str:
    name = " ".join(filter(None, (contact.first_name, contact.last_name)))
    handle = f"@{contact.username}" if contact.username else ""
    return " ".join(filter(None, (name, handle))) or "(no name)"


def _told(line: "Line") -> str:
    where = "/".join(filter(None, (line.scenario, line.message_id)))
    due = f" until {_moment(line.due)}" if line.due else ""
    head = f"{_moment(line.at)}  {line.kind:<10} {where:<28} {line.title}{due}"
    return f"{head} ({line.detail})" if line.detail else head


def _simulated(step: "Step") -> str:
    if step.note:
        return f"{_moment(step.at)}  … {step.note}"
    media = f" [{step.media} media]" if step.media else ""
    buttons = "".join(f" [{text}]" for text in step.buttons)
    return f"{_moment(step.at)}  {step.channel:<9} {_line(step.text)}{media}{buttons}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _line(text: str, width: int = 60) -> str:
    plain = " ".join(unescape(re.sub(r"<[^>]*>", "", text)).split())
    return plain if len(plain) <= width else plain[: width - 1] + "…"
