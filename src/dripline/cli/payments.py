"""`dripline payments`: record one by hand, and list what came in."""

from datetime import datetime
from typing import Annotated

import typer

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]
app = typer.Typer(help="Record a payment by hand, list payments.", no_args_is_help=True)


@app.command("record")
def record_payment(
    who: Annotated[str, typer.Argument(help="Telegram id, @username, email, name, contact id.")],
    amount: Annotated[str, typer.Argument(help="How much, such as 1500 or 14.90.")],
    currency: Annotated[
        str | None,
        typer.Option(help="The currency's three letters; DEFAULT_CURRENCY if not given."),
    ] = None,
    scenario: Annotated[
        str | None, typer.Option(help="The scenario it is for; else the one the contact is in.")
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(help="When it was paid (UTC); else now.", formats=_FORMATS),
    ] = None,
    event_id: Annotated[
        str | None, typer.Option("--id", help="Its number; recording it twice changes nothing.")
    ] = None,
) -> None:
    """Record a payment: the scenario's paid content is sent, once."""
    from dripline.cli import start

    start.run(_record(who, amount, currency, scenario, at, event_id))


@app.command("list")
def list_payments(
    who: Annotated[str, typer.Argument(help="Only this contact's.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
) -> None:
    """List payments, newest first, with what became of each."""
    from dripline.cli import start

    start.run(_list(who, limit))


async def _record(
    who: str,
    amount: str,
    currency: str | None,
    scenario: str | None,
    at: datetime | None,
    event_id: str | None,
) -> None:
    from datetime import UTC

    from dripline.analytics.why import find_contact
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.content.store import ContentStore
    from dripline.errors import SCENARIO_NOT_FOUND, NotFound
    from dripline.ids import new_id
    from dripline.payments import money
    from dripline.payments.record import MANUAL, NewPayment, record
    from dripline.wiring import import_models

    import_models()
    now = RealClock().now()
    settings = start.settings_from(quiet=True)
    code = money.currency_of(currency or settings.default_currency)
    units = money.units_of(amount, code)
    async with (
        start.opened(settings) as database,
        database.transaction() as session,
    ):
        contact = await find_contact(session, who)
        library = await ContentStore(database).current(session)
        if scenario is not None and library.scenario(scenario) is None:
            known = ", ".join(sorted(library.scenarios)) or "none"
            raise NotFound(
                f"There is no scenario “{scenario}”. There are: {known}.", code=SCENARIO_NOT_FOUND
            )
        paid_at = at.replace(tzinfo=UTC) if at else now
        payment = NewPayment(
            MANUAL, event_id or new_id().hex, contact.id, units, code, paid_at, scenario
        )
        recorded = await record(session, payment, now)
    name = contact.username or contact.first_name or str(contact.id)
    if recorded.is_new:
        typer.echo(f"Recorded {money.written(units, code)} from {name}: {recorded.payment_id}")
    else:
        typer.echo(f"Nothing to do: {event_id} is recorded already ({recorded.payment_id}).")


async def _list(who: str, limit: int) -> None:
    from dripline.analytics.why import find_contact
    from dripline.cli import start
    from dripline.contacts import queries as contacts
    from dripline.payments import money, queries

    async with start.reading() as session:
        contact = await find_contact(session, who) if who else None
        found = await queries.latest(session, limit, contact.id if contact else None)
        for payment in found:
            payer = (
                await contacts.contact(session, payment.contact_id) if payment.contact_id else None
            )
            name = (payer.username or payer.first_name) if payer else None
            what = payment.scenario_id or payment.product or "-"
            paid = money.written(payment.amount, payment.currency)
            typer.echo(
                f"{payment.paid_at:%Y-%m-%d %H:%M}  {paid:>16}  {name or '(unknown)':<20} "
                f"{what:<20} {payment.outcome or 'open':<10} "
                f"{payment.provider} {payment.provider_event_id}"
            )
    if not found:
        typer.echo("There are no payments yet.")
