"""Settle what was sent: one short transaction, after the network.

1. Fence: only rows that this claim still holds count. A worker that was paused past its lease
   finds its rows taken over, and its late results change nothing.
2. A channel that is down, limits or refuses us is held for all workers. Before all else: a claim
   locks the pace first, then enrollments and addresses, and two that cross wait for each other.
3. What ended (sent, or failed for good) becomes a delivery row, a key row and an event.
4. What failed for good and has another channel left goes into the queue for it; of anything else
   that ended its origin hears, and goes on in this same transaction.
5. What failed for now goes back into the queue, with its attempt or its outage counted.
"""

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import compress

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.contacts import bounces, reachability, suppression
from dripline.database import Database, storable
from dripline.deliveries import pace, queries, queue, retry, tallies, troubles
from dripline.deliveries.claim import Flight, entry_again
from dripline.deliveries.fallback import EVENT_FELL_BACK, fall_back
from dripline.deliveries.identity import EMAIL
from dripline.deliveries.models import MAX_ATTEMPTS
from dripline.deliveries.protocols import Origin, Result
from dripline.deliveries.routing import counted_as
from dripline.errors import (
    ChannelDown,
    ChannelRefused,
    Overslept,
    PermanentFailure,
    RateLimited,
    RetryLater,
    SendFailure,
    Unreachable,
)
from dripline.events import NewEvent, append_many

log = structlog.get_logger()
_REFUSED_HOLD_US = 60_000_000
EVENT_SENT = "message.sent"
EVENT_FAILED = "message.failed"
# A template that fails would fail on the next channel as well; the operator is to mend it.
_OWN_FAULT = ("template",)


@dataclass(slots=True)
class Outcome:
    """How a flight ended, by its moment `at`: with the channel's ids, or with a failure.

    `left_at` is when it was ready to leave.
    """

    flight: Flight
    delivery_id: uuid.UUID
    at: datetime
    content: str | None = None
    provider_ids: tuple[str, ...] = ()
    failure: SendFailure | None = None
    requests: int = 1
    detail: str | None = None
    seconds: float = 0.0
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settle did, for the metrics."""

    results: list[Result]
    retried: int
    fenced: int

    def plus(self, other: "Settled") -> "Settled":
        """Return both together."""
        return Settled(
            self.results + other.results,
            self.retried + other.retried,
            self.fenced + other.fenced,
        )


async def settle(
    database: Database,
    origins: Mapping[str, Origin],
    outcomes: Sequence[Outcome],
    now: datetime,
    real_us: int,
    dice: random.Random,
    chat_us: int = pace.CHAT_INTERVAL_US,
) -> Settled:
    """Record how flights ended, let their origins go on, and queue again what failed for now.

    `chat_us` is how long a chat rests after a request, in microseconds of real time, as `real_us`.
    """
    async with database.transaction(first=True) as session:
        held = await queries.release(session, [o.flight.held_as for o in outcomes])
        ours = list(compress(outcomes, held))
        await _mind_channels(session, ours, real_us, now)
        await _forgive_who_came_back(session, ours)
        ends = [_result(o) for o in ours]
        results = [result for result in ends if result is not None]
        await _record(session, origins, results, now)
        again = [
            _again(o, now, dice) for o, result in zip(ours, ends, strict=True) if result is None
        ]
        await queue.push(session, again, now_us=to_us(now))
        await _mind_chats(session, ours, real_us, chat_us)
    return Settled(results, len(again), len(outcomes) - len(ours))


async def _forgive_who_came_back(session: AsyncSession, outcomes: Sequence[Outcome]) -> None:
    """Try again where a chat was blocked as the message left, and was opened before we hear of it.

    Their return has been told already. Blocked by older news, they would wait for another one.
    """
    refused = [outcome for outcome in outcomes if isinstance(outcome.failure, Unreachable)]
    if not refused:
        return
    left = {o.flight.ready.address.id: o.left_at or o.at for o in refused}
    back = await reachability.back_since(session, left)
    for outcome in refused:
        if outcome.flight.ready.address.id in back:
            outcome.failure = RetryLater("they came back while the message was on its way")


def _result(outcome: Outcome) -> Result | None:
    """Return the end of a message, or None when it is to be tried again."""
    ready, failure = outcome.flight.ready, outcome.failure
    content = None if outcome.content is None else storable(outcome.content)
    if failure is None:
        return Result(ready, outcome.delivery_id, "sent", outcome.at, content, outcome.provider_ids)
    if isinstance(failure, RetryLater) and ready.claimed.attempt + 1 < MAX_ATTEMPTS:
        return None
    if isinstance(failure, RateLimited | ChannelDown | ChannelRefused | Overslept):
        return None
    code = failure.code if isinstance(failure, PermanentFailure) else "attempts"
    return Result(
        ready,
        outcome.delivery_id,
        "failed",
        outcome.at,
        content,
        outcome.provider_ids,
        storable(failure.reason),
        code,
        failure.reachability if isinstance(failure, Unreachable) else None,
        None if code in _OWN_FAULT else ready.next_way,
    )


async def _record(
    session: AsyncSession, origins: Mapping[str, Origin], results: Sequence[Result], now: datetime
) -> None:
    for outcome in results:
        if outcome.failure_code == "unreachable":
            await _mark_unreachable(session, outcome, now)
        elif outcome.failure_code in _OWN_FAULT:
            await troubles.tell_broken(session, outcome, now)
    await queries.insert_deliveries(session, results)
    await queries.insert_delivery_keys(session, results)
    await tallies.count(session, results)
    if emails := [result for result in results if result.ready.address.channel == EMAIL]:
        await _record_emails(session, emails, now)
    await append_many(
        session, [_event(result) for result in results if result.ready.counts], fresh=True
    )
    falling = [result for result in results if result.falls_back is not None]
    if falling:
        await fall_back(session, falling, now)
    ended = [r for r in results if r.falls_back is None and r.ready.counts]
    lost = [r.ready for r in ended if r.ready.counted and r.status != "sent"]
    if lost:
        await queries.uncount(session, [(ready.contact_id, counted_as(ready)) for ready in lost])
    by_origin: dict[str, list[Result]] = {}
    for result in ended:
        by_origin.setdefault(result.ready.claimed.origin, []).append(result)
    for name in sorted(by_origin):
        await origins[name].settled(session, by_origin[name], now)


async def _record_emails(session: AsyncSession, emails: Sequence[Result], now: datetime) -> None:
    """Remember by which ids the provider will tell of them; count mailboxes that are full."""
    await queries.insert_provider_messages(session, emails)
    await queries.settle_email_batches(session, [result.delivery_id for result in emails])
    for result in emails:
        value, why = result.ready.address.value, result.failure
        if result.failure_code == bounces.MAILBOX_FULL:
            await bounces.soft(session, value, now, why)


async def _mark_unreachable(session: AsyncSession, result: Result, now: datetime) -> None:
    state = result.reachability or "blocked"
    if state == suppression.BOUNCED:
        await bounces.hard(session, result.ready.address.value, now, result.failure)
        return
    await reachability.change(session, result.ready.address.id, state, result.failure, now)


def _event(result: Result) -> NewEvent:
    source = result.ready.source
    data = {
        "delivery_id": result.delivery_id.hex,
        "scenario_id": source.scenario_id,
        "message_id": source.message_id,
    }
    if result.failure:
        data["failure"] = result.failure
    name = EVENT_SENT if result.status == "sent" else EVENT_FAILED
    if result.falls_back is not None:
        name = EVENT_FELL_BACK
        data |= {"from": result.ready.address.channel, "to": result.falls_back.channel}
    return NewEvent(
        name,
        result.ready.contact_id,
        "delivery",
        f"{result.delivery_id.hex}:{result.status}",
        result.at,
        data,
    )


def _again(outcome: Outcome, now: datetime, dice: random.Random) -> queue.Entry:
    """Return the row that offers a message once more: who is to blame decides what it costs."""
    claimed, failure = outcome.flight.ready.claimed, outcome.failure
    attempt, outages, wait = claimed.attempt, claimed.outages, 0.0
    if isinstance(failure, RetryLater):
        attempt += 1
        wait = retry.after_failure_s(attempt, failure.after, dice)
    elif isinstance(failure, RateLimited) and not failure.whole_key:
        wait = failure.after
    elif isinstance(failure, ChannelDown):
        outages = min(outages + 1, 32_000)
        wait = retry.after_outage_s(outages, dice)
    due = claimed.due_us if not wait else to_us(now) + int(wait * 1_000_000)
    return entry_again(claimed, due, attempt=attempt, outages=outages, detail=outcome.detail)


async def _mind_channels(
    session: AsyncSession, outcomes: Sequence[Outcome], real_us: int, now: datetime
) -> None:
    """Hold keys whose channel limits us, refuses us or is down; charge extra requests."""
    by_key: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_key.setdefault(outcome.flight.ready.claimed.pace_key, []).append(outcome)
    for key in sorted(by_key):  # as a claim locks them
        group = by_key[key]
        await _mind_limits(session, key, group, real_us, now)
        await _mind_outage(session, key, group, real_us)
        extra = sum(max(outcome.requests - 1, 0) for outcome in group)
        if extra:
            await queries.charge_pace(session, key, extra)


async def _mind_chats(
    session: AsyncSession, outcomes: Sequence[Outcome], real_us: int, chat_us: int
) -> None:
    """Let chats rest that limit us, and for each further request: an album's buttons, a long text.

    After the keys, as a claim has it.
    """
    resting: dict[uuid.UUID, int] = {}
    for outcome in outcomes:
        if outcome.requests > 1 or outcome.failure is not None:
            address_id = outcome.flight.ready.address.id
            rest_us = max(_rest_us(outcome, chat_us), resting.get(address_id, 0))
            if rest_us:
                resting[address_id] = rest_us
    await queries.set_next_send(
        session, [(real_us + rest_us, address_id) for address_id, rest_us in resting.items()]
    )


def _rest_us(outcome: Outcome, chat_us: int) -> int:
    """Return for how long a chat rests; 0 when what its claim gave it will do."""
    failure = outcome.failure
    longer = outcome.requests * chat_us if outcome.requests > 1 else 0
    if isinstance(failure, RateLimited) and not failure.whole_key:
        return max(longer, int(failure.after * 1_000_000))
    return longer


async def _mind_limits(
    session: AsyncSession, key: str, group: Sequence[Outcome], real_us: int, now: datetime
) -> None:
    refused = limited = False
    for outcome in group:
        failure = outcome.failure
        if failure is None:
            continue
        if isinstance(failure, ChannelRefused):
            if not refused:  # hundreds fly at once: it is told once
                log.error("channel.refused", key=key, reason=failure.reason)
                await troubles.tell(session, key, failure, now)
            refused = True
            await queries.hold_pace(session, key, real_us + _REFUSED_HOLD_US, failure.reason)
        elif isinstance(failure, RateLimited) and failure.whole_key:
            if not limited:
                log.warning("channel.limited", key=key, seconds=failure.after)
            limited = True
            until = real_us + int(failure.after * 1_000_000)
            await queries.hold_pace(session, key, until, failure.reason)
            await troubles.tell(session, key, failure, now)


async def _mind_outage(
    session: AsyncSession, key: str, group: Sequence[Outcome], real_us: int
) -> None:
    """Leave a channel alone for a while when all it gave was errors of its own.

    One message that always breaks the channel must not hold up the others, so a hold needs an
    outage and no answer in the same batch.
    """
    down = [o for o in group if isinstance(o.failure, ChannelDown)]
    if len(down) == len(group):
        before, held_until_us = await queries.outages_of(session, key)
        if held_until_us > real_us:
            return  # they left before the hold: one outage, however many it caught in flight
        outages = before + 1
        if outages > 1 or len(down) > 1:
            until = real_us + int(pace.outage_hold_s(outages) * 1_000_000)
            reason = down[0].failure.reason if down[0].failure else ""
            log.warning("channel.down", key=key, outages=outages, reason=reason)
            await queries.hold_pace(session, key, until, reason, outages)
        else:
            await queries.count_outage(session, key)
    elif not down:
        await queries.clear_outages(session, key)
