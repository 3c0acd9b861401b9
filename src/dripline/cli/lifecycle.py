"""`dripline lifecycle`: which state a contact is in, how they came there; put them elsewhere."""

from datetime import datetime
from typing import Annotated

import typer

app = typer.Typer(help="See and set the state of a contact.", no_args_is_help=True)
Who = Annotated[str, typer.Argument(help="Telegram id, @username, email, name or contact id.")]


@app.command()
def show(contact: Who) -> None:
    """Show a contact's state, how they came to it, and whom they have brought."""
    from dripline.cli import start

    start.run(_show(contact))


@app.command("set")
def set_state(
    contact: Who,
    state: Annotated[str, typer.Argument(help="The state's id, such as VIP.")],
    by: Annotated[
        str | None, typer.Option("--by", help="Who decides; your login if not given.")
    ] = None,
) -> None:
    """Put a contact into a state by hand. Counts will not take it away; program and menu follow."""
    from dripline.cli import start

    start.run(_set(contact, state, by))


async def _show(who: str) -> None:
    from dripline.analytics.why import find_contact
    from dripline.cli import start
    from dripline.lifecycle import queries
    from dripline.lifecycle.referral_queries import brought_by, standing_counts

    async with start.reading() as session:
        contact = await find_contact(session, who)
        present = await queries.present(session, contact.id)
        changes = await queries.changes_of(session, contact.id)
        brought = await standing_counts(session, contact.id)
        named = await brought_by(session, contact.id)
        code = (await queries.codes_of(session, [contact.id])).get(contact.id)
    assert present is not None  # noqa: S101 - found a moment ago
    typer.echo(f"{contact.first_name or contact.username or contact.id}: {present.state}")
    registered = _moment(present.registered_at) if present.registered_at else "not yet"
    typer.echo(f"  registered {registered}, last active {_moment(present.last_active_at)}")
    if present.given_state:
        typer.echo(f"  {present.given_state} was given by hand; counts do not take it away")
    if present.decay_hidden_at:
        typer.echo(f"  hidden from the leaderboard since {_moment(present.decay_hidden_at)}")
    elif present.decay_warned_at:
        typer.echo(f"  warned {_moment(present.decay_warned_at)}")
    typer.echo(
        f"  referrals that count: {present.referral_count}" + (f", code {code}" if code else "")
    )
    for (status, review), number in sorted(brought.items(), key=str):
        typer.echo(f"    {status}{f', {review}' if review else ''}: {number}")
    for change in reversed(changes):
        data = change.data
        by = named.get(data.get("by", ""), data.get("by"))
        typer.echo(
            f"  {_moment(change.occurred_at)}  {data['from']} → {data['to']}: {data['cause']}"
            + (f" by {by}" if by else "")
        )


async def _set(who: str, state: str, by: str | None) -> None:
    from dripline.analytics.why import find_contact
    from dripline.cli import start
    from dripline.cli.referrals import login
    from dripline.clock import RealClock
    from dripline.content.store import ContentStore
    from dripline.lifecycle import move
    from dripline.lifecycle.document import rules_of
    from dripline.wiring import import_models

    import_models()  # who reacts to a changed state is known from here on
    async with (
        start.opened(start.settings_from(quiet=True)) as database,
        database.transaction() as session,
    ):
        contact = await find_contact(session, who)
        rules = rules_of(await ContentStore(database).current(session))
        now = RealClock().now()
        moved = await move.give(session, rules, contact.id, state, by or login(), now)
    typer.echo(f"{moved.before} → {moved.after}." if moved else f"Nothing to do: {state} already.")


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
