"""What became of a payment: a scenario claimed it, or nobody did, and the operators are told."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from html import escape

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries as contacts
from dripline.contacts.models import Address
from dripline.deliveries import system
from dripline.deliveries.protocols import AddressRef
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
        for operator in self._operators:
            address = await contacts.any_telegram_address(session, str(operator))
            if address is None:
                continue  # an operator who has never written to a bot cannot be written to
            known = await contacts.contact(session, address.contact_id)
            language = (known.language if known else None) or self._language
            text = _(
                "A payment belongs to no scenario: {amount} from {who} ({provider}, {event_id}).",
                language,
                amount=money.written(payment.amount, payment.currency),
                who=escape(name or _("somebody unknown", language)),
                provider=escape(payment.provider),
                event_id=escape(payment.provider_event_id),
            )
            await system.say(session, _reference(address), text, now)


async def _name_of(session: AsyncSession, contact_id: uuid.UUID | None) -> str | None:
    contact = await contacts.contact(session, contact_id) if contact_id else None
    return (contact.username or contact.first_name) if contact else None


def _reference(address: Address) -> AddressRef:
    return AddressRef(
        address.id,
        address.contact_id,
        address.channel,
        address.bot,
        address.value,
        address.next_send_at,
    )
