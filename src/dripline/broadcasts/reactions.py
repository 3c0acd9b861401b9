"""What a broadcast does when an email of it comes back: another channel, if nothing came since."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.broadcasts import queries
from dripline.broadcasts.leaving import copy_entry
from dripline.broadcasts.queries import ORIGIN
from dripline.clock import to_us
from dripline.deliveries import late, queue
from dripline.events import Happened, subscribe

CONSUMER = "broadcasts"

subscribe(CONSUMER, {late.BOUNCED})


class BroadcastReactions:
    """Reacts to events on behalf of broadcasts."""

    async def __call__(self, session: AsyncSession, event: Happened, now: datetime) -> None:
        """React to one event."""
        lost = await late.owed(session, event, (ORIGIN,))
        if lost is None or lost.resend:
            return
        broadcast = await queries.by_id(session, lost.origin_id)
        address = await late.other_way(session, lost)
        if broadcast is None or address is None:
            return
        if not await late.falls_back(session, lost, address, now):
            return
        key = queue.pace_key(address.channel, address.bot)
        entry = copy_entry(address.id, key, late.copied(lost, address), broadcast.number, now)
        await queue.push(session, [entry], now_us=to_us(now))
