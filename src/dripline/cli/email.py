"""`dripline email`: see whether emails arrive."""

from typing import Annotated

import typer

app = typer.Typer(help="Emails: see whether they arrive.", no_args_is_help=True)


@app.callback()
def _emails() -> None:
    """Emails: see whether they arrive."""


@app.command("test")
def send_test(
    address: Annotated[str, typer.Argument(help="Where to send it.")],
    template: Annotated[
        str, typer.Option("--template", help="The layout: nurture_sequence, welcome_email, yours.")
    ] = "nurture_sequence",
    name: Annotated[str, typer.Option("--name", help="What the reader is called.")] = "",
    language: Annotated[str, typer.Option("--language", help="Such as ru.")] = "",
) -> None:
    """Send a test email now, by the mail server or the service of the settings."""
    from dripline.cli import start

    start.run(_test(address, template, name, language))


async def _test(address: str, template: str, name: str, language: str) -> None:
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.wiring import import_models
    from dripline.wiring.email_trial import send_trial

    import_models()
    settings = start.settings_from(quiet=True)
    async with start.opened(settings) as database:
        taken_as = await send_trial(
            settings,
            database,
            RealClock(),
            address,
            layout=template,
            user_name=name,
            language=language,
        )
    typer.echo(f"Sent to {address}." + (f" It was taken as {taken_as}." if taken_as else ""))
