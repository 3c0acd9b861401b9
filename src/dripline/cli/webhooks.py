"""`dripline webhooks`: who outside hears of events, what went there, and again."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dripline.webhooks.models import Endpoint

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]
app = typer.Typer(help="Tell other programs of events, signed.", no_args_is_help=True)
Which = Annotated[str, typer.Argument(help="The webhook's id, or the beginning of it.")]


@app.command("list")
def list_webhooks() -> None:
    """List webhooks: where they go, what for, and whether they get through."""
    from dripline.cli import start

    start.run(_list())


@app.command("add")
def add_webhook(
    url: Annotated[str, typer.Argument(help="Where it goes: https://…")],
    event: Annotated[
        list[str] | None,
        typer.Option(help="An event's name, such as message.sent or email.*; again for more."),
    ] = None,
    description: Annotated[str, typer.Option(help="What it is for, for yourself.")] = "",
) -> None:
    """Add a webhook for some events, or for all; prints its secret."""
    from dripline.cli import start

    start.run(_add(url, event or ["*"], description))


@app.command("remove")
def remove_webhook(which: Which) -> None:
    """Remove a webhook, and what was to go there."""
    from dripline.cli import start

    start.run(_remove(which))


@app.command("on")
def switch_on(which: Which) -> None:
    """Switch a webhook on, as after it was switched off for failing; what waits goes out."""
    from dripline.cli import start

    start.run(_switch(which, is_on=True))


@app.command("off")
def switch_off(which: Which) -> None:
    """Switch a webhook off; what happens meanwhile is not kept for it."""
    from dripline.cli import start

    start.run(_switch(which, is_on=False))


@app.command("secret")
def secret(
    which: Which,
    new: Annotated[
        bool, typer.Option("--new", help="Make a new one; the old ends at once.")
    ] = False,
) -> None:
    """Print the secret that a webhook is verified with."""
    from dripline.cli import start

    start.run(_secret(which, new=new))


@app.command("test")
def test_webhook(which: Which) -> None:
    """Send a test now, and tell what was answered; status 1 if it was not taken."""
    from dripline.cli import start

    start.run(_test(which))


@app.command("log")
def show_log(
    which: Which,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
) -> None:
    """Show what went to a webhook, newest first."""
    from dripline.cli import start

    start.run(_log(which, limit))


@app.command("replay")
def replay_webhook(
    which: Which,
    since: Annotated[datetime, typer.Option(help="From when on (UTC).", formats=_FORMATS)],
    everything: Annotated[
        bool, typer.Option("--all", help="Every event since then, not only what failed.")
    ] = False,
) -> None:
    """Send again what failed since a moment, or everything; ids stay the same."""
    from dripline.cli import start

    start.run(_replay(which, since, everything=everything))


async def _list() -> None:
    from dripline.cli import start
    from dripline.webhooks import queries

    async with start.reading() as session:
        found = await queries.endpoints(session)
    for one in found:
        state = (
            "on" if one.is_on else f"off ({one.disabled_reason})" if one.disabled_reason else "off"
        )
        if one.is_on and one.failing_since:
            state = f"failing since {one.failing_since:%Y-%m-%d %H:%M}"
        typer.echo(
            f"{one.id}  {one.url}  {','.join(one.names)}  {state}  {one.description}".rstrip()
        )
    if not found:
        typer.echo("There are no webhooks yet: dripline webhooks add https://…")


async def _add(url: str, names: list[str], description: str) -> None:
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.webhooks import endpoints

    settings = start.settings_from(quiet=True)
    async with start.opened(settings) as database, database.transaction() as session:
        made = await endpoints.add(
            session,
            url,
            names,
            RealClock().now(),
            description=description,
            allow_http=settings.webhook_private_networks,
        )
    typer.echo(f"Added {made.id}")
    typer.echo(f"Its secret: {endpoints.secret_of(settings.signing_key, made)}")


async def _remove(which: str) -> None:
    from dripline.cli import start
    from dripline.webhooks import endpoints

    settings = start.settings_from(quiet=True)
    async with start.opened(settings) as database, database.transaction() as session:
        known = await _one(session, which)
        await endpoints.remove(session, known.id)
    typer.echo(f"Removed {known.url}")


async def _switch(which: str, *, is_on: bool) -> None:
    from dripline.cli import start
    from dripline.webhooks import endpoints

    settings = start.settings_from(quiet=True)
    async with start.opened(settings) as database, database.transaction() as session:
        known = await _one(session, which)
        await endpoints.change(session, known.id, is_on=is_on)
    typer.echo(f"{known.url} is {'on' if is_on else 'off'}.")


async def _secret(which: str, *, new: bool) -> None:
    from dripline.cli import start
    from dripline.webhooks import endpoints

    settings = start.settings_from(quiet=True)
    async with start.opened(settings) as database, database.transaction() as session:
        known = await _one(session, which)
        if new:
            known = await endpoints.rotate(session, known.id)
    typer.echo(endpoints.secret_of(settings.signing_key, known))


async def _test(which: str) -> None:
    from dripline.cli import start
    from dripline.errors import Conflict
    from dripline.wiring.webhooks import sender_of

    settings = start.settings_from(quiet=True)
    async with start.opened(settings) as database:
        async with database.reading() as session:
            known = await _one(session, which)
        reply = await sender_of(settings, database).test(known)
    if not reply.ok:
        raise Conflict(f"{known.url} did not take it: {reply.error}.", code="NOT_TAKEN")
    typer.echo(f"{known.url} answered {reply.status}.")


async def _log(which: str, limit: int) -> None:
    from dripline.cli import start
    from dripline.webhooks import queries

    async with start.reading() as session:
        known = await _one(session, which)
        rows = await queries.log_of(session, known.id, limit)
    for row in rows:
        when = row.ended_at or row.due_at
        how = row.error or (f"answered {row.answer}" if row.answer else "")
        typer.echo(
            f"{when:%Y-%m-%d %H:%M:%S}  {row.status:<9}  {row.event_name:<28} "
            f"attempts {row.attempts}  {how}".rstrip()
        )
    if not rows:
        typer.echo("Nothing has gone there yet.")


async def _replay(which: str, since: datetime, *, everything: bool) -> None:
    from datetime import UTC

    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.webhooks.replay import replay

    settings = start.settings_from(quiet=True)
    async with start.opened(settings) as database, database.transaction() as session:
        known = await _one(session, which)
        moment = since.replace(tzinfo=UTC)
        queued = await replay(session, known.id, moment, RealClock().now(), everything=everything)
    typer.echo(f"{queued} queued for {known.url}.")


async def _one(session: "AsyncSession", which: str) -> "Endpoint":
    """Return the webhook whose id is `which`, or begins so; likewise its address."""
    from dripline.errors import NotFound
    from dripline.webhooks import queries

    plain = which.strip().lower().replace("-", "")
    found = [
        one
        for one in await queries.endpoints(session)
        if plain and (one.id.hex.startswith(plain) or one.url == which)
    ]
    if len(found) != 1:
        why = "Several webhooks begin so" if found else "There is no such webhook"
        raise NotFound(f"{why}; `dripline webhooks list` shows all.")
    return found[0]
