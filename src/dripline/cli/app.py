"""All commands, gathered."""

from typing import Annotated

import typer

from dripline.cli import (
    bounces,
    broadcasts,
    contacts,
    content,
    database,
    email,
    experiments,
    importing,
    keys,
    lifecycle,
    payments,
    people,
    referrals,
    report,
    rotations,
    scenarios,
    serve,
    stats,
    webhooks,
)

app = typer.Typer(
    name="dripline",
    no_args_is_help=True,
    # Plain help: loading what draws boxes takes longer than everything else together.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
serve.register(app)
contacts.register(app)
bounces.register(app)
people.register(contacts.app)
stats.register(app)
app.add_typer(content.app, name="content")
app.add_typer(email.app, name="email")
app.add_typer(database.app, name="db")
app.add_typer(contacts.app, name="contacts")
app.add_typer(importing.import_app, name="import")
app.add_typer(importing.export_app, name="export")
app.add_typer(scenarios.app, name="scenarios")
app.add_typer(broadcasts.app, name="broadcasts")
app.add_typer(experiments.app, name="experiments")
app.add_typer(payments.app, name="payments")
app.add_typer(rotations.app, name="rotations")
app.add_typer(report.app, name="report")
app.add_typer(lifecycle.app, name="lifecycle")
app.add_typer(referrals.app, name="referrals")
app.add_typer(keys.app, name="keys")

app.add_typer(webhooks.app, name="webhooks")


@app.command()
def version() -> None:
    """Print the version."""
    from dripline import __version__

    typer.echo(f"dripline {__version__}")


def _version_and_no_more(asked: bool) -> None:
    if asked:
        version()
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_version_and_no_more, is_eager=True
        ),
    ] = False,
) -> None:
    """Funnels through a Telegram bot and email: nothing lost, every decision explained."""
