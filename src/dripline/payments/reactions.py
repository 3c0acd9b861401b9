"""What became of a payment: a scenario claimed it, or nobody did, and the operators are told."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from html import escape

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries as contacts
from dripline.deliveries.operators import tell_operators
from dripline.events import Happened, subscribe
from dripline.payments import money, queries
from dripline.payments.models import CLAIMED, UNMATCHED, Payment
from dripline.texts import gettext as _

log = structlog.get_logger()
CONSUMER = "payments"
EVENT_CLAIMED = "payment.claimed"
EVENT_UNMATCHED = "payment.unmatched"

subscribe(CONSUMER, {EVENT_CLAIMED, EVENT_UNMATCHED})


class PaymentReactions:
    """Notes on payments what the scenarios made of them; `operators` are Telegram ids."""

    def __init__(self, operators: Sequence[int], default_language: str) -> None:
        self._operators = operators
        self._language = default_language

    async def __call__(self, session: AsyncSession, event: Happened, now: datetime) -> None:
        """React to one event."""
        payment = await queries.payment(session, uuid.UUID(hex=event.data["payment_id"]))
        if payment is None:
            return
        claimed = event.name == EVENT_CLAIMED
        scenario_id = event.data.get("scenario_id") if claimed else None
        outcome = CLAIMED if claimed else UNMATCHED
        await queries.set_outcome(session, payment.id, outcome, scenario_id)
        if not claimed:
            log.warning("payment.unmatched", payment_id=str(payment.id), provider=payment.provider)
            await self._tell_operators(session, payment, now)

    async def _tell_operators(self, session: AsyncSession, payment: Payment, now: datetime) -> None:
        contact = (
            await contacts.contact(session, payment.contact_id) if payment.contact_id else None
        )
        name = (contact.username or contact.first_name) if contact else None
        await tell_operators(
            session, self._operators, self._language, partial(_words, payment, name), now
        )


def _words(payment: Payment, name: str | None, language: str) -> str:
    somebody = _("somebody unknown", language)
    return _(
        "A payment belongs to no scenario: {amount} from {who} ({provider}, {event_id}).",
        language,
        amount=money.written(payment.amount, payment.currency),
        who=escape(name or somebody),
        provider=escape(payment.provider),
        event_id=escape(payment.provider_event_id),
    )
