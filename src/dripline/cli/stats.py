"""`dripline stats`: the numbers at a glance."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dripline.analytics.numbers import Funnel, Messages, Overview


def register(app: typer.Typer) -> None:
    """Add the command to the others."""
    app.command()(stats)


def stats(
    scenario: Annotated[str | None, typer.Argument(help="Only this scenario's funnel.")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="Of so many days.")] = 30,
) -> None:
    """Show contacts, messages and what came of them, and each scenario's funnel."""
    from dripline.cli import start

    start.run(_stats(scenario, days))


async def _stats(scenario: str | None, days: int) -> None:
    from dripline.analytics import numbers
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.content.store import ContentStore
    from dripline.errors import SCENARIO_NOT_FOUND, NotFound
    from dripline.wiring import import_models

    import_models()
    now = RealClock().now()
    async with (
        start.opened(start.settings_from(quiet=True)) as database,
        database.reading() as session,
    ):
        library = await ContentStore(database).current(session)
        if scenario is not None and library.scenario(scenario) is None:
            raise NotFound(f"There is no scenario {scenario}.", code=SCENARIO_NOT_FOUND)
        funnels = await numbers.funnels(session, library, days, now, scenario)
        if scenario is None:
            _show_overview(await numbers.overview(session, days, now))
    for funnel in funnels:
        _show_funnel(funnel)


def _show_overview(found: "Overview") -> None:
    states = ", ".join(f"{key} {value:,}" for key, value in sorted(found.contacts_by_state.items()))
    typer.echo(f"Contacts: {found.contacts:,}" + (f" ({states})" if states else ""))
    for key, value in sorted(found.addresses.items()):
        typer.echo(f"  {key.replace(':', ' ')}: {value:,}")
    people = ", ".join(f"{value:,} {key}" for key, value in sorted(found.enrollments.items()))
    typer.echo(f"Enrollments: {people or 'none'}")
    typer.echo(f"Messages in {found.days} days: {_told(found.messages)}")
    for channel, messages in sorted(found.by_channel.items()):
        typer.echo(f"  {channel}: {_told(messages)}")


def _show_funnel(funnel: "Funnel") -> None:
    people = ", ".join(f"{value:,} {key}" for key, value in sorted(funnel.people.items()))
    typer.echo(f"\n{funnel.name} ({funnel.scenario_id}): {people or 'nobody yet'}")
    for step in funnel.steps:
        typer.echo(f"  {step.message_id:<24} {_told(step.messages)}")


def _told(messages: "Messages") -> str:
    parts = [f"{messages.sent:,} sent"]
    for name in ("delivered", "opened", "clicked", "failed", "bounced"):
        value = getattr(messages, name)
        if value:
            parts.append(f"{value:,} {name}")
    if messages.fell_back:
        parts.append(f"{messages.fell_back:,} on another channel instead")
    return ", ".join(parts)
