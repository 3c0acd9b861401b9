"""The dispatcher: claims what is due, renders, sends, settles. See DESIGN, "The path of a message".

`run_once` does the three steps one after another (tests, the simulator); the pump in `pump.py`
overlaps them, with hundreds of messages in flight.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from dripline import metrics
from dripline.clock import Clock, RealTime, to_us
from dripline.content.rendered import Rendered
from dripline.database import Database, dump_json, load_json
from dripline.database.failures import will_pass
from dripline.deliveries import pace, queries
from dripline.deliveries.claim import Claim, Flight, Terms, claim
from dripline.deliveries.passed import Passed
from dripline.deliveries.protocols import Channel, LinkTracker, Origin, Outgoing
from dripline.deliveries.rescue import LEASE_US
from dripline.deliveries.rests import Bursts, Rests
from dripline.deliveries.settle import Outcome, Settled, settle
from dripline.deliveries.track import has_links, tracked
from dripline.errors import Overslept, PermanentFailure, RetryLater, SendFailure
from dripline.ids import new_id

log = structlog.get_logger()
_BATCH = 500
# A slot is at most a few seconds after its claim. Half a lease later, we know that we stood still.
_TOO_LATE_US = LEASE_US // 2
_TIMER_US = 1_000  # a timer is no finer
# A claim takes some 20 ms, a hundred under load. What one takes that is stuck, its slots are moved
# on by; far within the lease.
_LONG_CLAIM_US, _LONGEST_CLAIM_US = 250_000, LEASE_US // 4


class Dispatcher:
    """Sends what is due, on behalf of one worker.

    `chat_us` is how long a chat rests between two messages: a second, but for a sandbox's clock
    that runs faster than the world.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        real_time: RealTime,
        origins: Mapping[str, Origin],
        channels: Mapping[str, Channel],
        worker: str,
        tracker: LinkTracker | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.real_time = real_time
        self.worker = worker
        self.chat_us = pace.CHAT_INTERVAL_US
        self._origins = origins
        self._channels = channels
        self._tracker = tracker
        self._passed = Passed()
        self._rests = Rests() if database.is_sqlite else None
        self._bursts = Bursts()
        self._dice = random.Random()  # noqa: S311 - jitter

    async def run_once(self, now: datetime, most: int = _BATCH) -> int:
        """Claim, send and settle up to `most` rows; return how many rows were dealt with."""
        claimed = await self.claim(now, most)
        outcomes = await asyncio.gather(*(self.send(flight) for flight in claimed.flights))
        if outcomes:
            await self.settle(outcomes, self.clock.now())
        return claimed.taken

    async def claim(self, now: datetime, room: int, *, sure: bool = False) -> Claim:
        """Claim due rows under a lease; `sure` when something is likely to be due."""
        real_us = self.real_time.now_us()
        terms = Terms(
            self.worker,
            min(room, _BATCH),
            real_us,
            real_us + LEASE_US,
            sure,
            self.chat_us,
            rests=self._rests,
        )
        if sure and not self.database.is_sqlite:
            terms = replace(terms, passed=self._passed.until(real_us))
        try:
            claimed = await claim(self.database, self._origins, terms, now)
            self._passed.note(claimed.passed)
        except Exception as error:
            if will_pass(error):
                raise
            log.error("claim.failed", error=repr(error)[:500])
            claimed = await claim(self.database, self._origins, terms, now, one_by_one=True)
        moved_us = self._move_on(claimed, real_us)
        if self._rests is not None:
            rests = claimed.rests
            if moved_us:
                rests = {chat: until + moved_us for chat, until in rests.items()}
            self._rests.note(rests, real_us)
        return claimed

    def _move_on(self, claimed: Claim, began_us: int) -> int:
        """Move slots on by what a long claim took, and return it: else a chat's would all be past.

        A database that is slow, or content that is read for the first time, can take a second.
        """
        took_us = self.real_time.now_us() - began_us
        if not _LONG_CLAIM_US < took_us < _LONGEST_CLAIM_US:
            return 0
        for flight in claimed.flights:
            flight.slot_us += took_us
        return took_us

    async def free_chats(self) -> None:
        """Let all chats take their next message at once."""
        async with self.database.transaction() as session:
            await queries.free_chats(session)
        self._bursts.forget()
        if self._rests is not None:
            self._rests.forget()

    def send(self, flight: Flight) -> Coroutine[Any, Any, Outcome]:
        """Render one message, and return what sends it at its slot; a failure is in the outcome.

        So a claim is rendered as a whole before the first of it leaves: in turns with requests,
        each does its work with cold caches, and takes half as long again. It never raises: the
        others of the claim would be held in flight, and never leave.
        """
        try:
            outcome, outgoing = self._prepared(flight)
        except Exception as error:
            # A bug of ours, as below.
            log.exception("message.broke", ref=flight.ready.claimed.ref.hex)
            failure = RetryLater(f"unexpected: {error!r}")
            outcome, outgoing = Outcome(flight, new_id(), self.clock.now(), failure=failure), None
        return self._leave(outcome, outgoing)

    def is_late(self, flight: Flight) -> bool:
        """Whether a message's slot has passed so long ago that it must not leave any more."""
        return self.real_time.now_us() - flight.slot_us > _TOO_LATE_US

    def pass_over(self, flight: Flight) -> Coroutine[Any, Any, Outcome]:
        """Return what puts a late message back, without having rendered it."""
        return self._leave(Outcome(flight, new_id(), self.clock.now()), None)

    async def _leave(self, outcome: Outcome, outgoing: Outgoing | None) -> Outcome:
        """Send at the slot. Hundreds wait here for their answers, so what waits is kept shallow."""
        flight = outcome.flight
        late_us = self.real_time.now_us() - flight.slot_us
        if late_us < -_TIMER_US:
            await asyncio.sleep(-late_us / 1_000_000)
            late_us = self.real_time.now_us() - flight.slot_us
        if late_us > _TOO_LATE_US:
            outcome.failure = Overslept("the worker stood still past its lease")
            outcome.requests = 0
            return outcome
        if outgoing is None:
            return outcome
        done, since = outgoing.parts_done, time.perf_counter()
        try:
            if self._tracker is not None:
                outgoing.message = await self._track(self._tracker, outgoing)
            channel = self._channels[outgoing.address.channel]
            outcome.provider_ids = (await channel.send(outgoing)).provider_ids
        except SendFailure as failure:
            outcome.failure = failure
        except Exception as error:
            # A bug of ours: it costs attempts, so that one message cannot break on it for ever.
            log.exception("channel.broke", channel=outgoing.address.channel)
            outcome.failure = RetryLater(f"unexpected: {error!r}")
        if outcome.failure is not None:
            outcome.detail = _progress(outgoing, flight)
        outcome.requests = outgoing.parts_done - done
        outcome.seconds = time.perf_counter() - since
        outcome.left_at, outcome.at = outcome.at, self.clock.now()
        return outcome

    def _prepared(self, flight: Flight) -> tuple[Outcome, Outgoing | None]:
        """Return a message as it is to leave; only its outcome when it cannot."""
        begun = _begun(flight)
        outcome = Outcome(flight, _id_of(begun) or new_id(), self.clock.now())
        try:
            message = flight.ready.render()
        except SendFailure as failure:
            outcome.failure = failure
            return outcome, None
        except Exception as error:  # noqa: BLE001 - a template harms no message but its own
            outcome.failure = PermanentFailure(f"the template failed: {error!r}", code="template")
            return outcome, None
        outcome.content = message.text
        outgoing = Outgoing(outcome.delivery_id, flight.ready.address, message)
        if begun:
            outgoing.parts_done, outgoing.provider_ids = begun["done"], list(begun["ids"])
        address = outgoing.address
        requests = self._channels[address.channel].requests_for(message)
        if requests > 1 or address.id in self._bursts:
            now_us, took_us = self.real_time.now_us(), requests * self.chat_us
            flight.slot_us = self._bursts.slot(address.id, flight.slot_us, took_us, now_us)
        return outcome, outgoing

    async def _track(self, tracker: LinkTracker, outgoing: Outgoing) -> Rendered:
        """Return the message as it goes out; an email's links are its channel's to track."""
        message, address = outgoing.message, outgoing.address
        if address.channel == "email" or not has_links(message):
            return message
        found = tracked(message, tracker, outgoing.delivery_id, address.contact_id)
        await tracker.keep()
        return found

    async def settle(self, outcomes: Sequence[Outcome], now: datetime) -> Settled:
        """Record outcomes, and count them; one that breaks the record harms no other."""
        try:
            settled = await self._settle(outcomes, now)
        except Exception as error:
            if will_pass(error):
                raise
            log.error("settle.failed", error=repr(error)[:500])
            settled = await self._settle_each(outcomes, now)
        metrics.count_settled(settled.results, settled.retried, settled.fenced)
        metrics.observe_sending((o.flight.ready.address.channel, o.seconds) for o in outcomes)
        metrics.observe_lateness(
            (r.ready.address.channel, (to_us(r.at) - r.ready.claimed.due_us) / 1_000_000)
            for r in settled.results
        )
        return settled

    async def _settle(self, outcomes: Sequence[Outcome], now: datetime) -> Settled:
        real_us = self.real_time.now_us()
        return await settle(
            self.database, self._origins, outcomes, now, real_us, self._dice, self.chat_us
        )

    async def _settle_each(self, outcomes: Sequence[Outcome], now: datetime) -> Settled:
        """Settle one by one. What cannot be recorded is let go: sending it again would not help."""
        all_of_them = Settled([], 0, 0)
        for outcome in outcomes:
            try:
                settled = await self._settle([outcome], now)
            except Exception as error:
                if will_pass(error):
                    raise
                row = outcome.flight.ready.claimed
                log.error("settle.lost", ref=row.ref.hex, error=repr(error)[:500])
                async with self.database.transaction() as session:
                    await queries.delete_inflight(session, [row.id])
            else:
                all_of_them = all_of_them.plus(settled)
        return all_of_them


def _begun(flight: Flight) -> dict[str, Any] | None:
    """Return how far an earlier attempt at this very message has come, of several requests.

    The row of an enrollment may mean another message by now: the content was edited meanwhile.
    """
    detail, message_id = flight.ready.claimed.detail, flight.ready.source.message_id
    parts: dict[str, Any] | None = load_json(detail).get("parts") if detail else None
    return parts if parts and parts.get("of", message_id) == message_id else None


def _id_of(begun: dict[str, Any] | None) -> uuid.UUID | None:
    """Return the id under which the first parts went out: their links name it."""
    return uuid.UUID(begun["id"]) if begun and "id" in begun else None


def _progress(outgoing: Outgoing, flight: Flight) -> str | None:
    detail = flight.ready.claimed.detail
    if not outgoing.parts_done:
        return detail
    kept = load_json(detail) if detail else {}
    kept["parts"] = {
        "done": outgoing.parts_done,
        "ids": outgoing.provider_ids,
        "id": outgoing.delivery_id.hex,
        "of": flight.ready.source.message_id,
    }
    return dump_json(kept)
