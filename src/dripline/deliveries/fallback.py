"""Fall back: a message that one channel will never take goes out on the next, at once.

The failed delivery is on record; the origin, which knows of one message, hears only of the end.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.deliveries import queries, queue
from dripline.deliveries.decisions import decision
from dripline.deliveries.models import Decision
from dripline.deliveries.protocols import Result
from dripline.deliveries.routing import NO_TRAIL, Trail, on_another_channel

KIND = "fallback"
EVENT_FELL_BACK = "message.fell_back"


async def fall_back(session: AsyncSession, failed: Sequence[Result], now: datetime) -> None:
    """Queue failed messages for the channels that are left, in their old places, and say why."""
    entries = [
        on_another_channel(result.ready.claimed, _next_key(result), _trail(result))
        for result in failed
    ]
    await queue.push(session, entries, now_us=to_us(now))
    await queries.insert_decisions(session, [_noted(result, now) for result in failed])


def _next_key(result: Result) -> str:
    assert result.falls_back is not None  # noqa: S101 - for the type checker
    return queue.pace_key(result.falls_back.channel, result.falls_back.bot)


def _trail(result: Result) -> Trail:
    ready, before = result.ready, result.ready.trail or NO_TRAIL
    return Trail(
        ready.source.message_id,
        (*before.failures, (ready.address.channel, _code(result))),
        result.delivery_id.hex,
        before.refused or result.reachability is None,
    )


def _code(result: Result) -> str:
    """Return why a channel failed, as people are told: `blocked` rather than `unreachable`."""
    return result.reachability or result.failure_code or "failed"


def _noted(result: Result, now: datetime) -> Decision:
    ready, way = result.ready, result.falls_back
    return decision(
        contact_id=ready.contact_id,
        origin_id=ready.source.origin_id,
        scenario_id=ready.source.scenario_id,
        message_id=ready.source.message_id,
        kind=KIND,
        reason=_code(result),
        now=now,
        detail={
            "from": ready.address.channel,
            "to": way.channel if way else None,
            "delivery_id": result.delivery_id.hex,
        },
    )
