"""`dripline rotations`: what is posted into which chats, when; start, stop, run now, skip."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dripline.content.store import Library
    from dripline.rotations.control import Rotations, Status
    from dripline.rotations.queries import Place

    Do = Callable[[Rotations, AsyncSession, Library, datetime], Awaitable[str]]

app = typer.Typer(help="Posts into channels and groups, on a schedule.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The rotation's id.")]


@app.command("list")
def list_rotations() -> None:
    """List rotations: whether each runs, what comes next and when."""
    from dripline.cli import start

    start.run(_list())


@app.command()
def show(rotation: Name) -> None:
    """Show a rotation: its schedule, its chats with what is wrong in any, its latest posts."""
    from dripline.cli import start

    start.run(_show(rotation))


@app.command()
def start(rotation: Name) -> None:
    """Let a rotation post from its next slot on."""

    async def do(
        rotations: "Rotations", session: "AsyncSession", library: "Library", now: datetime
    ) -> str:
        await rotations.start(session, library, rotation, now)
        status = await rotations.status(session, library, rotation)
        return f"{rotation} runs; next at {_moment(status.next_at)}."

    _run(do)


@app.command()
def stop(rotation: Name) -> None:
    """Post nothing more until it is started again; its place in the list is kept."""

    async def do(
        rotations: "Rotations", session: "AsyncSession", library: "Library", now: datetime
    ) -> str:
        await rotations.stop(session, library, rotation, now)
        return f"{rotation} is stopped."

    _run(do)


@app.command("run")
def run_now(rotation: Name) -> None:
    """Post the next message at once; the schedule goes on as it was."""

    async def do(
        rotations: "Rotations", session: "AsyncSession", library: "Library", now: datetime
    ) -> str:
        from dripline.cli.referrals import login

        message_id = await rotations.run_now(session, library, rotation, login(), now)
        return f"{message_id} goes out now."

    _run(do)


@app.command()
def skip(rotation: Name) -> None:
    """Pass the next message over."""

    async def do(
        rotations: "Rotations", session: "AsyncSession", library: "Library", now: datetime
    ) -> str:
        message_id = await rotations.skip(session, library, rotation, now)
        status = await rotations.status(session, library, rotation)
        return f"{message_id} is passed over; next comes {status.next_message_id}."

    _run(do)


@app.command()
def posts(
    rotation: Name,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
) -> None:
    """List a rotation's latest posts with what became of each."""
    from dripline.cli import start

    start.run(_posts(rotation, limit))


def _run(do: "Do") -> None:
    from dripline.cli import start

    start.run(_do(do))


async def _do(do: "Do") -> None:
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.content.store import ContentStore
    from dripline.wiring import import_models
    from dripline.wiring.rotations import rotations

    import_models()
    settings = start.settings_from(quiet=True)
    async with start.opened(settings) as database:
        store = ContentStore(database)
        async with database.transaction() as session:
            library = await store.current(session)
            said = await do(rotations(settings), session, library, RealClock().now())
    typer.echo(said)


async def _list() -> None:
    from dripline.cli import start
    from dripline.content.store import ContentStore
    from dripline.rotations import queries
    from dripline.wiring import import_models
    from dripline.wiring.rotations import rotations

    import_models()
    settings = start.settings_from(quiet=True)
    async with start.opened(settings) as database, database.reading() as session:
        library = await ContentStore(database).current(session)
        every = await rotations(settings).all(session, library)
        troubled = await queries.troubled(session)
    if not every:
        typer.echo("There are no rotations yet. `dripline content add rotations DIR` brings two.")
    for status in every:
        typer.echo(_headline(status))
    for chat in troubled:
        typer.echo(f"⚠ {chat.value} (bot {chat.bot}): {chat.trouble}")


async def _show(name: str) -> None:
    from dripline.cli import start
    from dripline.content.store import ContentStore
    from dripline.rotations import queries
    from dripline.wiring import import_models
    from dripline.wiring.rotations import rotations

    import_models()
    settings = start.settings_from(quiet=True)
    async with start.opened(settings) as database, database.reading() as session:
        library = await ContentStore(database).current(session)
        status = await rotations(settings).status(session, library, name)
        rotation = status.rotation
        keys = [(chat.value, chat.topic) for chat in rotation.chats]
        known = await queries.chats_of(session, rotation.bot, keys) if keys else {}
        latest = await queries.posts(session, name, 10)
    typer.echo(_headline(status))
    typer.echo(f"  {rotation.schedule.words}, bot {rotation.bot}")
    typer.echo(f"  messages: {', '.join(message.id for message in rotation.messages)}")
    for chat in rotation.chats:
        row = known.get((chat.value, chat.topic))
        trouble = f": {row.trouble}" if row is not None and row.trouble else ""
        typer.echo(f"  chat {chat.name}{trouble}")
    for place in latest:
        typer.echo(f"  {_post(place)}")


async def _posts(name: str, limit: int) -> None:
    from dripline.cli import start
    from dripline.rotations import queries

    async with start.reading() as session:
        for place in await queries.posts(session, name, limit):
            typer.echo(_post(place))


def _headline(status: "Status") -> str:
    state = "runs" if status.running else "stopped"
    when = f", next {status.next_message_id} at {_moment(status.next_at)}" if status.running else ""
    counted = f"{status.sent} posted, {status.failed} failed"
    chats = len(status.rotation.chats)
    return (
        f"{status.rotation.id}: {state}{when}; "
        f"{chats} {'chat' if chats == 1 else 'chats'}; {counted}"
    )


def _post(place: "Place") -> str:
    post, chat = place
    name = f"{chat.value}/{chat.topic}" if chat.topic else chat.value
    line = f"{_moment(post.slot_at)}  {post.message_id} → {name}: {post.status}"
    if post.telegram_ids:
        line += f" (message {post.telegram_ids.replace(',', ', ')})"
    if post.member_count is not None:
        line += f", {post.member_count} members"
    return f"{line}, {post.failure}" if post.failure else line


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at is not None else "no time: the worker plans it"
