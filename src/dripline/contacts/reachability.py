"""Whether an address reaches anybody: it goes by failures, and comes back by itself."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries
from dripline.contacts.models import REACHABLE
from dripline.events import NewEvent, append
from dripline.ids import new_id

EVENT_REACHABLE = "address.reachable"
EVENT_UNREACHABLE = "address.unreachable"


async def change(
    session: AsyncSession,
    address_id: uuid.UUID,
    state: str,
    reason: str | None,
    now: datetime,
) -> bool:
    """Set an address's reachability and tell by an event; return whether anything changed.

    States: reachable, blocked, needs_start, deactivated, kicked, bounced, complained,
    unsubscribed, unverified.
    """
    if not await queries.change_reachability(session, address_id, state, reason, now):
        return False
    address = await queries.address(session, address_id)
    if address is None:
        return False
    await append(session, happened(address.contact_id, address_id, state, reason, now))
    return True


async def back_since(
    session: AsyncSession, moments: Mapping[uuid.UUID, datetime]
) -> set[uuid.UUID]:
    """Return which of these addresses came back after the moment that is given for each."""
    since = await queries.reachable_since(session, moments)
    return {address_id for address_id, moment in since.items() if moment > moments[address_id]}


def happened(
    contact_id: uuid.UUID, address_id: uuid.UUID, state: str, reason: str | None, now: datetime
) -> NewEvent:
    """Return the event that tells of an address's new state."""
    name = EVENT_REACHABLE if state == REACHABLE else EVENT_UNREACHABLE
    data = {"address_id": address_id.hex, "state": state, "reason": reason}
    return NewEvent(name, contact_id, "reachability", new_id().hex, now, data)
