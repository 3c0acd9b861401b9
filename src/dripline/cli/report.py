"""`dripline report`: what was done brought what."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dripline.engagement.report import Credit, Line

app = typer.Typer(help="Which posts brought whom, as far as the payment.", no_args_is_help=True)


class By(StrEnum):
    """What a line of the report is about."""

    POST, SLOT, CHAT, PROMO, ROTATION = "post", "slot", "chat", "promo", "rotation"


class Touch(StrEnum):
    """Who is credited: the post that found a person, or the one that convinced them."""

    FIRST, LAST = "first", "last"


@app.callback()
def _group() -> None:
    """Keep `report posts` a command of its own."""


@app.command()
def posts(
    by: Annotated[By, typer.Option(help="One line for each of these.")] = By.PROMO,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Posts of so many days.")] = 30,
    touch: Annotated[Touch, typer.Option(help="Credit the first or the last touch.")] = Touch.LAST,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, with both credits.")] = False,
) -> None:
    """Show posts, reach, clicks, people, starts, completions, payments and revenue."""
    from dripline.cli import start

    start.run(_posts(by, days, touch, as_json=as_json))


async def _posts(by: By, days: int, touch: Touch, *, as_json: bool) -> None:
    from dripline.cli import start
    from dripline.clock import RealClock
    from dripline.engagement import report

    now = RealClock().now()
    async with start.reading() as session:
        lines = await report.of_posts(session, by.value, now - timedelta(days=days), now)
    if as_json:
        typer.echo(_as_json(lines))
    elif not lines:
        typer.echo(f"Nothing was posted in the last {days} days.")
    else:
        typer.echo(_table([_HEAD, *(_cells(line, touch) for line in lines)]))


_HEAD = (
    "", "posts", "reach", "clicks", "people", "starts", "completed", "paid", "revenue",
)  # fmt: skip


def _cells(line: "Line", touch: Touch) -> tuple[str, ...]:
    credit: Credit = getattr(line, touch.value)
    numbers = (line.posts, line.reach, line.clicks, line.people, line.starts)
    credited = (credit.completions, credit.payments)
    name = "  ".join(_written(value) for value in line.group.values())
    return (name, *(f"{number:,}" for number in (*numbers, *credited)), _revenue(credit))


def _revenue(credit: "Credit") -> str:
    from dripline.payments.money import written

    return " + ".join(written(sum_, name) for name, sum_ in sorted(credit.revenue.items()))


def _written(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _as_json(lines: list["Line"]) -> str:
    import dataclasses

    import orjson

    return orjson.dumps(
        [dataclasses.asdict(line) for line in lines], option=orjson.OPT_INDENT_2
    ).decode()
