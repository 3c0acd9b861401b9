"""Analytics: what worked. Messages are counted as they end; people every minute or so."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from dripline.analytics import numbers
from dripline.api.guarded import GuardedRoute, Here, Now, Session
from dripline.api.v1.shapes import ERRORS, Moment, Slug, Told
from dripline.errors import SCENARIO_NOT_FOUND, NotFound

routes = APIRouter(
    prefix="/api/v1/analytics", tags=["analytics"], route_class=GuardedRoute, responses=ERRORS
)
Days = Annotated[
    int, Query(ge=1, le=numbers.LONGEST, description="So many days, today (UTC) among them.")
]


class Messages(Told):
    """Counts of messages; rates are shares of those sent, of failures and fallback of all."""

    sent: int = Field(examples=[1200])
    failed: int = Field(examples=[14])
    fell_back: int = Field(description="Went out on another channel instead.", examples=[5])
    delivered: int = Field(examples=[480])
    opened: int = Field(examples=[230])
    clicked: int = Field(examples=[61])
    bounced: int = Field(examples=[3])
    open_rate: float = Field(examples=[0.1917])
    click_rate: float = Field(examples=[0.0508])
    bounce_rate: float = Field(examples=[0.0025])
    failure_rate: float = Field(examples=[0.0115])
    fallback_rate: float = Field(examples=[0.0041])


class Overview(Told):
    """Everything at a glance."""

    days: int = Field(examples=[30])
    contacts: int = Field(examples=[1350])
    contacts_by_state: dict[str, int] = Field(examples=[{"REGISTERED": 1200}])
    addresses: dict[str, int] = Field(
        description="By channel and reachability.", examples=[{"telegram:reachable": 1300}]
    )
    enrollments: dict[str, int] = Field(examples=[{"active": 412, "completed": 90}])
    messages: Messages
    by_channel: dict[str, Messages]
    by_day: dict[str, Messages]
    unsubscribed: int = Field(description="How often somebody left email.", examples=[4])
    complained: int = Field(description="How often an email was called spam.", examples=[0])
    as_of: Moment | None = Field(description="When contacts and enrollments were counted.")


class Step(Told):
    """One message of a funnel."""

    message_id: str = Field(examples=["msg_1"])
    messages: Messages


class Funnel(Told):
    """A scenario: people by status, and what became of each message, in their order."""

    scenario_id: str = Field(examples=["course"])
    name: str = Field(examples=["Course"])
    people: dict[str, int] = Field(examples=[{"active": 412, "completed": 90, "stopped": 7}])
    messages: Messages
    steps: list[Step]


class Cohort(Told):
    """Contacts who came in one week, and how many of them got how far since."""

    week: str = Field(description="The Monday it began with.", examples=["2026-03-02"])
    contacts: int = Field(examples=[120])
    registered: int = Field(examples=[80])
    completed: int = Field(examples=[31])
    paid: int = Field(examples=[9])


class ScoreDay(Told):
    """How many contacts' scores were on which level at the end of a day, by type."""

    day: str = Field(examples=["2026-03-02"])
    levels: dict[str, dict[str, int]] = Field(
        examples=[{"overall": {"highly_engaged": 12, "engaged": 80, "at_risk": 31, "dormant": 4}}]
    )


@routes.get("/overview", summary="Everything at a glance")
async def overview(session: Session, now: Now, days: Days = 30) -> Overview:
    """Return contacts, enrollments and messages by channel and day."""
    return Overview.model_validate(await numbers.overview(session, days, now))


@routes.get("/funnels", summary="The funnel of every scenario")
async def funnels(session: Session, here: Here, now: Now, days: Days = 30) -> list[Funnel]:
    """Return each scenario's people by status, and its messages in their order."""
    library = await here.store.current(session)
    found = await numbers.funnels(session, library, days, now)
    return [Funnel.model_validate(one) for one in found]


@routes.get("/funnels/{scenario}", summary="The funnel of one scenario")
async def funnel(scenario: Slug, session: Session, here: Here, now: Now, days: Days = 30) -> Funnel:
    """Return one scenario's people by status, and its messages in their order."""
    library = await here.store.current(session)
    if library.scenario(scenario) is None:
        raise NotFound(f"There is no scenario {scenario}.", code=SCENARIO_NOT_FOUND)
    [found] = await numbers.funnels(session, library, days, now, scenario)
    return Funnel.model_validate(found)


@routes.get("/messages", summary="Messages by day, channel, origin, scenario or message")
async def messages(
    session: Session,
    now: Now,
    by: Annotated[
        Literal["day", "channel", "origin", "scenario_id", "message_id"], Query()
    ] = "day",
    days: Days = 30,
    channel: Annotated[str | None, Query(max_length=20)] = None,
    scenario: Annotated[str | None, Query(max_length=64)] = None,
) -> dict[str, Messages]:
    """Return counts of messages by one thing, of one channel or scenario if named."""
    given = {"channel": channel, "scenario_id": scenario}
    only = {name: value for name, value in given.items() if value is not None}
    found = await numbers.messages_of(session, by, days, now, **only)
    return {key: Messages.model_validate(one) for key, one in found.items()}


@routes.get("/cohorts", summary="Contacts by the week they came in")
async def cohorts(session: Session, now: Now) -> list[Cohort]:
    """Return the latest twelve weeks, oldest first: who came, and how far they got."""
    return [Cohort.model_validate(one) for one in await numbers.cohorts(session, now)]


@routes.get("/scores", summary="Engagement scores over time")
async def scores(session: Session, now: Now, days: Days = 30) -> list[ScoreDay]:
    """Return how many contacts' scores were on each level, day by day, oldest first."""
    return [ScoreDay.model_validate(one) for one in await numbers.scores(session, days, now)]
