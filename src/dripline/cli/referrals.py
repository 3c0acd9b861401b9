"""`dripline referrals`: who brought whom, what speaks against it, and the operator's word."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dripline.lifecycle.review import Case

app = typer.Typer(
    help="See who brought whom; approve or reject what looks wrong.", no_args_is_help=True
)
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")]
Invited = Annotated[
    list[str] | None,
    typer.Argument(help="Who was invited (Telegram id, @username, name), or a referral's id."),
]
Of = Annotated[
    str | None, typer.Option("--of", help="All that wait of the contact who invited them.")
]
By = Annotated[str | None, typer.Option("--by", help="Who decides; your login if not given.")]


@app.command("list")
def list_referrals(
    of: Annotated[
        str | None, typer.Option("--of", help="Only those of the contact who invited them.")
    ] = None,
    limit: Limit = 50,
) -> None:
    """List referrals, newest first: who brought whom, and whether it counts."""
    from dripline.cli import start

    start.run(_list(of, limit))


@app.command()
def review(limit: Limit = 50) -> None:
    """Show what waits for a decision, oldest first, with the evidence."""
    from dripline.cli import start

    start.run(_review(limit))


@app.command()
def approve(invited: Invited = None, of: Of = None, by: By = None) -> None:
    """Let referrals count; the inviter's count and state follow at once."""
    from dripline.cli import start

    start.run(_decide("approve", invited or [], of, by))


@app.command()
def reject(invited: Invited = None, of: Of = None, by: By = None) -> None:
    """Let referrals never count; those that did count no more, and the state follows."""
    from dripline.cli import start

    start.run(_decide("reject", invited or [], of, by))


async def _list(of: str | None, limit: int) -> None:
    from dripline.analytics.why import find_contact
    from dripline.cli import start
    from dripline.lifecycle import review as reviews

    async with start.reading() as session:
        referrer = (await find_contact(session, of)).id if of else None
        cases = await reviews.listed(session, referrer, limit)
    for case in cases:
        typer.echo(_told(case))
    if not cases:
        typer.echo("There are no referrals yet.")


async def _review(limit: int) -> None:
    from dripline.cli import start
    from dripline.lifecycle import review as reviews
    from dripline.lifecycle.words import evidence

    async with start.reading() as session:
        cases = await reviews.queue(session, limit)
    for case in cases:
        typer.echo(_told(case))
        typer.echo(f"    {case.id}, velocity {case.velocity_score} of 100")
        for kind, shown in case.flags:
            typer.echo(f"    {evidence(kind, shown, None)}")
            if shown.get("contacts"):
                typer.echo(f"      {', '.join(shown['contacts'])}")
    if not cases:
        typer.echo("Nothing waits for a decision.")


async def _decide(word: str, invited: list[str], of: str | None, by: str | None) -> None:
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.content.store import ContentStore
    from dripline.errors import Invalid
    from dripline.lifecycle import review as reviews
    from dripline.lifecycle.document import rules_of
    from dripline.wiring import import_models

    if bool(invited) == (of is not None):
        raise Invalid("Name who was invited, or --of whom; one of the two.")
    import_models()  # who reacts to a changed state is known from here on
    now, call = RealClock().now(), reviews.approve if word == "approve" else reviews.reject
    async with (
        start.opened(start.settings_from(quiet=True)) as database,
        database.transaction() as session,
    ):
        rules = rules_of(await ContentStore(database).current(session))
        meant = await _meant(session, invited, of)
        changed = [await call(session, rules, one, by or login(), now) for one in meant]
    done = "approved" if word == "approve" else "rejected"
    typer.echo(f"{sum(changed)} of {len(meant)} {done}.")


async def _meant(session: "AsyncSession", invited: list[str], of: str | None) -> list[uuid.UUID]:
    from dripline.analytics.why import find_contact
    from dripline.lifecycle import review as reviews
    from dripline.lifecycle.referral_queries import waiting_of

    if of is not None:
        return list(await waiting_of(session, (await find_contact(session, of)).id))
    return [
        own
        if (own := await reviews.own_id(session, words)) is not None
        else await reviews.referral_of(session, (await find_contact(session, words)).id)
        for words in invited
    ]


def login() -> str:
    """Return who is at the keyboard."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "command line"


def _told(case: "Case") -> str:
    review = f", {case.review}" if case.review else ""
    by = f" by {case.reviewed_by}" if case.reviewed_by else ""
    referrer, referred = case.referrer or case.referrer_id, case.referred or case.referred_id
    return f"{_moment(case.created_at)}  {referrer} → {referred}: {case.status}{review}{by}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
