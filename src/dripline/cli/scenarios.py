"""`dripline scenarios`: which there are, who is in them; pause one, let it go on."""

from typing import Annotated

import typer

app = typer.Typer(help="List scenarios, pause one, let it go on.", no_args_is_help=True)
Scenario = Annotated[str, typer.Argument(help="The scenario's id.")]


@app.command("list")
def list_scenarios() -> None:
    """List scenarios with how many people are in each."""
    from dripline.cli import start

    start.run(_list())


@app.command()
def pause(scenario: Scenario) -> None:
    """Pause a scenario: people in it wait, nothing is lost."""
    from dripline.cli import start

    start.run(_switch("pause", scenario))


@app.command()
def resume(scenario: Scenario) -> None:
    """Let a paused scenario go on; those who waited get their messages one after another."""
    from dripline.cli import start

    start.run(_switch("resume", scenario))


@app.command()
def default(scenario: Scenario) -> None:
    """Make a scenario the one that a bare /start enters."""
    from dripline.cli import start

    start.run(_switch("default", scenario))


async def _list() -> None:
    from dripline.cli import start
    from dripline.content.store import ContentStore
    from dripline.scenarios.queries import positions

    async with (
        start.opened(start.settings_from(quiet=True)) as database,
        database.reading() as session,
    ):
        library = await ContentStore(database).current(session)
        for key, scenario in sorted(library.scenarios.items()):
            people = sum((await positions(session, key)).values())
            marks = [
                word
                for word, holds in (
                    ("default", key == library.default_scenario_id),
                    ("paused", scenario.paused),
                    ("off", not scenario.is_active),
                )
                if holds
            ]
            state = f"  ({', '.join(marks)})" if marks else ""
            messages = len(scenario.messages)
            typer.echo(
                f"{key:<24} {scenario.name}{state}: "
                f"{messages:,} {'message' if messages == 1 else 'messages'}, "
                f"{people:,} {'person' if people == 1 else 'people'} in it"
            )
    if not library.scenarios:
        typer.echo("There are no scenarios yet. Push a folder: dripline content push DIR")


async def _switch(what: str, scenario_id: str) -> None:
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.content import switches
    from dripline.content.store import ContentStore
    from dripline.wiring import import_models

    import_models()
    now = RealClock().now()
    async with (
        start.opened(start.settings_from(quiet=True)) as database,
        database.transaction() as session,
    ):
        library = await ContentStore(database).current(session)
        if what == "default":
            await switches.choose_default(
                session, library, scenario_id, author="command line", now=now
            )
            changed = True
        else:
            switch = switches.pause if what == "pause" else switches.go_on
            changed = await switch(session, library, scenario_id, now)
    done = {"pause": "paused", "resume": "goes on", "default": "is the default now"}[what]
    typer.echo(f"{scenario_id} {done}." if changed else f"Nothing to do: {scenario_id} {done}.")
