"""What an operator sees before and while a broadcast goes out: nothing here changes anything."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.broadcasts import queries
from dripline.broadcasts.models import CANCELLED, DONE, RUNNING, Broadcast
from dripline.broadcasts.pinned import Pinned, compiled
from dripline.broadcasts.render import Renderer
from dripline.contacts import segments
from dripline.contacts.models import Address, Contact
from dripline.content.rendered import Rendered
from dripline.deliveries import queue

SAMPLE: Final = 5
_FREE_PER_S: Final = 30  # https://core.telegram.org/bots/faq#broadcasting-to-users
_PAID_PER_S: Final = 1000
_STARS_EACH: Final = 0.1  # for each message above the free ones of its second


@dataclass(frozen=True, slots=True)
class Plan:
    """Whom a broadcast would reach, what they would see, how long it takes and may cost.

    `meant` are in the segment; `count` of them can be reached and have not got it. `stars` is what
    Telegram's paid broadcast would cost, which takes `paid_duration`.
    """

    count: int
    meant: int
    sample: Sequence[tuple[Contact, Address]]
    preview: Rendered | None
    requests: int
    duration: timedelta
    paid_duration: timedelta
    stars: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a broadcast is. `eta` None when nothing moves; `queueing`: more will be queued."""

    status: str
    queued: int
    sent: int
    failed: int
    skipped: int
    left: int
    queueing: bool
    eta: datetime | None
    missed: dict[str, int]


async def plan(
    session: AsyncSession, broadcast: Broadcast, renderer: Renderer, rate: float, now: datetime
) -> Plan:
    """Return the plan of a broadcast; `rate` is requests a second while no worker has told."""
    pinned = compiled(broadcast.definition)
    had = broadcast.id if broadcast.launches else None
    bot, segment = broadcast.bot, pinned.segment
    count = await queries.audience_count(session, bot, segment, now, had)
    shown = await queries.sample(session, bot, segment, now, SAMPLE, had)
    preview = await _preview(session, pinned, renderer, shown)
    requests = requests_of(preview) if preview else 1
    interval = await _interval_s(session, bot, rate)
    return Plan(
        count,
        await segments.count(session, segment, now),
        shown,
        preview,
        requests,
        timedelta(seconds=round(count * requests * interval)),
        timedelta(seconds=math.ceil(count * requests / _PAID_PER_S)),
        stars(count * requests),
    )


def stars(messages: int) -> int:
    """Return what a paid broadcast of so many messages costs, at its full pace."""
    free = math.ceil(messages / _PAID_PER_S) * _FREE_PER_S
    return math.ceil(max(0, messages - free) * _STARS_EACH)


def requests_of(message: Rendered) -> int:
    """Return how many requests a message takes: an album cannot carry buttons itself."""
    return 2 if len(message.media) > 1 and message.keyboard else 1


async def progress(
    session: AsyncSession, broadcast: Broadcast, rate: float, now: datetime
) -> Progress:
    """Return how far a broadcast is."""
    fresh = await queries.tallies(session, broadcast.number)
    sent = broadcast.sent + sum(one.sent for one in fresh)
    failed = broadcast.failed + sum(one.failed for one in fresh)
    skipped = broadcast.skipped + sum(one.skipped for one in fresh)
    left = max(0, broadcast.queued - sent - failed - skipped)
    running = broadcast.status == RUNNING
    interval = await _interval_s(session, broadcast.bot, rate)
    return Progress(
        broadcast.status,
        broadcast.queued,
        sent,
        failed,
        skipped,
        left,
        not broadcast.audience_done
        and bool(broadcast.launches)
        and broadcast.status not in (DONE, CANCELLED),
        now + timedelta(seconds=left * interval) if running else None,
        await queries.missed(session, broadcast.id),
    )


async def _preview(
    session: AsyncSession,
    pinned: Pinned,
    renderer: Renderer,
    shown: Sequence[tuple[Contact, Address]],
) -> Rendered | None:
    if not shown:
        return None
    [call] = await renderer.calls(session, pinned, [shown[0][0]])
    return call()


async def _interval_s(session: AsyncSession, bot: str, rate: float) -> float:
    known = await queries.pace_interval_us(session, queue.pace_key(queries.TELEGRAM, bot))
    return known / 1_000_000 if known else 1 / rate
