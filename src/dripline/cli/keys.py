"""`dripline keys`: who may use the API."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dripline.operators.models import ApiKey

app = typer.Typer(help="List, create and revoke keys of the API.", no_args_is_help=True)
_BY = "command line"


@app.command("list")
def list_keys() -> None:
    """List the keys: their prefixes, roles and when they were used last."""
    from dripline.cli import start

    start.run(_list())


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for; the audit log shows it.")],
    role: Annotated[str, typer.Option(help="viewer, editor or admin.")] = "viewer",
) -> None:
    """Create a key and print it, this one time."""
    from dripline.cli import start

    start.run(_create(name, role))


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="The key's prefix, as the list shows it.")],
) -> None:
    """Revoke a key; it opens nothing from now on."""
    from dripline.cli import start

    start.run(_revoke(key))


async def _list() -> None:
    from dripline.cli import start
    from dripline.operators import key_queries

    async with start.reading() as session:
        found = await key_queries.keys(session)
    for key in found:
        typer.echo(_line(key))
    if not found:
        typer.echo("There are no keys yet. Make one: dripline keys create NAME --role editor")


async def _create(name: str, role: str) -> None:
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.operators import audit, keys

    now = RealClock().now()
    async with (
        start.opened(start.settings_from(quiet=True)) as database,
        database.transaction() as session,
    ):
        made = await keys.create(session, name, role, _BY, now)
        target = f"key {made.row.prefix}"
        await audit.note(
            session, actor=_BY, role="admin", action="keys create", target=target, now=now
        )
    typer.echo(made.secret)
    typer.echo(f"It is a key of the role {role}, and shown this one time only.", err=True)


async def _revoke(prefix: str) -> None:
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.operators import audit, keys

    now = RealClock().now()
    async with (
        start.opened(start.settings_from(quiet=True)) as database,
        database.transaction() as session,
    ):
        row = await keys.revoke(session, prefix, now)
        target = f"key {row.prefix}"
        await audit.note(
            session, actor=_BY, role="admin", action="keys revoke", target=target, now=now
        )
    typer.echo(f"{row.name} ({row.prefix}) is revoked.")


def _line(key: "ApiKey") -> str:
    used = f"used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
    state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else used
    return f"{key.prefix}  {key.role:<6}  {key.name}  (since {key.created_at:%Y-%m-%d}, {state})"
