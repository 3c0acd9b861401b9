"""Payments: record one, see what came in."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from dripline.analytics import lists
from dripline.api.guarded import GuardedRoute, Now, Session
from dripline.api.v1.pages import Page, Pages
from dripline.api.v1.shapes import ERRORS, Free, Given, Id, Moment, Slug, Told
from dripline.api.v1.who import Ref, contact_of
from dripline.errors import NotFound
from dripline.payments import queries
from dripline.payments.record import NewPayment, record

routes = APIRouter(
    prefix="/api/v1/payments", tags=["payments"], route_class=GuardedRoute, responses=ERRORS
)


class Payment(Told):
    """Money that came in; `amount` counts the smallest unit of the currency."""

    id: Id
    provider: str = Field(examples=["manual"])
    provider_event_id: str = Field(examples=["invoice-7"])
    contact_id: uuid.UUID | None
    scenario_id: str | None = Field(examples=["course"])
    product: str = Field(examples=["course"])
    amount: int = Field(examples=[150000])
    currency: str = Field(examples=["RUB"])
    paid_at: Moment
    recorded_at: Moment
    outcome: str | None = Field(description="claimed, unmatched, or null: open.")


class Paid(Given):
    """A payment to record; the same `provider` and `provider_event_id` are one payment."""

    contact: Ref
    amount: Annotated[int, Field(gt=0, lt=2**53, examples=[150000])]
    currency: Annotated[str, Field(pattern=r"^[A-Za-z]{3}$", examples=["RUB"])]
    scenario: Annotated[
        Slug | None, Field(description="What it pays for, if known.", examples=["course"])
    ] = None
    product: Annotated[str, Field(max_length=120)] = ""
    provider: Annotated[str, Field(min_length=1, max_length=40)] = "manual"
    provider_event_id: Annotated[str, Field(min_length=1, max_length=200, examples=["invoice-7"])]
    paid_at: Annotated[AwareDatetime | None, Field(description="Now, if not given.")] = None
    data: Annotated[Free | None, Field(max_length=50)] = None


@routes.get("", summary="List payments")
async def list_payments(
    session: Session,
    pages: Pages,
    contact: Annotated[str | None, Query(max_length=320)] = None,
    outcome: Annotated[Literal["claimed", "unmatched"] | None, Query()] = None,
) -> Page[Payment]:
    """Return payments, newest first."""
    contact_id = (await contact_of(session, contact)).id if contact is not None else None
    rows = await lists.payments_page(
        session, pages.behind, pages.limit + 1, contact_id=contact_id, outcome=outcome
    )
    return pages.page(rows, Payment.model_validate, lambda row: row.id)


@routes.post("", summary="Record a payment", status_code=201)
async def record_payment(body: Paid, session: Session, now: Now) -> Payment:
    """Record a payment: paid content and access follow. Known already: the stored one."""
    new = NewPayment(
        provider=body.provider,
        provider_event_id=body.provider_event_id,
        contact_id=(await contact_of(session, body.contact)).id,
        amount=body.amount,
        currency=body.currency,
        paid_at=body.paid_at or now,
        scenario_id=body.scenario,
        product=body.product,
        data=body.data,
    )
    return await _told(session, (await record(session, new, now)).payment_id)


@routes.get("/{payment}", summary="Get a payment")
async def get(payment: uuid.UUID, session: Session) -> Payment:
    """Return a payment."""
    return await _told(session, payment)


async def _told(session: Session, payment_id: uuid.UUID) -> Payment:
    row = await queries.payment(session, payment_id)
    if row is None:
        raise NotFound(f"There is no payment {payment_id}.", code="PAYMENT_NOT_FOUND")
    return Payment.model_validate(row)
