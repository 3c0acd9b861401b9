"""`/admin/api/nurture`: trigger a sequence, see who is in one and what came of it."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from dripline.analytics import lists
from dripline.analytics import numbers as analytics
from dripline.analytics import rollup_queries as rollups
from dripline.api.admin.numbers import Queue, name_of, queue_of, user_id_of
from dripline.api.guarded import GuardedRoute, Here, Now, Session
from dripline.api.v1.analytics import Messages
from dripline.api.v1.contacts import shown
from dripline.api.v1.enrollments import Channel, Enrollment, enter
from dripline.api.v1.enrollments import shown as enrollment_shown
from dripline.api.v1.pages import Page, Pages
from dripline.api.v1.shapes import ERRORS, Free, Given, Moment, Slug, Told
from dripline.contacts.models import Contact as ContactRow
from dripline.database import wake
from dripline.deliveries.queue import WAKE_QUEUE
from dripline.scenarios.models import Enrollment as EnrollmentRow

routes = APIRouter(
    prefix="/admin/api/nurture", tags=["admin"], route_class=GuardedRoute, responses=ERRORS
)
_USER = Field(
    description="A Telegram id, a contact's id, or an email address they have confirmed.",
    examples=[123456789],
)


class Sequence(Told):
    """One sequence: people by status, what became of its messages, step by step."""

    sequence_type: str = Field(examples=["course"])
    name: str = Field(examples=["Course"])
    active: int = Field(examples=[412])
    completed: int = Field(examples=[90])
    stopped: int = Field(examples=[7])
    messages: Messages
    steps: dict[str, Messages] = Field(description="By message, in their order.")


class Analytics(Told):
    """What the sequences did in so many days."""

    days: int = Field(examples=[30])
    totals: Messages
    sequences: list[Sequence]
    by_channel: dict[str, Messages]
    by_day: dict[str, Messages]


class Active(Told):
    """Somebody in a sequence now."""

    user_id: str = Field(examples=["123456789"])
    name: str = Field(examples=["Anna"])
    sequence_type: str = Field(examples=["course"])
    step: int = Field(description="How many messages are behind.", examples=[1])
    of: int = Field(examples=[5])
    hold: str | None = Field(description="Why nothing is due.", examples=[None])
    next_due_at: Moment | None
    started_at: Moment
    enrollment_id: str


class Trigger(Given):
    """Whom to put into which sequence; `context` is there in templates as `{{context.key}}`."""

    user_id: Annotated[int | str, _USER]
    sequence_type: Annotated[Slug, Field(description="A scenario's id.", examples=["course"])]
    context: Annotated[Free, Field(max_length=50, examples=[{"coupon": "SPRING"}])] = {}
    override_channel: Annotated[
        Channel | None, Field(description="The channel, whatever the user prefers.")
    ] = None


class Triggered(Told):
    """The sequence has begun."""

    status: str = Field(examples=["triggered"])
    user_id: str = Field(examples=["123456789"])
    sequence_type: str = Field(examples=["course"])
    enrollment: Enrollment


class Cleared(Told):
    """How many failed messages are not shown as failed any more."""

    cleared: int = Field(examples=[2])


@routes.get("/analytics", summary="What the sequences did")
async def sequence_analytics(
    session: Session,
    here: Here,
    now: Now,
    days: Annotated[int, Query(ge=1, le=analytics.LONGEST)] = 30,
) -> Analytics:
    """Return each sequence's people and messages, by channel and by day."""
    library = await here.store.current(session)
    funnels = await analytics.funnels(session, library, days, now)
    seen = await analytics.overview(session, days, now)
    return Analytics(
        days=days,
        totals=Messages.model_validate(seen.messages),
        sequences=[
            Sequence(
                sequence_type=one.scenario_id,
                name=one.name,
                active=one.people.get("active", 0),
                completed=one.people.get("completed", 0),
                stopped=one.people.get("stopped", 0),
                messages=Messages.model_validate(one.messages),
                steps={s.message_id: Messages.model_validate(s.messages) for s in one.steps},
            )
            for one in funnels
        ],
        by_channel={k: Messages.model_validate(v) for k, v in seen.by_channel.items()},
        by_day={k: Messages.model_validate(v) for k, v in seen.by_day.items()},
    )


@routes.get("/active", summary="Who is in a sequence now")
async def active(session: Session, here: Here, pages: Pages) -> Page[Active]:
    """Return who is in a sequence, latest first: how far, and what comes when."""
    library = await here.store.current(session)
    rows = await lists.active_page(session, pages.behind, pages.limit + 1)
    people = {one.id: one for one in await shown(session, [contact for _, contact in rows])}

    def told(row: tuple[EnrollmentRow, ContactRow]) -> Active:
        one, person = enrollment_shown(row[0], library), people[row[1].id]
        return Active(
            user_id=user_id_of(person),
            name=name_of(person),
            sequence_type=one.scenario_id,
            step=one.messages_sent,
            of=one.messages,
            hold=one.hold,
            next_due_at=one.next_due_at,
            started_at=one.started_at,
            enrollment_id=str(one.id),
        )

    return pages.page(rows, told, lambda row: row[0].id)


@routes.post("/trigger", summary="Start a sequence for a user")
async def trigger(body: Trigger, session: Session, here: Here, now: Now) -> Triggered:
    """Start a sequence. 409 SCENARIO_ALREADY_ACTIVE while one of its type is active."""
    library = await here.store.current(session)
    state = await enter(
        session,
        library,
        body.user_id,
        body.sequence_type,
        now,
        reason="api",
        context=body.context,
        channel=body.override_channel,
    )
    row = await lists.enrollment(session, state.id)
    assert row is not None  # noqa: S101 - made a moment ago
    return Triggered(
        status="triggered",
        user_id=str(body.user_id),
        sequence_type=state.scenario_id,
        enrollment=enrollment_shown(row, library),
    )


@routes.post("/process", summary="Process what is pending, now")
async def process(session: Session, now: Now) -> Queue:
    """Wake the workers, so that what is due leaves at once; nothing leaves before its time."""
    await wake(session, WAKE_QUEUE)
    return await queue_of(session, now)


@routes.post("/clear-failed", summary="Clear what failed")
async def clear_failed(session: Session, now: Now) -> Cleared:
    """Show failed messages as failed no more; the log of deliveries keeps them."""
    return Cleared(cleared=await rollups.clear_failed(session, now))
