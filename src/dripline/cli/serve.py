"""Commands that go on until they are stopped."""

from pathlib import Path
from typing import Annotated

import typer

Host = Annotated[str | None, typer.Option(help="Address to listen on; HOST if not given.")]
Port = Annotated[
    int | None, typer.Option(min=0, max=65_535, help="Port to listen on; PORT if not given.")
]
EVERYTHING = frozenset({"web", "worker", "bot"})


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (run, web, worker, bot, demo):
        app.command()(command)


def run(
    content: Annotated[
        Path | None,
        typer.Option(
            help="Folder with content, pushed at the start.", file_okay=False, exists=True
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Push the folder again whenever a file changes.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Push even over changes made elsewhere since.")
    ] = False,
    host: Host = None,
    port: Port = None,
) -> None:
    """Run everything in one process: web, worker and bot."""
    if watch and content is None:
        raise typer.BadParameter("--watch needs --content DIR: there is no folder to watch.")
    _serve(EVERYTHING, host, port, content=content, watch=watch, force=force)


def web(host: Host = None, port: Port = None) -> None:
    """Run the web part only: health, metrics, webhooks."""
    _serve(frozenset({"web"}), host, port)


def worker(host: Host = None, port: Port = None) -> None:
    """Run a worker only: it decides and sends. Any number of them on PostgreSQL."""
    _serve(frozenset({"worker"}), host, port)


def bot(host: Host = None, port: Port = None) -> None:
    """Run the bot part only: it takes in and handles updates from Telegram."""
    _serve(frozenset({"bot"}), host, port)


def demo(
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port of the page; 0 takes a free one.")
    ] = 8001,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Don't open the page in a browser.")
    ] = False,
    content: Annotated[
        Path | None,
        typer.Option(
            help="Folder with content to play; the sample course if not given.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
) -> None:
    """Try it without an account: a chat in the browser, a sample course, a clock to speed up."""
    from dripline.cli import start
    from dripline.wiring.demo import demo as demonstrated

    settings = start.settings_from(quiet=True, log_format="console")
    start.run(demonstrated(settings, port=port, open_browser=not no_open, content=content))


def _serve(
    parts: frozenset[str],
    host: str | None,
    port: int | None,
    *,
    content: Path | None = None,
    watch: bool = False,
    force: bool = False,
) -> None:
    from dripline.cli import start
    from dripline.wiring.serve import serve

    settings = start.settings_from(host=host, port=port)
    start.run(serve(settings, parts=parts, content_dir=content, watch=watch, force=force))
