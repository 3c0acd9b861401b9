"""Broadcasts over two channels: whom they reach, by what, and when."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from broadcast_world import House, Hurried
from dripline.analytics import numbers
from dripline.broadcasts import queries, switch
from dripline.broadcasts.origin import BroadcastOrigin
from dripline.broadcasts.reactions import CONSUMER, BroadcastReactions
from dripline.channels.recorder import Recorded, Recorder
from dripline.clock import VirtualClock
from dripline.contacts import reachability
from dripline.contacts.models import Address, Contact, Preferences
from dripline.contacts.segments import Names, parse
from dripline.content.broadcasts import definitions
from dripline.content.store import Library
from dripline.database import Database
from dripline.deliveries import queries as deliveries
from dripline.deliveries.cap import Cap
from dripline.deliveries.dispatch import Dispatcher
from dripline.deliveries.models import Decision, Delivery
from dripline.deliveries.routing import Routing
from dripline.deliveries.status import advance
from dripline.errors import Unreachable
from dripline.events import NewEvent, append
from dripline.events.models import Event
from dripline.events.react import React
from dripline.ids import new_id

DAY = timedelta(days=1)


class TwoChannels(House):
    """A house with email beside the bot."""

    def __init__(self, database: Database, clock: VirtualClock, **given: Any) -> None:
        self.routing = Routing(("telegram", "email"), look_every_s=0, **given)
        self.email = Recorder(clock, "email", self._refuse)
        super().__init__(database, clock)

    def _dispatcher(self) -> Dispatcher:
        self.origin = BroadcastOrigin(self.renderer, self.routing)
        channels = {"telegram": self.channel, "email": self.email}
        origins = {"broadcast": self.origin}
        return Dispatcher(self.database, self.clock, Hurried(), origins, channels, "w")

    async def opened(self) -> "TwoChannels":
        async with self.database.transaction() as session:
            await deliveries.ensure_pace(session, "email", 1.0)
        await self.people(3)
        return self

    async def add_email(self, n: int | None, value: str, state: str = "reachable") -> Any:
        """Give a person an email address; None: somebody who has nothing else."""
        now = self.clock.now()
        async with self.database.transaction() as session:
            contact_id = new_id() if n is None else self.known[n].contact_id
            if n is None:
                session.add(Contact(id=contact_id, created_at=now, first_name="E", state="VISITOR"))
                await session.flush()
            session.add(
                Address(
                    id=new_id(), contact_id=contact_id, channel="email", bot="", value=value,
                    reachability=state, reachability_since=now, created_at=now, next_send_at=0,
                )
            )  # fmt: skip
        return contact_id

    async def prefer(self, contact_id: Any, **wishes: Any) -> None:
        async with self.database.transaction() as session:
            now = self.clock.now()
            session.add(Preferences(contact_id=contact_id, updated_at=now, **wishes))

    async def block(self, n: int) -> None:
        async with self.database.transaction() as session:
            address_id = self.known[n].address_id
            await reachability.change(session, address_id, "blocked", None, self.clock.now())

    async def all_sent(self) -> list[tuple[str, str]]:
        """Let it all go out; return who got it and how."""
        await self.sent()
        both: list[Recorded] = [*self.channel.sent, *self.email.sent]
        return sorted((one.address.channel, one.address.value) for one in both)

    async def count(self) -> int:
        async with self.database.reading() as session:
            anybody = parse(None, Names())
            return await queries.audience_count(session, "main", anybody, self.clock.now(), None)

    async def shown(self) -> list[str]:
        """Return the addresses of the sample."""
        async with self.database.reading() as session:
            anybody, now = parse(None, Names()), self.clock.now()
            return [row[1].value for row in await queries.sample(session, "main", anybody, now, 5)]

    async def bounce(self, value: str) -> None:
        """Let an email come back."""
        now = self.clock.now()
        async with self.database.transaction() as session:
            lost = await session.scalar(select(Delivery).where(Delivery.recipient == value))
            assert lost is not None
            await advance(session, lost.id, "bounced", now, reason="550")
            data = {"delivery_id": lost.id.hex, "kind": "permanent"}
            event = NewEvent("email.bounced", lost.contact_id, "t", new_id().hex, now, data)
            await append(session, event)
        react = React(self.database, {CONSUMER: BroadcastReactions()})
        while await react.run_once(now):
            pass


@pytest.fixture
async def house(database: Database, clock: VirtualClock) -> TwoChannels:
    return await TwoChannels(database, clock).opened()


async def test_everybody_gets_it_on_the_channel_that_suits_them(house: TwoChannels) -> None:
    await house.add_email(0, "zero@example.com")
    await house.prefer(house.known[0].contact_id, preferred_channel="email")
    await house.add_email(1, "one@example.com")
    await house.block(1)
    await house.add_email(2, "two@example.com", "unverified")
    await house.add_email(None, "only@example.com")
    no_news = await house.add_email(None, "quiet@example.com")
    await house.prefer(no_news, announcements=False)
    assert await house.count() == 4
    assert sorted(await house.shown()) == ["0", "2", "one@example.com", "only@example.com"]
    await house.do("send")
    assert await house.all_sent() == [
        ("email", "one@example.com"),
        ("email", "only@example.com"),
        ("email", "zero@example.com"),
        ("telegram", "2"),
    ]
    progress = await house.progress()
    assert (progress.status, progress.sent, progress.failed) == ("done", 4, 0)


async def test_a_blocked_bot_falls_back_and_counts_once(house: TwoChannels) -> None:
    await house.add_email(0, "zero@example.com")
    house.refused["0"] = Unreachable("blocked", "bot was blocked by the user")
    await house.do("send")
    assert await house.all_sent() == [
        ("email", "zero@example.com"),
        ("telegram", "1"),
        ("telegram", "2"),
    ]
    progress = await house.progress()
    assert (progress.status, progress.sent, progress.failed) == ("done", 3, 0)


async def test_both_channels_count_once(house: TwoChannels) -> None:
    house.define(channel="both")
    await house.add_email(0, "zero@example.com")
    await house.do("send")
    assert await house.all_sent() == [
        ("email", "zero@example.com"),
        ("telegram", "0"),
        ("telegram", "1"),
        ("telegram", "2"),
    ]
    assert (await house.progress()).sent == 3


async def test_an_email_that_comes_back_goes_by_telegram(house: TwoChannels) -> None:
    await house.add_email(0, "zero@example.com")
    await house.prefer(house.known[0].contact_id, preferred_channel="email")
    await house.do("send")
    await house.all_sent()
    await house.bounce("zero@example.com")
    await house.all_sent()
    await house.bounce("zero@example.com")  # told twice, and by then it has arrived
    await house.all_sent()
    assert [one.address.value for one in house.channel.sent] == ["1", "2", "0"]
    assert (await house.progress()).sent == 3
    async with house.database.reading() as session:
        today = await numbers.messages_of(session, "channel", 1, house.clock.now())
        told = await session.scalars(select(Event.data).where(Event.name == "message.fell_back"))
    assert (today["email"].fell_back, today["telegram"].fell_back) == (1, 0)
    assert [(one["from"], one["to"]) for one in told] == [("email", "telegram")]


async def test_announcements_wait_for_the_end_of_quiet_hours(
    database: Database, clock: VirtualClock
) -> None:
    house = await TwoChannels(database, clock, quiet=(11 * 60, 14 * 60)).opened()
    await house.do("send")
    assert await house.all_sent() == []
    assert (await house.progress()).status == "running"
    clock.advance(timedelta(hours=2))
    assert len(await house.all_sent()) == 3
    assert (await house.progress()).status == "done"


async def test_a_full_day_holds_it_back_and_a_full_week_leaves_it_out(
    database: Database, clock: VirtualClock
) -> None:
    house = await TwoChannels(database, clock, cap=Cap(1, 2)).opened()
    await start(house, "a")
    await start(house, "b")
    await house.all_sent()
    clock.advance(DAY)
    await house.all_sent()
    clock.advance(DAY)
    await start(house, "c")
    await house.all_sent()
    told = [f"{one.message.text} {one.at:%a}" for one in house.channel.sent]
    assert told == ["a Mon"] * 3 + ["b Tue"] * 3
    async with database.reading() as session:
        skipped = (await session.scalars(select(Decision).where(Decision.kind == "skip"))).all()
    assert {(row.message_id, row.reason) for row in skipped} == {("c", "capped")}


async def start(house: TwoChannels, key: str) -> None:
    """Start a broadcast of its own."""
    body = {"id": key, "name": key, "texts": {"": key}, "media": []}
    library = Library(
        broadcasts=definitions({"broadcasts": [body]}, button_sets={}, variables={}, attributes={})
    )
    async with house.database.transaction() as session:
        broadcast = await switch.draft(session, library, key, "me", house.clock.now())
        await switch.send(session, broadcast, now=house.clock.now())
