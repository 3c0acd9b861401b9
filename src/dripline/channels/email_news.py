"""What became of an email moves its delivery, its address, and is told as an event.

Told by Resend's webhooks or by bounce messages; twice, late and in any order.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import bounces, suppression
from dripline.deliveries import status
from dripline.deliveries.models import Delivery
from dripline.events import NewEvent, append

DELIVERED, BOUNCED, COMPLAINED = "message.delivered", "email.bounced", "email.complained"
DELAYED = "email.delayed"
_OF_THE_CONTACT = (BOUNCED, COMPLAINED)  # counted, and asked for by segments, as few others are
PERMANENT, TRANSIENT, FAILED, SUPPRESSED = "permanent", "transient", "failed", "suppressed"


@dataclass(frozen=True, slots=True)
class About:
    """The email that is spoken of: its delivery if we know it, its address, and when it was."""

    delivery: Delivery | None
    address: str | None
    at: datetime

    @property
    def delivery_id(self) -> uuid.UUID | None:
        """The delivery's id."""
        return self.delivery.id if self.delivery else None


async def delivered(session: AsyncSession, about: About) -> None:
    """The mailbox took it."""
    if about.delivery is not None:
        await status.advance(session, about.delivery.id, status.DELIVERED, about.at)
        await _tell(session, about, DELIVERED, {"channel": about.delivery.channel})
    if about.address is not None:
        await bounces.fine(session, about.address)


async def delayed(session: AsyncSession, about: About, reason: str) -> None:
    """It is still on its way: noted, nothing else."""
    await _tell(session, about, DELAYED, {"reason": reason})


async def bounced(session: AsyncSession, about: About, kind: str, reason: str) -> None:
    """It came back, or was never taken: for good (the address goes) or for now (it is counted).

    Kinds: permanent, transient; failed (the provider could not send it: no fault of the address).
    """
    end = status.FAILED if kind == FAILED else status.BOUNCED
    if about.delivery is not None:
        await status.advance(session, about.delivery.id, end, about.at, reason=reason)
    if about.address is not None:
        if kind in {PERMANENT, SUPPRESSED}:
            await bounces.hard(session, about.address, about.at, reason)
        elif kind == TRANSIENT:
            await bounces.soft(session, about.address, about.at, reason)
    await _tell(session, about, BOUNCED, {"kind": kind, "reason": reason})


async def complained(session: AsyncSession, about: About, reason: str) -> None:
    """The person called it spam: they get no email any more, for good."""
    if about.delivery is not None:  # whoever complains has got it
        await status.advance(session, about.delivery.id, status.DELIVERED, about.at)
    if about.address is not None:
        await bounces.hard(session, about.address, about.at, reason, reason=suppression.COMPLAINED)
    await _tell(session, about, COMPLAINED, {"reason": reason})


async def _tell(session: AsyncSession, about: About, name: str, data: dict[str, Any]) -> None:
    delivery = about.delivery
    if delivery is None:
        return
    said = {
        "delivery_id": delivery.id.hex,
        "scenario_id": delivery.scenario_id,
        "message_id": delivery.message_id,
        "address_id": delivery.address_id.hex,
        **data,
    }
    source_id = f"{delivery.id.hex}:{name.rpartition('.')[2]}"
    source = "email" if name in _OF_THE_CONTACT else "delivery"
    event = NewEvent(name, delivery.contact_id, source, source_id, about.at, said)
    await append(session, event)
