"""A bounce that comes late: hours after an email went out, its message is owed once more.

The scenario has gone on meanwhile, so what is sent again goes beside it: only where the contact has
heard nothing since, and counted as the message it was.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries as contacts
from dripline.contacts.models import REACHABLE, Address
from dripline.deliveries import queries, tallies
from dripline.deliveries.choice import CHANNELS
from dripline.deliveries.decisions import decision
from dripline.deliveries.fallback import EVENT_FELL_BACK, KIND
from dripline.deliveries.models import Decision, Delivery
from dripline.deliveries.routing import Trail
from dripline.deliveries.status import ENDS
from dripline.events import Happened, NewEvent, append

BOUNCED = "email.bounced"
LATE = "bounced_late"
_CODE = "bounced"


async def owed(session: AsyncSession, event: Happened, origins: Sequence[str]) -> Delivery | None:
    """Return the delivery of these origins that a bounce takes back; None: nothing is owed.

    A message that the contact has opened or clicked was theirs, whatever a server says afterwards:
    its status has not become an end, and nothing is owed.
    """
    try:
        delivery_id = uuid.UUID(str(event.data.get("delivery_id")))
    except ValueError:
        return None
    lost = await queries.delivery(session, delivery_id)
    if lost is None or lost.origin not in origins or lost.sent_at is None:
        return None
    if lost.status not in ENDS:
        return None
    return None if await queries.reached_since(session, lost) else lost


async def other_way(
    session: AsyncSession, lost: Delivery, home: uuid.UUID | None = None
) -> Address | None:
    """Return an address on another channel, or None; the one at home goes before others."""
    found = [
        address
        for address in await contacts.addresses_of(session, lost.contact_id)
        if address.channel in CHANNELS
        and address.channel != lost.channel
        and address.reachability == REACHABLE
    ]
    return min(found, key=lambda address: address.id != home, default=None)


def copied(lost: Delivery, address: Address) -> dict[str, Any]:
    """Return what the row of the second copy carries."""
    trail = Trail(lost.message_id, ((lost.channel, _CODE),), lost.id.hex)
    return {"to": address.channel, "beside": lost.id.hex, "why": LATE, **trail.packed()}


async def falls_back(
    session: AsyncSession, lost: Delivery, address: Address, now: datetime
) -> bool:
    """Record that a message goes out on another channel; False if it does already: told twice.

    It counts as any other that fell back, and its event is the same.
    """
    if not await append(session, _event(lost, address, now)):
        return False
    steps = await tallies.steps_of(session, [lost.id])
    await tallies.count_steps(session, steps.values(), "fell_back")
    await queries.insert_decisions(session, [_noted(lost, address, now)])
    return True


def _event(lost: Delivery, address: Address, now: datetime) -> NewEvent:
    return NewEvent(
        EVENT_FELL_BACK,
        lost.contact_id,
        "delivery",
        f"{lost.id.hex}:fell_back",
        now,
        {
            "delivery_id": lost.id.hex,
            "scenario_id": lost.scenario_id,
            "message_id": lost.message_id,
            "failure": lost.failure_reason or _CODE,
            "from": lost.channel,
            "to": address.channel,
        },
    )


def _noted(lost: Delivery, address: Address, now: datetime) -> Decision:
    return decision(
        contact_id=lost.contact_id,
        origin_id=lost.origin_id,
        scenario_id=lost.scenario_id,
        message_id=lost.message_id,
        kind=KIND,
        reason=LATE,
        now=now,
        detail={"from": lost.channel, "to": address.channel, "delivery_id": lost.id.hex},
    )
