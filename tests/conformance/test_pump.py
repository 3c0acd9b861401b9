"""The pump on each database: what takes long to render holds up nobody else, nor a stop."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.channels.recorder import Recorder
from dripline.clock import RealTime, VirtualClock
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.content.rendered import Rendered
from dripline.database import Database
from dripline.deliveries import pump as pumps
from dripline.deliveries.dispatch import Dispatcher
from dripline.deliveries.models import InflightRow, QueueRow
from dripline.deliveries.protocols import Claimed, Origin, Outgoing, Ready, RenderCall, Result
from dripline.deliveries.pump import Pump
from dripline.scenarios import switch
from world import World, new_world

PEOPLE = 5


class SlowTime(RealTime):
    """Real time that may jump ahead."""

    ahead_us = 0

    def now_us(self) -> int:
        return super().now_us() + self.ahead_us


class Counted:
    """An origin that counts what is rendered of it."""

    def __init__(self, origin: Origin, rendered: Callable[[], None]) -> None:
        self._origin, self._rendered = origin, rendered

    async def prepare(
        self, session: AsyncSession, claimed: Sequence[Claimed], now: datetime
    ) -> list[Ready]:
        ready = await self._origin.prepare(session, claimed, now)
        for one in ready:
            one.render = partial(self._render, one.render)
        return ready

    def _render(self, render: RenderCall) -> Rendered:
        self._rendered()
        return render()

    async def settled(
        self, session: AsyncSession, results: Sequence[Result], now: datetime
    ) -> None:
        await self._origin.settled(session, results, now)


class Crowd:
    """People whose messages are due at once, and a pump whose every rendering is a stretch."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pumps, "_STRETCH_S", 0.0)
        self.world = world
        self.rendered = 0
        self.time = SlowTime()
        self.sent, self.sent_to_all = asyncio.Event(), asyncio.Event()
        self._left = PEOPLE
        self.channel = Recorder(world.clock, refuse=self._note)
        origin = Counted(world.origins["enrollment"], self._count)
        dispatcher = Dispatcher(
            world.database,
            world.clock,
            self.time,
            {**world.origins, "enrollment": origin},
            {"telegram": self.channel},
            "w",
        )
        self.pump = Pump(dispatcher, asyncio.Event(), in_flight=50)

    async def come(self) -> None:
        async with self.world.database.transaction() as session:
            for number in range(1, PEOPLE + 1):
                person = TelegramPerson(number, f"P{number}", language="en")
                known = await by_telegram(session, "main", person, self.world.clock.now())
                await switch.start(
                    session,
                    self.world.store.library,
                    known.contact_id,
                    known.address_id,
                    self.world.clock.now(),
                )

    async def count(self, model: type[QueueRow | InflightRow]) -> int:
        async with self.world.database.reading() as session:
            return await session.scalar(select(func.count()).select_from(model)) or 0

    def _count(self) -> None:
        self.rendered += 1

    def _note(self, outgoing: Outgoing) -> None:
        self.sent.set()
        self._left -= 1
        if not self._left:
            self.sent_to_all.set()


@pytest.fixture
async def crowd(database: Database, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    crowd = Crowd(await new_world(database, clock), monkeypatch)
    await crowd.come()
    return crowd


async def test_a_stop_does_not_wait_for_what_is_not_rendered_yet(crowd: Crowd) -> None:
    async def stop() -> None:
        await crowd.sent.wait()
        await crowd.pump.stop(5.0)

    await asyncio.gather(crowd.pump.run(), stop())
    assert 0 < crowd.rendered < PEOPLE
    assert crowd.rendered == len(crowd.channel.sent)
    assert await crowd.count(InflightRow) == 0
    assert await crowd.count(QueueRow) == PEOPLE  # the next message of those who have got one


async def test_what_is_late_by_then_is_put_back_without_being_rendered(crowd: Crowd) -> None:
    async def fall_asleep() -> None:
        await crowd.sent.wait()
        crowd.time.ahead_us = 11_000_000
        await crowd.sent_to_all.wait()
        await crowd.pump.stop(5.0)

    await asyncio.gather(crowd.pump.run(), fall_asleep())
    assert crowd.rendered == PEOPLE
    assert await crowd.count(InflightRow) == 0
