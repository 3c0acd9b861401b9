"""Reports: which post brought whom, as far as the payment."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from dripline.api.guarded import GuardedRoute, Now, Session
from dripline.api.v1.shapes import ERRORS, Free, Moment, Told
from dripline.engagement import report
from dripline.engagement.report import By

routes = APIRouter(
    prefix="/api/v1/reports", tags=["reports"], route_class=GuardedRoute, responses=ERRORS
)


class Credit(Told):
    """What is credited to posts; `revenue` by currency, in its smallest unit."""

    completions: int = Field(examples=[12])
    payments: int = Field(examples=[3])
    revenue: dict[str, int] = Field(examples=[{"RUB": 450000}])


class Line(Told):
    """One group of posts."""

    group: Free = Field(description="What the line is about.", examples=[{"promo": "premium"}])
    posts: int = Field(examples=[6])
    reach: int = Field(description="Members of the chats when posted.", examples=[5400])
    clicks: int = Field(description="A person once on one link.", examples=[120])
    people: int = Field(examples=[110])
    repeats: int = Field(description="Further clicks of people.", examples=[9])
    machines: int = Field(description="Clicks that nobody made.", examples=[14])
    starts: int = Field(description="People who started the bot.", examples=[60])
    first: Credit = Field(description="Where it was their first touch.")
    last: Credit = Field(description="Where it was their last touch.")


class PostsReport(Told):
    """Posts of a span of time and everything they brought, whenever it came."""

    since: Moment
    until: Moment
    by: By
    lines: list[Line]


@routes.get("/posts", summary="Which posts brought whom")
async def of_posts(
    session: Session,
    now: Now,
    by: Annotated[By, Query(description="One line for each of these.")] = "promo",
    days: Annotated[int, Query(ge=1, le=3650, description="Posts of so many days.")] = 30,
) -> PostsReport:
    """Return posts, reach, clicks, people, starts, completions, payments, revenue."""
    since = now - timedelta(days=days)
    lines = await report.of_posts(session, by, since, now)
    return PostsReport(
        since=since, until=now, by=by, lines=[Line.model_validate(line) for line in lines]
    )
