"""Which post brought whom: posts, reach, clicks, people, starts, and what came of them.

What is counted belongs to posts of the span of time, whenever it happened: a post of last week that
sells today has sold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.engagement import report_queries as queries
from dripline.engagement.attribution import COMPLETION, PAYMENT

By = Literal["post", "slot", "chat", "promo", "rotation"]
Touching = Literal["first", "last"]
GROUPS: Final[tuple[By, ...]] = ("post", "slot", "chat", "promo", "rotation")


@dataclass(slots=True)
class Credit:
    """What is credited to posts; `revenue` by currency, in its smallest unit."""

    completions: int = 0
    payments: int = 0
    revenue: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Line:
    """One group of posts. `clicks` counts a person once on one link; the rest of their clicks on it
    are `repeats`, and `machines` are those nobody made. `starts` counts people.
    """

    group: dict[str, Any]
    posts: int = 0
    reach: int = 0
    clicks: int = 0
    people: int = 0
    repeats: int = 0
    machines: int = 0
    starts: int = 0
    first: Credit = field(default_factory=Credit)
    last: Credit = field(default_factory=Credit)


async def of_posts(session: AsyncSession, by: By, since: datetime, until: datetime) -> list[Line]:
    """Return a line for each group of posts of a span of time; the most recent slots first."""
    lines: dict[Any, Line] = {}
    for row in await queries.posts(session, by, since, until):
        lines[row["key"]] = Line(
            {name: row[name] for name in queries.NAMES[by]}, row["posts"], row["reach"] or 0
        )
    await _clicks(session, lines, by, since, until)
    for key, number in (await queries.starts(session, by, since, until)).items():
        lines[key].starts = number
    for touching in ("first", "last"):
        rows = await queries.goals(session, by, touching, since, until)
        _credit(lines, touching, rows)
    return list(lines.values())


async def _clicks(
    session: AsyncSession, lines: Mapping[Any, Line], by: By, since: datetime, until: datetime
) -> None:
    for key, row in (await queries.clicks(session, by, since, until)).items():
        line = lines[key]
        line.clicks, line.people = row["pairs"], row["people"]
        line.repeats, line.machines = row["human"] - row["pairs"], row["machines"]


def _credit(lines: Mapping[Any, Line], touching: str, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        credit: Credit = getattr(lines[row["key"]], touching)
        if row["kind"] == COMPLETION:
            credit.completions += row["number"]
        elif row["kind"] == PAYMENT:
            credit.payments += row["number"]
            if row["currency"] and row["amount"]:
                had = credit.revenue.get(row["currency"], 0)
                credit.revenue[row["currency"]] = had + int(row["amount"])
