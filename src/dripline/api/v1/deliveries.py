"""Deliveries: every message to every address, how it ended; what waits; retry what failed."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from dripline.analytics import lists
from dripline.api.guarded import GuardedRoute, Here, Now, Session
from dripline.api.v1.pages import Page, Pages
from dripline.api.v1.shapes import ERRORS, Free, Id, Moment, Told
from dripline.api.v1.who import contact_of
from dripline.clock import from_us
from dripline.deliveries.models import Delivery as Row
from dripline.errors import SCENARIO_NOT_FOUND, Conflict, NotFound
from dripline.scenarios import queries as enrollments
from dripline.scenarios.direct import send_message

routes = APIRouter(
    prefix="/api/v1/deliveries", tags=["deliveries"], route_class=GuardedRoute, responses=ERRORS
)
Status = Literal["sent", "delivered", "opened", "clicked", "failed", "bounced"]
DELIVERY_NOT_FOUND = "DELIVERY_NOT_FOUND"
_MOST_WAITING = 10_000


class Delivery(Told):
    """One message to one address, as it ended."""

    id: Id
    contact_id: Id
    origin: str = Field(examples=["enrollment"])
    origin_id: Id
    scenario_id: str | None = Field(examples=["course"])
    message_id: str = Field(examples=["msg_1"])
    channel: str = Field(examples=["telegram"])
    bot: str = Field(examples=["main"])
    recipient: str = Field(examples=["123456789"])
    status: str = Field(examples=["sent"])
    scheduled_at: Moment
    sent_at: Moment | None
    delivered_at: Moment | None
    opened_at: Moment | None
    clicked_at: Moment | None
    failed_at: Moment | None
    failure_reason: str | None = Field(examples=[None])
    failure_code: str | None = Field(examples=[None])
    attempt_count: int = Field(examples=[1])
    max_attempts: int = Field(examples=[3])


class WholeDelivery(Delivery):
    """A delivery with what was sent, why, and by what names it is known elsewhere."""

    tracking_id: str = Field(
        description="By which links, pixels, bounces and the provider's tags name it.",
        examples=["0199c3a47a107c529f0e3f6d0f6f7a01"],
    )
    provider_ids: list[str] = Field(
        description="The ids that Telegram, Resend or the mail server (the Message-ID) know it by.",
        examples=[["4711"]],
    )
    metadata: Free = Field(
        description="`run` and `resend`: of which run of the scenario it was, which repeat of the "
        "message; and whatever else is kept of it.",
        examples=[{"run": 1, "resend": 0}],
    )
    content: str | None = Field(examples=["Hello, Anna!"])
    decision: Free | None = Field(examples=[{"reason": "its time has come"}])


class Waiting(Told):
    """Something that waits in the queue."""

    id: Id
    pace_key: str = Field(examples=["telegram:main"])
    priority: int = Field(examples=[3])
    due_at: Moment
    origin: str = Field(examples=["enrollment"])
    attempt: int = Field(examples=[0])


class WaitingPage(Told):
    """What waits, soonest first; `total` counts no further than 10,000."""

    items: list[Waiting]
    total: int = Field(examples=[1])
    in_flight: int = Field(examples=[0])


@routes.get("", summary="List deliveries")
async def list_deliveries(
    session: Session,
    pages: Pages,
    contact: Annotated[str | None, Query(max_length=320)] = None,
    scenario: Annotated[str | None, Query(max_length=64)] = None,
    message: Annotated[str | None, Query(max_length=120)] = None,
    channel: Annotated[str | None, Query(max_length=20)] = None,
    status: Annotated[Status | None, Query()] = None,
) -> Page[Delivery]:
    """Return deliveries that have ended, newest first; what waits is under `/waiting`."""
    contact_id = (await contact_of(session, contact)).id if contact is not None else None
    found = await lists.deliveries_page(
        session,
        pages.behind,
        pages.limit + 1,
        contact_id=contact_id,
        scenario_id=scenario,
        message_id=message,
        channel=channel,
        status=status,
    )
    return pages.page(found.rows, Delivery.model_validate, lambda row: row.id, found.further)


@routes.get("/waiting", summary="What waits in the queue")
async def waiting(
    session: Session,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> WaitingPage:
    """Return what is due next, soonest first within each pace key and priority."""
    rows = await lists.waiting_page(session, limit, offset)
    return WaitingPage(
        items=[
            Waiting(
                id=row.id,
                pace_key=row.pace_key,
                priority=row.priority,
                due_at=from_us(row.due_at),
                origin=row.origin,
                attempt=row.attempt,
            )
            for row in rows
        ],
        total=await lists.count_waiting(session, _MOST_WAITING),
        in_flight=await lists.count_in_flight(session),
    )


@routes.get("/{delivery}", summary="Get a delivery with its content")
async def get(delivery: uuid.UUID, session: Session) -> WholeDelivery:
    """Return a delivery: what was sent, the decision that sent it, its ids with providers."""
    row = await lists.delivery(session, delivery)
    if row is None:
        raise _missing(delivery)
    return WholeDelivery(
        **Delivery.model_validate(row).model_dump(),
        tracking_id=row.id.hex,
        provider_ids=row.provider_ids.split(",") if row.provider_ids else [],
        metadata={"run": row.run, "resend": row.resend, **(row.meta or {})},
        content=row.content,
        decision=row.decision,
    )


@routes.post("/{delivery}/retry", summary="Send a failed message once more", status_code=202)
async def retry(delivery: uuid.UUID, session: Session, here: Here, now: Now) -> dict[str, str]:
    """Queue a failed message of a scenario once more; it becomes a delivery of its own."""
    row = await lists.delivery(session, delivery)
    if row is None:
        raise _missing(delivery)
    if row.status not in lists.FAILED:
        raise Conflict(f"The delivery is {row.status}; nothing to retry.", code="NOT_FAILED")
    await _send_again(session, here, row, now)
    return {"status": "queued"}


async def _send_again(session: Session, here: Here, row: Row, now: Now) -> None:
    scenario = (await here.store.current(session)).scenario(row.scenario_id)
    if scenario is None:
        raise NotFound(
            "Only messages of a scenario that is still there can be retried.",
            code=SCENARIO_NOT_FOUND,
        )
    state = await enrollments.latest_run(session, row.contact_id, scenario.id)
    if state is None:
        raise Conflict("The contact is not in the scenario any more.", code="NOT_ENROLLED")
    await send_message(session, scenario, state, row.message_id, now)


def _missing(delivery: uuid.UUID) -> NotFound:
    return NotFound(f"There is no delivery {delivery}.", code=DELIVERY_NOT_FOUND)
