"""The path of a message, on each database: claimed, sent, settled; retried, held, fenced."""

import asyncio
import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.channels.recorder import Recorder
from dripline.clock import RealTime, VirtualClock, to_us
from dripline.contacts import reachability
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.contacts.models import Address
from dripline.content.rendered import Rendered
from dripline.database import Database
from dripline.deliveries import queries, queue
from dripline.deliveries.dispatch import Dispatcher
from dripline.deliveries.models import (
    LOW,
    NORMAL,
    PROMPTED,
    Delivery,
    InflightRow,
    Pace,
    QueueRow,
)
from dripline.deliveries.protocols import (
    AddressRef,
    Claimed,
    Outgoing,
    Ready,
    Result,
    Source,
)
from dripline.deliveries.pump import Pump
from dripline.deliveries.rescue import Leases, give_back, take_over_all
from dripline.errors import (
    ChannelDown,
    PermanentFailure,
    RateLimited,
    RetryLater,
    SendFailure,
    Unreachable,
)
from dripline.events.models import Event
from dripline.ids import new_id

KEY = "telegram:main"


class EveryRow:
    """An origin that sends every row to the address it refers to, and remembers what ended."""

    def __init__(self, real_time: "StandingTime | None" = None) -> None:
        self.results: list[Result] = []
        self.takes_s = 0.0
        self.ending = ""
        self.message_id = "m"
        self._real_time = real_time

    async def prepare(
        self, session: AsyncSession, claimed: Sequence[Claimed], now: datetime
    ) -> list[Ready]:
        if self._real_time is not None:
            self._real_time.pass_by(self.takes_s)
        ready = []
        for row in claimed:
            address = await session.get_one(Address, row.ref)
            ref = AddressRef(
                address.id,
                address.contact_id,
                "telegram",
                "main",
                address.value,
                address.next_send_at,
            )
            ready.append(
                Ready(
                    row,
                    address.contact_id,
                    ref,
                    partial(Rendered, f"to {address.value}{self.ending}"),
                    Source(row.id, 1, None, self.message_id),
                    {"reason": "test"},
                )
            )
        return ready

    async def settled(
        self, session: AsyncSession, results: Sequence[Result], now: datetime
    ) -> None:
        self.results += results


class StandingTime(RealTime):
    """Real time that passes only when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self._now_us = super().now_us()

    def now_us(self) -> int:
        return self._now_us

    def synchronise(self, database_us: int) -> None:
        self._now_us = max(self._now_us, database_us)

    def pass_by(self, seconds: float) -> None:
        self._now_us += int(seconds * 1_000_000)


class Engine:
    """A dispatcher with everything it needs, whose channel can be told to fail."""

    def __init__(self, database: Database, clock: VirtualClock) -> None:
        self.database = database
        self.clock = clock
        self.real_time = StandingTime()
        self.origin = EveryRow(self.real_time)
        self.failures: list[SendFailure] = []
        self.channel = Recorder(clock, refuse=self._refuse)
        self.dispatcher = self.another("one")

    def another(self, worker: str) -> Dispatcher:
        return Dispatcher(
            self.database,
            self.clock,
            self.real_time,
            {"test": self.origin},
            {"telegram": self.channel},
            worker,
        )

    def _refuse(self, outgoing: Outgoing) -> None:
        if self.failures:
            raise self.failures.pop(0)

    async def address(self, number: int) -> uuid.UUID:
        async with self.database.transaction() as session:
            person = TelegramPerson(number, f"P{number}")
            known = await by_telegram(session, "main", person, self.clock.now())
            return known.address_id

    async def queue(
        self, ref: uuid.UUID, *, priority: int = NORMAL, after: timedelta = timedelta()
    ) -> uuid.UUID:
        key = queue.Key(KEY, priority, to_us(self.clock.now() + after), new_id())
        async with self.database.transaction() as session:
            await queue.push(
                session, [queue.Entry(key, "test", ref)], now_us=to_us(self.clock.now())
            )
        return key.id

    async def run(self) -> int:
        return await self.dispatcher.run_once(self.clock.now())

    async def count(self, model: type) -> int:
        async with self.database.reading() as session:
            return int(await session.scalar(select(func.count()).select_from(model)) or 0)

    async def queued(self) -> QueueRow:
        async with self.database.reading() as session:
            return (await session.scalars(select(QueueRow))).one()

    @property
    def texts(self) -> list[str]:
        return [recorded.message.text for recorded in self.channel.sent]


@pytest.fixture
async def engine(database: Database, clock: VirtualClock) -> Engine:
    async with database.transaction() as session:
        await queries.ensure_pace(session, KEY, 100.0)
    return Engine(database, clock)


async def test_a_due_message_is_sent_once_and_written_down(engine: Engine) -> None:
    await engine.queue(await engine.address(1))

    assert await engine.run() == 1
    assert await engine.run() == 0

    assert engine.texts == ["to 1"]
    assert await engine.count(QueueRow) == 0
    assert await engine.count(InflightRow) == 0
    async with engine.database.reading() as session:
        delivery = (await session.scalars(select(Delivery))).one()
        event = (await session.scalars(select(Event).where(Event.name == "message.sent"))).one()
    assert (delivery.status, delivery.recipient, delivery.content) == ("sent", "1", "to 1")
    assert delivery.sent_at == engine.clock.now()
    assert delivery.decision == {"reason": "test"}
    assert event.contact_id == delivery.contact_id


async def test_nothing_leaves_before_it_is_due(engine: Engine) -> None:
    await engine.queue(await engine.address(1), after=timedelta(hours=1))

    assert await engine.run() == 0
    engine.clock.advance(timedelta(minutes=59, seconds=59))
    assert await engine.run() == 0
    engine.clock.advance(timedelta(seconds=1))
    assert await engine.run() == 1


async def test_replies_go_before_the_crowd(engine: Engine) -> None:
    for number in range(3):
        await engine.queue(await engine.address(number), priority=LOW, after=-timedelta(hours=1))
    await engine.queue(await engine.address(9), priority=PROMPTED)

    await engine.run()

    assert engine.texts == ["to 9", "to 0", "to 1", "to 2"]


async def test_under_load_what_comes_back_to_its_old_place_is_found_within_a_second(
    engine: Engine,
) -> None:
    await engine.queue(await engine.address(1))
    await engine.dispatcher.claim(engine.clock.now(), 100, sure=True)
    await engine.queue(await engine.address(2), after=-timedelta(hours=1))
    await engine.queue(await engine.address(3))

    at_once = await engine.dispatcher.claim(engine.clock.now(), 100, sure=True)
    engine.real_time.pass_by(1.1)
    later = await engine.dispatcher.claim(engine.clock.now(), 100, sure=True)

    found = [flight.ready.address.value for flight in (*at_once.flights, *later.flights)]
    assert sorted(found) == ["2", "3"]
    assert "3" in [flight.ready.address.value for flight in at_once.flights]


async def test_the_pace_is_shared_and_a_claim_takes_no_more_than_its_slots(
    engine: Engine,
) -> None:
    async with engine.database.transaction() as session:
        await queries.ensure_pace(session, KEY, 50_000.0)  # microseconds: twenty a second
    for number in range(10):
        await engine.queue(await engine.address(number))

    first = await engine.dispatcher.claim(engine.clock.now(), 100)
    second = await engine.another("two").claim(engine.clock.now(), 100)

    slots = [flight.slot_us for flight in first.flights + second.flights]
    # A tenth of a second ahead is handed out: three slots, whoever asks.
    assert [slot - slots[0] for slot in slots] == [0, 50_000, 100_000]


async def test_a_chat_gets_one_message_a_second(engine: Engine) -> None:
    address = await engine.address(1)
    for _ in range(3):
        await engine.queue(address)

    claimed = await engine.dispatcher.claim(engine.clock.now(), 100)

    slots = [flight.slot_us for flight in claimed.flights]
    assert [later - slots[0] for later in slots] == [0, 1_000_000, 2_000_000]


async def test_a_chat_of_a_sandbox_rests_for_as_long_as_a_second_is_there(engine: Engine) -> None:
    address = await engine.address(1)
    for _ in range(2):
        await engine.queue(address)
    engine.dispatcher.chat_us = 1_000

    first = await engine.dispatcher.claim(engine.clock.now(), 100)
    await engine.queue(address)
    await engine.dispatcher.free_chats()
    second = await engine.dispatcher.claim(engine.clock.now(), 100)

    start, *later = [flight.slot_us for flight in first.flights + second.flights]
    assert [slot - start for slot in later] == [1_000, 200]  # the third waits for the bot's pace


async def test_a_chat_rests_for_a_second_after_a_claim_that_took_longer(engine: Engine) -> None:
    address = await engine.address(1)
    for _ in range(2):
        await engine.queue(address)
    engine.origin.takes_s = 1.5
    flights = (await engine.dispatcher.claim(engine.clock.now(), 10)).flights
    first, second = (flight.slot_us for flight in flights)

    assert first == engine.real_time.now_us()
    assert second - first == 1_000_000


async def test_a_message_keeps_off_one_of_several_requests_that_is_on_its_way(
    engine: Engine,
) -> None:
    address, other = await engine.address(1), await engine.address(2)
    engine.origin.ending = " word" * 1_000
    for ref in (address, address, other):
        await engine.queue(ref)
    flights = (await engine.dispatcher.claim(engine.clock.now(), 10)).flights
    started = engine.real_time.now_us()
    for flight in flights:
        engine.dispatcher.send(flight).close()

    first, second, third = (flight.slot_us - started for flight in flights)
    assert second - first == 2_000_000
    assert third < 100_000


async def test_a_chat_rests_for_each_request_that_a_message_took(engine: Engine) -> None:
    address = await engine.address(1)

    def takes_three(outgoing: Outgoing) -> None:
        outgoing.parts_done += 3

    engine.channel = Recorder(engine.clock, refuse=takes_three)
    dispatcher = engine.another("two")
    await engine.queue(address)
    await dispatcher.run_once(engine.clock.now())
    await engine.queue(address)
    started = engine.real_time.now_us()
    (second,) = (await dispatcher.claim(engine.clock.now(), 10)).flights

    assert second.slot_us - started == 3_000_000


async def test_of_two_long_messages_the_longer_decides_how_long_a_chat_rests(
    engine: Engine,
) -> None:
    address, took = await engine.address(1), [3, 2]

    def takes_several(outgoing: Outgoing) -> None:
        outgoing.parts_done += took.pop(0)

    engine.channel = Recorder(engine.clock, refuse=takes_several)
    engine.dispatcher = engine.another("one")
    for _ in range(2):
        await engine.queue(address)
    claimed = await engine.dispatcher.claim(engine.clock.now(), 10)
    engine.real_time.pass_by(2)
    outcomes = [await engine.dispatcher.send(flight) for flight in claimed.flights]
    await engine.dispatcher.settle(outcomes, engine.clock.now())

    async with engine.database.reading() as session:
        rests_until = (await session.get_one(Address, address)).next_send_at
    assert rests_until - engine.real_time.now_us() == 3_000_000


@pytest.mark.parametrize(
    ("refusal", "rest_us"),
    [
        (RateLimited("Too Many Requests", 7.0, whole_key=False), 7_000_000),
        (Unreachable("blocked", "bot was blocked by the user"), 1_000_000),
    ],
    ids=["limited", "blocked"],
)
async def test_a_settle_and_a_claim_that_want_the_same_bot_and_chat_take_turns(
    engine: Engine, refusal: SendFailure, rest_us: int
) -> None:
    limited, long = await engine.address(1), await engine.address(2)

    def refuse(outgoing: Outgoing) -> None:
        if outgoing.address.id == limited:
            raise refusal
        outgoing.parts_done += 2

    engine.channel = Recorder(engine.clock, refuse=refuse)
    engine.dispatcher = engine.another("one")
    for address in (limited, long):
        await engine.queue(address)
    claimed = await engine.dispatcher.claim(engine.clock.now(), 10)
    outcomes = [await engine.dispatcher.send(flight) for flight in claimed.flights]
    now_us = engine.real_time.now_us()
    async with engine.database.transaction() as another_claim:
        await queries.lock_pace(another_claim)
        settling = asyncio.create_task(engine.dispatcher.settle(outcomes, engine.clock.now()))
        await asyncio.wait([settling], timeout=0.5)
        assert not settling.done()
        await queries.set_next_send(another_claim, [(now_us + 1_000_000, limited)])
    await settling

    async with engine.database.reading() as session:
        rests_until = (await session.get_one(Address, limited)).next_send_at
    assert rests_until - now_us == rest_us


async def test_parts_that_went_out_are_those_of_their_own_message(engine: Engine) -> None:
    begun: list[tuple[int, list[str]]] = []

    def breaks_off(outgoing: Outgoing) -> None:
        begun.append((outgoing.parts_done, list(outgoing.provider_ids)))
        outgoing.parts_done += 1
        outgoing.provider_ids.append(str(len(begun)))
        if len(begun) < 3:
            raise RetryLater("the second part failed")

    engine.channel = Recorder(engine.clock, refuse=breaks_off)
    dispatcher = engine.another("two")
    await engine.queue(await engine.address(1))
    for _ in range(2):
        await dispatcher.run_once(engine.clock.now())
        engine.clock.advance(timedelta(minutes=10))
    engine.origin.message_id = "another"  # the content was edited while it waited
    await dispatcher.run_once(engine.clock.now())

    assert begun == [(0, []), (1, ["1"]), (0, [])]


async def test_a_busy_chat_does_not_hold_up_others(engine: Engine) -> None:
    address = await engine.address(1)
    for _ in range(8):
        await engine.queue(address)

    claimed = await engine.dispatcher.claim(engine.clock.now(), 100)

    assert len(claimed.flights) == 4
    assert await engine.count(QueueRow) == 4


async def test_a_temporary_failure_is_retried_three_times_in_all(engine: Engine) -> None:
    await engine.queue(await engine.address(1))
    engine.failures = [RetryLater("later"), RetryLater("later"), RetryLater("at last")]

    await engine.run()
    row = await engine.queued()
    assert row.attempt == 1
    assert row.due_at - to_us(engine.clock.now()) >= 30_000_000
    for _ in range(2):
        engine.clock.advance(timedelta(minutes=5))
        await engine.run()

    assert await engine.count(QueueRow) == 0
    [result] = engine.origin.results
    assert (result.status, result.failure) == ("failed", "at last")


async def test_a_permanent_failure_is_not_retried(engine: Engine) -> None:
    await engine.queue(await engine.address(1))
    engine.failures = [PermanentFailure("text is empty")]

    await engine.run()

    assert await engine.count(QueueRow) == 0
    [result] = engine.origin.results
    assert (result.status, result.failure_code) == ("failed", "rejected")


async def test_a_blocked_bot_makes_the_address_unreachable(engine: Engine) -> None:
    address = await engine.address(1)
    await engine.queue(address)
    engine.failures = [Unreachable("blocked", "bot was blocked by the user")]

    await engine.run()

    async with engine.database.reading() as session:
        row = await session.get_one(Address, address)
        names = set((await session.scalars(select(Event.name))).all())
    assert (row.reachability, row.reachability_reason) == (
        "blocked",
        "bot was blocked by the user",
    )
    assert "address.unreachable" in names


async def test_who_comes_back_while_a_message_is_refused_gets_it_all_the_same(
    engine: Engine,
) -> None:
    address = await engine.address(1)
    await engine.queue(address)
    engine.failures = [Unreachable("blocked", "bot was blocked by the user")]
    claimed = await engine.dispatcher.claim(engine.clock.now(), 10)
    refused = await engine.dispatcher.send(claimed.flights[0])
    engine.clock.advance(timedelta(milliseconds=40))
    async with engine.database.transaction() as session:
        for state in ("blocked", "reachable"):
            await reachability.change(session, address, state, None, engine.clock.now())

    await engine.dispatcher.settle([refused], engine.clock.now())

    assert (await engine.queued()).attempt == 1
    async with engine.database.reading() as session:
        assert (await session.get_one(Address, address)).reachability == "reachable"
    engine.clock.advance(timedelta(minutes=1))
    assert await engine.run() == 1
    assert engine.texts == ["to 1"]


async def test_a_limit_holds_the_bot_for_every_worker_and_costs_no_attempt(
    engine: Engine,
) -> None:
    await engine.queue(await engine.address(1))
    engine.failures = [RateLimited("Too Many Requests", 7.0)]

    await engine.run()

    row = await engine.queued()
    assert row.attempt == 0
    other = await engine.another("two").claim(engine.clock.now(), 10)
    assert other.taken == 0
    async with engine.database.reading() as session:
        pace = await session.get_one(Pace, KEY)
    assert pace.hold_until_us - engine.real_time.now_us() > 6_000_000


async def test_an_outage_holds_the_channel_and_costs_no_attempt(engine: Engine) -> None:
    for number in range(3):
        await engine.queue(await engine.address(number))
    engine.failures = [ChannelDown("502")] * 3

    await engine.run()

    async with engine.database.reading() as session:
        rows = (await session.scalars(select(QueueRow))).all()
        pace = await session.get_one(Pace, KEY)
    assert [(row.attempt, row.outages) for row in rows] == [(0, 1)] * 3
    assert pace.outages == 1
    assert pace.hold_until_us > engine.real_time.now_us()


async def test_a_short_outage_is_one_however_many_batches_it_caught_in_flight(
    engine: Engine,
) -> None:
    for number in range(20):
        await engine.queue(await engine.address(number))
    claimed = await engine.dispatcher.claim(engine.clock.now(), 20)
    assert len(claimed.flights) > 7
    engine.failures = [ChannelDown("500")] * 20
    outcomes = [await engine.dispatcher.send(flight) for flight in claimed.flights]
    for first in range(0, len(outcomes), 2):
        await engine.dispatcher.settle(outcomes[first : first + 2], engine.clock.now())

    async with engine.database.reading() as session:
        pace = await session.get_one(Pace, KEY)
    assert pace.outages == 1
    assert 0 < pace.hold_until_us - engine.real_time.now_us() <= 1_000_000


async def test_a_hold_ends_where_the_clock_was_set_back_before_a_restart(engine: Engine) -> None:
    await engine.queue(await engine.address(1))
    engine.failures = [RateLimited("Too Many Requests", 30.0)]
    engine.real_time.pass_by(3_600)
    assert await engine.run() == 1
    await Leases(engine.database, engine.real_time, "one").renew()
    assert not await engine.run()  # as it should: what is held for a time stays so

    engine.real_time.pass_by(-3_600)
    await engine.queue(await engine.address(2))
    assert not await engine.run()
    await Leases(engine.database, engine.real_time, "one").renew()

    assert await engine.run()
    assert engine.texts == ["to 2"]
    async with engine.database.reading() as session:
        assert await queries.held_keys(session, engine.real_time.now_us()) == []


async def test_one_message_that_breaks_the_channel_does_not_hold_up_others(
    engine: Engine,
) -> None:
    for number in range(3):
        await engine.queue(await engine.address(number))
    engine.failures = [ChannelDown("500")]

    await engine.run()

    assert len(engine.texts) == 2
    async with engine.database.reading() as session:
        assert (await session.get_one(Pace, KEY)).hold_until_us == 0


async def test_late_results_of_an_expired_lease_are_fenced_off(engine: Engine) -> None:
    await engine.queue(await engine.address(1))
    stuck = await engine.dispatcher.claim(engine.clock.now(), 10)
    late = await engine.dispatcher.send(stuck.flights[0])
    await take_over_all(engine.database)

    assert await engine.another("two").run_once(engine.clock.now()) == 1
    settled = await engine.dispatcher.settle([late], engine.clock.now())

    assert (len(settled.results), settled.fenced) == (0, 1)
    assert await engine.count(Delivery) == 1


async def test_a_worker_that_stood_still_hands_nothing_over_any_more(engine: Engine) -> None:
    await engine.queue(await engine.address(1))
    stuck = await engine.dispatcher.claim(engine.clock.now(), 10)
    engine.real_time.pass_by(31)
    late = await engine.dispatcher.send(stuck.flights[0])
    assert engine.channel.sent == []

    settled = await engine.dispatcher.settle([late], engine.clock.now())
    assert (len(settled.results), settled.retried) == (0, 1)
    assert await engine.run() == 1
    async with engine.database.reading() as session:
        row = (await session.scalars(select(Delivery))).one()
    assert (row.status, row.attempt_count) == ("sent", 1)


async def test_a_dead_workers_messages_are_rescued_when_its_lease_ends(engine: Engine) -> None:
    await engine.queue(await engine.address(1))
    await engine.dispatcher.claim(engine.clock.now(), 10)
    leases = Leases(engine.database, engine.real_time, "two")

    engine.real_time.pass_by(20)
    assert await leases.rescue() == 0
    engine.real_time.pass_by(20)
    assert await leases.rescue() == 1

    assert await engine.run() == 1
    assert await engine.count(InflightRow) == 0


async def test_nobody_is_rescued_right_after_an_outage_of_the_database(engine: Engine) -> None:
    await engine.queue(await engine.address(1))
    await engine.dispatcher.claim(engine.clock.now(), 10)
    leases = Leases(engine.database, engine.real_time, "two")

    engine.real_time.pass_by(60)
    await leases.renew()

    assert await leases.rescue() == 0


async def test_a_stopping_worker_gives_back_what_it_holds(engine: Engine) -> None:
    await engine.queue(await engine.address(1))
    await engine.dispatcher.claim(engine.clock.now(), 10)

    assert await give_back(engine.database, "one") == 1

    assert await engine.another("two").run_once(engine.clock.now()) == 1


async def test_workers_share_the_queue_without_sending_twice(engine: Engine) -> None:
    async with engine.database.transaction() as session:
        await queries.ensure_pace(session, KEY, 0.01)
    for number in range(60):
        await engine.queue(await engine.address(number))
    workers = [engine.another(name) for name in ("a", "b", "c")]

    for _ in range(8):
        await asyncio.gather(*(worker.run_once(engine.clock.now(), 9) for worker in workers))

    assert sorted(engine.texts) == sorted(f"to {number}" for number in range(60))
    assert await engine.count(Delivery) == 60


async def test_a_broken_template_harms_no_other_message(engine: Engine) -> None:
    await engine.queue(await engine.address(1))
    await engine.queue(await engine.address(2))
    claimed = await engine.dispatcher.claim(engine.clock.now(), 10)

    def broken() -> Rendered:
        raise ZeroDivisionError

    claimed.flights[0].ready.render = broken
    outcomes = [await engine.dispatcher.send(flight) for flight in claimed.flights]
    await engine.dispatcher.settle(outcomes, engine.clock.now())

    assert [result.status for result in engine.origin.results] == ["failed", "sent"]
    assert engine.origin.results[0].failure_code == "template"


async def test_a_row_that_cannot_be_made_ready_harms_no_other_message(engine: Engine) -> None:
    for number in range(3):
        await engine.queue(await engine.address(number))
    claimed = await engine.dispatcher.claim(engine.clock.now(), 10)
    broken = claimed.flights[1].ready
    broken.claimed = broken.claimed._replace(detail="no JSON")
    outcomes = await asyncio.gather(*map(engine.dispatcher.send, claimed.flights))
    await engine.dispatcher.settle(outcomes, engine.clock.now())

    assert engine.texts == ["to 0", "to 2"]
    assert (await engine.queued()).attempt == 1
    assert await engine.count(InflightRow) == 0


async def test_what_a_claim_brings_when_the_worker_has_stopped_does_not_leave(
    engine: Engine,
) -> None:
    await engine.queue(await engine.address(1))
    pump = Pump(engine.another("one"), asyncio.Event(), 100)
    async with engine.database.transaction() as somebody:
        await queries.lock_pace(somebody)
        running = asyncio.create_task(pump.run())
        await asyncio.sleep(0.2)  # its claim waits
        stopping = asyncio.create_task(pump.stop(0.05))
        await asyncio.wait([stopping], timeout=0.3)
    await stopping
    await running

    assert pump.held == 0
    assert engine.channel.sent == []
    # What was given back is in the queue; what was claimed after that, until its lease ends.
    assert await engine.count(QueueRow) + await engine.count(InflightRow) == 1


async def test_cancelled_rows_are_gone(engine: Engine) -> None:
    address = await engine.address(1)
    row_id = await engine.queue(address)
    key = queue.Key(KEY, NORMAL, to_us(engine.clock.now()), row_id)
    async with engine.database.transaction() as session:
        await queue.cancel(session, [key])

    assert await engine.run() == 0


@pytest.mark.parametrize("seed", range(3))
async def test_the_order_of_due_times_is_kept(engine: Engine, seed: int) -> None:
    async with engine.database.transaction() as session:
        await queries.ensure_pace(session, KEY, 0.01)
    offsets = list(range(40))
    random.Random(seed).shuffle(offsets)
    for offset in offsets:
        await engine.queue(await engine.address(offset), after=-timedelta(seconds=100 - offset))

    while await engine.dispatcher.run_once(engine.clock.now(), 7):
        pass

    assert engine.texts == [f"to {offset}" for offset in range(40)]


class Poisoned(EveryRow):
    """An origin that breaks on one address, before sending or after."""

    def __init__(self, at: str, poison: str) -> None:
        super().__init__()
        self._at = at
        self._poison = poison

    async def prepare(
        self, session: AsyncSession, claimed: Sequence[Claimed], now: datetime
    ) -> list[Ready]:
        ready = await super().prepare(session, claimed, now)
        if self._at == "prepare" and any(item.address.value == self._poison for item in ready):
            raise ZeroDivisionError
        return ready

    async def settled(
        self, session: AsyncSession, results: Sequence[Result], now: datetime
    ) -> None:
        if self._at == "settled" and any(r.ready.address.value == self._poison for r in results):
            raise ZeroDivisionError
        await super().settled(session, results, now)


@pytest.mark.parametrize("at", ["prepare", "settled"])
async def test_one_poisoned_row_harms_no_other(engine: Engine, at: str) -> None:
    engine.origin = Poisoned(at, "2")
    engine.dispatcher = engine.another("one")
    for number in range(5):
        await engine.queue(await engine.address(number))

    await engine.run()
    await engine.run()

    ended = sorted(result.ready.address.value for result in engine.origin.results)
    assert ended == ["0", "1", "3", "4"]
    assert await engine.count(InflightRow) == 0
    assert await engine.count(QueueRow) == (1 if at == "prepare" else 0)


async def test_a_text_that_no_database_keeps_is_kept_without_it(engine: Engine) -> None:
    await engine.queue(await engine.address(1))
    engine.failures = [PermanentFailure("odd \0 answer \ud800")]

    await engine.run()

    async with engine.database.reading() as session:
        delivery = (await session.scalars(select(Delivery))).one()
    assert delivery.failure_reason == "odd  answer ?"


async def test_a_bug_in_a_channel_costs_attempts(engine: Engine) -> None:
    await engine.queue(await engine.address(1))
    for _ in range(3):
        engine.failures.append(ZeroDivisionError())  # type: ignore[arg-type]
        await engine.run()
        engine.clock.advance(timedelta(minutes=10))

    assert [result.status for result in engine.origin.results] == ["failed"]
    assert await engine.count(QueueRow) == 0
