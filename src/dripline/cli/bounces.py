"""`dripline bounces`: what mail servers send back moves deliveries and addresses."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dripline.channels.bounce_take import Taken

_WORDS = {
    "permanent": "hard bounces: their addresses are suppressed",
    "transient": "soft bounces: counted",
    "failed": "bounces that are no fault of the address",
    "complaint": "complaints: their addresses are suppressed for good",
    "delay": "delays: noted",
    "arrival": "emails that arrived",
    "unknown": "bounces of emails that are not ours",
    "no_bounce": "messages that are no bounces",
    "unreadable": "unreadable messages",
}


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(bounces)


def bounces(
    source: Annotated[
        str, typer.Argument(help="A maildir, an mbox, one message as a file; - for a pipe.")
    ] = "-",
) -> None:
    """Take in bounces that came back by email: from a pipe, a maildir, an mbox or a file."""
    from dripline.cli import start

    start.run(_take(source))


async def _take(source: str) -> None:
    from dripline.channels.bounce_take import UNREADABLE, take
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.errors import Invalid
    from dripline.wiring import import_models

    import_models()
    async with start.opened(start.settings_from(quiet=True)) as database:
        taken = await take(database, _messages(source), RealClock().now())
    _tell(taken)
    if set(taken.kinds) == {UNREADABLE}:
        raise Invalid(f"Nothing here is an email: {taken.problem}.", code="NO_EMAIL")


def _messages(source: str) -> "Iterator[bytes]":
    import sys

    from dripline.channels.bounce_messages import LARGEST
    from dripline.channels.bounce_take import messages_of

    if source == "-":
        yield sys.stdin.buffer.read(LARGEST + 1)
    else:
        yield from messages_of(Path(source))


def _tell(taken: "Taken") -> None:
    for kind, words in _WORDS.items():
        if number := taken.kinds.get(kind):
            typer.echo(f"{number:>6}  {words}")
    if not taken.kinds:
        typer.echo("There are no messages.")
