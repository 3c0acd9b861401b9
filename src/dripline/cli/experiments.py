"""`dripline experiments`: which of two ways works better, and the operator's word."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dripline.content.store import ContentStore
    from dripline.experiments.document import Experiment
    from dripline.experiments.results import Line, Results

app = typer.Typer(help="See which way works better; decide.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The experiment's id.")]
By = Annotated[str | None, typer.Option("--by", help="Who decides; your login if not given.")]


@app.command("list")
def list_experiments() -> None:
    """List the experiments of the content, each with who leads."""
    from dripline.cli import start

    start.run(_list())


@app.command()
def show(experiment: Name) -> None:
    """Show how an experiment stands; look as often as you like, it stays as sure as it says."""
    from dripline.cli import start

    start.run(_show(experiment))


@app.command()
def decide(
    experiment: Name,
    variant: Annotated[str, typer.Argument(help="The variant that everybody new gets from now.")],
    by: By = None,
) -> None:
    """Decide an experiment: everybody new gets this variant; who has one keeps it."""
    from dripline.cli import start

    start.run(_decide(experiment, variant, by))


@app.command()
def reopen(experiment: Name) -> None:
    """Take a decision back: the experiment goes on where it stood."""
    from dripline.cli import start

    start.run(_reopen(experiment))


async def _list() -> None:
    from dripline.cli import start
    from dripline.content.store import ContentStore
    from dripline.experiments.document import experiments_of
    from dripline.experiments.results import results
    from dripline.wiring import import_models

    import_models()  # each room has its own files
    async with start.opened(start.settings_from(quiet=True)) as database:
        store = ContentStore(database)
        async with database.reading() as session:
            found = experiments_of(await store.current(session))
            every = [await results(session, one) for one in found.all.values()]
    if not every:
        typer.echo("There are no experiments. They stand in experiments.json of the content.")
    for one in every:
        typer.echo(f"{one.experiment.id}: {_headline(one)}")


async def _show(name: str) -> None:
    from dripline.cli import start
    from dripline.content.store import ContentStore
    from dripline.experiments.results import results
    from dripline.wiring import import_models

    import_models()  # each room has its own files
    async with start.opened(start.settings_from(quiet=True)) as database:
        store = ContentStore(database)
        async with database.reading() as session:
            found = await results(session, await _named(session, store, name))
    experiment = found.experiment
    place = (
        f"{experiment.scenario}/{experiment.message}"
        if experiment.message
        else (f"scenario {experiment.scenario}")
    )
    typer.echo(f"{experiment.name}: {place}, goal {experiment.goal}")
    if found.since is not None:
        typer.echo(f"  since {found.since:%Y-%m-%d %H:%M} UTC")
    for line in found.lines:
        typer.echo(f"  {_line(line)}")
    sure = round(experiment.confidence * 100)
    typer.echo(f"  {_headline(found)} ({sure} % sure, at any moment)")


async def _decide(name: str, variant: str, by: str | None) -> None:
    from dripline.cli import start
    from dripline.cli.referrals import login
    from dripline.clock import RealClock
    from dripline.content.store import ContentStore
    from dripline.errors import Conflict, Invalid
    from dripline.experiments import queries
    from dripline.wiring import import_models

    import_models()  # each room has its own files
    async with start.opened(start.settings_from(quiet=True)) as database:
        store = ContentStore(database)
        async with database.transaction() as session:
            experiment = await _named(session, store, name)
            if experiment.variant(variant) is None:
                known = ", ".join(one.id for one in experiment.variants)
                raise Invalid(f"{name} has no variant {variant}; there are {known}.")
            who = by or login()
            if not await queries.decide(session, name, variant, who[:80], RealClock().now()):
                raise Conflict(
                    f"{name} is decided already; `dripline experiments reopen` takes that back."
                )
    typer.echo(f"{name} is decided: everybody new gets “{variant}”.")


async def _reopen(name: str) -> None:
    from dripline.cli import start
    from dripline.content.store import ContentStore
    from dripline.experiments import queries
    from dripline.wiring import import_models

    import_models()  # each room has its own files
    async with start.opened(start.settings_from(quiet=True)) as database:
        store = ContentStore(database)
        async with database.transaction() as session:
            await _named(session, store, name)
            await queries.reopen(session, name)
    typer.echo(f"{name} goes on.")


async def _named(session: "AsyncSession", store: "ContentStore", name: str) -> "Experiment":
    from dripline.errors import NotFound
    from dripline.experiments.document import experiments_of

    every = experiments_of(await store.current(session)).all
    if name not in every:
        known = ", ".join(every) or "none"
        raise NotFound(f"There is no experiment {name}; there are: {known}.")
    return every[name]


def _headline(found: "Results") -> str:
    if found.verdict is not None:
        return f"decided for “{found.verdict.variant}” by {found.verdict.decided_by}"
    if found.leader is not None:
        return f"“{found.leader}” is better"
    if not any(line.arm.people for line in found.lines):
        return "nobody has been assigned yet"
    return "no difference can be told yet"


def _line(line: "Line") -> str:
    arm = line.arm
    text = (
        f"{line.variant}: {arm.reached} of {arm.people}, {arm.rate:.1%} "
        f"({line.low:.1%} to {line.high:.1%})"
    )
    if line.against is None:
        return f"{text}, the baseline"
    against = line.against
    return (
        f"{text}, {against.difference * 100:+.1f} points "
        f"({against.low * 100:+.1f} to {against.high * 100:+.1f}){_lift(line)}"
    )


def _lift(line: "Line") -> str:
    against = line.against
    if against is None or against.lift is None:
        return ""
    low = "?" if against.lift_low is None else f"{against.lift_low:+.0%}"
    high = "?" if against.lift_high is None else f"{against.lift_high:+.0%}"
    return f", lift {against.lift:+.0%} ({low} to {high})"
