"""What an operator does with a broadcast: schedule, start, pause, let go on, cancel, test.

draft ──▶ scheduled ──▶ running ──▶ done          done or cancelled ──▶ running again, for
  └──────────────────────▲ │ ▲                     those who have not got it
                           ▼ │
                         paused        cancelled: from scheduled, running and paused
"""

import random
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.broadcasts import queries
from dripline.broadcasts.models import (
    CANCELLED,
    DONE,
    DRAFT,
    FROZEN,
    LIVE,
    PAUSED,
    RUNNING,
    SCHEDULED,
    Broadcast,
)
from dripline.broadcasts.pinned import compiled, with_levels
from dripline.clock import to_us
from dripline.contacts.models import REACHABLE, Address
from dripline.content.store import Library
from dripline.database import dump_json, wake
from dripline.deliveries import queue
from dripline.deliveries.models import PROMPTED
from dripline.errors import Conflict, Invalid, NotFound
from dripline.events import NewEvent, append
from dripline.ids import new_id

WAKE = "broadcasts"
BROADCAST_NOT_FOUND = "BROADCAST_NOT_FOUND"
INVALID_BROADCAST_STATE = "INVALID_BROADCAST_STATE"
INVALID_BROADCAST = "INVALID_BROADCAST"
_OPEN = (DRAFT, SCHEDULED, DONE, CANCELLED)  # content may still change what goes out


async def draft(
    session: AsyncSession,
    library: Library,
    key: str,
    author: str,
    now: datetime,
    *,
    renew: bool = False,
) -> Broadcast:
    """Return a broadcast of the content, ours until the transaction ends.

    As long as it is not on its way it is what content says now; then, what was pinned. With
    `renew`, one that is only scheduled takes what content says now, too. Raises NotFound
    (BROADCAST_NOT_FOUND), SegmentError when its targeting cannot be read.
    """
    definition = library.broadcasts.get(key)
    known = await queries.by_key(session, key, lock=True)
    if known is None and definition is None:
        names = ", ".join(sorted(library.broadcasts)) or "none"
        raise NotFound(
            f"There is no broadcast “{key}”. There are: {names}.", code=BROADCAST_NOT_FOUND
        )
    if definition is not None:
        definition = with_levels(definition, library)
        compiled(definition)
        if known is None:
            known = _new(key, author, now)
            session.add(known)
        if known.status in _OPEN and (renew or known.status != SCHEDULED):
            _pin(known, definition)
    assert known is not None  # noqa: S101 - one of the two was there
    await session.flush()
    return known


def _new(key: str, author: str, now: datetime) -> Broadcast:
    made = new_id()
    return Broadcast(
        id=made,
        number=made.int >> 66,  # 62 bits of its id: unique, and fits the queue's column
        key=key,
        status=DRAFT,
        created_by=author[:120],
        created_at=now,
        launches=0,
        audience_done=0,
        moved=0,
        queued_from_us=0,
        queued_to_us=0,
        **dict.fromkeys(("queued", "sent", "failed", "skipped"), 0),
    )


def _pin(broadcast: Broadcast, definition: dict[str, Any]) -> None:
    broadcast.definition = definition
    broadcast.name = definition["name"][:200]
    broadcast.audience = definition["audience"]
    broadcast.bot = definition["bot"]


async def send(
    session: AsyncSession,
    broadcast: Broadcast,
    now: datetime,
    *,
    at: datetime | None = None,
    audience: str | None = None,
) -> None:
    """Start a broadcast now, or have it start `at`; its message and targeting are pinned.

    One that was done or cancelled is started again, for those who have not got it. Raises Conflict
    (INVALID_BROADCAST_STATE), Invalid (INVALID_BROADCAST).
    """
    _expect(broadcast, _OPEN, "started")
    if broadcast.status == CANCELLED and not broadcast.moved:
        raise Conflict(
            f"{broadcast.key} is just being taken out of the queue; try again in a minute.",
            code=INVALID_BROADCAST_STATE,
        )
    if audience is not None:
        if audience not in (FROZEN, LIVE):
            raise Invalid("An audience is frozen or live.", code=INVALID_BROADCAST)
        broadcast.audience = audience
    if at is not None and at > now:
        broadcast.status, broadcast.starts_at = SCHEDULED, at
    else:
        await begin(session, broadcast, now)
    await session.flush()
    await wake(session, WAKE)


async def begin(session: AsyncSession, broadcast: Broadcast, now: datetime) -> None:
    """Let the launch begin with the first page."""
    broadcast.status, broadcast.started_at, broadcast.finished_at = RUNNING, now, None
    broadcast.cursor, broadcast.audience_done, broadcast.moved = None, 0, 0
    broadcast.launches = broadcast.launches + 1
    broadcast.queued_from_us = broadcast.queued_to_us = to_us(now)
    await tell(session, broadcast, "broadcast.started", now)


async def pause(session: AsyncSession, broadcast: Broadcast, now: datetime) -> None:
    """Stop sending at once; what waits is put aside. Raises Conflict."""
    _expect(broadcast, (RUNNING,), "paused")
    broadcast.status, broadcast.moved = PAUSED, 0
    await tell(session, broadcast, "broadcast.paused", now)
    await wake(session, WAKE)


async def resume(session: AsyncSession, broadcast: Broadcast, now: datetime) -> None:
    """Go on where it was paused. Raises Conflict."""
    _expect(broadcast, (PAUSED,), "resumed")
    broadcast.status, broadcast.queued_to_us = RUNNING, to_us(now)
    await tell(session, broadcast, "broadcast.resumed", now)
    await wake(session, WAKE)


async def cancel(session: AsyncSession, broadcast: Broadcast, now: datetime) -> None:
    """Send nothing more of it, for good. Raises Conflict."""
    _expect(broadcast, (SCHEDULED, RUNNING, PAUSED), "cancelled")
    broadcast.moved = 1 if broadcast.status == SCHEDULED else 0
    broadcast.status, broadcast.finished_at, broadcast.starts_at = CANCELLED, now, None
    await tell(session, broadcast, "broadcast.cancelled", now)
    await wake(session, WAKE)


async def test(
    session: AsyncSession, broadcast: Broadcast, address: Address, now: datetime
) -> None:
    """Send the message to one address, as it would go out; it counts for nothing.

    Raises Conflict when the address cannot be reached.
    """
    if address.reachability != REACHABLE:
        raise Conflict(
            f"The test would not arrive: this chat is {address.reachability}.",
            code=INVALID_BROADCAST_STATE,
        )
    key = queue.Key(queue.pace_key(address.channel, address.bot), PROMPTED, to_us(now), new_id())
    detail = dump_json({"test": random.getrandbits(52) + 1})
    entry = queue.Entry(key, queries.ORIGIN, address.id, broadcast.number, detail=detail)
    await queue.push(session, [entry], now_us=to_us(now))


async def tell(session: AsyncSession, broadcast: Broadcast, name: str, now: datetime) -> None:
    """Append an event about a broadcast."""
    data = {"broadcast": broadcast.key, "sent": broadcast.sent}
    source_id = f"{broadcast.id.hex}:{new_id().hex}"
    await append(session, NewEvent(name, None, "broadcasts", source_id, now, data))


def _expect(broadcast: Broadcast, states: tuple[str, ...], what: str) -> None:
    if broadcast.status not in states:
        raise Conflict(
            f"{broadcast.key} is {broadcast.status}; it cannot be {what}.",
            code=INVALID_BROADCAST_STATE,
        )


__all__ = ["begin", "cancel", "draft", "pause", "resume", "send", "tell", "test"]
