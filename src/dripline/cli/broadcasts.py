"""`dripline broadcasts`: plan one, test it, send it, and follow it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dripline.broadcasts.models import Broadcast
    from dripline.broadcasts.plan import Plan, Progress
    from dripline.content.rendered import Rendered
    from dripline.content.store import ContentStore

app = typer.Typer(
    help="Plan a broadcast, test it, send it, pause it, follow it.", no_args_is_help=True
)
Key = Annotated[str, typer.Argument(help="The broadcast's id.")]
_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]


@app.command("list")
def list_broadcasts() -> None:
    """List the broadcasts of the content and those that were sent."""
    from dripline.cli import start

    start.run(_list())


@app.command()
def plan(broadcast: Key) -> None:
    """Show whom it would reach, what they would see, how long it takes and may cost."""
    from dripline.cli import start

    start.run(_plan(broadcast))


@app.command()
def test(
    broadcast: Key,
    to: Annotated[str, typer.Option(help="Whom: Telegram id, @username, name, contact id.")],
) -> None:
    """Send it to one person, to see it as it will be; it counts for nothing."""
    from dripline.cli import start

    start.run(_test(broadcast, to))


@app.command()
def send(
    broadcast: Key,
    at: Annotated[
        datetime | None, typer.Option(help="When (UTC), else now.", formats=_FORMATS)
    ] = None,
    audience: Annotated[
        str | None,
        typer.Option(help="frozen: whom it means now. live: asked again for each message."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it is sent.")] = False,
) -> None:
    """Send it, now or at a time; what was sent or cancelled goes to those who have not got it."""
    from dripline.cli import start

    start.run(_send(broadcast, at, audience, sure=yes))


@app.command()
def pause(broadcast: Key) -> None:
    """Stop sending at once; nothing is lost."""
    from dripline.cli import start

    start.run(_switch("pause", broadcast))


@app.command()
def resume(broadcast: Key) -> None:
    """Go on where it was paused."""
    from dripline.cli import start

    start.run(_switch("resume", broadcast))


@app.command()
def cancel(broadcast: Key) -> None:
    """Send nothing more of it."""
    from dripline.cli import start

    start.run(_switch("cancel", broadcast))


@app.command()
def progress(broadcast: Key) -> None:
    """Show how far it is, when it will be done, and who was missed."""
    from dripline.cli import start

    start.run(_progress(broadcast))


class _Desk(NamedTuple):
    """A broadcast that is ours until the transaction's end."""

    session: "AsyncSession"
    broadcast: "Broadcast"
    now: datetime
    store: "ContentStore"


@asynccontextmanager
async def _drafted(key: str, *, renew: bool = False) -> AsyncIterator["_Desk"]:
    """Open a transaction with a broadcast that is ours until its end."""
    from dripline.broadcasts import switch
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.content.store import ContentStore
    from dripline.wiring import import_models

    import_models()
    now = RealClock().now()
    async with (
        start.opened(start.settings_from(quiet=True)) as database,
        database.transaction() as session,
    ):
        store = ContentStore(database)
        library = await store.current(session)
        broadcast = await switch.draft(session, library, key, "command line", now, renew=renew)
        yield _Desk(session, broadcast, now, store)


async def _list() -> None:
    from dripline.broadcasts import queries
    from dripline.cli import start
    from dripline.content.store import ContentStore
    from dripline.wiring import import_models

    import_models()
    async with (
        start.opened(start.settings_from(quiet=True)) as database,
        database.reading() as session,
    ):
        library = await ContentStore(database).current(session)
        rows = {row.key: row for row in await queries.every(session)}
    names = {key: str(one["name"]) for key, one in library.broadcasts.items()}
    for key in sorted({*names, *rows}):
        row = rows.get(key)
        status = row.status if row else "draft"
        sent = f", {row.sent:,} sent" if row and row.launches else ""
        typer.echo(f"{key:<24} {names.get(key) or (row.name if row else '')}  ({status}{sent})")
    if not names and not rows:
        typer.echo("There are no broadcasts yet. Describe one in broadcasts/registry.json.")


async def _plan(key: str) -> int:
    """Show the plan; return how many would get it."""
    from dripline.broadcasts import plan as plans
    from dripline.cli import start
    from dripline.wiring.engine import broadcast_renderer

    settings = start.settings_from(quiet=True)
    async with _drafted(key) as (session, broadcast, now, store):
        renderer = broadcast_renderer(store, settings.default_language)
        made = await plans.plan(session, broadcast, renderer, settings.telegram_rate, now)
    _show_plan(made)
    return made.count


def _show_plan(made: "Plan") -> None:
    typer.echo(f"Reaches {made.count:,} of the {made.meant:,} it is meant for.")
    if not made.count:
        return
    typer.echo(f"Takes {_long(made.duration)} at the bot's pace.")
    if made.stars:
        typer.echo(
            f"As a paid broadcast of Telegram: {_long(made.paid_duration)}, {made.stars:,} Stars."
        )
    for contact, address in made.sample:
        name = contact.username or contact.first_name or "(no name)"
        typer.echo(f"  for example {name} ({address.value})")
    if made.preview is not None:
        _show_preview(made.preview)


def _show_preview(preview: "Rendered") -> None:
    plain = unescape(re.sub(r"<[^>]*>", "", preview.text))
    typer.echo("The first of them would get:")
    for line in plain.splitlines():
        typer.echo(f"  | {line}")
    if preview.media:
        typer.echo(f"  | [{', '.join(media.filename for media in preview.media)}]")
    for row in preview.keyboard:
        typer.echo("  | " + " ".join(f"[{button.text}]" for button in row))


async def _test(key: str, who: str) -> None:
    from dripline.analytics.why import find_contact
    from dripline.broadcasts import switch
    from dripline.contacts import queries as contacts
    from dripline.errors import USER_NOT_FOUND, NotFound

    async with _drafted(key) as (session, broadcast, now, _store):
        contact = await find_contact(session, who)
        address = next(
            (
                one
                for one in await contacts.addresses_of(session, contact.id)
                if one.channel == "telegram" and one.bot == broadcast.bot
            ),
            None,
        )
        if address is None:
            raise NotFound(f"“{who}” has no chat with the bot.", code=USER_NOT_FOUND)
        await switch.test(session, broadcast, address, now)
    typer.echo(f"A test of {key} is on its way.")


async def _send(key: str, at: datetime | None, audience: str | None, *, sure: bool) -> None:
    from datetime import UTC

    from dripline.broadcasts import switch
    from dripline.broadcasts.models import LIVE
    from dripline.clock import RealClock
    from dripline.errors import Invalid

    moment = at.replace(tzinfo=UTC) if at else None
    if moment is not None and moment <= (now := RealClock().now()):
        raise Invalid(f"{moment:%Y-%m-%d %H:%M} is over: it is {now:%Y-%m-%d %H:%M} UTC.")
    if not sure:
        if not await _plan(key) and audience != LIVE:
            raise Invalid(f"There is nobody to send {key} to.")
        typer.confirm(f"Send {key}?", abort=True)
    async with _drafted(key, renew=True) as (session, broadcast, now, _store):
        await switch.send(session, broadcast, now, at=moment, audience=audience)
        status = broadcast.status
    if status == "scheduled":
        typer.echo(f"{key} will start at {moment:%Y-%m-%d %H:%M} UTC.")
    else:
        typer.echo(f"{key} is being sent. Follow it: dripline broadcasts progress {key}")


async def _switch(what: str, key: str) -> None:
    from dripline.broadcasts import switch

    async with _drafted(key) as (session, broadcast, now, _store):
        await getattr(switch, what)(session, broadcast, now)
    done = {"pause": "is paused", "resume": "goes on", "cancel": "is cancelled"}[what]
    typer.echo(f"{key} {done}.")


async def _progress(key: str) -> None:
    from dripline.broadcasts import plan as plans
    from dripline.cli import start

    rate = start.settings_from(quiet=True).telegram_rate
    async with _drafted(key) as (session, broadcast, now, _store):
        _show_progress(await plans.progress(session, broadcast, rate, now), now)


def _show_progress(made: "Progress", now: datetime) -> None:
    more = ", and more are being queued" if made.queueing else ""
    typer.echo(
        f"{made.status}: {made.sent:,} of {made.queued:,} sent, {made.failed:,} failed, "
        f"{made.skipped:,} skipped, {made.left:,} to go{more}"
    )
    if made.eta is not None and made.left:
        typer.echo(f"Done in {_long(made.eta - now)}, at {made.eta:%Y-%m-%d %H:%M} UTC.")
    for code, count in sorted(made.missed.items()):
        typer.echo(f"  {count:,} missed: {code}")


def _long(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    return " ".join(f"{n} {unit}" for n, unit in parts if n)[:40] or "no time"
