"""Record a payment: stored once, and told by an event in the same transaction."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries as contacts
from dripline.errors import USER_NOT_FOUND, Conflict, Invalid, NotFound
from dripline.events import NewEvent, append
from dripline.ids import new_id
from dripline.payments import money, queries

SUCCEEDED = "payment.succeeded"
MANUAL = "manual"
INVALID_PAYMENT = "INVALID_PAYMENT"
_AHEAD: Final = timedelta(days=1)  # clocks and time zones disagree; more than a day is a mistake


@dataclass(frozen=True, slots=True)
class NewPayment:
    """A payment to record; `amount` in the smallest unit of the currency.

    `scenario_id` when it is known what it pays for; else the contact's active scenario claims it.
    """

    provider: str
    provider_event_id: str
    contact_id: uuid.UUID | None
    amount: int
    currency: str
    paid_at: datetime
    scenario_id: str | None = None
    product: str = ""
    data: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The payment's id, and whether it was stored just now or is known from before."""

    payment_id: uuid.UUID
    is_new: bool


async def record(session: AsyncSession, payment: NewPayment, now: datetime) -> Recorded:
    """Store a payment and append `payment.succeeded`; the same event again changes nothing.

    Raises Invalid (INVALID_PAYMENT, INVALID_AMOUNT), NotFound (USER_NOT_FOUND), and Conflict
    (INVALID_PAYMENT) when the provider's event is known with another amount, currency or contact.
    """
    _check(payment, now)
    contact_id = payment.contact_id
    if contact_id is not None and await contacts.contact(session, contact_id) is None:
        raise NotFound("There is no such contact.", code=USER_NOT_FOUND)
    payment_id = new_id()
    values = {
        "id": payment_id,
        "provider": payment.provider,
        "provider_event_id": payment.provider_event_id,
        "contact_id": contact_id,
        "scenario_id": payment.scenario_id,
        "product": payment.product or payment.scenario_id or "",
        "amount": payment.amount,
        "currency": money.currency_of(payment.currency),
        "paid_at": payment.paid_at,
        "recorded_at": now,
        "data": payment.data,
    }
    if not await queries.insert(session, values):
        return Recorded(await _same(session, payment), is_new=False)
    await _tell(session, payment_id, values, now)
    return Recorded(payment_id, is_new=True)


async def _tell(
    session: AsyncSession, payment_id: uuid.UUID, values: dict[str, Any], now: datetime
) -> None:
    data = {
        "payment_id": payment_id.hex,
        "scenario_id": values["scenario_id"],
        "product": values["product"],
        "amount": values["amount"],
        "currency": values["currency"],
        "paid_at": values["paid_at"].isoformat(),
    }
    event = NewEvent(SUCCEEDED, values["contact_id"], "payments", payment_id.hex, now, data)
    await append(session, event)


async def _same(session: AsyncSession, payment: NewPayment) -> uuid.UUID:
    """Return the stored payment of this event; a repeat that says something else is an error."""
    known = await queries.of_event(session, payment.provider, payment.provider_event_id)
    if known is None:  # the other transaction that held the place has rolled back
        raise Conflict("The payment was just being stored; try again.", code=INVALID_PAYMENT)
    said = (payment.contact_id, payment.amount, money.currency_of(payment.currency))
    if (known.contact_id, known.amount, known.currency) != said:
        raise Conflict(
            f"{payment.provider} {payment.provider_event_id} is stored already, with another "
            "contact, amount or currency.",
            code=INVALID_PAYMENT,
        )
    return known.id


def _check(payment: NewPayment, now: datetime) -> None:
    longest = {"provider": 40, "provider_event_id": 200, "scenario_id": 64, "product": 120}
    for name, most in longest.items():
        value = getattr(payment, name) or ""
        if len(value) > most or "\x00" in value:
            raise Invalid(f"“{name}” has at most {most} characters.", code=INVALID_PAYMENT)
    if not payment.provider or not payment.provider_event_id:
        raise Invalid("A payment names its provider and the event's id.", code=INVALID_PAYMENT)
    if not 0 < payment.amount < 2**53:
        raise Invalid("An amount is more than nothing.", code=money.INVALID_AMOUNT)
    if payment.paid_at > now + _AHEAD:
        raise Invalid("A payment cannot lie in the future.", code=INVALID_PAYMENT)
